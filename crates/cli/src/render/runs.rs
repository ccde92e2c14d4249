//! Runs as text.

use api::approval::ApprovalSummary;
use api::run::{RunDetail, RunSummary, StageView};
use jiff::Timestamp;

use crate::live::board::attempt_of;
use crate::live::why;
use crate::output::table::{Cell, Table};
use crate::render::{approvals, models};
use crate::terminal::Palette;
use crate::words;

/// `runs list`
pub fn table(runs: &[RunSummary], now: Timestamp) -> Table {
    let mut table = Table::new(&[
        "RUN", "STATUS", "DONE", "STARTED", "TIME", "TRIGGER", "BY", "MODE", "REASON",
    ]);
    for run in runs {
        table.row(vec![
            run.name.as_str().into(),
            Cell::status(&run.status),
            format!("{}/{}", run.progress.settled, run.progress.total).into(),
            words::minute(run.started_at.unwrap_or(run.created_at)).into(),
            time(run, now).into(),
            run.trigger.as_str().into(),
            run.by.as_str().into(),
            run.mode.as_str().into(),
            run.reason.as_str().into(),
        ]);
    }
    table
}

/// `pipeline history`
pub fn history(runs: &[RunSummary], now: Timestamp) -> Table {
    let mut table = Table::new(&["RUN", "RESULT", "STARTED", "TIME", "TRIGGER", "BY", "REVISION"]);
    for run in runs {
        table.row(vec![
            format!("#{}", run.number).into(),
            Cell::status(&run.status),
            words::minute(run.started_at.unwrap_or(run.created_at)).into(),
            time(run, now).into(),
            run.trigger.as_str().into(),
            run.by.as_str().into(),
            format!("v{}", run.revision).into(),
        ]);
    }
    table
}

/// From its start to its end or to now.
pub fn time(run: &RunSummary, now: Timestamp) -> String {
    let end = run.finished_at.unwrap_or(now);
    run.started_at
        .map_or_else(|| "-".to_owned(), |start| words::duration(words::between(start, end)))
}

/// The last moment that is known of it.
pub fn latest(detail: &RunDetail) -> Timestamp {
    let run = &detail.summary;
    let attempts = detail.stages.iter().flat_map(|stage| &stage.attempts);
    let attempts = attempts.flat_map(|it| [Some(it.scheduled_at), it.started_at, it.finished_at]);
    let stages = detail.stages.iter().flat_map(|stage| [stage.started_at, stage.finished_at]);
    let run = [Some(run.created_at), run.started_at, run.finished_at];
    attempts.chain(stages).chain(run).flatten().max().unwrap_or(detail.summary.created_at)
}

/// `feature-complete#42  Waiting  2m11s  v7  by ana (manual)`
pub fn head(detail: &RunDetail, now: Timestamp, palette: Palette) -> String {
    let run = &detail.summary;
    let mut text = format!(
        "{}  {}  {}  v{}  by {} ({})\n",
        palette.bold(&run.name),
        palette.status(&run.status, &words::title(&run.status)),
        time(run, now),
        run.revision,
        run.by,
        run.trigger,
    );
    if run.mode == "shadow" {
        let installed = match run.rollout.as_str() {
            "shadow" => String::new(),
            rollout => format!(" (started in {rollout} mode)"),
        };
        text += &format!("  shadow run{installed}: nothing of it was done\n");
    }
    for would in &detail.would {
        text += &format!("  {}\n", words::one_line(&would.says));
    }
    if !run.reason.is_empty() {
        text += &format!("  {}\n", words::one_line(&run.reason));
    }
    if let Some(earlier) = &detail.extends {
        text += &format!("  extends {earlier}\n");
    }
    if let Some(parent) = &detail.parent {
        text += &format!("  started by {parent}\n");
    }
    if let Some(usage) = &detail.usage {
        text += &format!("  models: {}\n", models::brief(usage));
    }
    if run.superseded {
        text += "  superseded: its pipeline went back behind it\n";
    }
    text
}

/// `runs show` adds what the run was given.
pub fn facts(detail: &RunDetail) -> String {
    let mut rows: Vec<(String, String)> = vec![
        ("id".to_owned(), detail.summary.id.clone()),
        ("directory".to_owned(), detail.directory.clone()),
        ("definition".to_owned(), detail.digest.clone()),
    ];
    let given = detail.inputs.iter().map(|(name, value)| (format!("input {name}"), value));
    let gives = detail.outputs.iter().map(|(name, value)| (format!("output {name}"), value));
    for (name, value) in given.chain(gives) {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        rows.push((name, words::shorten_end(&words::one_line(&text), 120)));
    }
    if !detail.event.is_null() {
        rows.push(("event".to_owned(), words::shorten_end(&detail.event.to_string(), 120)));
    }
    let width = rows.iter().map(|(name, _)| words::width(name)).max().unwrap_or(0);
    rows.iter().map(|(name, text)| format!("  {}  {text}\n", words::pad_end(name, width))).collect()
}

/// Each stage and instance.
pub fn stages(detail: &RunDetail, now: Timestamp) -> Table {
    let mut table = Table::new(&["STAGE", "STATUS", "TIME", "ATTEMPT", "DETAIL"]);
    for stage in &detail.stages {
        let tried = stage.attempts.last().map(|last| {
            let attempt = attempt_of(last.number, stage.max_attempts);
            attempt.trim_start_matches("attempt ").to_owned()
        });
        table.row(vec![
            stage_name(detail, stage).into(),
            Cell::status(&stage.status),
            stage_time(stage, now).into(),
            tried.unwrap_or_else(|| "-".to_owned()).into(),
            stage_detail(stage).into(),
        ]);
    }
    table
}

/// Says of each gate who is needed and until when: `1 of 2 approved; needs devops; expires 28m`.
pub fn name_deadlines(detail: &mut RunDetail, approvals: &[ApprovalSummary], now: Timestamp) {
    for stage in &mut detail.stages {
        let Some(gate) = approvals.iter().find(|it| it.stage == stage.name) else { continue };
        stage.detail =
            format!("{} of {} approved; needs {}", gate.have, gate.need, approvals::need(gate));
        if let Some(due) = gate.due_at {
            stage.detail += &format!("; expires {}", words::age(words::between(now, due)));
        }
        stage.detail += &format!(" ({})", gate.id);
    }
}

fn stage_name(detail: &RunDetail, stage: &StageView) -> String {
    let parent = detail.stages.iter().find(|parent| parent.name == stage.stage);
    match (stage.instance, parent.and_then(|parent| parent.instances)) {
        (Some(instance), Some(of)) => format!("{}[{instance}/{of}]", stage.stage),
        (Some(_), None) => stage.name.clone(),
        (None, _) => match stage.instances {
            Some(of) => format!("{} x{of}", stage.name),
            None => stage.name.clone(),
        },
    }
}

fn stage_time(stage: &StageView, now: Timestamp) -> String {
    stage.started_at.map_or_else(
        || "-".to_owned(),
        |start| words::duration(words::between(start, stage.finished_at.unwrap_or(now))),
    )
}

fn stage_detail(stage: &StageView) -> String {
    if !stage.detail.is_empty() {
        stage.detail.clone()
    } else if stage.instances.is_some() {
        // Its outputs are the list of theirs.
        String::new()
    } else {
        why::outputs(stage.outputs.iter().map(|(name, value)| (name.as_str(), value)))
    }
}
