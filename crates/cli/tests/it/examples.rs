//! The examples do what their first lines say: each command in them is run as written.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::{Ended, Place};

/// Runs the whole of this repository's CI: only read here.
const TOO_LARGE: &str = "self-ci.yaml";
/// Waits for people: a test of its own.
const ASKS: &str = "release.yaml";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// A folder with the examples and a file to work on.
fn place() -> Place {
    let place = Place::with("a.rs", "fn main() {}\n");
    place.write("b.md", "# b\n");
    for (name, text) in all() {
        place.write(&format!("examples/{name}"), &text);
    }
    place
}

fn all() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect();
    all.sort();
    all
}

/// The commands in the comment at the top.
fn commands(text: &str) -> Vec<String> {
    let top = text.lines().take_while(|line| line.starts_with('#'));
    let lines = top.filter_map(|line| line.strip_prefix("#   orchestrate "));
    lines.map(|line| line.split("   ").next().unwrap().to_owned()).collect()
}

fn shell(place: &Place, command: &str) -> Ended {
    let bin = Path::new(env!("CARGO_BIN_EXE_orchestrate")).parent().unwrap();
    let mut sh = Command::new("sh");
    // What `Place` sets for the binary holds for the shell that starts it.
    for (name, value) in place.command(&[]).get_envs() {
        match value {
            Some(value) => sh.env(name, value),
            None => sh.env_remove(name),
        };
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = sh.args(["-c", &format!("orchestrate {command}")]);
    let output = output.current_dir(place.path()).env("PATH", path).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn every_example_runs_as_its_comment_says() {
    let place = place();
    for (name, text) in all() {
        let checked = place.run(&["validate", "--strict", &format!("examples/{name}")]);
        assert_eq!(checked.code, Some(0), "{}", checked.stdout);
        let commands = commands(&text);
        assert!(!commands.is_empty(), "examples/{name} does not say how to run it");
        if [TOO_LARGE, ASKS].contains(&name.as_str()) {
            continue;
        }
        for command in commands {
            let ended = shell(&place, &command);
            assert_eq!(ended.code, Some(0), "{command}: {}{}", ended.stdout, ended.stderr);
        }
    }
}

#[test]
fn the_release_asks_people_and_is_undone_as_its_comment_says() {
    let place = place();
    let first = format!("{} --exit-on-wait", commands(&place.read("examples/release.yaml"))[0]);
    assert_eq!(shell(&place, &first).code, Some(13));
    let asked = shell(&place, "input list").stdout;
    assert!(asked.contains("I-1"), "{asked}");
    let submitted = shell(&place, "input submit I-1 -p version=1.4.0 -p notes=Faster");
    assert_eq!(submitted.code, Some(0), "{}", submitted.stderr);
    let waits = shell(&place, "runs resume release --exit-on-wait --quiet");
    assert_eq!(waits.code, Some(13), "{}", waits.stderr);
    let asked = shell(&place, "approval list --pending").stdout;
    assert!(asked.contains("team-lead, devops"), "{asked}");
}

#[test]
fn the_commands_of_the_readme_are_those_of_the_first_example() {
    let readme = std::fs::read_to_string(examples().join("../README.md")).unwrap();
    let place = place();
    for command in [
        "run examples/first.yaml",
        "logs first#1",
        "pipeline status first#1",
        "runs events first#1",
    ] {
        assert!(readme.contains(&format!("cargo run -- {command}")), "README: {command}");
        let ended = shell(&place, command);
        assert_eq!(ended.code, Some(0), "{command}: {}", ended.stderr);
    }
}
