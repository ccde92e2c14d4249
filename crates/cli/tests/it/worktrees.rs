//! Stages that work in a repository, and what they made of it goes into a branch: through the binary.

use std::path::Path;
use std::process::Command;

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
