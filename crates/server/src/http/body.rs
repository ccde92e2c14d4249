//! Bodies and queries, read strictly; whatever is wrong with them is a problem with words.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::error::Category;

use super::problem::Fault;

mod whole;

/// A whole body of JSON comes within this time, and so does each piece of a larger one.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maps and lists inside each other.
const DEEPEST: usize = 64;

/// A JSON body; an empty one is `{}`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
        let body = Bytes::from_request(request, state);
        let body = tokio::time::timeout(PATIENCE, body).await.map_err(|_late| slow())?;
        let body = body.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                return too_large(super::BODY_LIMIT as u64);
            }
            Fault::bad_request(rejection.body_text())
        })?;
        if body.is_empty() {
            return parse(b"{}");
        }
        if kind.is_some_and(|kind| !is_json(&kind)) {
            let fault = Fault::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "unsupported media type",
                "the body has to be `application/json`",
            );
            return Err(fault.hint("send `Content-Type: application/json`"));
        }
        sound(&body)?;
        parse(&body)
    }
}

fn is_json(kind: &[u8]) -> bool {
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/json")
}

fn slow() -> Fault {
    let detail = format!("the body did not come within {} s", PATIENCE.as_secs());
    Fault::of_status(StatusCode::REQUEST_TIMEOUT, &detail)
}

fn too_large(limit: u64) -> Fault {
    let detail = format!("a request holds at most {limit} bytes");
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the request is too large", detail)
}

/// A body that is not JSON, up to a limit.
pub(crate) async fn whole(body: Body, limit: u64) -> Result<Vec<u8>, Fault> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    loop {
        let piece = tokio::time::timeout(PATIENCE, stream.next()).await.map_err(|_late| slow())?;
        let Some(piece) = piece else { return Ok(bytes) };
        let piece = piece.map_err(|error| {
            Fault::bad_request(format!("the body could not be read to its end: {error}"))
        })?;
        if (bytes.len() + piece.len()) as u64 > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Not too deep, and no text in it holds U+0000, which neither a file name nor an environment
/// variable could.
fn sound(body: &[u8]) -> Result<(), Fault> {
    let (mut depth, mut quoted) = (0_usize, false);
    let mut bytes = body.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                bytes.next();
                if body[at..].starts_with(b"\\u0000") {
                    return Err(Fault::bad_request("a text holds no character U+0000"));
                }
            }
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            let detail = format!("maps and lists stand at most {DEEPEST} deep inside each other");
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "too_deep",
                "the body is too deep",
                detail,
            ));
        }
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<Json<T>, Fault> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(whole::Whole(&mut reader)).map_err(|error| {
        let path = error.path().to_string();
        refused(&path, error.inner())
    })?;
    reader.end().map_err(|error| refused("", &error))?;
    Ok(Json(value))
}

fn refused(path: &str, error: &serde_json::Error) -> Fault {
    let says = error.to_string();
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            let detail = format!("the body is not JSON: {says}");
            Fault::new(StatusCode::BAD_REQUEST, "invalid_json", "the body is not JSON", detail)
        }
        Category::Data => {
            // The place is of the text, not of the field.
            let says = says.rsplit_once(" at line ").map_or(&*says, |(says, _)| says);
            wrong("the body is not what is expected", path, says)
        }
    }
}

/// A fault that names the field where there is one.
fn wrong(what: &str, path: &str, says: &str) -> Fault {
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| says.strip_prefix(start)?.split_once('`'))
        .map(|(name, _)| name);
    let parent = if path == "." { "" } else { path };
    let field = match named {
        Some(name) if parent.is_empty() || parent == name => name.to_owned(),
        Some(name) if parent.ends_with(&format!(".{name}")) => parent.to_owned(),
        Some(name) => format!("{parent}.{name}"),
        None => parent.to_owned(),
    };
    if field.is_empty() {
        return Fault::bad_request(format!("{what}: {says}"));
    }
    Fault::bad_request(format!("{what}: `{field}`: {says}")).field(field, says)
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], Body::from(body)).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Fault::internal().into_response()
            }
        }
    }
}

