//! Every refusal is a problem with a code, a title and words.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::bench::{Bench, by_hand};
use crate::starts::CHAIN;

#[tokio::test]
async fn unknown_routes_methods_and_names() {
    let bench = Bench::new();
    bench.refused("GET", "/api/nothing", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/", Json::Null, 404, "not_found").await;
    bench.refused("DELETE", "/api/runs", Json::Null, 405, "method_not_allowed").await;
    bench.refused("PUT", "/api/status", Json::Null, 405, "method_not_allowed").await;
    for run in ["nothing%231", "nothing~1", "nothing%23x", "0000", "00", "..%2F..%2Fetc", "%23"] {
        let problem =
            bench.refused("GET", &format!("/api/runs/{run}"), Json::Null, 404, "not_found").await;
        assert_eq!(problem["hints"], json!(["orchestrate runs list"]));
    }
    bench.refused("GET", "/api/pipelines/nothing", Json::Null, 404, "not_found").await;
    bench.refused("POST", "/api/pipelines/nothing/run", json!({}), 404, "not_found").await;
    bench.refused("POST", "/api/pipelines/nothing/disable", json!({}), 404, "not_found").await;
    bench.refused("DELETE", "/api/pipelines/nothing", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/pipelines/nothing/revisions", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn requests_that_are_not_understood() {
    let bench = Bench::new();
    bench.refused("GET", "/api/runs?limit=many", Json::Null, 400, "invalid_request").await;
    bench.refused("GET", "/api/runs?colour=red", Json::Null, 400, "invalid_request").await;
    bench.refused("GET", "/api/runs?status=happy", Json::Null, 400, "invalid_request").await;
    bench.refused("GET", "/api/runs?after=x", Json::Null, 400, "invalid_request").await;
    bench.refused("POST", "/api/runs", json!({}), 422, "invalid_input").await;
    bench.refused("POST", "/api/runs", json!({"definitoin": ""}), 400, "invalid_request").await;
    bench.refused("POST", "/api/runs", json!([1]), 400, "invalid_request").await;
    let relative = json!({"definition": CHAIN, "directory": "here"});
    bench.refused("POST", "/api/runs", relative, 422, "invalid_input").await;
    let request = Request::post("/api/validate").body(Body::from("{\"definition")).unwrap();
    let response = bench.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let request = Request::post("/api/validate")
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    let response = bench.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_request_over_two_mebibytes() {
    let bench = Bench::new();
    let body = json!({"definition": "x".repeat((2 << 20) + 1)});
    bench.refused("POST", "/api/validate", body, 413, "too_large").await;
    // As a stream without a declared length.
    let pieces =
        futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 64 << 10])));
    let request = Request::post("/api/validate").body(Body::from_stream(pieces)).unwrap();
    let response = bench.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_definition_with_mistakes_stores_nothing() {
    let bench = Bench::new();
    let text = "name: bad\nstages:\n  - name: a\n    run: 'true'\n    depends_on: [nowhere]\n";
    let request = json!({"definition": text, "file": "bad.yaml"});
    let problem = bench.refused("POST", "/api/runs", request, 422, "definition_invalid").await;
    let diagnostic = &problem["diagnostics"][0];
    assert_eq!(diagnostic["severity"], "error");
    assert_eq!(diagnostic["spans"][0]["file"], "bad.yaml");
    assert_eq!(diagnostic["spans"][0]["start"]["line"], 5);
    assert!(problem["detail"].as_str().unwrap().contains("bad.yaml:5"), "{problem}");
    bench
        .refused("POST", "/api/pipelines", json!({"definition": text}), 422, "definition_invalid")
        .await;
    assert_eq!(bench.get("/api/pipelines").await["data"], json!([]));
    let checked = bench.post("/api/validate", json!({"definition": text})).await;
    assert_eq!(checked["valid"], false);
    let checked = bench.post("/api/validate", json!({"definition": CHAIN})).await;
    assert_eq!((&checked["valid"], &checked["stages"]), (&json!(true), &json!(3)));
}

