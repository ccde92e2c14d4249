//! Errors as `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable word of the kind: `definition_invalid`, `not_found`, `conflict`, `invalid_input`,
    /// `not_allowed`, `overloaded`, `storage_full`, `internal`.
    pub code: String,
    pub title: String,
    pub detail: String,
    /// What to do instead, one runnable command or sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// What is wrong with the fields of a form, all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    pub field: String,
    pub problem: String,
}

/// One mistake in a definition, as `orchestrate validate --output json` prints it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    pub code: String,
    /// `error` or `warning`
    pub severity: String,
    pub message: String,
    pub spans: Vec<SpanView>,
    pub help: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SpanView {
    pub file: String,
    pub start: PlaceView,
    pub end: PlaceView,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct PlaceView {
    pub line: usize,
    pub col: usize,
    pub byte: usize,
}
