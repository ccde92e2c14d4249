//! Events from outside.

use std::sync::Arc;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use api::Page;
use api::flow::{GiveEvent, GivenEvent};
use api::problem::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use store::port::{self, GivenQuery, GivenRow};
use uuid::Uuid;

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::conductor::desk::{Ask, Given};
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(give, list))
}

/// Longest type or id of an event, in characters.
const LONGEST: usize = 256;

/// Answered when it is stored, and in the journal of every run that took it.
#[utoipa::path(
    post,
    path = "/api/events",
    tag = "events",
    security(("token" = ["run"])),
    request_body = GiveEvent,
    responses(
        (status = OK, body = GivenEvent, description = "It was there already"),
        (status = CREATED, body = GivenEvent),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn give(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(GiveEvent { kind, data, id, run }): Json<GiveEvent>,
) -> Result<Response, Fault> {
    let data = match data {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::Object(data) => Value::Object(data),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Fault::invalid_input("`data` has to be a map"));
        }
    };
    let id = id.unwrap_or_else(|| Uuid::now_v7().to_string());
    for (what, text) in [("type", &kind), ("id", &id)] {
        let fits = (1..=LONGEST).contains(&text.chars().count());
        if !fits || text.contains(char::is_control) || text.trim() != text {
            return Err(Fault::invalid_input(format!(
                "`{what}` has to be 1 to {LONGEST} characters without spaces at its ends"
            )));
        }
    }
    let run = match run {
        Some(run) => Some(reference::run(&shared, &run).await?.id),
        None => None,
    };
    let source = format!("user:{}", caller.name);
    // The conductor says when it came.
    let at = Timestamp::UNIX_EPOCH;
    let by = caller.name;
    let event =
        Box::new(port::GivenEvent { id, kind, data, source, by, at, run, ..Default::default() });
    let given = shared.desk.ask(|reply| Ask::Give { event, reply }).await?;
    let status = if given.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(view(given))).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    #[serde(rename = "type")]
    kind: Option<String>,
    limit: Option<u32>,
    /// As the page before said.
    after: Option<u64>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/events",
    tag = "events",
    security(("token" = ["read"])),
    params(List),
    responses(
        (status = OK, body = Page<GivenEvent>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(list): Params<List>,
) -> Result<Json<Page<GivenEvent>>, Fault> {
    let limit = pipelines::limit(list.limit);
    let query = GivenQuery {
        kinds: list.kind.into_iter().collect(),
        before: list.after,
        limit: limit + 1,
        ..GivenQuery::default()
    };
    let rows = shared.read(move |reader| Ok(reader.given_events(&query)?)).await?;
    Ok(Json(pipelines::page_of("event", rows, limit, |row| row.number.to_string(), of_row)))
}

fn of_row(row: GivenRow) -> GivenEvent {
    let taken_by = row.taken_by.into_iter().map(|taker| taker.name).collect();
    view(Given { event: row.event, duplicate: false, taken_by })
}

fn view(given: Given) -> GivenEvent {
    let Given { event, duplicate, taken_by } = given;
    let port::GivenEvent { id, kind, data, source, at, .. } = event;
    GivenEvent { id, kind, data, source, at, duplicate, taken_by }
}
