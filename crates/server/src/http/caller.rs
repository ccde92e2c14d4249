//! Who is calling, and whether they may. Deny by default: every route but [`Public`] needs a
//! [`Caller`], and the layer that makes them stands before all handlers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Fault;
use crate::listen::Peer;

/// How a request got here.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// The unix socket of the data folder, or a call inside the process: the local user.
    Local,
    /// A TCP port: a token, and only under names that are ours.
    Tcp { token: String, bound: SocketAddr },
}

/// Who acts: goes into the journal as the actor.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
}

/// The CLI's word for who is calling; believed only from the local user.
const ACTOR: &str = "x-orchestrate-actor";

/// What may be asked by anybody who reaches the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Public {
    Healthz,
    Readyz,
}

impl Public {
    fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::GET, "/healthz") => Some(Self::Healthz),
            (&Method::GET, "/readyz") => Some(Self::Readyz),
            _ => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// Lets a request through with its caller, or answers itself.
pub(crate) async fn admit(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = match &*door {
        Door::Local => Ok(Some(local(&request))),
        Door::Tcp { token, bound } => remote(&request, token, *bound),
    };
    match admitted {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(fault) => fault.into_response(),
    }
}

fn local(request: &Request) -> Caller {
    let said = request.headers().get(ACTOR).and_then(|name| name.to_str().ok());
    let said = said.map(str::trim).filter(|name| !name.is_empty() && name.len() <= 128);
    let name = match (said, request.extensions().get::<ConnectInfo<Peer>>()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(ConnectInfo(Peer { uid }))) => {
            uid.map_or_else(|| "local".to_owned(), user_name)
        }
        // A call inside this process.
        (None, None) => user_name(rustix::process::getuid().as_raw()),
    };
    Caller { name }
}

/// The system's name of a user, or `uid:1000`.
fn user_name(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let wanted = uid.to_string();
    users
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == wanted).then(|| name.to_owned())
        })
        .unwrap_or_else(|| format!("uid:{uid}"))
}

fn remote(request: &Request, token: &str, bound: SocketAddr) -> Result<Option<Caller>, Fault> {
    let headers = request.headers();
    if !is_our_host(request, bound) {
        return Err(Fault::new(
            StatusCode::MISDIRECTED_REQUEST,
            "not_allowed",
            "wrong host",
            "this server answers only under its own address",
        ));
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !is_same_site(headers, bound) {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "not_allowed",
            "not allowed",
            "a change was asked for by a page of another site",
        ));
    }
    if Public::of(request.method(), request.uri().path()).is_some() {
        return Ok(None);
    }
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match given {
        Some(given) if !token.is_empty() && is_same(given.as_bytes(), token.as_bytes()) => {
            Ok(Some(Caller { name: "token".to_owned() }))
        }
        _ => Err(unauthorized()),
    }
}

fn unauthorized() -> Fault {
    Fault::new(
        StatusCode::UNAUTHORIZED,
        "not_allowed",
        "not allowed",
        "this needs `Authorization: Bearer` with the contents of the data folder's `token` file",
    )
}

/// Compares without telling by its time where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// Names that lead to us: a page of another site that resolves its own name to this address
/// (DNS rebinding) is not among them.
fn is_our_host(request: &Request, bound: SocketAddr) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    host.is_some_and(|host| is_our_name(host, bound))
}

fn is_our_name(host: &str, bound: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    if authority.as_str().contains('@') || authority.port_u16().unwrap_or(80) != bound.port() {
        return false;
    }
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    if name.eq_ignore_ascii_case("localhost") {
        return bound.ip().is_loopback() || bound.ip().is_unspecified();
    }
    match name.parse::<IpAddr>() {
        Ok(ip) => ip == bound.ip() || (bound.ip().is_unspecified() && ip.is_loopback()),
        Err(_) => false,
    }
}

fn is_same_site(headers: &HeaderMap, bound: SocketAddr) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    match headers.get(ORIGIN).map(|origin| origin.to_str()) {
        None => true,
        Some(Ok(origin)) => {
            origin.strip_prefix("http://").is_some_and(|host| is_our_name(host, bound))
        }
        Some(Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_are_few() {
        let bound: SocketAddr = "127.0.0.1:7070".parse().unwrap();
        for ours in ["127.0.0.1:7070", "localhost:7070", "LOCALHOST:7070"] {
            assert!(is_our_name(ours, bound), "{ours}");
        }
        for other in [
            "evil.example:7070",
            "127.0.0.1",
            "127.0.0.1:7071",
            "localhost.evil.example:7070",
            "evil@127.0.0.1:7070",
            "10.0.0.1:7070",
            "",
        ] {
            assert!(!is_our_name(other, bound), "{other}");
        }
        assert!(is_our_name("[::1]:7070", "[::1]:7070".parse().unwrap()));
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(is_same(b"abc", b"abc"));
        assert!(!is_same(b"abc", b"abd"));
        assert!(!is_same(b"abc", b"ab"));
    }
}
