//! The gateway of models: the only way from an agent to a provider.
//!
//! An attempt asks with the token of its door; the provider's key is put in here and never leaves
//! this process but for the provider. What a call may cost is reserved before it is sent, and what it
//! did cost is stored with what was said, before the end of the answer is passed on: so a turn that
//! is asked again after a crash is answered from memory.

mod budget;
mod call;
mod lane;
mod meter;
mod record;
mod send;
mod trial;
mod veil;
pub(crate) mod wire;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use engine::id::RunId;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, oneshot};

use crate::config::Config;
use crate::config::models::{Provider, ProviderKind};
use crate::config::secret::SecretText;
use crate::config::settings::{self, Settings, Source};
use crate::door::{self, LiveAttempt};
use crate::http::AsIs;
use crate::identity::hex;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use budget::Ledger;
use call::Flight;
use lane::Lanes;
pub(crate) use trial::{route, shown, test};
use wire::{Defaults, Endpoint, Format};

/// The provider that the variables `OPENAI_*` name.
const OPENAI: &str = "openai";
/// Says that an answer was not asked of the provider.
const FROM_MEMORY: HeaderName = HeaderName::from_static("x-orchestrate-answer");

/// What the gateway of this process keeps in mind.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    ledger: Mutex<Ledger>,
    /// Rings when something that was reserved is free again.
    freed: Notify,
    lanes: Lanes,
    /// Turns that are being answered.
    flights: Mutex<HashSet<Turn>>,
    landed: Notify,
    /// Refusals that are on record already: one for each stage and reason.
    refused: Mutex<HashSet<(RunId, String)>>,
}

impl Gateway {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_first_refusal(&self, key: (RunId, String)) -> bool {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(key)
    }

    /// Calls under way at providers, and calls that wait for one.
    pub(crate) fn count(&self) -> (u64, u64) {
        self.lanes.count()
    }
}

/// The same question of the same execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Turn {
    run: RunId,
    execution: String,
    /// As the harness names it.
    name: String,
    digest: String,
}

/// A turn that is being answered; others that ask the same wait until it is dropped.
struct Claim {
    shared: Arc<Shared>,
    turn: Turn,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let gateway = &self.shared.gateway;
        let mut flights = gateway.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.remove(&self.turn);
        drop(flights);
        gateway.landed.notify_waiters();
    }
}

/// What an attempt asks.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) live: LiveAttempt,
    pub(crate) provider: String,
    pub(crate) method: Method,
    /// Below the provider.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Incoming {
    /// What of it goes on to the provider.
    fn whence(&self) -> (&HeaderMap, &Method, Option<&str>) {
        (&self.headers, &self.method, self.query.as_deref())
    }
}

/// Why a call is not made, in the words of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    status: StatusCode,
    code: &'static str,
    says: String,
}

impl Denial {
    fn new(status: StatusCode, code: &'static str, says: impl Into<String>) -> Self {
        Self { status, code, says: says.into() }
    }

    fn stale() -> Self {
        Self::new(StatusCode::CONFLICT, "stale", "the attempt that asks is over")
    }

    fn stopping() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server is stopping")
    }

    fn answer(&self, format: Format) -> Response {
        let body = wire::refusal(format, self.status.as_u16(), self.code, &self.says);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        respond(self.status, headers, Body::from(body.to_string()))
    }
}

impl From<Refused> for Denial {
    fn from(refused: Refused) -> Self {
        let says = refused.to_string();
        match refused {
            Refused::Stopping => Self::stopping(),
            Refused::StorageFull => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage_full", says)
            }
            Refused::Overloaded => Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", says),
            Refused::Config(_) => Self::new(StatusCode::CONFLICT, "config_invalid", says),
            refused => {
                tracing::error!(cause = %refused, "a call of a model failed");
                let says = "the server's log says why";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", says)
            }
        }
    }
}

/// What is answered stays as it is, also where it is a refusal.
fn respond(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(AsIs);
    response
}

/// A provider as it is asked.
#[derive(Clone, Debug)]
struct Place {
    name: String,
    provider: Provider,
    defaults: Defaults,
    /// For `Authorization` or what the format has in its place.
    key: Option<SecretText>,
    headers: Vec<(HeaderName, SecretText)>,
}

