//! What all routes have in common: refusals, tags, keys of requests that are sent again.

use std::sync::Arc;

use axum::body::Body;
use engine::event::Stamped;
use engine::id::RunId;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use store::port::{Change, Error, Outcome, Write};
use tower::ServiceExt as _;

use crate::bench::{Bench, obedient};
use crate::starts::CHAIN;

/// Status, head and text of an answer.
async fn ask(
    bench: &Bench,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = bench.router().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (head.status, head.headers, String::from_utf8_lossy(&text).into_owned())
}

/// Method, path, headers, body, and the status and code of the refusal.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);

#[tokio::test]
async fn every_refusal_is_a_problem_that_names_its_request() {
    let bench = Bench::new();
    let long = format!("/api/runs?after={}", "x".repeat(9000));
    let huge = "x".repeat(40_000);
    let fat = format!("{{\"definition\": \"{}\"}}", "x".repeat(3 << 20));
    let table: [Asked<'_>; 16] = [
        ("GET", "/api/nothing", &[], "", 404, "not_found"),
        ("GET", "/api/runs/nobody~1", &[], "", 404, "not_found"),
        ("GET", "/api/runs/..%2f..%2fetc", &[], "", 404, "not_found"),
        ("GET", "/api/runs/%ff", &[], "", 400, "invalid_request"),
        ("GET", "/api/runs/a%00b", &[], "", 400, "invalid_request"),
        ("GET", "/api/pipelines/x/revisions/one", &[], "", 400, "invalid_request"),
        ("PATCH", "/api/status", &[], "", 405, "method_not_allowed"),
        ("GET", "/api/runs?limit=0", &[], "", 400, "invalid_request"),
        ("GET", "/api/runs?limits=1", &[], "", 400, "invalid_request"),
        ("GET", "/api/runs?status=finished", &[], "", 400, "invalid_request"),
        ("GET", &long, &[], "", 414, "uri_too_long"),
        ("GET", "/api/runs", &[("x-huge", &huge)], "", 431, "request_header_fields_too_large"),
        ("POST", "/api/runs", &[], "{", 400, "invalid_json"),
        (
            "POST",
            "/api/runs",
            &[("content-type", "text/yaml")],
            "a: 1",
            415,
            "unsupported_media_type",
        ),
        ("POST", "/api/runs", &[], &fat, 413, "too_large"),
        ("POST", "/api/runs", &[], "{\"pipelin\": \"x\"}", 400, "invalid_request"),
    ];
    for (method, path, headers, body, status, code) in table {
        let place = &path[..path.len().min(60)];
        let (got, head, text) = ask(&bench, method, path, headers, body).await;
        assert_eq!(got.as_u16(), status, "{method} {place}: {text}");
        assert_eq!(head["content-type"], "application/problem+json", "{method} {place}");
        assert_eq!(head["cache-control"], "no-store", "{method} {place}");
        let problem: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["code"], code, "{method} {place}: {text}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], head["x-request-id"].to_str().unwrap());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
    let (_, head, _) = ask(&bench, "PATCH", "/api/status", &[], "").await;
    assert!(head["allow"].to_str().unwrap().contains("GET"), "{head:?}");
    let (_, head, _) = ask(&bench, "GET", "/api/nothing", &[("x-request-id", "build-7")], "").await;
    assert_eq!(head["x-request-id"], "build-7");
}

#[tokio::test]
async fn head_and_options_are_answered() {
    let bench = Bench::new();
    let (status, _, text) = ask(&bench, "HEAD", "/api/runs", &[], "").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, ""));
    let (status, head, _) = ask(&bench, "OPTIONS", "/api/runs", &[], "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let allowed = head["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

#[tokio::test]
async fn what_the_caller_has_already_is_not_sent_again() {
    let bench = Bench::new();
    bench.start(CHAIN).await;
    let (status, head, _) = ask(&bench, "GET", "/api/pipelines/chain", &[], "").await;
    assert_eq!(
        (status, &head["cache-control"]),
        (StatusCode::OK, &"private, no-cache".parse().unwrap())
    );
    let tag = head["etag"].to_str().unwrap().to_owned();
    let known = [("if-none-match", tag.as_str())];
    let (status, head, text) = ask(&bench, "GET", "/api/schema", &[], "").await;
    assert_eq!(status, StatusCode::OK);
    let schema = head["etag"].to_str().unwrap().to_owned();
    assert!(!text.is_empty());
    let (status, _, text) =
        ask(&bench, "GET", "/api/schema", &[("if-none-match", &schema)], "").await;
    assert_eq!((status, text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let (status, ..) = ask(&bench, "GET", "/api/schema", &known, "").await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_pipeline_is_changed_only_by_whoever_saw_its_revision() {
    let bench = Bench::new();
    bench.start(CHAIN).await;
    let (_, head, _) = ask(&bench, "GET", "/api/pipelines/chain", &[], "").await;
    let seen = head["etag"].to_str().unwrap().to_owned();
    let update = |text: &str| json!({ "definition": text }).to_string();
    let second = CHAIN.replace("echo", "printf");
    let if_match = [("if-match", seen.as_str())];
    let (status, _, text) =
        ask(&bench, "PUT", "/api/pipelines/chain", &if_match, &update(&format!("{second}\n")))
            .await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let (status, head, text) =
        ask(&bench, "PUT", "/api/pipelines/chain", &if_match, &update(CHAIN)).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{text}");
    assert_eq!(head["etag"], "\"r2\"");
    assert!(text.contains("changed_meanwhile"), "{text}");
    let (status, ..) =
        ask(&bench, "PUT", "/api/pipelines/chain", &[("if-match", "\"r2\"")], &update(CHAIN)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_start_that_is_sent_again_starts_nothing_more() {
    let bench = Bench::new();
    let body = json!({ "definition": CHAIN, "directory": "/" }).to_string();
    let key = [("idempotency-key", "k-1")];
    let (status, head, first) = ask(&bench, "POST", "/api/runs", &key, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    assert!(head.get("idempotency-replayed").is_none());
    let (status, head, again) = ask(&bench, "POST", "/api/runs", &key, &body).await;
    assert_eq!((status, &again), (StatusCode::CREATED, &first));
    assert_eq!(head["idempotency-replayed"], "true");
    let other = json!({ "definition": CHAIN, "directory": "/tmp" }).to_string();
    let (status, _, text) = ask(&bench, "POST", "/api/runs", &key, &other).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("key_reused"), "{text}");
    let another = [("idempotency-key", "k-2")];
    let (status, _, second) = ask(&bench, "POST", "/api/runs", &another, &body).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(second, first);
    assert_eq!(bench.get("/api/runs").await["data"].as_array().unwrap().len(), 2);
    for bad in ["", "a b", &"x".repeat(256)] {
        let (status, ..) =
            ask(&bench, "POST", "/api/runs", &[("idempotency-key", bad)], &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    let token = json!({ "user": "ana" }).to_string();
    let (status, _, text) = ask(&bench, "POST", "/api/tokens", &key, &token).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "an answer that is a secret is not kept: {text}");
}

/// A memory that forgets answers, as a crash before they are stored would.
struct Forgetful(Box<dyn Write>);

impl Write for Forgetful {
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, Error> {
        let is_answer = |change: &Change| matches!(change, Change::KeepAnswer { .. });
        let kept: Vec<Change> =
            changes.iter().filter(|change| !is_answer(change)).cloned().collect();
        let mut outcomes = self.0.commit(&kept)?.into_iter();
        let outcome =
            |change| if is_answer(change) { Some(Outcome::Done) } else { outcomes.next() };
        Ok(changes.iter().filter_map(outcome).collect())
    }

    fn next_run_number(&mut self, pipeline: &str) -> Result<u64, Error> {
        self.0.next_run_number(pipeline)
    }

    fn next_task_number(&mut self, task: &str) -> Result<u64, Error> {
        self.0.next_task_number(task)
    }

    fn unfinished(&mut self) -> Result<Vec<RunId>, Error> {
        self.0.unfinished()
    }

    fn journal(&mut self, run: RunId) -> Result<Vec<Stamped>, Error> {
        self.0.journal(run)
    }
}

#[tokio::test]
async fn a_start_whose_answer_was_lost_starts_nothing_more() {
    let (writer, reader) = store::memory::open();
    let writer = Box::new(Forgetful(Box::new(writer)));
    let bench = Bench::on(writer, Arc::new(reader), obedient());
    let body = json!({ "definition": CHAIN, "directory": "/" }).to_string();
    let key = [("idempotency-key", "k")];
    let (_, _, first) = ask(&bench, "POST", "/api/runs", &key, &body).await;
    // Also when it has finished and is not in memory any more.
    bench.finished("chain#1").await;
    let (status, head, again) = ask(&bench, "POST", "/api/runs", &key, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{again}");
    assert!(head.get("idempotency-replayed").is_none(), "it was carried out again");
    let id = |text: &str| serde_json::from_str::<Json>(text).unwrap()["id"].clone();
    assert_eq!(id(&again), id(&first));
    assert_eq!(bench.get("/api/runs").await["data"].as_array().unwrap().len(), 1);
    let event = json!({ "type": "spec.ready" }).to_string();
    let (_, _, first) =
        ask(&bench, "POST", "/api/events", &[("idempotency-key", "e")], &event).await;
    let (_, _, again) =
        ask(&bench, "POST", "/api/events", &[("idempotency-key", "e")], &event).await;
    assert_eq!(id(&again), id(&first));
}
