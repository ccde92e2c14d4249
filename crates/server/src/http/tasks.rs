//! Tasks: what there is to do, and the runs that do it.

use std::sync::Arc;

use api::Page;
use api::problem::Problem;
use api::run::RunSummary;
use api::task::{ChangeTask, CreateTask, StartTask, StopTask, TaskView};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::id::RunId;
use serde::Deserialize;
use store::port::{Refusal, RunQuery, TaskQuery, TaskRow, Wanted};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use super::repeat::Repeat;
use super::tag::{IfMatch, Version, Versioned};
use super::traced::Traced;
use crate::conductor::desk::Ask;
use crate::conductor::tasks::{StartTask as Started, TaskAsk, TaskDone, Then};
use crate::http::rooms::{Rooms, routes};
use crate::intake::Start;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view;

pub(super) mod written;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(runs))
}

/// How often a change is made again when somebody else was quicker, and nobody said which version
/// it is about.
const TRIES: usize = 32;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The status that was set: `todo in-progress done cancelled`.
    #[param(pattern = "^(todo|in-progress|done|cancelled)$")]
    status: Option<String>,
    label: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// The id of the last task of the page before.
    after: Option<String>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/tasks",
    tag = "tasks",
    security(("token" = ["read"])),
    params(List),
    responses((status = OK, body = Page<TaskView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(List { status, label, limit, after }): Params<List>,
) -> Result<Json<Page<TaskView>>, Fault> {
    let limit = pipelines::limit(limit);
    let wanted = status.as_deref().map(written::wanted).transpose()?;
    let data = shared
        .read(move |reader| {
            let query = TaskQuery { wanted, label, before: after, limit: limit + 1 };
            let rows = reader.tasks(&query)?;
            rows.into_iter().map(|row| view::task::view(reader, row)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(Json(pipelines::page("task", data, limit, |task: &TaskView| task.id.clone())))
}

/// A new task; with the status `in-progress` it is started at once.
#[utoipa::path(
    post,
    path = "/api/tasks",
    tag = "tasks",
    security(("token" = ["run"])),
    params(("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace")),
    request_body = CreateTask,
    responses((status = CREATED, body = TaskView), (status = "default", body = Problem)),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Traced(traceparent): Traced,
    Json(request): Json<CreateTask>,
) -> Result<Response, Fault> {
    let force = request.force;
    let task = written::created(request)?;
    let mut then = match task.wanted {
        Wanted::InProgress => {
            let plain = StartTask { force, ..StartTask::default() };
            written::start(&shared, &caller, &task, plain).await?
        }
        Wanted::Todo | Wanted::Done | Wanted::Cancelled => Then::Nothing,
    };
    if let Then::Start(start) = &mut then {
        start.said = true;
        start.start.traceparent = traceparent;
    }
    let done = ask(&shared, caller, task, then).await?;
    Ok(answer(StatusCode::CREATED, find(&shared, done.id).await?))
}

/// A task, with what is derived from its runs.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}",
    tag = "tasks",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`TASK-7`")),
    responses((status = OK, body = TaskView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    Ok(answer(StatusCode::OK, find(&shared, id).await?))
}

/// Changes what is given. The status `in-progress` starts the task's pipeline unless one of its
/// runs is active; `todo`, `done` and `cancelled` stop active runs.
#[utoipa::path(
    patch,
    path = "/api/tasks/{id}",
    tag = "tasks",
    security(("token" = ["run"])),
    params(
        ("id" = String, Path, description = "`TASK-7`"),
        ("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another version by now"),
    ),
    request_body = ChangeTask,
    responses((status = OK, body = TaskView), (status = "default", body = Problem)),
)]
pub(crate) async fn change(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    seen: IfMatch,
    traced: Traced,
    Json(request): Json<ChangeTask>,
) -> Result<Response, Fault> {
    wish(&shared, &caller, &id, (&seen, &traced), &Wish::Change(request)).await?;
    Ok(answer(StatusCode::OK, find(&shared, id).await?))
}

/// Its runs stay. Refused while one of them is active, or another task needs it.
#[utoipa::path(
    delete,
    path = "/api/tasks/{id}",
    tag = "tasks",
    security(("token" = ["run"])),
    params(
        ("id" = String, Path, description = "`TASK-7`"),
        ("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another version by now"),
    ),
    responses((status = NO_CONTENT), (status = "default", body = Problem)),
)]
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<StatusCode, Fault> {
    wish(&shared, &caller, &id, (&seen, &Traced(None)), &Wish::Delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new run of the task's pipeline, named `<task>-<n>`; the task is in progress from now on. What
/// happens to runs that are active is said by `on_active`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/start",
    tag = "tasks",
    security(("token" = ["run"])),
    params(
        ("id" = String, Path, description = "`TASK-7`"),
        ("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another version by now"),
        ("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace"),
    ),
    request_body = StartTask,
    responses((status = CREATED, body = RunSummary), (status = "default", body = Problem)),
)]
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    repeat: Repeat,
    Path(id): Path<String>,
    seen: IfMatch,
    traced: Traced,
    Json(request): Json<StartTask>,
) -> Result<(StatusCode, Json<RunSummary>), Fault> {
    let run = start_task(&shared, &caller, (&id, repeat.run()), (&seen, &traced), request).await?;
    Ok((StatusCode::CREATED, Json(run)))
}

