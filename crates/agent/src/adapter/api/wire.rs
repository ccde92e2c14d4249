//! What the three wire formats have in common: a conversation goes out, an answer comes back as a
//! stream of events.

use api::agent::{ErrorClass, Format};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{chat, messages, responses};
use crate::tools::{Output, Tool};

/// What a model is asked.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) system: &'a str,
    pub(super) turns: &'a [Turn],
    pub(super) tools: &'a [Tool],
    pub(super) max_tokens: u32,
    pub(super) temperature: Option<f64>,
    /// The last words of the model are to be an object of this schema.
    pub(super) schema: Option<&'a Json>,
    /// Names what stays the same from call to call.
    pub(super) cache_key: &'a str,
}

/// A turn of the conversation, as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    User(String),
    /// What the provider wants to see again of its answer.
    Model(Json),
    /// The provider's id of a call, and what it gave.
    Results(Vec<(String, Output)>),
}

/// A whole answer of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// In the provider's own form, to be sent again; `null`: there is nothing to send.
    pub(super) echo: Json,
    pub(super) text: String,
    pub(super) thinking: String,
    pub(super) calls: Vec<Wanted>,
    pub(super) stop: Stop,
    pub(super) tokens: Tokens,
}

/// A call of a tool that the model wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    /// The provider's, which may come again in another turn.
    pub(super) id: String,
    pub(super) name: String,
    /// As the model wrote them, which may be no JSON.
    pub(super) arguments: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stop {
    End,
    Calls,
    Length,
    Refused(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tokens {
    /// That were not cached.
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) class: ErrorClass,
    pub(super) message: String,
    pub(super) status: Option<u16>,
    pub(super) wait_ms: Option<u64>,
    /// An answer came to its end but is of no use: asked under the same number, it would be the same.
    pub(super) spoiled: bool,
}

impl Fault {
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::Unavailable,
            message: message.into(),
            status: None,
            wait_ms: None,
            spoiled: false,
        }
    }

    pub(super) fn spoiled(message: impl Into<String>) -> Self {
        Self { spoiled: true, ..Self::unavailable(message) }
    }

    /// Whether the same request may do better in a moment.
    pub(super) fn may_pass(&self) -> bool {
        match self.class {
            ErrorClass::RateLimited | ErrorClass::Unavailable => true,
            ErrorClass::Auth
            | ErrorClass::ContextTooLong
            | ErrorClass::OutputLimit
            | ErrorClass::Budget
            | ErrorClass::Invalid
            | ErrorClass::Harness => false,
        }
    }
}

/// One of the formats.
pub(super) trait Wire: Send + Sync {
    /// Of the provider's API.
    fn path(&self) -> &'static str;
    fn body(&self, asking: &Asking<'_>) -> Json;
    fn reader(&self) -> Box<dyn Reader>;
}

/// Puts an answer together from its events.
pub(super) trait Reader: Send {
    /// # Errors
    /// When the provider says in the stream that it failed.
    fn event(&mut self, event: &Json) -> Result<(), Fault>;
    /// # Errors
    /// When the stream ended before the answer did.
    fn finish(self: Box<Self>) -> Result<Answer, Fault>;
}

pub(super) fn wire(format: Format) -> &'static dyn Wire {
    match format {
        Format::Chat => &chat::Chat,
        Format::Responses => &responses::Responses,
        Format::Messages => &messages::Messages,
    }
}

