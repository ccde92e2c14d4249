//! Files that stages and people left.

use api::artifact::ArtifactView;
use engine::Run;
use engine::event::{ArtifactRef, AttemptResult, Event, Outcome, Stamped};
use engine::id::{ExecutionId, RunId};
use engine::view::{FormState, Row};
use indexmap::IndexSet;
use jiff::Timestamp;
use store::port::{ArtifactRow, RunRow};

pub(crate) fn view(row: &ArtifactRow, run: &RunRow) -> ArtifactView {
    ArtifactView {
        id: row.number.to_string(),
        run: row.run.to_string(),
        run_name: run.name(),
        stage: row.execution.clone(),
        attempt: row.attempt,
        name: row.name.clone(),
        path: row.path.clone(),
        format: row.format.clone(),
        bytes: row.bytes,
        digest: row.digest.clone(),
        status: row.status.clone(),
        created_at: row.created_at,
    }
}

/// Rows of everything that these events, the last ones of the run, changed.
pub(crate) fn rows(run: &Run, events: &[Stamped]) -> Vec<ArtifactRow> {
    let mut changed: IndexSet<ExecutionId> = IndexSet::new();
    for stamped in events {
        match &stamped.event {
            Event::AttemptFinished { attempt, result, .. } => {
                let left = matches!(result, AttemptResult::Succeeded { artifacts, .. }
                    if !artifacts.is_empty());
                changed.extend(left.then(|| attempt.execution.clone()));
            }
            Event::FormSubmitted { execution, .. } | Event::ExecutionSettled { execution, .. } => {
                changed.insert(execution.clone());
            }
            Event::RunRewound { executions } | Event::RunRetried { executions, .. } => {
                changed.extend(executions.iter().cloned());
                // A whole stage: also instances that it has no more.
                for id in executions.iter().filter(|id| id.instance.is_none()) {
                    let instances = 1..=run.past_instances(&id.stage);
                    let id = |n| ExecutionId::instance(id.stage.clone(), n);
                    changed.extend(instances.map(id));
                }
            }
            Event::RewindUndone { .. } => changed.extend(run.rows().map(|row| row.id)),
            _ => {}
        }
    }
    let Some(header) = run.header() else { return Vec::new() };
    let id = header.run;
    changed
        .iter()
        .filter_map(|execution| run.row(execution))
        .filter(|row| !row.stage.artifacts.is_empty() || row.stage.form.is_some())
        .flat_map(|row| of_execution(run, id, &row))
        .collect()
}

/// Everything that an execution ever left, as it stands now: what its last round gave is staged
/// until the execution has succeeded, and promoted from then on; the rest is superseded.
fn of_execution(run: &Run, id: RunId, row: &Row<'_>) -> Vec<ArtifactRow> {
    let current = match row.outcome {
        Some(Outcome::Succeeded) => "promoted",
        Some(
            Outcome::Failed
            | Outcome::Cancelled
            | Outcome::Skipped
            | Outcome::NotRun
            | Outcome::WouldHave,
        )
        | None => "staged",
    };
    let mut rows = Vec::new();
    let mut add = |of: &ArtifactRef, attempt, generation, at: Timestamp, status: &str| {
        rows.push(ArtifactRow {
            number: 0,
            run: id,
            execution: row.id.to_string(),
            attempt,
            generation,
            name: of.name.clone(),
            path: of.path.clone(),
            format: of.format.clone(),
            bytes: of.bytes,
            digest: of.digest.clone(),
            status: status.to_owned(),
            created_at: at,
        });
    };
    let last = row.attempts.iter().rposition(|attempt| is_success(attempt.result));
    for (place, attempt) in row.attempts.iter().enumerate() {
        let Some(AttemptResult::Succeeded { artifacts, .. }) = attempt.result else { continue };
        let is_current = Some(place) == last && !attempt.superseded;
        let status = if is_current { current } else { "superseded" };
        for of in artifacts {
            let at = attempt.finished_at.unwrap_or(attempt.scheduled_at);
            add(of, attempt.number, 0, at, status);
        }
    }
    let newest = run.form(&row.id, None).map_or(0, |form| form.generation);
    for generation in 1..=newest {
        let Some(form) = run.form(&row.id, Some(generation)) else { continue };
        if let FormState::Submitted { at, artifacts, .. } = form.state {
            let status = if generation == newest { current } else { "superseded" };
            for of in artifacts {
                add(of, 0, generation, at, status);
            }
        }
    }
    rows
}

fn is_success(result: Option<&AttemptResult>) -> bool {
    matches!(result, Some(AttemptResult::Succeeded { .. }))
}
