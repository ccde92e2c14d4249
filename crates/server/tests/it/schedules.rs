//! Runs that nobody starts: times, ends of other runs, files. Time passes when the test says so.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use server::Ahead;

use crate::bench::{Bench, obedient};
use crate::disk::Disk;

const NIGHTLY: &str = "
name: nightly
triggers:
  - {schedule: '0 2 * * *', catch_up: last}
stages:
  - {name: build, run: 'true'}
";

/// A server whose clock shows this, and which lets schedules begin runs.
fn serve(disk: &Disk, time: &str) -> (Bench, Ahead) {
    let ahead = Ahead::at(time.parse().unwrap());
    let (writer, reader) = (Box::new(disk.clone()), Arc::new(disk.reader.clone()));
    let of = ahead.clone();
    let bench = Bench::with(writer, reader, obedient(), |options| options.ahead = of);
    bench.server.keep_time();
    (bench, ahead)
}

async fn save(bench: &Bench, definition: &str) {
    bench.post("/api/pipelines", json!({ "definition": definition })).await;
}

/// What is due is dealt with before an event that is given afterwards is answered.
async fn settled(bench: &Bench, id: &str) {
    for step in 0..2 {
        let event = json!({"type": "nobody.listens", "id": format!("{id}-{step}"), "data": {}});
        bench.post("/api/events", event).await;
    }
}

async fn pass(bench: &Bench, ahead: &Ahead, hours: i64) {
    ahead.pass(SignedDuration::from_hours(hours));
    settled(bench, &uuid::Uuid::now_v7().to_string()).await;
}

async fn runs(bench: &Bench) -> Vec<String> {
    let listed = bench.get("/api/runs").await;
    let data = listed["data"].as_array().unwrap();
    data.iter().rev().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
}

async fn schedule(bench: &Bench) -> Json {
    let listed = bench.get("/api/schedules").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    listed["data"][0].clone()
}

#[tokio::test]
async fn each_time_starts_one_run() {
    let disk = Disk::new();
    let (bench, ahead) = serve(&disk, "2026-11-20T12:00:00Z");
    save(&bench, NIGHTLY).await;
    settled(&bench, "a").await;
    assert_eq!(schedule(&bench).await["next"], "2026-11-21T02:00:00Z");
    assert_eq!(bench.get("/api/pipelines/nightly").await["next_run"], "2026-11-21T02:00:00Z");
    pass(&bench, &ahead, 13).await;
    assert_eq!(runs(&bench).await, [""; 0]);
    // One hour and no more: it is due within the minute that counts as now.
    ahead.pass(SignedDuration::from_secs(-10));
    pass(&bench, &ahead, 1).await;
    ahead.pass(SignedDuration::from_secs(20));
    settled(&bench, "b").await;
    assert_eq!(runs(&bench).await, ["nightly#1"]);
    settled(&bench, "c").await;
    assert_eq!(runs(&bench).await, ["nightly#1"]);
    let run = bench.get("/api/runs/nightly~1").await;
    assert_eq!(
        (&run["trigger"], &run["by"]),
        (&json!("schedule.due"), &json!("schedule:schedule"))
    );
    assert_eq!(run["event"]["due"], "2026-11-21T02:00:00Z");
    let schedule = schedule(&bench).await;
    assert_eq!(schedule["last"], "2026-11-21T02:00:00Z");
    assert_eq!(schedule["next"], "2026-11-22T02:00:00Z");
}

#[tokio::test]
async fn what_passed_while_nobody_was_there_is_caught_up_with_once() {
    for (catch_up, started, skipped) in [("skip", 0, 3), ("last", 1, 2), ("all", 3, 0)] {
        let disk = Disk::new();
        let (bench, _) = serve(&disk, "2026-11-20T12:00:00Z");
        save(&bench, &NIGHTLY.replace("last", catch_up)).await;
        settled(&bench, "a").await;
        bench.server.shutdown().await;
        let (bench, _) = serve(&disk, "2026-11-23T12:00:00Z");
        settled(&bench, "b").await;
        assert_eq!(runs(&bench).await.len(), started, "{catch_up}");
        assert_eq!(schedule(&bench).await["skipped"], skipped, "{catch_up}");
        bench.server.shutdown().await;
        let (bench, _) = serve(&disk, "2026-11-23T12:00:01Z");
        settled(&bench, "c").await;
        assert_eq!(runs(&bench).await.len(), started, "{catch_up}, once more");
    }
}

