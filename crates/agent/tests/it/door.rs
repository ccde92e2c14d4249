//! A server's door for tests: passes calls of the model on and remembers them by turn, and lets people
//! answer.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::net::{TcpStream, UnixListener};

type Answering = Box<dyn Fn(&Json) -> Json + Send>;

#[derive(Default)]
struct State {
    model: String,
    turns: HashMap<String, (u16, String, Bytes)>,
    asked: Vec<String>,
    asks: Vec<Json>,
    looks: HashMap<String, u32>,
    after: u32,
    answering: Option<Answering>,
    let_go: Vec<Json>,
    /// Who has taken over, as the harness is told.
    taken: tokio::sync::watch::Sender<Json>,
}

#[derive(Clone, Default)]
struct Shared(Arc<(Mutex<State>, Condvar)>);

pub(crate) struct Server {
    socket: PathBuf,
    shared: Shared,
    _folder: Option<tempfile::TempDir>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    pub(crate) fn start(model: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("door.sock");
        Self { _folder: Some(folder), ..Self::at(model, &socket) }
    }

    pub(crate) fn at(model: &str, socket: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Shared::default();
        shared.0.0.lock().unwrap().model = model.to_owned();
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(socket).unwrap()
        };
        let serve = shared.clone();
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = serve.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(shared.clone(), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { socket: socket.to_owned(), shared, _folder: None, _runtime: runtime }
    }

    pub(crate) fn socket(&self) -> String {
        self.socket.display().to_string()
    }

    /// People answer when they were asked so often; until then there is no answer.
    pub(crate) fn answer_after(&self, looks: u32, answer: impl Fn(&Json) -> Json + Send + 'static) {
        let mut state = self.shared.0.0.lock().unwrap();
        state.after = looks;
        state.answering = Some(Box::new(answer));
    }

    /// A person takes over, or hands back.
    pub(crate) fn taken(&self, taken: Json) {
        self.shared.0.0.lock().unwrap().taken.send_replace(taken);
    }

    /// Until this hold was let go of; gives how a person goes on.
    pub(crate) fn until_let_go(&self, hold: u32, times: usize) -> Json {
        let (lock, changed) = &*self.shared.0;
        let of = |one: &&Json| one["hold"] == hold;
        let missing = |state: &mut State| state.let_go.iter().filter(of).count() < times;
        let state = changed.wait_while(lock.lock().unwrap(), missing).unwrap();
        state.let_go.iter().rfind(of).unwrap().clone()
    }

    pub(crate) fn asks(&self) -> Vec<Json> {
        self.shared.0.0.lock().unwrap().asks.clone()
    }

    /// Until a call of the model with this number has come in.
    pub(crate) fn until_asked(&self, turn: u32) {
        let (lock, changed) = &*self.shared.0;
        let end = format!("/{turn}");
        let state = lock.lock().unwrap();
        let asked = |state: &mut State| !state.asked.iter().any(|turn| turn.ends_with(&end));
        drop(changed.wait_while(state, asked).unwrap());
    }
}

async fn answer(
    shared: Shared,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let turn = request.headers().get("x-orchestrate-turn");
    let turn = turn.and_then(|turn| turn.to_str().ok()).unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if let Some(rest) = path.strip_prefix("/llm/fake") {
        // Goes on also when whoever asked is gone, as a gateway does.
        let task = tokio::spawn(model(shared, turn, rest.to_owned(), parts, body));
        let (status, kind, bytes) = task.await.unwrap();
        let response = Response::builder().status(status).header("content-type", kind);
        return Ok(response.body(Full::new(bytes)).unwrap());
    }
    if path == "/api/attempt/hold" {
        return Ok(hold(shared, parts, &body).await);
    }
    let mut state = shared.0.0.lock().unwrap();
    let key = match path.strip_prefix("/api/attempt/asks/") {
        Some(key) => key.to_owned(),
        None => {
            let ask: Json = serde_json::from_slice(&body).unwrap();
            let key = ask["key"].as_str().unwrap().to_owned();
            if !state.asks.iter().any(|known| known["key"] == key.as_str()) {
                state.asks.push(ask);
            }
            key
        }
    };
    let looks = state.looks.entry(key.clone()).or_default();
    *looks += 1;
    let looks = *looks;
    let ask = state.asks.iter().find(|ask| ask["key"] == key.as_str()).unwrap();
    let answer = state.answering.as_ref().filter(|_| looks >= state.after).map(|say| say(ask));
    let body = json!({ "key": key, "answer": answer }).to_string();
    Ok(Response::new(Full::new(Bytes::from(body))))
}

/// As a server does: answers when there is something newer.
async fn hold(shared: Shared, parts: http::request::Parts, body: &[u8]) -> Response<Full<Bytes>> {
    let stamp = |taken: &Json| {
        let hold = taken["hold"].as_u64().unwrap_or(0);
        (hold * 2).saturating_sub(u64::from(hold > 0 && taken["back"].is_null()))
    };
    let mut taken = shared.0.0.lock().unwrap().taken.subscribe();
    if parts.method == http::Method::POST {
        let (lock, changed) = &*shared.0;
        lock.lock().unwrap().let_go.push(serde_json::from_slice(body).unwrap());
        changed.notify_all();
    } else {
        let query = parts.uri.query().unwrap_or_default();
        let after = query.strip_prefix("after=").unwrap_or_default().parse().unwrap_or(0);
        taken.wait_for(|taken| stamp(taken) > after).await.unwrap();
    }
    let taken = taken.borrow().clone();
    let body = json!({ "stamp": stamp(&taken), "taken": taken }).to_string();
    Response::new(Full::new(Bytes::from(body)))
}

async fn model(
    shared: Shared,
    turn: String,
    path: String,
    parts: http::request::Parts,
    body: Bytes,
) -> (u16, String, Bytes) {
    let address = {
        let (lock, changed) = &*shared.0;
        let mut state = lock.lock().unwrap();
        state.asked.push(turn.clone());
        changed.notify_all();
        state.model.clone()
    };
    // One at a time: who asks again while the first is on its way waits for it.
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _one = ONE.lock().await;
    if let Some(known) = shared.0.0.lock().unwrap().turns.get(&turn) {
        return known.clone();
    }
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::post(path).header("host", "model");
    for name in ["content-type", "authorization", "x-api-key", "anthropic-version"] {
        if let Some(value) = parts.headers.get(name) {
            request = request.header(name, value);
        }
    }
    let response = sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let whole = (status, kind, bytes);
    shared.0.0.lock().unwrap().turns.insert(turn, whole.clone());
    whole
}
