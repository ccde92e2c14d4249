//! Requests that are sent again: the same key of the same caller means the same request, which is
//! carried out once and answered always alike.
//!
//! The key is noted, durably, before anything is done; what is done draws its ids from that note
//! (see [`Repeat`]), so that a crash between the deed and its answer does not do it twice.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::id::RunId;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::port::{AnswerRow, Change, KeptAnswer, Outcome};
use uuid::{Builder, Uuid};

use super::body::whole;
use super::caller::Caller;
use super::problem::Fault;
use crate::refused::Refused;
use crate::shared::Shared;

const KEY: &str = "idempotency-key";
/// Said when an answer is one that was given before.
const REPLAYED: &str = "idempotency-replayed";
pub(super) const KEY_PATTERN: &str = "^[!-~]{1,255}$";

/// They change nothing, or are the same again by themselves.
const HARMLESS: [&str; 3] = ["/api/validate", "/api/uploads", "/hooks/{source}"];
/// What they are asked with or answer must not be kept, not even its digest.
const SECRET: [&str; 2] = ["/api/tokens", "/api/users"];
/// More than any answer to a change.
const LARGEST: usize = 16 << 20;

/// Whether requests of this route may be sent again under a key.
pub(super) fn takes_key(method: &str, path: &str) -> bool {
    method.eq_ignore_ascii_case("post")
        && !HARMLESS.contains(&path)
        && !is_secret(path)
        && !is_of_attempts(path)
}

/// Attempts are no callers by whom a key could be kept; they name what they repeat themselves.
fn is_of_attempts(path: &str) -> bool {
    path.starts_with("/llm/") || path.starts_with("/api/attempt")
}

fn is_secret(path: &str) -> bool {
    SECRET.contains(&path) || path.starts_with("/api/session") || path.starts_with("/login")
}

/// Requests with a key that are being carried out.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<HashSet<(String, String)>>);

impl Running {
    /// `None`: the same is being carried out.
    fn enter(self: &Arc<Self>, caller: &str, key: &str) -> Option<Turn> {
        let place = (caller.to_owned(), key.to_owned());
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(place.clone()).then(|| Turn { running: Arc::clone(self), place })
    }
}

struct Turn {
    running: Arc<Running>,
    place: (String, String),
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}

/// From what ids are drawn that are the same when the request is sent again. Empty without a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeat(Option<Seed>);

#[derive(Clone, Debug)]
struct Seed {
    at: Timestamp,
    random: [u8; 10],
}

impl Repeat {
    fn of(row: &AnswerRow) -> Self {
        let named = Sha256::new()
            .chain_update(row.caller.as_bytes())
            .chain_update([0])
            .chain_update(row.key.as_bytes())
            .chain_update(row.at.as_nanosecond().to_be_bytes())
            .finalize();
        let mut random = [0; 10];
        random.copy_from_slice(&named[..10]);
        Self(Some(Seed { at: row.at, random }))
    }

