//! The journal of a run as text.

use api::run::EventView;
use serde_json::Value as Json;

use crate::output::table::Table;
use crate::words;

pub fn table(events: &[EventView]) -> Table {
    let mut table = Table::new(&["SEQ", "AT", "EVENT", "WHAT"]);
    for event in events {
        table.row(vec![
            event.seq.to_string().into(),
            event.at.strftime("%Y-%m-%d %H:%M:%S%.3fZ").to_string().into(),
            event.kind.as_str().into(),
            words::shorten_end(&fields(&event.body), 160).into(),
        ]);
    }
    table
}

/// `stage=plan outcome=succeeded`, the short fields first.
fn fields(body: &Json) -> String {
    let Some(map) = body.as_object() else { return body.to_string() };
    let mut shown: Vec<String> = map
        .iter()
        .filter(|(key, value)| key.as_str() != "type" && !value.is_null())
        .map(|(key, value)| format!("{key}={}", scalar(value)))
        .collect();
    shown.sort_by_key(String::len);
    shown.join(" ")
}

fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) if text.is_empty() || text.contains([' ', '=', '"']) => {
            Json::String(text.clone()).to_string()
        }
        Json::String(text) => text.clone(),
        Json::Object(map) => match map.get("execution").zip(map.get("number")) {
            // An attempt.
            Some((Json::String(execution), number)) => format!("{execution}/{number}"),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}
