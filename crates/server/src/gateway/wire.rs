//! The four wire formats: which calls there are, where they go, what they say of themselves.

use axum::http::Method;
use serde_json::{Value as Json, json};

use crate::config::models::{Provider, ProviderKind};

/// Of a request that does not say how long its answer may be, for its reservation.
const USUAL_OUTPUT: u64 = 4096;
/// Bytes of text that are about a token.
const BYTES_A_TOKEN: f64 = 3.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Chat,
    Responses,
    Messages,
    Gemini,
}

/// What is asked of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) format: Format,
    /// `chat/completions`, without a version.
    pub(super) path: String,
    /// Named in the path.
    pub(super) model: Option<String>,
    /// A path that always streams.
    pub(super) streams: bool,
    /// It writes nothing, and costs nothing: lists of models, counts of tokens.
    pub(super) free: bool,
}

/// All that is passed on, for refusals.
pub(super) const PASSED: &str = "POST chat/completions, POST responses, POST messages, \
     POST messages/count_tokens, POST models/<model>:generateContent, \
     POST models/<model>:streamGenerateContent, POST models/<model>:countTokens, GET models";

impl Endpoint {
    /// `None`: not something that is passed on to a provider of this kind.
    pub(super) fn of(kind: ProviderKind, method: &Method, path: &str) -> Option<Self> {
        let path = path.trim_matches('/');
        let path = ["v1/", "v1beta/"].iter().find_map(|v| path.strip_prefix(v)).unwrap_or(path);
        if *method == Method::GET {
            let lists = path == "models" || path.strip_prefix("models/").is_some_and(is_model);
            return lists.then(|| Self::plain(format_of(kind), path, true));
        }
        if *method != Method::POST {
            return None;
        }
        let found = match path {
            "chat/completions" => Self::plain(Format::Chat, path, false),
            "responses" => Self::plain(Format::Responses, path, false),
            "messages" => Self::plain(Format::Messages, path, false),
            "messages/count_tokens" => Self::plain(Format::Messages, path, true),
            _ => gemini(path)?,
        };
        found.is_for(kind).then_some(found)
    }

    fn plain(format: Format, path: &str, free: bool) -> Self {
        Self { format, path: path.to_owned(), model: None, streams: false, free }
    }

    fn is_for(&self, kind: ProviderKind) -> bool {
        match kind {
            ProviderKind::Compatible => true,
            ProviderKind::OpenAi => matches!(self.format, Format::Chat | Format::Responses),
            ProviderKind::Anthropic => self.format == Format::Messages,
            ProviderKind::Gemini => self.format == Format::Gemini,
        }
    }

    /// Where it is asked. Of the query only what the formats know is passed on; never a key.
    pub(super) fn url(&self, provider: &Provider, query: Option<&str>) -> String {
        let base = &provider.base_url;
        let last = base.rsplit('/').next().unwrap_or_default();
        let has_version =
            last.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        let version = match provider.kind {
            ProviderKind::Anthropic if !has_version => "/v1",
            ProviderKind::Gemini if !has_version => "/v1beta",
            ProviderKind::OpenAi
            | ProviderKind::Compatible
            | ProviderKind::Anthropic
            | ProviderKind::Gemini => "",
        };
        let known = |part: &&str| ["alt=sse", "beta=true"].contains(part);
        let kept: Vec<&str> = query.unwrap_or_default().split('&').filter(known).collect();
        let mark = if kept.is_empty() { "" } else { "?" };
        format!("{base}{version}/{}{mark}{}", self.path, kept.join("&"))
    }
}

fn format_of(kind: ProviderKind) -> Format {
    match kind {
        ProviderKind::OpenAi | ProviderKind::Compatible => Format::Chat,
        ProviderKind::Anthropic => Format::Messages,
        ProviderKind::Gemini => Format::Gemini,
    }
}

fn is_model(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    (1..=200).contains(&name.len()) && name.chars().all(plain) && !name.contains("..")
}

