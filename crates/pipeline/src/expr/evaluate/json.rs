//! Results as JSON.

use serde_json::Value as Json;

use super::{Budget, Fault};
use crate::expr::functions::seconds_text;
use crate::expr::value::Value;

/// Instants and durations become text; bytes and numbers that are not finite have no JSON.
///
/// Costs a step for each node: shared parts are written out, so a small value can be large here.
pub(super) fn to_json(value: &Value, budget: &mut Budget) -> Result<Json, Fault> {
    budget.steps(1)?;
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::from(*number),
        Value::Uint(number) => Json::from(*number),
        Value::Double(number) => match serde_json::Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => return Err(Fault::new(format!("came to {number}, which is no JSON"))),
        },
        Value::String(text) => {
            budget.text(text.len())?;
            Json::String(text.to_string())
        }
        Value::Bytes(_) => return Err(Fault::new("came to bytes, which are no JSON")),
        Value::Timestamp(instant) => Json::String(instant.to_string()),
        Value::Duration(duration) => Json::String(seconds_text(*duration)),
        Value::Type(name) => Json::String((*name).to_owned()),
        Value::List(items) => {
            Json::Array(items.iter().map(|item| to_json(item, budget)).collect::<Result<_, _>>()?)
        }
        Value::Map(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| Ok((key.to_string(), to_json(value, budget)?)))
                .collect::<Result<_, Fault>>()?,
        ),
    })
}
