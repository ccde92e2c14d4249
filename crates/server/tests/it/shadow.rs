//! Runs that say what they would do: nothing reaches the hands, nobody is asked, nothing is sent.

use serde_json::{Value as Json, json};

use crate::bench::Bench;

const RELEASE: &str = "
name: release
inputs: {ref: {type: string, default: none}}
triggers: [{name: main, event: push, branches: [main], inputs: {ref: '${event.ref}'}}]
concurrency: {group: release, limit: 1}
stages:
  - {name: build, env: {REF: '${ref}'}, run: 'make $REF', outputs: {version: string}}
  - name: ship
    requires_approval: {approvers: [ana], timeout: 1h}
    env: {VERSION: '${stages.build.outputs.version}'}
    run: ./ship
  - {name: tell, pipeline: other}
";

const NOTIFY: &str = "notify:
  targets: {page: {kind: command, command: [sh, -c, exit 1]}}
  rules: [{on: [run.succeeded, approval.requested], to: [page]}]
";

async fn save(bench: &Bench, definition: &str) {
    bench.post("/api/pipelines", json!({ "definition": definition })).await;
}

async fn switch(bench: &Bench, wish: Json) {
    bench.post("/api/rollout/switch", wish).await;
}

fn said(stage: &Json) -> Vec<&str> {
    let would = stage["would"].as_array().map_or(&[][..], Vec::as_slice);
    would.iter().map(|would| would["says"].as_str().unwrap()).collect()
}

