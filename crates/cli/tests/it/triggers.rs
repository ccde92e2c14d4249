//! Triggers and events through the real binary.

use serde_json::json;

use crate::binary::Place;

const CI: &str = "
name: ci
inputs: {ref: {type: string, default: none}}
triggers:
  - {name: main, event: push, branches: [main], inputs: {ref: '${event.ref}'}}
  - {name: docs, event: push, paths: ['docs/**']}
stages: [{name: build, noop: true}]
";

#[test]
fn an_event_is_tried_given_shown_and_given_again() {
    let place = Place::with("ci.yaml", CI);
    assert_eq!(place.run(&["pipeline", "create", "ci.yaml"]).code, Some(0));
    let listed = place.run(&["trigger", "list"]);
    assert!(listed.stdout.contains("main     event  push (branches main)"), "{}", listed.stdout);
    let data = r#"{"branch": "main", "ref": "refs/heads/main", "paths": ["src/a"]}"#;
    let tried = place.run(&["trigger", "test", "push", "--data", data]);
    let wanted = "push starts ci\nci  starts\n  main: matches\n    + all of\n      + event push: that is what came\n      + branches [\"main\"]: main matches\n    input ref: \"refs/heads/main\"\n  docs: does not match\n    - all of\n      + event push: that is what came\n      - paths [\"docs/**\"]: 0 of 1 changed file match\n";
    assert_eq!(tried.stdout, wanted);
    let given = place.run(&["event", "emit", "push", "--id", "e-1", "--data", data]);
    assert!(given.stdout.contains("Emitted push e-1: started ci#1"), "{}", given.stdout);
    let shown = place.run(&["event", "show", "e-1"]);
    for part in ["e-1  push", "branch    main", "started   ci#1 (ci/main)", "ci  starts"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    let dry = place.run(&["event", "replay", "e-1", "--dry-run"]);
    assert_eq!(dry.stdout, wanted);
    let again = place.json(&["event", "replay", "e-1", "--pipeline", "ci"]);
    assert_eq!(again["data"]["started"], json!(["ci#2"]), "{again}");
    assert!(again["data"]["id"].as_str().unwrap().ends_with(":e-1"), "{again}");
    let runs = place.json(&["runs", "list"]);
    assert_eq!(runs["data"].as_array().unwrap().len(), 2);
    let missing = place.run(&["event", "show", "nothing"]);
    assert_eq!(missing.code, Some(4), "{}", missing.stderr);
    assert!(missing.stderr.contains("orchestrate event list"), "{}", missing.stderr);
}

#[test]
fn what_a_forge_sent_is_tried_from_a_file() {
    let place = Place::with("ci.yaml", CI);
    place.write("data/config.yaml", "sources: {gh: {kind: github, secret: {env: HOOK}}}\n");
    place.run(&["pipeline", "create", "ci.yaml"]);
    place.write("body.json", r#"{"ref": "refs/heads/main", "commits": [], "after": "1"}"#);
    let args = ["trigger", "test", "--delivery", "body.json", "--source", "gh"];
    let tried = place.run(&[&args[..], &["--header", "X-GitHub-Event: push"]].concat());
    assert!(tried.stdout.starts_with("push starts ci\n"), "{}{}", tried.stdout, tried.stderr);
    let unnamed = place.run(&args);
    assert!(unnamed.stderr.contains("X-GitHub-Event"), "{}", unnamed.stderr);
}
