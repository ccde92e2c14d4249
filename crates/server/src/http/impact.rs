//! What a rollback or a rewind would do.

use std::sync::Arc;
use utoipa::IntoParams;

use api::flow::{Impact, ImpactStep};
use api::problem::Problem;
use axum::extract::{Path, State};
use serde::Deserialize;
use store::port::RunRow;

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::reference;
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(rollback_impact)).routes(routes!(rewind_impact))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackTo {
    to: String,
    #[serde(default)]
    inclusive: bool,
}

/// What a rollback would do.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/rollback",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), BackTo),
    responses(
        (status = OK, body = Impact),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn rollback_impact(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(BackTo { to, inclusive: _ }): Params<BackTo>,
) -> Result<Json<Impact>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let seen = history::look(&shared, &row, move |run| run.rollback_impact(&to));
    Ok(Json(impact(seen.await?, None)))
}

/// What a rewind would do.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/rewind",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), BackTo),
    responses(
        (status = OK, body = Impact),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn rewind_impact(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(BackTo { to, inclusive }): Params<BackTo>,
) -> Result<Json<Impact>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let archive = archive(&row);
    let seen = history::look(&shared, &row, move |run| run.rewind_impact(&to, inclusive));
    Ok(Json(impact(seen.await?, Some(archive))))
}

/// Where the mirror keeps what is superseded.
fn archive(row: &RunRow) -> String {
    format!("pipelines/{}/.archived", row.pipeline)
}

fn impact(of: engine::view::Impact, archive: Option<String>) -> Impact {
    let steps = of.steps.into_iter().map(|step| ImpactStep {
        stage: step.stage.to_string(),
        what: step.what,
        artifacts: step.artifacts,
    });
    Impact {
        verb: of.verb.to_owned(),
        to: of.to.to_string(),
        steps: steps.collect(),
        runs: Vec::new(),
        archive,
        refused: of.refused.map(|rejection| rejection.to_string()).unwrap_or_default(),
    }
}
