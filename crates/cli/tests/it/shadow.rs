//! `run --mode shadow`: everything is said, and nothing happened.

use std::process::Command;

use crate::binary::Place;

const RELEASE: &str = r#"
name: release
repository: {source: project, base: main}
stages:
  - {name: build, worktree: true, run: 'echo built | tee built; touch "$HOME_OF_TEST/built"', outputs: {version: string}}
  - name: implement
    agent: implementer
    task: 'Ship ${stages.build.outputs.version}'
  - name: approve
    noop: true
    requires_approval: {approvers: [ana], timeout: 1h}
  - {name: merge, merge: {from: build, into: main}}
"#;

#[test]
fn a_shadow_run_says_everything_and_does_nothing() {
    let place = Place::with("release.yaml", RELEASE);
    let here = place.path().display().to_string();
    let config = format!(
        "notify:\n  targets:\n    page: {{kind: command, command: [touch, {here}/told]}}\n  \
         rules: [{{on: [run.succeeded], to: [page]}}]\n"
    );
    place.write("data/config.yaml", &config);
    let git = "mkdir project; cd project; git init -q -b main; git config user.name ana; \
               git config user.email ana@example.org; git commit -q --allow-empty -m first";
    let made = Command::new("sh").args(["-ec", git]).current_dir(place.path()).status().unwrap();
    assert!(made.success());

    let ended = place.run(&["run", "release.yaml", "--mode", "shadow"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    for part in [
        "would run echo built",
        "would run the agent implementer: Ship <stages.build.outputs.version>",
        "would ask ana to approve its start until ",
        "would merge build into main",
        "would tell page that the run succeeded",
    ] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let told = ended.stderr.lines().filter(|line| line.contains(" Would ")).count();
    assert_eq!(told, 5, "{}", ended.stderr);
    assert!(ended.stdout.contains("Would have release#1"), "{}", ended.stdout);
    let counts = "4 stages would have run, people would have been asked 1 time, others told 1 time";
    assert!(ended.stdout.contains(counts), "{}", ended.stdout);
    for name in ["built", "told"] {
        assert!(!place.path().join(name).exists(), "{name} is there");
    }
    let branches = "cd project; git branch --list; git worktree list";
    let output = Command::new("sh").args(["-c", branches]).current_dir(place.path()).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");

    let shown = place.run(&["runs", "show", "release#1"]);
    assert!(shown.stdout.contains("shadow run"), "{}", shown.stdout);
    assert!(shown.stdout.contains("would merge build into main"), "{}", shown.stdout);
    let listed = place.run(&["runs", "list", "--mode", "shadow", "--columns", "run,mode"]);
    assert!(listed.stdout.contains("release#1  shadow"), "{}", listed.stdout);
    let none = place.json(&["runs", "list", "--mode", "production"]);
    assert_eq!(none["data"].as_array().unwrap().len(), 0);
    let feed = place.run(&["run", "release.yaml", "--mode", "shadow", "--output", "ndjson"]);
    assert!(feed.stdout.contains("stage.would_have"), "{}", feed.stdout);
}

#[test]
fn a_run_is_never_bolder_than_its_installation() {
    let place = Place::with("one.yaml", "{name: one, stages: [{name: a, run: touch done}]}");
    let switched = place.run(&["rollout", "switch", "shadow"]);
    assert_eq!(switched.code, Some(0), "{}", switched.stderr);
    let refused = place.run(&["run", "one.yaml", "--mode", "production"]);
    assert_eq!(refused.code, Some(5), "{}", refused.stderr);
    assert!(refused.stderr.contains("this installation is in shadow mode"), "{}", refused.stderr);
    assert!(refused.stderr.contains("orchestrate rollout switch production"), "{}", refused.stderr);
    let ended = place.run(&["run", "one.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("would run touch done"), "{}", ended.stderr);
    assert!(!place.path().join("done").exists());
}
