//! Environments, and the policy that applies to whatever runs in them.

use std::sync::Arc;

use api::Page;
use api::compare::{ApprovalPolicy, EnvironmentView};
use api::problem::Problem;
use axum::extract::{Path, State};
use engine::event::Environment;
use pipeline::model::{Electorate, OnTimeout};
use store::port::{PipelineQuery, Read};

use super::body::Json;
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::definition::Definitions;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(list)).routes(routes!(show))
}

/// Pipelines whose stages are looked at.
const PIPELINES: u32 = 10_000;

/// Every environment of `config.yaml`, and every one that a stage names.
#[utoipa::path(
    get,
    path = "/api/environments",
    tag = "environments",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<EnvironmentView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Page<EnvironmentView>>, Fault> {
    let data = all(&shared).await?;
    let name = |of: &EnvironmentView| of.name.clone();
    Ok(Json(pipelines::page("environment", data, u32::MAX, name)))
}

/// What an environment demands of every stage that names it.
#[utoipa::path(
    get,
    path = "/api/environments/{name}",
    tag = "environments",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "`production`")),
    responses((status = OK, body = EnvironmentView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<EnvironmentView>, Fault> {
    let found = all(&shared).await?.into_iter().find(|of| of.name == name);
    let missing = || {
        Fault::not_found(format!("there is no environment `{name}`"))
            .hint("write it below `environments:` in `config.yaml`, or name it in a stage")
    };
    found.map(Json).ok_or_else(missing)
}

async fn all(shared: &Shared) -> Result<Vec<EnvironmentView>, Fault> {
    let config = shared.config()?;
    let definitions = Arc::clone(&shared.definitions);
    let used = shared.read(move |reader| uses(reader, &definitions)).await?;
    let mut all: Vec<EnvironmentView> =
        config.environments.iter().map(|(name, of)| view(name, of)).collect();
    for (name, stage) in used {
        match all.iter_mut().find(|of| of.name == name) {
            Some(of) => of.used_by.push(stage),
            None => {
                let mut of = view(&name, &Environment::default());
                of.used_by.push(stage);
                all.push(of);
            }
        }
    }
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// Environments, each with `pipeline/stage` that names it.
fn uses(reader: &dyn Read, definitions: &Definitions) -> Result<Vec<(String, String)>, Refused> {
    let mut uses = Vec::new();
    let query = PipelineQuery { after: None, limit: PIPELINES };
    for row in reader.pipelines(&query)? {
        let Ok((pipeline, _, _)) = definitions.current(reader, &row.name) else { continue };
        for stage in &pipeline.stages {
            if let Some(environment) = &stage.environment {
                uses.push((environment.clone(), format!("{}/{}", row.name, stage.name)));
            }
        }
    }
    Ok(uses)
}

fn view(name: &str, of: &Environment) -> EnvironmentView {
    EnvironmentView {
        name: name.to_owned(),
        approval: of.approval.as_ref().map(policy),
        lock: of.lock,
        variables: of.variables.keys().cloned().collect(),
        used_by: Vec::new(),
    }
}

fn policy(of: &Electorate) -> ApprovalPolicy {
    ApprovalPolicy {
        approvers: of.approvers.clone(),
        needed: of.quorum.of(of.approvers.len()),
        allow_self: of.allow_self,
        timeout_s: of.timeout.as_secs(),
        on_timeout: on_timeout(of.on_timeout).to_owned(),
        escalate_to: of.escalate_to.clone(),
    }
}

fn on_timeout(of: OnTimeout) -> &'static str {
    match of {
        OnTimeout::Reject => "reject",
        OnTimeout::Approve => "approve",
        OnTimeout::Escalate => "escalate",
        OnTimeout::Skip => "skip",
        OnTimeout::Fail => "fail",
    }
}
