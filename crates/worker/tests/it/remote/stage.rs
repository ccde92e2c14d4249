//! A server that says what a test tells it to, over a real socket.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::link::{AttemptRef, Order, Report, What};
use api::worker::{
    Bye, ByeWhy, FromWorker, Hello, SESSION, SecretGiven, SecretWanted, Stored, ToWorker, Welcome,
};
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post, put};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

pub(crate) const TOKEN: &str = "the-worker's-own";
pub(crate) const DATA: &str = "/srv/data";
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) enum Heard {
    Hello(Hello),
    Report(u64, Report),
    Draining,
    Gone,
}

pub(crate) struct House {
    pub(crate) url: String,
    pub(crate) stage: Arc<Stage>,
    heard: UnboundedReceiver<Heard>,
}

pub(crate) struct Stage {
    heard: UnboundedSender<Heard>,
    socket: Mutex<Option<UnboundedSender<Option<ToWorker>>>>,
    session: Mutex<String>,
    pub(crate) adopts: Mutex<Vec<AttemptRef>>,
    pub(crate) fence_ms: AtomicU16,
    pub(crate) answers: AtomicBool,
    pub(crate) stores: AtomicBool,
    /// In place of a connection.
    pub(crate) status: AtomicU16,
    /// Times that output is turned away.
    pub(crate) full: AtomicU16,
    pub(crate) outputs: Mutex<HashMap<String, Vec<u8>>>,
    pub(crate) blobs: Mutex<HashMap<String, Vec<u8>>>,
    pub(crate) secrets: Mutex<BTreeMap<String, String>>,
    pub(crate) secret_asks: AtomicU16,
    /// What is stored of the output that grew last.
    printed: watch::Sender<String>,
}

impl House {
    pub(crate) async fn open() -> Self {
        let (sender, heard) = unbounded_channel();
        let stage = Arc::new(Stage {
            heard: sender,
            socket: Mutex::new(None),
            session: Mutex::default(),
            adopts: Mutex::default(),
            fence_ms: AtomicU16::new(20_000),
            answers: AtomicBool::new(true),
            stores: AtomicBool::new(true),
            status: AtomicU16::new(0),
            full: AtomicU16::new(0),
            outputs: Mutex::default(),
            blobs: Mutex::default(),
            secrets: Mutex::default(),
            secret_asks: AtomicU16::new(0),
            printed: watch::channel(String::new()).0,
        });
        let of_attempt = "/api/workers/{worker}/attempts/{key}";
        let router = Router::new()
            .route("/api/workers/connect", any(connect))
            .route(&format!("{of_attempt}/output"), put(output))
            .route(&format!("{of_attempt}/blobs/{{digest}}"), get(give).put(take))
            .route(&format!("{of_attempt}/secrets"), post(secret))
            .with_state(Arc::clone(&stage));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, stage, heard }
    }

    pub(crate) async fn next(&mut self) -> Heard {
        let heard = tokio::time::timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("nothing was heard").unwrap()
    }

    pub(crate) async fn hello(&mut self) -> Hello {
        match self.next().await {
            Heard::Hello(hello) => hello,
            other => panic!("expected a greeting: {other:?}"),
        }
    }

    pub(crate) async fn report(&mut self) -> (u64, What) {
        match self.next().await {
            Heard::Report(seq, report) => (seq, report.what),
            other => panic!("expected a report: {other:?}"),
        }
    }

    pub(crate) async fn started(&mut self) -> u32 {
        match self.report().await {
            (_, What::Started { pid }) => pid,
            other => panic!("expected a start: {other:?}"),
        }
    }

    /// Once there is some.
    pub(crate) async fn printed(&self) -> String {
        let mut printed = self.stage.printed.subscribe();
        let some = printed.wait_for(|text| !text.is_empty());
        tokio::time::timeout(PATIENCE, some).await.expect("nothing was printed").unwrap().clone()
    }

    pub(crate) fn say(&self, message: ToWorker) {
        self.stage.say(Some(message));
    }

    pub(crate) fn order(&self, order: Order) {
        self.say(ToWorker::Order { order: Box::new(order) });
    }

    pub(crate) fn bye(&self, why: ByeWhy) {
        self.say(ToWorker::Bye(Bye { why, message: "because".into() }));
    }

    pub(crate) fn hang_up(&self) {
        self.stage.say(None);
    }
}

impl Stage {
    fn say(&self, message: Option<ToWorker>) {
        self.socket.lock().unwrap().as_ref().unwrap().send(message).unwrap();
    }

    fn hear(&self, heard: Heard) {
        let _over = self.heard.send(heard);
    }

