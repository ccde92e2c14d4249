//! The prompt of one iteration of a loop: the template of its type, filled in.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::{Prompt, system, text};
use crate::agent::{Agent, Job, Rounds};

/// More steps than any template needs; one that never ends is refused instead.
const FUEL: u64 = 1_000_000;

/// What an iteration is told of the work before it. In the first one all of it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// What the last iterations came to, a paragraph each.
    pub progress: String,
    /// What does not hold yet: the end of what the check said, or why there is no result.
    pub previous_errors: String,
    /// What agents noted for those who come after them.
    pub notes: String,
    /// Files that differ from those before the first iteration, a line each: `M src/a.rs`.
    pub git_status: String,
    /// How they differ; long ones are cut.
    pub git_diff: String,
}

/// The prompt of iteration `number`, from 1.
///
/// # Errors
/// What is wrong with the template: its syntax, a name that is not known, a loop that does not end.
pub fn iteration(
    job: &Job,
    agent: &Agent,
    rounds: &Rounds,
    number: u32,
    before: &Before,
) -> Result<Prompt, String> {
    let filled = Filled {
        task: &text(job),
        number,
        of: rounds.max_iterations,
        workspace: &job.workspace,
        output_file: rounds.output_file.as_deref().unwrap_or_default(),
        before,
    };
    let text = render(&rounds.template, filled.values()).map_err(|error| {
        let place = error.line().map_or(String::new(), |line| format!(", line {line}"));
        format!("the prompt of the loop `{}`{place}: {}", rounds.loop_type, words(&error))
    })?;
    Ok(Prompt { system: system(job, agent), text: text.trim().to_owned() })
}

/// Whether a template can be filled in, in a first iteration and in a later one.
///
/// # Errors
/// What is wrong with it.
pub fn check_template(template: &str) -> Result<(), String> {
    let word = || "x".to_owned();
    let later = Before {
        progress: word(),
        previous_errors: word(),
        notes: word(),
        git_status: word(),
        git_diff: word(),
    };
    for (number, before) in [(1, &Before::default()), (2, &later)] {
        let (task, workspace, output_file) = ("x", "/x", "x/x");
        let filled = Filled { task, number, of: 2, workspace, output_file, before };
        render(template, filled.values()).map_err(|error| {
            let place = error.line().map_or(String::new(), |line| format!("line {line}: "));
            format!("{place}{}", words(&error))
        })?;
    }
    Ok(())
}

fn words(error: &minijinja::Error) -> String {
    let detail = error.detail().map_or(String::new(), |detail| format!(": {detail}"));
    format!("{}{detail}", error.kind())
}

/// What a template is filled in with.
struct Filled<'f> {
    task: &'f str,
    number: u32,
    of: u32,
    workspace: &'f str,
    output_file: &'f str,
    before: &'f Before,
}

impl Filled<'_> {
    fn values(&self) -> Value {
        let output_dir = self.output_file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Before { progress, previous_errors, notes, git_status, git_diff } = self.before;
        Value::from_pairs([
            ("task", Value::from(self.task)),
            ("iteration", Value::from(self.number)),
            ("max_iterations", Value::from(self.of)),
            ("working_directory", Value::from(self.workspace)),
            ("output_file", Value::from(self.output_file)),
            ("output_dir", Value::from(output_dir)),
            ("progress", Value::from(progress.as_str())),
            ("previous_errors", Value::from(previous_errors.as_str())),
            ("notes", Value::from(notes.as_str())),
            ("git_status", Value::from(git_status.as_str())),
            ("git_diff", Value::from(git_diff.as_str())),
        ])
    }
}

fn render(template: &str, values: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // A name that is misspelt is told of; one that holds nothing is empty.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    // A line that holds only a tag leaves no empty line behind.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.render_str(template, values)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(template: &str, number: u32, before: &Before) -> Result<String, String> {
        let agent = json!({ "name": "a", "system": "You work.", "adapter": { "kind": "mock" } });
        let job: Job = serde_json::from_value(json!({
            "attempt": { "run": "r", "execution": "s", "number": 1, "fence": 1, "key": "k" },
            "run_name": "x#1", "stage": "s", "task": "Say {{ iteration }}.",
            "door": { "socket": "s", "token": "t" }, "memory": "/m", "workspace": "/w",
            "shape": { "kind": "single", "agent": agent }, "limits": {},
        }))
        .unwrap();
        let rounds: Rounds = serde_json::from_value(json!({
            "loop_type": "own", "template": template, "max_iterations": 4,
            "iteration_ms": null, "total_ms": null, "no_change": null, "same_failure": null,
            "repeated_tree": true, "progress_entries": 5, "progress_chars": 100,
            "output_file": "docs/plan.md",
        }))
        .unwrap();
        let agent: Agent = serde_json::from_value(agent).unwrap();
        iteration(&job, &agent, &rounds, number, before).map(|prompt| prompt.text)
    }

    #[test]
    fn a_template_is_filled_in_and_what_it_is_filled_with_is_no_template() {
        let before = Before { previous_errors: "{{ task }}".into(), ..Before::default() };
        let template = "{{ task }} {{ iteration }}/{{ max_iterations }} {{ output_dir }}\n\
                        {% if previous_errors %}\nErrors: {{ previous_errors }}\n{% endif %}\n\
                        {% if notes %}\nNotes\n{% endif %}\n";
        assert_eq!(
            asked(template, 2, &before).unwrap(),
            "Say {{ iteration }}. 2/4 docs\nErrors: {{ task }}"
        );
    }

    #[test]
    fn a_template_is_checked_before_there_is_a_job() {
        assert_eq!(check_template("{{ task }} {% if notes %}{{ notes }}{% endif %}"), Ok(()));
        let said = |template| check_template(template).unwrap_err();
        assert!(said("a\n{{ tusk }}").starts_with("line 2: undefined value"));
        let later = said("{% if previous_errors %}{{ errors }}{% endif %}");
        assert!(later.contains("undefined value"), "what only a later iteration says: {later}");
        assert!(said("{% for %}").contains("syntax error"));
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        for (template, says) in [
            ("{{ tusk }}", "line 1: undefined value"),
            ("a\n{% if %}", "line 2: syntax error"),
            (
                "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
                "ran out of fuel",
            ),
        ] {
            let said = asked(template, 1, &Before::default()).unwrap_err();
            assert!(said.contains(says) && said.contains("`own`"), "{said}");
        }
    }
}
