//! What would be done, in words and in full.

use jiff::Timestamp;
use pipeline::model::{Form, Work};
use serde_json::{Value as Json, json};

use super::intention;
use crate::agent::who;
use crate::desired::{PythonProgram, Task, TaskWork};
use crate::event::{Deed, Failure, FormOpened, Intention};
use crate::follow::people::resolve;
use crate::run::Run;
use crate::scope::{Notes, RunScope};
use crate::shown::task_json;
use crate::state::people::Asked;
use crate::state::{ExecIx, later};

/// Of a text in a sentence.
const EXCERPT: usize = 100;

impl Run {
    pub(super) fn would_work(&self, ix: ExecIx, task: &Task, notes: &Notes) -> Intention {
        let stage = self.model(ix.stage);
        let (kind, says) = match &task.work {
            TaskWork::Command { argv } => {
                let script = argv.last().map(String::as_str).unwrap_or_default();
                (Deed::Run, format!("would run {}", excerpt(script)))
            }
            TaskWork::Python { program, .. } => match program {
                PythonProgram::File(path) => (Deed::Run, format!("would run python {path}")),
                PythonProgram::Code(code) => {
                    (Deed::Run, format!("would run the Python code {}", excerpt(code)))
                }
            },
            TaskWork::Child { pipeline, .. } => {
                (Deed::Start, format!("would start a run of {pipeline}"))
            }
            TaskWork::Merge(merge) => {
                let into = merge.into.as_deref().or(merge.repository.base.as_deref());
                let into = into.unwrap_or("the branch of the repository");
                (Deed::Merge, format!("would merge {} into {into}", merge.from.join(", ")))
            }
            TaskWork::Agent(agent) => {
                let text = excerpt(&agent.task);
                (Deed::Agent, format!("would run the agent {}: {text}", who(&agent.work)))
            }
        };
        let place = stage.environment.as_ref().map(|name| format!(" in {name}"));
        let mut details = task_json(task);
        if let Json::Object(map) = &mut details {
            if let (TaskWork::Agent(agent), Work::Agent(_)) = (&task.work, &stage.work)
                && let Some(model) = &agent.work.tuning.model
            {
                map.insert("model".to_owned(), json!(model));
            }
            if let Some(tree) = &task.worktree {
                let of = &tree.repository;
                let (repository, base) = (&of.source, &of.base);
                let tree = json!({ "repository": repository, "base": base, "of": tree.owner });
                map.insert("worktree".to_owned(), tree);
            }
            if let Some(environment) = &stage.environment {
                map.insert("environment".to_owned(), json!(environment));
            }
        }
        intention(kind, says + place.as_deref().unwrap_or_default(), details, notes)
    }

    pub(super) fn would_approve(
        &self,
        ix: ExecIx,
        gate: &str,
        asked: Asked<'_>,
        now: Timestamp,
        notes: &Notes,
    ) -> Result<Intention, Failure> {
        let policy = asked.policy();
        let scope = RunScope { notes: Some(notes), ..RunScope::of(self, ix) };
        let instructions = resolve(asked.instructions, &scope)?;
        let (of, people) = (&policy.electorate, &policy.electorate.approvers);
        let due = later(now, of.timeout);
        let what = if gate == "start" { "its start" } else { "its result" };
        let needed = policy.needed as usize;
        let who = match people.len() {
            0 if needed > 1 => format!("{needed} people who may decide"),
            0 => "whoever may decide".to_owned(),
            all if all > needed => format!("{needed} of {}", people.join(", ")),
            _ => people.join(", "),
        };
        let told = self.told(self.targets("approval.requested"));
        let says = format!("would ask {who} to approve {what} until {}{told}", minute(due));
        let details = json!({
            "gate": gate,
            "approvers": people,
            "needed": policy.needed,
            "due": due,
            "on_timeout": of.on_timeout,
            "environment": policy.environment,
            "instructions": instructions,
            "notify": self.targets("approval.requested"),
        });
        Ok(intention(Deed::Ask, says, details, notes))
    }

    pub(super) fn would_fill_in(
        &self,
        form: &Form,
        opened: &FormOpened,
        notes: &Notes,
    ) -> Intention {
        let who = match form.assignees.as_slice() {
            [] => "somebody".to_owned(),
            people => people.join(", "),
        };
        let fields: Vec<&str> = form.fields.keys().map(String::as_str).collect();
        let until = opened.due.map(|due| format!(" until {}", minute(due))).unwrap_or_default();
        let told = self.told(self.targets("input.requested"));
        let says = format!("would ask {who} for {}{until}{told}", fields.join(", "));
        let details = json!({
            "fields": fields,
            "assignees": form.assignees,
            "values": opened.values,
            "due": opened.due,
            "instructions": opened.instructions,
            "notify": self.targets("input.requested"),
        });
        intention(Deed::Ask, says, details, notes)
    }

    fn told(&self, targets: &[String]) -> String {
        if targets.is_empty() {
            String::new()
        } else {
            format!(", and tell {}", targets.join(", "))
        }
    }
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Its first line.
fn excerpt(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let cut = first.char_indices().nth(EXCERPT).map(|(end, _)| end);
    match (cut, lines.next()) {
        (Some(end), _) => format!("{}…", &first[..end]),
        (None, Some(_)) => format!("{first} …"),
        (None, None) => first.to_owned(),
    }
}
