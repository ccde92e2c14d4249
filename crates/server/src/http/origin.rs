//! Where a request over TCP may come from: under our own names, and not from a page of another
//! site.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};

use super::problem::Fault;

pub(super) fn check(request: &Parts, bound: SocketAddr) -> Result<(), Fault> {
    if !is_our_host(request, bound) {
        return Err(Fault::new(
            StatusCode::MISDIRECTED_REQUEST,
            "not_allowed",
            "wrong host",
            "this server answers only under its own address",
        ));
    }
    let changes = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !is_same_site(&request.headers, bound) {
        return Err(Fault::not_allowed("a change was asked for by a page of another site"));
    }
    // What a browser lets any page open, and read.
    let streams = is_stream(request) || is_upgrade(&request.headers);
    if streams && !is_same_site(&request.headers, bound) {
        return Err(Fault::not_allowed("a stream was opened by a page of another site"));
    }
    Ok(())
}

/// Whether it asks for the live stream, in any of its forms.
pub(super) fn is_stream(request: &Parts) -> bool {
    let rest = request.uri.path().strip_prefix("/api/v1/stream");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether it wants to become a WebSocket.
pub(super) fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Names that lead to us: a page of another site that resolves its own name to this address
/// (DNS rebinding) is not among them.
fn is_our_host(request: &Parts, bound: SocketAddr) -> bool {
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri.authority().map(http::uri::Authority::as_str));
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
}
