//! A server in this process, called through its router, with scripted hands.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use api::agent::{Door, Limits};
use api::link::{AttemptRef, End, Exit, Order, Report, Stopped, What};
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use server::{Inbox, Options, Server};
use store::port::{Read, Write};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::ServiceExt;

use crate::disk::Disk;

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
    pub(crate) hands: Hands,
    router: OnceLock<Router>,
}

/// What arrived at the hands, and what they answer.
pub(crate) struct Hands {
    pub(crate) seen: UnboundedReceiver<Order>,
    pub(crate) inbox: Inbox,
}

/// What the hands do with an order on their own: the stage's name decides.
pub(crate) type Script = Arc<dyn Fn(&Order) -> Vec<Report> + Send + Sync>;

impl Bench {
    pub(crate) fn new() -> Self {
        let (writer, reader) = store::memory::open();
        Self::on(Box::new(writer), Arc::new(reader), obedient())
    }

    /// The hands only do what the test says.
    pub(crate) fn by_hand() -> Self {
        let (writer, reader) = store::memory::open();
        Self::on(Box::new(writer), Arc::new(reader), by_hand())
    }

    pub(crate) fn on(writer: Box<dyn Write>, reader: Arc<dyn Read>, script: Script) -> Self {
        Self::with(writer, reader, script, |_| {})
    }

