//! Errors as `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something was refused, and what to do instead.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Stable word of the kind: `definition_invalid`, `not_found`, `conflict`, `invalid_input`,
    /// `not_allowed`, `overloaded`, `storage_full`, `internal`, ...
    pub code: String,
    pub title: String,
    pub detail: String,
    /// What to do instead, one runnable command or sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// What is wrong with single fields of the body, the query or a form, all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
    /// Names the request in the server's log; the same as the header `X-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// The path of the field: `inputs.goal`, `stages[2]`.
    pub field: String,
    pub problem: String,
}

/// One mistake in a definition, as `orchestrate validate --output json` prints it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Diagnostic {
    pub code: String,
    /// `error` or `warning`
    #[schema(schema_with = crate::words::severity)]
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
