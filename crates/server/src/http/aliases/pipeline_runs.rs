//! `/api/pipeline-runs`: runs, in the words `Pending Running WaitingApproval Succeeded Failed
//! Cancelled`.

use std::sync::Arc;

use api::alias::{PipelineRun, PipelineStage};
use api::problem::Problem;
use api::run::{Cancel, RunDetail, StageView};
use axum::extract::{Path, State};
use engine::command::Command;

use super::executions;
use crate::history;
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::http::{reference, runs};
use crate::shared::Shared;
use crate::view::alias as words;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(show)).routes(routes!(cancel))
}

/// A run and its stages.
#[utoipa::path(
    get,
    path = "/api/pipeline-runs/{id}",
    tag = "aliases",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`name#n`, `<task>-<n>`, or an id")),
    responses((status = OK, body = PipelineRun), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PipelineRun>, Fault> {
    Ok(Json(find(&shared, &id).await?))
}

/// Cancels a run.
#[utoipa::path(
    post,
    path = "/api/pipeline-runs/{id}/cancel",
    tag = "aliases",
    security(("token" = ["run"])),
    params(("id" = String, Path, description = "`name#n`, `<task>-<n>`, or an id")),
    request_body = Cancel,
    responses((status = OK, body = PipelineRun), (status = "default", body = Problem)),
)]
pub(crate) async fn cancel(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(Cancel { reason }): Json<Cancel>,
) -> Result<Json<PipelineRun>, Fault> {
    let Json(run) = runs::act(&shared, &id, Command::Cancel { by: caller.name, reason }).await?;
    Ok(Json(find(&shared, &run.id).await?))
}

async fn find(shared: &Shared, id: &str) -> Result<PipelineRun, Fault> {
    let row = reference::run(shared, id).await?;
    let RunDetail { summary, event, stages, .. } = history::detail(shared, &row).await?;
    let status = words::of_pipeline_run(&summary.status, summary.started_at.is_some());
    Ok(PipelineRun {
        status: status.to_owned(),
        paused: summary.status == "paused",
        trigger_event: event,
        stages: stages.iter().map(|of| stage(&summary.id, of)).collect(),
        id: summary.id,
        name: summary.name,
        pipeline_id: summary.pipeline,
        reason: summary.reason,
        started_at: summary.started_at,
        completed_at: summary.finished_at,
    })
}

fn stage(run: &str, of: &StageView) -> PipelineStage {
    PipelineStage {
        id: executions::id(run, &of.stage, of.instance),
        run_id: run.to_owned(),
        stage_name: of.name.clone(),
        status: words::of_pipeline_stage(&of.status).to_owned(),
        agent_id: None,
        started_at: of.started_at,
        completed_at: of.finished_at,
    }
}
