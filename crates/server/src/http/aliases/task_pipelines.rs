//! `/pipelines`: the runs of a task, where a run is called a pipeline.

use std::io::Write as _;
use std::sync::Arc;

use api::alias::{StartTaskPipeline, TaskPipeline, TaskPipelineStatus};
use api::problem::Problem;
use api::task::StartTask;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::command::Command;
use serde::Deserialize;
use store::port::{RunQuery, RunRow};

use crate::captured::{self, Times};
use crate::history;
use crate::http::body::{Json, Limit, Params};
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::repeat::Repeat;
use crate::http::rooms::{Rooms, routes};
use crate::http::tag::IfMatch;
use crate::http::traced::Traced;
use crate::http::{observed, pipelines, reference, runs, tasks};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::view;
use crate::view::alias as words;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(stop))
        .routes(routes!(status))
        .routes(routes!(log))
}

/// Bytes of the output of one attempt that a log holds.
const PART: usize = 1 << 20;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// Only of this task.
    task: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
}

/// Runs, newest first; of a task, or all.
#[utoipa::path(
    get,
    path = "/pipelines",
    tag = "aliases",
    security(("token" = ["read"])),
    params(List),
    responses((status = OK, body = Vec<TaskPipeline>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    headers: HeaderMap,
    Params(List { task, limit }): Params<List>,
) -> Result<Json<Vec<TaskPipeline>>, Fault> {
    must_take_json(&headers)?;
    let limit = pipelines::limit(limit);
    let rows = shared
        .read(move |reader| {
            if let Some(id) = &task {
                let missing = || Refused::NotFound { what: "task", name: id.clone() };
                reader.task(id)?.ok_or_else(missing)?;
            }
            Ok(reader.runs(&RunQuery { task, limit, ..RunQuery::default() })?)
        })
        .await?;
    Ok(Json(rows.iter().map(|row| view(&shared, row)).collect()))
}

/// A page for people is not this: whoever takes nothing else is told so.
fn must_take_json(headers: &HeaderMap) -> Result<(), Fault> {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let takes = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        matches!(kind, "*/*" | "application/*" | "application/json")
    };
    if accepted.split(',').any(takes) {
        return Ok(());
    }
    let (status, detail) = (StatusCode::NOT_ACCEPTABLE, "the answer is `application/json`");
    Err(Fault::new(status, "not_acceptable", "not acceptable", detail))
}

/// A new run of a task's pipeline; the runs that are active give way, unless `onActive` says
/// otherwise.
#[utoipa::path(
    post,
    path = "/pipelines",
    tag = "aliases",
    security(("token" = ["run"])),
    params(("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace")),
    request_body = StartTaskPipeline,
    responses((status = CREATED, body = TaskPipeline), (status = "default", body = Problem)),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    repeat: Repeat,
    traced: Traced,
    Json(request): Json<StartTaskPipeline>,
) -> Result<(StatusCode, Json<TaskPipeline>), Fault> {
    let StartTaskPipeline { task_id, pipeline, inputs, on_active, force } = request;
    let start = StartTask { pipeline, inputs, on_active, force, ..StartTask::default() };
    let run = {
        let of = (task_id.as_str(), repeat.run());
        tasks::start_task(&shared, &caller, of, (&IfMatch::default(), &traced), start).await?
    };
    let row = reference::run(&shared, &run.id).await?;
    Ok((StatusCode::CREATED, Json(view(&shared, &row))))
}

fn view(shared: &Shared, row: &RunRow) -> TaskPipeline {
    let (task_id, number) = match &row.task {
        Some((task, number)) => (Some(task.clone()), *number),
        None => (None, row.number),
    };
    let own = row.task.as_ref().map_or_else(|| row.id.to_string(), |_| row.name());
    TaskPipeline {
        id: row.name(),
        task_id,
        number,
        pipeline: row.pipeline.clone(),
        status: words::of_task(&row.status).to_owned(),
        reason: row.reason.clone(),
        started_by: row.by.clone(),
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.finished_at,
        workspace: shared.data_dir.join("workspaces").join(own).display().to_string(),
    }
}

/// One run.
#[utoipa::path(
    get,
    path = "/pipelines/{id}",
    operation_id = "aliases_show_task_pipeline",
    tag = "aliases",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`TASK-7-3`")),
    responses((status = OK, body = TaskPipeline), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<TaskPipeline>, Fault> {
    must_take_json(&headers)?;
    let row = reference::run(&shared, &id).await?;
    Ok(Json(view(&shared, &row)))
}

/// Cancels a run.
#[utoipa::path(
    post,
    path = "/pipelines/{id}/stop",
    tag = "aliases",
    security(("token" = ["run"])),
    params(("id" = String, Path, description = "`TASK-7-3`")),
    responses((status = OK, body = TaskPipeline), (status = "default", body = Problem)),
)]
pub(crate) async fn stop(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TaskPipeline>, Fault> {
    let command = Command::Cancel { by: caller.name, reason: String::new() };
    let Json(run) = runs::act(&shared, &id, command).await?;
    let row = reference::run(&shared, &run.id).await?;
    Ok(Json(view(&shared, &row)))
}

/// What is recorded of a run, and what the hands say when they are asked now.
#[utoipa::path(
    get,
    path = "/pipelines/{id}/status",
    tag = "aliases",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`TASK-7-3`")),
    responses((status = OK, body = TaskPipelineStatus), (status = "default", body = Problem)),
)]
pub(crate) async fn status(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TaskPipelineStatus>, Fault> {
    let row = reference::run(&shared, &id).await?;
    let seen = observed::observe(&shared, &row).await?;
    Ok(Json(TaskPipelineStatus {
        id: row.name(),
        task_id: row.task.map(|(task, _)| task),
        status: words::of_task(&seen.recorded).to_owned(),
        recorded: seen.recorded,
        live: seen.live,
        observed_at: seen.observed_at,
        drift: seen.drift,
    }))
}

/// What every attempt of a run has written so far, stage by stage; of each the last megabyte.
#[utoipa::path(
    get,
    path = "/pipelines/{id}/logs",
    tag = "aliases",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`TASK-7-3`")),
    responses(
        (status = OK, body = String, content_type = "text/plain"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn log(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let row = reference::run(&shared, &id).await?;
    let run = row.id;
    let attempts = history::look(&shared, &row, move |run_| {
        let rows = run_.rows();
        let of_row = |found: engine::view::Row<'_>| {
            let view = view::stage::view(run_, &found);
            let place = found.ix.get();
            let named = |number| {
                let key = captured::key(run, place, view.instance, number);
                (format!("{} attempt {number}", view.name), key)
            };
            view.attempts.iter().map(|attempt| named(attempt.number)).collect::<Vec<_>>()
        };
        rows.flat_map(of_row).collect::<Vec<_>>()
    })
    .await?;
    let (data, run) = (shared.data_dir.clone(), run.to_string());
    let text = blocking(move || together(&data, &run, &attempts)).await?;
    let text = text
        .map_err(|error| Refused::Internal(format!("could not read captured output: {error}")))?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}

fn together(
    data: &std::path::Path,
    run: &str,
    attempts: &[(String, String)],
) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for (name, key) in attempts {
        let total = captured::read(data, run, key, u64::MAX, 0, Times::Unwanted)?.total;
        let from = total.saturating_sub(PART as u64);
        let chunk = captured::read(data, run, key, from, PART, Times::Unwanted)?;
        writeln!(text, "==> {name} <==")?;
        if chunk.offset > 0 {
            writeln!(text, "[{} bytes before]", chunk.offset)?;
        }
        text.extend_from_slice(&chunk.bytes);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    Ok(text)
}
