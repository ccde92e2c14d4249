//! Retry, backoff, error handling, concurrency.

use super::fields::{Fields, range};
use super::read::Reader;
use super::scalars::is_duration;
use super::{AuthoredRetry, Named, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{BackoffKind, Concurrency, OnConflict};
use crate::text::{Template, ValueTemplate};
use crate::vocabulary::{BACKOFF, CONCURRENCY, ERROR_HANDLING, RETRY};
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    /// A count of attempts, or a map.
    pub(super) fn retry(&mut self, fields: &Fields<'_>) -> AuthoredRetry {
        let mut retry = AuthoredRetry::default();
        let Some(node) = fields.node("retry") else { return retry };
        if node.scalar().is_some_and(|scalar| !scalar.is_null()) {
            retry.max_attempts = fields.integer("retry", self).map(|count| count.value);
        } else if let Some(inner) = self.fields(node, "`retry`", &RETRY) {
            self.retry_keys(&inner, &mut retry);
        }
        retry
    }

    fn retry_keys(&mut self, fields: &Fields<'_>, retry: &mut AuthoredRetry) {
        retry.max_attempts = fields.integer("max_attempts", self).map(|count| count.value);
        if let Some(node) = fields.node("backoff") {
            self.backoff(node, fields, retry);
        }
        if let Some(node) = fields.node("not_on") {
            let (min, max) = range(&RETRY.keys[2].value);
            let codes = self.list(node, "`not_on`").unwrap_or_default();
            let read: Vec<_> = codes
                .iter()
                .filter_map(|code| self.integer(code, "an exit code", min, max))
                .filter_map(|code| i32::try_from(code).ok())
                .collect();
            retry.not_on = Some(read);
        }
    }

    fn backoff(&mut self, node: &Node, outer: &Fields<'_>, retry: &mut AuthoredRetry) {
        if let Some(wait) = node.scalar().filter(|scalar| is_duration(&scalar.text)) {
            let message = format!("`{}` is no kind of backoff", wait.text);
            self.push(
                Diagnostic::new(Code::NOT_A_CHOICE, node.span, message)
                    .help(format!("a first wait is written `backoff: {{initial: {}}}`", wait.text)),
            );
            return;
        }
        if node.scalar().is_some_and(|scalar| !scalar.is_null()) {
            retry.kind = outer.choice("backoff", self).map(|choice| KINDS[choice.value]);
            return;
        }
        let Some(fields) = self.fields(node, "`backoff`", &BACKOFF) else { return };
        retry.kind = fields.choice("kind", self).map(|choice| KINDS[choice.value]);
        let initial = fields.duration("initial", true, self);
        let max = fields.duration("max", true, self);
        if let (Some(initial), Some(max)) = (&initial, &max)
            && initial.value > max.value
        {
            self.push(
                Diagnostic::new(Code::OUT_OF_RANGE, max.span, "`max` is shorter than `initial`")
                    .help("the wait grows from `initial` up to `max`"),
            );
        }
        retry.initial = initial.map(|placed| placed.value);
        retry.max = max.map(|placed| placed.value);
        retry.jitter = fields.boolean("jitter", self);
    }

    pub(super) fn error_handling(&mut self, fields: &Fields<'_>) -> AuthoredRetry {
        let mut retry = AuthoredRetry::default();
        let Some(node) = fields.node("error_handling") else { return retry };
        let Some(inner) = self.fields(node, "`error_handling`", &ERROR_HANDLING) else {
            return retry;
        };
        let _ = inner.choice("strategy", self);
        let flat = ["max_attempts", "backoff", "not_on"];
        if inner.get("retry").is_some()
            && let Some(other) = flat.iter().find_map(|key| inner.get(key))
        {
            let message = format!("`{}` stands beside `retry`, which holds it too", other.key);
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, other.key_span, message)
                    .help("move it into `retry`"),
            );
        }
        if inner.get("retry").is_some() {
            self.retry(&inner)
        } else {
            self.retry_keys(&inner, &mut retry);
            retry
        }
    }

    /// The name of a group, or a map.
    pub(super) fn concurrency(&mut self, fields: &Fields<'_>) -> Option<Concurrency> {
        let node = fields.node("concurrency")?;
        if node.scalar().is_some_and(|scalar| !scalar.is_null()) {
            let group = fields.template("concurrency", self)?;
            return Some(Concurrency { group, limit: 1, on_conflict: OnConflict::Queue });
        }
        let inner = self.fields(node, "`concurrency`", &CONCURRENCY)?;
        let limit = inner.integer("limit", self);
        let on_conflict = inner.choice("on_conflict", self);
        Some(Concurrency {
            group: inner.template("group", self)?,
            limit: limit.map_or(1, |limit| limit.value),
            on_conflict: on_conflict.map_or(OnConflict::Queue, |choice| CONFLICTS[choice.value]),
        })
    }

    pub(super) fn env(&mut self, fields: &Fields<'_>) -> Named<Template> {
        let Some(node) = fields.node("env") else { return Vec::new() };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`env`", "a map of names to text", node);
            return Vec::new();
        };
        let mut env = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = self.env_name(&entry.key, entry.key_span);
            let value = self.env_value(&entry.value, &entry.key);
            env.extend(name.zip(value));
        }
        env
    }

    fn env_value(&mut self, node: &Node, key: &str) -> Option<Template> {
        if node.is_null() {
            let message = format!("`{key}` must be text, not nothing");
            self.push(
                Diagnostic::new(Code::WRONG_TYPE, node.span, message)
                    .help("write `\"\"` for an empty text"),
            );
            return None;
        }
        self.template(node, &format!("`{key}`"))
    }

    /// A map of names to any values.
    pub(super) fn values(
        &mut self,
        node: &Node,
        what: &str,
        mut name: impl FnMut(&mut Self, &crate::yaml::Entry) -> Option<Placed<String>>,
    ) -> Named<ValueTemplate> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type(what, "a map of names to values", node);
            return Vec::new();
        };
        let mut read = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = name(self, entry);
            let value = self.value(&entry.value);
            if name.is_none() || value.is_none() {
                self.refused.insert(entry.key.clone());
            }
            read.extend(name.zip(value));
        }
        read
    }
}

/// In the order of the vocabulary's words.
const KINDS: [BackoffKind; 3] =
    [BackoffKind::Exponential, BackoffKind::Linear, BackoffKind::Constant];
const CONFLICTS: [OnConflict; 3] =
    [OnConflict::Queue, OnConflict::CancelRunning, OnConflict::CancelNew];

#[cfg(test)]
mod tests {
    use super::super::fields::words;
    use super::*;

    #[test]
    fn words_and_meanings_are_in_one_order() {
        assert_eq!(RETRY.keys[2].name, "not_on");
        assert_eq!(words(&BACKOFF.keys[0].value).0, ["exponential", "linear", "constant"]);
        assert_eq!(words(&CONCURRENCY.keys[2].value).0, ["queue", "cancel_running", "cancel_new"]);
    }
}
