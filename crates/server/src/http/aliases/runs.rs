//! Starting a run that was created before: `POST /api/runs` with `pipeline_id` makes one that has
//! not begun.

use std::sync::Arc;

use api::problem::Problem;
use api::run::RunSummary;
use axum::extract::{Path, State};
use engine::command::Command;

use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::http::{reference, runs};
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(start))
}

/// Starts a run that was created and has not begun.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/start",
    tag = "aliases",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n`, `<task>-<n>`, or an id")),
    responses((status = OK, body = RunSummary), (status = "default", body = Problem)),
)]
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<RunSummary>, Fault> {
    let row = reference::run(&shared, &run).await?;
    if row.started_at.is_some() || row.finished {
        let detail = format!("`{}` has begun already: it is {}", row.name(), row.status);
        return Err(Fault::conflict(detail).hint(format!("orchestrate runs show {}", row.name())));
    }
    runs::act(&shared, &run, Command::Resume { by: caller.name }).await
}
