//! One value against its field.

use serde_json::Value as Json;

use super::FILE_BYTES;
use crate::model::{Field, FieldKind, FieldRules};

/// Everything that is wrong with a value that is there; each a sentence without a full stop.
pub fn check_value(field: &Field, value: &Json) -> Result<(), Vec<String>> {
    let mut wrong = Vec::new();
    let rules = &field.rules;
    match field.kind {
        FieldKind::Text => match value.as_str() {
            Some(text) if text.contains(['\n', '\r']) => {
                wrong.push("a text has one line".to_owned());
            }
            Some(text) => written(text, rules, &mut wrong),
            None => wrong.push(not(value, "text")),
        },
        FieldKind::MultilineText => match value.as_str() {
            Some(text) => written(text, rules, &mut wrong),
            None => wrong.push(not(value, "text")),
        },
        FieldKind::Number => match value.as_f64().filter(|_| value.is_number()) {
            Some(number) => range(number, rules, &mut wrong),
            None => wrong.push(not(value, "a number")),
        },
        FieldKind::Boolean => {
            if !value.is_boolean() {
                wrong.push(not(value, "`true` or `false`"));
            }
        }
        FieldKind::Select => chosen(value, rules, &mut wrong),
        FieldKind::Date => day(value, rules, &mut wrong),
        FieldKind::File => file(value, rules, &mut wrong),
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn written(text: &str, rules: &FieldRules, wrong: &mut Vec<String>) {
    if text.contains('\0') {
        wrong.push("it holds the character U+0000".to_owned());
    }
    let length = text.chars().count();
    if let Some(min) = rules.min_length.filter(|min| length < *min as usize) {
        wrong.push(format!("it has {length} characters and needs at least {min}"));
    }
    if let Some(max) = rules.max_length.filter(|max| length > *max as usize) {
        wrong.push(format!("it has {length} characters and may have {max}"));
    }
    if let Some(pattern) = &rules.pattern
        && !matches_whole(pattern, text)
    {
        wrong.push(format!("`{}` does not match `{}`", excerpt(text), pattern.as_str()));
    }
}

/// The pattern is that of the author; that it takes the whole text is the rule of the field.
fn matches_whole(pattern: &regex::Regex, text: &str) -> bool {
    // The leftmost match need not be the longest: `a|ab` finds `a` in `ab`. Anchoring the source
    // again is what the author would have written.
    match regex::Regex::new(&format!("^(?:{})$", pattern.as_str())) {
        Ok(whole) => whole.is_match(text),
        Err(_) => pattern.find(text).is_some_and(|found| found.len() == text.len()),
    }
}

fn range(number: f64, rules: &FieldRules, wrong: &mut Vec<String>) {
    if rules.integer && number.fract() != 0.0 {
        wrong.push(format!("{number} is not a whole number"));
    }
    if let Some(min) = rules.min.filter(|min| number < *min) {
        wrong.push(format!("{number} is less than {min}"));
    }
    if let Some(max) = rules.max.filter(|max| number > *max) {
        wrong.push(format!("{number} is more than {max}"));
    }
}

fn chosen(value: &Json, rules: &FieldRules, wrong: &mut Vec<String>) {
    let mut one = |item: &Json| match item.as_str() {
        Some(option) if rules.options.iter().any(|known| known == option) => {}
        Some(option) => wrong.push(format!(
            "`{}` is none of the options: {}",
            excerpt(option),
            rules.options.join(", ")
        )),
        None => wrong.push(not(item, "one of the options")),
    };
    match (value, rules.multiple) {
        (Json::Array(items), true) => {
            items.iter().for_each(&mut one);
            if (1..items.len()).any(|ix| items[..ix].contains(&items[ix])) {
                wrong.push("an option is chosen twice".to_owned());
            }
        }
        (_, true) => wrong.push(not(value, "a list of options")),
        (_, false) => one(value),
    }
}

fn day(value: &Json, rules: &FieldRules, wrong: &mut Vec<String>) {
    let Some(date) = value.as_str().and_then(parse_date) else {
        wrong.push(not(value, "a date such as `2026-11-21`"));
        return;
    };
    if let Some(earliest) = rules.earliest.filter(|earliest| date < *earliest) {
        wrong.push(format!("{date} is before {earliest}"));
    }
    if let Some(latest) = rules.latest.filter(|latest| date > *latest) {
        wrong.push(format!("{date} is after {latest}"));
    }
}

/// `2026-11-21`, and nothing longer.
pub(crate) fn parse_date(text: &str) -> Option<jiff::civil::Date> {
    if text.len() != 10 { None } else { text.parse().ok() }
}

/// `{"name", "digest", "bytes"}` of something that was uploaded.
fn file(value: &Json, rules: &FieldRules, wrong: &mut Vec<String>) {
    let name = value.get("name").and_then(Json::as_str);
    let digest = value.get("digest").and_then(Json::as_str);
    let bytes = value.get("bytes").and_then(Json::as_u64);
    let (Some(name), Some(digest), Some(bytes)) = (name, digest, bytes) else {
        wrong.push(not(value, "the reference of an uploaded file"));
        return;
    };
    if value.as_object().is_some_and(|fields| fields.len() > 3) {
        wrong.push("a file has a name, a digest and a size, and nothing else".to_owned());
    }
    if !is_file_name(name) {
        wrong.push(format!("`{}` cannot be the name of a file", excerpt(name)));
    }
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if digest.len() != 64 || !digest.bytes().all(hex) {
        wrong.push("its digest is no SHA-256 in hexadecimal".to_owned());
    }
    let most = rules.max_bytes.unwrap_or(FILE_BYTES);
    if bytes > most {
        wrong.push(format!("it has {bytes} bytes and may have {most}"));
    }
}

/// A name of one segment that no file system and no page can take for anything else.
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control)
}

fn not(value: &Json, wanted: &str) -> String {
    format!("`{}` is not {wanted}", excerpt(&value.to_string()))
}

/// At most 60 characters, on one line.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
