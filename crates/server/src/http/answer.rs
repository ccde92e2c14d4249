//! What every answer has in common: a problem where it is a refusal
//! (whoever refused), a tag by which it is asked for again, and what caches may do with it.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use super::page::Page;
use super::problem::Fault;
use super::tag;

/// Bytes of a path and query together.
const LONGEST_URI: usize = 8 << 10;
/// Bytes of all names and values of headers.
const MOST_HEADERS: usize = 32 << 10;
/// Of a text that says why something else than a handler refused.
const SAYS: usize = 4 << 10;
/// Larger answers get no tag.
const TAGGED: u64 = 1 << 20;

/// Said by somebody else, or in words that are not ours: a refusal is passed on as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsIs;

/// The name of a request: in the server's log, in the answer's head and in a problem.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Outside of everything that may answer.
pub(crate) async fn complete(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let asked = tag::Asked::of(request.headers()).filter(|_| reads);
    let span = tracing::info_span!("request", %id, method = %request.method(), path = request.uri().path());
    let response = match unfit(&request) {
        Some(fault) => fault.into_response(),
        None => next.run(request).instrument(span).await,
    };
    let response = explained(response, &id).await;
    let mut response = if reads { tagged(response, asked).await } else { versioned(response) };
    let tagged = response.headers().contains_key(ETAG) && response.status().is_success();
    let headers = response.headers_mut();
    let cached = if reads && tagged { "private, no-cache" } else { "no-store" };
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(cached));
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}

/// What no handler has to see.
fn unfit(request: &Request) -> Option<Fault> {
    let uri = request.uri();
    let long = uri.path().len() + uri.query().map_or(0, str::len);
    if long > LONGEST_URI {
        let detail = format!("a path with its query has at most {LONGEST_URI} bytes");
        return Some(Fault::of_status(StatusCode::URI_TOO_LONG, &detail));
    }
    let sizes = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    if sizes.sum::<usize>() > MOST_HEADERS {
        let detail = format!("headers have at most {MOST_HEADERS} bytes together");
        return Some(Fault::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &detail));
    }
    if uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00")) {
        return Some(Fault::bad_request("a path or a query holds no character U+0000"));
    }
    None
}

/// A refusal becomes a problem that names its request.
async fn explained(mut response: Response, id: &str) -> Response {
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        return with_problem(response, fault.of_request(id));
    }
    if response.extensions().get::<AsIs>().is_some() {
        return response;
    }
    let status = response.status();
    let is_page = response.extensions().get::<Page>().is_some();
    if is_page || (!status.is_client_error() && !status.is_server_error()) {
        return response;
    }
    let kind = response.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
    let says = match kind {
        Some(kind) if kind.starts_with(b"application/problem+json") => return response,
        Some(kind) if kind.starts_with(b"text/plain") => {
            let body = std::mem::replace(response.body_mut(), Body::empty());
            to_bytes(body, SAYS).await.unwrap_or_default()
        }
        Some(_) | None => Default::default(),
    };
    let fault = Fault::of_status(status, &String::from_utf8_lossy(&says));
    with_problem(response, fault.of_request(id))
}

/// The head of the first (what is allowed, when to come again), the body of the second.
fn with_problem(response: Response, fault: Fault) -> Response {
    let (head, _) = response.into_parts();
    let mut answer = fault.into_response();
    answer.extensions_mut().remove::<Fault>();
    *answer.status_mut() = head.status;
    for (name, value) in &head.headers {
        if name != CONTENT_TYPE && name != CONTENT_LENGTH {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    answer
}

/// The answer to a change names the version that it made.
fn versioned(mut response: Response) -> Response {
    let version = response.extensions().get::<tag::Version>().map(|tag| format!("\"{}\"", tag.0));
    if let Some(tag) = version.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        response.headers_mut().entry(ETAG).or_insert(tag);
    }
    response
}

/// Gives an answer its tag; an answer that the caller has already is not sent again.
async fn tagged(response: Response, asked: Option<tag::Asked>) -> Response {
    let (mut head, mut body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Response::from_parts(head, body);
    }
    let json = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let small = body.size_hint().exact().is_some_and(|size| (1..=TAGGED).contains(&size));
    if json && small && !head.headers.contains_key(ETAG) {
        let Ok(bytes) = to_bytes(body, usize::MAX).await else {
            return Fault::internal().into_response();
        };
        let version = head.extensions.get::<tag::Version>();
        if let Ok(tag) = HeaderValue::from_str(&tag::of(version, &bytes)) {
            head.headers.insert(ETAG, tag);
        }
        body = Body::from(bytes);
    }
    let tag = head.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
    if let (Some(tag), Some(asked)) = (tag, asked)
        && asked.has(tag)
    {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(CONTENT_LENGTH);
        body = Body::empty();
    }
    Response::from_parts(head, body)
}
