//! The one door to the server: requests with the attempt's token over its socket. The server may be
//! away for a while; then the harness waits.

mod asks;
mod holds;

use std::path::PathBuf;
use std::time::Duration;

use api::agent::{Door as Place, Rounds};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Pauses between tries to reach a server that is away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// For an answer that can be done without.
const PATIENCE: Duration = Duration::from_secs(10);
/// No answer that is read whole is longer.
const MAX_ANSWER: usize = 4 << 20;

#[derive(Debug)]
pub(crate) struct Door {
    way: Way,
    token: String,
}

#[derive(Debug)]
enum Way {
    Socket(PathBuf),
    /// Of a server without a gateway before it, on this machine: for trying things out.
    Loopback(String),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error("the server cannot be reached: {0}")]
    Away(std::io::Error),
    #[error("the connection to the server broke: {0}")]
    Broken(hyper::Error),
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// What was asked is asked in vain: somebody works in the agent's place.
    #[error("a person has taken over")]
    TakenOver,
    #[error("the server refused ({status}): {message}")]
    Refused { status: u16, message: String },
    #[error("the server's answer cannot be understood: {0}")]
    Answer(String),
}

impl Door {
    pub(crate) fn new(place: &Place) -> Self {
        let way = match place.socket.strip_prefix("http://") {
            Some(authority) => Way::Loopback(authority.trim_end_matches('/').to_owned()),
            None => Way::Socket(place.socket.clone().into()),
        };
        Self { way, token: place.token.clone() }
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Path of the gateway for a provider, as the server has it. A server for trying things out is
    /// the provider itself.
    pub(crate) fn model_path(&self, provider: &str, rest: &str) -> String {
        match &self.way {
            Way::Socket(_) => format!("/llm/{provider}/{rest}"),
            Way::Loopback(_) => format!("/{rest}"),
        }
    }

    /// Sends one request, once. The body of the answer is still to come.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Closed> {
        let authority = match &self.way {
            Way::Socket(_) => "localhost",
            Way::Loopback(authority) => authority,
        };
        let host =
            HeaderValue::from_str(authority).map_err(|error| Closed::Request(error.to_string()))?;
        request.headers_mut().insert(HOST, host);
        match &self.way {
            Way::Socket(path) => {
                let stream = UnixStream::connect(path).await.map_err(Closed::Away)?;
                exchange(stream, request).await
            }
            Way::Loopback(authority) => {
                let stream = TcpStream::connect(authority).await.map_err(Closed::Away)?;
                exchange(stream, request).await
            }
        }
    }

    /// As [`Door::send`], but waits as long as nobody is there. `waiting` is told of each try.
    pub(crate) async fn send_when_open(
        &self,
        request: &Request<Full<Bytes>>,
        waiting: impl Fn(),
    ) -> Result<Response<Incoming>, Closed> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.send(request.clone()).await {
                Err(Closed::Away(error)) => {
                    tracing::info!(%error, "the server is away");
                    waiting();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                other => return other,
            }
        }
    }

    /// The loop of this attempt as its definition says it now; `None`: nobody is there to say.
    ///
    /// # Errors
    /// What is wrong with the definition.
    pub(crate) async fn rounds(&self) -> Option<Result<Rounds, String>> {
        let request = Request::get("/api/attempt/loop")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::default())
            .ok()?;
        let answer = async {
            let response = self.send(request).await.ok()?;
            let status = response.status();
            Some((status, whole(response.into_body()).await.ok()?))
        };
        let (status, body) = tokio::time::timeout(PATIENCE, answer).await.ok()??;
        let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
        match status.as_u16() {
            200 => serde_json::from_value(body).ok().map(Ok),
            422 => Some(Err(body["detail"].as_str().unwrap_or_default().to_owned())),
            _ => None,
        }
    }

    /// A request whose answer is one JSON value.
    async fn json<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<T, Closed> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|error| Closed::Request(error.to_string()))?;
        let response = self.send_when_open(&request, || {}).await?;
        let status = response.status();
        let bytes = whole(response.into_body()).await?;
        if !status.is_success() {
            let problem: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            if problem["code"] == "taken_over" {
                return Err(Closed::TakenOver);
            }
            let message = String::from_utf8_lossy(&bytes).chars().take(500).collect();
            return Err(Closed::Refused { status: status.as_u16(), message });
        }
        serde_json::from_slice(&bytes).map_err(|error| Closed::Answer(error.to_string()))
    }
}

/// The whole of an answer that is known to be short.
pub(crate) async fn whole(mut body: Incoming) -> Result<Vec<u8>, Closed> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(Closed::Broken)?.into_data() {
            if bytes.len() + data.len() > MAX_ANSWER {
                return Err(Closed::Answer(format!("it has more than {MAX_ANSWER} bytes")));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Closed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(Closed::Broken)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
    sender.send_request(request).await.map_err(Closed::Broken)
}
