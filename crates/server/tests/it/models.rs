//! The gateway of models: what goes out, what comes back, what it costs and what is kept.

mod limits;
mod reference;
mod upstream;

use std::sync::Arc;

use api::agent::{Did, Happening, Limits, Usage};
use api::link::AttemptRef;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tower::ServiceExt as _;

use crate::bench::{Bench, call_with};
use crate::disk::Disk;
use upstream::{Reply, Upstream};

const KEY: &str = "sk-the-real-key-of-the-provider";
const AGENT: &str = "
name: agents
stages:
  - {name: work, run: 'true', retry: {max_attempts: 3, backoff: {kind: constant, initial: 1ms, jitter: false}}}
  - {name: other, run: 'true'}
";

/// A server with one provider of each kind at this address, and a live attempt of `work`.
struct Stage {
    bench: Bench,
    attempt: AttemptRef,
    token: String,
}

fn config(bench: &Bench, upstream: &Upstream, more: &str) {
    std::fs::write(bench.path().join("key"), KEY).unwrap();
    let provider = |kind: &str, version: &str| {
        format!(
            "    {kind}: {{kind: {kind}, base_url: '{}{version}', key: {{file: key}}, \
             allow_private: true, concurrency: 3}}\n",
            upstream.url
        )
    };
    let all = [("openai", "/v1"), ("anthropic", ""), ("gemini", ""), ("compatible", "/v1")];
    let all: String = all.iter().map(|(kind, version)| provider(kind, version)).collect();
    bench.config(&format!(
        "models:\n  providers:\n{all}  prices: {{m-1: {{input: 2, output: 10, cache_read: 0.5}}}}\n{more}"
    ));
}

/// Of 60 new, 40 cached and 20 written tokens.
const PRICE: u64 = 60 * 2000 + 40 * 500 + 20 * 10_000;

impl Stage {
    async fn new(upstream: &Upstream, limits: &Limits) -> Self {
        Self::on(Bench::by_hand(), upstream, limits, "").await
    }

    async fn on(mut bench: Bench, upstream: &Upstream, limits: &Limits, more: &str) -> Self {
        config(&bench, upstream, more);
        bench.start(AGENT).await;
        let attempt = bench.hands.started().await;
        let token = bench.server.door(&attempt, limits).token;
        Self { bench, attempt, token }
    }

    async fn ask(&self, path: &str, body: Json, headers: &[(&str, &str)]) -> (StatusCode, Json) {
        ask(&self.bench, &self.token, path, body, headers).await
    }

    async fn chat(&self, turn: &str) -> (StatusCode, Json) {
        let headers = [("x-orchestrate-turn", turn)];
        self.ask("openai/v1/chat/completions", chat(turn), &headers[..]).await
    }

    async fn calls(&self) -> Vec<Json> {
        let page = self.bench.get("/api/runs/agents~1/model-calls").await;
        page["data"].as_array().unwrap().clone()
    }
}

async fn ask(
    bench: &Bench,
    token: &str,
    path: &str,
    body: Json,
    headers: &[(&str, &str)],
) -> (StatusCode, Json) {
    let bearer = format!("Bearer {token}");
    let headers: Vec<(&str, &str)> =
        [("authorization", bearer.as_str())].into_iter().chain(headers.iter().copied()).collect();
    call_with(bench.router(), "POST", &format!("/llm/{path}"), body, &headers).await
}

fn chat(text: &str) -> Json {
    json!({"model": "m-1", "messages": [{"role": "user", "content": text}], "max_tokens": 50})
}

fn streamed(mut body: Json) -> Json {
    body["stream"] = json!(true);
    body
}

fn says(_number: usize) -> Reply {
    Reply::Says("one two three")
}

