//! What can be asked of providers without an attempt: which there are, and whether they answer.

use std::sync::Arc;
use std::time::Instant;

use api::model::{ModelProvider, ModelTested, ModelUsage};
use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Value as Json, json};

use super::budget::cost;
use super::meter::Meter;
use super::send::{self, Failed, Tried};
use super::veil::Veil;
use super::wire::Endpoint;
use super::{Denial, place, providers};
use crate::config::models::ProviderKind;
use crate::http::Fault;
use crate::refused::Refused;
use crate::shared::Shared;

/// Of the answer of a test.
const LARGEST: usize = 1 << 20;

impl From<Denial> for Fault {
    fn from(denial: Denial) -> Self {
        let title = denial.code.replace('_', " ");
        Self::new(denial.status, denial.code, &title, denial.says)
    }
}

/// As people see them.
pub(crate) fn shown(shared: &Shared) -> Result<Vec<ModelProvider>, Refused> {
    let (config, settings) = (shared.config()?, shared.settings()?);
    let all = providers(&config, &settings).into_iter().map(|(name, provider)| {
        let key = match &provider.key {
            Some(key) => key.to_string(),
            None if config.models.providers.contains_key(&name) => "none".to_owned(),
            None => "{env: OPENAI_API_KEY}".to_owned(),
        };
        ModelProvider {
            name,
            kind: provider.kind.word().to_owned(),
            base_url: provider.base_url,
            key,
            model: provider.model,
            concurrency: provider.concurrency,
            requests_per_minute: provider.requests_per_minute,
            tokens_per_minute: provider.tokens_per_minute,
            prices: config.models.prices.keys().cloned().collect(),
        }
    });
    Ok(all.collect())
}

/// The way to a provider, as far as that can be told without asking it.
#[derive(Debug)]
pub(crate) struct Route {
    /// Where it is and where its key stands; never the key.
    pub(crate) says: String,
    /// Taken where a request names none.
    pub(crate) model: Option<String>,
}

/// Whether there is such a provider and its key can be had. The error says what is missing.
pub(crate) async fn route(shared: &Arc<Shared>, name: &str) -> Result<Route, String> {
    let place = place(shared, name).await.map_err(|denial| denial.says)?;
    let known = shown(shared).map_err(|refused| refused.to_string())?;
    let key = known.into_iter().find(|provider| provider.name == name).map(|provider| provider.key);
    let key =
        key.filter(|key| key != "none").map_or("no key".to_owned(), |key| format!("key {key}"));
    let says = format!("`{name}`, {}, {key}", place.provider.base_url);
    Ok(Route { says, model: place.defaults.model })
}

/// One tiny call. What the provider says of it is part of the answer, not a failure of ours.
pub(crate) async fn test(
    shared: &Arc<Shared>,
    name: &str,
    model: Option<String>,
) -> Result<ModelTested, Denial> {
    let place = place(shared, name).await?;
    let Some(model) = model.or_else(|| place.defaults.model.clone()) else {
        let says = format!("provider `{name}` has no `model` of its own: name one");
        return Err(Denial::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", says));
    };
    let kind = place.provider.kind;
    let (path, body) = tiny(kind, &model);
    let Some(endpoint) = Endpoint::of(kind, &Method::POST, &path) else {
        let says = format!("`{model}` cannot be the name of a model");
        return Err(Denial::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", says));
    };
    let body = body.to_string().into_bytes();
    let whence = (&HeaderMap::new(), &Method::POST, None);
    let request = send::request(whence, &place, &endpoint, body)?;
    let veil = Veil::new(place.secrets());
    let began = Instant::now();
    let private = place.provider.allow_private;
    let mut tested = ModelTested {
        provider: name.to_owned(),
        model: model.clone(),
        answered: false,
        status: None,
        problem: String::new(),
        took_ms: 0,
        usage: ModelUsage::default(),
    };
    match send::once(shared, &request, private, &veil, Failed::NO_MORE).await {
        Tried::Answered(mut opened) => {
            tested.status = Some(opened.status().as_u16());
            let mut meter = Meter::new(endpoint.format, false);
            match opened.whole(LARGEST, send::SILENCE).await {
                Ok(body) => meter.whole(&body),
                Err(failure) => tested.problem = failure.to_string(),
            }
            tested.answered = meter.is_whole();
            if !tested.answered && tested.problem.is_empty() {
                tested.problem = meter.failed().unwrap_or("the answer is not whole").to_owned();
            }
            let used = meter.usage().unwrap_or_default();
            let named = meter.model.as_deref().unwrap_or(&model);
            let config = shared.config()?;
            let price = config.models.price(name, named);
            let nano_usd = cost(price.or_else(|| config.models.price(name, &model)), &used);
            tested.usage = ModelUsage {
                calls: 1,
                input_tokens: used.input,
                output_tokens: used.output,
                cache_read_tokens: used.cache_read,
                cache_write_tokens: used.cache_write,
                nano_usd,
                unpriced_calls: u64::from(nano_usd.is_none()),
                estimated: false,
            };
        }
        Tried::Refused(refusal) => {
            tested.status = Some(refusal.status.as_u16());
            tested.problem = crate::notices::fault::excerpt(&refusal.body);
        }
        Tried::Unreached(failure) => tested.problem = failure.to_string(),
        Tried::Again { .. } => {
            tested.status = Some(429);
            tested.problem = "it has too much to do now".to_owned();
        }
    }
    tested.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(tested)
}

/// The smallest question in each format.
fn tiny(kind: ProviderKind, model: &str) -> (String, Json) {
    let says = "Answer with the word: ok";
    let messages = json!([{"role": "user", "content": says}]);
    match kind {
        ProviderKind::OpenAi | ProviderKind::Compatible => {
            ("chat/completions".to_owned(), json!({"model": model, "messages": messages}))
        }
        ProviderKind::Anthropic => {
            ("messages".to_owned(), json!({"model": model, "max_tokens": 16, "messages": messages}))
        }
        ProviderKind::Gemini => {
            let body = json!({"contents": [{"role": "user", "parts": [{"text": says}]}]});
            (format!("models/{model}:generateContent"), body)
        }
    }
}
