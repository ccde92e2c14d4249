//! Workers on other machines, and what waits for them.

use std::sync::Arc;

use api::Page;
use api::problem::Problem;
use api::worker::{QueuedAttempt, WorkerView};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::conductor::desk::Ask;
use crate::conductor::workers::WorkersAsk;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::view;

mod connect;
mod work;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show, forget))
        .routes(routes!(drain))
        .routes(routes!(resume))
        .routes(routes!(queue))
        .merge(connect::routes())
        .merge(work::routes())
}

async fn look(shared: &Arc<Shared>) -> Result<(Vec<WorkerView>, Vec<QueuedAttempt>), Fault> {
    let seen = shared.desk.ask(|reply| Ask::Fleet { reply }).await?;
    let of = Arc::clone(shared);
    Ok(blocking(move || view::fleet::fleet(&of, seen)).await??)
}

async fn find(shared: &Arc<Shared>, name: String) -> Result<WorkerView, Fault> {
    let (workers, _) = look(shared).await?;
    let found = workers.into_iter().find(|worker| worker.name == name);
    Ok(found.ok_or(Refused::NotFound { what: "worker", name })?)
}

/// Workers
///
/// The server's own hands are the first, and called `local`. Those that are lost or drained stay in the
/// list until they are forgotten.
#[utoipa::path(
    get,
    path = "/api/workers",
    tag = "workers",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<WorkerView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Page<WorkerView>>, Fault> {
    let (workers, _) = look(&shared).await?;
    let key = |worker: &WorkerView| worker.name.clone();
    Ok(Json(pipelines::page("worker", workers, u32::MAX, key)))
}

/// One worker, and what it works on
#[utoipa::path(
    get,
    path = "/api/workers/{worker}",
    tag = "workers",
    security(("token" = ["read"])),
    params(("worker" = String, Path, description = "Its name")),
    responses((status = OK, body = WorkerView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(worker): Path<String>,
) -> Result<Json<WorkerView>, Fault> {
    find(&shared, worker).await.map(Json)
}

/// Forget a worker
///
/// One that is there is not forgotten: drain it first.
#[utoipa::path(
    delete,
    path = "/api/workers/{worker}",
    tag = "workers",
    security(("token" = ["maintain"])),
    params(("worker" = String, Path, description = "Its name")),
    responses((status = NO_CONTENT), (status = "default", body = Problem)),
)]
pub(crate) async fn forget(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(worker): Path<String>,
) -> Result<StatusCode, Fault> {
    let ask = WorkersAsk::Forget { name: worker };
    shared.desk.ask(|reply| Ask::Workers { ask, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Drain a worker
///
/// It takes nothing new, finishes what it has, and leaves. It stays drained, also over restarts of the
/// server and of its program, until it is resumed.
#[utoipa::path(
    post,
    path = "/api/workers/{worker}/drain",
    tag = "workers",
    security(("token" = ["maintain"])),
    params(("worker" = String, Path, description = "Its name")),
    responses((status = OK, body = WorkerView), (status = "default", body = Problem)),
)]
pub(crate) async fn drain(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(worker): Path<String>,
) -> Result<Json<WorkerView>, Fault> {
    let ask = WorkersAsk::Drain { name: worker.clone(), by: caller.name };
    shared.desk.ask(|reply| Ask::Workers { ask, reply }).await?;
    find(&shared, worker).await.map(Json)
}

/// Let a worker take attempts again
///
/// One that has left already is let in when its program is started again.
#[utoipa::path(
    post,
    path = "/api/workers/{worker}/resume",
    tag = "workers",
    security(("token" = ["maintain"])),
    params(("worker" = String, Path, description = "Its name")),
    responses((status = OK, body = WorkerView), (status = "default", body = Problem)),
)]
pub(crate) async fn resume(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(worker): Path<String>,
) -> Result<Json<WorkerView>, Fault> {
    let ask = WorkersAsk::Resume { name: worker.clone() };
    shared.desk.ask(|reply| Ask::Workers { ask, reply }).await?;
    find(&shared, worker).await.map(Json)
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
}

/// What waits to be handed out
///
/// The oldest run first, each with why it waits. Work that is done nowhere, such as gates, waits
/// elsewhere.
#[utoipa::path(
    get,
    path = "/api/queue",
    tag = "workers",
    security(("token" = ["read"])),
    params(Waiting),
    responses((status = OK, body = Page<QueuedAttempt>), (status = "default", body = Problem)),
)]
pub(crate) async fn queue(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Waiting { limit }): Params<Waiting>,
) -> Result<Json<Page<QueuedAttempt>>, Fault> {
    let limit = pipelines::limit(limit);
    let (_, mut queue) = look(&shared).await?;
    queue.truncate(limit as usize);
    let key = |one: &QueuedAttempt| format!("{}/{}", one.run, one.stage);
    Ok(Json(pipelines::page("queue", queue, u32::MAX, key)))
}
