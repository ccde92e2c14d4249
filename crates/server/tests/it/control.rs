//! Pause, resume, cancel, concurrency groups, timers, slots.

use api::link::{End, Order, Stopped, What};
use serde_json::{Value as Json, json};

use crate::bench::{Bench, exited};

const FAN: &str = "
name: fan
stages:
  - name: each
    foreach: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    run: 'true'
";

const ONE: &str = "name: one\nstages:\n  - {name: a, run: 'true'}\n  - {name: b, run: 'true'}\n";

#[tokio::test]
async fn a_cancel_ends_what_runs_and_what_waits_for_a_slot() {
    let mut bench = Bench::by_hand();
    bench.start(FAN).await;
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(bench.hands.started().await);
    }
    let status = bench.get("/api/status").await;
    assert_eq!(status["slots"], json!({"total": 4, "used": 4, "queued": 6}));
    bench.post("/api/runs/fan~1/cancel", json!({"reason": "no need"})).await;
    let mut stopped = Vec::new();
    while stopped.len() < 4 {
        match bench.hands.order().await {
            Order::Stop { attempt, reason } => {
                assert_eq!(reason, Stopped::Cancelled);
                bench.hands.say(&attempt, exited(End::Stopped(reason)));
                stopped.push(attempt);
            }
            Order::Start(assignment) => panic!("started {:?}", assignment.attempt),
            Order::Forget { .. } | Order::Adopt { .. } => {}
        }
    }
    assert_eq!(stopped, running, "only what the hands hold is stopped by them");
    assert_eq!(bench.finished("fan#1").await["status"], "cancelled");
    bench.server.idle().await;
    let status = bench.get("/api/status").await;
    assert_eq!(status["slots"], json!({"total": 4, "used": 0, "queued": 0}));
}

#[tokio::test]
async fn what_waits_for_a_slot_is_queued_and_says_so() {
    let mut bench = Bench::by_hand();
    bench.start(FAN).await;
    let mut running = Vec::new();
    for _ in 0..4 {
        let attempt = bench.hands.started().await;
        bench.hands.say(&attempt, What::Started { pid: 7 });
        running.push(attempt);
    }
    bench.start(ONE).await;
    let fan = bench.get("/api/runs/fan~1").await;
    let of = |name: &str| {
        let stages = fan["stages"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["name"] == name).unwrap();
        (stage["status"].clone(), stage["detail"].clone())
    };
    assert_eq!(of("each").0, "running", "some of it runs");
    assert_eq!(of("each[4]"), (json!("running"), json!("")));
    assert_eq!(of("each[5]"), (json!("queued"), json!("waits for a free slot")));
    let one = bench.get("/api/runs/one~1").await;
    assert_eq!(one["stages"][0]["status"], "queued");
    assert_eq!(one["stages"][0]["attempts"][0]["status"], "queued");
    for (run, first, count) in [("fan~1", "each[5]", 6), ("one~1", "a", 2)] {
        let why = bench.get(&format!("/api/runs/{run}/explain")).await;
        let told = why["data"].as_array().unwrap();
        assert_eq!((told.len(), &told[0]["stage"]), (count, &json!(first)), "{why}");
        let because = json!(["it waits for a free slot: all 4 are taken (`--slots`)"]);
        assert_eq!(told[0]["because"], because, "{why}");
    }
    // One that ends makes room for the next.
    bench.hands.exit(&running[0], 0);
    let next = bench.hands.started().await;
    assert_eq!(next.execution, "each[5]");
    bench.post("/api/runs/fan~1/cancel", json!({"reason": "enough"})).await;
    bench.post("/api/runs/one~1/cancel", json!({"reason": "enough"})).await;
}

#[tokio::test]
async fn the_end_of_an_attempt_is_forgotten_after_it_is_stored() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    bench.hands.exit(&a, 0);
    let Order::Forget { attempt } = bench.hands.order().await else { panic!("not forgotten") };
    assert_eq!(attempt, a);
    let detail = bench.get("/api/runs/one~1").await;
    assert_eq!(detail["stages"][0]["status"], "succeeded");
}

