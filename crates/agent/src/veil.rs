//! Secrets are taken out of all that is kept or said: by value, and by the look of well-known keys.

use std::sync::LazyLock;

use api::agent::Did;
use regex::Regex;
use serde_json::Value as Json;
use worker::Masks;

const MASK: &str = "***";

/// Keys of model and cloud providers and of code hosts, tokens with a signature, private keys.
static KEYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        \b sk-[A-Za-z0-9_-]{20,}
        | \b (?: gh[pousr]_[A-Za-z0-9]{30,} | github_pat_[A-Za-z0-9_]{30,} | glpat-[A-Za-z0-9_-]{20,} )
        | \b (?: AKIA | ASIA ) [0-9A-Z]{16} \b
        | \b xox[abprs]-[A-Za-z0-9-]{10,}
        | \b AIza[A-Za-z0-9_-]{35}
        | \b eyJ[A-Za-z0-9_-]{8,} \. eyJ[A-Za-z0-9_-]{8,} \. [A-Za-z0-9_-]{8,}
        | -----BEGIN\ [A-Z\ ]*PRIVATE\ KEY----- [\s\S]*? (?: -----END\ [A-Z\ ]*PRIVATE\ KEY----- | \z )
        ",
    )
    .ok()
});

#[derive(Debug)]
pub(crate) struct Veil {
    masks: Masks,
}

impl Veil {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self { masks: Masks::new(secrets) }
    }

    pub(crate) fn text(&self, text: &str) -> String {
        let text = self.masks.text(text);
        match &*KEYS {
            Some(keys) => keys.replace_all(&text, MASK).into_owned(),
            // The expression is a constant that a test compiles.
            None => text,
        }
    }

    pub(crate) fn json(&self, value: Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.text(&text)),
            Json::Array(items) => items.into_iter().map(|item| self.json(item)).collect(),
            Json::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (self.text(&name), self.json(value)))
                .collect(),
            plain @ (Json::Null | Json::Bool(_) | Json::Number(_)) => plain,
        }
    }

    pub(crate) fn did(&self, what: Did) -> Did {
        let text = |text: String| self.text(&text);
        match what {
            Did::Started { .. } | Did::Usage { .. } => what,
            Did::Prompt { system, text: asked } => {
                Did::Prompt { system: text(system), text: text(asked) }
            }
            Did::Text { text: said } => Did::Text { text: text(said) },
            Did::Thinking { text: said } => Did::Thinking { text: text(said) },
            Did::ToolCall { id, kind, title, input } => {
                Did::ToolCall { id, kind, title: text(title), input: self.json(input) }
            }
            Did::ToolResult { id, ok, output } => Did::ToolResult { id, ok, output: text(output) },
            Did::Denied { id, kind, title, reason } => {
                Did::Denied { id, kind, title: text(title), reason: text(reason) }
            }
            Did::Asked { ask, question } => Did::Asked { ask, question: text(question) },
            Did::Answered { ask, answer } => Did::Answered { ask, answer: text(answer) },
            Did::Note { text: said } => Did::Note { text: text(said) },
            Did::TakenOver { .. } => what,
            Did::HandedBack { hold, by, note, accept } => {
                Did::HandedBack { hold, by, note: text(note), accept }
            }
            Did::Retry { status, wait_ms, reason } => {
                Did::Retry { status, wait_ms, reason: text(reason) }
            }
            Did::Turn { number, says, data } => {
                Did::Turn { number, says: text(says), data: self.json(data) }
            }
            Did::Validated { passed, code, tail } => {
                Did::Validated { passed, code, tail: text(tail) }
            }
            Did::Result { value } => Did::Result { value: self.json(value) },
            Did::Warning { text: said } => Did::Warning { text: text(said) },
            Did::Ended { mut verdict } => {
                verdict.says = text(verdict.says);
                Did::Ended { verdict }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_keys_and_values_are_taken_out() {
        let veil = Veil::new(["hunter2hunter"]);
        for secret in [
            "hunter2hunter",
            "sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAA",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlc2ln",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\nMIIE, cut off",
        ] {
            assert_eq!(veil.text(&format!("a {secret}")), "a ***", "{secret}");
        }
        assert_eq!(veil.text("task-force sk-1 eyJ"), "task-force sk-1 eyJ");
    }

    #[test]
    fn nothing_of_a_happening_is_passed_over() {
        let veil = Veil::new(["hunter2hunter"]);
        let call = Did::ToolCall {
            id: "1".into(),
            kind: None,
            title: "bash echo hunter2hunter".into(),
            input: serde_json::json!({ "command": ["hunter2hunter"], "hunter2hunter": 1 }),
        };
        let text = serde_json::to_string(&veil.did(call)).unwrap();
        assert!(!text.contains("hunter2") && text.contains("***"), "{text}");
    }
}
