//! Runs, and what can be asked of them.

use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::pipeline::{Plan, StartRun};
use api::problem::Problem;
use api::run::{Cancel, EventView, Pause, Resolve, Retry, RunDetail, RunSummary};
use api::words::{RUN_MODES, RUN_SORTS, RUN_STATUSES, run_mode, run_sorts, run_statuses};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::command::{Command, Verdict};
use engine::id::{ExecutionId, RunId};
use serde::Deserialize;
use store::port::{RunOrder, RunQuery, RunRow, RunSort};
use uuid::Uuid;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::repeat::Repeat;
use super::traced::Traced;
use super::{pipelines, reference, versions};
use crate::conductor::desk::Ask;
use crate::definition::{Checked, check};
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::intake::{Source, Start, Unfit};
use crate::shared::{Shared, blocking};
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list, start))
        .routes(routes!(show))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(resolve))
        .routes(routes!(events))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// Only of this pipeline; also `pipeline_id`.
    #[serde(alias = "pipeline_id")]
    pipeline: Option<String>,
    task: Option<String>,
    /// What they really do.
    #[param(schema_with = run_mode)]
    mode: Option<String>,
    /// Words of statuses, separated by commas.
    #[param(schema_with = run_statuses)]
    status: Option<String>,
    finished: Option<bool>,
    /// By what they are sorted; with `-` the largest first.
    #[param(schema_with = run_sorts)]
    sort: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: the id of a run.
    #[param(format = Uuid)]
    after: Option<String>,
}

/// The same of one pipeline.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfPipeline {
    /// Words of statuses, separated by commas.
    #[param(schema_with = run_statuses)]
    status: Option<String>,
    finished: Option<bool>,
    /// By what they are sorted; with `-` the largest first.
    #[param(schema_with = run_sorts)]
    sort: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: the id of a run.
    #[param(format = Uuid)]
    after: Option<String>,
}

impl OfPipeline {
    pub(crate) fn of(self, pipeline: String) -> List {
        let Self { status, finished, sort, limit, after } = self;
        List { pipeline: Some(pipeline), status, finished, sort, limit, after, ..List::default() }
    }
}

