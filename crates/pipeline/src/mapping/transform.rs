//! What is done to a value on its way; the set is that of [`Transform`].

use serde_json::Value as Json;

use super::Seen;
use crate::model::{Transform, ValueKind};
use crate::value::{coerce_text, excerpt};

/// The value transformed; the error is a sentence without a full stop.
pub(super) fn apply(transform: &Transform, value: Json, seen: &Seen<'_>) -> Result<Json, String> {
    match transform {
        Transform::Trim => text(value, "trim").map(|text| text.trim().into()),
        Transform::Lower => text(value, "lower").map(|text| text.to_lowercase().into()),
        Transform::Upper => text(value, "upper").map(|text| text.to_uppercase().into()),
        Transform::Split(by) => {
            text(value, "split").map(|text| text.split(by.as_str()).collect::<Vec<_>>().into())
        }
        Transform::Join(by) => join(list(value, "join")?, by),
        Transform::ParseJson => {
            let text = text(value, "parse_json")?;
            serde_json::from_str(&text)
                .map_err(|cause| format!("`parse_json`: `{}` is no JSON: {cause}", excerpt(&text)))
        }
        Transform::ToJson => Ok(value.to_string().into()),
        Transform::ToText => as_text(value).map(Json::String),
        Transform::ToNumber => convert(value, ValueKind::Number, "to_number"),
        Transform::ToInteger => convert(value, ValueKind::Integer, "to_integer").map(whole),
        Transform::ToBoolean => convert(value, ValueKind::Boolean, "to_boolean"),
        Transform::First => one(list(value, "first")?.into_iter().next(), "first"),
        Transform::Last => one(list(value, "last")?.pop(), "last"),
        Transform::Length => length(&value),
        Transform::Keys => match value {
            Json::Object(entries) => Ok(entries.into_iter().map(|(key, _)| key).collect()),
            other => Err(needs("keys", "a map", &other)),
        },
        Transform::Values => match value {
            Json::Object(entries) => Ok(entries.into_iter().map(|(_, value)| value).collect()),
            other => Err(needs("values", "a map", &other)),
        },
        Transform::Flatten => Ok(flatten(list(value, "flatten")?)),
        Transform::Unique => Ok(unique(list(value, "unique")?)),
        Transform::Sort => sort(list(value, "sort")?),
        Transform::Expression(expression) => {
            let seen = Seen { scope: seen.scope, raw: seen.raw, subject: Some(&value) };
            expression.evaluate(&seen).map_err(|error| format!("`{}`: {error}", expression.source))
        }
    }
}

fn needs(name: &str, wanted: &str, value: &Json) -> String {
    format!("`{name}` needs {wanted}, not `{}`", excerpt(&value.to_string()))
}

fn text(value: Json, name: &str) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text),
        other => Err(needs(name, "text", &other)),
    }
}

fn list(value: Json, name: &str) -> Result<Vec<Json>, String> {
    match value {
        Json::Array(items) => Ok(items),
        other => Err(needs(name, "a list", &other)),
    }
}

fn one(item: Option<Json>, name: &str) -> Result<Json, String> {
    item.ok_or_else(|| format!("`{name}` of an empty list"))
}

/// Text as it is, everything else as JSON; null has no text.
fn as_text(value: Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text),
        Json::Null => Err("null has no text".to_owned()),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => Ok(value.to_string()),
    }
}

fn join(items: Vec<Json>, by: &str) -> Result<Json, String> {
    let texts = items.into_iter().map(as_text).collect::<Result<Vec<_>, _>>();
    texts.map(|texts| texts.join(by).into()).map_err(|problem| format!("`join`: {problem}"))
}

/// A value of the kind, or text that says one.
fn convert(value: Json, kind: ValueKind, name: &str) -> Result<Json, String> {
    if kind.admits(&value) {
        return Ok(value);
    }
    match &value {
        Json::String(text) => {
            coerce_text(kind, text).map_err(|problem| format!("`{name}`: {problem}"))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            let wanted = format!("a value that is {} or says so", kind.word());
            Err(needs(name, &wanted, &value))
        }
    }
}

/// `5.0` is an integer: it is written `5`.
fn whole(value: Json) -> Json {
    match value.as_f64() {
        // Exactly representable, so nothing is lost.
        Some(number) if value.is_f64() && number.abs() < 9e15 => Json::from(number as i64),
        Some(_) | None => value,
    }
}

fn length(value: &Json) -> Result<Json, String> {
    match value {
        Json::Array(items) => Ok(items.len().into()),
        Json::Object(entries) => Ok(entries.len().into()),
        Json::String(text) => Ok(text.chars().count().into()),
        Json::Null | Json::Bool(_) | Json::Number(_) => {
            Err(needs("length", "a list, a map or text", value))
        }
    }
}

/// One level; what is no list stays.
fn flatten(items: Vec<Json>) -> Json {
    let mut flat = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Json::Array(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    Json::Array(flat)
}

/// The first of equal values stays.
fn unique(items: Vec<Json>) -> Json {
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    Json::Array(items.into_iter().filter(|item| seen.insert(item.to_string())).collect())
}

/// Only numbers, or only text.
fn sort(mut items: Vec<Json>) -> Result<Json, String> {
    if items.iter().all(Json::is_number) {
        let of = |item: &Json| item.as_f64().unwrap_or(f64::MAX);
        items.sort_by(|a, b| of(a).total_cmp(&of(b)));
    } else if items.iter().all(Json::is_string) {
        items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    } else {
        return Err("`sort` needs a list of numbers, or one of texts".to_owned());
    }
    Ok(Json::Array(items))
}