#[tokio::test]
async fn a_disabled_or_changed_pipeline_is_due_when_it_says_so_now() {
    let disk = Disk::new();
    let (bench, ahead) = serve(&disk, "2026-11-20T12:00:00Z");
    save(&bench, &NIGHTLY.replace("last", "all")).await;
    bench.post("/api/pipelines/nightly/disable", Json::Null).await;
    pass(&bench, &ahead, 48).await;
    assert_eq!(runs(&bench).await, [""; 0]);
    assert_eq!(schedule(&bench).await["next"], Json::Null);
    bench.post("/api/pipelines/nightly/enable", Json::Null).await;
    settled(&bench, "a").await;
    assert_eq!(runs(&bench).await, [""; 0], "what passed meanwhile was not meant");
    assert_eq!(schedule(&bench).await["next"], "2026-11-23T02:00:00Z");
    let other = NIGHTLY.replace("0 2", "0 13");
    bench.call("PUT", "/api/pipelines/nightly", json!({ "definition": other })).await;
    settled(&bench, "b").await;
    assert_eq!(schedule(&bench).await["next"], "2026-11-22T13:00:00Z");
    bench.call("DELETE", "/api/pipelines/nightly", Json::Null).await;
    settled(&bench, "c").await;
    assert_eq!(bench.get("/api/schedules").await["data"], json!([]));
    pass(&bench, &ahead, 48).await;
    assert_eq!(runs(&bench).await, [""; 0]);
}

#[tokio::test]
async fn a_full_disk_loses_no_time_and_gives_none_twice() {
    let disk = Disk::new();
    let (mut bench, ahead) = serve(&disk, "2026-11-20T12:00:00Z");
    save(&bench, NIGHTLY).await;
    settled(&bench, "a").await;
    disk.change(|state| state.full = true);
    ahead.pass(SignedDuration::from_hours(15));
    let event = json!({"type": "x", "id": "full", "data": {}});
    let (status, _) = bench.call("POST", "/api/events", event).await;
    assert!(!status.is_success());
    disk.change(|state| state.full = false);
    bench.hands.started().await;
    settled(&bench, "b").await;
    assert_eq!(runs(&bench).await, ["nightly#1"]);
}

#[tokio::test]
async fn nothing_is_due_where_nobody_keeps_time() {
    let disk = Disk::new();
    let (bench, _) = serve(&disk, "2026-11-20T12:00:00Z");
    save(&bench, NIGHTLY).await;
    settled(&bench, "a").await;
    bench.server.shutdown().await;
    // A run in the foreground opens the same folder for a short time.
    let (writer, reader) = (Box::new(disk.clone()), Arc::new(disk.reader.clone()));
    let time = "2026-11-22T12:00:00Z".parse().unwrap();
    let bench = Bench::with(writer, reader, obedient(), |options| options.ahead = Ahead::at(time));
    settled(&bench, "b").await;
    assert_eq!(runs(&bench).await, [""; 0]);
}

#[tokio::test]
async fn the_end_of_a_run_starts_those_that_wait_for_it() {
    let bench = Bench::new();
    let deploy = "
name: deploy
inputs: {by: string}
triggers:
  - {completion: build, inputs: {by: '${event.run.name}'}}
stages:
  - {name: go, env: {BY: '${by}'}, run: 'echo \"$BY\"'}
";
    let sorry = "
name: sorry
triggers: [{completion: build, status: [failed, cancelled]}]
stages: [{name: tell, run: 'true'}]
";
    save(&bench, deploy).await;
    save(&bench, sorry).await;
    bench.start("name: build\nstages: [{name: make, run: 'true'}]\n").await;
    bench.finished("build#1").await;
    assert_eq!(bench.finished("deploy#1").await["status"], "succeeded");
    let run = bench.get("/api/runs/deploy~1").await;
    assert_eq!(run["inputs"]["by"], "build#1");
    assert_eq!(run["trigger"], "pipeline.completed");
    assert_eq!(run["event"]["chain"], json!(["build#1"]));
    assert_eq!(runs(&bench).await, ["build#1", "deploy#1"]);
    bench.start("name: build\nstages: [{name: fails, run: 'exit 1'}]\n").await;
    bench.finished("build#2").await;
    assert_eq!(bench.finished("sorry#1").await["event"]["status"], "failed");
    assert_eq!(runs(&bench).await.len(), 4);
    // Nobody waits for these.
    let events = bench.get("/api/events?type=pipeline.completed").await;
    assert_eq!(events["data"].as_array().unwrap().len(), 2, "{events}");
}

#[tokio::test]
async fn pipelines_that_complete_each_other_come_to_an_end_that_is_seen() {
    let bench = Bench::new();
    for (name, other) in [("ping", "pong"), ("pong", "ping")] {
        let text = format!(
            "name: {name}\ntriggers: [{{completion: {other}}}]\nstages: [{{name: a, noop: true}}]\n"
        );
        save(&bench, &text).await;
    }
    bench.post("/api/pipelines/ping/run", json!({})).await;
    bench.finished("ping#1").await;
    settled(&bench, "a").await;
    let all = runs(&bench).await;
    assert_eq!(all.len(), 16, "{all:?}");
    let events = bench.get("/api/events?type=pipeline.completed").await;
    let last = &events["data"][0];
    assert!(last["problem"].as_str().unwrap().contains("come to an end"), "{last}");
}
