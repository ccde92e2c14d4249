//! JSON Schema 2020-12 in which nothing is fetched and no pattern can run for long.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value as Json;

use super::{Violation, excerpt};

/// A compiled pattern may take so much: one that needs more takes too long to compile, too.
const PATTERN_BYTES: usize = 1 << 20;

/// At most so many violations are told.
const SHOWN: usize = 10;

/// The only dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
}

/// Compiles a schema, which checks it. A `$ref` that leaves the schema is refused: nothing is
/// ever fetched. Patterns are matched in linear time, so look-around is refused too.
pub fn compile_schema(schema: &Json) -> Result<Schema, Violation> {
    if let Some((path, target)) = foreign_reference(schema, String::new()) {
        return Err(Violation {
            path,
            message: format!(
                "`{target}` leads outside this schema; only references that start with `#` work"
            ),
        });
    }
    if let Some(dialect) = schema.get("$schema")
        && dialect.as_str().is_none_or(|dialect| dialect.trim_end_matches('#') != DIALECT)
    {
        return Err(Violation {
            path: "/$schema".to_owned(),
            message: format!("schemas are written in JSON Schema 2020-12: `{DIALECT}`"),
        });
    }
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .offline()
        .build(schema)
        .map(|validator| Schema { validator })
        .map_err(|error| Violation {
            path: error.instance_path().to_string(),
            message: error.to_string(),
        })
}

impl Schema {
    /// All violations, at most ten of them.
    pub fn check(&self, value: &Json) -> Vec<Violation> {
        self.validator
            .iter_errors(value)
            .take(SHOWN)
            .map(|error| Violation {
                path: error.instance_path().to_string(),
                message: excerpt_message(&error.to_string()),
            })
            .collect()
    }
}

/// A schema that also demands one of the values.
pub fn with_enum(schema: Option<Json>, values: Vec<Json>) -> Json {
    let one_of = serde_json::json!({ "enum": values });
    match schema {
        None => one_of,
        Some(schema) => serde_json::json!({ "allOf": [schema, one_of] }),
    }
}

/// Messages quote the value, which may be large.
fn excerpt_message(message: &str) -> String {
    if message.chars().count() <= 300 { message.to_owned() } else { excerpt(message) }
}

/// The first reference that does not start with `#`, with its path.
fn foreign_reference(schema: &Json, path: String) -> Option<(String, String)> {
    match schema {
        Json::Object(entries) => entries.iter().find_map(|(key, value)| {
            let here = format!("{path}/{key}");
            match (key.as_str(), value) {
                ("$ref" | "$dynamicRef" | "$recursiveRef", Json::String(target))
                    if !target.starts_with('#') =>
                {
                    Some((here, target.clone()))
                }
                // Data, not schemas: a property value that happens to be called `$ref`.
                ("const" | "enum" | "default" | "examples", _) => None,
                _ => foreign_reference(value, here),
            }
        }),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| foreign_reference(item, format!("{path}/{index}"))),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}