#[tokio::test]
async fn inputs_are_read_by_their_type_and_refused_by_name() {
    let bench = Bench::new();
    let text = "
name: typed
inputs:
  count: {type: integer, required: true}
stages:
  - name: a
    noop: true
";
    let start = |texts: Json| json!({"definition": text, "input_texts": texts, "directory": "/"});
    for texts in [json!({}), json!({"count": "many"}), json!({"count": "1", "other": "2"})] {
        bench.refused("POST", "/api/runs", start(texts), 422, "invalid_input").await;
    }
    assert_eq!(bench.get("/api/runs").await["data"], json!([]));
    let run = bench.start_with(start(json!({"count": "3"}))).await;
    assert_eq!(run["number"], 1);
    assert_eq!(bench.get("/api/runs/typed~1").await["inputs"], json!({"count": 3}));
}

#[tokio::test]
async fn a_disabled_pipeline_starts_nothing() {
    let bench = Bench::new();
    bench.start(CHAIN).await;
    bench.post("/api/pipelines/chain/disable", json!({})).await;
    let problem =
        bench.refused("POST", "/api/pipelines/chain/run", json!({}), 409, "conflict").await;
    assert_eq!(problem["hints"], json!(["orchestrate pipeline enable chain"]));
    let given = json!({"definition": CHAIN.replace("echo 1", "echo 0")});
    bench.refused("POST", "/api/runs", given, 409, "conflict").await;
    let shown = bench.post("/api/pipelines/chain/enable", json!({})).await;
    assert_eq!((&shown["enabled"], &shown["revision"]), (&json!(true), &json!(1)));
    bench.post("/api/pipelines/chain/run", json!({})).await;
}

#[tokio::test]
async fn commands_that_do_not_fit_the_state() {
    let bench = Bench::new();
    bench.start(CHAIN).await;
    bench.finished("chain#1").await;
    for verb in ["pause", "resume", "cancel", "retry"] {
        let path = format!("/api/runs/chain~1/{verb}");
        bench.refused("POST", &path, Json::Null, 409, "conflict").await;
    }
    let resolve = json!({"stage": "one", "verdict": "maybe"});
    bench.refused("POST", "/api/runs/chain~1/resolve", resolve, 400, "invalid_request").await;
    let from = json!({"from": "nowhere"});
    bench.refused("POST", "/api/runs/chain~1/retry", from, 404, "not_found").await;
    let again = json!({"definition": CHAIN});
    bench.refused("POST", "/api/pipelines", again, 409, "conflict").await;
    let other = json!({"definition": CHAIN});
    bench.refused("PUT", "/api/pipelines/other", other, 422, "invalid_input").await;
}

#[tokio::test]
async fn an_ambiguous_prefix_names_no_run() {
    let (writer, reader) = store::memory::open();
    let bench = Bench::on(Box::new(writer), std::sync::Arc::new(reader), by_hand());
    let first = bench.start(CHAIN).await["id"].as_str().unwrap().to_owned();
    let found = bench.get(&format!("/api/runs/{}", &first[..20])).await;
    assert_eq!(found["id"], first.as_str());
    let dashed = uuid::Uuid::parse_str(&first).unwrap().hyphenated().to_string();
    assert_eq!(bench.get(&format!("/api/runs/{dashed}")).await["id"], first.as_str());
    bench.start(CHAIN).await;
    let prefix = format!("/api/runs/{}", &first[..4]);
    bench.refused("GET", &prefix, Json::Null, 409, "conflict").await;
}

#[tokio::test]
async fn health_is_open_and_plain() {
    let bench = Bench::new();
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let response = bench.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"ready\n");
    bench.server.shutdown().await;
    bench.refused("GET", "/readyz", Json::Null, 503, "not_ready").await;
    let start = json!({"definition": CHAIN});
    bench.refused("POST", "/api/runs", start, 503, "stopping").await;
}
