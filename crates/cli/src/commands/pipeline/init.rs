//! `orchestrate pipeline init`

mod project;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::init::{tell_written, write_new};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output;
use project::{Found, Step};

const HEAD: &str = include_str!("../../../../../templates/ci/head.yaml");
const TAIL: &str = include_str!("../../../../../templates/ci/tail.yaml");
const GENERIC: &str = include_str!("../../../../../templates/ci/generic.yaml");

/// A template that is written as it stands.
macro_rules! whole {
    ($name:literal) => {
        include_str!(concat!("../../../../../templates/", $name, ".yaml"))
    };
}

/// Write a pipeline from a template that runs as it is in this project
///
/// Writes pipelines/NAME.yaml, which runs offline as it is: agents are scripted ones until
/// `-p agent=claude` or another adapter is given. `ci` looks for cargo, npm, python and make, and
/// takes commands that exist here. An existing file is never overwritten. Without a name the
/// templates are listed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline init
  orchestrate pipeline init ci && orchestrate run pipelines/ci.yaml
  orchestrate pipeline init ci --dir ../other-project
  orchestrate pipeline init release && orchestrate run pipelines/release.yaml -p dry_run=true")]
pub struct InitArgs {
    /// Which template
    #[arg(value_enum)]
    template: Option<Template>,
    /// Folder of the project
    #[arg(long, default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// Lint, then test, then build, with the commands of this project
    Ci,
    /// Build, staging, health check, approval, production, rollback by itself
    Cd,
    /// Version from the commits, CHANGELOG, bump, approval, commit and tag
    Release,
    /// Scan, report as Markdown and SARIF, an agent's fix, approval, merge
    Security,
    /// Plan, code in a worktree, checks, review, approval of the diff, merge
    Feature,
    /// Plan, specify, then implement twelve specifications, at most ten at once
    Cascade,
    /// Plan, specify, cut into phases, implement at most ten specifications at once
    Taskdaemon,
    /// Three agents judge a change and each other's judgement, a person decides
    CouncilReview,
}

