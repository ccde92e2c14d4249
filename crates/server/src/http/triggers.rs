//! What events start, and why they do or do not.

use std::sync::Arc;

use api::Page;
use api::event::{
    EventDetail, Header, Judged, MatchView, ReplayEvent, TestDelivery, TestEvent, TestTriggers,
    TriggerView,
};
use api::problem::Problem;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::port::{Delivery, GivenEvent, GivenRow, Match, Read, Target};
use utoipa::IntoParams;
use uuid::Uuid;

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{events, pipelines};
use crate::conductor::desk::Ask;
use crate::hooks::{self, Received};
use crate::http::rooms::{Rooms, routes};
use crate::incoming;
use crate::judge;
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(show))
        .routes(routes!(matches))
        .routes(routes!(replay))
        .routes(routes!(list))
        .routes(routes!(test))
}

/// An event with everything that came.
#[utoipa::path(
    get,
    path = "/api/events/{id}",
    operation_id = "show_event",
    tag = "events",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "As the list shows it, percent-encoded")),
    responses((status = OK, body = EventDetail), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<EventDetail>, Fault> {
    let detail = shared.read(move |reader| {
        let mut row = stored(reader, &id)?;
        let matches = views(reader, &row.matches)?;
        row.event.data = incoming::data(&row.event);
        let (headers, body_digest) = match row.event.delivery.take() {
            Some(Delivery { headers, body }) => {
                let digest = Sha256::digest(&body);
                (headers, Some(digest.iter().map(|byte| format!("{byte:02x}")).collect()))
            }
            None => (Vec::new(), None),
        };
        let headers = headers.into_iter().map(|(name, value)| Header { name, value }).collect();
        let paths = row.event.facts.paths.clone();
        let event = events::of_row(reader, row)?;
        Ok(EventDetail { event, headers, body_digest, paths, matches })
    });
    Ok(Json(detail.await?))
}

/// What an event started, and what every trigger says to it now.
#[utoipa::path(
    get,
    path = "/api/events/{id}/matches",
    operation_id = "event_matches",
    tag = "events",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "As the list shows it, percent-encoded")),
    responses((status = OK, body = Judged), (status = "default", body = Problem)),
)]
pub(crate) async fn matches(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Judged>, Fault> {
    judged_again(&shared, id, None).await.map(Json)
}

/// Gives an event again, as a new one: it starts what it would start now. A dry run only says
/// what that is.
#[utoipa::path(
    post,
    path = "/api/events/{id}/replay",
    operation_id = "replay_event",
    tag = "events",
    security(("token" = ["run"])),
    params(("id" = String, Path, description = "As the list shows it, percent-encoded")),
    request_body = ReplayEvent,
    responses(
        (status = OK, body = Judged, description = "A dry run"),
        (status = CREATED, body = api::flow::GivenEvent),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn replay(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(ReplayEvent { dry_run, pipeline, trigger }): Json<ReplayEvent>,
) -> Result<Response, Fault> {
    if trigger.is_some() && pipeline.is_none() {
        return Err(Fault::invalid_input("`trigger` is one of a pipeline: give `pipeline`, too"));
    }
    let target = pipeline.map(|pipeline| Target { pipeline, trigger: trigger.unwrap_or_default() });
    if dry_run {
        let judged = judged_again(&shared, id, target).await?;
        return Ok((StatusCode::OK, Json(judged)).into_response());
    }
    let of = id.clone();
    let row = shared.read(move |reader| stored(reader, &of)).await?;
    if row.event.data.is_null() {
        let detail = format!("event `{id}` came long ago, and what it said was removed");
        return Err(Fault::conflict(detail).hint("orchestrate event emit TYPE --data JSON"));
    }
    let short: String = id.chars().take(hooks::LONGEST - 48).collect();
    let event = GivenEvent {
        id: format!("replay:{}:{short}", Uuid::now_v7()),
        by: caller.name,
        target,
        ..row.event
    };
    let given = shared.desk.ask(|reply| Ask::Give { events: vec![event], reply }).await?;
    let Some(given) = given.into_iter().next() else {
        return Err(Refused::Internal("an event was not answered".to_owned()).into());
    };
    Ok((StatusCode::CREATED, Json(events::view(given))).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    /// Only of this pipeline.
    pipeline: Option<String>,
}

/// Every trigger of every pipeline, by name.
#[utoipa::path(
    get,
    path = "/api/triggers",
    operation_id = "list_triggers",
    tag = "events",
    security(("token" = ["read"])),
    params(Of),
    responses((status = OK, body = Page<TriggerView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Of { pipeline }): Params<Of>,
) -> Result<Json<Page<TriggerView>>, Fault> {
    let definitions = Arc::clone(&shared.definitions);
    let data = shared
        .read(move |reader| judge::triggers(reader, &definitions, pipeline.as_deref()))
        .await?;
    let name = |view: &TriggerView| format!("{}/{}", view.pipeline, view.trigger);
    Ok(Json(pipelines::page("trigger", data, u32::MAX, name)))
}

/// What every trigger says to an event that is written down, was delivered, or came before.
/// Nothing is stored and nothing is started.
#[utoipa::path(
    post,
    path = "/api/triggers/test",
    operation_id = "test_triggers",
    tag = "events",
    security(("token" = ["read"])),
    request_body = TestTriggers,
    responses((status = OK, body = Judged), (status = "default", body = Problem)),
)]
pub(crate) async fn test(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Json(TestTriggers { event, delivery, stored, pipeline }): Json<TestTriggers>,
) -> Result<Json<Judged>, Fault> {
    let event = match (event, delivery, stored) {
        (Some(event), None, None) => written(event)?,
        (None, Some(delivery), None) => delivered(&shared, &delivery)?,
        (None, None, Some(id)) => {
            let target = pipeline.map(|pipeline| Target { pipeline, trigger: String::new() });
            return judged_again(&shared, id, target).await.map(Json);
        }
        (_, _, _) => {
            return Err(Fault::invalid_input("give one of `event`, `delivery` and `stored`"));
        }
    };
    let definitions = Arc::clone(&shared.definitions);
    let judged = shared.read(move |reader| {
        let pipelines = judge::judge(reader, &definitions, pipeline.as_deref(), &event)?;
        let row = GivenRow {
            number: 0,
            event,
            taken_by: Vec::new(),
            routed_at: Some(jiff::Timestamp::UNIX_EPOCH),
            problem: String::new(),
            matches: Vec::new(),
        };
        let event = events::of_row(reader, row)?;
        Ok(Judged { event, matches: Vec::new(), pipelines })
    });
    Ok(Json(judged.await?))
}

fn stored(reader: &dyn Read, id: &str) -> Result<GivenRow, Refused> {
    let missing = || Refused::NotFound { what: "event", name: id.to_owned() };
    reader.given_event(id)?.ok_or_else(missing)
}

/// With the names of runs.
fn views(reader: &dyn Read, matches: &[Match]) -> Result<Vec<MatchView>, Refused> {
    let view = |found: &Match| {
        let run = found.run.map(|run| reader.run(run)).transpose()?.flatten();
        Ok(MatchView {
            pipeline: found.pipeline.clone(),
            trigger: found.trigger.clone(),
            run: run.map(|row| format!("{}#{}", row.pipeline, row.number)),
            problem: found.problem.clone(),
        })
    };
    matches.iter().map(view).collect()
}

async fn judged_again(
    shared: &Shared,
    id: String,
    target: Option<Target>,
) -> Result<Judged, Fault> {
    let definitions = Arc::clone(&shared.definitions);
    let judged = shared.read(move |reader| {
        let mut row = stored(reader, &id)?;
        let matches = views(reader, &row.matches)?;
        if target.is_some() {
            row.event.target = target;
        }
        let only = row.event.target.as_ref().map(|target| target.pipeline.clone());
        let pipelines = judge::judge(reader, &definitions, only.as_deref(), &row.event)?;
        Ok(Judged { event: events::of_row(reader, row)?, matches, pipelines })
    });
    Ok(judged.await?)
}

fn written(event: TestEvent) -> Result<GivenEvent, Fault> {
    let TestEvent { types, kind, source, data } = event;
    let mut types = kind.into_iter().chain(types);
    let Some(kind) = types.next() else {
        return Err(Fault::invalid_input("`event` has to have a `type`, or `types`"));
    };
    let data = match data {
        Value::Null => Value::Object(serde_json::Map::new()),
        data @ Value::Object(_) => data,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Fault::invalid_input("`event.data` has to be a map"));
        }
    };
    let (facts, tag) = hooks::facts(&data);
    Ok(GivenEvent {
        id: "test".to_owned(),
        also: types.filter(|broader| *broader != kind).collect(),
        kind,
        data,
        source: source.unwrap_or_else(|| "test".to_owned()),
        facts,
        tag,
        ..GivenEvent::default()
    })
}

/// The first event of a delivery.
fn delivered(shared: &Shared, delivery: &TestDelivery) -> Result<GivenEvent, Fault> {
    let config = shared.config()?;
    let Some(source) = config.sources.get(&delivery.source) else {
        let detail = format!("there is no source `{}` in `config.yaml`", delivery.source);
        return Err(Fault::not_found(detail));
    };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in &delivery.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
            return Err(Fault::invalid_input("`delivery.headers` has something that is no header"));
        };
        headers.insert(name, value);
    }
    let received = Received {
        name: &delivery.source,
        source,
        headers: &headers,
        body: delivery.body.as_bytes(),
        drawn: "test".to_owned(),
    };
    let events = hooks::read(&received);
    let events = events.map_err(|problem| Fault::invalid_input(problem.to_string()))?;
    let none = || Fault::invalid_input("the delivery holds no event");
    events.into_iter().next().ok_or_else(none)
}
