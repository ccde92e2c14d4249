//! Forms as text.

use std::collections::BTreeMap;

use api::input::{FieldView, InputDetail, InputSummary};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::error::Result;
use crate::output::table::{Cell, Choice, Table};
use crate::terminal::Palette;
use crate::words;

/// `input list`
pub fn table(inputs: &[InputSummary], now: Timestamp) -> Table {
    let mut table =
        Table::new(&["ID", "STAGE", "RUN", "STATUS", "REVISION", "FOR", "EXPIRES", "YOU"]);
    for input in inputs {
        table.row(vec![
            input.id.as_str().into(),
            input.stage.as_str().into(),
            input.run_name.as_str().into(),
            Cell::status(&input.status),
            revision(input).into(),
            assignees(input).into(),
            match input.due_at.filter(|_| input.status == "open") {
                Some(due) => words::age(words::between(now, due)).into(),
                None => "-".into(),
            },
            input.you.as_str().into(),
        ]);
    }
    table
}

/// `1 of 3`; the first one is no revision.
fn revision(input: &InputSummary) -> String {
    match input.revision {
        0 => "-".to_owned(),
        number => format!("{number} of {}", input.max_revisions),
    }
}

fn assignees(input: &InputSummary) -> String {
    if input.assignees.is_empty() { "anybody".to_owned() } else { input.assignees.join(", ") }
}

/// `input show`
pub fn detail(input: &InputDetail, now: Timestamp, palette: Palette) -> Result<String> {
    let summary = &input.summary;
    let mut text = format!(
        "{}  the form of {} of {}  {}",
        palette.bold(&summary.id),
        summary.stage,
        summary.run_name,
        palette.status(&summary.status, &words::title(&summary.status)),
    );
    if summary.revision > 0 {
        text += &format!("  revision {}", revision(summary));
    }
    text.push('\n');
    text += &introduction(input);
    let mut table = Table::new(&["FIELD", "KIND", "REQUIRED", "VALUE", "RULES"]);
    for field in &input.fields {
        table.row(vec![
            field.name.as_str().into(),
            field.kind.as_str().into(),
            if field.required { "yes" } else { "no" }.into(),
            input.values.get(&field.name).map_or_else(|| "-".to_owned(), plain).into(),
            rules(&field.rules).into(),
        ]);
    }
    text.push('\n');
    text += &table.text(&Choice { indent: 2, ..Choice::default() }, palette)?;
    if let Some(draft) = input.draft.as_ref().filter(|_| summary.status == "open") {
        let age = words::age(words::between(draft.at, now));
        text += &format!("  draft saved by {} {age} ago\n", draft.by);
    }
    if let Some(by) = &input.submitted_by {
        text += &format!("  submitted by {by}\n");
    }
    if summary.status == "open" {
        text += &format!("\n  for {}; you: {}\n", assignees(summary), summary.you);
        if let Some(due) = summary.due_at {
            text += &format!("  expires in {}\n", words::age(words::between(now, due)));
        }
        text += &format!("  {}\n", command(input));
    }
    Ok(text)
}

/// What is asked, and what was said of the last answer.
pub fn introduction(input: &InputDetail) -> String {
    let mut text = String::new();
    for line in words::without_escapes_in_lines(&input.instructions).lines() {
        text += &(format!("  {line}").trim_end().to_owned() + "\n");
    }
    if !input.feedback.is_empty() {
        let feedback = words::without_escapes_in_lines(&input.feedback);
        text += &format!("  changes were requested: {}\n", feedback.trim().replace('\n', "\n    "));
    }
    text
}

/// The command that answers it, with the fields that have no value yet.
pub fn command(input: &InputDetail) -> String {
    let mut text = format!("orchestrate input submit {}", input.summary.id);
    let open = input
        .fields
        .iter()
        .filter(|field| field.required && input.values.get(&field.name).is_none_or(Json::is_null));
    for field in open {
        text += &match field.kind.as_str() {
            "file" => format!(" --file {}=PATH", field.name),
            kind => format!(" -p {}={}", field.name, kind.to_uppercase()),
        };
    }
    text
}

/// A value on one line.
pub fn plain(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Object(map) if map.contains_key("digest") => {
            let name = map.get("name").and_then(Json::as_str).unwrap_or("file");
            let bytes = map.get("bytes").and_then(Json::as_u64).unwrap_or(0);
            format!("{name} ({})", words::bytes(bytes))
        }
        Json::Number(number) => match number.as_f64().filter(|value| value.fract() == 0.0) {
            Some(whole) if whole.abs() < 1e15 => format!("{whole:.0}"),
            _ => number.to_string(),
        },
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    words::shorten_end(&words::one_line(&text.replace('\n', " ")), 60)
}

/// `min_length 3, options a b`
pub fn rules(rules: &BTreeMap<String, Json>) -> String {
    let said = rules.iter().filter_map(|(name, value)| match value {
        Json::Null | Json::Bool(false) => None,
        Json::Bool(true) => Some(name.clone()),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            Some(format!("{name}: {}", items.join(" | ")))
        }
        Json::Number(bytes) if name == "max_bytes" => {
            Some(format!("at most {}", words::bytes(bytes.as_u64().unwrap_or(u64::MAX))))
        }
        value => Some(format!("{name} {}", plain(value))),
    });
    said.collect::<Vec<_>>().join(", ")
}

pub fn field_of<'f>(fields: &'f [FieldView], name: &str) -> Option<&'f FieldView> {
    fields.iter().find(|field| field.name == name)
}

/// `Submitted I-5 notes: release#9 continues`
pub fn submitted(input: &InputDetail, palette: Palette) -> String {
    let summary = &input.summary;
    let label = palette.status("succeeded", "Submitted");
    format!("{label} {} {}: {} continues\n", summary.id, summary.stage, summary.run_name)
}