    fn is_of_session(&self, headers: &HeaderMap) -> bool {
        let bearer = format!("Bearer {TOKEN}");
        headers["authorization"] == bearer && headers[SESSION] == *self.session.lock().unwrap()
    }
}

async fn connect(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    match stage.status.load(Ordering::Relaxed) {
        0 => socket.on_upgrade(|socket| talk(stage, socket)),
        status => {
            let status = StatusCode::from_u16(status).unwrap();
            let problem = serde_json::json!({
                "status": status.as_u16(), "code": "not_allowed", "title": "no",
                "detail": "the token may not work", "hints": ["orchestrate token create"],
            });
            (status, problem.to_string()).into_response()
        }
    }
}

async fn talk(stage: Arc<Stage>, mut socket: WebSocket) {
    let Some(FromWorker::Hello(hello)) = read(&mut socket).await else { return };
    *stage.session.lock().unwrap() = hello.session.clone();
    let (sender, mut to_say) = unbounded_channel();
    *stage.socket.lock().unwrap() = Some(sender);
    stage.hear(Heard::Hello(*hello));
    let fence_ms = u64::from(stage.fence_ms.load(Ordering::Relaxed));
    let welcome = Welcome {
        lease_ms: fence_ms * 3 / 2,
        renew_ms: fence_ms / 2,
        fence_ms,
        data_dir: DATA.into(),
    };
    let attempts = stage.adopts.lock().unwrap().clone();
    for message in
        [ToWorker::Welcome(welcome), ToWorker::Order { order: Box::new(Order::Adopt { attempts }) }]
    {
        write(&mut socket, &message).await;
    }
    loop {
        tokio::select! {
            message = to_say.recv() => match message.flatten() {
                Some(message) => write(&mut socket, &message).await,
                None => return,
            },
            came = read(&mut socket) => match came {
                None => return stage.hear(Heard::Gone),
                Some(FromWorker::Beat) => if stage.answers.load(Ordering::Relaxed) {
                    write(&mut socket, &ToWorker::Beat).await;
                },
                Some(FromWorker::Report { seq, report }) => {
                    if stage.stores.load(Ordering::Relaxed) {
                        write(&mut socket, &ToWorker::Stored { seq }).await;
                    }
                    stage.hear(Heard::Report(seq, *report));
                }
                Some(FromWorker::Draining) => stage.hear(Heard::Draining),
                Some(FromWorker::Hello(_)) => panic!("a second greeting"),
            },
        }
    }
}

async fn read(socket: &mut WebSocket) -> Option<FromWorker> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

async fn write(socket: &mut WebSocket, message: &ToWorker) {
    let text = serde_json::to_string(message).unwrap();
    let _gone = socket.send(Message::Text(text.into())).await;
}

async fn output(
    State(stage): State<Arc<Stage>>,
    Path((_worker, key)): Path<(String, String)>,
    Query(query): Query<HashMap<String, u64>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !stage.is_of_session(&headers) {
        return StatusCode::CONFLICT.into_response();
    }
    let turned_away =
        stage.full.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
    if turned_away.is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut outputs = stage.outputs.lock().unwrap();
    let stream = outputs.entry(key).or_default();
    let offset = usize::try_from(query["offset"]).unwrap();
    assert!(offset <= stream.len(), "a hole");
    assert!(body.is_empty() || query["at"] > 1_700_000_000_000_000);
    let known = stream.len() - offset;
    if known < body.len() {
        stream.extend_from_slice(&body[known..]);
        stage.printed.send_replace(String::from_utf8_lossy(stream).into_owned());
    }
    axum::Json(Stored { total: stream.len() as u64 }).into_response()
}

async fn take(
    State(stage): State<Arc<Stage>>,
    Path((_worker, _key, digest)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if !stage.is_of_session(&headers) {
        return StatusCode::CONFLICT;
    }
    stage.blobs.lock().unwrap().insert(digest, body.to_vec());
    StatusCode::NO_CONTENT
}

async fn give(
    State(stage): State<Arc<Stage>>,
    Path((_worker, _key, digest)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    match stage.blobs.lock().unwrap().get(&digest) {
        Some(_) if !stage.is_of_session(&headers) => StatusCode::CONFLICT.into_response(),
        Some(content) => content.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn secret(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    axum::Json(wanted): axum::Json<SecretWanted>,
) -> Response {
    if !stage.is_of_session(&headers) {
        return StatusCode::CONFLICT.into_response();
    }
    stage.secret_asks.fetch_add(1, Ordering::Relaxed);
    let value = stage.secrets.lock().unwrap().get(&wanted.name).cloned();
    axum::Json(SecretGiven { value }).into_response()
}
