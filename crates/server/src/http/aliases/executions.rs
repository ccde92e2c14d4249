//! `/api/executions`: stages in runs, and what people do there. Approvals and forms are those of
//! `/api/approvals` and `/api/inputs`, found by the execution that asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Page;
use api::alias::{ApproveExecution, ExecutionView, RequestRevision, SubmitExecution};
use api::input::SubmitForm;
use api::problem::Problem;
use api::run::StageView;
use axum::extract::{Path, State};
use engine::event::Decision;
use engine::id::ExecutionId;
use serde::Deserialize;
use store::port::{RequestKind, RequestQuery, RequestRow, RunRow};

use crate::history;
use crate::http::body::{Json, Params};
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::http::{approvals, inputs, pipelines, reference};
use crate::shared::Shared;
use crate::view::alias as words;
use crate::view::request;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(approve_start))
        .routes(routes!(submit))
        .routes(routes!(approve_complete))
        .routes(routes!(request_revision))
}

/// Requests of one run that are looked at.
const REQUESTS: u32 = 10_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct List {
    /// `name#n`, `<task>-<n>`, or an id.
    #[serde(alias = "run_id")]
    run: String,
}

/// Every execution of a run, in the order of its definition.
#[utoipa::path(
    get,
    path = "/api/executions",
    tag = "executions",
    security(("token" = ["read"])),
    params(List),
    responses((status = OK, body = Page<ExecutionView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(List { run }): Params<List>,
) -> Result<Json<Page<ExecutionView>>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let data = all(&shared, &row).await?;
    let key = |of: &ExecutionView| of.id.clone();
    Ok(Json(pipelines::page("execution", data, u32::MAX, key)))
}

/// One execution.
#[utoipa::path(
    get,
    path = "/api/executions/{id}",
    tag = "executions",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`<run>.<stage>`, and `.<n>` for an instance")),
    responses((status = OK, body = ExecutionView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ExecutionView>, Fault> {
    let (row, execution) = named(&shared, &id).await?;
    Ok(Json(one(&shared, &row, &execution).await?))
}

/// Approves the start of a checkpoint.
#[utoipa::path(
    post,
    path = "/api/executions/{id}/approve-start",
    tag = "executions",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`<run>.<stage>`, and `.<n>` for an instance")),
    request_body = ApproveExecution,
    responses((status = OK, body = ExecutionView), (status = "default", body = Problem)),
)]
pub(crate) async fn approve_start(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(ApproveExecution { comment, digest }): Json<ApproveExecution>,
) -> Result<Json<ExecutionView>, Fault> {
    let said = (Decision::Approve, comment, digest);
    vote(&shared, &caller, &id, &["start", "trigger"], said).await
}

/// Answers the form of a checkpoint.
#[utoipa::path(
    post,
    path = "/api/executions/{id}/submit",
    tag = "executions",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`<run>.<stage>`, and `.<n>` for an instance")),
    request_body = SubmitExecution,
    responses((status = OK, body = ExecutionView), (status = "default", body = Problem)),
)]
pub(crate) async fn submit(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(SubmitExecution { form_data }): Json<SubmitExecution>,
) -> Result<Json<ExecutionView>, Fault> {
    let (row, execution) = named(&shared, &id).await?;
    let open = open(&shared, &row).await?;
    let asked = open
        .iter()
        .find(|of| of.kind == RequestKind::Input && of.execution == execution.to_string());
    let Some(asked) = asked else {
        return Err(nothing(&shared, &row, &execution, "no form is open").await);
    };
    let given = SubmitForm { values: form_data, ..SubmitForm::default() };
    inputs::answer(&shared, &caller, &request::id(asked), given).await?;
    Ok(Json(one(&shared, &row, &execution).await?))
}

/// Approves what a checkpoint made.
#[utoipa::path(
    post,
    path = "/api/executions/{id}/approve-complete",
    tag = "executions",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`<run>.<stage>`, and `.<n>` for an instance")),
    request_body = ApproveExecution,
    responses((status = OK, body = ExecutionView), (status = "default", body = Problem)),
)]
pub(crate) async fn approve_complete(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(ApproveExecution { comment, digest }): Json<ApproveExecution>,
) -> Result<Json<ExecutionView>, Fault> {
    let said = (Decision::Approve, comment, digest);
    vote(&shared, &caller, &id, &["complete"], said).await
}

