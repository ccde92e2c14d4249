//! To the provider and back: with its key, through the egress, again where that helps.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use axum::response::Response;

use super::lane::{Width, retry_after};
use super::veil::Veil;
use super::wire::{Endpoint, Format};
use super::{Denial, Incoming, Place, respond};
use crate::door;
use crate::egress::{Failure, Opened, Policy};
use crate::identity::draw;
use crate::shared::Shared;

/// Until a provider begins to answer. Longer than any model thinks.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// Between two pieces of an answer.
pub(super) const SILENCE: Duration = Duration::from_secs(10 * 60);
/// Of a refusal.
const SAYS: usize = 256 << 10;
/// Of a list of models.
const LIST: usize = 8 << 20;
/// How often a provider that fails or cannot be reached is asked in all.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What clients may say to providers. Everything else stays here.
const ASKED: [&str; 4] = ["accept", "anthropic-version", "anthropic-beta", "openai-beta"];
/// What providers may say to clients.
const TOLD: [&str; 5] =
    ["content-type", "retry-after", "retry-after-ms", "request-id", "openai-processing-ms"];

/// The request as the provider gets it.
pub(super) fn request(
    (headers, method, query): (&HeaderMap, &Method, Option<&str>),
    place: &Place,
    endpoint: &Endpoint,
    body: Vec<u8>,
) -> Result<Request<Vec<u8>>, Denial> {
    let broken =
        |problem: String| Denial::new(StatusCode::BAD_GATEWAY, "provider_request", problem);
    let url = endpoint.url(&place.provider, query);
    let mut request = Request::builder().method(method.clone()).uri(&url);
    for name in ASKED {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    if endpoint.format == Format::Messages && !headers.contains_key("anthropic-version") {
        request = request.header("anthropic-version", "2023-06-01");
    }
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    if let Some(key) = &place.key {
        let key = key.expose();
        let (name, text) = match endpoint.format {
            Format::Chat | Format::Responses => (AUTHORIZATION, format!("Bearer {key}")),
            Format::Messages => (HeaderName::from_static("x-api-key"), key.to_owned()),
            Format::Gemini => (HeaderName::from_static("x-goog-api-key"), key.to_owned()),
        };
        request = request.header(name, secret(&text, &place.name)?);
    }
    for (name, value) in &place.headers {
        request = request.header(name, secret(value.expose(), &place.name)?);
    }
    request.body(body).map_err(|error| broken(error.to_string()))
}

fn secret(value: &str, provider: &str) -> Result<HeaderValue, Denial> {
    let mut header = HeaderValue::from_str(value).map_err(|_error| {
        let says = format!("a key of provider `{provider}` cannot stand in a header");
        Denial::new(StatusCode::BAD_GATEWAY, "provider_key", says)
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// What the provider said of its answer that the client may know.
pub(super) fn told(headers: &HeaderMap) -> HeaderMap {
    let limits = |name: &HeaderName| {
        name.as_str().starts_with("x-ratelimit-")
            || name.as_str().starts_with("anthropic-ratelimit-")
    };
    let kept = headers.iter().filter(|(name, _)| TOLD.contains(&name.as_str()) || limits(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A refusal of the provider, as it is passed on.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Refusal {
    pub(super) fn response(self) -> Response {
        respond(self.status, told(&self.headers), Body::from(self.body))
    }
}

/// What came of one try.
pub(super) enum Tried {
    Answered(Opened),
    /// That is the provider's last word.
    Refused(Refusal),
    Unreached(Failure),
    /// It may work later.
    Again {
        wait: Duration,
        slow_down: bool,
    },
}

/// Tries of one call that came to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failed {
    /// It failed, or could not be reached: that may be for good.
    pub(super) broken: u32,
    /// It had too much to do: that passes.
    pub(super) busy: u32,
}

impl Failed {
    /// It fails at once instead of being tried again.
    pub(super) const NO_MORE: Self = Self { broken: TRIES, busy: 0 };

    /// One more.
    pub(super) fn count(&mut self, slow_down: bool) {
        let count = if slow_down { &mut self.busy } else { &mut self.broken };
        *count += 1;
    }

    fn may_again(self) -> bool {
        self.broken + 1 < TRIES
    }
}

/// One try, after these.
pub(super) async fn once(
    shared: &Shared,
    request: &Request<Vec<u8>>,
    allow_private: bool,
    veil: &Veil,
    failed: Failed,
) -> Tried {
    let policy = Policy { allow_private, timeout: PATIENCE, ..Policy::default() };
    let mut opened = match shared.egress.open(copy(request), &policy).await {
        Ok(opened) => opened,
        Err(failure) => {
            let helps = match &failure {
                Failure::Unreached { .. }
                | Failure::Unresolved { .. }
                | Failure::Broken { .. }
                | Failure::Slow { .. } => failed.may_again(),
                Failure::Url { .. }
                | Failure::Private { .. }
                | Failure::Never { .. }
                | Failure::Tls { .. }
                | Failure::Large { .. }
                | Failure::Client { .. } => false,
            };
            return match helps {
                true => Tried::Again { wait: pause(failed.broken), slow_down: false },
                false => Tried::Unreached(failure),
            };
        }
    };
    let status = opened.status();
    if status.is_success() {
        return Tried::Answered(opened);
    }
    let headers = opened.headers().clone();
    let body = opened.whole(SAYS, SILENCE).await.unwrap_or_default();
    let too_much = matches!(status.as_u16(), 429 | 529) && !is_out_of_credit(&body);
    if too_much || (status.is_server_error() && failed.may_again()) {
        let before = if too_much { failed.busy } else { failed.broken };
        let wait = retry_after(&headers).map_or_else(|| pause(before), with_jitter);
        return Tried::Again { wait, slow_down: too_much };
    }
    Tried::Refused(Refusal { status, headers, body: veil.over(&body) })
}

/// Waiting does not help where the money is gone.
fn is_out_of_credit(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    ["insufficient_quota", "billing_hard_limit", "credit balance"]
        .iter()
        .any(|word| text.contains(word))
}

fn copy(request: &Request<Vec<u8>>) -> Request<Vec<u8>> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// It doubles with each try before, up to a minute.
fn pause(before: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << before.min(16));
    with_jitter(doubled.min(LONGEST_PAUSE))
}

/// Up to a quarter more, so that those who wait do not come back together.
fn with_jitter(wait: Duration) -> Duration {
    let mut byte = [0];
    // Without chance they do.
    let part = draw(&mut byte).map_or(0.0, |()| f64::from(byte[0]) / 255.0 / 4.0);
    wait.mul_f64(1.0 + part)
}

/// A call that costs nothing and is not kept: lists of models, counts of tokens.
pub(super) async fn free(
    shared: &Arc<Shared>,
    incoming: &Incoming,
    place: &Place,
    endpoint: &Endpoint,
) -> Result<Response, Denial> {
    let gate =
        shared.gateway.lanes.of(&place.name, &place.key_name(), "", Width::of(&place.provider));
    let request = request(incoming.whence(), place, endpoint, incoming.body.to_vec())?;
    let veil = Veil::new(place.secrets());
    let ask = async {
        let mut failed = Failed::default();
        loop {
            let permit = gate.enter(incoming.live.run, 1, 0).await;
            let tried = once(shared, &request, place.provider.allow_private, &veil, failed).await;
            match tried {
                Tried::Answered(mut opened) => {
                    let (status, headers) = (opened.status(), told(opened.headers()));
                    let body = opened.whole(LIST, SILENCE).await;
                    return body
                        .map(|body| respond(status, headers, Body::from(veil.over(&body))))
                        .map_err(|failure| unreached(&place.name, &failure));
                }
                Tried::Refused(refusal) => return Ok(refusal.response()),
                Tried::Unreached(failure) => return Err(unreached(&place.name, &failure)),
                Tried::Again { wait, slow_down } => {
                    drop(permit);
                    failed.count(slow_down);
                    if slow_down {
                        gate.slow_down(wait);
                    } else {
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
    };
    tokio::select! {
        answer = ask => answer,
        () = door::over(shared, &incoming.live.named) => Err(Denial::stale()),
        () = shared.stopped() => Err(Denial::stopping()),
    }
}

pub(super) fn unreached(provider: &str, failure: &Failure) -> Denial {
    let says = format!("provider `{provider}`: {failure}");
    Denial::new(StatusCode::BAD_GATEWAY, "provider_unreachable", says)
}
