//! Typed values: what a start gives and what a stage writes, against what was declared.

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::model::{Output, ValueKind};

mod outputs;
mod schema;
#[cfg(test)]
mod tests;

pub use outputs::{check_outputs, parse_output_file};
pub use schema::{Schema, compile_schema, with_enum};

/// One way in which a value breaks its declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}", .path, if .path.is_empty() { "" } else { ": " })]
pub struct Violation {
    /// JSON pointer into the value; empty for the value itself.
    pub path: String,
    pub message: String,
}

impl ValueKind {
    /// The word of the language.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Map => "map",
            Self::Any => "any",
        }
    }

    /// With its article: `an integer`.
    fn noun(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Any => "any JSON",
        }
    }

    /// Whether `value` is of this kind. `5.0` is an integer, as in JSON Schema.
    pub fn admits(self, value: &Json) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => {
                value.is_i64()
                    || value.is_u64()
                    || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Any => true,
        }
    }
}

/// Text from a command line (`-p key=value`) or an output line to a value of the kind. The error
/// is a sentence without a full stop.
///
/// `any` takes JSON where the text is JSON and the text itself otherwise.
pub fn coerce_text(kind: ValueKind, text: &str) -> Result<Json, String> {
    let wrong = || format!("`{}` is not {}", excerpt(text), kind.noun());
    match kind {
        ValueKind::String => Ok(Json::String(text.to_owned())),
        ValueKind::Boolean => match text.trim() {
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            _ => Err(format!("{}; write `true` or `false`", wrong())),
        },
        ValueKind::Integer | ValueKind::Number | ValueKind::List | ValueKind::Map => {
            let value: Json = match serde_json::from_str(text.trim()) {
                Ok(value) => value,
                Err(cause) => match kind {
                    ValueKind::List | ValueKind::Map => {
                        return Err(format!("{}, written as JSON: {cause}", wrong()));
                    }
                    ValueKind::Integer
                    | ValueKind::Number
                    | ValueKind::String
                    | ValueKind::Boolean
                    | ValueKind::Any => return Err(wrong()),
                },
            };
            if kind.admits(&value) { Ok(value) } else { Err(wrong()) }
        }
        ValueKind::Any => {
            Ok(serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_owned())))
        }
    }
}

/// Whether a value keeps its declaration: the kind first, then the schema; all violations.
pub fn check(kind: ValueKind, schema: Option<&Json>, value: &Json) -> Result<(), Vec<Violation>> {
    if !kind.admits(value) {
        let message = format!("{} is not {}", excerpt(&value.to_string()), kind.noun());
        return Err(vec![Violation { path: String::new(), message }]);
    }
    let Some(schema) = schema else { return Ok(()) };
    let violations = compile_schema(schema).map_err(|violation| vec![violation])?.check(value);
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// At most 60 characters of a value, for a sentence.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Violations as one sentence.
fn sentence(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Names for the outputs of a stage, by declaration.
type Declared = IndexMap<String, Output>;
