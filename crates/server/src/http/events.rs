//! Events from outside.

use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::flow::{GiveEvent, GivenEvent};
use api::problem::Problem;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use store::port::{self, GivenQuery, GivenRow, Read};
use uuid::Uuid;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::repeat::Repeat;
use super::{pipelines, reference};
use crate::conductor::desk::{Ask, Given};
use crate::hooks;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(give, list))
}

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
    repeat: Repeat,
    Json(GiveEvent { kind, data, id, run }): Json<GiveEvent>,
) -> Result<Response, Fault> {
    let data = match data {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::Object(data) => Value::Object(data),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Fault::invalid_input("`data` has to be a map"));
        }
    };
    let id = id.unwrap_or_else(|| repeat.uuid().unwrap_or_else(Uuid::now_v7).to_string());
    for (what, text) in [("type", &kind), ("id", &id)] {
        if !hooks::is_word(text) {
            return Err(Fault::invalid_input(format!(
                "`{what}` has to be 1 to {} characters without spaces at its ends",
                hooks::LONGEST
            )));
        }
    }
    let run = match run {
        Some(run) => Some(reference::run(&shared, &run).await?.id),
        None => None,
    };
    let source = format!("user:{}", caller.name);
    let (facts, tag) = hooks::facts(&data);
    let by = caller.name;
    let event =
        port::GivenEvent { id, kind, data, source, by, run, facts, tag, ..Default::default() };
    let given = shared.desk.ask(|reply| Ask::Give { events: vec![event], reply }).await?;
    let Some(given) = given.into_iter().next() else {
        return Err(Refused::Internal("an event was not answered".to_owned()).into());
    };
    let status = if given.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(view(given))).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    #[serde(rename = "type")]
    kind: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
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
    let rows = shared
        .read(move |reader| {
            let rows = reader.given_events(&query)?.into_iter();
            rows.map(|row| Ok((row.number, of_row(reader, row)?))).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(Json(pipelines::page_of("event", rows, limit, |row| row.0.to_string(), |row| row.1)))
}

/// With the names of the runs that each of them started.
pub(super) fn of_row(reader: &dyn Read, row: GivenRow) -> Result<GivenEvent, Refused> {
    let mut started = Vec::new();
    for run in row.matches.iter().filter_map(|found| found.run) {
        let row = reader.run(run)?;
        started.extend(row.map(|row| row.name()));
    }
    let given = Given {
        event: Arc::new(row.event),
        duplicate: false,
        taken_by: row.taken_by.into_iter().map(|taker| taker.name).collect(),
        started,
        waits: row.routed_at.is_none(),
    };
    Ok(GivenEvent { problem: row.problem, ..view(given) })
}

pub(super) fn view(given: Given) -> GivenEvent {
    let Given { event, duplicate, taken_by, started, waits } = given;
    let port::GivenEvent { id, kind, also, data, source, at, facts, tag, .. } = &*event;
    GivenEvent {
        id: id.clone(),
        kind: kind.clone(),
        also: also.clone(),
        data: data.clone(),
        source: source.clone(),
        at: *at,
        duplicate,
        taken_by,
        started,
        waits,
        branch: facts.branch.clone(),
        tag: tag.clone(),
        labels: facts.labels.clone(),
        changed: facts.paths.as_ref().map(|paths| paths.len() as u64),
        problem: String::new(),
    }
}
