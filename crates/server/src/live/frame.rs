//! Frames as text, put together from parts that are written once (`api::stream`).

use api::agent::Happening;
use api::run::{EventView, RunDetail, StageView};
use api::stream::{Entry, RunPatch};
use serde::Serialize;
use store::port::EventRow;

use crate::view;

/// One entry, written.
pub(super) fn entry(entry: &Entry) -> String {
    json(entry)
}

/// An event of a journal.
pub(super) fn event(row: &EventRow) -> Entry {
    let stage = row.event.event.execution().map(|execution| execution.to_string());
    let EventView { kind, at, body, .. } = view::event::of_row(row);
    Entry { k: kind, id: None, stage, at: Some(at), v: body }
}

/// What an agent did.
pub(super) fn happening(stage: &str, happening: &Happening) -> Entry {
    Entry {
        k: "talk".to_owned(),
        id: None,
        stage: Some(stage.to_owned()),
        at: Some(happening.at),
        // Our own type: no value refuses.
        v: serde_json::to_value(happening).unwrap_or_default(),
    }
}

/// What is different of a run.
pub(super) struct Changed<'a> {
    pub(super) run: RunPatch,
    pub(super) stages: Vec<&'a StageView>,
    pub(super) all: bool,
}

pub(super) fn patch(detail: &RunDetail) -> RunPatch {
    RunPatch {
        summary: detail.summary.clone(),
        outputs: detail.outputs.clone(),
        paused_at: detail.paused_at,
        paused_ms: detail.paused_ms,
        usage: detail.usage.clone(),
    }
}

pub(super) fn events(
    topic: &str,
    epoch: Option<&str>,
    seq: u64,
    entries: &[String],
    changed: Option<&Changed<'_>>,
) -> String {
    let room: usize = entries.iter().map(|entry| entry.len() + 1).sum();
    let mut text = String::with_capacity(room + 256);
    open(&mut text, topic);
    if let Some(epoch) = epoch {
        field(&mut text, "epoch", &epoch);
    }
    field(&mut text, "seq", &seq);
    text.push_str(",\"ev\":[");
    text.push_str(&entries.join(","));
    text.push(']');
    if let Some(Changed { run, stages, all }) = changed {
        field(&mut text, "run", run);
        if !stages.is_empty() {
            field(&mut text, "stages", stages);
        }
        if *all {
            field(&mut text, "all", &true);
        }
    }
    text.push('}');
    text
}

pub(super) fn snapshot(topic: &str, epoch: &str, seq: u64, state: &impl Serialize) -> String {
    let mut text = String::new();
    open(&mut text, topic);
    field(&mut text, "epoch", &epoch);
    field(&mut text, "seq", &seq);
    field(&mut text, "snapshot", state);
    text.push('}');
    text
}

pub(super) fn gap(topic: &str) -> String {
    let mut text = String::new();
    open(&mut text, topic);
    field(&mut text, "gap", &true);
    text.push('}');
    text
}

/// The same frame for a client that calls the topic by another name.
pub(super) fn called(text: &str, asked: &str) -> String {
    let rest = text.strip_prefix('{').unwrap_or(text);
    format!("{{\"as\":{},{rest}", json(&asked))
}

fn open(text: &mut String, topic: &str) {
    text.push_str("{\"t\":");
    text.push_str(&json(&topic));
}

fn field(text: &mut String, name: &str, value: &impl Serialize) {
    text.push_str(",\"");
    text.push_str(name);
    text.push_str("\":");
    text.push_str(&json(value));
}

pub(super) fn json(value: &impl Serialize) -> String {
    // Our own types: names of fields are text and no value refuses.
    serde_json::to_string(value).unwrap_or_else(|_never| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::stream::Frame;
    use serde_json::json;

    #[test]
    fn what_is_put_together_is_what_the_wire_says() {
        let one =
            Entry { k: "run".into(), id: Some("1".into()), stage: None, at: None, v: json!({}) };
        let text = events("runs", Some("p-1"), 7, &[entry(&one), entry(&one)], None);
        let Frame::Events(read) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        assert_eq!((read.seq, read.ev.len(), read.epoch.as_deref()), (7, 2, Some("p-1")));
        let text = called(&snapshot("run:1", "s-1", 3, &json!({"a": 1})), "run:a#1");
        let Frame::Snapshot(read) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        assert_eq!((read.t.as_str(), read.asked.as_deref()), ("run:1", Some("run:a#1")));
        assert_eq!((read.seq, read.snapshot), (3, json!({"a": 1})));
        let text = gap("run:1");
        assert!(matches!(serde_json::from_str(&text).unwrap(), Frame::Gap { gap: true, .. }));
    }
}
