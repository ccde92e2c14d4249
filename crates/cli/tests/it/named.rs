//! Failures that others are known for, seen through the binary: see `docs/failures.md`.

use std::process::Command;

use crate::binary::{Ended, Place};

fn ok(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    &ended.stdout
}

fn git(place: &Place, args: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(place.path()).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const WORKTREES: &str = r##"
name: trees
inputs: {name: string}
stages:
  - name: make
    depends_on: []
    foreach: [a, b, c]
    max_parallel: 1
    env: {NAME: "${name}-${item}"}
    run: |
      git worktree add -q -b "$NAME" "trees/$NAME"
      cd "trees/$NAME"
      echo "$NAME" > "$NAME.txt"
      git add . && git commit -q -m "$NAME"
      git rev-parse HEAD > ../../commit-"$NAME"
  - name: drop
    depends_on: make
    env: {NAME: "${name}-a"}
    run: |
      git worktree remove --force "trees/$NAME"
      git branch -q -D "$NAME"
      git gc -q --prune=now
    on_failure: continue
"##;

#[test]
fn what_is_cleaned_up_loses_no_object_that_another_run_reaches() {
    let place = Place::with("trees.yaml", WORKTREES);
    git(&place, &["init", "-q", "-b", "main"]);
    git(&place, &["config", "user.email", "somebody@example.org"]);
    git(&place, &["config", "user.name", "somebody"]);
    git(&place, &["commit", "-q", "--allow-empty", "-m", "first"]);
    for name in ["one", "two"] {
        ok(&place.run(&["run", "trees.yaml", "-p", &format!("name={name}")]));
    }
    let kept = ["one-b", "one-c", "two-b", "two-c"];
    let reachable = || {
        for branch in kept {
            let written = std::fs::read_to_string(place.path().join(format!("commit-{branch}")));
            assert_eq!(git(&place, &["rev-parse", branch]), written.unwrap().trim());
            assert_eq!(git(&place, &["show", &format!("{branch}:{branch}.txt")]), branch);
            assert!(place.path().join("trees").join(branch).join(".git").exists());
        }
        git(&place, &["fsck", "--connectivity-only"]);
    };
    reachable();
    // Everything by which the product takes something away.
    ok(&place.run(&["runs", "rewind", "trees#2", "--to", "make", "--pause", "--yes"]));
    ok(&place.run(&["runs", "cancel", "trees#2"]));
    ok(&place.run(&["pipeline", "rewind", "trees", "--to", "v1", "--yes"]));
    ok(&place.run(&["artifacts", "prune", "--keep-days", "0", "--yes"]));
    ok(&place.run(&["pipeline", "delete", "trees", "--yes"]));
    reachable();
}

#[test]
fn a_run_that_replaces_another_waits_until_its_workspace_is_empty() {
    let text = r##"
name: one
concurrency: {group: workspace, limit: 1, on_conflict: cancel_running}
stages:
  - name: work
    grace: 20s
    env: {NUMBER: "${run.number}"}
    run: |
      mkdir busy
      trap 'echo bye >> said; rmdir busy; exit 1' TERM
      : < gate-$NUMBER
      if [ "$NUMBER" = 1 ]; then sleep 600 & wait $!; fi
      echo done >> said
      rmdir busy
"##;
    let place = Place::with("one.yaml", text);
    // Each run has a gate of its own: the first may still hold its end when the second is waited for.
    place.gate("gate-1");
    place.gate("gate-2");
    ok(&place.run(&["run", "one.yaml", "--detach"]));
    // The first one is in the workspace, and stays there until it is told to leave.
    drop(place.wait_at("gate-1"));
    let second = place.start(&["run", "one.yaml"]);
    drop(place.wait_at("gate-2"));
    let ended = second.end();
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let said = std::fs::read_to_string(place.path().join("said")).unwrap();
    assert_eq!(said, "bye\ndone\n");
    assert_eq!(place.json(&["runs", "show", "one#1"])["data"]["status"], "cancelled");
    assert!(!place.path().join("busy").exists());
}
