//! What a definition may ask of libraries that cost far more than its text is long.

use serde_json::Value as Json;

use super::read::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// JSON Schemas, of inputs and outputs together.
const SCHEMAS: usize = 500;
/// Regular expressions within them.
const SCHEMA_PATTERNS: usize = 100;
/// Patterns of conditions in one list, and in all of them.
const LIST_OF_GLOBS: usize = 500;
const GLOBS: usize = 20_000;

/// What has been asked for so far.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    schemas: usize,
    schema_patterns: usize,
    globs: usize,
}

impl Reader<'_> {
    /// Whether there is room for one more schema; reports the first time there is none.
    pub(super) fn afford_schema(&mut self, schema: &Json, span: Span) -> bool {
        let before = self.spent.schemas.max(self.spent.schema_patterns);
        self.spent.schemas += 1;
        self.spent.schema_patterns += patterns(schema);
        let fits = self.spent.schemas <= SCHEMAS && self.spent.schema_patterns <= SCHEMA_PATTERNS;
        let first = self.spent.schemas == SCHEMAS + 1
            || (before <= SCHEMA_PATTERNS && self.spent.schema_patterns > SCHEMA_PATTERNS);
        if !fits && first {
            let message =
                format!("more than {SCHEMAS} schemas, or {SCHEMA_PATTERNS} patterns in schemas");
            self.push(
                Diagnostic::new(Code::LIMIT, span, message)
                    .label("the limit is passed here")
                    .help("check such values in a stage"),
            );
        }
        fits
    }

    /// Whether there is room for one more regular expression; they share the schemas' limit.
    pub(super) fn afford_pattern(&mut self, span: Span) -> bool {
        self.afford_schema(&serde_json::json!({"pattern": ""}), span)
    }

    /// Whether there is room for a list of so many patterns.
    pub(super) fn afford_globs(&mut self, count: usize, span: Span) -> bool {
        let before = self.spent.globs;
        self.spent.globs += count;
        if count <= LIST_OF_GLOBS && self.spent.globs <= GLOBS {
            return true;
        }
        if before <= GLOBS {
            let message =
                format!("more than {LIST_OF_GLOBS} patterns in a list, or {GLOBS} in all");
            self.push(
                Diagnostic::new(Code::LIMIT, span, message)
                    .label("the limit is passed here")
                    .help("name folders instead of files"),
            );
        }
        false
    }
}

/// How many regular expressions a schema holds.
fn patterns(schema: &Json) -> usize {
    match schema {
        Json::Object(entries) => entries
            .iter()
            .map(|(key, value)| {
                let own = match (key.as_str(), value) {
                    ("pattern", _) => 1,
                    ("patternProperties", Json::Object(inner)) => inner.len(),
                    _ => 0,
                };
                own + patterns(value)
            })
            .sum(),
        Json::Array(items) => items.iter().map(patterns).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}