fn gemini(path: &str) -> Option<Endpoint> {
    let (model, verb) = path.strip_prefix("models/")?.rsplit_once(':')?;
    let (streams, free) = match verb {
        "generateContent" => (false, false),
        "streamGenerateContent" => (true, false),
        "countTokens" => (false, true),
        _ => return None,
    };
    is_model(model).then(|| Endpoint {
        format: Format::Gemini,
        path: path.to_owned(),
        model: Some(model.to_owned()),
        streams,
        free,
    })
}

/// A request, understood as far as the gateway has to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) model: String,
    /// What is sent.
    pub(super) body: Vec<u8>,
    /// The client did not ask for the usage that the stream tells us.
    pub(super) hide_usage: bool,
    /// What it may come to, in tokens.
    pub(super) input: u64,
    pub(super) output: u64,
}

/// What a provider's settings say where a request says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Defaults {
    pub(super) model: Option<String>,
    pub(super) max_tokens: Option<u64>,
    pub(super) temperature: Option<f64>,
}

/// An `Err` says what is wrong with the request.
pub(super) fn understand(
    endpoint: &Endpoint,
    provider: &Provider,
    defaults: &Defaults,
    body: &[u8],
) -> Result<Asked, String> {
    let mut json: Json =
        serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
    let Some(map) = json.as_object_mut() else {
        return Err("the body has to be an object".to_owned());
    };
    let mut changed = false;
    let named = map.get("model").and_then(Json::as_str).map(str::to_owned);
    let model = match (endpoint.model.clone().or(named), &defaults.model) {
        (Some(model), _) => model,
        (None, Some(model)) => {
            map.insert("model".to_owned(), json!(model));
            changed = true;
            model.clone()
        }
        (None, None) => return Err("the body names no `model`".to_owned()),
    };
    let limit = match endpoint.format {
        Format::Chat => ["max_completion_tokens", "max_tokens"],
        Format::Responses => ["max_output_tokens"; 2],
        Format::Messages => ["max_tokens"; 2],
        Format::Gemini => ["maxOutputTokens"; 2],
    };
    let output = match endpoint.format {
        Format::Gemini => map.get("generationConfig").and_then(|of| of[limit[0]].as_u64()),
        Format::Chat | Format::Responses | Format::Messages => {
            let said = limit.iter().find_map(|name| map.get(*name).and_then(Json::as_u64));
            if said.is_none()
                && let Some(most) = defaults.max_tokens.filter(|_| !endpoint.free)
            {
                map.insert(limit[1].to_owned(), json!(most));
                changed = true;
            }
            if let (Some(temperature), false) = (defaults.temperature, endpoint.free)
                && !map.contains_key("temperature")
            {
                map.insert("temperature".to_owned(), json!(temperature));
                changed = true;
            }
            said.or(defaults.max_tokens)
        }
    };
    let streams = map.get("stream").and_then(Json::as_bool).unwrap_or(false);
    let mut hide_usage = false;
    if endpoint.format == Format::Chat && streams && provider.stream_usage {
        let options = map.entry("stream_options").or_insert_with(|| json!({}));
        if options["include_usage"] != json!(true) && (options.is_object() || options.is_null()) {
            options["include_usage"] = json!(true);
            (changed, hide_usage) = (true, true);
        }
    }
    let body = match changed {
        true => serde_json::to_vec(&json).map_err(|error| error.to_string())?,
        false => body.to_vec(),
    };
    let input = tokens_of(body.len());
    Ok(Asked { model, body, hide_usage, input, output: output.unwrap_or(USUAL_OUTPUT) })
}

/// So many bytes are about so many tokens.
pub(super) fn tokens_of(bytes: usize) -> u64 {
    (bytes as f64 / BYTES_A_TOKEN).ceil() as u64
}

