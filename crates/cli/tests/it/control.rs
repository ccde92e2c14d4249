//! Runs that are killed, cancelled, paused, left alone, served.

use std::io::Write as _;

use serde_json::Value;

use crate::binary::Place;

/// `b` waits at the gate.
const GATED: &str = r#"
name: gated
stages:
  - {name: a, depends_on: [], run: 'echo a >> counter'}
  - {name: b, depends_on: [a], run: 'echo b >> counter; echo before; cat gate'}
  - {name: c, depends_on: [b], run: 'echo c >> counter'}
"#;

fn gated() -> Place {
    let place = Place::with("gated.yaml", GATED);
    place.gate("gate");
    place
}

#[test]
fn a_killed_run_is_picked_up_by_the_next_command_and_ends_right() {
    let place = gated();
    let mut run = place.start(&["run", "gated.yaml"]);
    let mut gate = place.wait_at("gate");
    run.says("1/3 a");
    run.signal("KILL");
    assert_eq!(run.end().code, None);

    let status = place.run(&["status"]);
    assert_eq!(status.code, Some(0), "{}", status.stderr);
    assert!(status.stderr.contains("picked up gated#1"), "{}", status.stderr);
    assert!(status.stdout.contains("background driver"), "{}", status.stdout);
    let mut resumed = place.start(&["runs", "resume", "gated#1"]);
    resumed.says("Following  1/3 gated#1");
    gate.write_all(b"through the gate\n").unwrap();
    drop(gate);
    let resumed = resumed.end();
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);

    assert_eq!(place.read("counter"), "a\nb\nc\n");
    let log = place.run(&["logs", "gated", "--stage", "b", "--raw"]);
    assert_eq!(log.stdout, "before\nthrough the gate\n");
}

#[test]
fn a_run_cancelled_from_elsewhere_exits_with_11() {
    let place = gated();
    let run = place.start(&["run", "gated.yaml"]);
    let _gate = place.wait_at("gate");
    let cancel = place.run(&["runs", "cancel", "gated", "--reason", "wrong branch"]);
    assert_eq!(cancel.code, Some(0), "{}", cancel.stderr);
    let ended = run.end();
    assert_eq!(ended.code, Some(11), "{}", ended.stderr);
    let says = format!("cancelled by {}: wrong branch", crate::binary::me());
    assert!(ended.stderr.contains(&says), "{}", ended.stderr);
    assert_eq!(place.read("counter"), "a\nb\n");
    assert_eq!(place.run(&["runs", "cancel", "gated"]).code, Some(5));
    assert_eq!(place.run(&["runs", "resume", "gated"]).code, Some(5));
}

#[test]
fn an_interrupt_without_a_terminal_cancels_and_exits_with_130() {
    let place = gated();
    let run = place.start(&["run", "gated.yaml"]);
    let _gate = place.wait_at("gate");
    run.signal("INT");
    let ended = run.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_eq!(place.json(&["runs", "show", "gated"])["data"]["status"], "cancelled");
}

#[test]
fn a_detached_run_goes_on_and_its_log_can_be_followed() {
    let place = gated();
    let started = place.run(&["run", "gated.yaml", "--detach"]);
    assert_eq!((started.code, started.stdout.as_str()), (Some(0), "gated#1\n"));
    let gate = place.wait_at("gate");
    drop(gate);
    let followed = place.run(&["logs", "gated", "-f"]);
    assert_eq!(followed.code, Some(0), "{}", followed.stderr);
    assert!(followed.stdout.contains("| before"), "{}", followed.stdout);
    assert_eq!(place.read("counter"), "a\nb\nc\n");
}

#[test]
fn a_terminal_that_goes_away_leaves_the_run_to_the_background() {
    let place = gated();
    let run = place.start(&["run", "gated.yaml"]);
    let gate = place.wait_at("gate");
    run.signal("HUP");
    assert_eq!(run.end().code, Some(0));
    drop(gate);
    assert_eq!(place.run(&["runs", "resume", "gated"]).code, Some(0));
    assert_eq!(place.read("counter"), "a\nb\nc\n");
}

