//! What forges and others send, made into events of one form: the same words whoever sent it.

mod bitbucket;
mod cloudevents;
mod generic;
mod github;
mod gitlab;
mod happening;
pub(crate) mod signature;

use http::HeaderMap;
use pipeline::when::Facts;
use serde_json::Value as Json;
use store::port::{Delivery, GivenEvent};

use crate::config::source::{Source, SourceKind};
use crate::incoming;

/// Longest type or id of an event, in characters.
pub(crate) const LONGEST: usize = 256;

/// Why a signed delivery cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("`{given}` is not taken here; send {wanted}")]
    Media { given: String, wanted: &'static str },
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("{0}")]
    Wrong(String),
}

/// One request, proved.
pub(crate) struct Received<'r> {
    pub(crate) name: &'r str,
    pub(crate) source: &'r Source,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) body: &'r [u8],
    /// The id of what has none.
    pub(crate) drawn: String,
}

impl Received<'_> {
    /// A header's text; what is no text is not there.
    fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// Without parameters, in lower case.
    fn media(&self) -> String {
        let media = self.header("content-type").unwrap_or_default();
        media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// As it is stored.
    fn delivery(&self) -> Delivery {
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str();
            let kept = !signature::is_secret(name, &self.source.generic);
            kept.then_some(())?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        });
        Delivery { headers: headers.collect(), body: self.body.to_vec() }
    }

    /// `<source>:<id>`, short enough for a name.
    fn id(&self, id: Option<&str>) -> String {
        let id = format!("{}:{}", self.name, id.unwrap_or(&self.drawn));
        if id.chars().count() <= LONGEST && !id.contains(char::is_control) {
            return id;
        }
        format!("{}:{}", self.name, crate::identity::token_hash(&id))
    }

    /// The map that a body has to be.
    fn map(&self, forms: bool) -> Result<Json, Unreadable> {
        let media = self.media();
        let is_json = media == "application/json" || media.ends_with("+json");
        let is_form = media == "application/x-www-form-urlencoded";
        if !(is_json || forms && is_form) {
            let wanted = "`application/json`";
            return Err(Unreadable::Media { given: media, wanted });
        }
        let body = if is_form {
            incoming::payload(&self.delivery())
                .ok_or_else(|| Unreadable::Wrong("the form has no `payload` of JSON".into()))?
        } else {
            json(self.body)?
        };
        match body {
            Json::Object(_) => Ok(body),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Err(Unreadable::Wrong("the body has to be one JSON object".into()))
            }
        }
    }
}

fn json(body: &[u8]) -> Result<Json, Unreadable> {
    serde_json::from_slice(body).map_err(|error| Unreadable::NotJson(error.to_string()))
}

/// The events of a delivery whose proof was checked. Takes time where bodies are large.
pub(crate) fn read(received: &Received<'_>) -> Result<Vec<GivenEvent>, Unreadable> {
    match received.source.kind {
        SourceKind::GitHub | SourceKind::Gitea | SourceKind::Gogs => github::read(received),
        SourceKind::GitLab => gitlab::read(received),
        SourceKind::Bitbucket => bitbucket::read_cloud(received),
        SourceKind::BitbucketServer => bitbucket::read_server(received),
        SourceKind::Hmac => generic::read(received),
        SourceKind::CloudEvents => cloudevents::read(received),
    }
}

/// What somebody's own data says of what conditions are judged on. What is of another kind says
/// nothing.
pub(crate) fn facts(data: &Json) -> (Facts, Option<String>) {
    let text = |key: &str| data.get(key).and_then(Json::as_str).map(str::to_owned);
    let list = |key: &str| {
        let items = data.get(key)?.as_array()?;
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    };
    let facts = Facts {
        branch: text("branch"),
        paths: list("paths"),
        labels: list("labels"),
        environment: text("environment"),
    };
    (facts, text("tag"))
}

/// Whether this can be the type or the id of an event.
pub(crate) fn is_word(text: &str) -> bool {
    let fits = (1..=LONGEST).contains(&text.chars().count());
    fits && !text.contains(char::is_control) && text.trim() == text
}

/// Standard base64 with padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in digits.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
