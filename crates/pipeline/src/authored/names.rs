//! Which names are allowed.

use super::Placed;
use super::read::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::yaml::Node;

/// Roots of references: no input or variable can be called so, and `x.outputs.y` with another `x`
/// is an output of a stage.
pub(super) const RESERVED: [&str; 13] = [
    "inputs",
    "variables",
    "stages",
    "event",
    "run",
    "task",
    "item",
    "secrets",
    "form",
    "input",
    "outputs",
    "prev",
    "config",
];

/// What every attempt is given.
const OWN_VARIABLES: [&str; 16] = [
    "ORCHESTRATE_RUN",
    "ORCHESTRATE_STAGE",
    "ORCHESTRATE_ITEM",
    "ORCHESTRATE_ATTEMPT",
    "ORCHESTRATE_ATTEMPT_ID",
    "ORCHESTRATE_ATTEMPT_KEY",
    "ORCHESTRATE_EXECUTION",
    "ORCHESTRATE_FENCE",
    "ORCHESTRATE_OUTPUT",
    "ORCHESTRATE_PARAMETERS",
    "ORCHESTRATE_ENVIRONMENT",
    "ORCHESTRATE_INPUT",
    "ORCHESTRATE_FORM",
    "ORCHESTRATE_CONTEXT",
    "ORCHESTRATE_FEEDBACK",
    "ORCHESTRATE_REVISION",
];

impl Reader<'_> {
    /// The name of a pipeline or a stage.
    pub(super) fn name(&mut self, node: &Node, what: &str) -> Option<Placed<String>> {
        let text = self.text(node, what)?;
        let start = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !start || !rest || text.len() > 64 {
            let message = if text.is_empty() {
                format!("{what} is empty")
            } else {
                format!("`{}` cannot be {what}", shorten(&text))
            };
            self.refused.insert(text);
            self.push(Diagnostic::new(Code::BAD_NAME, node.span, message).help(
                "1 to 64 of the characters a-z A-Z 0-9 _ -, starting with a letter or a digit",
            ));
            return None;
        }
        Some(Placed::new(text, node.span))
    }

    /// The name of an input or variable; `what` with its article.
    pub(super) fn value_name(
        &mut self,
        name: &str,
        span: Span,
        what: &str,
    ) -> Option<Placed<String>> {
        if RESERVED.contains(&name) {
            let message =
                format!("`{name}` cannot be the name of {what}: it is a root of references");
            self.push(
                Diagnostic::new(Code::RESERVED_NAME, span, message)
                    .help(format!("reserved are: {}", RESERVED.join(", "))),
            );
            return None;
        }
        self.output_name(name, span, what)
    }

    pub(super) fn output_name(
        &mut self,
        name: &str,
        span: Span,
        what: &str,
    ) -> Option<Placed<String>> {
        let start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !start || !rest || name.len() > 64 {
            let message = format!("`{}` cannot be the name of {what}", shorten(name));
            self.push(
                Diagnostic::new(Code::BAD_NAME, span, message)
                    .help("1 to 64 of the characters a-z A-Z 0-9 _ -, starting with a letter or _"),
            );
            return None;
        }
        Some(Placed::new(name.to_owned(), span))
    }

    pub(super) fn env_name(&mut self, name: &str, span: Span) -> Option<Placed<String>> {
        let start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !start || !rest {
            let message = format!("`{}` cannot be an environment variable", shorten(name));
            self.push(
                Diagnostic::new(Code::BAD_NAME, span, message)
                    .help("the characters A-Z a-z 0-9 _, starting with a letter or _"),
            );
            return None;
        }
        if OWN_VARIABLES.contains(&name) {
            let message = format!("`{name}` is set by Orchestrate itself");
            self.push(
                Diagnostic::new(Code::RESERVED_NAME, span, message).help("choose another name"),
            );
            return None;
        }
        Some(Placed::new(name.to_owned(), span))
    }

    /// The type of an event: `spec.ready`.
    pub(super) fn event_name(&mut self, node: &Node) -> Option<Placed<String>> {
        let name = self.text(node, "the type of an event")?;
        let word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        if !name.split('.').all(word) || name.len() > 128 {
            let message = format!("`{}` cannot be the type of an event", shorten(&name));
            self.push(
                Diagnostic::new(Code::BAD_NAME, node.span, message)
                    .help("words of a-z A-Z 0-9 _ - with dots between them: `spec.ready`"),
            );
            return None;
        }
        Some(Placed::new(name, node.span))
    }

    /// The name of an artifact: a file name in every tree that shows it.
    pub(super) fn artifact_name(&mut self, name: &str, span: Span) -> Option<Placed<String>> {
        let start = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        if !start || !rest || name.len() > 128 {
            let message = format!("`{}` cannot be the name of an artifact", shorten(name));
            self.push(Diagnostic::new(Code::BAD_NAME, span, message).help(
                "1 to 128 of the characters a-z A-Z 0-9 _ - ., starting with a letter, a \
                     digit or _",
            ));
            return None;
        }
        Some(Placed::new(name.to_owned(), span))
    }

    /// Names of users, groups or roles: one, or a list.
    pub(super) fn people(&mut self, node: &Node, what: &str) -> Vec<Placed<String>> {
        let mut names = Vec::new();
        for item in self.one_or_many(node) {
            let Some(name) = self.text(item, what) else { continue };
            let clean = !name.trim().is_empty()
                && name.len() <= 128
                && !name.contains("${")
                && !name.chars().any(char::is_control);
            if clean {
                names.push(Placed::new(name, item.span));
                continue;
            }
            let message =
                format!("`{}` cannot be the name of a user, group or role", shorten(&name));
            self.push(
                Diagnostic::new(Code::BAD_NAME, item.span, message)
                    .help("1 to 128 characters, written out"),
            );
        }
        names
    }

    /// The name of a secret: it becomes a file name and part of a variable's name.
    pub(super) fn secret_name(&mut self, node: &Node) -> Option<Placed<String>> {
        let name = self.text(node, "the name of a secret")?;
        let start = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !start || !rest || name.len() > 64 {
            let message = format!("`{}` cannot be the name of a secret", shorten(&name));
            self.push(
                Diagnostic::new(Code::BAD_NAME, node.span, message)
                    .help("1 to 64 of the characters A-Z a-z 0-9 _, starting with a letter or _"),
            );
            return None;
        }
        Some(Placed::new(name, node.span))
    }
}

/// At most 40 characters of what was written, on one line.
pub(super) fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    match line.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None if line.len() < text.trim_end().len() => format!("{line}..."),
        None => line.to_owned(),
    }
}
