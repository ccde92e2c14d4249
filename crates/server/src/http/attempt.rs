//! What a live attempt asks of the server, with the token of its door. It is no person: nothing
//! here takes a [`super::Caller`], and nothing elsewhere takes an [`Attempt`].

mod asks;
mod holds;
mod rounds;

use api::agent::AttemptSelf;
use api::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};

use super::access::Rule;
use super::body::Json;
use super::caller::unauthorized;
use super::problem::Fault;
use crate::door::{self, LiveAttempt};
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(whoami))
        .merge(asks::routes())
        .merge(holds::routes())
        .merge(rounds::routes())
}

/// The attempt that asks; it was live when it asked.
#[derive(Clone, Debug)]
pub(crate) struct Attempt(pub(crate) LiveAttempt);

impl<S: Send + Sync> FromRequestParts<S> for Attempt {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

/// Where the clients of models put their keys, beside `Authorization`.
const KEYS: [&str; 3] = ["x-api-key", "x-goog-api-key", "api-key"];

/// The token of an attempt, wherever it stands.
pub(super) fn token(parts: &Parts) -> Option<String> {
    let bearer = |headers: &HeaderMap| {
        let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    };
    let plain = |name: &&str| parts.headers.get(*name)?.to_str().ok().map(str::to_owned);
    let asks_model = parts.uri.path().starts_with("/llm/");
    let others = KEYS.iter().filter(|_| asks_model).filter_map(plain);
    bearer(&parts.headers).into_iter().chain(others).find(|token| door::is_token(token))
}

/// Whoever shows the token of an attempt may ask what is for attempts, while it is live, and
/// nothing else.
pub(super) async fn admit(
    shared: &Shared,
    token: &str,
    rule: Option<Option<Rule>>,
) -> Result<Attempt, Fault> {
    let Some(named) = shared.doors.named(token) else {
        return Err(guessed());
    };
    match rule {
        Some(Some(Rule::Attempt)) => {}
        None | Some(None | Some(Rule::Public | Rule::Needs(_) | Rule::Closed)) => {
            tracing::warn!(key = named.key, "an attempt asked what is not for attempts");
            return Err(Fault::not_allowed(
                "the token of an attempt is good for `/api/attempt/*` and `/llm/*` only",
            )
            .hint("a script asks through the data folder's socket, without a token"));
        }
    }
    match door::live(shared, &named).await? {
        Some(live) => Ok(Attempt(live)),
        None => Err(stale()),
    }
}

/// It is not one that was given to an attempt of this folder.
fn guessed() -> Fault {
    Fault::new(
        StatusCode::UNAUTHORIZED,
        "not_allowed",
        "not allowed",
        "this token was not given to any attempt",
    )
}

pub(crate) fn stale() -> Fault {
    Fault::new(
        StatusCode::CONFLICT,
        "stale",
        "the attempt is over",
        "the attempt has ended, or another one has taken its place",
    )
    .hint("end: what this attempt still does counts no more")
}

/// It asked in vain: nobody answers while a person works in its place.
fn taken_over() -> Fault {
    Fault::new(
        StatusCode::CONFLICT,
        "taken_over",
        "a person has taken over",
        "what the attempt asks is taken back while a person works in the place of its agent",
    )
    .hint("GET /api/attempt/hold says who, and when it is handed back")
}

/// A person asked what only an attempt may.
pub(super) fn only_attempts() -> Fault {
    Fault::not_allowed("only the harness of a live attempt asks this, with the token of its door")
}

/// The attempt that asks
///
/// Answers while the attempt is live, and refuses as `stale` once it is not.
#[utoipa::path(
    get,
    path = "/api/attempt",
    tag = "attempt",
    security(("attempt" = ["live"])),
    responses((status = OK, body = AttemptSelf), (status = "default", body = Problem)),
)]
pub(crate) async fn whoami(Attempt(live): Attempt) -> Json<AttemptSelf> {
    let LiveAttempt { run, attempt, key, stopping, .. } = live;
    Json(AttemptSelf {
        run: run.to_string(),
        execution: attempt.execution.to_string(),
        number: attempt.number,
        fence: attempt.fence,
        key,
        stopping,
    })
}
