//! What people answer to a form: checked, completed, written down. Pure; used by the engine for
//! what counts, and by whoever asks so that mistakes are seen early.

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::model::{Field, FieldKind, Form, SaveFormat};
use crate::text::Scope;

mod check;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use check::parse_date;
pub use check::{check_value, is_file_name};

/// What a file may have at most where its field says nothing: 25 MiB.
pub const FILE_BYTES: u64 = 25 * 1024 * 1024;

/// A field, and a sentence without a full stop that says what is wrong with its value.
pub type Problem = (String, String);

/// The values of a form, if they may be submitted: every field in the form's order, typed.
///
/// A field that is not in `values` takes its `default`; `null` says that it has no value, and so
/// does an empty text. A field that has none is `null` in the result (`""` where an empty text was
/// given to a text field). All problems at once, in the form's order; names that are no field come
/// last. What was prefilled is not known here: whoever asks adds it to `values`.
///
/// # Errors
/// What is wrong, by field: a required value is missing, a value is not of its kind, or breaks a
/// rule of its field.
pub fn check(
    form: &Form,
    values: &IndexMap<String, Json>,
) -> Result<IndexMap<String, Json>, Vec<Problem>> {
    let mut checked = IndexMap::with_capacity(form.fields.len());
    let mut problems = Vec::new();
    for (name, field) in &form.fields {
        let value = values.get(name).or(field.default.as_ref()).unwrap_or(&Json::Null);
        if is_empty(value) {
            if field.required {
                problems.push((name.clone(), "a value is required".to_owned()));
            }
            let kept = if value.is_string() && is_text(field.kind) { value } else { &Json::Null };
            checked.insert(name.clone(), kept.clone());
            continue;
        }
        match check_value(field, value) {
            Ok(()) if field.required && is_blank(value) => {
                problems.push((name.clone(), "a value is required".to_owned()));
            }
            Ok(()) => {
                checked.insert(name.clone(), value.clone());
            }
            Err(found) => problems.extend(found.into_iter().map(|says| (name.clone(), says))),
        }
    }
    for name in values.keys().filter(|name| !form.fields.contains_key(*name)) {
        problems.push((name.clone(), "the form has no such field".to_owned()));
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

/// Text from a command line or a terminal to a value of the field's kind; nothing of its rules is
/// checked. Empty text is `null`, except for text fields.
///
/// Numbers and booleans as in JSON (also `yes` and `no`), a date as it is, several options as a
/// JSON list or separated by commas, a file as the JSON of its reference.
///
/// # Errors
/// A sentence without a full stop.
pub fn coerce(field: &Field, text: &str) -> Result<Json, String> {
    if text.trim().is_empty() && !is_text(field.kind) {
        return Ok(Json::Null);
    }
    match field.kind {
        FieldKind::Text | FieldKind::MultilineText => Ok(Json::String(text.to_owned())),
        FieldKind::Date => Ok(Json::String(text.trim().to_owned())),
        FieldKind::Number => {
            let number = serde_json::from_str::<Json>(text.trim()).ok().filter(Json::is_number);
            number.ok_or_else(|| format!("`{}` is not a number", check::excerpt(text)))
        }
        FieldKind::Boolean => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" => Ok(Json::Bool(true)),
            "false" | "no" | "n" => Ok(Json::Bool(false)),
            _ => Err(format!("`{}` is neither `true` nor `false`", check::excerpt(text))),
        },
        FieldKind::Select if field.rules.multiple => {
            match serde_json::from_str::<Json>(text.trim()) {
                Ok(Json::Array(items)) => Ok(Json::Array(items)),
                Ok(_) | Err(_) => Ok(text.split(',').map(str::trim).collect::<Vec<_>>().into()),
            }
        }
        FieldKind::Select => Ok(Json::String(text.trim().to_owned())),
        FieldKind::File => serde_json::from_str(text.trim())
            .map_err(|cause| format!("a file is given by its reference, as JSON: {cause}")),
    }
}

/// What a form starts with, and whether that is enough to submit it.
///
/// The field's `value` where it resolves to a valid value, else its `default`; fields with neither
/// are left out. Complete: [`check`] accepts it.
pub fn prefill(form: &Form, scope: &dyn Scope) -> (IndexMap<String, Json>, bool) {
    let mut values = IndexMap::new();
    for (name, field) in &form.fields {
        let made = field.value.as_ref().and_then(|template| template.resolve(scope).ok());
        let valid = made.filter(|value| !is_empty(value) && check_value(field, value).is_ok());
        if let Some(value) = valid.or_else(|| field.default.clone()) {
            values.insert(name.clone(), value);
        }
    }
    let complete = check(form, &values).is_ok();
    (values, complete)
}

/// The values as a file: JSON with one key for each field, or Markdown with a heading for each.
pub fn render(form: &Form, values: &IndexMap<String, Json>, format: SaveFormat) -> String {
    match format {
        SaveFormat::Json => write::json(form, values),
        SaveFormat::Markdown => write::markdown(form, values),
    }
}

/// The rules of a field by the names of the language, for whoever draws the form.
pub fn rules(field: &Field) -> IndexMap<String, Json> {
    write::rules(field)
}

impl FieldKind {
    /// The word of the language.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::File => "file",
            Self::MultilineText => "multiline_text",
            Self::Select => "select",
            Self::Date => "date",
        }
    }
}

fn is_text(kind: FieldKind) -> bool {
    match kind {
        FieldKind::Text | FieldKind::MultilineText => true,
        FieldKind::Number
        | FieldKind::Boolean
        | FieldKind::File
        | FieldKind::Select
        | FieldKind::Date => false,
    }
}

/// Nothing was answered.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::Object(_) => false,
    }
}

fn is_blank(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}
