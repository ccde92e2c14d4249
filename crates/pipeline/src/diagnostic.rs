//! What is wrong with a definition, where, and what to do about it.

use crate::source::Span;

pub mod catalogue;
pub mod code;
pub mod render;
mod sink;

pub use code::Code;
pub(crate) use sink::Sink;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The definition is refused.
    Error,
    /// The definition is accepted; `--strict` refuses it.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake. Parsing reports all of them at once, in the order of their places.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// A lower-case sentence without a full stop, names in backticks.
    pub message: String,
    pub span: Span,
    /// Said beside the caret; may be empty.
    pub label: String,
    /// What to write instead; may be empty.
    pub help: String,
}

impl Diagnostic {
    /// An error, or a warning when the code is one of a lint.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            span,
            label: String::new(),
            help: String::new(),
        }
    }

    /// Says something beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The one of `known` that `written` most probably meant; `None` when none is near.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let allowed = (written.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter(|name| name.len().abs_diff(written.len()) <= allowed + 4)
        .map(|name| (strsim::osa_distance(&lower, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near_or_absent() {
        let known = ["deploy-staging", "test", "review"];
        assert_eq!(nearest("deploy-stagin", known), Some("deploy-staging"));
        assert_eq!(nearest("Test", known), Some("test"));
        assert_eq!(nearest("tset", known), Some("test"));
        assert_eq!(nearest("build", known), None);
        assert_eq!(Sink::default().did_you_mean("reviw", known), "did you mean `review`?");
        assert_eq!(Sink::default().did_you_mean("x", known), "");
    }
}
