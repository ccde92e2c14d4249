//! Tasks through the binary, also when it is killed between what belongs together.

use std::collections::BTreeSet;

use crate::binary::{Ended, Place};

fn ok(ended: &Ended) -> &str {
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    &ended.stdout
}

/// Two attempts in one place would see each other.
const SHARED: &str = r##"
name: shared
inputs: {place: string}
stages:
  - name: work
    grace: 20s
    env: {PLACE: "${place}", ME: "${run.name}"}
    run: |
      cd "$PLACE"
      mkdir busy || { echo "$ME is not alone" >> said; exit 3; }
      trap 'rmdir busy; echo "$ME left" >> said; exit 1' TERM
      echo "$ME" >> said
      if [ ! -e last ]; then : < gate; sleep 600 & wait $!; fi
      rmdir busy
"##;

fn place() -> Place {
    let place = Place::with("shared.yaml", SHARED);
    let input = format!("place={}", place.path().display());
    ok(&place.run(&["pipeline", "create", "shared.yaml"]));
    ok(&place.run(&["task", "create", "Share", "--pipeline", "shared", "-p", &input]));
    place
}

fn names(place: &Place) -> Vec<String> {
    let runs = place.json(&["task", "runs", "TASK-1", "--limit", "1000"]);
    let runs = runs["data"].as_array().unwrap().clone();
    runs.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
}

/// SEMANTICS 12, number 20, with the process killed at each place of the turn that starts.
#[test]
fn two_starts_of_a_task_never_share_a_number_or_a_workspace_whatever_kill_does() {
    let mut killed = 0;
    for point in ["drained", "decided", "synced", "ordered", "replied"] {
        for pass in [1, 2, 3] {
            killed += u32::from(cut(point, pass));
        }
    }
    assert!(killed >= 8, "only {killed} starts were cut: are the failpoints still there?");
}

fn cut(point: &str, pass: u32) -> bool {
    let place = place();
    let story = format!("{point}:{pass}");
    place.gate("gate");
    let first = place.start(&["task", "start", "TASK-1"]);
    drop(place.wait_at("gate"));
    // Its work goes on without it.
    first.signal("KILL");
    drop(first.end());
    place.write("last", "");
    // The second replaces the first, and is killed on the way.
    let mut command = place.command(&["task", "start", "TASK-1"]);
    let second = command.env("ORCHESTRATE_FAILPOINT", &story).output().unwrap();
    // Killed itself, or the driver that it asked.
    let was_cut = !second.status.success();
    // Whoever comes next takes up what was stored, and starts once more; again where it still met
    // the one that was being killed.
    let third = place.run(&["task", "start", "TASK-1"]);
    if third.code == Some(7) {
        ok(&place.run(&["task", "start", "TASK-1"]));
    } else {
        ok(&third);
    }
    let runs = names(&place);
    let unique: BTreeSet<_> = runs.iter().collect();
    assert_eq!(unique.len(), runs.len(), "{story}: {runs:?}");
    let wanted: Vec<String> = (1..=runs.len()).rev().map(|n| format!("TASK-1-{n}")).collect();
    assert_eq!(runs, wanted, "{story}");
    let said = place.read("said");
    assert!(!said.contains("not alone"), "{story}: {said}");
    assert!(!place.path().join("busy").exists(), "{story}: {said}");
    let task = place.json(&["task", "show", "TASK-1"]);
    assert_eq!(task["data"]["status"]["derived"], "done", "{story}: {task}");
    was_cut
}

#[test]
fn a_run_of_a_task_is_named_after_it_everywhere() {
    let place = Place::with(
        "hello.yaml",
        "name: hello\nstages:\n  - name: say\n    env: {T: \"${task.title}\"}\n    run: echo \"$T\"; pwd\n",
    );
    ok(&place.run(&["pipeline", "create", "hello.yaml"]));
    ok(&place.run(&["task", "add", "Say it", "--id", "SAY", "--pipeline", "hello"]));
    let started = place.run(&["task", "start", "SAY"]);
    ok(&started);
    assert!(started.stderr.contains("SAY-1"), "{}", started.stderr);
    let log = place.run(&["logs", "SAY-1"]);
    assert!(ok(&log).contains("Say it"), "{}", log.stdout);
    assert!(log.stdout.contains("workspaces/SAY-1"), "{}", log.stdout);
    for args in [["runs", "show", "SAY-1"], ["runs", "show", "SAY"], ["runs", "show", "hello#1"]] {
        let shown = place.run(&args);
        assert!(ok(&shown).contains("SAY-1"), "{args:?}: {}", shown.stdout);
    }
    let list = place.run(&["runs", "list", "--task", "SAY"]);
    assert!(ok(&list).contains("SAY-1"), "{}", list.stdout);
    let events = place.json(&["runs", "events", "SAY-1"]);
    assert_eq!(events["data"][0]["body"]["task"]["id"], "SAY");
    let info = place.path().join("data/pipelines/hello/runs/v1/run_info.json");
    let info = std::fs::read_to_string(info).unwrap();
    assert!(info.contains("\"name\": \"SAY-1\""), "{info}");
}

#[test]
fn what_a_task_refuses_says_what_to_do_instead() {
    let place = Place::with("p.yaml", "name: p\nstages: [{name: a, run: 'true'}]\n");
    let ended = place.run(&["task", "show", "TASK-1"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    ok(&place.run(&["task", "create", "First"]));
    let ended = place.run(&["task", "start", "TASK-1"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("orchestrate task update TASK-1 --pipeline"), "{}", ended.stderr);
    ok(&place.run(&["pipeline", "create", "p.yaml"]));
    ok(&place.run(&["task", "create", "Second", "--pipeline", "p", "--after", "TASK-1"]));
    let ended = place.run(&["task", "start", "TASK-2"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot start before TASK-1"), "{}", ended.stderr);
    ok(&place.run(&["task", "update", "TASK-1", "--status", "done"]));
    ok(&place.run(&["task", "start", "TASK-2"]));
    let listed = place.run(&["task", "list", "--columns", "task,wanted,status", "--no-header"]);
    let rows: Vec<Vec<&str>> =
        ok(&listed).lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows, [["TASK-2", "in-progress", "Done"], ["TASK-1", "done", "Done"]]);
    let ended = place.run(&["task", "delete", "TASK-1"]);
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    ok(&place.run(&["task", "update", "TASK-2", "--after", ""]));
    ok(&place.run(&["task", "delete", "TASK-1"]));
}