/// The same for whoever speaks to a task in other words.
pub(super) async fn start_task(
    shared: &Shared,
    caller: &Caller,
    (id, run): (&str, Option<RunId>),
    said: (&IfMatch, &Traced),
    request: StartTask,
) -> Result<RunSummary, Fault> {
    started(shared, wish(shared, caller, id, said, &Wish::Start(request, run)).await?).await
}

/// The next run of a task, which goes on from one of its runs. That its prerequisites are done was
/// seen to when that one was started.
pub(super) async fn go_on(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    start: Box<Start>,
) -> Result<RunSummary, Fault> {
    if row(shared, id).await.is_err_and(|refused| matches!(refused, Refused::NotFound { .. })) {
        let pipeline = &start.pipeline.name;
        let fault = Fault::conflict(format!("the run belongs to task `{id}`, which was deleted"));
        return Err(fault.hint(format!("orchestrate task create --id {id} --pipeline {pipeline}")));
    }
    // What it goes on with has been said of the start.
    let said = (&IfMatch::default(), &Traced(start.traceparent.clone()));
    started(shared, wish(shared, caller, id, said, &Wish::GoOn(start)).await?).await
}

async fn started(shared: &Shared, done: TaskDone) -> Result<RunSummary, Fault> {
    let gone = || Refused::Internal("a run was started and is not there".to_owned());
    let run = done.run.ok_or_else(gone)?;
    let row = shared.read(move |reader| reader.run(run)?.ok_or_else(gone)).await?;
    Ok(view::run::summary(&row))
}

/// Cancels the active runs of the task; it is to do again.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/stop",
    tag = "tasks",
    security(("token" = ["run"])),
    params(
        ("id" = String, Path, description = "`TASK-7`"),
        ("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another version by now"),
    ),
    request_body = StopTask,
    responses((status = OK, body = TaskView), (status = "default", body = Problem)),
)]
pub(crate) async fn stop(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    seen: IfMatch,
    Json(StopTask { reason }): Json<StopTask>,
) -> Result<Response, Fault> {
    wish(&shared, &caller, &id, (&seen, &Traced(None)), &Wish::Stop { reason }).await?;
    Ok(answer(StatusCode::OK, find(&shared, id).await?))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: the id of a run.
    #[param(format = Uuid)]
    after: Option<String>,
}

/// Every run of the task, newest first; also of one that was deleted.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/runs",
    tag = "tasks",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`TASK-7`"), Paging),
    responses((status = OK, body = Page<RunSummary>), (status = "default", body = Problem)),
)]
pub(crate) async fn runs(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
    Params(Paging { limit, after }): Params<Paging>,
) -> Result<Json<Page<RunSummary>>, Fault> {
    let limit = pipelines::limit(limit);
    let before = super::runs::before(after.as_deref())?;
    let rows = shared
        .read(move |reader| {
            reader.task(&id)?.ok_or_else(|| missing(&id))?;
            let limit = limit + 1;
            let query = RunQuery { task: Some(id), before, limit, ..RunQuery::default() };
            Ok(reader.runs(&query)?)
        })
        .await?;
    let data = rows.iter().map(view::run::summary).collect();
    Ok(Json(pipelines::page("run", data, limit, |run: &RunSummary| run.id.clone())))
}

fn missing(id: &str) -> Refused {
    Refused::NotFound { what: "task", name: id.to_owned() }
}

