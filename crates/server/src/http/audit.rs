//! The trail of what was decided, and the proof that nobody altered it.

use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use api::Page;
use api::flow::{AuditEntry, Verified};
use api::problem::Problem;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use store::port::AuditQuery;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    run: Option<String>,
    by: Option<String>,
    action: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// As the page before said.
    after: Option<u64>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "audit",
    security(("token" = ["audit"])),
    params(List),
    responses(
        (status = OK, body = Page<AuditEntry>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(list): Params<List>,
) -> Result<Json<Page<AuditEntry>>, Fault> {
    let limit = pipelines::limit(list.limit);
    let run = match list.run {
        Some(run) => Some(reference::run(&shared, &run).await?.id),
        None => None,
    };
    let query = AuditQuery {
        run,
        by: list.by,
        action: list.action,
        since: list.since,
        until: list.until,
        before: list.after,
        limit: limit + 1,
    };
    let rows = shared.read(move |reader| Ok(reader.audit(&query)?)).await?;
    let key = |row: &store::port::AuditRow| row.position.to_string();
    Ok(Json(pipelines::page_of("audit", rows, limit, key, view::audit::entry)))
}

/// Checks every hash; takes as long as it takes to read everything.
#[utoipa::path(
    get,
    path = "/api/audit/verify",
    tag = "audit",
    security(("token" = ["audit"])),
    responses(
        (status = OK, body = Verified),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn verify(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Verified>, Fault> {
    let verified = shared.read(|reader| Ok(reader.verify()?)).await.map_err(Fault::broken)?;
    let store::port::Verified { runs, events, head } = verified;
    Ok(Json(Verified { runs, events, head }))
}
