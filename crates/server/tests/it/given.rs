//! Events from outside, and the runs that wait for them.

use http::StatusCode;
use serde_json::json;

use crate::bench::Bench;
use crate::disk::Disk;

const LISTENS: &str = "
name: listens
stages:
  - name: first
    run: 'true'
  - name: deploy
    depends_on: [first]
    triggers:
      - {event: image.pushed, filter: 'event.tag == \"v1\"', lookback: 5m}
    env: {TAG: '${event.tag}'}
    run: echo $TAG
";

fn pushed(id: &str, tag: &str) -> serde_json::Value {
    json!({"type": "image.pushed", "id": id, "data": {"tag": tag}})
}

#[tokio::test]
async fn an_event_before_and_after_its_waiter_is_found_once() {
    let mut bench = Bench::by_hand();
    // Stored just before the run began.
    let before = bench.post("/api/events", pushed("e-1", "v1")).await;
    assert_eq!(before["taken_by"], json!([]));
    bench.start(LISTENS).await;
    let first = bench.hands.started().await;
    bench.hands.exit(&first, 0);
    let deploy = bench.hands.started().await;
    assert_eq!(deploy.execution, "deploy");
    bench.hands.exit(&deploy, 0);
    assert_eq!(bench.finished("listens#1").await["status"], "succeeded");
    let listed = bench.get("/api/events").await;
    assert_eq!(listed["data"][0]["taken_by"], json!(["listens#1"]));
}

#[tokio::test]
async fn an_event_that_comes_early_is_consumed_and_one_delivery_twice_starts_once() {
    let mut bench = Bench::by_hand();
    let early = LISTENS.replace(", lookback: 5m", "");
    bench.post("/api/events", pushed("e-0", "v1")).await;
    bench.start(&early).await;
    let first = bench.hands.started().await;
    // Without a lookback what was before it is nothing to it.
    let given = bench.post("/api/events", pushed("e-1", "v2")).await;
    assert_eq!(given["taken_by"], json!(["listens#1"]));
    bench.post("/api/events", pushed("e-2", "v1")).await;
    let again = bench.post("/api/events", pushed("e-2", "v1")).await;
    assert_eq!((&again["duplicate"], &again["taken_by"]), (&json!(true), &json!(["listens#1"])));
    bench.hands.exit(&first, 0);
    let deploy = bench.hands.started().await;
    bench.hands.exit(&deploy, 0);
    assert_eq!(bench.finished("listens#1").await["status"], "succeeded");
    let detail = bench.get("/api/runs/listens~1").await;
    assert_eq!(detail["stages"][1]["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_run_is_addressed_and_says_when_it_does_not_listen() {
    let bench = Bench::by_hand();
    bench.start(LISTENS).await;
    bench.start(LISTENS).await;
    let to = |run: &str, id: &str, kind: &str| json!({"type": kind, "id": id, "data": {"tag": "v1"}, "run": run});
    let given = bench.post("/api/events", to("listens#2", "e-1", "image.pushed")).await;
    assert_eq!(given["taken_by"], json!(["listens#2"]));
    let deaf = to("listens#1", "e-2", "other");
    let problem = bench.refused("POST", "/api/events", deaf, 409, "conflict").await;
    assert!(problem["detail"].as_str().unwrap().contains("image.pushed"), "{problem}");
    let listed = bench.get("/api/events").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "what was refused is not stored");
}

#[tokio::test]
async fn a_waiting_stage_hears_after_a_restart() {
    let disk = Disk::new();
    let mut bench = Bench::on_disk(&disk);
    bench.start(LISTENS).await;
    let first = bench.hands.started().await;
    bench.hands.exit(&first, 0);
    bench.until("listens#1", "waiting").await;
    bench.server.shutdown().await;
    let mut bench = Bench::on_disk(&disk);
    let (status, given) = bench.call("POST", "/api/events", pushed("e-1", "v1")).await;
    assert_eq!((status, &given["taken_by"]), (StatusCode::CREATED, &json!(["listens#1"])));
    let deploy = bench.hands.started().await;
    bench.hands.exit(&deploy, 0);
    assert_eq!(bench.finished("listens#1").await["status"], "succeeded");
}
