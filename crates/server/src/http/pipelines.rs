//! The catalogue.

use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::pipeline::{Definition, PipelineDetail, PipelineSummary, Plan, Revision, StartRun};
use api::problem::Problem;
use api::run::RunSummary;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use store::port::{Change, Expect, PipelineQuery, PipelineRow, Read, RevisionRow};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::repeat::Repeat;
use super::runs::{self, OfPipeline};
use super::tag::{IfMatch, Version, Versioned};
use super::traced::Traced;
use crate::conductor::desk::{Ask, Save};
use crate::definition::Checked;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(run))
        .routes(routes!(runs))
        .routes(routes!(revisions))
        .routes(routes!(revision))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Revisions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Older {
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: the number of a revision.
    #[param(pattern = "^[0-9]{1,9}$")]
    after: Option<String>,
}

pub(crate) fn limit(wanted: Option<Limit>) -> u32 {
    wanted.map_or(Limit::DEFAULT, Into::into)
}

/// Pipelines by name.
#[utoipa::path(
    get,
    path = "/api/pipelines",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(Paging),
    responses(
        (status = OK, body = Page<PipelineSummary>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<PipelineSummary>>, Fault> {
    let limit = limit(paging.limit);
    let data = shared
        .read(move |reader| {
            let rows =
                reader.pipelines(&PipelineQuery { after: paging.after, limit: limit + 1 })?;
            rows.into_iter().map(|row| summary(reader, row)).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(Json(page("pipeline", data, limit, |summary| summary.name.clone())))
}

/// Words separated by commas, each of which is known.
pub(crate) fn statuses(text: Option<&str>, known: &[&str]) -> Result<Vec<String>, Fault> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let words: Vec<String> = text.split(',').map(str::to_owned).collect();
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        None => Ok(words),
        Some(unknown) => {
            let problem = format!("`{unknown}` is no status; there are: {}", known.join(", "));
            Err(Fault::bad_request(problem.clone()).field("status", problem))
        }
    }
}

/// A page begins after what the page before said.
pub(crate) fn bad_after(what: &str) -> Fault {
    let problem = format!("it has to be {what}, as `next` of the page before says it");
    Fault::bad_request(format!("`after`: {problem}")).field("after", problem)
}

/// One page of `limit` items; there is a next one when there are more.
pub(crate) fn page<T>(noun: &str, data: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Page<T> {
    page_of(noun, data, limit, key, |item| item)
}

/// The same of rows that are shown as something else.
pub(crate) fn page_of<R, T>(
    noun: &str,
    mut rows: Vec<R>,
    limit: u32,
    key: impl Fn(&R) -> String,
    view: impl FnMut(R) -> T,
) -> Page<T> {
    let limit = limit as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(key) } else { None };
    let data = rows.into_iter().map(view).collect();
    Page { schema: format!("orchestrate.{noun}.list/v1"), data, next }
}

pub(crate) fn summary(reader: &dyn Read, row: PipelineRow) -> Result<PipelineSummary, Refused> {
    Ok(view::pipeline::of_row(reader, row)?)
}

/// A pipeline in its current revision.
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses(
        (status = OK, body = PipelineDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Versioned<Json<PipelineDetail>>, Fault> {
    let detail = detail(&shared, name).await?;
    Ok(Versioned(version(detail.summary.revision), Json(detail)))
}

/// What `If-Match` of an update names.
fn version(revision: u32) -> Version {
    Version(format!("r{revision}"))
}

async fn detail(shared: &Shared, name: String) -> Result<PipelineDetail, Fault> {
    let definitions = Arc::clone(&shared.definitions);
    let detail = shared
        .read(move |reader| {
            let missing = || Refused::NotFound { what: "pipeline", name: name.clone() };
            let row = reader.pipeline(&name)?.ok_or_else(missing)?;
            let revision = reader.revision(&name, None)?.ok_or_else(missing)?;
            let schedules = reader.schedules(Some(&name))?;
            let (stages, triggers, inputs) =
                match definitions.parsed(&revision.digest, &revision.text) {
                    Ok(pipeline) => (
                        view::pipeline::outlines(&pipeline),
                        view::trigger::outlines(&pipeline, &schedules, row.enabled),
                        view::pipeline::inputs(&pipeline),
                    ),
                    // Stored by another version of the language: its text can still be shown.
                    Err(_problem) => (Vec::new(), Vec::new(), Vec::new()),
                };
            let RevisionRow { text: definition, digest, .. } = revision;
            let summary = summary(reader, row)?;
            Ok(PipelineDetail { summary, definition, digest, stages, triggers, inputs })
        })
        .await?;
    Ok(detail)
}

/// A new pipeline, named as its definition says.
#[utoipa::path(
    post,
    path = "/api/pipelines",
    tag = "pipelines",
    security(("token" = ["define"])),
    request_body = Definition,
    responses(
        (status = CREATED, body = PipelineDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(request): Json<Definition>,
) -> Result<(StatusCode, Json<PipelineDetail>), Fault> {
    let text = match (request.definition, request.name) {
        (text, None) => text,
        (text, Some(name)) if text.is_empty() => begun(&name, request.description.as_deref()),
        (_, Some(_)) => return Err(Fault::invalid_input("give either `definition` or `name`")),
    };
    let checked = runs::valid(&shared, text, request.file).await?;
    let name = store_revision(&shared, caller, checked, Expect::Absent).await?;
    Ok((StatusCode::CREATED, Json(detail(&shared, name).await?)))
}

/// A pipeline that has yet to get its checkpoints. It has to have a stage: one that does nothing.
fn begun(name: &str, description: Option<&str>) -> String {
    // JSON is YAML.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let described = description.map(|text| format!("description: {}\n", quoted(text)));
    let described = described.unwrap_or_default();
    format!("name: {}\n{described}stages:\n  - name: start\n    noop: true\n", quoted(name))
}

/// A new revision; the same text makes none.
#[utoipa::path(
    put,
    path = "/api/pipelines/{name}",
    tag = "pipelines",
    security(("token" = ["define"])),
    params(
        ("name" = String, Path, description = "Name of the pipeline"),
        ("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another revision by now"),
    ),
    request_body = Definition,
    responses(
        (status = OK, body = PipelineDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Json(request): Json<Definition>,
) -> Result<Versioned<Json<PipelineDetail>>, Fault> {
    let mut expect = request.expected_revision.map_or(Expect::Present, Expect::Revision);
    if seen.0.is_some() {
        let current = revision_of(&shared, name.clone()).await?;
        seen.check(&version(current))?;
        // Nobody may come in between.
        expect = Expect::Revision(request.expected_revision.unwrap_or(current));
    }
    let checked = runs::valid(&shared, request.definition, request.file).await?;
    if checked.pipeline.name != name {
        return Err(Fault::invalid_input(format!(
            "the definition is of `{}`, not of `{name}`: a pipeline keeps its name",
            checked.pipeline.name
        )));
    }
    let name = store_revision(&shared, caller, checked, expect).await?;
    let detail = detail(&shared, name).await?;
    Ok(Versioned(version(detail.summary.revision), Json(detail)))
}

async fn revision_of(shared: &Shared, name: String) -> Result<u32, Refused> {
    shared
        .read(move |reader| match reader.pipeline(&name)? {
            Some(row) => Ok(row.revision),
            None => Err(Refused::NotFound { what: "pipeline", name }),
        })
        .await
}

pub(super) async fn store_revision(
    shared: &Shared,
    caller: Caller,
    checked: Checked,
    expect: Expect,
) -> Result<String, Fault> {
    let name = checked.pipeline.name.clone();
    let Checked { pipeline, digest, text } = checked;
    let save = Box::new(Save { pipeline, text, digest, by: caller.name, expect });
    shared.desk.ask(|reply| Ask::Save { save, reply }).await?;
    Ok(name)
}

/// Its runs and revisions are kept; its name is free.
#[utoipa::path(
    delete,
    path = "/api/pipelines/{name}",
    tag = "pipelines",
    security(("token" = ["define"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses(
        (status = NO_CONTENT),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Caller { name: by, .. }: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    shared.desk.store(|at| Change::DeletePipeline { name, by, at }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// From now on it may be started.
#[utoipa::path(
    post,
    path = "/api/pipelines/{name}/enable",
    tag = "pipelines",
    security(("token" = ["define"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses(
        (status = OK, body = PipelineDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn enable(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<PipelineDetail>, Fault> {
    set_enabled(&shared, caller, name, true).await
}

/// It starts nothing any more; what runs goes on.
#[utoipa::path(
    post,
    path = "/api/pipelines/{name}/disable",
    tag = "pipelines",
    security(("token" = ["define"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses(
        (status = OK, body = PipelineDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn disable(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<PipelineDetail>, Fault> {
    set_enabled(&shared, caller, name, false).await
}

async fn set_enabled(
    shared: &Shared,
    Caller { name: by, .. }: Caller,
    name: String,
    enabled: bool,
) -> Result<Json<PipelineDetail>, Fault> {
    let of = name.clone();
    shared.desk.store(move |at| Change::SetEnabled { name: of, enabled, by, at }).await?;
    Ok(Json(detail(shared, name).await?))
}

/// Starts a run of the current revision, or with `dry_run` says what it would do.
#[utoipa::path(
    post,
    path = "/api/pipelines/{name}/run",
    tag = "pipelines",
    security(("token" = ["run"])),
    params(
        ("name" = String, Path, description = "Name of the pipeline"),
        ("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace"),
    ),
    request_body = StartRun,
    responses(
        (status = OK, body = Plan),
        (status = CREATED, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn run(
    state: State<Arc<Shared>>,
    caller: Caller,
    repeat: Repeat,
    traced: Traced,
    Path(name): Path<String>,
    Json(request): Json<StartRun>,
) -> Result<axum::response::Response, Fault> {
    if request.definition.is_some() || request.pipeline.as_ref().is_some_and(|p| *p != name) {
        return Err(Fault::invalid_input("the path names the pipeline already"));
    }
    let request = StartRun { pipeline: Some(name), ..request };
    runs::start(state, caller, repeat, traced, Json(request)).await
}

/// Runs of a pipeline, newest first.
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}/runs",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline"), OfPipeline),
    responses(
        (status = OK, body = Page<RunSummary>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn runs(
    state: State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Params(list): Params<OfPipeline>,
) -> Result<Json<Page<RunSummary>>, Fault> {
    runs::list(state, caller, Params(list.of(name))).await
}

/// Revisions, newest first.
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}/revisions",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline"), Older),
    responses(
        (status = OK, body = Page<Revision>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn revisions(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
    Params(paging): Params<Older>,
) -> Result<Json<Page<Revision>>, Fault> {
    let limit = limit(paging.limit);
    let before = match paging.after.as_deref().map(str::parse::<u32>) {
        None => None,
        Some(Ok(number)) => Some(number),
        Some(Err(_)) => return Err(bad_after("the number of a revision")),
    };
    let rows = shared
        .read(move |reader| {
            // Revisions are few: older pages are cut from the whole list.
            let all = if before.is_some() { u32::MAX } else { limit + 1 };
            let rows = reader.revisions(&name, all)?;
            if rows.is_empty() {
                return Err(Refused::NotFound { what: "pipeline", name });
            }
            let older = rows.into_iter().filter(|row| before.is_none_or(|b| row.number < b));
            Ok(older.take(limit as usize + 1).map(view::pipeline::revision).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(page("revision", rows, limit, |revision| revision.number.to_string())))
}

/// One revision with its text.
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}/revisions/{number}",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline"), ("number" = u32, Path, description = "Number of the revision", minimum = 1)),
    responses(
        (status = OK, body = Revision),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn revision(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((name, number)): Path<(String, String)>,
) -> Result<Json<Revision>, Fault> {
    let Ok(number) = number.parse::<u32>() else {
        return Err(Fault::bad_request("a revision is named by its number"));
    };
    let row = shared
        .read(move |reader| {
            let row = reader.revision(&name, Some(number))?;
            row.ok_or(Refused::NotFound { what: "revision", name: format!("{name} v{number}") })
        })
        .await?;
    Ok(Json(view::pipeline::revision(row)))
}
