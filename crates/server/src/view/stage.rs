//! A stage or an instance of one, and its attempts.

use api::rollout::WouldHave;
use api::run::{AttemptView, StageView};
use engine::Run;
use engine::event::{Intention, Stamped};
use engine::id::ExecutionId;
use engine::status;
use engine::view::Row;
use indexmap::IndexSet;
use serde_json::Value as Json;
use store::port::StageRow;

/// The read table's rows of everything that these events, the last ones of the run, changed.
pub(crate) fn rows(run: &Run, events: &[Stamped]) -> Vec<StageRow> {
    let mut changed = IndexSet::new();
    for stamped in events {
        match stamped.event.execution() {
            Some(id) => {
                // What an instance does shows in its stage.
                if id.instance.is_some() {
                    changed.insert(ExecutionId::stage(id.stage.clone()));
                }
                changed.insert(id);
            }
            None if changes_many(stamped) => return run.rows().map(|row| stored(&row)).collect(),
            None => {}
        }
    }
    changed.iter().filter_map(|id| run.row(id)).map(|row| stored(&row)).collect()
}

fn changes_many(stamped: &Stamped) -> bool {
    use engine::Event;
    matches!(
        stamped.event,
        Event::RunCreated { .. }
            | Event::RunRetried { .. }
            | Event::RollbackStarted { .. }
            | Event::RunRewound { .. }
            | Event::RewindUndone { .. }
    )
}

fn stored(row: &Row<'_>) -> StageRow {
    StageRow {
        stage: row.id.stage.to_string(),
        instance: row.id.instance.unwrap_or(0),
        status: row.status.word().to_owned(),
        outcome: row.outcome.map(|outcome| status::outcome(outcome).to_owned()),
        conclusion: row.conclusion.map(|conclusion| status::conclusion(conclusion).to_owned()),
        attempts: u32::try_from(row.attempts.len()).unwrap_or(u32::MAX),
        started_at: row.started_at,
        finished_at: row.finished_at,
    }
}

pub(crate) fn view(run: &Run, row: &Row<'_>) -> StageView {
    let names = &run.pipeline().stages;
    StageView {
        name: row.id.to_string(),
        stage: row.id.stage.to_string(),
        instance: row.id.instance,
        instances: row.instances,
        status: row.status.word().to_owned(),
        outcome: row.outcome.map(|outcome| status::outcome(outcome).to_owned()),
        conclusion: row.conclusion.map(|conclusion| status::conclusion(conclusion).to_owned()),
        detail: row.detail.clone(),
        reason: reason(row),
        depends_on: row
            .stage
            .depends_on
            .iter()
            .filter_map(|ix| names.get(ix.get()))
            .map(|stage| stage.name.to_string())
            .collect(),
        outputs: row
            .outputs
            .and_then(Json::as_object)
            .map(|outputs| outputs.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
            .unwrap_or_default(),
        max_attempts: row.stage.retry.max_attempts,
        attempts: row.attempts.iter().map(attempt).collect(),
        would: would(row.would.iter().copied()),
        started_at: row.started_at,
        finished_at: row.finished_at,
    }
}

/// What a shadow run says of itself, in order.
pub(crate) fn would<'r>(said: impl IntoIterator<Item = &'r Intention>) -> Vec<WouldHave> {
    let told = said.into_iter().map(|said| WouldHave {
        kind: said.kind.word().to_owned(),
        says: said.says.clone(),
        unknown: said.unknown.clone(),
    });
    told.collect()
}

/// The whole of why: how it settled, or the condition that let it run.
fn reason(row: &Row<'_>) -> Json {
    let settled = row.settled.and_then(|settled| serde_json::to_value(settled).ok());
    let condition = || row.condition.and_then(|reason| serde_json::to_value(reason).ok());
    settled.or_else(condition).unwrap_or(Json::Null)
}

fn attempt(attempt: &engine::view::AttemptView<'_>) -> AttemptView {
    let failed = attempt.exit_code != Some(0);
    AttemptView {
        number: attempt.number,
        status: attempt.status.word().to_owned(),
        detail: attempt.detail.clone(),
        pid: attempt.pid,
        child: attempt.child.map(|link| link.name.clone()),
        scheduled_at: attempt.scheduled_at,
        started_at: attempt.started_at,
        finished_at: attempt.finished_at,
        elapsed_ms: attempt.usage.map(|usage| usage.elapsed_ms),
        exit_code: attempt.exit_code,
        output_bytes: attempt.usage.map(|usage| usage.output_bytes),
        max_rss_bytes: attempt.usage.map(|usage| usage.max_rss_bytes),
        tail: if failed { attempt.tail.to_owned() } else { String::new() },
    }
}
