//! What those who look after a server see of it.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::bench::Bench;
use crate::starts::CHAIN;

async fn text(bench: &Bench, path: &str) -> String {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = bench.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The names in the page of docs/reference.
fn documented() -> BTreeSet<String> {
    let page = server::metrics_page();
    let names = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_is_there() {
    let bench = Bench::new();
    let run = bench.start(CHAIN).await;
    bench.finished(run["name"].as_str().unwrap()).await;
    let text = text(&bench, "/metrics").await;
    let shown: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    let known = documented();
    let missing: Vec<_> = known.difference(&shown).cloned().collect();
    // The memory of this bench is no disk, so that there are no blobs; all else is there.
    assert!(missing.is_empty(), "documented and not shown: {missing:?}");
    let secret: Vec<_> = shown.difference(&known).collect();
    assert!(secret.is_empty(), "shown and not documented: {secret:?}");
    for line in [
        "orchestrate_runs_created_total{pipeline=\"chain\"} 1",
        "orchestrate_runs_finished_total{pipeline=\"chain\",status=\"succeeded\"} 1",
        "orchestrate_run_duration_seconds_count{status=\"succeeded\"} 1",
        "orchestrate_store_writable 1",
        "orchestrate_slots_used 0",
        "orchestrate_requests_open{kind=\"approval\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let stages: f64 = text
        .lines()
        .filter(|line| line.starts_with("orchestrate_attempts_total{"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum();
    assert_eq!(value("orchestrate_attempt_queue_seconds_count"), stages);
    assert!(value("orchestrate_commits_total") >= 1.0);
    assert_eq!(
        value("orchestrate_commit_duration_seconds_count"),
        value("orchestrate_commits_total")
    );
    let detail = bench.get("/api/runs/chain~1/events?limit=1000").await;
    let events = detail["data"].as_array().unwrap().len();
    assert_eq!(value("orchestrate_journal_events_total"), events as f64);
    assert!(text.contains(
        "orchestrate_http_requests_total{route=\"/api/runs\",method=\"POST\",status=\"201\"} 1"
    ));
}

#[tokio::test]
async fn what_is_told_live_is_counted() {
    let bench = Bench::new();
    bench.start(CHAIN).await;
    bench.finished("chain#1").await;
    bench.get("/api/v1/stream/poll?topics=runs,fleet&wait=0").await;
    // Numbers of another server mean nothing to this one.
    bench.get("/api/v1/stream/poll?topics=runs&wait=0&cursor=p-other:7").await;
    let text = text(&bench, "/metrics").await;
    for line in
        ["orchestrate_live_streams 0", "orchestrate_live_topics 2", "orchestrate_live_gaps_total 1"]
    {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
}

#[tokio::test]
async fn a_request_has_an_id_and_paths_that_do_not_exist_are_one_series() {
    let bench = Bench::new();
    let ask = async |path: &str, id: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let answer = bench.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(ask("/healthz", Some("mine-7")).await, "mine-7");
    let drawn = ask("/healthz", Some("no spaces, no commas")).await;
    assert_eq!(drawn.len(), 32, "{drawn}");
    for path in ["/nothing/1", "/nothing/2"] {
        assert_ne!(ask(path, None).await, ask(path, None).await);
    }
    let text = text(&bench, "/metrics").await;
    let line = "orchestrate_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"} 4";
    assert!(text.lines().any(|found| found == line), "{text}");
}

#[tokio::test]
async fn settings_are_shown_with_their_sources_and_never_a_secret() {
    let bench = Bench::new();
    bench.config("logs: {format: json}\nretention: {runs_days: 90}\n");
    let settings = bench.get("/api/config").await;
    let one = |name: &str| {
        let all = settings["data"].as_array().unwrap();
        all.iter().find(|setting| setting["name"] == name).unwrap().clone()
    };
    assert_eq!(one("logs.format")["value"], "json");
    assert_eq!(one("logs.format")["source"], "config.yaml");
    assert_eq!(one("retention.runs_days")["value"], "90");
    assert_eq!(one("server.listen")["source"], "default");
    assert_eq!(one("agents.openai_api_key")["value"], serde_json::Value::Null);
    bench.config("logs: {fromat: json}\n");
    let (status, problem) = bench.call("GET", "/api/config", serde_json::Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().unwrap().contains("did you mean `format`?"), "{problem}");
}
