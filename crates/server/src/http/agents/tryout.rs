//! An agent tried for real, within a small budget.

use std::path::PathBuf;
use std::sync::Arc;

use api::agent::Adapter;
use api::agents::{AgentCheck, AgentTest, CheckState, TestAgent};
use api::pipeline::StartRun;
use api::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Around, place};
use crate::agents::preview::Blind;
use crate::agents::tryout::{
    self, Chosen, MARK, NotChosen, PIPELINE, Tryout, choose, definition, rule_words,
};
use crate::conductor::desk::Ask;
use crate::conductor::live::guarded;
use crate::definition::Checked;
use crate::gateway;
use crate::http::body::Json;
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::repeat::Repeat;
use crate::http::rooms::{Rooms, routes};
use crate::http::runs::{unfit, valid};
use crate::http::traced::Traced;
use crate::intake::{Source, Start};
use crate::plan::imagine;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

const MOST_USD: f64 = 1e6;

pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(test))
}

/// Tries an agent with one small turn
///
/// Looks up its definition, its program with its version, the way to its model, and then starts a run
/// of the pipeline `agent-test`, in which it is asked for one sentence within a small budget and in an
/// empty folder. Where something is missing, or with `dry_run`, nothing is started and nothing spent.
#[utoipa::path(
    post,
    path = "/api/agents/{name}/test",
    tag = "agents",
    security(("token" = ["run"])),
    params(
        ("name" = String, Path, description = "Name of the agent"),
        ("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace"),
    ),
    request_body = TestAgent,
    responses(
        (status = OK, body = AgentTest, description = "Nothing was started"),
        (status = CREATED, body = AgentTest, description = "A run tries it"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn test(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    repeat: Repeat,
    Traced(traceparent): Traced,
    Path(name): Path<String>,
    Json(request): Json<TestAgent>,
) -> Result<Response, Fault> {
    let directory = working_directory(&request)?;
    let chosen = chosen(&shared, &caller, name, &request).await?;
    let Checked { pipeline, digest, text } =
        valid(&shared, definition(&chosen, &request), None).await?;
    let asked = StartRun { directory: directory.clone(), ..StartRun::default() };
    let source = Source::Given { text };
    let by = caller.name.clone();
    let mut start = Box::new(Start::new(pipeline, digest, source, by, asked).map_err(unfit)?);
    let seen = look(&shared, Start::clone(&start), directory.as_deref()).await?;
    let mut told = told(&shared, chosen, seen, directory).await?;
    if request.dry_run || !told.ready {
        return Ok(Json(told).into_response());
    }
    ours(&shared).await?;
    start.id = repeat.run();
    start.traceparent = traceparent;
    told.run = Some(shared.desk.ask(|reply| Ask::Start { start, reply }).await?);
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

/// Where it works; `None`: in a folder of the run's own.
fn working_directory(request: &TestAgent) -> Result<Option<String>, Fault> {
    if request.usd.is_some_and(|usd| !(1e-9..=MOST_USD).contains(&usd)) {
        return Err(Fault::invalid_input("`usd` is out of range")
            .field("usd", "above 0, at most a million"));
    }
    if request.task.as_deref().is_some_and(|task| task.contains('\0')) {
        return Err(Fault::bad_request("`task` holds the character U+0000"));
    }
    if request.task.as_deref().is_some_and(|task| task.trim().is_empty()) {
        return Err(Fault::invalid_input("`task` is empty").field("task", "say what is to be done"));
    }
    match (request.here, &request.directory) {
        (true, None) => {
            Err(Fault::invalid_input("`here` needs a `directory`")
                .field("directory", "where it works"))
        }
        (true, Some(directory)) => Ok(Some(directory.clone())),
        (false, _) => Ok(None),
    }
}

async fn chosen(
    shared: &Arc<Shared>,
    caller: &Caller,
    name: String,
    request: &TestAgent,
) -> Result<Chosen, Fault> {
    let TestAgent { pipeline, directory, .. } = request.clone();
    let place = place(shared, caller, Around { pipeline, directory }).await?;
    let shared = Arc::clone(shared);
    let found = blocking(move || {
        let shelf = shared.agents.shelf(place.pipeline.as_deref(), place.directory.as_deref());
        choose(&shelf, &name)
    });
    found.await?.map_err(|none| match none {
        NotChosen::Unknown(problem) => Fault::not_found(problem).hint("orchestrate agent list"),
        NotChosen::Broken(problem) => Fault::definition(problem, Vec::new()),
    })
}

/// What a stage would get; nothing is started.
async fn look(
    shared: &Arc<Shared>,
    start: Start,
    directory: Option<&str>,
) -> Result<Tryout, Fault> {
    let config = shared.config()?;
    let agents = Arc::clone(&shared.agents);
    // The folder of a run that is not there yet.
    let own = || shared.data_dir.join("workspaces").join("‹run›");
    let directory = directory.map_or_else(own, PathBuf::from);
    let seen = blocking(move || {
        guarded(|| Ok::<_, Refused>(agents.tryout(&imagine(start, &config)?, &directory)))
            .map_err(Refused::Internal)?
    });
    seen.await??.map_err(|blind| match blind {
        Blind::Problem(problem) => Fault::definition(problem, Vec::new()),
        Blind::NoAgent | Blind::NoStage { .. } => Fault::internal(),
    })
}

async fn told(
    shared: &Arc<Shared>,
    chosen: Chosen,
    seen: Tryout,
    directory: Option<String>,
) -> Result<AgentTest, Fault> {
    let Tryout { agent, mut asked, limits } = seen;
    // That of its own text, and not of the copy that is tried.
    asked.digest = chosen.resolved.digest;
    let mut checks = Vec::new();
    let (programs, adapter) = (shared.programs.clone(), agent.adapter.clone());
    let program =
        blocking(move || tryout::program(&adapter, directory.as_deref(), |ask| programs.ask(ask)));
    checks.extend(program.await?);
    let provider = tryout::provider(&agent.adapter);
    if let Some((provider, needed)) = provider {
        models(shared, &agent, provider, needed, &mut checks).await?;
    }
    Ok(AgentTest {
        agent: chosen.summary,
        asked,
        provider: provider.map(|(provider, _)| provider.to_owned()),
        rules: agent.permissions.iter().map(rule_words).collect(),
        limits,
        ready: checks.iter().all(|check| check.state != CheckState::Missing),
        checks,
        run: None,
    })
}

/// The way to the model, and what it is called there.
async fn models(
    shared: &Arc<Shared>,
    agent: &api::agent::Agent,
    provider: &str,
    needed: bool,
    checks: &mut Vec<AgentCheck>,
) -> Result<(), Fault> {
    let mut check = |what: &str, state, says: String, hint: &str| {
        let (what, hint) = (what.to_owned(), hint.to_owned());
        checks.push(AgentCheck { what, state, says, hint });
    };
    let route = match gateway::route(shared, provider).await {
        Ok(route) => route,
        Err(problem) => {
            // One that asks no model can do without.
            let state = if needed { CheckState::Missing } else { CheckState::Unknown };
            let hint =
                "set it up below `models.providers` of config.yaml, see `orchestrate model list`";
            check("provider", state, problem, hint);
            return Ok(());
        }
    };
    check("provider", CheckState::There, route.says, "");
    let model = agent.model.clone().or(route.model);
    let Some(model) = model else {
        if matches!(agent.adapter, Adapter::Api { .. }) {
            let says = "nobody says which model is to be asked".to_owned();
            let hint = "name it with `model` in the definition, or at the provider in config.yaml";
            check("model", CheckState::Missing, says, hint);
        }
        return Ok(());
    };
    match shared.config()?.models.price(provider, &model) {
        Some(_) => check("model", CheckState::There, format!("`{model}`, its price is known"), ""),
        None => {
            let says = format!("`{model}`; what it costs is not known");
            check("model", CheckState::There, says, "write its price below `models.prices`");
        }
    }
    Ok(())
}

/// Refuses where a pipeline of this name is somebody else's.
async fn ours(shared: &Arc<Shared>) -> Result<(), Fault> {
    let current = shared.read(|reader| Ok(reader.revision(PIPELINE, None)?)).await?;
    if current.is_none_or(|row| row.text.starts_with(MARK)) {
        return Ok(());
    }
    let detail = format!("there is a pipeline `{PIPELINE}` that was not made by testing agents");
    Err(Fault::conflict(detail).hint("give that pipeline another name"))
}