/// A refusal in the words of the format, so that the client understands it. `code` is ours.
pub(super) fn refusal(format: Format, status: u16, code: &str, says: &str) -> Json {
    match format {
        Format::Chat | Format::Responses => {
            json!({"error": {"message": says, "type": code, "param": null, "code": code}})
        }
        Format::Messages => {
            let kind = match status {
                400 => "invalid_request_error",
                401 | 403 => "authentication_error",
                404 => "not_found_error",
                409 => "invalid_request_error",
                _ => "api_error",
            };
            json!({"type": "error", "error": {"type": kind, "message": says, "code": code}})
        }
        Format::Gemini => {
            let word = if status < 500 { "FAILED_PRECONDITION" } else { "UNAVAILABLE" };
            json!({"error": {"code": status, "message": says, "status": word, "details": [{"code": code}]}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(kind: ProviderKind, base: &str) -> Provider {
        Provider::of(kind, base.to_owned())
    }

    fn of(kind: ProviderKind, path: &str) -> Option<Endpoint> {
        Endpoint::of(kind, &Method::POST, path)
    }

    #[test]
    fn calls_lead_where_the_format_has_them_and_nowhere_else() {
        use ProviderKind::{Anthropic, Compatible, Gemini, OpenAi};
        for (kind, base, path, query, url) in [
            (OpenAi, "https://a/v1", "v1/chat/completions", None, "https://a/v1/chat/completions"),
            (OpenAi, "https://a/v1", "responses", Some("key=x"), "https://a/v1/responses"),
            (
                Anthropic,
                "https://a",
                "v1/messages",
                Some("beta=true"),
                "https://a/v1/messages?beta=true",
            ),
            (
                Anthropic,
                "https://a/v1",
                "messages/count_tokens",
                None,
                "https://a/v1/messages/count_tokens",
            ),
            (
                Gemini,
                "https://g",
                "v1beta/models/m-1:streamGenerateContent",
                Some("key=x&alt=sse"),
                "https://g/v1beta/models/m-1:streamGenerateContent?alt=sse",
            ),
            (Compatible, "http://c/api", "v1/messages", None, "http://c/api/messages"),
        ] {
            let found = of(kind, path).unwrap();
            assert_eq!(found.url(&provider(kind, base), query), url);
        }
        for (kind, path) in [
            (OpenAi, "embeddings"),
            (OpenAi, "v1/messages"),
            (Anthropic, "chat/completions"),
            (Gemini, "models/../x:generateContent"),
            (Gemini, "models/m:batchGenerate"),
            (Compatible, "chat/completions/x"),
            (Compatible, ""),
        ] {
            assert_eq!(of(kind, path), None, "{path}");
        }
        assert_eq!(Endpoint::of(OpenAi, &Method::DELETE, "responses"), None);
        assert!(Endpoint::of(OpenAi, &Method::GET, "v1/models").unwrap().free);
    }

    #[test]
    fn a_stream_of_chat_is_asked_for_its_usage_and_what_is_missing_is_filled_in() {
        let chat = of(ProviderKind::OpenAi, "chat/completions").unwrap();
        let provider = provider(ProviderKind::OpenAi, "https://a/v1");
        let ask = |body: Json, defaults: &Defaults| {
            understand(&chat, &provider, defaults, body.to_string().as_bytes())
        };
        let none = Defaults::default();
        let asked = ask(json!({"model": "m", "stream": true, "max_tokens": 7}), &none).unwrap();
        let sent: Json = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(sent["stream_options"], json!({"include_usage": true}));
        assert!(asked.hide_usage && asked.output == 7);
        let own = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}});
        let asked = ask(own.clone(), &none).unwrap();
        assert!(!asked.hide_usage && asked.body == own.to_string().into_bytes());
        let defaults =
            Defaults { model: Some("d".into()), max_tokens: Some(99), temperature: Some(0.5) };
        let asked = ask(json!({"messages": []}), &defaults).unwrap();
        assert_eq!((&*asked.model, asked.output), ("d", 99));
        let sent: Json = serde_json::from_slice(&asked.body).unwrap();
        assert_eq!(
            sent,
            json!({"messages": [], "model": "d", "max_tokens": 99, "temperature": 0.5})
        );
        assert!(ask(json!({}), &none).unwrap_err().contains("`model`"));
        assert!(understand(&chat, &provider, &none, b"[1]").is_err());
        assert!(understand(&chat, &provider, &none, b"{").is_err());
        assert_eq!((tokens_of(7), tokens_of(8)), (2, 3));
    }
}