#[tokio::test]
async fn a_paused_run_starts_nothing_until_it_is_resumed() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    bench.post("/api/runs/one~1/pause", Json::Null).await;
    bench.hands.exit(&a, 0);
    let Order::Forget { .. } = bench.hands.order().await else { panic!("a later stage started") };
    bench.server.idle().await;
    assert_eq!(bench.get("/api/runs/one~1").await["status"], "paused");
    bench.post("/api/runs/one~1/resume", Json::Null).await;
    let b = bench.hands.started().await;
    assert_eq!(b.execution, "b");
    bench.hands.exit(&b, 0);
    assert_eq!(bench.finished("one#1").await["status"], "succeeded");
}

#[tokio::test]
async fn a_pause_now_stops_what_runs() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    bench.post("/api/runs/one~1/pause", json!({"now": true})).await;
    let Order::Stop { attempt, reason } = bench.hands.order().await else { panic!("not stopped") };
    assert_eq!((&attempt, reason), (&a, Stopped::Paused));
    bench.hands.say(&a, exited(End::Stopped(reason)));
    bench.until("one#1", "paused").await;
    bench.post("/api/runs/one~1/resume", Json::Null).await;
    let again = bench.hands.started().await;
    assert_eq!((&*again.execution, again.number), ("a", 2));
}

#[tokio::test]
async fn runs_of_a_group_take_turns() {
    let mut bench = Bench::by_hand();
    let text = "name: g\nconcurrency: deploys\nstages:\n  - {name: a, run: 'true'}\n";
    bench.start(text).await;
    let second = bench.start(text).await;
    assert_eq!(second["status"], "pending");
    assert_eq!(second["reason"], "waits for its turn in `deploys`");
    let first = bench.hands.started().await;
    bench.hands.exit(&first, 0);
    // In the same commit as the end of the first.
    let next = bench.hands.started().await;
    assert_eq!(next.run, second["id"].as_str().unwrap());
    bench.hands.exit(&next, 0);
    assert_eq!(bench.finished("g#2").await["status"], "succeeded");
}

#[tokio::test]
async fn a_retry_waits_for_its_timer_without_a_slot() {
    let mut bench = Bench::by_hand();
    let text = "
name: again
stages:
  - name: fails
    run: 'false'
    retry: {max_attempts: 2, backoff: {kind: constant, initial: 20ms, jitter: false}}
";
    bench.start(text).await;
    let first = bench.hands.started().await;
    bench.hands.exit(&first, 1);
    let second = bench.hands.started().await;
    assert_eq!(second.number, 2);
    assert!(second.fence > first.fence);
    bench.hands.exit(&second, 1);
    assert_eq!(bench.finished("again#1").await["status"], "failed");
}

#[tokio::test]
async fn the_oldest_run_has_the_first_slot() {
    let mut bench = Bench::by_hand();
    bench.start(FAN).await;
    bench.start(FAN).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(bench.hands.started().await);
    }
    for _ in 0..16 {
        bench.hands.exit(&held.remove(0), 0);
        held.push(bench.hands.started().await);
    }
    let second = held[0].run.clone();
    assert!(held.iter().all(|attempt| attempt.run == second), "the first has all it needs");
    for attempt in held {
        bench.hands.exit(&attempt, 0);
    }
    assert_eq!(bench.finished("fan#2").await["status"], "succeeded");
}

#[tokio::test]
async fn what_could_not_start_says_why() {
    let mut bench = Bench::by_hand();
    bench.start(ONE).await;
    let a = bench.hands.started().await;
    bench.hands.say(&a, What::NotStarted { message: "no such folder: /nowhere".to_owned() });
    assert_eq!(bench.finished("one#1").await["status"], "failed");
    let detail = bench.get("/api/runs/one~1").await;
    assert!(detail["stages"][0]["detail"].as_str().unwrap().contains("/nowhere"), "{detail}");
}
