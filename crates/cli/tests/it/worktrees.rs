//! Stages that work in a repository, and what they made of it goes into a branch: through the binary.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::binary::{Ended, Place};

fn ok(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    &ended.stdout
}

fn git(directory: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script]).current_dir(directory);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "ana");
        command.env(format!("GIT_{role}_EMAIL"), "ana@example.org");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const FEATURE: &str = r#"
name: feature
repository: {source: project, base: main}
inputs: {line: string}
stages:
  - name: implement
    foreach: [one, two]
    worktree: true
    env: {FILE: "${item}", LINE: "${line}"}
    run: echo "$LINE by $FILE" > "$FILE"
  - name: test
    foreach: [one, two]
    worktree: implement
    env: {FILE: "${item}"}
    run: grep by "$FILE"
  - name: merge
    merge: {from: implement, check: "test -e one && test -e two"}
  - name: say
    env: {COMMIT: "${stages.merge.outputs.commit}", WHERE: "${stages.merge.outputs.delivered}"}
    run: echo "$WHERE is at $COMMIT"
"#;

fn place() -> Place {
    let place = Place::with("feature.yaml", FEATURE);
    let path = place.path();
    std::fs::create_dir(path.join("project")).unwrap();
    git(
        &path.join("project"),
        "git init -q -b main; echo hello > README; git add .; git commit -qm first; git checkout -q -b mine",
    );
    place
}

#[test]
fn what_stages_made_in_worktrees_is_merged_and_the_checkout_is_left_alone() {
    let place = place();
    let project = place.path().join("project");
    ok(&place.run(&["run", "feature.yaml", "-p", "line=made"]));
    assert_eq!(git(&project, "git show main:one main:two"), "made by one\nmade by two");
    assert_eq!(
        git(&project, "git status --porcelain; git branch --show-current; ls"),
        "mine\nREADME"
    );
    let said = place.run(&["logs", "feature", "--stage", "say", "--raw"]).stdout;
    assert_eq!(said.trim(), format!("main is at {}", git(&project, "git rev-parse main")));
    let trailers = git(&project, "git log --format=%B main");
    assert!(
        trailers.contains("Orch-Run: feature#1") && trailers.contains("Orch-Stage: implement[2]")
    );
}

#[test]
fn a_merge_that_does_not_hold_fails_its_stage_and_moves_nothing() {
    let place = place();
    let project = place.path().join("project");
    let before = git(&project, "git rev-parse main");
    let broken = FEATURE.replace("test -e two", "test -e three");
    place.write("feature.yaml", &broken);
    let ended = place.run(&["run", "feature.yaml", "-p", "line=made"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stdout);
    let log = place.run(&["logs", "feature", "--stage", "merge", "--raw"]).stdout;
    assert!(log.contains("does not pass its check"), "{log}");
    assert_eq!(git(&project, "git rev-parse main"), before);
}

#[test]
fn a_conflict_names_its_files_and_both_branches_stay() {
    let place = place();
    let project = place.path().join("project");
    let both = FEATURE.replace(r#"> "$FILE""#, "> same").replace(r#"grep by "$FILE""#, "true");
    place.write("feature.yaml", &both);
    let ended = place.run(&["run", "feature.yaml", "-p", "line=made"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stdout);
    let log = place.run(&["logs", "feature", "--stage", "merge", "--raw"]).stdout;
    assert!(log.contains("does not merge into `main`: same"), "{log}");
    assert_eq!(git(&project, "git rev-list --count main"), "1");
    let clones = place.path().join("data/git");
    let clone = std::fs::read_dir(clones).unwrap().map(|entry| entry.unwrap().path());
    let clone = clone.into_iter().find(|path| path.is_dir()).unwrap();
    assert_eq!(git(&clone, "git for-each-ref refs/heads/orch | wc -l"), "2");
}

#[test]
fn worktrees_of_old_runs_go_and_what_was_in_them_stays_reachable() {
    let place = place();
    let left = "name: feature\nrepository: {source: project, base: main}\ninputs: {line: string}\nstages:\n  \
                - name: implement\n    foreach: [one, two]\n    worktree: true\n    on_failure: continue\n    \
                env: {FILE: '${item}'}\n    run: echo left > \"$FILE\"; exit 1\n";
    place.write("feature.yaml", left);
    let mut run = place.command(&["run", "feature.yaml", "-p", "line=made"]);
    run.env("ORCHESTRATE_CLOCK", "2020-01-01T12:00:00Z").output().unwrap();
    let doctor = || {
        let checks = place.run(&["doctor", "--output", "json"]).stdout;
        let checks: Value = serde_json::from_str(&checks).unwrap();
        let mut checks = checks["data"].as_array().unwrap().clone().into_iter();
        checks.find(|check| check["name"] == "worktrees").unwrap()
    };
    assert_eq!((&doctor()["state"], &doctor()["found"]), (&json!("ok"), &json!("2 worktrees")));
    place.write("data/worktrees/notes/mine/file", "x");
    assert!(doctor()["found"].as_str().unwrap().contains("no clone knows of"), "{}", doctor());
    let dry = place.json(&["retention", "--dry-run"]);
    let trees = |done: &Value| {
        let items = done["data"]["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["kind"] == "worktrees").map(|item| item["count"].clone())
    };
    assert_eq!(trees(&dry), Some(json!(2)), "the run's, and what nobody knows: {dry}");
    let done = place.json(&["retention", "--yes"]);
    assert_eq!(trees(&done), Some(json!(1)), "{done}");
    let problems = done["data"]["problems"].to_string();
    assert!(problems.contains("holds what is no worktree"), "{problems}");
    assert_eq!(place.read("data/worktrees/notes/mine/file"), "x", "it may be anybody's");
    assert_eq!(std::fs::read_dir(place.path().join("data/worktrees")).unwrap().count(), 1);
    let clones = std::fs::read_dir(place.path().join("data/git")).unwrap();
    let clone = clones.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let kept = "for ref in $(git for-each-ref --format='%(refname)' refs/orch/kept); do \
                git ls-tree --name-only $ref; done | grep -v README | sort; \
                git for-each-ref refs/heads/orch | wc -l";
    assert_eq!(git(&clone, kept), "one\ntwo\n2", "nothing of it is lost");
    // A new run of the same pipeline works as ever.
    place.write("feature.yaml", FEATURE);
    ok(&place.run(&["run", "feature.yaml", "-p", "line=made"]));
}
