//! A person takes the place of an agent, through the binary: while servers and harnesses are killed.

use std::process::Command;

use serde_json::{Value as Json, json};

use crate::binary::{Ended, Place};

/// The first turn ends only when somebody takes over: its agent would wait for ever.
fn place() -> Place {
    let first = json!([{ "text": "I begin." }, { "hang": true }]);
    let second = json!([{ "text": "I go on as you said." }]);
    let script = json!({ "turns": [first, second] });
    let feature = json!({
        "name": "feature",
        "stages": [{ "name": "build", "agent": "implementer", "task": "Write hello.txt",
            "adapter": { "kind": "mock", "script": script },
            "validate": "grep -q hand hello.txt" }],
    });
    Place::with("feature.yaml", &feature.to_string())
}

fn ok(ended: Ended) -> String {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    ended.stdout + &ended.stderr
}

fn takeover(place: &Place) -> Json {
    place.json(&["agent", "attach", "feature", "build", "--print"])["data"].clone()
}

fn stage(place: &Place) -> Json {
    place.json(&["runs", "show", "feature"])["data"]["stages"][0].clone()
}

#[test]
fn a_person_works_in_a_terminal_and_the_agent_goes_on() {
    let place = place();
    ok(place.run(&["run", "feature.yaml", "--detach"]));
    let mut attach = place.command(&["agent", "attach", "feature", "build"]);
    // The shell of the person, who types this and leaves.
    place.write("typed", "echo by hand > hello.txt\n");
    let typed = std::fs::File::open(place.path().join("typed")).unwrap();
    let ended = attach.env("SHELL", "/bin/sh").stdin(typed).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("orchestrate agent hand-back feature#1 build"), "{said}");
    assert_eq!(stage(&place)["status"], "held_by_human");
    let back = ["agent", "hand-back", "feature", "build", "--note", "It is there now."];
    assert!(ok(place.run(&back)).contains("its agent goes on"));
    ok(place.run(&["runs", "talk", "feature", "--stage", "build", "-f"]));
    let outputs = &stage(&place)["outputs"];
    assert_eq!(outputs["text"], "I go on as you said.");
    let log = ok(place.run(&["logs", "feature", "--stage", "build", "--raw"]));
    assert!(log.contains("handed back to implementer: It is there now."), "{log}");
    let again = place.run(&back);
    assert_eq!(again.code, Some(5), "{}", again.stderr);
}

#[test]
fn a_hold_survives_a_kill_of_the_server_and_of_the_harness() {
    let place = place();
    let mut run = place.start(&["run", "feature.yaml"]);
    run.says("feature#1");
    let held = takeover(&place);
    assert_eq!((&held["status"], &held["hold"]), (&json!("held"), &json!(1)), "{held}");
    run.signal("KILL");
    assert_eq!(run.end().code, None);
    let mut resumed = place.start(&["runs", "resume", "feature#1"]);
    resumed.says("Following");
    let line = takeover(&place)["attach"]["command"].as_str().unwrap().to_owned();
    // The harness of the attempt, and nothing else of it.
    let attempt = stage(&place)["attempts"][0].clone();
    let pid = attempt["pid"].as_u64().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    let attach = loop {
        let held = takeover(&place);
        assert_eq!((&held["status"], &held["hold"]), (&json!("held"), &json!(1)), "{held}");
        if stage(&place)["attempts"].as_array().unwrap().len() > 1 {
            break held["attach"].clone();
        }
    };
    assert_eq!(attach["command"], line.as_str(), "the way in stays the same");
    let person = format!("{line} -c 'echo by hand > hello.txt'");
    let mut shell = Command::new("sh");
    assert!(shell.args(["-c", &person]).env("SHELL", "/bin/sh").status().unwrap().success());
    let back = place.run(&["agent", "hand-back", "feature", "build", "--accept"]);
    assert!(ok(back).contains("what is there is the result"));
    let ended = resumed.end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(stage(&place)["outputs"]["text"].as_str().unwrap().ends_with("did the work."));
}

#[test]
fn what_is_held_can_be_cancelled() {
    let place = place();
    let mut run = place.start(&["run", "feature.yaml"]);
    run.says("feature#1");
    takeover(&place);
    ok(place.run(&["runs", "cancel", "feature"]));
    assert_eq!(run.end().code, Some(11));
    let late = place.run(&["agent", "hand-back", "feature", "build"]);
    assert_eq!(late.code, Some(5), "{}", late.stderr);
    assert!(late.stderr.contains("cancelled"), "{}", late.stderr);
}
