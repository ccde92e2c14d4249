//! Approvals as text: evidence first, then who decides, until when, and what can be done.

use api::approval::{ApprovalDetail, ApprovalSummary, SlotView};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::error::Result;
use crate::output::table::{Cell, Choice, Table};
use crate::output::yaml;
use crate::render::{artifacts, pipelines::short_digest};
use crate::terminal::Palette;
use crate::words;

/// `approval list`; with `pending` all of them have the same status, and it is left out.
pub fn table(approvals: &[ApprovalSummary], pending: bool, now: Timestamp) -> Table {
    let mut headings = vec!["ID", "STAGE", "RUN", "STATUS", "HAVE", "NEED", "EXPIRES", "YOU"];
    if pending {
        headings.retain(|heading| *heading != "STATUS");
    }
    let mut table = Table::new(&headings);
    for approval in approvals {
        let mut row: Vec<Cell> = vec![
            approval.id.as_str().into(),
            approval.stage.as_str().into(),
            approval.run_name.as_str().into(),
            Cell::status(&approval.status),
            format!("{} of {}", approval.have, approval.need).into(),
            need(approval).into(),
            expires(approval, now).into(),
            approval.you.as_str().into(),
        ];
        if pending {
            row.remove(3);
        }
        table.row(row);
    }
    table
}

fn is_pending(approval: &ApprovalSummary) -> bool {
    approval.status == "pending"
}

/// The slots that are open: `team-lead, devops`, `anybody`.
pub fn need(approval: &ApprovalSummary) -> String {
    if !is_pending(approval) {
        return "-".to_owned();
    }
    let mut named: Vec<&str> = Vec::new();
    for entry in approval.missing.iter().map(|entry| entry.trim()) {
        let entry = if entry.is_empty() { "anybody" } else { entry };
        if !named.contains(&entry) {
            named.push(entry);
        }
    }
    if named.is_empty() { "anybody".to_owned() } else { named.join(", ") }
}

/// `28m -> reject`
fn expires(approval: &ApprovalSummary, now: Timestamp) -> String {
    match approval.due_at.filter(|_| is_pending(approval)) {
        Some(due) => {
            format!("{} -> {}", words::age(words::between(now, due)), approval.on_timeout)
        }
        None => "-".to_owned(),
    }
}

/// What the deadline does, in words.
pub fn afterwards(on_timeout: &str) -> &str {
    match on_timeout {
        "reject" => "rejected",
        "approve" => "approved",
        "escalate" => "escalated",
        "skip" => "skipped",
        "fail" => "failed",
        other => other,
    }
}

/// `approval show`
pub fn detail(approval: &ApprovalDetail, now: Timestamp, palette: Palette) -> Result<String> {
    let summary = &approval.summary;
    let mut text = format!(
        "{}  {} of {}  {}  {} of {} approvals\n",
        palette.bold(&summary.id),
        what(&summary.kind, &summary.stage),
        summary.run_name,
        palette.status(&summary.status, &words::title(&summary.status)),
        summary.have,
        summary.need,
    );
    if !summary.reason.is_empty() {
        text += &format!("  {}\n", words::one_line(&summary.reason));
    }
    if let Some(back) = &approval.sent_back {
        let (feedback, most) = (words::one_line(&back.feedback), back.max_revisions);
        text += &format!("  revision {} of {most}, asked for: {feedback}\n", back.revision);
    }
    text += &section("What is asked", palette);
    if !approval.instructions.is_empty() {
        text += &indented(&words::without_escapes_in_lines(&approval.instructions));
    }
    if let Some(environment) = &summary.environment {
        text += &format!("  environment: {}\n", words::one_line(environment));
    }
    text += &indented(&words::without_escapes_in_lines(&shown(approval)));
    if !approval.artifacts.is_empty() {
        text += &section("Artifacts", palette);
        let choice = Choice { indent: 2, ..Choice::default() };
        text += &artifacts::table(&approval.artifacts, false).text(&choice, palette)?;
    }
    text += &section("Who decides", palette);
    text += &slots(approval, palette)?;
    text += &said(approval, now);
    text += &deadline(approval, now);
    text += &format!("  digest {}\n", short_digest(&approval.digest));
    if is_pending(summary) {
        text += &section("You", palette);
        text += &format!("  {}\n", words::one_line(&summary.you));
        for command in commands(summary) {
            text += &format!("  {command}\n");
        }
    }
    Ok(text)
}

/// The same without what `You` can do: for a place where keys do it.
pub fn evidence(detail: &str) -> String {
    let mut text = String::new();
    for line in detail.lines() {
        if words::without_escapes(line) == "You" {
            break;
        }
        text += &format!("{line}\n");
    }
    text
}

/// `start of deploy`
fn what(kind: &str, stage: &str) -> String {
    match kind {
        "complete" => format!("the result of {stage}"),
        "trigger" => format!("the trigger of {stage}"),
        "permission" => format!("something that {stage} wants to do"),
        "question" => format!("a question of {stage}"),
        _ => format!("the start of {stage}"),
    }
}

fn section(title: &str, palette: Palette) -> String {
    format!("\n{}\n", palette.bold(title))
}