impl Template {
    /// What is written as it stands; `None`: it depends on the project.
    fn text(self) -> Option<&'static str> {
        match self {
            Self::Ci => None,
            Self::Cd => Some(whole!("cd")),
            Self::Release => Some(whole!("release")),
            Self::Security => Some(whole!("security")),
            Self::Feature => Some(whole!("feature")),
            Self::Cascade => Some(whole!("cascade")),
            Self::Taskdaemon => Some(whole!("taskdaemon")),
            Self::CouncilReview => Some(whole!("council-review")),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn description(self) -> String {
        let value = self.to_possible_value();
        let help = value.as_ref().and_then(clap::builder::PossibleValue::get_help);
        help.map_or_else(String::new, ToString::to_string)
    }
}

pub(super) fn run(args: &InitArgs, context: &Context) -> Result<Exit> {
    let Some(template) = args.template else { return list(context) };
    let name = template.name();
    let path = args.dir.join(format!("pipelines/{name}.yaml"));
    if let Some(text) = template.text() {
        write_new(&path, text)?;
    } else {
        let found = project::look(&args.dir, &project::on_path);
        write_new(&path, &ci(&found, &format!("pipelines/{name}.yaml")))?;
        for note in found.iter().flat_map(|found| &found.notes) {
            context.note(note);
        }
    }
    tell_written(&path, context)?;
    Ok(Exit::Ok)
}

fn list(context: &Context) -> Result<Exit> {
    let all = Template::value_variants();
    if context.is_text() {
        for template in all {
            output::print(&format!("{:<16}{}\n", template.name(), template.description()))?;
        }
        context.note("write one: orchestrate pipeline init NAME");
        return Ok(Exit::Ok);
    }
    let rows: Vec<serde_json::Value> = all
        .iter()
        .map(|of| serde_json::json!({"name": of.name(), "description": of.description()}))
        .collect();
    let data = output::list(context.format(), "orchestrate.template.list/v1", &rows, None)?;
    output::print(&data)?;
    Ok(Exit::Ok)
}

/// The text of the pipeline: one chain lint, test, build for each tool.
fn ci(found: &[Found], file: &str) -> String {
    let useful: Vec<&Found> = found.iter().filter(|found| !found.steps.is_empty()).collect();
    if useful.is_empty() {
        return GENERIC.replace("@FILE@", file);
    }
    let names: Vec<&str> = useful.iter().map(|found| found.tool).collect();
    let mut text = HEAD.replace("@FOUND@", &names.join(", ")).replace("@FILE@", file);
    let mut last = Vec::new();
    for (place, found) in useful.iter().enumerate() {
        let suffix = if useful.len() > 1 { format!("-{}", found.tool) } else { String::new() };
        let mut before: Option<String> = None;
        for (number, step) in found.steps.iter().enumerate() {
            if place + number > 0 {
                text.push('\n');
            }
            let name = format!("{}{suffix}", step.name);
            text += &stage(step, &name, before.as_deref());
            before = Some(name);
        }
        last.extend(before);
    }
    text + &TAIL.replace("@LAST@", &last.join(", "))
}

fn stage(step: &Step, name: &str, before: Option<&str>) -> String {
    let script: String = step.script.lines().map(|line| format!("      {line}\n")).collect();
    let limit = if step.name == "test" { "    timeout: 1h\n" } else { "" };
    format!(
        "  - name: {name}\n    depends_on: [{}]\n    run: |\n{script}{limit}",
        before.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)], programs: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let text = ci(&project::look(folder.path(), &|name| programs.contains(&name)), "ci.yaml");
        let parsed = pipeline::parse(&text);
        assert!(parsed.diagnostics.is_empty(), "{}{text}", parsed.rendered("ci.yaml", false));
        text
    }

    #[test]
    fn a_cargo_project_gets_what_is_installed() {
        let files = [("Cargo.toml", "[package]\nname = \"x\"\n")];
        let all = project(&files, &["cargo", "cargo-fmt", "cargo-clippy"]);
        assert!(all.contains("cargo fmt --all --check"), "{all}");
        assert!(all.contains("cargo clippy"), "{all}");
        let bare = project(&files, &["cargo"]);
        assert!(!bare.contains("clippy") && bare.contains("cargo check"), "{bare}");
        assert!(project(&files, &[]).contains("placeholders"));
    }

    #[test]
    fn npm_runs_only_scripts_that_exist() {
        let package = r#"{"scripts": {"test": "node t.js", "build": "true"}}"#;
        let text = project(&[("package.json", package)], &["npm", "node"]);
        assert!(text.contains("npm run test") && text.contains("npm run build"), "{text}");
        assert!(!text.contains("lint") || !text.contains("npm run lint"), "{text}");
        let placeholder = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#;
        assert!(!project(&[("package.json", placeholder)], &["npm"]).contains("npm run test"));
    }

    #[test]
    fn several_tools_stand_side_by_side() {
        let files = [
            ("Makefile", "all:\n\ttrue\ntest: all\n\ttrue\nx := y\n"),
            ("Cargo.toml", "[package]\n"),
        ];
        let text = project(&files, &["make", "cargo"]);
        for part in
            ["name: test-make", "make test", "make all", "depends_on: [build-cargo, build-make]"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn every_template_is_accepted_as_it_is_written() {
        for template in Template::value_variants() {
            let Some(text) = template.text() else { continue };
            let parsed = pipeline::parse(text);
            let name = template.name();
            assert!(parsed.diagnostics.is_empty(), "{}", parsed.rendered(&name, false));
            assert!(text.contains(&format!("orchestrate run pipelines/{name}.yaml")), "{name}");
            assert!(text.contains(&template.description()), "{name}: its description");
        }
    }

    #[test]
    fn nothing_found_is_a_pipeline_too() {
        let text = project(&[], &["cargo", "npm", "make", "python3"]);
        assert!(text.contains("placeholders"));
    }
}
