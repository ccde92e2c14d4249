//! Going back, undoing, holding and letting go; and why nothing happens.

use std::sync::Arc;

use api::Page;
use api::flow::{Advance, Breakpoints, Explained, Rewind, RollBack, Undoing};
use api::problem::Problem;
use api::run::RunSummary;
use axum::extract::{Path, State};
use engine::command::{self, Command};
use engine::event::{Event, RollbackResult, Stamped};
use engine::explain::FOR_A_SLOT;

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference, runs};
use crate::conductor::desk::Ask;
use crate::conductor::rollout::Kept;
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(roll_back))
        .routes(routes!(rewind))
        .routes(routes!(undo_rewind))
        .routes(routes!(advance))
        .routes(routes!(breakpoints))
        .routes(routes!(explain))
        .routes(routes!(undoings))
}

/// Compensates what was done, back to a stage.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/rollback",
    tag = "runs",
    security(("token" = ["maintain"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = RollBack,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn roll_back(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(RollBack { to, reason, force }): Json<RollBack>,
) -> Result<Json<RunSummary>, Fault> {
    let asked = command::RollBack { by: caller.name, to: to.into(), reason, force };
    runs::act(&shared, &run, Command::RollBack(asked)).await
}

/// Back to a checkpoint: what came after it is superseded and done again.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/rewind",
    tag = "runs",
    security(("token" = ["maintain"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Rewind,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn rewind(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Rewind { to, inclusive, pause }): Json<Rewind>,
) -> Result<Json<RunSummary>, Fault> {
    let asked = command::Rewind { by: caller.name, to: to.into(), inclusive, pause };
    runs::act(&shared, &run, Command::Rewind(asked)).await
}

/// Takes a rewind back, until new work has started.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/rewind/undo",
    tag = "runs",
    security(("token" = ["maintain"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn undo_rewind(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<RunSummary>, Fault> {
    runs::act(&shared, &run, Command::UndoRewind { by: caller.name }).await
}

/// Lets what is held go on.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/advance",
    tag = "runs",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Advance,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn advance(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Advance { stage }): Json<Advance>,
) -> Result<Json<RunSummary>, Fault> {
    let execution = stage.as_deref().map(runs::execution).transpose()?;
    let by = caller.person(&shared)?;
    runs::act(&shared, &run, Command::Advance(command::Advance { by, execution })).await
}

/// Says before which stages the run is held.
#[utoipa::path(
    put,
    path = "/api/runs/{run}/breakpoints",
    tag = "runs",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Breakpoints,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn breakpoints(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Breakpoints { stages, step }): Json<Breakpoints>,
) -> Result<Json<RunSummary>, Fault> {
    let stages = stages.into_iter().map(Into::into).collect();
    let asked = command::Breakpoints { by: caller.name, stages, step };
    runs::act(&shared, &run, Command::SetBreakpoints(asked)).await
}

/// Why each stage that neither runs nor has settled does not run.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/explain",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    responses(
        (status = OK, body = Page<Explained>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn explain(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<Page<Explained>>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let explain = |run: &engine::Run| {
        let labels = |execution: &engine::id::ExecutionId| {
            let stages = &run.pipeline().stages;
            let of = stages.iter().find(|stage| stage.name == execution.stage);
            of.map_or_else(Vec::new, |stage| stage.runs_on.clone())
        };
        run.explain().into_iter().map(|told| (labels(&told.execution), told)).collect::<Vec<_>>()
    };
    let told = history::look(&shared, &row, explain).await?;
    let kept = match row.finished {
        true => Kept::default(),
        false => shared.desk.ask(|reply| Ask::Kept { run: row.id, reply }).await?,
    };
    let gauge = shared.gauges.read();
    let (used, slots) = (gauge.used, shared.slots);
    // The run does not know how many there are.
    let with_slots = |cause: String, kept: Option<&String>| match (cause == FOR_A_SLOT, kept) {
        (true, Some(kept)) => kept.clone(),
        (true, None) if used >= slots => {
            format!("{cause}: all {slots} are taken (`--slots`)")
        }
        (true, None) => "it has a slot and is about to start; its worktree comes first".to_owned(),
        (false, _) => cause,
    };
    let with_workers = |labels: &[String], told: &engine::explain::Explained, cause: String| {
        if cause == FOR_A_SLOT && !labels.is_empty() {
            return gauge.reasons.of(row.id, &told.execution, labels);
        }
        with_slots(cause, kept.attempts.get(&told.execution))
    };
    let data = told
        .into_iter()
        .map(|(labels, told)| {
            let because =
                told.because.iter().map(|cause| with_workers(&labels, &told, cause.clone()));
            Explained {
                stage: told.execution.to_string(),
                status: told.status.word().to_owned(),
                because: because.chain(kept.run.clone()).collect(),
                remedies: told.remedies.clone(),
            }
        })
        .collect();
    let key = |told: &Explained| told.stage.clone();
    Ok(Json(pipelines::page("explained", data, u32::MAX, key)))
}

/// Rollbacks and rewinds of a run, newest first.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/undoings",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    responses(
        (status = OK, body = Page<Undoing>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn undoings(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<Page<Undoing>>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let name = row.name();
    let journal = shared.read(move |reader| Ok::<_, Refused>(reader.journal(row.id)?)).await?;
    let mut data = of_journal(&name, &journal);
    data.reverse();
    let key = |undoing: &Undoing| undoing.at.to_string();
    Ok(Json(pipelines::page("undoing", data, u32::MAX, key)))
}

fn of_journal(run: &str, journal: &[Stamped]) -> Vec<Undoing> {
    let mut undoings: Vec<Undoing> = Vec::new();
    for Stamped { at, event } in journal {
        let mut add = |by: &str, verb: &str, to: &str, result: &str, superseded| {
            undoings.push(Undoing {
                at: *at,
                by: by.to_owned(),
                verb: verb.to_owned(),
                run: Some(run.to_owned()),
                to: to.to_owned(),
                result: result.to_owned(),
                superseded,
            });
        };
        match event {
            Event::RollbackStarted { by, to, .. } => add(by, "rollback", to, "under way", vec![]),
            Event::RewindRequested { by, to, executions, .. } => {
                let executions = executions.iter().map(ToString::to_string).collect();
                add(by, "rewind", to, "under way", executions);
            }
            Event::RewindUndone { by } => {
                let rewind = undoings.iter_mut().rev().find(|undoing| undoing.verb == "rewind");
                let to = rewind.map(|rewind| {
                    "undone".clone_into(&mut rewind.result);
                    rewind.to.clone()
                });
                undoings.push(Undoing {
                    at: *at,
                    by: by.clone(),
                    verb: "undo".to_owned(),
                    run: Some(run.to_owned()),
                    to: to.unwrap_or_default(),
                    result: "done".to_owned(),
                    superseded: Vec::new(),
                });
            }
            Event::RollbackFinished { result, .. } => {
                let word = match result {
                    RollbackResult::Succeeded => "succeeded",
                    RollbackResult::Failed => "failed",
                    RollbackResult::Partial => "partial",
                };
                settle(&mut undoings, "rollback", word);
            }
            Event::RunRewound { .. } => settle(&mut undoings, "rewind", "done"),
            _ => {}
        }
    }
    undoings
}

/// The newest of these that is under way came to this.
fn settle(undoings: &mut [Undoing], verb: &str, result: &str) {
    let open = |undoing: &&mut Undoing| undoing.verb == verb && undoing.result == "under way";
    if let Some(undoing) = undoings.iter_mut().rev().find(open) {
        result.clone_into(&mut undoing.result);
    }
}
