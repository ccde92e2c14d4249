//! `/api/checkpoints`: the stages of a pipeline's current revision. A change of one is a change of
//! the definition's text, with everything else as it was, and makes a new revision.

use std::sync::Arc;

use api::Page;
use api::alias::{CheckpointView, InputField, ReorderCheckpoints, WriteCheckpoint};
use api::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use pipeline::Pipeline;
use pipeline::edit::{Edit, EditError};
use pipeline::model::{Stage, Work};
use serde::Deserialize;
use serde_json::Value;
use store::port::{Expect, RevisionRow};

use crate::http::body::{Json, Params};
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::http::{pipelines, runs};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

mod written;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(of_pipeline))
        .routes(routes!(reorder))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// The name of the pipeline.
    pipeline_id: String,
}

/// The checkpoints of a pipeline, in their order.
#[utoipa::path(
    get,
    path = "/api/checkpoints",
    tag = "checkpoints",
    security(("token" = ["read"])),
    params(List),
    responses((status = OK, body = Page<CheckpointView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(List { pipeline_id }): Params<List>,
) -> Result<Json<Page<CheckpointView>>, Fault> {
    let data = all(&shared, &pipeline_id).await?;
    let key = |of: &CheckpointView| of.id.clone();
    Ok(Json(pipelines::page("checkpoint", data, u32::MAX, key)))
}

/// The checkpoints of a pipeline, in their order.
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}/checkpoints",
    tag = "checkpoints",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses((status = OK, body = Page<CheckpointView>), (status = "default", body = Problem)),
)]
pub(crate) async fn of_pipeline(
    state: State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Page<CheckpointView>>, Fault> {
    list(state, caller, Params(List { pipeline_id: name })).await
}

/// A new checkpoint, at the end or at its `order`.
#[utoipa::path(
    post,
    path = "/api/checkpoints",
    tag = "checkpoints",
    security(("token" = ["define"])),
    request_body = WriteCheckpoint,
    responses((status = CREATED, body = CheckpointView), (status = "default", body = Problem)),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(request): Json<WriteCheckpoint>,
) -> Result<(StatusCode, Json<CheckpointView>), Fault> {
    let pipeline = request.pipeline_id.clone();
    let pipeline = pipeline.ok_or_else(|| Fault::invalid_input("`pipeline_id` is missing"))?;
    let name = request.name.clone();
    let name = name.ok_or_else(|| Fault::invalid_input("`name` is missing"))?;
    let (at, expected) = (request.order, request.expected_revision);
    let fields = written::added(request)?;
    change(&shared, caller, &pipeline, expected, Edit::Add { fields, at }).await?;
    Ok((StatusCode::CREATED, Json(one(&shared, &pipeline, &name).await?)))
}