/// A task that is not deleted.
pub(super) async fn row(shared: &Shared, id: &str) -> Result<TaskRow, Refused> {
    let id = id.to_owned();
    shared
        .read(move |reader| {
            let row = reader.task(&id)?.filter(|row| row.deleted_at.is_none());
            row.ok_or_else(|| missing(&id))
        })
        .await
}

pub(super) async fn find(shared: &Shared, id: String) -> Result<TaskView, Refused> {
    let row = row(shared, &id).await?;
    shared.read(move |reader| view::task::view(reader, row)).await
}

/// With its version, which a change may name.
fn answer(status: StatusCode, task: TaskView) -> Response {
    Versioned(version(task.version), (status, Json(task))).into_response()
}

fn version(of: u64) -> Version {
    Version(of.to_string())
}

/// What somebody wants of a task.
enum Wish {
    Change(ChangeTask),
    /// With the id of the run, where asking again must not start again.
    Start(StartTask, Option<RunId>),
    /// With what one of its runs gave.
    GoOn(Box<Start>),
    Stop {
        reason: String,
    },
    Delete,
}

/// Looks at the task, says what it is to be, and asks for it; again when somebody else was quicker
/// and no version was named.
async fn wish(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    (seen, traced): (&IfMatch, &Traced),
    wish: &Wish,
) -> Result<TaskDone, Fault> {
    let mut tries = TRIES;
    loop {
        let task = row(shared, id).await?;
        seen.check(&version(task.version))?;
        let (task, mut then) = meant(shared, caller, task, wish).await?;
        if let Then::Start(start) = &mut then {
            start.start.traceparent.clone_from(&traced.0);
        }
        tries -= 1;
        match ask(shared, caller.clone(), task, then).await {
            Ok(done) => return Ok(done),
            Err(Refused::Catalog(Refusal::TaskMoved { .. })) if seen.0.is_none() && tries > 0 => {}
            Err(refused) => return Err(refused.into()),
        }
    }
}

/// What the task is to be, and what follows.
async fn meant(
    shared: &Shared,
    caller: &Caller,
    task: TaskRow,
    wish: &Wish,
) -> Result<(TaskRow, Then), Fault> {
    match wish {
        Wish::Change(change) => changed(shared, caller, task, change).await,
        Wish::Start(request, run) => {
            let mut then = written::start(shared, caller, &task, request.clone()).await?;
            if let Then::Start(start) = &mut then {
                start.start.id = *run;
            }
            Ok((TaskRow { wanted: Wanted::InProgress, ..task }, then))
        }
        Wish::GoOn(start) => {
            let (start, on_active) = (Start::clone(start), task.on_active);
            let started = Started { start, on_active, force: true, said: false };
            let then = Then::Start(Box::new(started));
            Ok((TaskRow { wanted: Wanted::InProgress, ..task }, then))
        }
        Wish::Stop { reason } => {
            Ok((TaskRow { wanted: Wanted::Todo, ..task }, Then::Stop { reason: reason.clone() }))
        }
        Wish::Delete => Ok((task, Then::Delete)),
    }
}

async fn changed(
    shared: &Shared,
    caller: &Caller,
    task: TaskRow,
    change: &ChangeTask,
) -> Result<(TaskRow, Then), Fault> {
    let id = task.id.clone();
    let task = written::changed(task, change.clone())?;
    let then = match change.status.as_ref().map(|_| task.wanted) {
        None => Then::Nothing,
        Some(Wanted::InProgress) => {
            let standing = shared.read(move |reader| view::task::Standing::of(reader, &id)).await?;
            if standing.active.is_empty() {
                let plain = StartTask { force: change.force, ..StartTask::default() };
                let mut then = written::start(shared, caller, &task, plain).await?;
                if let Then::Start(start) = &mut then {
                    start.said = true;
                }
                then
            } else {
                Then::Nothing
            }
        }
        Some(wanted @ (Wanted::Todo | Wanted::Done | Wanted::Cancelled)) => {
            Then::Stop { reason: format!("the task was set to {}", wanted.word()) }
        }
    };
    Ok((task, then))
}

pub(super) async fn ask(
    shared: &Shared,
    caller: Caller,
    task: TaskRow,
    then: Then,
) -> Result<TaskDone, Refused> {
    let ask = Box::new(TaskAsk { task, by: caller.name, then });
    shared.desk.ask(|reply| Ask::Task { ask, reply }).await
}
