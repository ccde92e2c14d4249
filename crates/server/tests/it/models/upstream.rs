//! A provider of models on loopback, in four formats; it does what the test says.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Response, Uri};
use serde_json::{Value as Json, json};
use tokio::sync::{Notify, Semaphore};

/// What came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
}

/// What one request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// As the format has it, streamed where the request asks for it.
    Says(&'static str),
    Status(u16, Vec<(&'static str, &'static str)>, Json),
    /// So many events of the stream, and then the connection is cut.
    Cut(usize),
    /// These very pieces, as server-sent events.
    Raw(Vec<String>),
}

type Script = dyn Fn(usize) -> Reply + Send + Sync;

pub(crate) struct Upstream {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    seen: Mutex<Vec<Seen>>,
    arrived: Notify,
    script: Box<Script>,
    /// Each request takes one before it is answered.
    gate: Semaphore,
    most: Mutex<(usize, usize)>,
}

impl Upstream {
    /// The script is asked with the number of the request, from 0.
    pub(crate) async fn new(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::gated(Semaphore::MAX_PERMITS, script).await
    }

    /// Answers only what [`Upstream::release`] lets it.
    pub(crate) async fn held(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::gated(0, script).await
    }

    async fn gated(open: usize, script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            arrived: Notify::new(),
            script: Box::new(script),
            gate: Semaphore::new(open),
            most: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn release(&self, requests: usize) {
        self.shared.gate.add_permits(requests);
    }

    /// The most requests that were there at once.
    pub(crate) fn most(&self) -> usize {
        self.shared.most.lock().unwrap().1
    }

    /// Waits until so many have come.
    pub(crate) async fn arrived(&self, requests: usize) {
        loop {
            let arrived = self.shared.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.seen().len() >= requests {
                return;
            }
            arrived.await;
        }
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let body: Json = serde_json::from_slice(&body).unwrap_or(Json::Null);
    let path = uri.to_string();
    let number = {
        let mut seen = shared.seen.lock().unwrap();
        seen.push(Seen { path: path.clone(), headers, body: body.clone() });
        let mut most = shared.most.lock().unwrap();
        most.0 += 1;
        most.1 = most.1.max(most.0);
        seen.len() - 1
    };
    shared.arrived.notify_waiters();
    shared.gate.acquire().await.unwrap().forget();
    shared.most.lock().unwrap().0 -= 1;
    match (shared.script)(number) {
        Reply::Status(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            let response = response.header("content-type", "application/json");
            response.body(Body::from(body.to_string())).unwrap()
        }
        Reply::Says(text) if streams(&path, &body) => events(format_of(&path).events(text), false),
        Reply::Says(text) => {
            let body = format_of(&path).whole(text).to_string();
            Response::builder()
                .header("content-type", "application/json")
                .body(Body::from(body))
                .unwrap()
        }
        Reply::Cut(after) => {
            let mut all = format_of(&path).events("one two three");
            all.truncate(after);
            events(all, true)
        }
        Reply::Raw(pieces) => events(pieces, false),
    }
}

fn streams(path: &str, body: &Json) -> bool {
    body["stream"] == true || path.contains(":stream")
}

/// One piece each.
fn events(pieces: Vec<String>, cut: bool) -> Response<Body> {
    let end = cut.then(|| Err(std::io::Error::other("cut")));
    let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece))).chain(end);
    let pieces: Vec<Result<Bytes, std::io::Error>> = pieces.collect();
    // What there is goes out before the next piece is asked for: also before a cut.
    let pieces = stream::iter(pieces).then(|piece| async move {
        tokio::task::yield_now().await;
        piece
    });
    let body = Body::from_stream(pieces);
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(body).unwrap()
}

#[derive(Clone, Copy)]
enum Format {
    Chat,
    Responses,
    Messages,
    Gemini,
}

fn format_of(path: &str) -> Format {
    match path {
        path if path.contains("chat/completions") => Format::Chat,
        path if path.contains("responses") => Format::Responses,
        path if path.contains("messages") => Format::Messages,
        _ => Format::Gemini,
    }
}

/// Every format tells 100 tokens of input, 40 of them from the cache, and 20 of output.
impl Format {
    fn whole(self, text: &str) -> Json {
        match self {
            Self::Chat => json!({
                "model": "m-1", "choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 20,
                    "prompt_tokens_details": {"cached_tokens": 40}},
            }),
            Self::Responses => json!({
                "model": "m-1", "output": [{"content": [{"text": text}]}], "usage": {
                    "input_tokens": 100, "output_tokens": 20,
                    "input_tokens_details": {"cached_tokens": 40}},
            }),
            Self::Messages => json!({
                "model": "m-1", "content": [{"text": text}], "usage": {"input_tokens": 60,
                    "cache_read_input_tokens": 40, "output_tokens": 20},
            }),
            Self::Gemini => json!({
                "modelVersion": "m-1", "candidates": [{"content": {"parts": [{"text": text}]},
                    "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 100,
                    "cachedContentTokenCount": 40, "candidatesTokenCount": 20},
            }),
        }
    }

    fn events(self, text: &str) -> Vec<String> {
        let data = |json: Json| format!("data: {json}\n\n");
        let typed =
            |json: Json| format!("event: {}\ndata: {json}\n\n", json["type"].as_str().unwrap());
        let words = || text.split_inclusive(' ');
        match self {
            Self::Chat => {
                let delta =
                    |word| json!({"model": "m-1", "choices": [{"delta": {"content": word}}]});
                let mut events: Vec<String> = words().map(delta).map(data).collect();
                events.push(data(json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})));
                let usage = self.whole("")["usage"].clone();
                events.push(data(json!({"choices": [], "usage": usage})));
                events.push("data: [DONE]\n\n".to_owned());
                events
            }
            Self::Responses => {
                let delta = |word| json!({"type": "response.output_text.delta", "delta": word});
                let mut events: Vec<String> = words().map(delta).map(typed).collect();
                let whole = self.whole(text);
                events.push(typed(json!({"type": "response.completed", "response": whole})));
                events
            }
            Self::Messages => {
                let mut begin = self.whole(text);
                begin["usage"]["output_tokens"] = json!(1);
                let mut events = vec![typed(json!({"type": "message_start", "message": begin}))];
                let delta = |word| json!({"type": "content_block_delta", "delta": {"text": word}});
                events.extend(words().map(delta).map(typed));
                let end = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                    "usage": {"output_tokens": 20}});
                events.extend([typed(end), typed(json!({"type": "message_stop"}))]);
                events
            }
            Self::Gemini => {
                let part = |word| {
                    json!({"candidates": [{"content": {"parts": [{"text": word}]}}],
                        "usageMetadata": {"promptTokenCount": 100}})
                };
                let mut events: Vec<String> = words().map(part).map(data).collect();
                events.push(data(self.whole("")));
                events
            }
        }
    }
}