impl Place {
    /// Tells keys apart and nothing of what they are.
    fn key_name(&self) -> String {
        let key = self.key.as_ref().map_or("", SecretText::expose);
        hex(&Sha256::digest(key.as_bytes())[..8])
    }

    fn secrets(&self) -> impl Iterator<Item = &SecretText> {
        self.key.iter().chain(self.headers.iter().map(|(_, value)| value))
    }
}

/// All providers that there are, by name.
fn providers(config: &Config, settings: &Settings) -> Vec<(String, Provider)> {
    let said = config.models.providers.iter();
    let mut all: Vec<(String, Provider)> =
        said.map(|(name, provider)| (name.clone(), provider.clone())).collect();
    if let Some(provider) = of_environment(settings)
        && !config.models.providers.contains_key(OPENAI)
    {
        all.push((OPENAI.to_owned(), provider));
    }
    all
}

/// What `OPENAI_API_KEY` and its like say, where they say it.
fn of_environment(settings: &Settings) -> Option<Provider> {
    settings.text(&settings::OPENAI_API_KEY)?;
    let base = settings.text(&settings::OPENAI_BASE_URL)?;
    let mut provider = Provider::of(ProviderKind::OpenAi, base.trim_end_matches('/').to_owned());
    // Whoever sets the address of the server's own environment means it.
    provider.allow_private = is_said(settings, &settings::OPENAI_BASE_URL);
    provider.model = settings.text(&settings::DEFAULT_MODEL).map(str::to_owned);
    Some(provider)
}

fn is_said(settings: &Settings, setting: &settings::Setting) -> bool {
    let found = settings.all().find(|resolved| std::ptr::eq(resolved.setting, setting));
    found.is_some_and(|resolved| resolved.source != Source::Default)
}

/// With its key, read now: one that was changed counts at once.
async fn place(shared: &Arc<Shared>, name: &str) -> Result<Place, Denial> {
    let (config, settings) = (shared.config()?, shared.settings()?);
    let all = providers(&config, &settings);
    let Some((_, provider)) = all.iter().find(|(known, ..)| known == name) else {
        let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let says = format!(
            "there is no provider `{name}`; `models.providers` of config.yaml has: {names}"
        );
        return Err(Denial::new(StatusCode::NOT_FOUND, "unknown_provider", says));
    };
    let provider = provider.clone();
    let mut defaults = Defaults { model: provider.model.clone(), ..Defaults::default() };
    if !config.models.providers.contains_key(name) {
        if is_said(&settings, &settings::DEFAULT_MAX_TOKENS) {
            defaults.max_tokens = settings.whole(&settings::DEFAULT_MAX_TOKENS);
        }
        if is_said(&settings, &settings::DEFAULT_TEMPERATURE) {
            let text = settings.text(&settings::DEFAULT_TEMPERATURE);
            defaults.temperature = text.and_then(|text| text.parse().ok());
        }
        let key = settings.text(&settings::OPENAI_API_KEY);
        let key = key.map(|key| SecretText::new(key.to_owned()));
        return Ok(Place { name: name.to_owned(), provider, defaults, key, headers: Vec::new() });
    }
    let (vault, of) = (Arc::clone(&shared.vault), provider.clone());
    let resolved = blocking(move || {
        let key = of.key.as_ref().map(|key| vault.resolve(key)).transpose()?;
        let mut headers = Vec::new();
        for (name, value) in &of.headers {
            let value = vault.resolve(value)?;
            headers.extend(HeaderName::try_from(name.as_str()).ok().map(|name| (name, value)));
        }
        Ok::<_, crate::config::secret::SecretProblem>((key, headers))
    })
    .await?;
    let (key, headers) = resolved.map_err(|problem| {
        let says = format!("the key of provider `{name}`: {problem}");
        Denial::new(StatusCode::BAD_GATEWAY, "provider_key", says)
    })?;
    Ok(Place { name: name.to_owned(), provider, defaults, key, headers })
}

/// Answers a call of a live attempt.
pub(crate) async fn answer(shared: &Arc<Shared>, incoming: Incoming) -> Response {
    let mut format = guess(&incoming.path);
    match carry_out(shared, incoming, &mut format).await {
        Ok(response) => response,
        Err(denial) => {
            tracing::info!(code = denial.code, says = denial.says, "a call of a model was refused");
            denial.answer(format)
        }
    }
}

