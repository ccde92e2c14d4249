//! Graphs with places, for a page to draw.

use std::sync::Arc;

use api::graph::Graph;
use api::problem::Problem;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::reference;
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::view::graph::{drawn, states};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(of_run)).routes(routes!(of_pipeline))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    /// After so many events.
    at: Option<u64>,
}

/// The graph of a run
///
/// With the status of each stage, now or after its first events. Nothing moves when states change.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/graph",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), At),
    responses((status = OK, body = Graph), (status = "default", body = Problem)),
)]
pub(crate) async fn of_run(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(At { at }): Params<At>,
) -> Result<Json<Graph>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let revision = row.revision;
    let look = |run: &engine::Run| (Arc::clone(run.pipeline()), Arc::new(states(run)));
    let (pipeline, states) = match at {
        None => history::look(&shared, &row, look).await?,
        Some(at) => history::look_at(&shared, &row, at, look).await?,
    };
    // Off the conductor's thread: a layout takes its time.
    let states = Arc::into_inner(states);
    Ok(Json(blocking(move || drawn(&pipeline, revision, states)).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    /// The current one when not given.
    #[param(minimum = 1)]
    revision: Option<u32>,
}

/// The graph of a pipeline
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}/graph",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline"), Of),
    responses((status = OK, body = Graph), (status = "default", body = Problem)),
)]
pub(crate) async fn of_pipeline(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
    Params(Of { revision }): Params<Of>,
) -> Result<Json<Graph>, Fault> {
    let definitions = Arc::clone(&shared.definitions);
    let found = shared.read(move |reader| {
        let row = reader.revision(&name, revision)?;
        let row = row.ok_or_else(|| match revision {
            None => Refused::NotFound { what: "pipeline", name: name.clone() },
            Some(number) => {
                Refused::NotFound { what: "revision", name: format!("{name} v{number}") }
            }
        })?;
        let unreadable =
            |problem| Refused::Unreadable { name: name.clone(), revision: row.number, problem };
        let pipeline = definitions.parsed(&row.digest, &row.text).map_err(unreadable)?;
        Ok(drawn(&pipeline, row.number, None))
    });
    Ok(Json(found.await?))
}