#[tokio::test]
async fn what_a_turn_cost_is_told_in_the_talk() {
    let upstream = Upstream::new(says).await;
    let mut bench = Bench::by_hand();
    config(&bench, &upstream, "");
    let agents = "name: agents\nstages: [{name: work, agent: implementer, task: Do it}]\n";
    let run = bench.start(agents).await;
    let attempt = bench.hands.started().await;
    let token = bench.server.door(&attempt, &Limits::default()).token;
    let stage = Stage { bench, attempt, token };
    assert_eq!(stage.chat("main/1").await.0, StatusCode::OK);
    let folder = stage.bench.path().join("agents").join(run["id"].as_str().unwrap()).join("0-0");
    std::fs::create_dir_all(&folder).unwrap();
    let line = |turn: &str| {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let what = Did::Usage { usage: Usage::default(), turn: Some(turn.to_owned()) };
        json!(Happening { seq: 1, attempt: 1, at, who: "implementer".into(), what }).to_string()
    };
    let text = format!("{}\n{}\n", line("main/1"), line("main/2"));
    std::fs::write(folder.join("events.ndjson"), text).unwrap();
    let talk = stage.bench.get("/api/runs/agents~1/talk/work").await;
    assert_eq!(talk["data"][0]["usage"]["nano_usd"], json!(PRICE), "{talk}");
    assert_eq!(talk["data"][1]["usage"]["nano_usd"], Json::Null, "nobody knows of that call");
}

#[tokio::test]
async fn a_call_goes_out_with_the_real_key_and_is_counted_priced_and_kept() {
    let upstream = Upstream::new(says).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    let headers = [("x-orchestrate-turn", "t1"), ("x-stainless-lang", "js"), ("cookie", "a=b")];
    let (status, answer) = stage.ask("openai/v1/chat/completions", chat("hello"), &headers).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["choices"][0]["message"]["content"], "one two three");
    let seen = &upstream.seen()[0];
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
    for name in ["x-orchestrate-turn", "x-stainless-lang", "cookie"] {
        assert!(!seen.headers.contains_key(name), "{name} stays here");
    }
    assert_eq!(seen.body, chat("hello"), "nothing is added to what needs nothing");
    let call = &stage.calls().await[0];
    for (field, wanted) in [
        ("state", json!("answered")),
        ("stage", json!("work")),
        ("turn", json!("t1")),
        ("status", json!(200)),
        ("input_tokens", json!(60)),
        ("cache_read_tokens", json!(40)),
        ("output_tokens", json!(20)),
        ("nano_usd", json!(PRICE)),
        ("source", json!("gateway")),
    ] {
        assert_eq!(call[field], wanted, "{field}: {call}");
    }
    let id = call["id"].as_str().unwrap();
    let detail = stage.bench.get(&format!("/api/runs/agents~1/model-calls/{id}")).await;
    assert_eq!(detail["request"], chat("hello"));
    assert_eq!(detail["answer"]["choices"][0]["message"]["content"], "one two three");
    let cost = stage.bench.get("/api/runs/agents~1/cost").await;
    assert_eq!((&cost["total"]["calls"], &cost["total"]["nano_usd"]), (&json!(1), &json!(PRICE)));
    assert_eq!(
        (&cost["stages"][0]["stage"], &cost["models"][0]["model"]),
        (&json!("work"), &json!("m-1"))
    );
    for (by, name) in [("run", "agents#1"), ("pipeline", "agents")] {
        let costs = stage.bench.get(&format!("/api/costs?by={by}&days=1")).await;
        let (row, others) = costs["data"].as_array().unwrap().split_first().unwrap();
        assert_eq!((&row["name"], others), (&json!(name), &[][..]), "{costs}");
        assert_eq!((&row["runs"], &row["nano_usd"]), (&json!(1), &json!(PRICE)), "{costs}");
    }
    assert_eq!(stage.bench.get("/api/costs?by=task").await["data"], json!([]));
    for wrong in ["", "?by=nobody", "?by=run&days=0", "?by=run&days=99999", "?by=run&limit=0"] {
        let path = format!("/api/costs{wrong}");
        stage.bench.refused("GET", &path, Json::Null, 400, "invalid_request").await;
    }
    let run = stage.bench.get("/api/runs/agents~1").await;
    assert_eq!(run["usage"]["nano_usd"], json!(PRICE), "{}", run["usage"]);
    let metrics = stage.bench.get_text("/metrics").await;
    let line =
        "orchestrate_model_calls_total{provider=\"openai\",model=\"m-1\",outcome=\"answered\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    stage
        .bench
        .refused("GET", "/api/runs/agents~1/model-calls/none", Json::Null, 404, "not_found")
        .await;
}

