//! Definitions of agents, and what one would be asked.

use std::path::PathBuf;
use std::sync::Arc;

use api::Page;
use api::agents::{AgentDetail, AgentPreview, AgentSummary, PreviewAgents};
use api::problem::Problem;
use axum::extract::{Path, State};
use pipeline::Pipeline;
use pipeline::agent::resolve;
use pipeline::model::AgentUse;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::runs::asked_for;
use crate::agents::preview::{Blind, of_definition, summary};
use crate::conductor::live::guarded;
use crate::http::rooms::{Rooms, routes};
use crate::plan::imagine;
use crate::refused::Refused;
use crate::rights::Right;
use crate::shared::{Shared, blocking};

mod tryout;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(preview))
        .merge(tryout::routes())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Around {
    /// Also those that the current revision of this pipeline defines.
    pipeline: Option<String>,
    /// Also those of the project in this absolute directory of the server; needs the right `run`.
    #[param(pattern = "^/")]
    directory: Option<String>,
}

struct Place {
    pipeline: Option<Arc<Pipeline>>,
    directory: Option<PathBuf>,
}

async fn place(shared: &Shared, caller: &Caller, around: Around) -> Result<Place, Fault> {
    if let Some(directory) = &around.directory {
        if !caller.rights.has(Right::Run) {
            return Err(Fault::not_allowed(format!(
                "files of a directory are for those who may start runs, and {} may not",
                caller.name
            ))
            .hint("leave `directory` out"));
        }
        if !directory.starts_with('/') || directory.contains('\0') {
            return Err(Fault::bad_request("`directory` has to be an absolute path"));
        }
    }
    let pipeline = match around.pipeline {
        Some(name) => {
            let definitions = Arc::clone(&shared.definitions);
            Some(shared.read(move |reader| definitions.current(reader, &name)).await?.0)
        }
        None => None,
    };
    Ok(Place { pipeline, directory: around.directory.map(PathBuf::from) })
}

/// The agents that stages can name
///
/// In order of their names; what stands first of one name is what a stage gets.
#[utoipa::path(
    get,
    path = "/api/agents",
    tag = "agents",
    security(("token" = ["read"])),
    params(Around),
    responses((status = OK, body = Page<AgentSummary>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(around): Params<Around>,
) -> Result<Json<Page<AgentSummary>>, Fault> {
    let place = place(&shared, &caller, around).await?;
    let listed = blocking(move || {
        let shelf = shared.agents.shelf(place.pipeline.as_deref(), place.directory.as_deref());
        shelf.list().into_iter().map(summary).collect()
    });
    let schema = "orchestrate.agent.list/v1".to_owned();
    Ok(Json(Page { schema, data: listed.await?, next: None }))
}

/// An agent as a stage gets it
#[utoipa::path(
    get,
    path = "/api/agents/{name}",
    tag = "agents",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the agent"), Around),
    responses((status = OK, body = AgentDetail), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Params(around): Params<Around>,
) -> Result<Json<AgentDetail>, Fault> {
    let place = place(&shared, &caller, around).await?;
    let found = blocking(move || {
        let shelf = shared.agents.shelf(place.pipeline.as_deref(), place.directory.as_deref());
        let found = shelf.agent(&name)?;
        let mut find = |name: &str| Ok(shelf.agent(name)?.definition);
        let whole = resolve(&AgentUse::Named(name.clone()), &name, &mut find);
        let mut summary = of_definition(name, found.origin, &found.definition);
        let prompt = match whole {
            Ok(whole) => whole.spec.prompt,
            Err(problem) => {
                summary.problem = Some(problem);
                found.definition.spec.prompt
            }
        };
        let prompt = prompt.unwrap_or_default();
        Ok::<_, String>(AgentDetail { summary, prompt, text: found.text })
    });
    let found = found.await?;
    found.map(Json).map_err(|problem| Fault::not_found(problem).hint("orchestrate agent list"))
}

/// What a stage of agents would be asked
///
/// Word for word, with the sizes and digests of its context. Nothing is stored or started, and no
/// model is called. Needs the right to start runs, because files of its directory are read.
#[utoipa::path(
    post,
    path = "/api/agents/preview",
    tag = "agents",
    security(("token" = ["run"])),
    request_body = PreviewAgents,
    responses((status = OK, body = AgentPreview), (status = "default", body = Problem)),
)]
pub(crate) async fn preview(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(request): Json<PreviewAgents>,
) -> Result<Json<AgentPreview>, Fault> {
    let PreviewAgents { stage, start } = request;
    let start = asked_for(&shared, caller.name, start).await?;
    let config = shared.config()?;
    let wanted = stage.clone();
    let seen = blocking(move || {
        guarded(|| {
            let directory = PathBuf::from(start.directory.clone().unwrap_or_else(|| "/".into()));
            let run = imagine(start, &config)?;
            Ok::<_, Refused>(shared.agents.preview(&run, &stage, &directory))
        })
        .map_err(Refused::Internal)?
    });
    match seen.await?? {
        Ok(seen) => Ok(Json(seen)),
        Err(Blind::NoStage { known }) => {
            let there = match known.is_empty() {
                true => "no stage of it is an agent's".to_owned(),
                false => format!("its stages of agents are: {}", known.join(", ")),
            };
            Err(Fault::not_found(format!("there is no stage `{wanted}`; {there}")))
        }
        Err(Blind::NoAgent) => {
            Err(Fault::invalid_input(format!("`{wanted}` is no stage of agents"))
                .hint("it has `agent`, `loop`, `discussion` or `meta_agent`"))
        }
        Err(Blind::Problem(problem)) => Err(Fault::invalid_input(problem)),
    }
}