#[test]
fn a_paused_run_starts_nothing_until_it_is_resumed() {
    let place = gated();
    let run = place.start(&["run", "gated.yaml"]);
    let gate = place.wait_at("gate");
    assert_eq!(place.run(&["runs", "pause", "gated"]).code, Some(0));
    assert_eq!(place.run(&["runs", "pause", "gated"]).code, Some(5));
    drop(gate);
    let resumed = place.run(&["runs", "resume", "gated"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("Paused") && ended.stderr.contains("Resumed"),
        "{}",
        ended.stderr
    );
    assert_eq!(place.run(&["runs", "resume", "gated"]).code, Some(0));
    assert_eq!(place.run(&["runs", "pause", "gated"]).code, Some(5));
}

#[test]
fn a_stage_that_must_not_run_twice_waits_for_a_decision() {
    let text = "name: once\nstages:\n  - {name: ship, effects: once, run: 'echo $PPID > keeper; cat gate'}\n  - {name: after, depends_on: [ship], run: 'echo after >> counter'}\n";
    let place = Place::with("once.yaml", text);
    place.gate("gate");
    let run = place.start(&["run", "once.yaml"]);
    let gate = place.wait_at("gate");
    run.signal("KILL");
    run.end();
    let keeper = place.read("keeper");
    let killed = std::process::Command::new("kill").args(["-KILL", keeper.trim()]).status();
    assert!(killed.unwrap().success());
    drop(gate);

    let waits = place.run(&["runs", "resume", "once", "--exit-on-wait"]);
    assert_eq!(waits.code, Some(13), "{}{}", waits.stdout, waits.stderr);
    assert!(waits.stderr.contains("orchestrate runs resolve once#1 ship"), "{}", waits.stderr);
    assert_eq!(place.run(&["runs", "resolve", "once", "ship", "succeeded"]).code, Some(0));
    let after = place.run(&["logs", "once", "-f"]);
    assert_eq!(after.code, Some(0), "{}", after.stderr);
    assert_eq!(place.read("counter"), "after\n");
    assert_eq!(place.run(&["runs", "resolve", "once", "ship", "failed"]).code, Some(5));
}

#[test]
fn a_server_is_spoken_to_over_its_socket_and_with_its_token() {
    let place = Place::with("quick.yaml", "name: quick\nstages:\n  - {name: a, run: echo hello}\n");
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let line = server.says("listening on http://");
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    assert_eq!(place.run(&["serve", "--listen", "127.0.0.1:0"]).code, Some(5));

    let ended = place.run(&["run", "quick.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let status = place.json(&["--server", &url, "status"]);
    assert_eq!(status["data"]["role"], "serve");
    let over_tcp = place.run(&["--server", &url, "run", "quick"]);
    assert_eq!(over_tcp.code, Some(0), "{}", over_tcp.stderr);
    let mut stranger = place.command(&["--server", &url, "status"]);
    let refused = stranger.env("ORCHESTRATE_TOKEN", "wrong").output().unwrap();
    assert_eq!(refused.status.code(), Some(6), "{}", String::from_utf8_lossy(&refused.stderr));

    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
    let gone = place.run(&["--server", &url, "status"]);
    assert_eq!(gone.code, Some(7), "{}", gone.stderr);
    let list = place.json(&["runs", "list"]);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(list["data"][0]["status"], Value::from("succeeded"));
}

#[test]
fn a_server_takes_over_from_the_background_driver() {
    let place = gated();
    assert_eq!(place.run(&["run", "gated.yaml", "--detach"]).code, Some(0));
    let mut gate = place.wait_at("gate");
    let follow = place.start(&["logs", "gated", "-f"]);
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.says("taking over");
    server.says("picked up 1 unfinished run");
    gate.write_all(b"after the change\n").unwrap();
    drop(gate);
    let followed = follow.end();
    assert_eq!(followed.code, Some(0), "{}", followed.stderr);
    let printed: Vec<&str> =
        followed.stdout.lines().filter_map(|line| line.split_once("| ")).map(|it| it.1).collect();
    assert_eq!(printed, ["before", "after the change"]);
    assert_eq!(place.read("counter"), "a\nb\nc\n");
    server.signal("INT");
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut explain = place.start(&["explain"]);
    drop(explain.child.stdout.take());
    let ended = explain.end();
    assert!(matches!(ended.code, Some(0 | 141)), "{ended:?}");
    assert_eq!(ended.stderr, "");
}