#[tokio::test]
async fn all_formats_are_passed_on_whole_and_streamed_and_their_usage_is_read() {
    let upstream = Upstream::new(says).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    let user = json!([{"role": "user", "content": "hello"}]);
    let gemini = json!({"contents": [{"parts": [{"text": "hello"}]}]});
    let table = [
        ("openai/chat/completions", chat("hello"), "authorization", "/v1/chat/completions"),
        (
            "openai/v1/responses",
            json!({"model": "m-1", "input": "hello"}),
            "authorization",
            "/v1/responses",
        ),
        (
            "anthropic/v1/messages",
            json!({"model": "m-1", "max_tokens": 9, "messages": user}),
            "x-api-key",
            "/v1/messages",
        ),
        (
            "gemini/v1beta/models/m-1:generateContent",
            gemini.clone(),
            "x-goog-api-key",
            "/v1beta/models/m-1:generateContent",
        ),
        (
            "compatible/messages",
            json!({"model": "m-1", "max_tokens": 9, "messages": user}),
            "x-api-key",
            "/v1/messages",
        ),
    ];
    for (path, body, header, reached) in table {
        for streams in [false, true] {
            let gemini = path.contains("gemini");
            let (path, reached, body) = match (streams, gemini) {
                (false, _) => (path.to_owned(), reached.to_owned(), body.clone()),
                (true, false) => (path.to_owned(), reached.to_owned(), streamed(body.clone())),
                (true, true) => {
                    let verb = |path: &str| {
                        format!("{}?alt=sse", path.replace(":generate", ":streamGenerate"))
                    };
                    (verb(path), verb(reached), body.clone())
                }
            };
            let path = path
                .replace(":streamGenerateContent?alt=sse", ":streamGenerateContent?alt=sse&key=x");
            let (status, answer) = stage.ask(&path, body, &[]).await;
            assert_eq!(status, StatusCode::OK, "{path}: {answer}");
            let seen = upstream.seen().pop().unwrap();
            assert_eq!(seen.path, reached);
            assert!(seen.headers[header].to_str().unwrap().ends_with(KEY), "{path}");
            assert_eq!(answer.is_string(), streams, "{path}: {answer}");
            let text = answer.to_string();
            assert!(text.contains("three"), "{path}: {text}");
            if path.contains("chat") && streams {
                assert_eq!(seen.body["stream_options"]["include_usage"], true);
                assert!(text.contains("[DONE]") && !text.contains("prompt_tokens"), "{text}");
            }
            let call = &stage.calls().await[0];
            let used = (&call["input_tokens"], &call["cache_read_tokens"], &call["output_tokens"]);
            assert_eq!(used, (&json!(60), &json!(40), &json!(20)), "{path}: {call}");
            assert_eq!((&call["state"], &call["nano_usd"]), (&json!("answered"), &json!(PRICE)));
        }
    }
    assert_eq!(stage.bench.get("/api/runs/agents~1/cost").await["total"]["calls"], 10);
}

#[tokio::test]
async fn a_turn_that_was_answered_is_never_asked_again() {
    let upstream = Upstream::new(says).await;
    let disk = Disk::new();
    let stage = Stage::on(Bench::on_disk(&disk), &upstream, &Limits::default(), "").await;
    let headers = [("x-orchestrate-turn", "t1")];
    let first = stage.ask("openai/chat/completions", streamed(chat("a")), &headers).await;
    let again = stage.ask("openai/chat/completions", streamed(chat("a")), &headers).await;
    assert_eq!(first, again);
    assert_eq!(upstream.seen().len(), 1);
    // Another question under the same name is another question; so is one without a name.
    stage.ask("openai/chat/completions", streamed(chat("b")), &headers).await;
    stage.ask("openai/chat/completions", streamed(chat("a")), &[]).await;
    stage.ask("openai/chat/completions", streamed(chat("a")), &[]).await;
    assert_eq!(upstream.seen().len(), 4);
    // The next attempt asks a server that has just begun.
    let Stage { mut bench, attempt, .. } = stage;
    bench.hands.exit(&attempt, 1);
    let next = bench.hands.started().await;
    bench.server.shutdown().await;
    let script = Arc::new(|order: &api::link::Order| match order {
        api::link::Order::Adopt { attempts } => attempts
            .iter()
            .map(|attempt| {
                let what = api::link::What::Started { pid: 7 };
                api::link::Report { attempt: attempt.clone(), what }
            })
            .collect(),
        api::link::Order::Start(_)
        | api::link::Order::Stop { .. }
        | api::link::Order::Forget { .. } => Vec::new(),
    });
    let folder = bench.path().to_owned();
    let later =
        Bench::with(Box::new(disk.clone()), Arc::new(disk.reader.clone()), script, |options| {
            options.data_dir = folder;
        });
    let token = later.server.door(&next, &Limits::default()).token;
    let answer =
        ask(&later, &token, "openai/chat/completions", streamed(chat("a")), &headers).await;
    assert_eq!(answer, first);
    assert_eq!(upstream.seen().len(), 4, "answered from memory");
}