/// The query string; an unknown or unreadable parameter is refused.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => {
                let says = rejection.body_text();
                let says =
                    says.strip_prefix("Failed to deserialize query string: ").unwrap_or(&says);
                let (path, says) = match says.split_once(": ") {
                    Some((path, says)) if !path.contains([' ', '`']) => (path, says),
                    Some(_) | None => ("", says),
                };
                Err(wrong("the query is not what is expected", path, says))
            }
        }
    }
}

/// How long a page of a list is: 1 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit(u32);

impl Limit {
    pub(crate) const DEFAULT: u32 = 100;
    pub(crate) const MAX: u32 = 1000;
}

impl From<Limit> for u32 {
    fn from(limit: Limit) -> Self {
        limit.0
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wanted = u32::deserialize(from)?;
        if (1..=Self::MAX).contains(&wanted) {
            return Ok(Self(wanted));
        }
        Err(serde::de::Error::custom(format!("it has to be from 1 to {}", Self::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::pipeline::StartRun;
    use axum::http::Uri;

    async fn fault_of(body: &str) -> (StatusCode, serde_json::Value) {
        let request = Request::builder().body(Body::from(body.to_owned())).unwrap();
        let fault = Json::<StartRun>::from_request(request, &()).await.unwrap_err();
        let response = fault.into_response();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_wrong_body_is_told_by_the_path_of_the_field() {
        let table = [
            ("{\"inputz\": {}}", "inputz", "unknown field"),
            ("{\"inputs\": 7}", "inputs", "invalid type"),
            ("{\"input_texts\": {\"goal\": 7}}", "input_texts.goal", "invalid type"),
            ("{\"breakpoints\": [\"a\", null]}", "breakpoints[1]", "invalid type"),
        ];
        for (body, field, problem) in table {
            let (status, told) = fault_of(body).await;
            assert_eq!(status, 400, "{told}");
            assert_eq!(told["fields"][0]["field"], field, "{told}");
            assert!(told["fields"][0]["problem"].as_str().unwrap().contains(problem), "{told}");
        }
        let (_, told) = fault_of("{\"inputz\": {}}").await;
        assert!(told["detail"].as_str().unwrap().contains("`inputs`"), "names the known: {told}");
    }

    #[tokio::test]
    async fn what_is_not_sound_is_refused_before_it_is_read() {
        let deep = format!("{{\"event\": {}{}}}", "[".repeat(64), "]".repeat(64));
        for (body, code) in [
            (deep.as_str(), "too_deep"),
            ("{\"file\": \"a\\u0000b\"}", "invalid_request"),
            ("{", "invalid_json"),
            ("{} {}", "invalid_json"),
            ("nonsense", "invalid_json"),
        ] {
            assert_eq!(fault_of(body).await.1["code"], code, "{body}");
        }
        let fits = format!("{{\"event\": {{\"x\": {}{}}}}}", "[".repeat(60), "]".repeat(60));
        assert!(sound(fits.as_bytes()).is_ok());
        // Brackets in texts are text, and so is an escaped backslash before `u0000`.
        let text = format!("{{\"file\": \"{}\\\\u0000\\\"[\"}}", "[".repeat(100));
        assert!(sound(text.as_bytes()).is_ok());
    }

    #[tokio::test]
    async fn a_wrong_query_is_told_by_the_name_of_the_parameter() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct List {
            #[expect(dead_code, reason = "only read from the query")]
            limit: Option<Limit>,
        }
        for (query, field, says) in [
            ("limit=0", "limit", "from 1 to 1000"),
            ("limit=1001", "limit", "from 1 to 1000"),
            ("limit=x", "limit", "invalid digit"),
            ("limits=5", "limits", "expected `limit`"),
        ] {
            let uri: Uri = format!("/x?{query}").parse().unwrap();
            let mut parts = Request::builder().uri(uri).body(()).unwrap().into_parts().0;
            let fault = Params::<List>::from_request_parts(&mut parts, &()).await.unwrap_err();
            let told = serde_json::to_value(fault.problem()).unwrap();
            assert_eq!(told["fields"][0]["field"], field, "{told}");
            assert!(told["detail"].as_str().unwrap().contains(says), "{told}");
        }
    }
}
