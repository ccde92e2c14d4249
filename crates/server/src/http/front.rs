//! The page: built from `ui/` by `cargo xtask ui`, and carried inside the binary.
//!
//! Browsers ask for a place of the page and get its one document, whatever the place; programs that
//! ask for the same path get what the API has there. Which is which is said by `Accept`. Everything
//! else that the page needs lies below `/assets/`, under names that change with their content.

use std::io::Read as _;
use std::sync::Arc;

use api::problem::Problem;
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use flate2::read::GzDecoder;

use super::caller::{self, Door};
use super::page::{self, Page};
use super::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

#[path = "../../assets/table.rs"]
mod table;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(asset))
}

/// What the page may load: what this server has. Pictures may also be made by the page itself, and
/// files of runs are shown in frames that may do nothing (their answers carry `sandbox`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self' blob:; \
    worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// First parts of the page's places.
const PLACES: &[&str] = &[
    "",
    "inbox",
    "tasks",
    "pipelines",
    "runs",
    "compare",
    "templates",
    "fleet",
    "metrics",
    "audit",
    "settings",
];

/// First parts of paths that only programs ask for: what is not there is a problem even to a browser.
const MACHINES: &[&str] = &["api", "assets", "hooks", "llm"];

/// Where somebody says who they are.
const LOGIN: &str = "/login";

/// A file of the page.
#[utoipa::path(
    get,
    path = "/assets/{file}",
    tag = "system",
    security(()),
    params(("file" = String, Path, description = "As the page names it")),
    responses(
        (status = OK, body = Vec<u8>, content_type = "*/*", description = "Never changes"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Fault> {
    let Some((name, packed)) = table::FILES.iter().find(|(name, _)| *name == file) else {
        return Err(Fault::not_found(format!("the page has no file `{file}`")));
    };
    let mut response = unpacked(packed, kind(name), &headers)?;
    say(&mut response, CACHE_CONTROL, "public, max-age=31536000, immutable");
    say(&mut response, VARY, "Accept-Encoding");
    Ok(response)
}

/// Answers browsers that ask for a place of the page, or for what is nowhere; everything else goes on.
pub(crate) async fn front(
    State((shared, door)): State<(Arc<Shared>, Arc<Door>)>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_place = is_place(request.uri().path());
    if !reads || !(is_place || is_nowhere(&request)) || !page::is_wanted(request.headers()) {
        return next.run(request).await;
    }
    let (parts, _body) = request.into_parts();
    let headers = &parts.headers;
    let shown = match caller::is_known(&shared, &door, &parts).await {
        Err(fault) => Err(fault),
        Ok(true) if is_place => document(headers),
        Ok(true) => document(headers).map(nowhere),
        Ok(false) if parts.uri.path() == LOGIN => document(headers),
        Ok(false) => Ok(to_login(&parts.uri)),
    };
    shown.unwrap_or_else(IntoResponse::into_response)
}

fn is_place(path: &str) -> bool {
    path == LOGIN || PLACES.contains(&first_part(path))
}

fn first_part(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

/// Neither a place of the page nor a path of the API, and not what a program would mistake.
fn is_nowhere(request: &Request) -> bool {
    let is_known = request.extensions().get::<MatchedPath>().is_some();
    !is_known && !MACHINES.contains(&first_part(request.uri().path()))
}

/// The page, which says itself that there is nothing and leads back.
fn nowhere(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().remove(ETAG);
    response.extensions_mut().insert(Page);
    response
}

/// With the way back: a path of this server, whatever was asked.
fn to_login(uri: &axum::http::Uri) -> Response {
    let back = uri.path_and_query().map_or("/", |back| back.as_str());
    if back == "/" {
        return Redirect::to(LOGIN).into_response();
    }
    let mut to = format!("{LOGIN}?next=");
    for byte in back.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                to.push(char::from(byte));
            }
            _ => to.push_str(&format!("%{byte:02X}")),
        }
    }
    Redirect::to(&to).into_response()
}

fn document(headers: &HeaderMap) -> Result<Response, Fault> {
    let mut response = unpacked(table::INDEX, "text/html; charset=utf-8", headers)?;
    say(&mut response, CONTENT_SECURITY_POLICY, POLICY);
    say(&mut response, REFERRER_POLICY, "same-origin");
    // It names the files of this very build: asked for again each time, sent when it differs.
    say(&mut response, CACHE_CONTROL, "no-cache");
    say(&mut response, ETAG, &format!("\"{}\"", table::SOURCES));
    say(&mut response, VARY, "Accept, Accept-Encoding, Cookie");
    Ok(response)
}

/// As it lies here for whoever takes gzip, which is every browser.
fn unpacked(packed: &'static [u8], kind: &str, headers: &HeaderMap) -> Result<Response, Fault> {
    let takes = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let gzip = takes.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().trim_start_matches("q=").parse() == Ok(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    });
    let mut response = if gzip {
        let mut response = Response::new(Body::from(packed));
        say(&mut response, CONTENT_ENCODING, "gzip");
        response
    } else {
        let mut bytes = Vec::new();
        GzDecoder::new(packed)
            .read_to_end(&mut bytes)
            .map_err(|error| Refused::Internal(format!("a file of the page: {error}")))?;
        Response::new(Body::from(bytes))
    };
    say(&mut response, CONTENT_TYPE, kind);
    Ok(response)
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some(_) | None => "application/octet-stream",
    }
}

fn say(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_page_are_told_from_other_paths() {
        for place in ["/", "/runs", "/runs/nightly/3", "/pipelines/a/graph", "/login", "/inbox/A-1"]
        {
            assert!(is_place(place), "{place}");
        }
        for other in ["/api/runs", "/assets/app.js", "/healthz", "/hooks/x", "/login/c0de", "/run"]
        {
            assert!(!is_place(other), "{other}");
        }
    }

    #[test]
    fn the_way_back_is_one_path_of_ours() {
        let to = |uri: &'static str| {
            let response = to_login(&axum::http::Uri::from_static(uri));
            response.headers()["location"].to_str().unwrap_or_default().to_owned()
        };
        assert_eq!(to("/"), "/login");
        assert_eq!(
            to("/runs/a~3?view=graph&tab=log"),
            "/login?next=/runs/a~3%3Fview%3Dgraph%26tab%3Dlog"
        );
    }

    #[test]
    fn whoever_takes_no_gzip_gets_the_same_bytes() {
        let (name, packed) = table::FILES[0];
        let plain = unpacked(packed, kind(name), &HeaderMap::new()).unwrap_or_default();
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip;q=0.5"));
        let small = unpacked(packed, kind(name), &headers).unwrap_or_default();
        assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0"));
        let refused = unpacked(packed, kind(name), &headers).unwrap_or_default();
        assert!(!refused.headers().contains_key(CONTENT_ENCODING));
    }
}
