//! A run, in a list and in full.

use api::run::{Progress, RunDetail, RunSummary};
use engine::Run;
use engine::id::RunId;
use jiff::Timestamp;
use serde_json::Value as Json;
use store::port::RunRow;
use uuid::Uuid;

/// The read table's row of a run, derived from its state. Of a run that was created.
pub(crate) fn row(run: &Run) -> RunRow {
    let header = run.header();
    let event = header.map_or(&Json::Null, |header| header.event);
    RunRow {
        id: header.map_or(RunId(Uuid::nil()), |header| header.run),
        pipeline: run.pipeline().name.clone(),
        number: header.map_or(0, |header| header.number),
        revision: header.map_or(0, |header| header.revision),
        status: run.status().word().to_owned(),
        finished: run.is_finished(),
        reason: run.reason(),
        by: header.map_or_else(String::new, |header| header.by.to_owned()),
        trigger: match header {
            Some(header) if header.parent.is_some() => "pipeline".to_owned(),
            Some(header) if header.task.is_some() && event.is_null() => "task".to_owned(),
            Some(_) | None => trigger(event),
        },
        created_at: header.map_or(Timestamp::UNIX_EPOCH, |header| header.created_at),
        started_at: run.started_at(),
        finished_at: run.finished_at(),
        progress: serde_json::to_value(progress(run)).unwrap_or(Json::Null),
        extends: header.and_then(|header| header.extends).map(|of| of.run),
        parent: header.and_then(|header| header.parent).map(|of| of.link.run),
        superseded: false,
        task: header.and_then(|header| header.task).map(|of| (of.id.clone(), of.number)),
        mode: header.map(|header| header.mode).unwrap_or_default().word().to_owned(),
        rollout: header.map(|header| header.rollout).unwrap_or_default().word().to_owned(),
    }
}

/// `manual`, or the type of the event that started the run.
fn trigger(event: &Json) -> String {
    match event.get("type").and_then(Json::as_str) {
        Some(kind) => kind.to_owned(),
        None if event.is_null() => "manual".to_owned(),
        None => "event".to_owned(),
    }
}

fn progress(run: &Run) -> Progress {
    let progress = run.progress();
    Progress {
        total: progress.total,
        settled: progress.settled,
        running: progress.running,
        waiting: progress.waiting,
        succeeded: progress.succeeded,
        failed: progress.failed,
        skipped: progress.skipped,
        not_run: progress.not_run,
        cancelled: progress.cancelled,
        would_have: progress.would_have,
    }
}

pub(crate) fn summary(row: &RunRow) -> RunSummary {
    RunSummary {
        id: row.id.to_string(),
        name: row.name(),
        task: row.task.as_ref().map(|(task, _)| task.clone()),
        pipeline: row.pipeline.clone(),
        number: row.number,
        revision: row.revision,
        status: row.status.clone(),
        reason: row.reason.clone(),
        by: row.by.clone(),
        trigger: row.trigger.clone(),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        progress: serde_json::from_value(row.progress.clone()).unwrap_or_default(),
        superseded: row.superseded,
        mode: row.mode.clone(),
        rollout: row.rollout.clone(),
        run_version: format!("v{}", row.number),
        run_status: super::alias::of_run(&row.status, row.started_at.is_some()).to_owned(),
    }
}

pub(crate) fn detail(run: &Run) -> RunDetail {
    let header = run.header();
    RunDetail {
        summary: summary(&row(run)),
        digest: header.map_or_else(String::new, |header| header.digest.to_owned()),
        directory: header.map_or_else(String::new, |header| header.directory.to_owned()),
        inputs: header
            .map(|header| header.inputs.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
            .unwrap_or_default(),
        event: header.map_or(Json::Null, |header| header.event.clone()),
        stages: run.rows().map(|row| super::stage::view(run, &row)).collect(),
        outputs: run.outputs().into_iter().collect(),
        would: super::stage::would(run.would()),
        extends: header.and_then(|header| header.extends).map(|link| link.name.clone()),
        parent: header
            .and_then(|header| header.parent)
            .map(|parent| format!("{}/{}", parent.link.name, parent.execution)),
        paused_at: run.paused_at(),
        paused_ms: u64::try_from(run.paused_for().as_millis()).unwrap_or(u64::MAX),
        sequence: run.sequence(),
        usage: None,
    }
}