/// One checkpoint.
#[utoipa::path(
    get,
    path = "/api/checkpoints/{id}",
    tag = "checkpoints",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`<pipeline>.<stage>`")),
    responses((status = OK, body = CheckpointView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<CheckpointView>, Fault> {
    let (pipeline, stage) = named(&id)?;
    Ok(Json(one(&shared, pipeline, stage).await?))
}

/// Changes what is given; the rest stays.
#[utoipa::path(
    put,
    path = "/api/checkpoints/{id}",
    tag = "checkpoints",
    security(("token" = ["define"])),
    params(("id" = String, Path, description = "`<pipeline>.<stage>`")),
    request_body = WriteCheckpoint,
    responses((status = OK, body = CheckpointView), (status = "default", body = Problem)),
)]
pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<WriteCheckpoint>,
) -> Result<Json<CheckpointView>, Fault> {
    let (pipeline, stage) = named(&id)?;
    if request.pipeline_id.as_deref().is_some_and(|given| given != pipeline) {
        return Err(Fault::invalid_input("a checkpoint stays in its pipeline"));
    }
    let name = request.name.clone().unwrap_or_else(|| stage.to_owned());
    let before = one(&shared, pipeline, stage).await?;
    let expected = request.expected_revision;
    let fields = written::changed(request, &before)?;
    let edit = Edit::Set { stage: stage.to_owned(), fields };
    change(&shared, caller, pipeline, expected, edit).await?;
    Ok(Json(one(&shared, pipeline, &name).await?))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Expected {
    /// Refused unless this is the pipeline's revision.
    expected_revision: Option<u32>,
}

/// Takes a checkpoint out of its pipeline. Refused when others need it.
#[utoipa::path(
    delete,
    path = "/api/checkpoints/{id}",
    tag = "checkpoints",
    security(("token" = ["define"])),
    params(("id" = String, Path, description = "`<pipeline>.<stage>`"), Expected),
    responses((status = NO_CONTENT), (status = "default", body = Problem)),
)]
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Params(Expected { expected_revision }): Params<Expected>,
) -> Result<StatusCode, Fault> {
    let (pipeline, stage) = named(&id)?;
    let edit = Edit::Remove { stage: stage.to_owned() };
    change(&shared, caller, pipeline, expected_revision, edit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts all checkpoints of a pipeline into this order.
#[utoipa::path(
    post,
    path = "/api/pipelines/{name}/checkpoints/reorder",
    tag = "checkpoints",
    security(("token" = ["define"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    request_body = ReorderCheckpoints,
    responses((status = OK, body = Page<CheckpointView>), (status = "default", body = Problem)),
)]
pub(crate) async fn reorder(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(request): Json<ReorderCheckpoints>,
) -> Result<Json<Page<CheckpointView>>, Fault> {
    let stages = request.checkpoint_order.iter();
    let stages = stages.map(|of| match of.split_once('.') {
        Some((pipeline, stage)) if pipeline == name => stage.to_owned(),
        Some(_) | None => of.clone(),
    });
    let edit = Edit::Order { stages: stages.collect() };
    change(&shared, caller, &name, request.expected_revision, edit).await?;
    let data = all(&shared, &name).await?;
    let key = |of: &CheckpointView| of.id.clone();
    Ok(Json(pipelines::page("checkpoint", data, u32::MAX, key)))
}

fn named(id: &str) -> Result<(&str, &str), Fault> {
    id.split_once('.').ok_or_else(|| {
        Fault::not_found(format!("there is no checkpoint `{id}`"))
            .hint("a checkpoint is named `<pipeline>.<stage>`: GET /api/checkpoints?pipeline_id=")
    })
}

async fn current(shared: &Shared, pipeline: &str) -> Result<(Arc<Pipeline>, RevisionRow), Fault> {
    let (name, definitions) = (pipeline.to_owned(), Arc::clone(&shared.definitions));
    let found = shared.read(move |reader| {
        let (pipeline, _, _) = definitions.current(reader, &name)?;
        let row = reader.revision(&name, None)?;
        Ok((pipeline, row.ok_or(Refused::NotFound { what: "pipeline", name })?))
    });
    Ok(found.await?)
}

/// Makes the edit in the text of the current revision, and stores what comes out when it is a
/// pipeline and nobody else was quicker.
pub(in crate::http) async fn change(
    shared: &Shared,
    caller: Caller,
    pipeline: &str,
    expected: Option<u32>,
    edit: Edit,
) -> Result<(), Fault> {
    let (_, row) = current(shared, pipeline).await?;
    let expected = expected.unwrap_or(row.number);
    let text = row.text;
    let edited = blocking(move || pipeline::edit::edit(&text, &edit)).await?;
    let checked = runs::valid(shared, edited.map_err(refused)?, None).await?;
    if checked.pipeline.name != pipeline {
        return Err(Fault::invalid_input("a pipeline keeps its name"));
    }
    pipelines::store_revision(shared, caller, checked, Expect::Revision(expected)).await?;
    Ok(())
}

fn refused(error: EditError) -> Fault {
    let says = error.to_string();
    match error {
        EditError::NoSuchStage { .. } => Fault::not_found(says),
        EditError::NotAnOrder { .. } => Fault::invalid_input(says),
        EditError::Unreadable | EditError::NotLines | EditError::NotPlain { .. } => {
            Fault::conflict(says).hint("PUT /api/pipelines/{name} with the whole definition")
        }
    }
}

async fn one(shared: &Shared, pipeline: &str, stage: &str) -> Result<CheckpointView, Fault> {
    let found = all(shared, pipeline).await?.into_iter().find(|of| of.name == stage);
    found.ok_or_else(|| Fault::not_found(format!("`{pipeline}` has no checkpoint `{stage}`")))
}

async fn all(shared: &Shared, pipeline: &str) -> Result<Vec<CheckpointView>, Fault> {
    let (parsed, row) = current(shared, pipeline).await?;
    let stages = parsed.stages.iter().filter(|stage| stage.compensates.is_none() && !stage.finally);
    Ok(stages.enumerate().map(|(order, stage)| view(&parsed, stage, order, row.number)).collect())
}

fn view(pipeline: &Pipeline, stage: &Stage, order: usize, revision: u32) -> CheckpointView {
    let mode = match &stage.work {
        Work::Form => "human_only",
        Work::Run { .. } | Work::Python { .. } => "script",
        Work::Child { .. } => "pipeline",
        Work::Agent(_) => "agent",
        Work::Merge(_) => "merge",
        Work::Noop => "none",
    };
    let form = stage.form.as_ref();
    let instructions = form.and_then(|form| form.instructions.as_ref());
    let saved = form.and_then(|form| form.save_as.as_ref()).map(|save| save.artifact.clone());
    CheckpointView {
        id: format!("{}.{}", pipeline.name, stage.name),
        pipeline_id: pipeline.name.clone(),
        name: stage.name.to_string(),
        description: stage.description.clone(),
        order,
        mode: mode.to_owned(),
        instructions: instructions.map_or_else(String::new, |text| written_again(&text.parts)),
        input_fields: form.map_or_else(Vec::new, |form| form.fields.iter().map(field).collect()),
        requires_approval_to_start: stage.approve_start.is_some(),
        requires_approval_to_complete: stage.approve_complete.is_some(),
        max_revisions: stage.max_revisions,
        output_artifacts: stage.artifacts.keys().cloned().chain(saved).collect(),
        depends_on: stage
            .depends_on
            .iter()
            .map(|ix| pipeline.stages[ix.get()].name.to_string())
            .collect(),
        revision,
    }
}

/// A text with its references as they were written.
fn written_again(parts: &[pipeline::text::Part]) -> String {
    let piece = |part: &pipeline::text::Part| match part {
        pipeline::text::Part::Literal(text) => text.clone(),
        pipeline::text::Part::Reference(of) => format!("${{{}}}", of.source),
    };
    parts.iter().map(piece).collect()
}

fn field((name, field): (&String, &pipeline::model::Field)) -> InputField {
    let rules = pipeline::form::rules(field);
    InputField {
        name: name.clone(),
        kind: field.kind.word().to_owned(),
        label: field.label.clone(),
        required: field.required,
        default: field.default.clone(),
        validation: rules.into_iter().filter(|(_, rule)| *rule != Value::Null).collect(),
    }
}
