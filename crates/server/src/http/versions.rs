//! Runs that go on from others, and pipelines that go back.

use std::sync::Arc;

use api::Page;
use api::flow::{Extend, RewindPipeline, Undoing};
use api::pipeline::StartRun;
use api::problem::Problem;
use api::run::RunSummary;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use store::port::{Change, Outcome, Read, RewindRow, RunRow};

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::repeat::Repeat;
use super::traced::Traced;
use super::{pipelines, reference, runs, tasks};
use crate::conductor::desk::Ask;
use crate::conductor::live::guarded;
use crate::http::rooms::{Rooms, routes};
use crate::intake::{Origin, Source, Start};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(extend))
        .routes(routes!(rewind))
        .routes(routes!(undo_rewind))
        .routes(routes!(undoings))
}

/// Entries of the history of a pipeline.
const SHOWN: u32 = 100;

/// A new run of the current revision, with what this one gave at hand. Of a task's run it is the
/// task's next run, and runs of the task that are active are dealt with as the task says.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/extend",
    tag = "runs",
    security(("token" = ["run"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        ("traceparent" = Option<String>, Header, description = "W3C Trace Context: what is started goes on with this trace"),
    ),
    request_body = Extend,
    responses(
        (status = CREATED, body = RunSummary),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn extend(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    repeat: Repeat,
    Traced(traceparent): Traced,
    Path(run): Path<String>,
    Json(Extend { inputs, input_texts }): Json<Extend>,
) -> Result<(StatusCode, Json<RunSummary>), Fault> {
    let row = reference::run(&shared, &run).await?;
    if !row.finished {
        let detail = format!("`{}` has not finished", row.name());
        return Err(Fault::conflict(detail).hint(format!("orchestrate logs {} -f", row.name())));
    }
    let definitions = Arc::clone(&shared.definitions);
    let (name, task) = (row.pipeline.clone(), row.task.clone());
    let (pipeline, revision, digest) =
        shared.read(move |reader| definitions.current(reader, &name)).await?;
    let given = goes_on_from(&shared, row, Arc::clone(&pipeline)).await?;
    let request = StartRun {
        inputs: given.inputs.into_iter().chain(inputs).collect(),
        input_texts,
        directory: given.directory,
        ..StartRun::default()
    };
    let source = Source::Stored { revision };
    let by = caller.name.clone();
    let start = Start::new(pipeline, digest, source, by, request).map_err(runs::unfit)?;
    let start = Box::new(Start { id: repeat.run(), origin: given.origin, traceparent, ..start });
    if let Some((task, _)) = task {
        let summary = tasks::go_on(&shared, &caller, &task, start).await?;
        return Ok((StatusCode::CREATED, Json(summary)));
    }
    let summary = shared.desk.ask(|reply| Ask::Start { start, reply }).await?;
    Ok((StatusCode::CREATED, Json(summary)))
}

struct Given {
    origin: Origin,
    inputs: Vec<(String, serde_json::Value)>,
    /// `None`: it had one of its own, and so has the next.
    directory: Option<String>,
}

async fn goes_on_from(
    shared: &Shared,
    row: RunRow,
    pipeline: Arc<pipeline::Pipeline>,
) -> Result<Given, Refused> {
    let definitions = Arc::clone(&shared.definitions);
    let histories = Arc::clone(&shared.histories);
    let own = shared.data_dir.join("workspaces");
    shared
        .read(move |reader| {
            let live = histories.fold(row.id, reader, &definitions)?;
            let missing = || Refused::NotFound { what: "run", name: row.id.to_string() };
            let header = live.run.header().ok_or_else(missing)?;
            let link = live.run.link().ok_or_else(missing)?;
            let damaged = |problem| Refused::Damaged { run: row.id.to_string(), problem };
            let inherited = guarded(|| live.run.finished_stages()).map_err(damaged)?;
            let known =
                header.inputs.iter().filter(|(name, _)| pipeline.inputs.contains_key(*name));
            let is_own = std::path::Path::new(header.directory).starts_with(&own);
            Ok(Given {
                origin: Origin::Extends { link, inherited },
                inputs: known.map(|(name, value)| (name.clone(), value.clone())).collect(),
                directory: (!is_own).then(|| header.directory.to_owned()),
            })
        })
        .await
}

/// What a plain start goes on from: after its pipeline went back to a run, that run.
pub(crate) async fn origin(
    shared: &Shared,
    pipeline: &Arc<pipeline::Pipeline>,
) -> Result<Origin, Refused> {
    let name = pipeline.name.clone();
    let latest = shared.read(move |reader| went_back_to(reader, &name)).await?;
    match latest {
        None => Ok(Origin::Fresh),
        Some(row) => Ok(goes_on_from(shared, row, Arc::clone(pipeline)).await?.origin),
    }
}

/// What a start goes on from that names a run.
pub(crate) async fn origin_of(
    shared: &Shared,
    run: &str,
    pipeline: &Arc<pipeline::Pipeline>,
) -> Result<Origin, Fault> {
    let row = reference::run(shared, run).await?;
    if row.pipeline != pipeline.name {
        let detail = format!("`{}` is a run of `{}`", row.name(), row.pipeline);
        return Err(Fault::invalid_input(detail));
    }
    if !row.finished {
        return Err(Fault::conflict(format!("`{}` has not finished", row.name())));
    }
    Ok(goes_on_from(shared, row, Arc::clone(pipeline)).await?.origin)
}

fn went_back_to(reader: &dyn Read, pipeline: &str) -> Result<Option<RunRow>, Refused> {
    let rewind = reader.rewinds(Some(pipeline), 1)?.pop();
    let Some(rewind) = rewind.filter(|rewind| rewind.undone_at.is_none()) else { return Ok(None) };
    let latest = reader.latest(pipeline)?;
    Ok(latest.filter(|row| row.number == rewind.to && row.finished))
}

/// Back to an earlier run: later ones are superseded, and the next one goes on from it.
#[utoipa::path(
    post,
    path = "/api/pipelines/{name}/rewind",
    tag = "pipelines",
    security(("token" = ["maintain"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    request_body = RewindPipeline,
    responses(
        (status = OK, body = Undoing),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn rewind(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(RewindPipeline { to }): Json<RewindPipeline>,
) -> Result<Json<Undoing>, Fault> {
    let of = name.clone();
    let live = shared.read(move |reader| Ok(later_and_live(reader, &of, to)?)).await?;
    if let Some(run) = live {
        return Err(Fault::conflict(format!("`{run}` would be superseded and has not finished"))
            .hint(format!("orchestrate runs cancel {run}")));
    }
    let by = caller.name;
    let of = name.clone();
    let change = move |at| Change::RewindPipeline { pipeline: of, to, by, at };
    shared.desk.store(change).await?;
    shared.mirror.update_pipeline(&name);
    last(&shared, name).await
}

fn later_and_live(
    reader: &dyn Read,
    pipeline: &str,
    to: u64,
) -> Result<Option<String>, store::port::Error> {
    let query = store::port::RunQuery {
        pipeline: Some(pipeline.to_owned()),
        finished: Some(false),
        limit: 1000,
        ..store::port::RunQuery::default()
    };
    let rows = reader.runs(&query)?;
    let later = rows.iter().find(|row| row.number > to);
    Ok(later.map(RunRow::name))
}

/// Takes the last rewind back, until new work has started.
#[utoipa::path(
    post,
    path = "/api/pipelines/{name}/rewind/undo",
    tag = "pipelines",
    security(("token" = ["maintain"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses(
        (status = OK, body = Undoing),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn undo_rewind(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Undoing>, Fault> {
    let (of, by) = (name.clone(), caller.name);
    let undone = shared.desk.store(move |at| Change::UndoRewind { pipeline: of, by, at }).await?;
    let Outcome::Rewound { runs } = undone else {
        return Err(Refused::Internal(format!("the store answered {undone:?}")).into());
    };
    shared.mirror.update_pipeline(&name);
    let Json(rewind) = last(&shared, name.clone()).await?;
    let superseded = runs.iter().map(|number| format!("{name}#{number}")).collect();
    Ok(Json(Undoing { superseded, ..rewind }))
}

async fn last(shared: &Shared, name: String) -> Result<Json<Undoing>, Fault> {
    let row = shared.read(move |reader| Ok(reader.rewinds(Some(&name), 1)?.pop())).await?;
    let gone = || Refused::Internal("a rewind was stored and is not there".to_owned());
    let undoing = of_row(row.ok_or_else(gone)?).pop();
    Ok(Json(undoing.ok_or_else(gone)?))
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/pipelines/{name}/undoings",
    tag = "pipelines",
    security(("token" = ["read"])),
    params(("name" = String, Path, description = "Name of the pipeline")),
    responses(
        (status = OK, body = Page<Undoing>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn undoings(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Page<Undoing>>, Fault> {
    let rows = shared
        .read(move |reader| {
            let missing = || Refused::NotFound { what: "pipeline", name: name.clone() };
            reader.pipeline(&name)?.ok_or_else(missing)?;
            Ok(reader.rewinds(Some(&name), SHOWN)?)
        })
        .await?;
    let data = rows.into_iter().flat_map(|row| of_row(row).into_iter().rev()).collect();
    let undoings = |undoing: &Undoing| undoing.at.to_string();
    Ok(Json(pipelines::page("undoing", data, u32::MAX, undoings)))
}

/// The rewind, and its undo if there was one.
fn of_row(row: RewindRow) -> Vec<Undoing> {
    let runs: Vec<String> =
        row.superseded.iter().map(|number| format!("{}#{number}", row.pipeline)).collect();
    let to = format!("{}#{}", row.pipeline, row.to);
    let result = if row.undone_at.is_some() { "undone" } else { "in force" };
    let mut undoings = vec![Undoing {
        at: row.at,
        by: row.by,
        verb: "rewind".to_owned(),
        run: None,
        to: to.clone(),
        result: result.to_owned(),
        superseded: runs.clone(),
    }];
    if let (Some(at), Some(by)) = (row.undone_at, row.undone_by) {
        let (verb, result) = ("undo".to_owned(), "done".to_owned());
        undoings.push(Undoing { at, by, verb, run: None, to, result, superseded: runs });
    }
    undoings
}
