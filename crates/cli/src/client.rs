//! The typed client: the same calls whether the server is in this process, behind a unix socket
//! or behind an address.

pub mod accounts;
pub mod agents;
pub mod compare;
pub mod flow;
pub mod lines;
pub mod models;
pub mod notices;
pub mod people;
pub mod raw;
pub mod rollout;
pub mod tasks;
pub mod transport;

use std::time::Duration;

use api::Page;
use api::pipeline::{Definition, PipelineDetail, PipelineSummary, Plan, Revision, StartRun};
use api::problem::Problem;
use api::run::{Cancel, EventView, Pause, Resolve, Retry, RunDetail, RunSummary};
use api::system::Status;
use axum::body::{Body, Bytes};
use http::{Method, Request, Response, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Failure, Result};
use crate::exit::Exit;
use lines::Lines;
use transport::Transport;

/// Speaks to the owner of a data folder, or to a server at an address.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Transport,
    caller: Caller,
}

/// Who asks. Without a token the server knows the user of this process by its socket.
#[derive(Clone, Default)]
pub struct Caller {
    pub token: Option<String>,
    /// `--as`: only with an admin's token.
    pub stands_for: Option<String>,
    /// The trace that this process is a part of, which what it starts goes on with.
    pub traceparent: Option<String>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { token, stands_for, traceparent } = self;
        f.debug_struct("Caller")
            .field("token", &token.as_ref().map(|_| "..."))
            .field("stands_for", stands_for)
            .field("traceparent", traceparent)
            .finish()
    }
}

/// Whom a request of an admin stands for.
const STANDS_FOR: &str = "x-orchestrate-as";
/// W3C Trace Context.
const TRACEPARENT: &str = "traceparent";

/// `GET /api/runs`
#[derive(Clone, Debug, Default)]
pub struct RunsQuery {
    pub pipeline: Option<String>,
    pub task: Option<String>,
    pub statuses: Vec<String>,
    /// Newest first when not given.
    pub sort: Option<String>,
    /// What they really do.
    pub mode: Option<String>,
    pub limit: u32,
    pub after: Option<String>,
}

/// `GET /api/runs/{run}/logs/{stage}`
#[derive(Clone, Copy, Debug, Default)]
pub struct LogQuery {
    /// The newest one when not given.
    pub attempt: Option<u32>,
    /// Until the attempt has ended.
    pub follow: bool,
    /// First byte.
    pub offset: u64,
}

impl Client {
    pub fn new(transport: Transport, caller: Caller) -> Self {
        Self { transport, caller }
    }

    pub async fn status(&self) -> Result<Status> {
        self.get("/api/status").await
    }