#[tokio::test]
async fn an_answer_whose_client_is_killed_is_kept_for_the_next_attempt() {
    let upstream = Upstream::held(says).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    let mut stage = stage;
    let body = streamed(chat("a"));
    let request = Request::post("/llm/openai/chat/completions")
        .header("authorization", format!("Bearer {}", stage.token))
        .header("x-orchestrate-turn", "t1")
        .body(Body::from(body.to_string()))
        .unwrap();
    let asking = tokio::spawn(stage.bench.router().oneshot(request));
    upstream.arrived(1).await;
    asking.abort();
    assert!(asking.await.is_err());
    // The harness is dead; its next attempt asks the same while the answer is still coming.
    stage.bench.hands.exit(&stage.attempt, 1);
    let next = stage.bench.hands.started().await;
    let token = stage.bench.door(&next).token;
    let headers = [("x-orchestrate-turn", "t1")];
    let again = ask(&stage.bench, &token, "openai/chat/completions", body, &headers);
    let (answer, ()) = tokio::join!(again, async {
        upstream.release(1);
    });
    assert_eq!(answer.0, StatusCode::OK);
    assert!(answer.1.to_string().contains("[DONE]"), "{}", answer.1);
    assert_eq!(upstream.seen().len(), 1, "paid once");
}

