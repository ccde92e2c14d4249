//! The way to the model for agents that are programs of others: an address on this machine that only
//! takes their attempt's token, and leads to the gateway.
//!
//! No such program ever holds the key of a provider, and none notices when the server restarts.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::desk::Desk;
use crate::door::Closed;

/// No request for a model is larger.
const MAX_REQUEST: usize = 64 << 20;
/// Belong to one connection, not to what is said over it.
const OF_CONNECTION: [HeaderName; 4] = [CONNECTION, TRANSFER_ENCODING, UPGRADE, HOST];
/// A connection that broke before anything came back is tried again so often.
const TRIES: u32 = 3;

type Body = BoxBody<Bytes, hyper::Error>;

/// Open as long as this is held.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    task: AbortHandle,
}

impl Proxy {
    pub(crate) async fn open(desk: Arc<Desk>) -> io::Result<Self> {
        Self::of(desk, None).await
    }

    /// For an agent whose own words do not tell its turns: each call of the model is one, and one more
    /// than there may be is refused.
    pub(crate) async fn counting(desk: Arc<Desk>) -> io::Result<Self> {
        Self::of(desk, Some(Arc::default())).await
    }

    async fn of(desk: Arc<Desk>, turns: Option<Arc<AtomicU32>>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (desk, turns) = (Arc::clone(&desk), turns.clone());
                connections.spawn(async move {
                    let pass = |request| pass(Arc::clone(&desk), turns.clone(), request);
                    let service = service_fn(pass);
                    let served = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service);
                    if let Err(error) = served.await {
                        tracing::debug!(%error, "a connection of an agent ended early");
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, task: task.abort_handle() })
    }

    /// The base address for a provider, without a version: `http://127.0.0.1:PORT/llm/<provider>`.
    pub(crate) fn base(&self, provider: &str) -> String {
        format!("http://{}/llm/{provider}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    desk: Arc<Desk>,
    turns: Option<Arc<AtomicU32>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    desk.alive();
    if !knows(request.headers(), desk.room.door.token()) {
        return Ok(refusal(401, "only this attempt's own token is taken here"));
    }
    let Some(rest) = request.uri().path().strip_prefix("/llm/") else {
        return Ok(refusal(404, "only `/llm/<provider>/...` leads anywhere"));
    };
    let (provider, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let free = rest.ends_with("count_tokens") || rest.ends_with(":countTokens");
    if let Some(turns) = turns.filter(|_| request.method() == Method::POST && !free)
        && !desk.turn(turns.fetch_add(1, Ordering::Relaxed) + 1)
    {
        return Ok(refusal(400, "the turns of this attempt are used up"));
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = desk.room.door.model_path(provider, rest) + &query;
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_REQUEST).collect().await else {
        return Ok(refusal(413, "the request is too large, or broke off"));
    };
    let mut onward = Request::builder()
        .method(parts.method)
        .uri(path)
        .header("x-orchestrate-member", &desk.agent.name);
    if let Some(share) = desk.agent.share {
        onward = onward.header("x-orchestrate-share", share.to_string());
    }
    for (name, value) in &parts.headers {
        if !OF_CONNECTION.contains(name) {
            onward = onward.header(name, value);
        }
    }
    let Ok(onward) = onward.body(Full::new(body.to_bytes())) else {
        return Ok(refusal(400, "the request cannot be passed on"));
    };
    Ok(match send(&desk, &onward).await {
        Ok(response) => {
            let (mut parts, body) = response.into_parts();
            OF_CONNECTION.iter().for_each(|name| drop(parts.headers.remove(name)));
            // Every piece is a word of the model.
            let body = body.map_frame(move |frame| {
                desk.alive();
                frame
            });
            Response::from_parts(parts, body.boxed())
        }
        Err(error) => refusal(502, &error.to_string()),
    })
}

async fn send(desk: &Desk, onward: &Request<Full<Bytes>>) -> Result<Response<Incoming>, Closed> {
    let door = &desk.room.door;
    let mut tried = 1;
    loop {
        match door.send_when_open(onward, || desk.alive()).await {
            Err(Closed::Broken(_)) if tried < TRIES => tried += 1,
            other => return other,
        }
    }
}

/// Clients have three places for a key.
fn knows(headers: &HeaderMap, token: &str) -> bool {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let plain = ["x-api-key", "x-goog-api-key"].map(|name| headers.get(name)?.to_str().ok());
    [bearer, plain[0], plain[1]].into_iter().flatten().any(|given| same(given, token))
}

/// In the same time wherever they differ.
fn same(given: &str, token: &str) -> bool {
    given.len() == token.len()
        && given.bytes().zip(token.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// In a form that every client of a model understands.
fn refusal(status: u16, message: &str) -> Response<Body> {
    let body = json!({ "type": "error", "error": { "type": "orchestrate", "message": message } });
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
    let mut response = Response::new(body.boxed());
    if let Ok(status) = status.try_into() {
        *response.status_mut() = status;
    }
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
