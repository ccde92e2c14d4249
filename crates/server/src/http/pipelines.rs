//! The catalogue.

use axum::routing::{get, post};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

use api::Page;
use api::pipeline::{Definition, PipelineDetail, PipelineSummary, Revision, StartRun};
use api::run::RunSummary;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use store::port::{Change, Expect, PipelineQuery, PipelineRow, Read, RevisionRow};

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::runs::{self, List};
use crate::conductor::desk::{Ask, Save};
use crate::definition::Checked;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .route("/api/pipelines", get(list).post(create))
        .route("/api/pipelines/{name}", get(show).put(update).delete(delete))
        .route("/api/pipelines/{name}/enable", post(enable))
        .route("/api/pipelines/{name}/disable", post(disable))
        .route("/api/pipelines/{name}/run", post(run))
        .route("/api/pipelines/{name}/runs", get(runs))
        .route("/api/pipelines/{name}/revisions", get(revisions))
        .route("/api/pipelines/{name}/revisions/{number}", get(revision))
}

const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    limit: Option<u32>,
    after: Option<String>,
}

pub(crate) fn limit(wanted: Option<u32>) -> u32 {
    wanted.unwrap_or(PAGE).clamp(1, PAGE_MAX)
}

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

/// Words separated by commas.
pub(crate) fn words(text: Option<&str>) -> Vec<String> {
    let words = text.unwrap_or_default().split(',').map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
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
    let mut recent = reader.recent(&row.name)?;
    if recent.last.as_ref().is_some_and(|last| last.superseded) {
        // The pipeline went back to an earlier one.
        recent.last = reader.latest(&row.name)?;
    }
    Ok(view::pipeline::summary(row, recent))
}

pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<PipelineDetail>, Fault> {
    Ok(Json(detail(&shared, name).await?))
}

async fn detail(shared: &Shared, name: String) -> Result<PipelineDetail, Fault> {
    let definitions = Arc::clone(&shared.definitions);
    let detail = shared
        .read(move |reader| {
            let missing = || Refused::NotFound { what: "pipeline", name: name.clone() };
            let row = reader.pipeline(&name)?.ok_or_else(missing)?;
            let revision = reader.revision(&name, None)?.ok_or_else(missing)?;
            let stages = match definitions.parsed(&revision.digest, &revision.text) {
                Ok(pipeline) => view::pipeline::outlines(&pipeline),
                // Stored by another version of the language: its text can still be shown.
                Err(_problem) => Vec::new(),
            };
            let RevisionRow { text: definition, digest, .. } = revision;
            Ok(PipelineDetail { summary: summary(reader, row)?, definition, digest, stages })
        })
        .await?;
    Ok(detail)
}

pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(request): Json<Definition>,
) -> Result<(StatusCode, Json<PipelineDetail>), Fault> {
    let checked = runs::valid(&shared, request.definition, request.file).await?;
    let name = store_revision(&shared, caller, checked, Expect::Absent).await?;
    Ok((StatusCode::CREATED, Json(detail(&shared, name).await?)))
}

pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(request): Json<Definition>,
) -> Result<Json<PipelineDetail>, Fault> {
    let expect = request.expected_revision.map_or(Expect::Present, Expect::Revision);
    let checked = runs::valid(&shared, request.definition, request.file).await?;
    if checked.pipeline.name != name {
        return Err(Fault::invalid_input(format!(
            "the definition is of `{}`, not of `{name}`: a pipeline keeps its name",
            checked.pipeline.name
        )));
    }
    let name = store_revision(&shared, caller, checked, expect).await?;
    Ok(Json(detail(&shared, name).await?))
}

async fn store_revision(
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

pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    shared.desk.store(|at| Change::DeletePipeline { name, at }).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn enable(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<PipelineDetail>, Fault> {
    set_enabled(&shared, name, true).await
}

pub(crate) async fn disable(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<PipelineDetail>, Fault> {
    set_enabled(&shared, name, false).await
}

async fn set_enabled(
    shared: &Shared,
    name: String,
    enabled: bool,
) -> Result<Json<PipelineDetail>, Fault> {
    let of = name.clone();
    shared.desk.store(move |at| Change::SetEnabled { name: of, enabled, at }).await?;
    Ok(Json(detail(shared, name).await?))
}

pub(crate) async fn run(
    state: State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(request): Json<StartRun>,
) -> Result<axum::response::Response, Fault> {
    if request.definition.is_some() || request.pipeline.as_ref().is_some_and(|p| *p != name) {
        return Err(Fault::bad_request("the path names the pipeline already"));
    }
    let request = StartRun { pipeline: Some(name), ..request };
    runs::start(state, caller, Json(request)).await
}

pub(crate) async fn runs(
    state: State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Params(list): Params<List>,
) -> Result<Json<Page<RunSummary>>, Fault> {
    let list = list.of(name);
    runs::list(state, caller, Params(list)).await
}

pub(crate) async fn revisions(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<Revision>>, Fault> {
    let limit = limit(paging.limit);
    let before = match paging.after.as_deref().map(str::parse::<u32>) {
        None => None,
        Some(Ok(number)) => Some(number),
        Some(Err(_)) => return Err(Fault::bad_request("`after` has to be a revision's number")),
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
