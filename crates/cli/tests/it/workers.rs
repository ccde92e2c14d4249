//! Workers on other machines, as far as one machine goes: a server and workers, each a process.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::binary::{Going, Place};

const GATED: &str = "\
name: gated
stages:
  - name: train
    runs_on: gpu
    run: echo $$ > HERE/pid; read x < HERE/gate; echo trained
";

/// A server in this folder.
fn serve(place: &Place) -> Going {
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    server.says("listening on");
    server
}

fn with(pipeline: &str, lease: u32) -> Place {
    let place = Place::new();
    // Runs of a server have folders of their own, on a worker as on the server.
    place.write("p.yaml", &pipeline.replace("HERE", &place.path().display().to_string()));
    place.write("data/config.yaml", &format!("workers: {{lease_seconds: {lease}}}\n"));
    for gate in ["gate", "pid"] {
        place.gate(gate);
    }
    place
}

fn worker(place: &Place, name: &str) -> Going {
    let mut worker = place.start(&["worker", "--name", name, "--labels", "gpu,big"]);
    worker.says("Connected");
    worker
}

/// The attempt that has just begun.
fn pid(place: &Place) -> u32 {
    place.read("pid").trim().parse().unwrap()
}

fn open(place: &Place) {
    std::fs::write(place.path().join("gate"), "go\n").unwrap();
}

fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

fn stage(place: &Place, run: &str) -> Value {
    place.json(&["runs", "show", run])["data"]["stages"][0].clone()
}

fn attempts(place: &Place, run: &str) -> usize {
    stage(place, run)["attempts"].as_array().unwrap().len()
}

#[test]
fn a_stage_goes_where_its_label_is_and_all_of_it_comes_back() {
    let place = with(
        "name: train
secrets: [KEY]
stages:
  - {name: data, depends_on: [], run: seq 3 > data.txt, artifacts: {data: data.txt}}
  - name: train
    runs_on: [gpu, big]
    depends_on: [data]
    context: [\"@data\"]
    env: {KEY: \"${secrets.KEY}\"}
    run: |
      echo \"key $KEY token $${ORCHESTRATE_TOKEN-none}\"
      cat $ORCHESTRATE_CONTEXT/data/* | wc -l > model.txt
      echo lines=3 > $ORCHESTRATE_OUTPUT
    artifacts: {model: model.txt}
  - {name: show, depends_on: [train], context: [\"@train\"], run: \"cat $ORCHESTRATE_CONTEXT/train/*\"}
",
        30,
    );
    let _server = serve(&place);
    let mut set = place.command(&["secret", "set", "KEY"]).stdin(Stdio::piped()).spawn().unwrap();
    set.stdin.take().unwrap().write_all(b"open-sesame").unwrap();
    assert!(set.wait().unwrap().success());
    let mut following = place.start(&["run", "p.yaml"]);
    following.says("Succeeded");
    let mut worker = worker(&place, "w1");
    worker.says("Running train");
    worker.says("Succeeded train");
    let ended = following.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let log = place.run(&["logs", "train", "--stage", "train", "--raw"]).stdout;
    assert_eq!(log, "key *** token none\n");
    let shown = place.run(&["logs", "train", "--stage", "show", "--raw"]).stdout;
    assert_eq!(shown.trim(), "3");
    let own = place.path().join("data/workers/w1");
    let mode = |path: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(&own), mode(&own.join("identity"))), (0o700, 0o600));
    worker.signal("TERM");
    let left = worker.end();
    assert_eq!(left.code, Some(0), "{}", left.stderr);
    assert!(left.stderr.contains("Draining"), "{}", left.stderr);
}

#[test]
fn a_stage_says_what_it_waits_for_and_is_cancelled_where_it_runs() {
    let place = with(GATED, 30);
    let _server = serve(&place);
    assert_eq!(place.run(&["run", "p.yaml", "--detach"]).code, Some(0));
    let waiting = place.run(&["fleet", "queues"]).stdout;
    assert!(waiting.contains("gpu"), "{waiting}");
    let mut worker = worker(&place, "w1");
    worker.says("Running train");
    let child = pid(&place);
    assert_eq!(place.run(&["runs", "cancel", "gated"]).code, Some(0));
    worker.says("Stopped train");
    assert!(!lives(child));
    assert_eq!(place.run(&["logs", "gated", "-f", "--quiet"]).code, Some(11));
}

#[test]
fn what_a_killed_worker_held_is_dead_before_another_has_it_once_more() {
    let place = with(GATED, 3);
    let _server = serve(&place);
    assert_eq!(place.run(&["run", "p.yaml", "--detach"]).code, Some(0));
    let mut first = worker(&place, "w1");
    first.says("Running train");
    let before = pid(&place);
    let mut second = worker(&place, "w2");
    first.signal("KILL");
    first.status();
    assert!(lives(before), "its children go on as long as the lease lasts");
    second.says("Running train");
    assert!(!lives(before), "two attempts never overlap");
    assert_ne!(pid(&place), before);
    open(&place);
    second.says("Succeeded train");
    assert_eq!(place.run(&["logs", "gated", "-f", "--quiet"]).code, Some(0));
    assert_eq!(attempts(&place, "gated"), 2);
}

#[test]
fn a_worker_that_is_started_again_takes_up_what_it_ran() {
    let place = with(GATED, 30);
    let _server = serve(&place);
    assert_eq!(place.run(&["run", "p.yaml", "--detach"]).code, Some(0));
    let mut first = worker(&place, "w1");
    first.says("Running train");
    let child = pid(&place);
    first.signal("KILL");
    first.status();
    let mut again = worker(&place, "w1");
    again.says("Running train");
    assert!(lives(child));
    open(&place);
    again.says("Succeeded train");
    assert_eq!(place.run(&["logs", "gated", "-f", "--quiet"]).code, Some(0));
    assert_eq!(attempts(&place, "gated"), 1);
}

#[test]
fn a_killed_server_changes_nothing_for_what_runs_elsewhere() {
    let place = with(GATED, 30);
    let server = serve(&place);
    assert_eq!(place.run(&["run", "p.yaml", "--detach"]).code, Some(0));
    let mut worker = worker(&place, "w1");
    worker.says("Running train");
    let child = pid(&place);
    server.signal("KILL");
    server.status();
    worker.says("Away");
    let _again = serve(&place);
    worker.says("Reconnected");
    assert!(lives(child));
    open(&place);
    worker.says("Succeeded train");
    assert_eq!(place.run(&["logs", "gated", "-f", "--quiet"]).code, Some(0));
    assert_eq!(attempts(&place, "gated"), 1);
    let log = place.run(&["logs", "gated", "--stage", "train", "--raw"]).stdout;
    assert_eq!(log, "trained\n");
}

#[test]
fn a_name_is_taken_by_one_and_a_token_has_to_be_right() {
    let place = with(GATED, 30);
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let line = server.says("listening on");
    let url = line.trim().rsplit_once(' ').unwrap().1.to_owned();
    let _first = worker(&place, "w1");
    let taken = place.run(&["worker", "--name", "w1", "--folder", "other"]);
    assert_eq!(taken.code, Some(5), "{}", taken.stderr);
    assert!(taken.stderr.contains("--name"), "{}", taken.stderr);
    let wrong = place.run(&["worker", "--server", &url, "--token", "wrong", "--name", "w2"]);
    assert_eq!(wrong.code, Some(6), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("--scope work"), "{}", wrong.stderr);
}