/// The provider's words for what went wrong, with the class that they mean.
pub(super) fn understood(status: Option<u16>, body: &Json, raw: &str) -> Fault {
    let error = body.get("error").unwrap_or(body);
    let word = |key: &str| error[key].as_str().unwrap_or_default();
    let message = match (word("message"), body["detail"].as_str()) {
        ("", Some(detail)) => detail.to_owned(),
        ("", None) => raw.chars().take(300).collect(),
        (message, _) => message.chars().take(1000).collect(),
    };
    let codes = [word("code"), word("type"), body["code"].as_str().unwrap_or_default()];
    let says = |what: &str| codes.iter().any(|code| code.contains(what));
    let lower = message.to_lowercase();
    let too_long = says("context_length")
        || says("request_too_large")
        || status == Some(413)
        || ["prompt is too long", "maximum context", "context window", "context length"]
            .iter()
            .any(|words| lower.contains(words));
    let class = match status {
        _ if says("budget") => ErrorClass::Budget,
        Some(401 | 403) => ErrorClass::Auth,
        Some(429) => ErrorClass::RateLimited,
        Some(408 | 409 | 425) => ErrorClass::Unavailable,
        Some(500..) => ErrorClass::Unavailable,
        _ if too_long => ErrorClass::ContextTooLong,
        Some(_) => ErrorClass::Invalid,
        None if says("authentication") || says("invalid_api_key") => ErrorClass::Auth,
        None if says("rate_limit") => ErrorClass::RateLimited,
        None => ErrorClass::Unavailable,
    };
    let message = match status {
        Some(status) => format!("{message} (status {status})"),
        None => message,
    };
    Fault { class, message, status, wait_ms: None, spoiled: status.is_none() }
}

/// Arguments as the provider may see them again: some take nothing but an object.
pub(super) fn arguments(wanted: &Wanted) -> Json {
    match serde_json::from_str(&wanted.arguments) {
        Ok(object @ Json::Object(_)) => object,
        Ok(_) | Err(_) => serde_json::json!({}),
    }
}

/// Whether strict formats take the schema as it is: every object closed, every field required.
pub(super) fn is_strict(schema: &Json) -> bool {
    match schema {
        Json::Object(fields) => {
            let names = fields.get("properties").and_then(Json::as_object);
            let closed = names.is_none_or(|names| {
                let required = fields.get("required").and_then(Json::as_array);
                fields.get("additionalProperties") == Some(&Json::Bool(false))
                    && required.is_some_and(|required| required.len() == names.len())
            });
            let open =
                fields.get("type").and_then(Json::as_str) == Some("object") && names.is_none();
            closed && !open && fields.values().all(is_strict)
        }
        Json::Array(items) => items.iter().all(is_strict),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_provider_says_has_a_class() {
        for (status, body, class) in [
            (Some(401), json!({"error": {"message": "no key"}}), ErrorClass::Auth),
            (Some(429), json!({"error": {"message": "slow"}}), ErrorClass::RateLimited),
            (Some(529), json!({"error": {"type": "overloaded_error"}}), ErrorClass::Unavailable),
            (Some(502), Json::Null, ErrorClass::Unavailable),
            (
                Some(400),
                json!({"type": "error", "error": {"message": "prompt is too long: 9 > 8"}}),
                ErrorClass::ContextTooLong,
            ),
            (
                Some(400),
                json!({"error": {"code": "context_length_exceeded", "message": "x"}}),
                ErrorClass::ContextTooLong,
            ),
            (
                Some(400),
                json!({"error": {"code": "budget_exhausted", "message": "7 of 7 calls"}}),
                ErrorClass::Budget,
            ),
            (Some(400), json!({"error": {"message": "no such field"}}), ErrorClass::Invalid),
            (None, json!({"error": {"type": "overloaded_error"}}), ErrorClass::Unavailable),
        ] {
            assert_eq!(understood(status, &body, "").class, class, "{status:?} {body}");
        }
    }

    #[test]
    fn only_a_closed_schema_is_strict() {
        let closed = json!({ "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": { "a": { "type": "string" } } });
        assert!(is_strict(&closed));
        let mut open = closed.clone();
        open["required"] = json!([]);
        assert!(!is_strict(&open));
        open = closed;
        open["properties"]["a"] = json!({ "type": "object" });
        assert!(!is_strict(&open));
    }
}