/// Sends what a checkpoint made back to whoever made it.
#[utoipa::path(
    post,
    path = "/api/executions/{id}/request-revision",
    tag = "executions",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`<run>.<stage>`, and `.<n>` for an instance")),
    request_body = RequestRevision,
    responses((status = OK, body = ExecutionView), (status = "default", body = Problem)),
)]
pub(crate) async fn request_revision(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(RequestRevision { feedback, digest }): Json<RequestRevision>,
) -> Result<Json<ExecutionView>, Fault> {
    let said = (Decision::RequestChanges, feedback, digest);
    vote(&shared, &caller, &id, &["complete"], said).await
}

async fn vote(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    gates: &[&str],
    (decision, comment, digest): (Decision, String, Option<String>),
) -> Result<Json<ExecutionView>, Fault> {
    let (row, execution) = named(shared, id).await?;
    let open = open(shared, &row).await?;
    let asked = open.iter().find(|of| {
        of.kind == RequestKind::Approval
            && of.execution == execution.to_string()
            && gates.contains(&of.gate.as_str())
    });
    let Some(asked) = asked else {
        let what = format!("no approval of its {} is asked for", gates[0]);
        return Err(nothing(shared, &row, &execution, &what).await);
    };
    approvals::vote(shared, caller, &request::id(asked), decision, comment, digest).await?;
    Ok(Json(one(shared, &row, &execution).await?))
}

/// Why nothing can be done here now.
async fn nothing(shared: &Shared, row: &RunRow, execution: &ExecutionId, what: &str) -> Fault {
    match one(shared, row, execution).await {
        Ok(of) => Fault::conflict(format!("`{}` is {}: {what}", of.stage, of.status))
            .hint(format!("orchestrate runs explain {}", row.name())),
        Err(fault) => fault,
    }
}

/// The id of an execution: nothing in it needs to be escaped.
pub(super) fn id(run: &str, stage: &str, instance: Option<u32>) -> String {
    match instance {
        Some(n) => format!("{run}.{stage}.{n}"),
        None => format!("{run}.{stage}"),
    }
}

/// The run and the execution that an id names; the run may be named in every way.
pub(in crate::http) async fn named(
    shared: &Shared,
    id: &str,
) -> Result<(RunRow, ExecutionId), Fault> {
    let missing = || Fault::not_found(format!("there is no execution `{id}`"));
    let (run, rest) = id.split_once('.').ok_or_else(|| {
        missing().hint("an execution is named `<run>.<stage>`: GET /api/executions?run=<run>")
    })?;
    let stage = match rest.split_once('.') {
        Some((stage, n)) => format!("{stage}[{n}]"),
        None => rest.to_owned(),
    };
    let execution = stage.parse().map_err(|_| missing())?;
    Ok((reference::run(shared, run).await?, execution))
}

async fn one(
    shared: &Shared,
    row: &RunRow,
    execution: &ExecutionId,
) -> Result<ExecutionView, Fault> {
    let name = execution.to_string();
    let found = all(shared, row).await?.into_iter().find(|of| of.stage == name);
    found.ok_or_else(|| {
        Fault::not_found(format!("`{}` has no execution `{name}`", row.name()))
            .hint(format!("orchestrate runs show {}", row.name()))
    })
}

async fn all(shared: &Shared, row: &RunRow) -> Result<Vec<ExecutionView>, Fault> {
    let detail = history::detail(shared, row).await?;
    let mut waits: BTreeMap<String, RequestRow> = BTreeMap::new();
    for asked in open(shared, row).await? {
        waits.insert(asked.execution.clone(), asked);
    }
    Ok(detail.stages.iter().map(|stage| view(row, stage, waits.get(&stage.name))).collect())
}

/// What is asked of people in a run now, oldest first.
async fn open(shared: &Shared, row: &RunRow) -> Result<Vec<RequestRow>, Fault> {
    let query = RequestQuery {
        run: Some(row.id),
        statuses: vec!["pending".to_owned(), "open".to_owned()],
        limit: REQUESTS,
        ..RequestQuery::default()
    };
    let mut rows = shared.read(move |reader| Ok(reader.requests(&query)?)).await?;
    rows.reverse();
    Ok(rows)
}

fn view(row: &RunRow, stage: &StageView, asked: Option<&RequestRow>) -> ExecutionView {
    let gate = asked.map(|asked| asked.gate.as_str());
    ExecutionView {
        id: id(&row.id.to_string(), &stage.stage, stage.instance),
        run_id: row.id.to_string(),
        run_name: row.name(),
        pipeline_id: row.pipeline.clone(),
        stage: stage.name.clone(),
        status: words::of_execution(&stage.status, gate).to_owned(),
        stage_status: stage.status.clone(),
        detail: stage.detail.clone(),
        attempts: stage.attempts.len(),
        waits_for: asked.map(request::id),
        started_at: stage.started_at,
        completed_at: stage.finished_at,
    }
}
