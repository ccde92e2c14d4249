//! From a definition to a finished run, over HTTP.

use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, Feed, feed, sequence};

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
    let seqs = sequence(&lines);
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
async fn runs_are_listed_in_the_order_that_is_asked_for() {
    let bench = Bench::new();
    for name in ["b", "a", "b", "c"] {
        bench.start(&format!("name: {name}\nstages:\n  - {{name: it, noop: true}}\n")).await;
    }
    let names = |page: &Json| -> Vec<String> {
        let runs = page["data"].as_array().unwrap().iter();
        runs.map(|run| run["name"].as_str().unwrap().to_owned()).collect()
    };
    let listed = bench.get("/api/runs").await;
    assert_eq!(names(&listed), ["c#1", "b#2", "a#1", "b#1"]);
    let first = bench.get("/api/runs?sort=name&limit=3").await;
    assert_eq!(names(&first), ["a#1", "b#1", "b#2"]);
    let next = first["next"].as_str().unwrap();
    let second = bench.get(&format!("/api/runs?sort=name&limit=3&after={next}")).await;
    assert_eq!(names(&second), ["c#1"]);
    assert_eq!(second["next"], Json::Null);
    let of_one = bench.get("/api/pipelines/b/runs?sort=created").await;
    assert_eq!(names(&of_one), ["b#1", "b#2"]);
    for wrong in ["", "-", "cost", "--name"] {
        let path = format!("/api/runs?sort={wrong}");
        let (status, problem) = bench.call("GET", &path, Json::Null).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(problem["fields"][0]["field"], "sort", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("-duration"), "{problem}");
    }
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

#[tokio::test]
async fn a_reader_that_is_too_slow_misses_nothing() {
    let bench = Bench::new();
    let stages: String = (0..300).map(|n| format!("  - {{name: s{n}, run: echo {n}}}\n")).collect();
    let text = format!("name: long\nstages:\n{stages}");
    bench.start(&text).await;
    let mut slow = Feed::open(bench.router(), "long#1", Some(0)).await;
    // Nothing is read until all has happened: far more notices than any queue holds.
    bench.server.idle().await;
    let mut lines = Vec::new();
    while let Some(line) = slow.next().await {
        lines.push(line);
    }
    let seqs = sequence(&lines);
    assert!(seqs.len() > 900, "{}", seqs.len());
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(lines.last().unwrap()["summary"]["status"], "succeeded");
    // Only the last message says that the run has ended, also when all of it is history.
    let lines = feed(bench.router(), "long#1", Some(0)).await;
    let statuses: Vec<&str> =
        lines[1..].iter().map(|line| line["summary"]["status"].as_str().unwrap()).collect();
    assert!(statuses.len() > 1);
    assert_eq!(statuses.iter().position(|s| *s == "succeeded"), Some(statuses.len() - 1));
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_stores_nothing() {
    let bench = Bench::new();
    let text = "
name: plan
inputs:
  target: {type: string, default: all}
stages:
  - name: docs
    when: {paths: ['docs/**']}
    run: 'true'
  - name: build
    run: 'true'
";
    let event = json!({"type": "push", "paths": ["src/main.rs"]});
    let request = json!({"definition": text, "event": event, "dry_run": true});
    let plan = bench.post("/api/runs", request).await;
    assert_eq!(plan["pipeline"], "plan");
    assert_eq!(plan["inputs"], json!({"target": "all"}));
    assert_eq!(plan["stages"][0]["verdict"], "would skip");
    assert!(plan["stages"][0]["reason"].as_str().unwrap().contains("docs/**"), "{plan}");
    assert_eq!(plan["stages"][1]["verdict"], "would run");
    assert_eq!(bench.get("/api/runs").await["data"], json!([]));
    assert_eq!(bench.get("/api/pipelines").await["data"], json!([]));
}

#[tokio::test]
async fn the_catalogue_keeps_revisions() {
    let bench = Bench::new();
    let (status, made) = bench.call("POST", "/api/pipelines", json!({ "definition": CHAIN })).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["stages"][1]["depends_on"], json!(["one"]));
    let second = CHAIN.replace("echo 1", "echo one");
    let update = json!({ "definition": second, "expected_revision": 1 });
    let (status, updated) = bench.call("PUT", "/api/pipelines/chain", update.clone()).await;
    assert_eq!((status, &updated["revision"]), (StatusCode::OK, &json!(2)), "{updated}");
    bench
        .refused(
            "PUT",
            "/api/pipelines/chain",
            json!({"definition": CHAIN, "expected_revision": 1}),
            409,
            "conflict",
        )
        .await;
    let revisions = bench.get("/api/pipelines/chain/revisions?limit=1").await;
    assert_eq!(revisions["data"][0]["number"], 2);
    let older = revisions["next"].as_str().unwrap();
    let revisions = bench.get(&format!("/api/pipelines/chain/revisions?after={older}")).await;
    assert_eq!(revisions["data"][0]["number"], 1);
    assert_eq!(revisions["next"], Json::Null);
    let first = bench.get("/api/pipelines/chain/revisions/1").await;
    assert_eq!(first["definition"], CHAIN);
    let run = bench.post("/api/pipelines/chain/run", json!({})).await;
    assert_eq!((&run["revision"], &run["number"]), (&json!(2), &json!(1)));
    bench.finished("chain#1").await;
    let (status, _) = bench.call("DELETE", "/api/pipelines/chain", Json::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    bench.refused("GET", "/api/pipelines/chain", Json::Null, 404, "not_found").await;
    // What it ran can still be looked at.
    assert_eq!(bench.get("/api/runs/chain~1").await["status"], "succeeded");
}

#[tokio::test]
async fn lists_are_paged_newest_first() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.start(CHAIN).await;
    }
    bench.server.idle().await;
    let page = bench.get("/api/runs?limit=2&pipeline=chain&status=succeeded,failed").await;
    assert_eq!(page["schema"], "orchestrate.run.list/v1");
    let numbers = |page: &Json| -> Vec<u64> {
        let data = page["data"].as_array().unwrap();
        data.iter().map(|run| run["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&page), [3, 2]);
    let next = page["next"].as_str().unwrap();
    let page = bench.get(&format!("/api/pipelines/chain/runs?limit=2&after={next}")).await;
    assert_eq!(numbers(&page), [1]);
    assert_eq!(page["next"], Json::Null);
    let list = bench.get("/api/pipelines").await;
    assert_eq!(list["data"][0]["last_run"]["number"], 3);
    assert_eq!(list["data"][0]["last_ten"], json!(["succeeded", "succeeded", "succeeded"]));
}