    pub async fn pipelines(
        &self,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page<PipelineSummary>> {
        let mut query = Query::new("/api/pipelines");
        query.add("limit", &limit.to_string());
        query.add_some("after", after);
        self.get(&query.text).await
    }

    pub async fn pipeline(&self, name: &str) -> Result<PipelineDetail> {
        self.get(&path(&["api", "pipelines", name])).await
    }

    pub async fn create_pipeline(&self, definition: &Definition) -> Result<PipelineDetail> {
        self.post("/api/pipelines", definition).await
    }

    pub async fn update_pipeline(
        &self,
        name: &str,
        definition: &Definition,
    ) -> Result<PipelineDetail> {
        let path = path(&["api", "pipelines", name]);
        decode(self.send(Method::PUT, &path, definition).await?).await
    }

    pub async fn delete_pipeline(&self, name: &str) -> Result<()> {
        self.send(Method::DELETE, &path(&["api", "pipelines", name]), &()).await.map(drop)
    }

    pub async fn set_enabled(&self, name: &str, enabled: bool) -> Result<PipelineDetail> {
        let verb = if enabled { "enable" } else { "disable" };
        self.post(&path(&["api", "pipelines", name, verb]), &serde_json::json!({})).await
    }

    pub async fn revisions(&self, name: &str, limit: u32) -> Result<Page<Revision>> {
        let mut query = Query::new(&path(&["api", "pipelines", name, "revisions"]));
        query.add("limit", &limit.to_string());
        self.get(&query.text).await
    }

    pub async fn revision(&self, name: &str, number: u32) -> Result<Revision> {
        self.get(&path(&["api", "pipelines", name, "revisions", &number.to_string()])).await
    }

    pub async fn start(&self, start: &StartRun) -> Result<RunSummary> {
        self.post("/api/runs", start).await
    }

    /// `start` with `dry_run` set.
    pub async fn plan(&self, start: &StartRun) -> Result<Plan> {
        self.post("/api/runs", start).await
    }

    pub async fn runs(&self, wanted: &RunsQuery) -> Result<Page<RunSummary>> {
        let mut query = Query::new("/api/runs");
        query.add("limit", &wanted.limit.to_string());
        query.add_some("pipeline", wanted.pipeline.as_deref());
        query.add_some("task", wanted.task.as_deref());
        query.add_some("sort", wanted.sort.as_deref());
        query.add_some("after", wanted.after.as_deref());
        if !wanted.statuses.is_empty() {
            query.add("status", &wanted.statuses.join(","));
        }
        query.add_some("mode", wanted.mode.as_deref());
        self.get(&query.text).await
    }

    pub async fn run(&self, run: &str) -> Result<RunDetail> {
        self.get(&path(&["api", "runs", run])).await
    }

    pub async fn pause(&self, run: &str, body: &Pause) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "pause"]), body).await
    }

    pub async fn resume(&self, run: &str) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "resume"]), &serde_json::json!({})).await
    }

    pub async fn cancel(&self, run: &str, body: &Cancel) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "cancel"]), body).await
    }

    pub async fn retry(&self, run: &str, body: &Retry) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "retry"]), body).await
    }

    pub async fn resolve(&self, run: &str, body: &Resolve) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "resolve"]), body).await
    }

    pub async fn events(&self, run: &str, after: u64, limit: u32) -> Result<Page<EventView>> {
        let mut query = Query::new(&path(&["api", "runs", run, "events"]));
        query.add("after", &after.to_string());
        query.add("limit", &limit.to_string());
        self.get(&query.text).await
    }

    /// Messages of a run after this sequence number, until the run has finished.
    pub async fn feed(&self, run: &str, after: u64) -> Result<Lines> {
        let mut query = Query::new(&path(&["api", "runs", run, "feed"]));
        query.add("after", &after.to_string());
        let response = self.send(Method::GET, &query.text, &()).await?;
        Ok(Lines::new(response.into_body()))
    }

    /// Captured lines ([`api::feed::Captured`]) of one execution's attempt.
    pub async fn log_lines(&self, run: &str, stage: &str, query: LogQuery) -> Result<Lines> {
        let response = self.log(run, stage, query, "lines").await?;
        Ok(Lines::new(response.into_body()))
    }

    /// The same bytes as were captured.
    pub async fn log_bytes(&self, run: &str, stage: &str, query: LogQuery) -> Result<Body> {
        Ok(self.log(run, stage, query, "raw").await?.into_body())
    }

    async fn log(
        &self,
        run: &str,
        stage: &str,
        wanted: LogQuery,
        format: &str,
    ) -> Result<Response<Body>> {
        let mut query = Query::new(&path(&["api", "runs", run, "logs", stage]));
        query.add("format", format);
        query.add("offset", &wanted.offset.to_string());
        query.add_some("attempt", wanted.attempt.map(|number| number.to_string()).as_deref());
        if wanted.follow {
            query.add("follow", "true");
        }
        self.send(Method::GET, &query.text, &()).await
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        decode(self.send(Method::GET, path, &()).await?).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        decode(self.send(Method::POST, path, body).await?).await
    }

    /// The answer, or the problem that the server describes. When the owner of the data folder
    /// has gone before it took the request, its successor is asked.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Response<Body>> {
        let bytes = if method == Method::GET || method == Method::DELETE {
            Bytes::new()
        } else {
            let bytes = serde_json::to_vec(body)
                .map_err(|error| Failure::internal("write the request", &error))?;
            Bytes::from(bytes)
        };
        self.send_bytes(method, path, "application/json", bytes).await
    }

    async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        kind: &'static str,
        bytes: Bytes,
    ) -> Result<Response<Body>> {
        /// An owner that stops needs a moment; each search has a patience of its own.
        const SEARCHES: u32 = 100;
        const PAUSE: Duration = Duration::from_millis(20);
        let mut searches = 0;
        loop {
            let failure = match self.try_once(&method, path, kind, bytes.clone()).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let unseen = matches!(failure.code.as_str(), transport::NO_ANSWER | "stopping")
                || (failure.code == transport::BROKEN && method == Method::GET);
            searches += 1;
            if !unseen || searches > SEARCHES || !self.transport.look_again().await? {
                return Err(failure);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_once(
        &self,
        method: &Method,
        path: &str,
        kind: &'static str,
        bytes: Bytes,
    ) -> Result<Response<Body>> {
        let mut request = Request::builder().method(method).uri(path);
        if !bytes.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if let Some(token) = &self.caller.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(name) = &self.caller.stands_for {
            request = request.header(STANDS_FOR, name);
        }
        let traceparent = self.caller.traceparent.as_ref().filter(|_| method == Method::POST);
        // What no header may have is no trace.
        if let Some(Ok(value)) = traceparent.map(http::HeaderValue::try_from) {
            request = request.header(TRACEPARENT, value);
        }
        let request = request
            .body(Body::from(bytes))
            .map_err(|error| Failure::internal("build the request", &error))?;
        let response = self.transport.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let bytes = body(response).await?;
        let problem = serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| Problem {
            status: status.as_u16(),
            title: format!("the server answered {status}"),
            detail: String::from_utf8_lossy(&bytes).trim().chars().take(400).collect(),
            ..Problem::default()
        });
        Err(Failure::from_problem(problem))
    }
}

async fn decode<T: DeserializeOwned>(response: Response<Body>) -> Result<T> {
    let bytes = body(response).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::internal("understand the server's answer", &error)
            .hint("the server may be of another version; `orchestrate status` shows which")
    })
}

