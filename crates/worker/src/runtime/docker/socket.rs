//! The API of a daemon, over its unix socket.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::UnixStream;

use super::super::Trouble;

/// An answer takes at most so long, where nothing else is said.
const CALL: Duration = Duration::from_secs(60);
/// And has at most so many bytes.
const LARGEST: usize = 16 << 20;

#[derive(Clone)]
pub(super) struct Socket {
    path: String,
}

pub(super) struct Answer {
    pub(super) status: u16,
    body: Bytes,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self, doing: &str) -> Result<T, Trouble> {
        if self.status >= 300 {
            return Err(self.refused(doing));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Trouble::Unreachable(format!("could not {doing}: {error}")))
    }

    /// In the daemon's own words. What it cannot do now it may do later.
    pub(super) fn refused(&self, doing: &str) -> Trouble {
        let said = serde_json::from_slice::<Value>(&self.body).ok();
        let said = said.and_then(|said| Some(said.get("message")?.as_str()?.to_owned()));
        let said = said.unwrap_or_else(|| format!("it answered {}", self.status));
        let words = format!("the daemon could not {doing}: {said}");
        match self.status {
            429 | 502..=504 => Trouble::Unreachable(words),
            _ => Trouble::Refused(words),
        }
    }
}

impl Socket {
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, Trouble> {
        self.ask("GET", path, None, CALL).await
    }

    pub(super) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Answer, Trouble> {
        self.ask("POST", path, body, CALL).await
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        longest: Duration,
    ) -> Result<Answer, Trouble> {
        let whole = async {
            let response = self.send(method, path, body).await?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|error| self.silent(&error.to_string()))?.to_bytes();
            Ok(Answer { status, body })
        };
        // The longest time of all is no time at all for a timer.
        if longest == Duration::MAX {
            return whole.await;
        }
        match tokio::time::timeout(longest, whole).await {
            Ok(answer) => answer,
            Err(_) => Err(self.silent(&format!("no answer within {} seconds", longest.as_secs()))),
        }
    }

    /// An answer that goes on, and may begin late.
    pub(super) async fn stream(&self, path: &str) -> Result<Response<Incoming>, Trouble> {
        self.send("GET", path, None).await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Trouble> {
        let stream = UnixStream::connect(&self.path).await;
        let stream = stream.map_err(|error| self.silent(&error.to_string()))?;
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.silent(&error.to_string()))?;
        // Ends with the answer, or the one who reads it.
        tokio::spawn(connection);
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "docker")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Trouble::Refused(error.to_string()))?;
        sender.send_request(request).await.map_err(|error| self.silent(&error.to_string()))
    }

    fn silent(&self, problem: &str) -> Trouble {
        let path = &self.path;
        Trouble::Unreachable(format!("the daemon at `{path}` cannot be reached: {problem}"))
    }
}