/// The task and what it gave, without what stands elsewhere on the page.
fn shown(approval: &ApprovalDetail) -> String {
    /// Said in the heading, in the section of artifacts, or before.
    const ELSEWHERE: [&str; 8] =
        ["pipeline", "run", "stage", "gate", "instructions", "artifacts", "task", "definition"];
    let Some(map) = approval.shown.as_object() else { return String::new() };
    let mut text = String::new();
    if let Some(task) = map.get("task").and_then(Json::as_object) {
        text += &shown_task(task);
    }
    for (name, value) in map.iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str())) {
        if !is_empty(value) {
            text += &yaml::text(&serde_json::json!({name: value}));
        }
    }
    text
}

/// A script as it will run; anything else as it is.
fn shown_task(task: &serde_json::Map<String, Json>) -> String {
    let mut text = String::new();
    for (name, value) in task {
        let argv = value.as_array().filter(|_| name == "command");
        let script = argv.and_then(|argv| argv.last()).and_then(Json::as_str);
        match script {
            Some(script) if argv.is_some_and(|argv| argv.len() > 2) => {
                text += "runs:\n";
                text += &indented(script);
            }
            _ if is_empty(value) => {}
            _ => text += &yaml::text(&serde_json::json!({name: value})),
        }
    }
    text
}

fn is_empty(value: &Json) -> bool {
    value.is_null()
        || value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}

fn slots(approval: &ApprovalDetail, palette: Palette) -> Result<String> {
    let mut table = Table::new(&["SLOT", "WHO", "STATE"]);
    for (place, slot) in approval.slots.iter().enumerate() {
        table.row(vec![
            (place + 1).to_string().into(),
            entry(slot).into(),
            match &slot.filled_by {
                Some(name) => format!("{name} approved").into(),
                None if is_pending(&approval.summary) => "open".into(),
                None => "-".into(),
            },
        ]);
    }
    let choice = Choice { indent: 2, no_header: true, ..Choice::default() };
    table.text(&choice, palette)
}

fn entry(slot: &SlotView) -> &str {
    if slot.entry.is_empty() { "anybody" } else { &slot.entry }
}

/// Votes and delegations in the order in which they came.
fn said(approval: &ApprovalDetail, now: Timestamp) -> String {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    for vote in &approval.votes {
        let word = match vote.decision.as_str() {
            "approve" => "approved",
            "reject" => "rejected",
            "request_changes" => "requested changes",
            other => other,
        };
        let comment = match words::one_line(&vote.comment) {
            text if text.is_empty() => text,
            text => format!(": {text}"),
        };
        let replaced = if vote.replaced { " (decided otherwise later)" } else { "" };
        lines.push((vote.at, format!("{} {word}{comment}{replaced}", vote.by)));
    }
    for delegation in &approval.delegations {
        let (from, to) = (&delegation.from, &delegation.to);
        lines.push((
            delegation.at,
            format!("{from} delegated slot {} to {to}", delegation.slot + 1),
        ));
        if let Some(at) = delegation.revoked_at {
            lines.push((at, format!("the delegation from {from} to {to} was revoked")));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let ago = |at| words::age(words::between(at, now));
    lines.iter().map(|(at, line)| format!("  {line}, {} ago\n", ago(*at))).collect()
}

fn deadline(approval: &ApprovalDetail, now: Timestamp) -> String {
    let summary = &approval.summary;
    let opened = words::age(words::between(summary.opened_at, now));
    let mut text = format!("  asked {opened} ago");
    match summary.due_at.filter(|_| is_pending(summary)) {
        Some(due) => {
            let left = words::age(words::between(now, due));
            text += &format!("; expires in {left}, then {}", afterwards(&summary.on_timeout));
            if summary.on_timeout == "escalate" && !approval.escalate_to.is_empty() {
                text += &format!(" to {}", approval.escalate_to.join(", "));
            }
        }
        None if is_pending(summary) => text += "; never expires",
        None => {}
    }
    text + "\n"
}

/// What can be done, as commands.
pub fn commands(approval: &ApprovalSummary) -> Vec<String> {
    let id = &approval.id;
    let mut found = vec![if approval.kind == "question" {
        format!("orchestrate approval answer {id} TEXT")
    } else {
        format!("orchestrate approval approve {id}")
    }];
    if approval.kind == "complete" {
        found.push(format!("orchestrate approval request-changes {id} --feedback TEXT"));
    }
    found.push(format!("orchestrate approval reject {id} --reason TEXT"));
    found.push(format!("orchestrate approval delegate {id} --to USER"));
    found
}

/// `Approved A-17 deploy-prod (2 of 2): feature-complete#42 continues`
pub fn decided(word: &str, approval: &ApprovalDetail, palette: Palette) -> String {
    let summary = &approval.summary;
    let run = &summary.run_name;
    let counted = format!("({} of {})", summary.have, summary.need);
    let follows = match summary.status.as_str() {
        "pending" => format!("{counted}: {run} still waits for {}", need(summary)),
        "approved" => format!("{counted}: {run} continues"),
        "rejected" => format!(": {run} goes no further here"),
        "changes_requested" => format!(": {run} does it again"),
        other => format!(": {}", other.replace('_', " ")),
    };
    let gap = if follows.starts_with(':') { "" } else { " " };
    let label = palette.status(&summary.status, word);
    format!("{label} {} {}{gap}{follows}\n", summary.id, summary.stage)
}
