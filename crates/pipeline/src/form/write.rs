//! The values of a form as a file, and the rules of a field as JSON.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use super::FILE_BYTES;
use crate::model::{Field, FieldKind, Form};

pub(super) fn json(form: &Form, values: &IndexMap<String, Json>) -> String {
    let object: Map<String, Json> = form
        .fields
        .keys()
        .map(|name| (name.clone(), values.get(name).cloned().unwrap_or(Json::Null)))
        .collect();
    let mut text = format!("{:#}", Json::Object(object));
    text.push('\n');
    text
}

pub(super) fn markdown(form: &Form, values: &IndexMap<String, Json>) -> String {
    let mut text = String::new();
    for (name, field) in &form.fields {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("## {}\n\n", one_line(&field.label)));
        text.push_str(&answer(values.get(name).unwrap_or(&Json::Null)));
    }
    text
}

fn answer(value: &Json) -> String {
    match value {
        Json::Null => "*no answer*\n".to_owned(),
        Json::String(text) => quoted(text),
        Json::Bool(true) => "yes\n".to_owned(),
        Json::Bool(false) => "no\n".to_owned(),
        Json::Number(number) => format!("{number}\n"),
        Json::Array(items) => items
            .iter()
            .map(|item| format!("- {}\n", one_line(item.as_str().unwrap_or(&item.to_string()))))
            .collect(),
        Json::Object(file) => {
            let of = |key: &str| file.get(key).map_or_else(String::new, plain);
            format!("{} ({} bytes, SHA-256 {})\n", one_line(&of("name")), of("bytes"), of("digest"))
        }
    }
}

/// Text as it is, in a fence that it cannot close: an answer is no Markdown.
fn quoted(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn rules(field: &Field) -> IndexMap<String, Json> {
    let rules = &field.rules;
    let all = [
        ("min_length", rules.min_length.map(Json::from)),
        ("max_length", rules.max_length.map(Json::from)),
        ("pattern", rules.pattern.as_ref().map(|pattern| Json::from(pattern.as_str()))),
        ("min", rules.min.map(Json::from)),
        ("max", rules.max.map(Json::from)),
        ("integer", rules.integer.then_some(Json::Bool(true))),
        ("options", (field.kind == FieldKind::Select).then(|| json!(rules.options))),
        ("multiple", rules.multiple.then_some(Json::Bool(true))),
        ("earliest", rules.earliest.map(|date| Json::from(date.to_string()))),
        ("latest", rules.latest.map(|date| Json::from(date.to_string()))),
        (
            "max_bytes",
            (field.kind == FieldKind::File)
                .then(|| Json::from(rules.max_bytes.unwrap_or(FILE_BYTES))),
        ),
    ];
    all.into_iter().filter_map(|(name, rule)| Some((name.to_owned(), rule?))).collect()
}
