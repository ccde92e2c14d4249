//! From a definition to a finished run, over HTTP.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, feed};

pub(crate) const CHAIN: &str = "
name: chain
stages:
  - name: one
    run: echo 1
  - name: two
    run: echo 2
  - name: three
    noop: true
";

#[tokio::test]
async fn a_definition_runs_to_its_end() {
    let bench = Bench::new();
    let run = bench.start(CHAIN).await;
    assert_eq!(run["name"], "chain#1");
    let ended = bench.finished("chain#1").await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let detail = bench.get(&format!("/api/runs/{}", run["id"].as_str().unwrap())).await;
    assert_eq!(detail["stages"][1]["status"], "succeeded");
    assert_eq!(detail["stages"][1]["attempts"][0]["pid"], 7);
    assert_eq!(detail["progress"]["succeeded"], 3);
    bench.server.idle().await;
    let status = bench.get("/api/status").await;
    assert_eq!(status["live"], json!([]));
    assert_eq!(status["recent"][0]["name"], "chain#1");
    assert_eq!(status["slots"], json!({"total": 4, "used": 0, "queued": 0}));
}

#[tokio::test]
async fn a_feed_is_dense_and_ends_with_the_run() {
    let bench = Bench::new();
    bench.start(CHAIN).await;
    let lines = feed(bench.router(), "chain~1", Some(0)).await;
    assert_eq!(lines[0]["type"], "snapshot");
    let seqs: Vec<u64> = lines[1..]
        .iter()
        .filter(|line| line["type"] == "events")
        .flat_map(|line| line["events"].as_array().unwrap())
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let last = lines.last().unwrap()["events"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "run.finished");
    let again = feed(bench.router(), "chain#1", Some(seqs.len() as u64 - 1)).await;
    assert_eq!(again[1]["events"], json!([last]));
    let events = bench.get("/api/runs/chain%231/events?after=1&limit=2").await;
    assert_eq!(events["data"][0]["seq"], 2);
    assert_eq!(events["next"], "3");
}

#[tokio::test]
async fn a_failed_run_says_why_and_can_be_retried() {
    let bench = Bench::new();
    let text =
        "name: f\nstages:\n  - name: fail\n    run: 'false'\n  - name: after\n    run: 'true'\n";
    bench.start(text).await;
    let ended = bench.finished("f#1").await;
    assert_eq!(ended["status"], "failed", "{ended}");
    let detail = bench.get("/api/runs/f~1").await;
    assert_eq!(detail["stages"][0]["attempts"][0]["exit_code"], 1);
    assert_eq!(detail["stages"][1]["status"], "not_run");
    let (status, _) = bench.call("POST", "/api/runs/f~1/retry", Json::Null).await;
    assert_eq!(status, StatusCode::OK);
    bench.server.idle().await;
    let detail = bench.get("/api/runs/f~1").await;
    assert_eq!(detail["stages"][0]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(detail["status"], "failed");
}

#[tokio::test]
async fn two_simultaneous_starts_get_n_and_n_plus_1() {
    let bench = Bench::new();
    let (a, b) = tokio::join!(bench.start(CHAIN), bench.start(CHAIN));
    let mut numbers = [a["number"].as_u64().unwrap(), b["number"].as_u64().unwrap()];
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
    assert_eq!((&a["revision"], &b["revision"]), (&json!(1), &json!(1)));
}
