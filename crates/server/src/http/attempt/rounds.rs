//! The loop of a live attempt, as its definition says it now: it may change between two iterations.

use std::path::Path;
use std::sync::Arc;

use api::agent::Rounds;
use api::problem::Problem;
use axum::extract::State;

use super::{Attempt, stale};
use crate::history;
use crate::http::body::Json;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::shared::{Shared, blocking};

pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(rounds))
}

/// The loop of the attempt
///
/// As its loop type is defined now: a file that was changed counts from the next iteration on. A
/// stage without a loop is `not_found`; a definition that cannot be read is refused with what is wrong.
#[utoipa::path(
    get,
    path = "/api/attempt/loop",
    tag = "attempt",
    security(("attempt" = ["live"])),
    responses((status = OK, body = Rounds), (status = "default", body = Problem)),
)]
pub(crate) async fn rounds(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
) -> Result<Json<Rounds>, Fault> {
    let look = |run: &engine::Run| {
        let directory = run.header()?.directory.to_owned();
        Some((run.pipeline().clone(), directory))
    };
    let seen = history::look_unfinished(&shared, live.run, look).await?;
    let (pipeline, directory) = seen.flatten().ok_or_else(stale)?;
    let (agents, stage) = (Arc::clone(&shared.agents), live.attempt.execution.stage.to_string());
    let find = move || agents.rounds(&pipeline, &stage, Path::new(&directory));
    match blocking(find).await? {
        Ok(Some(rounds)) => Ok(Json(rounds)),
        Ok(None) => Err(Fault::not_found("this stage is no loop")),
        Err(problem) => Err(Fault::invalid_input(problem)),
    }
}