/// In which words to refuse before the provider is known.
fn guess(path: &str) -> Format {
    match path {
        path if path.contains("messages") => Format::Messages,
        path if path.contains(":generate") || path.contains(":stream") => Format::Gemini,
        _ => Format::Chat,
    }
}

async fn carry_out(
    shared: &Arc<Shared>,
    incoming: Incoming,
    format: &mut Format,
) -> Result<Response, Denial> {
    if incoming.live.stopping {
        return Err(Denial::stale());
    }
    let place = place(shared, &incoming.provider).await?;
    let endpoint = Endpoint::of(place.provider.kind, &incoming.method, &incoming.path);
    let Some(endpoint) = endpoint else {
        let kind = place.provider.kind.word();
        let says = format!(
            "`{} {}` is not passed on to a provider of kind {kind}; what is: {}",
            incoming.method,
            incoming.path,
            wire::PASSED
        );
        return Err(Denial::new(StatusCode::NOT_FOUND, "not_passed_on", says));
    };
    *format = endpoint.format;
    if endpoint.free {
        return send::free(shared, &incoming, &place, &endpoint).await;
    }
    let asked = wire::understand(&endpoint, &place.provider, &place.defaults, &incoming.body)
        .map_err(|says| Denial::new(StatusCode::BAD_REQUEST, "invalid_request", says))?;
    let turn = turn(&incoming, &place, &endpoint)?;
    let claim = match claim(shared, &incoming.live, turn).await? {
        Ok(claim) => claim,
        Err(known) => return Ok(known),
    };
    let flight = Flight::new(shared, incoming, place, endpoint, asked, claim).await?;
    let (head, told) = oneshot::channel();
    // It goes on when whoever asked has gone: a turn that is paid for is kept.
    tokio::spawn(flight.fly(head));
    told.await.unwrap_or_else(|_ended| Err(Denial::stopping()))
}

/// The question, and under which name it was asked.
fn turn(incoming: &Incoming, place: &Place, endpoint: &Endpoint) -> Result<Turn, Denial> {
    let name = header(&incoming.headers, "x-orchestrate-turn")?;
    let digest = Sha256::new()
        .chain_update(place.name.as_bytes())
        .chain_update([0])
        .chain_update(endpoint.path.as_bytes())
        .chain_update([0])
        .chain_update(&incoming.body)
        .finalize();
    let execution = incoming.live.attempt.execution.to_string();
    Ok(Turn { run: incoming.live.run, execution, name, digest: hex(&digest) })
}

/// One of ours; empty where it is not said.
fn header(headers: &HeaderMap, name: &str) -> Result<String, Denial> {
    let Some(value) = headers.get(name) else { return Ok(String::new()) };
    let text = value.to_str().ok().map(str::trim).filter(|text| text.len() <= 200);
    text.map(str::to_owned).ok_or_else(|| {
        let says = format!("`{name}` has at most 200 plain characters");
        Denial::new(StatusCode::BAD_REQUEST, "invalid_request", says)
    })
}

/// The turn is ours to be answered, or was answered before. Waits while another asks the same. A turn
/// without a name is nobody else's.
async fn claim(
    shared: &Arc<Shared>,
    live: &LiveAttempt,
    turn: Turn,
) -> Result<Result<Claim, Response>, Denial> {
    let gateway = &shared.gateway;
    loop {
        let landed = gateway.landed.notified();
        tokio::pin!(landed);
        landed.as_mut().enable();
        let fresh = turn.name.is_empty() || {
            let mut flights = gateway.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.insert(turn.clone())
        };
        if fresh {
            let claim = Claim { shared: Arc::clone(shared), turn };
            if claim.turn.name.is_empty() {
                return Ok(Ok(claim));
            }
            // Whoever had it has landed, and stored what came of it before that.
            let known = record::answered(shared, &claim.turn).await?;
            return Ok(known.map_or(Ok(claim), Err));
        }
        tokio::select! {
            () = landed => {}
            () = door::over(shared, &live.named) => return Err(Denial::stale()),
            () = shared.stopped() => return Err(Denial::stopping()),
        }
    }
}
