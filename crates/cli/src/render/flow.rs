//! Versions, undoing, events, the audit trail and why nothing happens, as text.

use api::flow::{AuditEntry, Explained, GivenEvent, Impact, TokenView, Undoing};
use jiff::Timestamp;

use crate::output::table::{Cell, Table};
use crate::render::pipelines::short_digest;
use crate::terminal::Palette;
use crate::words;

/// What a rollback or a rewind would do, before it is done.
pub fn impact(impact: &Impact, palette: Palette) -> String {
    let title = match impact.verb.as_str() {
        "rollback" => "Roll back to",
        _ => "Rewind to",
    };
    let mut text = format!("{} {}\n", palette.bold(title), palette.bold(&impact.to));
    if !impact.refused.is_empty() {
        let why = words::one_line(&impact.refused);
        return text + &format!("  {} {why}\n", palette.error("refused:"));
    }
    let width = impact.steps.iter().map(|step| words::width(&step.stage)).max().unwrap_or(0);
    for (place, step) in impact.steps.iter().enumerate() {
        let artifacts = match step.artifacts {
            0 => String::new(),
            count => format!(", {}", words::count(u64::from(count), "artifact")),
        };
        text += &format!(
            "  {:>2}  {}  {}{artifacts}\n",
            place + 1,
            words::pad_end(&step.stage, width),
            words::one_line(&step.what),
        );
    }
    if impact.steps.is_empty() && impact.runs.is_empty() {
        text += "  nothing is changed\n";
    }
    if !impact.runs.is_empty() {
        text += &format!("  superseded: {}\n", impact.runs.join(", "));
    }
    if let Some(archive) = &impact.archive {
        text += &format!("  kept in {archive}\n");
    }
    text
}

/// The history of rollbacks and rewinds.
pub fn undoings(undoings: &[Undoing]) -> Table {
    let mut table = Table::new(&["AT", "BY", "WHAT", "RUN", "TO", "RESULT", "SUPERSEDED"]);
    for undoing in undoings {
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        table.row(vec![
            words::minute(undoing.at).into(),
            undoing.by.as_str().into(),
            undoing.verb.as_str().into(),
            dash(undoing.run.as_deref().unwrap_or_default()).into(),
            dash(&undoing.to).into(),
            dash(&undoing.result).into(),
            dash(&undoing.superseded.join(", ")).into(),
        ]);
    }
    table
}

/// Why each stage is not running: the nearest cause first, and what would change it.
pub fn explained(stages: &[Explained], palette: Palette) -> String {
    let widest = |of: fn(&Explained) -> usize| stages.iter().map(of).max().unwrap_or(0);
    let names = widest(|stage| words::width(&stage.stage));
    let statuses = widest(|stage| words::width(&stage.status));
    let margin = " ".repeat(names + statuses + 4);
    let mut text = String::new();
    for stage in stages {
        let status = words::pad_end(&words::title(&stage.status), statuses);
        let status = palette.status(&stage.status, &status);
        let mut because = stage.because.iter().map(|why| words::one_line(why));
        let first = because.next().unwrap_or_default();
        let line = format!("{}  {status}  {first}", words::pad_end(&stage.stage, names));
        text += &(line.trim_end().to_owned() + "\n");
        for why in because {
            text += &format!("{margin}{why}\n");
        }
        for remedy in &stage.remedies {
            text += &format!("{margin}{} {}\n", palette.note("try:"), words::one_line(remedy));
        }
    }
    text
}

/// `event list`
pub fn given_events(events: &[GivenEvent], now: Timestamp) -> Table {
    let mut table = Table::new(&["ID", "TYPE", "AGE", "SOURCE", "TAKEN BY", "DATA"]);
    for event in events {
        let runs: Vec<&str> =
            event.started.iter().chain(&event.taken_by).map(String::as_str).collect();
        let taken = runs.join(", ");
        table.row(vec![
            event.id.as_str().into(),
            event.kind.as_str().into(),
            words::age(words::between(event.at, now)).into(),
            event.source.as_str().into(),
            if taken.is_empty() { "nobody yet".to_owned() } else { taken }.into(),
            words::shorten_end(&event.data.to_string(), 80).into(),
        ]);
    }
    table
}

/// `Emitted spec.ready 01990b: taken by cascade#1`
pub fn given_event(event: &GivenEvent, palette: Palette) -> String {
    let label = if event.duplicate { "Known" } else { "Emitted" };
    let mut follows = Vec::new();
    if !event.started.is_empty() {
        follows.push(format!("started {}", event.started.join(", ")));
    }
    if !event.taken_by.is_empty() {
        follows.push(format!("taken by {}", event.taken_by.join(", ")));
    }
    let follows = match (event.duplicate, event.waits) {
        (true, _) => "was there already; nothing happened".to_owned(),
        (false, true) => "it is being asked which files changed".to_owned(),
        (false, false) if follows.is_empty() => "no run waits for it now; it is kept".to_owned(),
        (false, false) => follows.join("; "),
    };
    format!("{} {} {}: {follows}\n", palette.status("succeeded", label), event.kind, event.id)
}

/// `audit list`
pub fn audit(entries: &[AuditEntry]) -> Table {
    let mut table = Table::new(&["AT", "BY", "ACTION", "RUN", "STAGE", "WHAT", "HASH"]);
    for entry in entries {
        table.row(vec![
            entry.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string().into(),
            entry.by.as_str().into(),
            entry.action.as_str().into(),
            entry.run.as_str().into(),
            if entry.stage.is_empty() { "-" } else { entry.stage.as_str() }.into(),
            entry.says.as_str().into(),
            short_digest(&entry.hash).into(),
        ]);
    }
    table
}

/// `token list`
pub fn tokens(tokens: &[TokenView], now: Timestamp) -> Table {
    let mut table = Table::new(&["ID", "USER", "ADMIN", "STATE", "AGE", "BY"]);
    for token in tokens {
        table.row(vec![
            token.id.as_str().into(),
            token.user.as_str().into(),
            if token.admin { "yes" } else { "no" }.into(),
            match token.revoked_at {
                Some(_) => Cell::status("revoked"),
                None => Cell::status("valid"),
            },
            words::age(words::between(token.created_at, now)).into(),
            token.created_by.as_str().into(),
        ]);
    }
    table
}
