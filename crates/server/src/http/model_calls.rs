//! What models were asked and what it cost; and the providers that there are.

use std::sync::Arc;

use api::Page;
use api::model::{
    CostView, ModelCallDetail, ModelCallView, ModelProvider, ModelTested, RunCost, TestModel,
};
use api::problem::Problem;
use axum::extract::{Path, State};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use store::port::{CostBy, ModelQuery};
use utoipa::{IntoParams, ToSchema};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::gateway;
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(cost))
        .routes(routes!(costs))
        .routes(routes!(calls))
        .routes(routes!(call))
        .routes(routes!(providers))
        .routes(routes!(test))
}

/// What the models of a run used and cost: in all, by stage and by model
#[utoipa::path(
    get,
    path = "/api/runs/{run}/cost",
    tag = "models",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    responses((status = OK, body = RunCost), (status = "default", body = Problem)),
)]
pub(crate) async fn cost(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<RunCost>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let id = row.id;
    let sums = shared.read(move |reader| Ok(reader.model_sums(id)?)).await?;
    Ok(Json(view::model::cost(row.name(), &sums)))
}

/// What is added up together.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    Run,
    Task,
    Pipeline,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Costs {
    /// What is added up together.
    #[param(inline)]
    by: By,
    /// Only calls of the last so many days; without it all.
    #[param(minimum = 1, maximum = 36500)]
    days: Option<u16>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
}

/// What models used and cost by run, task or pipeline: what is known to have cost most first. Where the
/// price of some of it is not known, the cost is not
#[utoipa::path(
    get,
    path = "/api/costs",
    tag = "models",
    security(("token" = ["read"])),
    params(Costs),
    responses((status = OK, body = Page<CostView>), (status = "default", body = Problem)),
)]
pub(crate) async fn costs(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Costs { by, days, limit }): Params<Costs>,
) -> Result<Json<Page<CostView>>, Fault> {
    const MOST_DAYS: u16 = 36_500;
    if days.is_some_and(|days| days == 0 || days > MOST_DAYS) {
        let detail = format!("`days` is 1 to {MOST_DAYS}; leave it out for all");
        return Err(Fault::bad_request(detail));
    }
    let since = days.map_or(Timestamp::UNIX_EPOCH, |days| {
        let back = SignedDuration::from_hours(24 * i64::from(days));
        crate::clock::wall().checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH)
    });
    let limit = limit.map_or(Limit::DEFAULT, u32::from);
    let by = match by {
        By::Run => CostBy::Run,
        By::Task => CostBy::Task,
        By::Pipeline => CostBy::Pipeline,
    };
    let rows = shared.read(move |reader| Ok(reader.model_costs(by, since, limit)?)).await?;
    let data = rows.into_iter().map(view::model::costs).collect();
    Ok(Json(pipelines::page("cost", data, u32::MAX, |of: &CostView| of.name.clone())))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// Only of this stage: `implement[2]`
    stage: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// As the page before said.
    #[param(pattern = "^[0-9a-fA-F]{32}$")]
    after: Option<String>,
}

/// Calls of models in a run, newest first
#[utoipa::path(
    get,
    path = "/api/runs/{run}/model-calls",
    tag = "models",
    security(("token" = ["read"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        List,
    ),
    responses((status = OK, body = Page<ModelCallView>), (status = "default", body = Problem)),
)]
pub(crate) async fn calls(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(list): Params<List>,
) -> Result<Json<Page<ModelCallView>>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let limit = list.limit.map_or(Limit::DEFAULT, u32::from);
    if list.after.as_ref().is_some_and(|after| !is_id(after)) {
        return Err(Fault::bad_request("`after` is not what a page before said")
            .hint("leave it out to begin with the newest"));
    }
    let query = ModelQuery {
        run: Some(row.id),
        execution: list.stage,
        before: list.after,
        limit: limit + 1,
    };
    let calls = shared.read(move |reader| Ok(reader.model_calls(&query)?)).await?;
    let name = row.name();
    let key = |call: &store::port::ModelCall| call.id.clone();
    let view = |call| view::model::call(call, &name);
    Ok(Json(pipelines::page_of("model_call", calls, limit, key, view)))
}

/// As the gateway draws them.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// One call of a model: what was asked and what was answered, secrets masked
#[utoipa::path(
    get,
    path = "/api/runs/{run}/model-calls/{id}",
    tag = "models",
    security(("token" = ["read"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        ("id" = String, Path, description = "As the list has it"),
    ),
    responses((status = OK, body = ModelCallDetail), (status = "default", body = Problem)),
)]
pub(crate) async fn call(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((run, id)): Path<(String, String)>,
) -> Result<Json<ModelCallDetail>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let (name, of, wanted) = (row.name(), row.id, id.clone());
    let found = shared.read(move |reader| {
        let Some(call) = reader.model_call(&wanted)?.filter(|call| call.run == of) else {
            return Ok(None);
        };
        Ok(Some((call, reader.model_texts(&wanted)?)))
    });
    let Some((call, texts)) = found.await? else {
        let hint = format!("orchestrate runs cost {name} --calls");
        return Err(Fault::not_found(format!("{name} has no call `{id}`")).hint(hint));
    };
    Ok(Json(view::model::detail(call, texts, &name)))
}

/// The providers of models that there are
#[utoipa::path(
    get,
    path = "/api/models",
    tag = "models",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<ModelProvider>), (status = "default", body = Problem)),
)]
pub(crate) async fn providers(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Page<ModelProvider>>, Fault> {
    let all = gateway::shown(&shared)?;
    Ok(Json(pipelines::page("model", all, u32::MAX, |of: &ModelProvider| of.name.clone())))
}

/// Makes one tiny call, and says what it cost
#[utoipa::path(
    post,
    path = "/api/models/{provider}/test",
    tag = "models",
    security(("token" = ["maintain"])),
    params(("provider" = String, Path, description = "As config.yaml names it")),
    request_body = TestModel,
    responses((status = OK, body = ModelTested), (status = "default", body = Problem)),
)]
pub(crate) async fn test(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(provider): Path<String>,
    Json(TestModel { model }): Json<TestModel>,
) -> Result<Json<ModelTested>, Fault> {
    gateway::test(&shared, &provider, model).await.map(Json).map_err(Fault::from)
}