    /// Sorted by time like every other id.
    pub(crate) fn uuid(&self) -> Option<Uuid> {
        let Seed { at, random } = self.0.as_ref()?;
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Some(Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }

    /// Of the run that the request starts.
    pub(crate) fn run(&self) -> Option<RunId> {
        self.uuid().map(RunId)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Repeat {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Carries a request with a key out once.
pub(crate) async fn once(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    match key(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some((caller, key))) => answer(&shared, caller, key, request, next)
            .await
            .unwrap_or_else(IntoResponse::into_response),
        Err(fault) => fault.into_response(),
    }
}

/// The caller and the key, where there is one and it counts.
fn key(request: &Request) -> Result<Option<(String, String)>, Fault> {
    let Some(value) = request.headers().get(KEY) else { return Ok(None) };
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let Some(path) = path.filter(|_| request.method() == Method::POST) else { return Ok(None) };
    if is_secret(path) {
        let detail = "`Idempotency-Key` is not taken here: the answer is a secret and is not kept";
        return Err(Fault::bad_request(detail).hint("send it without a key"));
    }
    if !takes_key(request.method().as_str(), path) {
        return Ok(None);
    }
    let key = value.to_str().ok().filter(|key| {
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let Some(key) = key else {
        let problem = "it is 1 to 255 letters, digits and signs, without spaces";
        let fault = Fault::bad_request(format!("`Idempotency-Key`: {problem}"));
        return Err(fault.field("Idempotency-Key", problem));
    };
    let Some(caller) = request.extensions().get::<Caller>() else { return Ok(None) };
    Ok(Some((caller.name.clone(), key.to_owned())))
}

async fn answer(
    shared: &Arc<Shared>,
    caller: String,
    key: String,
    request: Request,
    next: Next,
) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let body = whole(body, super::BODY_LIMIT as u64).await?;
    let digest = digest(&parts, &body);
    let Some(_turn) = shared.running.enter(&caller, &key) else {
        let fault = Fault::conflict("a request with this `Idempotency-Key` is being carried out");
        return Err(fault.hint("wait for its answer, or ask again").after(1));
    };
    let row = reserve(shared, caller.clone(), key.clone(), digest.clone()).await?;
    if row.digest != digest {
        let fault = Fault::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key_reused",
            "the key belongs to another request",
            "this `Idempotency-Key` came with another request before",
        );
        return Err(fault.hint("draw a new key for each request"));
    }
    if let Some(kept) = row.answer {
        return Ok(replay(kept));
    }
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Repeat::of(&row));
    let response = next.run(request).await;
    if !is_final(response.status()) {
        return Ok(response);
    }
    keep(shared, caller, key, response).await
}

/// Everything that makes it another request.
fn digest(parts: &Parts, body: &[u8]) -> String {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let digest = Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update([0])
        .chain_update(target)
        .chain_update([0])
        .chain_update(body)
        .finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn reserve(
    shared: &Shared,
    caller: String,
    key: String,
    digest: String,
) -> Result<AnswerRow, Refused> {
    let request = move |at| AnswerRow { caller, key, digest, at, answer: None };
    match shared.desk.store(move |at| Change::ReserveAnswer(request(at))).await? {
        Outcome::Reserved(row) => Ok(*row),
        outcome => Err(Refused::Internal(format!("the store answered {outcome:?}"))),
    }
}

/// What would be answered otherwise a moment later is not kept.
fn is_final(status: StatusCode) -> bool {
    let passing = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    !status.is_server_error() && !passing.contains(&status)
}

async fn keep(
    shared: &Shared,
    caller: String,
    key: String,
    response: Response,
) -> Result<Response, Fault> {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, LARGEST).await.map_err(|error| {
        Refused::Internal(format!("an answer could not be kept under its key: {error}"))
    })?;
    let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let answer = KeptAnswer {
        status: head.status.as_u16(),
        kind: kind.unwrap_or_default().to_owned(),
        body: body.to_vec(),
    };
    // Should this fail, the next one finds what was done by its ids.
    if let Err(refused) =
        shared.desk.store(move |_at| Change::KeepAnswer { caller, key, answer }).await
    {
        tracing::warn!(cause = %refused, "an answer was not kept under its key");
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

fn replay(kept: KeptAnswer) -> Response {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or_default();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&kept.kind)
        && !kept.kind.is_empty()
    {
        headers.insert(CONTENT_TYPE, kind);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use super::*;
    use crate::http::openapi::DOCUMENT;

    #[test]
    fn ids_are_the_same_for_the_same_note_and_sorted_by_time() {
        let row = |key: &str, second: i64| AnswerRow {
            caller: "ana".to_owned(),
            key: key.to_owned(),
            digest: String::new(),
            at: Timestamp::from_second(1_790_000_000 + second).unwrap(),
            answer: None,
        };
        let id = |key, second| Repeat::of(&row(key, second)).uuid().unwrap();
        assert_eq!(id("k", 0), id("k", 0));
        assert_ne!(id("k", 0), id("l", 0));
        assert!(id("k", 0) < id("a", 1));
        assert_eq!(id("k", 0).get_version_num(), 7);
        assert_eq!(Repeat::default().uuid(), None);
    }

    #[test]
    fn one_at_a_time() {
        let running = Arc::new(Running::default());
        let turn = running.enter("ana", "k").unwrap();
        assert!(running.enter("ana", "k").is_none());
        assert!(running.enter("bo", "k").is_some());
        drop(turn);
        assert!(running.enter("ana", "k").is_some());
    }

    /// What a value of this schema may hold, by its names and formats, followed through references.
    fn secrets(schema: &Json, seen: &mut BTreeSet<String>, found: &mut BTreeSet<String>) {
        match schema {
            Json::Object(map) => {
                if let Some(Json::String(to)) = map.get("$ref")
                    && seen.insert(to.clone())
                {
                    let place = to.trim_start_matches('#');
                    return secrets(DOCUMENT.pointer(place).unwrap(), seen, found);
                }
                for (name, of) in
                    map.get("properties").and_then(Json::as_object).into_iter().flatten()
                {
                    if of["format"] == "password" {
                        found.insert(name.clone());
                    }
                }
                map.values().for_each(|value| secrets(value, seen, found));
            }
            Json::Array(items) => items.iter().for_each(|value| secrets(value, seen, found)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    #[test]
    fn an_answer_that_holds_a_secret_is_kept_under_no_key() {
        let mut open = Vec::new();
        let mut secret = 0;
        for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
            let operation = &item["post"];
            let (mut seen, mut found) = (BTreeSet::new(), BTreeSet::new());
            secrets(&operation["requestBody"], &mut seen, &mut found);
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                if status.starts_with('2') {
                    secrets(answer, &mut seen, &mut found);
                }
            }
            secret += usize::from(!found.is_empty());
            if !found.is_empty() && takes_key("post", path) {
                open.push(format!("POST {path} would keep {found:?}"));
            }
        }
        assert!(open.is_empty(), "add them to SECRET:\n{}", open.join("\n"));
        assert!(secret >= 4, "only {secret} operations have a secret: are they still marked?");
        for path in SECRET {
            assert!(DOCUMENT["paths"][path]["post"].is_object(), "POST {path} is gone");
        }
    }

    /// So that whoever adds one has to say whether it is one.
    #[test]
    fn what_is_called_a_secret_is_described_as_one() {
        // Names of secrets, whether there is one, counts.
        let harmless = [
            "cache_read_tokens",
            "cache_write_tokens",
            "context_tokens",
            "has_password",
            "input_tokens",
            "max_tokens",
            "output_tokens",
            "secrets",
            "tokens",
            "tokens_per_minute",
        ];
        let mut wrong = Vec::new();
        for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                let sounds =
                    ["password", "token", "secret"].iter().any(|word| field.contains(word));
                if sounds && !harmless.contains(&&**field) && of["format"] != "password" {
                    wrong.push(format!("{name}.{field}"));
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "give them `format = Password`, or call them harmless: {wrong:?}"
        );
    }

    #[test]
    fn only_what_changes_something_and_is_no_secret_takes_a_key() {
        assert!(takes_key("post", "/api/runs") && takes_key("POST", "/api/pipelines/{name}/run"));
        for (method, path) in [
            ("get", "/api/runs"),
            ("put", "/api/pipelines/{name}"),
            ("post", "/api/validate"),
            ("post", "/api/tokens"),
            ("post", "/hooks/{source}"),
        ] {
            assert!(!takes_key(method, path), "{method} {path}");
        }
    }
}
