//! The server about itself, and the language.

use std::sync::Arc;
use utoipa::IntoParams;

use api::flow::Whoami;
use api::pipeline::{Definition, Validation};
use api::problem::Problem;
use api::system::{Slots, Status, Storage};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::event::Person;
use serde::Deserialize;
use store::port::RunQuery;

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use crate::definition::check;
use crate::http::rooms::{Rooms, routes};
use crate::ready;
use crate::shared::{Shared, blocking};
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(status))
        .routes(routes!(schema))
        .routes(routes!(validate))
        .routes(routes!(whoami))
}

/// Runs of each kind in the status.
const SHOWN: u32 = 100;
const RECENT: u32 = 10;

/// The process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "system",
    security(()),
    responses(
        (status = OK, body = String, content_type = "text/plain"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// It takes changes: the store can be written, the conductor answers, the disk has room. Otherwise
/// `detail` says why not.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "system",
    security(()),
    responses(
        (status = OK, body = String, content_type = "text/plain"),
        (status = SERVICE_UNAVAILABLE, body = Problem),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn readyz(State(shared): State<Arc<Shared>>) -> Response {
    match ready::problem(&shared).await {
        None => "ready\n".into_response(),
        Some(problem) => {
            Fault::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "not ready", problem)
                .into_response()
        }
    }
}

/// What the server does now.
#[utoipa::path(
    get,
    path = "/api/status",
    tag = "system",
    security(("token" = ["read"])),
    responses(
        (status = OK, body = Status),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn status(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Status>, Fault> {
    let (live, recent, health) = shared
        .read(|reader| {
            let live = RunQuery { finished: Some(false), limit: SHOWN, ..RunQuery::default() };
            let recent = RunQuery { finished: Some(true), limit: RECENT, ..RunQuery::default() };
            Ok((reader.runs(&live)?, reader.runs(&recent)?, reader.health()?))
        })
        .await?;
    let gauge = shared.gauges.read();
    let damaged = |id| gauge.damaged.iter().find(|(run, _)| *run == id).map(|(_, why)| why);
    let summary = |row: &store::port::RunRow| {
        let mut summary = view::run::summary(row);
        if let Some(problem) = damaged(row.id) {
            summary.reason = format!("damaged: {problem}");
        }
        summary
    };
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        role: shared.role.clone(),
        data_dir: shared.data_dir.display().to_string(),
        address: shared.address.get().map(ToString::to_string),
        uptime_ms: u64::try_from(shared.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        slots: Slots { total: shared.slots, used: gauge.used, queued: gauge.queued },
        rollout: Some((*shared.board.read()).clone()),
        live: live.iter().rev().map(summary).collect(),
        recent: recent.iter().map(view::run::summary).collect(),
        storage: Storage {
            ok: gauge.problem.is_empty(),
            problem: gauge.problem.clone(),
            schema: health.schema,
            bytes: health.bytes,
        },
    }))
}

/// The JSON Schema of the language, for editors.
#[utoipa::path(
    get,
    path = "/api/schema",
    tag = "system",
    security(("token" = ["read"])),
    responses(
        (status = OK, body = Object),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn schema(_caller: Caller) -> Json<serde_json::Value> {
    Json(pipeline::schema::json_schema())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checking {
    /// Also lay the stages of a valid definition out, as they would be drawn.
    #[serde(default)]
    graph: bool,
}

/// Checks a definition; stores and executes nothing.
#[utoipa::path(
    post,
    path = "/api/validate",
    tag = "system",
    security(("token" = ["read"])),
    params(Checking),
    request_body = Definition,
    responses(
        (status = OK, body = Validation),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn validate(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Checking { graph }): Params<Checking>,
    Json(request): Json<Definition>,
) -> Result<Json<Validation>, Fault> {
    let agents = Arc::clone(&shared.agents);
    let told = move || {
        let known = agents.shelf(None, None).elsewhere(true);
        check(&request.definition, request.file.as_deref(), &known).told(graph)
    };
    Ok(Json(blocking(told).await?))
}

/// Who the caller is here.
#[utoipa::path(
    get,
    path = "/api/whoami",
    tag = "system",
    security(("token" = ["read"])),
    responses(
        (status = OK, body = Whoami),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn whoami(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Whoami>, Fault> {
    let Person { name, groups, through: _ } = caller.person(&shared)?;
    let by = caller.via.words().to_owned();
    let rights = caller.rights.iter().map(|right| right.word().to_owned()).collect();
    Ok(Json(Whoami { name, groups, admin: caller.admin, by, rights }))
}
