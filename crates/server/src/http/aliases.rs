//! Paths and words that others use, over the same handlers and rules as our own.

use crate::http::rooms::Rooms;

mod checkpoints;
mod executions;
mod pipeline_runs;
mod runs;
mod task_pipelines;

pub(super) use executions::named as execution;

/// The routes of these rooms.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .merge(task_pipelines::routes())
        .merge(pipeline_runs::routes())
        .merge(runs::routes())
        .merge(executions::routes())
        .merge(checkpoints::routes())
}