/// The whole body.
pub async fn body(response: Response<Body>) -> Result<Vec<u8>> {
    whole(response.into_body()).await
}

/// All bytes of a body.
pub async fn whole(body: Body) -> Result<Vec<u8>> {
    let collected = body.collect().await.map_err(|error| {
        Failure::new(Exit::Unreachable, format!("the connection broke: {error}"))
            .hint("ask again; nothing that was acknowledged is lost")
    })?;
    Ok(collected.to_bytes().to_vec())
}

/// `/a/b` with each part escaped.
pub fn path(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |path, part| path + "/" + &escape(part))
}

/// Percent-encodes all but unreserved characters.
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path with its query.
#[derive(Debug)]
pub struct Query {
    pub text: String,
    empty: bool,
}

impl Query {
    pub fn new(path: &str) -> Self {
        Self { text: path.to_owned(), empty: true }
    }

    pub fn add(&mut self, key: &str, value: &str) {
        self.text.push(if self.empty { '?' } else { '&' });
        self.empty = false;
        self.text.push_str(key);
        self.text.push('=');
        self.text.push_str(&escape(value));
    }

    pub fn add_some(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs_are_escaped_in_paths() {
        assert_eq!(path(&["api", "runs", "ci#4", "feed"]), "/api/runs/ci%234/feed");
        let mut query = Query::new("/api/runs");
        query.add("limit", "5");
        query.add_some("status", Some("failed,running"));
        query.add_some("after", None);
        assert_eq!(query.text, "/api/runs?limit=5&status=failed%2Crunning");
    }
}
