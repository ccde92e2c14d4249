//! Where a request over TCP may come from: under our own names, and not from a page of another
//! site.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};

use super::problem::Fault;

/// `hosts`: names that lead to us beside our address, with or without a port.
pub(super) fn check(request: &Parts, bound: SocketAddr, hosts: &[String]) -> Result<(), Fault> {
    let ours = Ours { bound, hosts };
    if !ours.is_host(request) {
        return Err(Fault::new(
            StatusCode::MISDIRECTED_REQUEST,
            "not_allowed",
            "wrong host",
            "this server answers only under its own address",
        ));
    }
    let changes = !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !ours.is_same_site(&request.headers) {
        return Err(Fault::not_allowed("a change was asked for by a page of another site"));
    }
    // What a browser lets any page open, and read.
    let streams = is_stream(request) || is_upgrade(&request.headers);
    if streams && !ours.is_same_site(&request.headers) {
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

/// The names under which this server is asked.
struct Ours<'a> {
    bound: SocketAddr,
    hosts: &'a [String],
}

impl Ours<'_> {
    /// Names that lead to us: a page of another site that resolves its own name to this address
    /// (DNS rebinding) is not among them.
    fn is_host(&self, request: &Parts) -> bool {
        let mut hosts = request.headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        if hosts.next().is_some() {
            // Whoever stands before us may have looked at the other one.
            return false;
        }
        let host = host.or_else(|| request.uri.authority().map(http::uri::Authority::as_str));
        host.is_some_and(|host| self.is_name(host))
    }

    fn is_name(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let said = |ours: &String| {
            let named = host.eq_ignore_ascii_case(ours);
            // One that is said without a port is meant at any: whoever forwards to us has their own.
            named || (!ours.contains(':') && authority.host().eq_ignore_ascii_case(ours))
        };
        if self.hosts.iter().any(said) {
            return true;
        }
        if authority.port_u16().unwrap_or(80) != self.bound.port() {
            return false;
        }
        let (name, bound) = (authority.host(), self.bound.ip());
        let name = name.trim_start_matches('[').trim_end_matches(']');
        if name.eq_ignore_ascii_case("localhost") {
            return bound.is_loopback() || bound.is_unspecified();
        }
        // A number is no name that somebody could let point here.
        name.parse::<IpAddr>().is_ok_and(|ip| ip == bound || bound.is_unspecified())
    }

    fn is_same_site(&self, headers: &HeaderMap) -> bool {
        let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return false;
        }
        match headers.get(ORIGIN).map(|origin| origin.to_str()) {
            None => true,
            Some(Ok(origin)) => {
                let host = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
                host.is_some_and(|host| self.is_name(host))
            }
            Some(Err(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_names_are_few() {
        let bound: SocketAddr = "127.0.0.1:7070".parse().unwrap();
        let hosts = ["ci.example.com".to_owned(), "other.example:8443".to_owned()];
        let ours = Ours { bound, hosts: &hosts };
        for name in [
            "127.0.0.1:7070",
            "localhost:7070",
            "LOCALHOST:7070",
            "ci.example.com",
            "CI.example.com:443",
            "other.example:8443",
        ] {
            assert!(ours.is_name(name), "{name}");
        }
        for other in [
            "evil.example:7070",
            "127.0.0.1",
            "127.0.0.1:7071",
            "localhost.evil.example:7070",
            "evil@127.0.0.1:7070",
            "evil@ci.example.com",
            "xci.example.com",
            "ci.example.com.evil.example",
            "other.example",
            "10.0.0.1:7070",
            "",
        ] {
            assert!(!ours.is_name(other), "{other}");
        }
        let six = Ours { bound: "[::1]:7070".parse().unwrap(), hosts: &[] };
        assert!(six.is_name("[::1]:7070"));
        let all = Ours { bound: "0.0.0.0:7070".parse().unwrap(), hosts: &[] };
        assert!(all.is_name("10.0.0.1:7070") && all.is_name("localhost:7070"));
        assert!(!all.is_name("evil.example:7070"));
    }
}