/// Runs, newest first, or as they are asked to be sorted.
#[utoipa::path(
    get,
    path = "/api/runs",
    tag = "runs",
    security(("token" = ["read"])),
    params(List),
    responses(
        (status = OK, body = Page<RunSummary>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(list): Params<List>,
) -> Result<Json<Page<RunSummary>>, Fault> {
    let limit = pipelines::limit(list.limit);
    let before = before(list.after.as_deref())?;
    let statuses = pipelines::statuses(list.status.as_deref(), RUN_STATUSES)?;
    let order = list.sort.as_deref().map(order).transpose()?.unwrap_or_default();
    if let Some(mode) = &list.mode
        && !RUN_MODES.contains(&mode.as_str())
    {
        let detail = format!("`{mode}` is no mode of a run: write {}", RUN_MODES.join(" or "));
        return Err(Fault::bad_request(detail));
    }
    let rows = shared
        .read(move |reader| {
            let List { pipeline, task, finished, mode, .. } = list;
            let limit = limit + 1;
            let query = RunQuery { pipeline, task, statuses, finished, mode, order, before, limit };
            Ok(reader.runs(&query)?)
        })
        .await?;
    let data = rows.iter().map(view::run::summary).collect();
    Ok(Json(pipelines::page("run", data, limit, |summary: &RunSummary| summary.id.clone())))
}

fn order(sort: &str) -> Result<RunOrder, Fault> {
    let (descending, word) = match sort.strip_prefix('-') {
        Some(word) => (true, word),
        None => (false, sort),
    };
    let by = match word {
        "created" => RunSort::Created,
        "duration" => RunSort::Duration,
        "name" => RunSort::Name,
        "status" => RunSort::Status,
        _ => {
            let known = RUN_SORTS.join(", ");
            let problem = format!("runs are not sorted by `{sort}`; there are: {known}");
            return Err(Fault::bad_request(problem.clone()).field("sort", problem));
        }
    };
    Ok(RunOrder { by, descending })
}

/// The run that a page comes after.
pub(super) fn before(after: Option<&str>) -> Result<Option<RunId>, Fault> {
    let id = after.map(Uuid::try_parse).transpose();
    let id = id.map_err(|_| pipelines::bad_after("the id of a run"))?;
    Ok(id.map(RunId))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    /// After so many events.
    at: Option<u64>,
}

/// The run as it is, or as it was after its first events.
#[utoipa::path(
    get,
    path = "/api/runs/{run}",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), Shown),
    responses(
        (status = OK, body = RunDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(Shown { at }): Params<Shown>,
) -> Result<Json<RunDetail>, Fault> {
    let row = reference::run(&shared, &run).await?;
    Ok(Json(match at {
        None => history::detail(&shared, &row).await?,
        Some(at) => history::look_at(&shared, &row, at, view::run::detail).await?,
    }))
}

/// Starts a run, or says what it would do.
#[utoipa::path(
    post,
    path = "/api/runs",
    tag = "runs",
    security(("token" = ["run"])),
    params(("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace")),
    request_body = StartRun,
    responses(
        (status = OK, body = Plan),
        (status = CREATED, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    repeat: Repeat,
    Traced(traceparent): Traced,
    Json(mut request): Json<StartRun>,
) -> Result<Response, Fault> {
    let dry_run = request.dry_run;
    let held = request.pipeline_id.is_some();
    if let Some(name) = request.pipeline_id.take()
        && request.pipeline.replace(name).is_some()
    {
        return Err(Fault::invalid_input("give either `pipeline` or `pipeline_id`"));
    }
    let previous = request.previous_run_id.take();
    let mut start = Box::new(asked_for(&shared, caller.name, request).await?);
    if dry_run {
        let config = shared.config()?;
        let plan = blocking(move || crate::plan::plan(*start, &config)).await??;
        return Ok(Json(plan).into_response());
    }
    start.id = repeat.run();
    start.held = held;
    start.traceparent = traceparent;
    start.origin = match previous {
        None => versions::origin(&shared, &start.pipeline).await?,
        Some(run) => versions::origin_of(&shared, &run, &start.pipeline).await?,
    };
    let summary = shared.desk.ask(|reply| Ask::Start { start, reply }).await?;
    Ok((StatusCode::CREATED, Json(summary)).into_response())
}

/// What is to be started: a stored pipeline as it is now, or a definition that comes along.
pub(super) async fn asked_for(
    shared: &Shared,
    by: String,
    mut request: StartRun,
) -> Result<Start, Fault> {
    let start = match (request.pipeline.take(), request.definition.take()) {
        (Some(name), None) => {
            let definitions = Arc::clone(&shared.definitions);
            let (pipeline, revision, digest) =
                shared.read(move |reader| definitions.current(reader, &name)).await?;
            Start::new(pipeline, digest, Source::Stored { revision }, by, request)
        }
        (None, Some(text)) => {
            let file = request.file.take();
            let Checked { pipeline, digest, text } = valid(shared, text, file).await?;
            Start::new(pipeline, digest, Source::Given { text }, by, request)
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(Fault::invalid_input("give either `pipeline` or `definition`"));
        }
    };
    start.map_err(unfit)
}

pub(super) fn unfit(unfit: Unfit) -> Fault {
    Fault::invalid_input(unfit.to_string())
}

/// A definition without errors, or all of its diagnostics.
pub(crate) async fn valid(
    shared: &Shared,
    text: String,
    file: Option<String>,
) -> Result<Checked, Fault> {
    let definitions = Arc::clone(&shared.definitions);
    let agents = Arc::clone(&shared.agents);
    let checked = blocking(move || {
        let known = agents.shelf(None, None).elsewhere(true);
        let report = check(&text, file.as_deref(), &known);
        report.into_valid(text, &definitions)
    });
    checked.await?.map_err(|report| Fault::definition(report.rendered, report.diagnostics))
}

/// Dispatch stops at once; running attempts finish, or with `now` are stopped.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/pause",
    tag = "runs",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Pause,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn pause(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Pause { now }): Json<Pause>,
) -> Result<Json<RunSummary>, Fault> {
    act(&shared, &run, Command::Pause { by: caller.name, now }).await
}

/// A paused run goes on; deadlines have moved by the pause.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/resume",
    tag = "runs",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn resume(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<RunSummary>, Fault> {
    act(&shared, &run, Command::Resume { by: caller.name }).await
}

/// Ends a run; what waits settles at once, what runs is stopped.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/cancel",
    tag = "runs",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Cancel,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn cancel(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Cancel { reason }): Json<Cancel>,
) -> Result<Json<RunSummary>, Fault> {
    act(&shared, &run, Command::Cancel { by: caller.name, reason }).await
}

/// Runs again what failed, or everything from a stage on.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/retry",
    tag = "runs",
    security(("token" = ["run"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Retry,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn retry(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Retry { from }): Json<Retry>,
) -> Result<Json<RunSummary>, Fault> {
    let from = from.as_deref().map(execution).transpose()?;
    act(&shared, &run, Command::Retry { by: caller.name, from }).await
}

/// Says what became of an attempt that nobody knows the end of.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/resolve",
    tag = "runs",
    security(("token" = ["maintain"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    request_body = Resolve,
    responses(
        (status = OK, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn resolve(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(run): Path<String>,
    Json(Resolve { stage, verdict }): Json<Resolve>,
) -> Result<Json<RunSummary>, Fault> {
    let verdict = match verdict.as_str() {
        "retry" => Verdict::Retry,
        "succeeded" => Verdict::Succeeded,
        "failed" => Verdict::Failed,
        _ => {
            let detail = format!("`{verdict}` is no verdict: write retry, succeeded or failed");
            return Err(Fault::bad_request(detail));
        }
    };
    let execution = execution(&stage)?;
    act(&shared, &run, Command::Resolve { by: caller.name, execution, verdict }).await
}

pub(super) fn execution(text: &str) -> Result<ExecutionId, Fault> {
    text.parse().map_err(|bad: engine::id::BadExecution| Fault::invalid_input(bad.to_string()))
}

pub(super) async fn act(
    shared: &Shared,
    run: &str,
    command: Command,
) -> Result<Json<RunSummary>, Fault> {
    let RunRow { id: run, .. } = reference::run(shared, run).await?;
    let command = Box::new(command);
    Ok(Json(shared.desk.ask(|reply| Ask::Act { run, command, reply }).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Events {
    #[serde(default)]
    after: u64,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
}

/// Events of the journal, oldest first.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/events",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), Events),
    responses(
        (status = OK, body = Page<EventView>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn events(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(Events { after, limit }): Params<Events>,
) -> Result<Json<Page<EventView>>, Fault> {
    let RunRow { id, .. } = reference::run(&shared, &run).await?;
    let limit = pipelines::limit(limit);
    let rows = shared.read(move |reader| Ok(reader.events(id, after, limit + 1)?)).await?;
    let data = rows.iter().map(view::event::of_row).collect();
    Ok(Json(pipelines::page("event", data, limit, |event: &EventView| event.seq.to_string())))
}