    pub(crate) fn with(
        writer: Box<dyn Write>,
        reader: Arc<dyn Read>,
        script: Script,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path(), "test", 4);
        // The thread of the conductor ends, the process goes on and sees it refuse.
        options.on_fatal = Arc::new(|_problem| {});
        change(&mut options);
        let server = Server::open(options, writer, reader).unwrap();
        let (seen_sender, seen) = unbounded_channel();
        let inbox = server.inbox();
        let mut orders = server.orders().unwrap();
        let reports = inbox.clone();
        tokio::spawn(async move {
            while let Some(order) = orders.recv().await {
                for report in script(&order) {
                    reports.report(report);
                }
                forward(&seen_sender, order);
            }
        });
        Self { server, folder, hands: Hands { seen, inbox }, router: OnceLock::new() }
    }

    /// Made when it is first asked for: with every route and its description that takes long.
    pub(crate) fn router(&self) -> Router {
        self.router.get_or_init(|| self.server.router()).clone()
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Json) -> (StatusCode, Json) {
        call(self.router(), method, path, body).await
    }

    /// A call with somebody's token.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Json,
    ) -> (StatusCode, Json) {
        let bearer = format!("Bearer {token}");
        call_with(self.router(), method, path, body, &[("authorization", &bearer)]).await
    }

    /// A token for this user.
    pub(crate) async fn token(&self, user: &str) -> String {
        let token = self.post("/api/tokens", json!({ "user": user })).await;
        token["token"].as_str().unwrap().to_owned()
    }

    /// Of an attempt without caps.
    pub(crate) fn door(&self, attempt: &AttemptRef) -> Door {
        self.server.door(attempt, &Limits::default())
    }

    pub(crate) fn config(&self, text: &str) {
        std::fs::write(self.path().join("config.yaml"), text).unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Json {
        let (status, body) = self.call("GET", path, Json::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// An answer that is text.
    pub(crate) async fn get_text(&self, path: &str) -> String {
        let (status, body) = self.call("GET", path, Json::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body.as_str().map_or_else(|| body.to_string(), str::to_owned)
    }

    pub(crate) async fn start(&self, definition: &str) -> Json {
        self.start_with(json!({ "definition": definition, "directory": "/" })).await
    }

    pub(crate) async fn start_with(&self, request: Json) -> Json {
        let (status, body) = self.call("POST", "/api/runs", request).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body
    }

    /// A server on this disk; the hands only do what the test says.
    pub(crate) fn on_disk(disk: &Disk) -> Self {
        Self::on(Box::new(disk.clone()), Arc::new(disk.reader.clone()), by_hand())
    }

    pub(crate) async fn post(&self, path: &str, body: Json) -> Json {
        let (status, body) = self.call("POST", path, body).await;
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    /// The answer has to be this problem.
    pub(crate) async fn refused(
        &self,
        method: &str,
        path: &str,
        body: Json,
        status: u16,
        code: &str,
    ) -> Json {
        let (found, problem) = self.call(method, path, body).await;
        assert_eq!(found.as_u16(), status, "{method} {path}: {problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        problem
    }

    /// Waits until a run has this status, by its feed.
    pub(crate) async fn until(&self, run: &str, status: &str) {
        let mut feed = Feed::open(self.router(), run, None).await;
        loop {
            let line = feed.next().await.expect("the feed ended");
            let now = match line["type"].as_str() {
                Some("events") => &line["summary"]["status"],
                Some("snapshot") => &line["run"]["status"],
                _ => continue,
            };
            if now == status {
                return;
            }
        }
    }

    /// Follows the feed of a run to its end and says how it ended.
    pub(crate) async fn finished(&self, run: &str) -> Json {
        let lines = feed(self.router(), run, None).await;
        let last = lines.iter().rev().find_map(|line| match line["type"].as_str() {
            Some("events") => Some(line["summary"].clone()),
            Some("snapshot") => Some(line["run"].clone()),
            _ => None,
        });
        last.unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn forward(seen: &UnboundedSender<Order>, order: Order) {
    // A test that no longer looks at orders has dropped its end.
    let _unseen = seen.send(order);
}

impl Hands {
    pub(crate) async fn order(&mut self) -> Order {
        self.seen.recv().await.expect("the server is gone")
    }

    /// The next order to start, others skipped.
    pub(crate) async fn started(&mut self) -> AttemptRef {
        loop {
            if let Order::Start(assignment) = self.order().await {
                return assignment.attempt;
            }
        }
    }

    pub(crate) fn say(&self, attempt: &AttemptRef, what: What) {
        assert!(self.inbox.report(Report { attempt: attempt.clone(), what }));
    }

    pub(crate) fn exit(&self, attempt: &AttemptRef, code: i32) {
        self.say(attempt, exited(End::Code(code)));
    }
}

pub(crate) fn exited(end: End) -> What {
    What::Exited(Box::new(Exit {
        end,
        outputs: None,
        outputs_error: None,
        artifacts: Vec::new(),
        committed: None,
        artifacts_error: None,
        elapsed_ms: 1,
        user_ms: 1,
        system_ms: 1,
        max_rss_bytes: 1,
        output_bytes: 0,
        tail: String::new(),
        warnings: Vec::new(),
    }))
}

pub(crate) fn by_hand() -> Script {
    Arc::new(|_order| Vec::new())
}

/// Every attempt succeeds at once, unless its stage's name begins with `fail`; what is stopped
/// ends; nothing is known of what an earlier process may have started.
pub(crate) fn obedient() -> Script {
    let ended: Mutex<HashMap<String, What>> = Mutex::default();
    Arc::new(move |order| {
        let report = |attempt: &AttemptRef, what| Report { attempt: attempt.clone(), what };
        match order {
            Order::Start(assignment) => {
                let attempt = &assignment.attempt;
                let code = i32::from(attempt.execution.starts_with("fail"));
                let end = exited(End::Code(code));
                ended.lock().unwrap().insert(attempt.key.clone(), end.clone());
                vec![report(attempt, What::Started { pid: 7 }), report(attempt, end)]
            }
            Order::Stop { attempt, .. } => {
                vec![report(attempt, exited(End::Stopped(Stopped::Cancelled)))]
            }
            Order::Forget { .. } => Vec::new(),
            Order::Adopt { attempts } => {
                attempts.iter().map(|attempt| report(attempt, What::NeverStarted)).collect()
            }
        }
    })
}

pub(crate) async fn call(
    router: Router,
    method: &str,
    path: &str,
    body: Json,
) -> (StatusCode, Json) {
    call_with(router, method, path, body, &[]).await
}

pub(crate) async fn call_with(
    router: Router,
    method: &str,
    path: &str,
    body: Json,
    headers: &[(&str, &str)],
) -> (StatusCode, Json) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let mut request =
        Request::builder().method(method).uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(bytes)).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = if bytes.is_empty() {
        Json::Null
    } else {
        serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(&bytes).into_owned()))
    };
    (status, body)
}

/// All messages of a feed until it ends.
pub(crate) async fn feed(router: Router, run: &str, after: Option<u64>) -> Vec<Json> {
    let mut feed = Feed::open(router, run, after).await;
    let mut lines = Vec::new();
    while let Some(line) = feed.next().await {
        lines.push(line);
    }
    lines
}

/// Newline-delimited JSON that arrives bit by bit.
pub(crate) struct Feed {
    body: Body,
    read: Vec<u8>,
}

impl Feed {
    pub(crate) async fn open(router: Router, run: &str, after: Option<u64>) -> Self {
        let run = run.replace('#', "%23");
        let after = after.map(|after| format!("?after={after}")).unwrap_or_default();
        Self::get(router, &format!("/api/runs/{run}/feed{after}")).await
    }

    pub(crate) async fn get(router: Router, path: &str) -> Self {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body();
        if status != StatusCode::OK {
            let bytes = body.collect().await.unwrap().to_bytes();
            panic!("{path}: {status} {}", String::from_utf8_lossy(&bytes));
        }
        Self { body, read: Vec::new() }
    }

    pub(crate) async fn next(&mut self) -> Option<Json> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = self.body.frame().await?.unwrap();
            self.read.extend_from_slice(&frame.into_data().unwrap());
        }
    }
}

/// The sequence numbers of the events in these messages.
pub(crate) fn sequence(lines: &[Json]) -> Vec<u64> {
    lines
        .iter()
        .filter(|line| line["type"] == "events")
        .flat_map(|line| line["events"].as_array().unwrap())
        .map(|event| event["seq"].as_u64().unwrap())
        .collect()
}
