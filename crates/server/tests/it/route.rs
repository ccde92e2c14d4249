//! From an event to the runs that it starts.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::Bench;
use crate::disk::Disk;

const CI: &str = "
name: ci
inputs: {ref: {type: string, default: none}}
triggers:
  - {name: main, event: push, branches: [main], inputs: {ref: '${event.ref}'}}
  - {name: docs, event: push, paths: ['docs/**']}
stages:
  - {name: build, env: {REF: '${ref}'}, run: 'echo $REF'}
";

fn push(id: &str, data: Json) -> Json {
    json!({"type": "push", "id": id, "data": data})
}

async fn save(bench: &Bench, definition: &str) {
    bench.post("/api/pipelines", json!({ "definition": definition })).await;
}

async fn runs(bench: &Bench) -> Vec<String> {
    let listed = bench.get("/api/runs").await;
    let data = listed["data"].as_array().unwrap();
    data.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_starts_a_run_for_each_trigger_that_matches_and_once() {
    let bench = Bench::new();
    save(&bench, CI).await;
    let data = json!({"branch": "main", "ref": "refs/heads/main", "paths": ["docs/a.md"]});
    let given = bench.post("/api/events", push("e-1", data.clone())).await;
    assert_eq!(given["started"], json!(["ci#1", "ci#2"]));
    let again = bench.post("/api/events", push("e-1", data)).await;
    assert_eq!((&again["duplicate"], &again["started"]), (&json!(true), &json!(["ci#1", "ci#2"])));
    assert_eq!(bench.finished("ci#1").await["status"], "succeeded");
    let run = bench.get("/api/runs/ci~1").await;
    assert_eq!(
        (&run["trigger"], &run["inputs"]["ref"]),
        (&json!("push"), &json!("refs/heads/main"))
    );
    assert_eq!((&run["event"]["id"], &run["event"]["branch"]), (&json!("e-1"), &json!("main")));
    assert_eq!(bench.get("/api/runs/ci~2").await["inputs"]["ref"], "none");
    let other = push("e-2", json!({"branch": "dev", "paths": ["src/a.rs"]}));
    assert_eq!(bench.post("/api/events", other).await["started"], json!([]));
    assert_eq!(runs(&bench).await.len(), 2);
    let listed = bench.get("/api/events").await;
    assert_eq!(listed["data"][1]["started"], json!(["ci#1", "ci#2"]));
}

#[tokio::test]
async fn the_index_follows_the_catalogue() {
    let bench = Bench::new();
    let started = async |id: &str| {
        let data = json!({"branch": "main", "ref": "r"});
        bench.post("/api/events", push(id, data)).await["started"].clone()
    };
    assert_eq!(started("e-1").await, json!([]));
    save(&bench, CI).await;
    assert_eq!(started("e-2").await, json!(["ci#1"]));
    bench.post("/api/pipelines/ci/disable", Json::Null).await;
    assert_eq!(started("e-3").await, json!([]), "a disabled pipeline starts nothing");
    bench.post("/api/pipelines/ci/enable", Json::Null).await;
    assert_eq!(started("e-4").await, json!(["ci#2"]));
    let (status, _) = bench
        .call("PUT", "/api/pipelines/ci", json!({"definition": CI.replace("[main]", "[dev]")}))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(started("e-5").await, json!([]));
    // A definition that is brought along becomes the current one.
    bench.start(CI).await;
    assert_eq!(started("e-6").await, json!(["ci#4"]));
    let (status, _) = bench.call("DELETE", "/api/pipelines/ci", Json::Null).await;
    assert!(status.is_success());
    assert_eq!(started("e-7").await, json!([]));
}

#[tokio::test]
async fn what_cannot_be_started_is_said_with_the_match() {
    let bench = Bench::new();
    save(&bench, CI).await;
    let given = bench.post("/api/events", push("e-1", json!({"branch": "main"}))).await;
    assert_eq!(given["started"], json!([]));
    let matches = bench.get("/api/events/e-1/matches").await;
    let found = &matches["matches"][0];
    assert_eq!((&found["pipeline"], &found["trigger"]), (&json!("ci"), &json!("main")));
    assert!(found["problem"].as_str().unwrap().contains("event.ref"), "{found}");
}

#[tokio::test]
async fn what_started_before_a_restart_is_not_started_again() {
    let disk = Disk::new();
    let bench = Bench::on_disk(&disk);
    save(&bench, CI).await;
    let event = push("e-1", json!({"branch": "main", "ref": "r"}));
    assert_eq!(bench.post("/api/events", event.clone()).await["started"], json!(["ci#1"]));
    bench.server.shutdown().await;
    let bench = Bench::on_disk(&disk);
    let (status, again) = bench.call("POST", "/api/events", event).await;
    assert_eq!((status, &again["started"]), (StatusCode::OK, &json!(["ci#1"])));
    assert_eq!(runs(&bench).await, ["ci#1"]);
    let next = push("e-2", json!({"branch": "main", "ref": "r"}));
    assert_eq!(bench.post("/api/events", next).await["started"], json!(["ci#2"]));
}

#[tokio::test]
async fn nobody_from_outside_speaks_for_the_server() {
    let bench = Bench::new();
    save(&bench, "name: nightly\ntriggers:\n  - {name: night, schedule: '0 2 * * *'}\nstages:\n  - {name: a, run: 'true'}\n").await;
    let data = json!({"pipeline": "nightly", "trigger": "night"});
    let event = json!({"type": "schedule.due", "id": "e", "data": data});
    assert_eq!(bench.post("/api/events", event).await["started"], json!([]));
}
