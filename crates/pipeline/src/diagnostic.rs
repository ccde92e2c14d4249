//! What is wrong with a definition, where, and what to do about it.

use crate::source::Span;

pub mod code;
pub mod render;

pub use code::Code;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The definition is refused.
    Error,
    /// The definition is accepted; `--strict` refuses it.
    Warning,
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