#[tokio::test]
async fn nobody_sees_the_end_of_an_answer_before_it_is_stored() {
    let upstream = Upstream::new(says).await;
    let disk = Disk::new();
    let stage = Stage::on(Bench::on_disk(&disk), &upstream, &Limits::default(), "").await;
    let request = Request::post("/llm/openai/chat/completions")
        .header("authorization", format!("Bearer {}", stage.token))
        .header("x-orchestrate-turn", "t1")
        .body(Body::from(streamed(chat("a")).to_string()))
        .unwrap();
    let mut body = stage.bench.router().oneshot(request).await.unwrap().into_body();
    let mut text = String::new();
    while let Some(frame) = body.frame().await {
        let bytes = frame.unwrap().into_data().unwrap();
        let piece = String::from_utf8_lossy(&bytes).into_owned();
        if piece.contains("finish_reason") || piece.contains("[DONE]") {
            let kept = stage.calls().await;
            assert_eq!(kept[0]["state"], "answered", "{kept:?}");
        }
        text += &piece;
    }
    assert!(text.contains("[DONE]"), "{text}");
    // Where nothing can be stored, nothing is paid for.
    disk.change(|state| state.full = true);
    let (status, problem) = stage.chat("t2").await;
    assert_eq!(
        (status, &problem["error"]["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("storage_full"))
    );
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn what_breaks_off_is_no_answer_but_costs() {
    let upstream = Upstream::new(|number| match number {
        0 => Reply::Cut(2),
        1 => Reply::Raw(vec!["data: {\"choices\": [{\"delta\": {}}]}\n\n".to_owned()]),
        2 => Reply::Raw(vec!["data: {\"error\": {\"message\": \"overloaded\"}}\n\n".to_owned()]),
        3 => Reply::Raw(vec!["data: {\"choi\n\n".to_owned(), "data: [DONE]\n\n".to_owned()]),
        4 => Reply::Status(200, vec![], json!("no object, but JSON")),
        _ => Reply::Says("one two three"),
    })
    .await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    for number in 0..4 {
        let request = Request::post("/llm/openai/chat/completions")
            .header("authorization", format!("Bearer {}", stage.token))
            .header("x-orchestrate-turn", "t1")
            .body(Body::from(streamed(chat("a")).to_string()))
            .unwrap();
        let response = stage.bench.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{number}");
        let read = response.into_body().collect().await;
        assert!(read.is_err(), "{number}: the client sees that it is not whole");
        let call = &stage.calls().await[0];
        assert_eq!(
            (&call["state"], &call["source"]),
            (&json!("broken"), &json!("estimate")),
            "{call}"
        );
        assert!(call["input_tokens"].as_u64().unwrap() > 0, "{call}");
        assert!(!call["detail"].as_str().unwrap().is_empty(), "{call}");
    }
    let (status, answer) = stage.chat("t0").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::BAD_GATEWAY, &json!("provider_answer"))
    );
    let (status, answer) = stage.chat("t1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(upstream.seen().len(), 6, "asked again each time");
}

#[tokio::test]
async fn refusals_of_a_provider_are_passed_on_and_name_no_key() {
    let says = json!({"error": {"message": format!("Incorrect API key provided: {KEY}")}});
    let upstream = Upstream::new(move |_| Reply::Status(401, vec![], says.clone())).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    let (status, answer) = stage.chat("t1").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer["error"]["message"], "Incorrect API key provided: ***");
    let calls = stage.calls().await;
    assert_eq!((&calls[0]["state"], &calls[0]["status"]), (&json!("failed"), &json!(401)));
    assert!(!calls[0].to_string().contains(KEY), "{}", calls[0]);
    assert_eq!(upstream.seen().len(), 1, "no retry helps");
}

#[tokio::test]
async fn what_is_not_understood_is_refused_in_the_words_of_the_format() {
    let upstream = Upstream::new(says).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    for (path, body, status, code) in [
        ("nobody/chat/completions", chat("a"), 404, "unknown_provider"),
        ("openai/embeddings", chat("a"), 404, "not_passed_on"),
        ("openai/messages", chat("a"), 404, "not_passed_on"),
        ("openai/chat/completions", json!([]), 400, "invalid_request"),
        ("openai/chat/completions", json!({"messages": []}), 400, "invalid_request"),
    ] {
        let (found, answer) = stage.ask(path, body, &[]).await;
        assert_eq!((found.as_u16(), &answer["error"]["code"]), (status, &json!(code)), "{answer}");
    }
    let (_, answer) = stage.ask("anthropic/embeddings/messages", json!({}), &[]).await;
    assert_eq!(answer["type"], "error", "{answer}");
    std::fs::remove_file(stage.bench.path().join("key")).unwrap();
    let (status, answer) = stage.chat("t").await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (StatusCode::BAD_GATEWAY, &json!("provider_key"))
    );
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn providers_are_listed_and_tested_without_their_keys() {
    let upstream = Upstream::new(|number| match number {
        0 => Reply::Says("ok"),
        _ => Reply::Status(401, vec![], json!({"error": {"message": format!("bad key {KEY}")}})),
    })
    .await;
    let bench = Bench::new();
    config(&bench, &upstream, "");
    let list = bench.get("/api/models").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 4);
    assert_eq!(list["data"][0]["key"], "{file: key}");
    let tested = bench.post("/api/models/openai/test", json!({"model": "m-1"})).await;
    assert_eq!((&tested["answered"], &tested["usage"]["nano_usd"]), (&json!(true), &json!(PRICE)));
    let refused = bench.post("/api/models/anthropic/test", json!({"model": "m-1"})).await;
    assert_eq!((&refused["answered"], &refused["status"]), (&json!(false), &json!(401)));
    for answer in [list, tested, refused] {
        assert!(!answer.to_string().contains(KEY), "{answer}");
    }
    bench.refused("POST", "/api/models/openai/test", json!({}), 422, "invalid_input").await;
    bench.refused("POST", "/api/models/nobody/test", json!({}), 404, "unknown_provider").await;
}

#[tokio::test]
async fn whoever_watches_a_run_sees_what_its_models_use() {
    let upstream = Upstream::new(says).await;
    let stage = Stage::new(&upstream, &Limits::default()).await;
    let path = "/api/v1/stream/poll?topics=run:agents~1&wait=5";
    let mut seen = stage.bench.get(path).await;
    assert!(!seen.to_string().contains("input_tokens"), "{seen}");
    let cursor = |seen: &Json| seen["cursor"].as_str().unwrap().to_owned();
    let (told, next) = (stage.chat("a"), cursor(&seen));
    let next = format!("{path}&cursor={next}");
    let (told, watched) = tokio::join!(told, stage.bench.get(&next));
    assert_eq!(told.0, StatusCode::OK);
    seen = watched;
    for _again in 0..3 {
        if seen.to_string().contains(&format!("\"nano_usd\":{PRICE}")) {
            return;
        }
        seen = stage.bench.get(&format!("{path}&cursor={}", cursor(&seen))).await;
    }
    panic!("{seen}");
}
