//! What environments and clocks do while people are waited for.

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use crate::bench::Bench;

#[tokio::test]
async fn an_environment_demands_an_approval_that_no_definition_leaves_out() {
    let bench = Bench::new();
    bench.config(
        "users: {ana: , bo: {groups: [ops]}}\n\
         environments: {production: {approval: {approvers: [ops]}, variables: {region: eu}}}\n",
    );
    let text = "name: dep\nstages:\n  - name: deploy\n    run: ./d\n    environment: production\n    \
                requires_approval: {approvers: [ana]}\n";
    bench.start(text).await;
    bench.until("dep#1", "waiting").await;
    let asked = bench.get("/api/approvals/A-1").await;
    assert_eq!(asked["environment"], "production");
    assert_eq!(asked["slots"][0]["entry"], "ops", "the environment's approvers, not the author's");
    let (ana, bo) = (bench.token("ana").await, bench.token("bo").await);
    let approve = "/api/approvals/A-1/approve";
    let (status, _) = bench.call_as(&ana, "POST", approve, json!({})).await;
    assert_eq!(status.as_u16(), 403);
    // A run keeps the policy that it began with.
    bench.config("users: {ana: , bo: {groups: [ops]}}\n");
    let (status, after) = bench.call_as(&bo, "POST", approve, json!({})).await;
    assert!(status.is_success(), "{after}");
    assert_eq!(bench.finished("dep#1").await["status"], "succeeded");
}

#[tokio::test]
async fn paused_time_moves_the_deadline_and_nobody_decides_meanwhile() {
    let bench = Bench::new();
    let text = "name: slow\nstages:\n  - name: a\n    run: x\n    \
                requires_approval: {approvers: [bo], timeout: 1h}\n";
    bench.start(text).await;
    bench.until("slow#1", "waiting").await;
    let due =
        |asked: &Json| -> jiff::Timestamp { asked["due_at"].as_str().unwrap().parse().unwrap() };
    let before = bench.get("/api/approvals/A-1").await;
    let bo = bench.token("bo").await;
    bench.post("/api/runs/slow~1/pause", Json::Null).await;
    let (status, problem) =
        bench.call_as(&bo, "POST", "/api/approvals/A-1/approve", json!({})).await;
    assert_eq!(status.as_u16(), 409, "{problem}");
    let paused = bench.get("/api/runs/slow~1").await["paused_at"].clone();
    bench.post("/api/runs/slow~1/resume", Json::Null).await;
    let after = bench.get("/api/approvals/A-1").await;
    assert!(paused.is_string());
    let moved = due(&after).duration_since(due(&before));
    let spent = bench.get("/api/runs/slow~1").await["paused_ms"].as_i64().unwrap();
    assert!(moved >= SignedDuration::from_millis(spent), "{moved:?} of {spent} ms");
    assert_eq!(bench.get("/api/approvals").await["data"][0]["due_at"], after["due_at"]);
    bench.call_as(&bo, "POST", "/api/approvals/A-1/approve", json!({})).await;
    assert_eq!(bench.finished("slow#1").await["status"], "succeeded");
}

#[tokio::test]
async fn nobody_decides_in_time() {
    let bench = Bench::new();
    let text = "name: late\nstages:\n  - name: a\n    run: x\n    \
                requires_approval: {approvers: [bo], timeout: 1s, on_timeout: reject}\n";
    bench.start(text).await;
    let ended = bench.finished("late#1").await;
    assert_eq!(ended["status"], "failed", "{ended}");
    let asked = bench.get("/api/approvals/A-1").await;
    assert_eq!(asked["status"], "timed_out");
    bench.server.idle().await;
}

#[tokio::test]
async fn breakpoints_hold_and_step_lets_one_go_at_a_time() {
    let mut bench = Bench::by_hand();
    let text = "name: dbg\nstages:\n  - {name: a, run: x}\n  - {name: b, run: x}\n  \
                - {name: c, run: x}\n";
    bench.start_with(json!({"definition": text, "directory": "/", "breakpoints": ["b"]})).await;
    let a = bench.hands.started().await;
    bench.hands.exit(&a, 0);
    bench.until("dbg#1", "waiting").await;
    let why = bench.get("/api/runs/dbg~1/explain").await;
    assert_eq!(why["data"][0]["stage"], "b", "{why}");
    bench.refused("POST", "/api/runs/dbg~1/advance", json!({"stage": "c"}), 409, "conflict").await;
    let step = json!({"stages": [], "step": true});
    let (status, _) = bench.call("PUT", "/api/runs/dbg~1/breakpoints", step).await;
    assert!(status.is_success());
    bench.post("/api/runs/dbg~1/advance", json!({})).await;
    let b = bench.hands.started().await;
    bench.hands.exit(&b, 0);
    bench.until("dbg#1", "waiting").await;
    bench.post("/api/runs/dbg~1/advance", json!({})).await;
    let c = bench.hands.started().await;
    assert_eq!(c.execution, "c");
    bench.hands.exit(&c, 0);
    assert_eq!(bench.finished("dbg#1").await["status"], "succeeded");
    let unknown = json!({"stages": ["nope"]});
    let (status, _) = bench.call("PUT", "/api/runs/dbg~1/breakpoints", unknown).await;
    assert!(status.is_client_error());
}
