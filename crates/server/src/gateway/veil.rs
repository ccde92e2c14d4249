//! Secrets are taken out of what is kept of a call, and of what a provider says when it refuses.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::secret::SecretText;

/// Shorter values occur by chance.
const SHORTEST: usize = 6;
const MASK: &str = "***";

/// Looks like a key, whoever's it is.
static PATTERNS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all = [
        r"sk-[A-Za-z0-9_\-]{20,}",
        r"orca?_[0-9a-z_\-]{40,}",
        r"\bAKIA[0-9A-Z]{16}\b",
        r"\bAIza[0-9A-Za-z_\-]{35}",
        r"\bgh[pousr]_[A-Za-z0-9]{36,}",
        r"\bgithub_pat_[A-Za-z0-9_]{40,}",
        r"\bglpat-[A-Za-z0-9_\-]{20,}",
        r"\bxox[abprs]-[A-Za-z0-9\-]{10,}",
        r"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----",
    ];
    Regex::new(&all.join("|")).ok()
});

/// What to look for.
#[derive(Debug, Default)]
pub(super) struct Veil {
    /// Longest first, each also as JSON and in URLs.
    values: Vec<String>,
}

impl Veil {
    pub(super) fn new<'s>(secrets: impl IntoIterator<Item = &'s SecretText>) -> Self {
        let mut values: Vec<String> = Vec::new();
        for secret in secrets {
            let value = secret.expose().trim();
            if value.len() < SHORTEST {
                continue;
            }
            let json = serde_json::to_string(value).unwrap_or_default();
            let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
            values.extend([value.to_owned(), inner.to_owned(), in_url(value)]);
        }
        values.retain(|value| value.len() >= SHORTEST);
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
        Self { values }
    }

    /// What is not text comes back as text.
    pub(super) fn over(&self, bytes: &[u8]) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MASK);
            }
        }
        if let Some(patterns) = &*PATTERNS {
            text = patterns.replace_all(&text, MASK).into_owned();
        }
        text.into_bytes()
    }
}

fn in_url(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_every_form_and_what_looks_like_a_key_are_taken_out() {
        let secrets = [SecretText::new("pa\"ss word".into()), SecretText::new("abc".into())];
        let veil = Veil::new(&secrets);
        let over = |text: &str| String::from_utf8(veil.over(text.as_bytes())).unwrap();
        assert_eq!(over(r#"{"a": "pa\"ss word", "b": 1}"#), r#"{"a": "***", "b": 1}"#);
        assert_eq!(over("q=pa%22ss%20word abc"), "q=*** abc");
        let key = format!("sk-{}", "a1".repeat(12));
        assert_eq!(over(&format!("Incorrect API key: {key}.")), "Incorrect API key: ***.");
        let pem = "-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\n-----END RSA PRIVATE KEY-----";
        assert_eq!(over(pem), "***");
        assert_eq!(over("a task-force of risk-takers"), "a task-force of risk-takers");
    }
}
