//! `orchestrate pipeline init`

mod project;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::init::{tell_written, write_new};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use project::{Found, Step};

const HEAD: &str = include_str!("../../../../../templates/ci/head.yaml");
const TAIL: &str = include_str!("../../../../../templates/ci/tail.yaml");
const CASCADE: &str = include_str!("../../../../../templates/cascade.yaml");
const TASKDAEMON: &str = include_str!("../../../../../templates/taskdaemon.yaml");
const GENERIC: &str = include_str!("../../../../../templates/ci/generic.yaml");

/// Write a pipeline from a template that runs as it is in this project
///
/// `ci` looks for cargo, npm, python and make, and writes pipelines/ci.yaml with lint, test and
/// build of what it finds, with commands that exist here. `cascade` writes pipelines/cascade.yaml:
/// a plan becomes specifications, which are implemented side by side; its scripts only pretend.
/// `taskdaemon` writes pipelines/taskdaemon.yaml: agents plan, specify, cut into phases and implement,
/// each in a loop.
/// An existing file is never overwritten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline init ci && orchestrate run pipelines/ci.yaml
  orchestrate pipeline init ci --dir ../other-project
  orchestrate pipeline init cascade && orchestrate run pipelines/cascade.yaml
  orchestrate pipeline init taskdaemon && orchestrate run pipelines/taskdaemon.yaml")]
pub struct InitArgs {
    /// Which template
    #[arg(value_enum)]
    template: Template,
    /// Folder of the project
    #[arg(long, default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Template {
    /// Lint, then test, then build
    Ci,
    /// Plan, specify, then implement twelve specifications, at most ten at once
    Cascade,
    /// Four loops of agents: plan, specify, cut into phases, implement
    Taskdaemon,
}

pub(super) fn run(args: &InitArgs, context: &Context) -> Result<Exit> {
    match args.template {
        Template::Ci => {
            let file = "pipelines/ci.yaml";
            let found = project::look(&args.dir, &project::on_path);
            let path = args.dir.join(file);
            write_new(&path, &ci(&found, file))?;
            for note in found.iter().flat_map(|found| &found.notes) {
                context.note(note);
            }
            tell_written(&path, context)?;
        }
        Template::Cascade => written(args, "cascade", CASCADE, context)?,
        Template::Taskdaemon => written(args, "taskdaemon", TASKDAEMON, context)?,
    }
    Ok(Exit::Ok)
}

/// A template that is the same in every project.
fn written(args: &InitArgs, name: &str, text: &str, context: &Context) -> Result<()> {
    let path = args.dir.join(format!("pipelines/{name}.yaml"));
    write_new(&path, text)?;
    tell_written(&path, context)
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
    fn whole_templates_are_accepted_as_they_are_written() {
        for (name, text) in [("cascade.yaml", CASCADE), ("taskdaemon.yaml", TASKDAEMON)] {
            let parsed = pipeline::parse(text);
            assert!(parsed.diagnostics.is_empty(), "{}", parsed.rendered(name, false));
        }
    }

    #[test]
    fn nothing_found_is_a_pipeline_too() {
        let text = project(&[], &["cargo", "npm", "make", "python3"]);
        assert!(text.contains("placeholders"));
    }
}