/// Names of the runs of a list.
fn names(list: &Json) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_trigger_in_a_shadow_installation_starts_a_run_that_does_nothing() {
    let mut bench = Bench::new();
    bench.config(NOTIFY);
    save(&bench, RELEASE).await;
    switch(&bench, json!({"mode": "shadow"})).await;
    let data = json!({"branch": "main", "ref": "v1"});
    let given = bench.post("/api/events", json!({"type": "push", "id": "e", "data": data})).await;
    assert_eq!(given["started"], json!(["release#1"]));
    bench.finished("release#1").await;
    let run = bench.get("/api/runs/release~1").await;
    assert_eq!(
        (&run["status"], &run["mode"], &run["rollout"]),
        (&json!("succeeded"), &json!("shadow"), &json!("shadow"),)
    );
    assert_eq!(run["progress"]["would_have"], 3);
    let stages = run["stages"].as_array().unwrap();
    assert_eq!(said(&stages[0]), ["would run make $REF"]);
    let asked = said(&stages[1]);
    assert!(asked[0].starts_with("would ask ana to approve its start until "), "{asked:?}");
    assert!(asked[0].ends_with(", and tell page"), "{asked:?}");
    assert_eq!(asked[1], "would run ./ship");
    assert_eq!(stages[1]["would"][1]["unknown"], json!(["stages.build.outputs.version"]));
    assert_eq!(said(&stages[2]), ["would start a run of other"]);
    assert_eq!(stages[1]["outcome"], "would_have");
    assert_eq!(run["would"][0]["says"], "would tell page that the run succeeded");
    let seen = bench.hands.seen.try_recv();
    assert!(seen.is_err(), "the hands got {seen:?}");
    assert!(bench.get("/api/approvals").await["data"].as_array().unwrap().is_empty());
    assert!(bench.get("/api/notices").await["data"].as_array().unwrap().is_empty());
    let left: Vec<_> =
        std::fs::read_dir(bench.path().join("workspaces")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    let events = bench.get("/api/runs/release~1/events").await;
    let events = events["data"].as_array().unwrap().clone();
    let told = events.iter().find(|event| event["kind"] == "stage.would_have").unwrap();
    assert_eq!(told["body"]["details"]["env"]["REF"], "v1");
    let audit = bench.get("/api/audit?run=release~1").await;
    let audit = audit["data"].as_array().unwrap().clone();
    assert!(audit.iter().any(|entry| entry["action"] == "stage.would_have"), "{audit:?}");
}

#[tokio::test]
async fn a_start_is_never_bolder_than_the_installation() {
    let bench = Bench::new();
    save(&bench, RELEASE).await;
    switch(&bench, json!({"mode": "pilot", "pilot_tasks": ["DOC-*"]})).await;
    let start = |mode: &str| json!({"pipeline": "release", "mode": mode});
    let refused = bench.refused("POST", "/api/runs", start("production"), 409, "conflict").await;
    assert_eq!(refused["detail"], "this installation is in pilot mode; production is bolder");
    assert_eq!(refused["hints"], json!(["orchestrate rollout switch production"]));
    bench.refused("POST", "/api/runs", start("bold"), 422, "invalid_input").await;
    let run = bench.post("/api/runs", json!({"pipeline": "release"})).await;
    assert_eq!((&run["mode"], &run["rollout"]), (&json!("shadow"), &json!("pilot")));
    let one = "{name: one, stages: [{name: a, run: exit 0}]}";
    save(&bench, one).await;
    bench.post("/api/tasks", json!({"id": "DOC-1", "pipeline": "one"})).await;
    bench.post("/api/tasks", json!({"id": "APP-1", "pipeline": "one"})).await;
    let real = bench.post("/api/tasks/DOC-1/start", json!({})).await;
    assert_eq!((&real["mode"], &real["rollout"]), (&json!("production"), &json!("pilot")));
    let shadow = bench.post("/api/tasks/APP-1/start", json!({})).await;
    assert_eq!((&shadow["mode"], &shadow["rollout"]), (&json!("shadow"), &json!("pilot")));
    let list = bench.get("/api/runs?mode=production").await;
    assert_eq!(names(&list), ["DOC-1-1"]);
    assert_eq!(names(&bench.get("/api/runs?mode=shadow").await), ["APP-1-1", "release#1"]);
    bench.refused("GET", "/api/runs?mode=pilot", Json::Null, 400, "invalid_request").await;
}

#[tokio::test]
async fn a_shadow_run_says_nothing_of_its_task_and_takes_no_turn() {
    let mut bench = Bench::by_hand();
    save(&bench, "{name: one, stages: [{name: a, run: exit 0}]}").await;
    bench.post("/api/tasks", json!({"id": "T", "pipeline": "one"})).await;
    let real = bench.post("/api/tasks/T/start", json!({})).await;
    assert_eq!(real["name"], "T-1");
    let _at_work = bench.hands.started().await;
    // The default is to replace what is active.
    let shadow = bench.post("/api/tasks/T/start", json!({"mode": "shadow"})).await;
    assert_eq!((&shadow["name"], &shadow["mode"]), (&json!("T-2"), &json!("shadow")));
    assert_eq!(bench.finished("T-2").await["status"], "succeeded");
    let task = bench.get("/api/tasks/T").await;
    assert_eq!(task["active"], json!(["T-1"]));
    assert_eq!(task["status"]["derived"], "running");
    assert_eq!(task["last_run"]["name"], "T-1");
    assert_eq!(names(&bench.get("/api/tasks/T/runs").await), ["T-2", "T-1"]);
    // One that was never started stays as it is.
    bench.post("/api/tasks", json!({"id": "U", "pipeline": "one"})).await;
    bench.post("/api/tasks/U/start", json!({"mode": "shadow"})).await;
    let task = bench.get("/api/tasks/U").await;
    assert_eq!((&task["status"]["wanted"], &task["last_run"]), (&json!("todo"), &Json::Null));
    let recent = bench.get("/api/pipelines").await;
    assert_eq!(recent["data"][0]["last_run"]["name"], "T-1");
    // What goes on from a shadow run is one.
    let next = bench.post("/api/runs/U-1/extend", json!({})).await;
    assert_eq!((&next["mode"], &next["rollout"]), (&json!("shadow"), &json!("production")));
}
