//! The result of an agent: from where it is read, and whether it fits its schema.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value as Json;

/// So many problems are told at once.
const SHOWN: usize = 20;
const PATTERN_BYTES: usize = 1 << 20;
const EXCERPT: usize = 300;

/// A compiled JSON Schema.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) json: Json,
    validator: Validator,
}

impl Schema {
    /// # Errors
    /// What is wrong with the schema itself.
    pub(crate) fn new(json: &Json) -> Result<Self, String> {
        // As the language compiles it: nothing is fetched, no pattern runs for long.
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
            .offline()
            .build(json)
            .map_err(|error| format!("the schema is invalid: {error}"))?;
        Ok(Self { json: json.clone(), validator })
    }

    /// `path: message`, at most twenty.
    pub(crate) fn problems(&self, value: &Json) -> Vec<String> {
        self.validator
            .iter_errors(value)
            .take(SHOWN)
            .map(|error| {
                let path = error.instance_path().to_string();
                let place = if path.is_empty() { "/" } else { &path };
                format!("{place}: {}", excerpt(&error.to_string()))
            })
            .collect()
    }
}

/// Messages quote the value, which may be large.
fn excerpt(message: &str) -> String {
    match message.char_indices().nth(EXCERPT) {
        None => message.to_owned(),
        Some((end, _)) => format!("{}...", &message[..end]),
    }
}

/// Where a result was found, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Result(Json),
    Problems(Vec<String>),
}

/// The ladder: what was handed in by the tool, what the protocol itself says is the result, the
/// whole text as JSON, the last fenced block of JSON in it. The first that is there has to fit.
pub(crate) fn find(
    schema: &Schema,
    submitted: Option<Json>,
    native: Option<Json>,
    text: &str,
) -> Found {
    let value = submitted.or(native).or_else(|| serde_json::from_str(text.trim()).ok());
    let value = match value.filter(|value| value.is_object() || schema.problems(value).is_empty()) {
        Some(value) => value,
        None => match last_block(text) {
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                return Found::Problems(vec![format!(
                    "/: the block of JSON does not parse: {error}"
                )]);
            }
            None => return Found::Problems(vec!["/: nothing was handed in".to_owned()]),
        },
    };
    let problems = schema.problems(&value);
    match problems.is_empty() {
        true => Found::Result(value),
        false => Found::Problems(problems),
    }
}

/// The last fenced block that is meant as JSON: marked so, or one that begins like an object.
fn last_block(text: &str) -> Option<Result<Json, serde_json::Error>> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(info)) => {
                open = Some((info.trim().eq_ignore_ascii_case("json"), String::new()));
            }
            (Some((marked, body)), Some(_)) => {
                if *marked || body.trim_start().starts_with('{') {
                    blocks.push(std::mem::take(body));
                }
                open = None;
            }
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks.pop().map(|body| serde_json::from_str(&body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::new(&json!({
            "type": "object", "required": ["n"], "additionalProperties": false,
            "properties": { "n": { "type": "integer", "minimum": 1 } },
        }))
        .unwrap()
    }

    #[test]
    fn the_first_rung_that_is_there_has_to_hold() {
        let (good, bad) = (json!({"n": 1}), json!({"n": 0}));
        let block = "Done.\n```json\n{\"n\": 3}\n```\nBye";
        for (submitted, native, text, expected) in [
            (Some(good.clone()), Some(bad.clone()), block, Some(1)),
            (None, Some(json!({"n": 2})), block, Some(2)),
            (None, None, block, Some(3)),
            (None, None, "{\"n\": 4}", Some(4)),
            (None, None, "```\n{\"n\": 9}\n```\n```json\n{\"n\": 5}\n```", Some(5)),
            (None, None, "```sh\nls\n```", None),
            (None, None, "", None),
            (Some(bad), None, block, None),
        ] {
            let found = find(&schema(), submitted, native, text);
            match expected {
                Some(n) => assert_eq!(found, Found::Result(json!({ "n": n })), "{text}"),
                None => assert!(matches!(found, Found::Problems(_)), "{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn every_problem_names_its_place() {
        let problems = schema().problems(&json!({"n": 0, "m": 1}));
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().any(|p| p.starts_with("/n: 0 is less than")), "{problems:?}");
    }
}
