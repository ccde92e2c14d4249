//! Templates, each initialised and run whole through the binary, people's answers included.

mod cd;
mod council;
mod feature;
mod release;
mod security;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::binary::{Ended, Going, Place};

/// A project, with the data folder beside it.
struct Project {
    place: Place,
    name: String,
}

/// A project with git, and with this template in it.
fn project(template: &str) -> Project {
    let project = bare(template);
    project.git(
        "git init -q -b main; git config user.name ana; git config user.email ana@example.org",
    );
    project
}

/// Without git.
fn bare(template: &str) -> Project {
    let project = Project { place: Place::new(), name: template.to_owned() };
    std::fs::create_dir(project.path()).unwrap();
    let written = project.run(&["pipeline", "init", template]);
    assert_eq!(written.stdout, format!("pipelines/{template}.yaml\n"), "{}", written.stderr);
    project
}

impl Project {
    fn path(&self) -> PathBuf {
        self.place.path().join("project")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.place.command(args);
        command.current_dir(self.path());
        // Whoever runs the tests may have an identity of their own for git.
        for name in ["AUTHOR", "COMMITTER"] {
            command.env_remove(format!("GIT_{name}_NAME")).env_remove(format!("GIT_{name}_EMAIL"));
        }
        command
    }

    fn run(&self, args: &[&str]) -> Ended {
        let output = self.command(args).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn json(&self, args: &[&str]) -> Value {
        let ended = self.run(&[args, &["--output", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The template's pipeline, up to where it ends or waits for somebody.
    fn begin(&self, args: &[&str]) -> Ended {
        let file = format!("pipelines/{}.yaml", self.name);
        self.run(&[&["run", &file, "--exit-on-wait"], args].concat())
    }

    /// The same, which has to end well without asking anybody.
    fn done(&self, args: &[&str]) {
        let ended = self.begin(args);
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, self.log());
    }

    /// The same, which has to wait for one approval: its number.
    fn asks(&self, args: &[&str]) -> String {
        let ended = self.begin(args);
        assert_eq!(ended.code, Some(13), "{}\n{}", ended.stderr, self.log());
        self.pending()
    }

    fn pending(&self) -> String {
        let pending = self.json(&["approval", "list", "--pending"]);
        let pending = pending["data"].as_array().unwrap();
        assert_eq!(pending.len(), 1, "{pending:?}");
        pending[0]["id"].as_str().unwrap().to_owned()
    }

    /// Approves, and follows the run to its end.
    fn approve(&self, gate: &str) -> Ended {
        let said = self.run(&["approval", "approve", gate]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        self.follow()
    }

    fn follow(&self) -> Ended {
        self.run(&["logs", &self.name, "-f", "--quiet"])
    }

    fn reject(&self, gate: &str) -> Ended {
        let said = self.run(&["approval", "reject", gate, "--reason", "not today"]);
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        self.follow()
    }

    fn log(&self) -> String {
        self.run(&["logs", &self.name]).stdout
    }

    /// A stage of the last run.
    fn stage(&self, name: &str) -> Value {
        let run = self.json(&["runs", "show", &self.name]);
        let stages = run["data"]["stages"].as_array().unwrap();
        let found = stages.iter().find(|stage| stage["name"] == name);
        found.unwrap_or_else(|| panic!("no stage {name}: {stages:?}")).clone()
    }

    fn git(&self, script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(self.path());
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "ana");
            command.env(format!("GIT_{role}_EMAIL"), "ana@example.org");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.write("../message", message);
        self.git("git commit -q --allow-empty --cleanup=verbatim -F ../message");
    }

    fn write(&self, name: &str, text: &str) {
        self.place.write(&format!("project/{name}"), text);
    }

    fn read(&self, name: &str) -> String {
        self.place.read(&format!("project/{name}"))
    }
}

/// What a template does where there is nothing for it to do, and where there is no git at all.
#[test]
fn each_ends_well_in_an_empty_folder_and_in_an_empty_repository() {
    for template in ["ci", "cd", "release", "security", "feature", "council-review"] {
        for project in [bare(template), project(template)] {
            let mut ended = project.begin(&[]);
            while ended.code == Some(13) {
                ended = project.approve(&project.pending());
            }
            assert_eq!(ended.code, Some(0), "{template}: {}\n{}", ended.stderr, project.log());
        }
    }
}

#[test]
fn the_list_of_templates_is_what_can_be_written() {
    let place = Place::new();
    let listed = place.json(&["pipeline", "init"]);
    let listed = listed["data"].as_array().unwrap();
    assert!(listed.len() > 5, "{listed:?}");
    for template in listed {
        let name = template["name"].as_str().unwrap();
        let written = place.run(&["pipeline", "init", name]);
        assert_eq!(written.code, Some(0), "{}", written.stderr);
        let file = format!("pipelines/{name}.yaml");
        let checked = place.run(&["validate", "--strict", &file]);
        assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
    }
}
