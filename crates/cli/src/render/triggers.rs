//! Triggers, and what they say to an event, as text.

use api::event::{EventDetail, Judged, PipelineVerdict, ReasonView, TriggerView};

use crate::output::table::Table;
use crate::terminal::Palette;
use crate::words;

/// `trigger list`
pub fn list(triggers: &[TriggerView]) -> Table {
    let mut table = Table::new(&["PIPELINE", "TRIGGER", "KIND", "ON", "STATE"]);
    for trigger in triggers {
        table.row(vec![
            trigger.pipeline.as_str().into(),
            trigger.trigger.as_str().into(),
            trigger.kind.as_str().into(),
            trigger.on.as_str().into(),
            if trigger.enabled { "enabled" } else { "disabled" }.into(),
        ]);
    }
    table
}

/// `trigger test`: pipeline by pipeline.
pub fn judged(judged: &Judged, palette: Palette) -> String {
    let starting: Vec<&str> = judged
        .pipelines
        .iter()
        .filter(|verdict| verdict.starts)
        .map(|verdict| verdict.pipeline.as_str())
        .collect();
    let follows = match starting.as_slice() {
        [] => "starts nothing".to_owned(),
        names => format!("starts {}", names.join(", ")),
    };
    let mut text = format!("{} {follows}\n", palette.bold(&judged.event.kind));
    if judged.pipelines.is_empty() {
        text += "  no pipeline has triggers: write `triggers: [push]` at the root of one\n";
    }
    for verdict in &judged.pipelines {
        text += &pipeline(verdict, palette);
    }
    text
}

fn pipeline(verdict: &PipelineVerdict, palette: Palette) -> String {
    let says = match (verdict.starts, verdict.enabled) {
        (true, _) => palette.status("succeeded", "starts"),
        (false, false) => "disabled: it starts nothing".to_owned(),
        (false, true) => "does not start".to_owned(),
    };
    let mut text = format!("{}  {says}\n", palette.bold(&verdict.pipeline));
    for trigger in &verdict.triggers {
        let verdict = if trigger.matches { "matches" } else { "does not match" };
        text += &format!("  {}: {verdict}\n", trigger.trigger);
        reason(&trigger.reason, 2, &mut text);
        if !trigger.problem.is_empty() {
            let problem = words::one_line(&trigger.problem);
            text += &format!("    {} {problem}\n", palette.error("no run:"));
        }
        for (name, value) in &trigger.inputs {
            let value = words::shorten_end(&value.to_string(), 80);
            text += &format!("    input {name}: {}\n", words::one_line(&value));
        }
    }
    text
}

/// One line a part, each with its value: `+` true, `-` false, `?` not known.
fn reason(part: &ReasonView, depth: usize, text: &mut String) {
    let sign = match part.truth.as_str() {
        "true" => '+',
        "false" => '-',
        _ => '?',
    };
    let indent = "  ".repeat(depth);
    *text += &format!("{indent}{sign} {}\n", words::one_line(&part.says));
    for part in &part.parts {
        reason(part, depth + 1, text);
    }
}

/// `event show`
pub fn event(detail: &EventDetail, judged: &Judged, palette: Palette) -> String {
    let event = &detail.event;
    let mut text = format!("{}  {}\n", palette.bold(&event.id), event.kind);
    let mut line = |what: &str, says: String| {
        if !says.is_empty() {
            text += &format!("  {}{}\n", words::pad_end(what, 10), words::one_line(&says));
        }
    };
    line("at", event.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string());
    line("source", event.source.clone());
    line("types", event.also.join(", "));
    line("branch", event.branch.clone().unwrap_or_default());
    line("tag", event.tag.clone().unwrap_or_default());
    line("labels", event.labels.clone().unwrap_or_default().join(", "));
    let changed = event.changed.map(|count| words::count(count, "file"));
    line("changed", changed.unwrap_or_default());
    line("problem", event.problem.clone());
    line("taken by", event.taken_by.join(", "));
    for found in &detail.matches {
        let run = found.run.clone().unwrap_or_else(|| format!("no run: {}", found.problem));
        line("started", format!("{run} ({}/{})", found.pipeline, found.trigger));
    }
    if event.waits {
        line("waits", "it is being asked which files changed".to_owned());
    }
    line("data", words::shorten_end(&event.data.to_string(), 400));
    text.push('\n');
    text + &self::judged(judged, palette)
}
