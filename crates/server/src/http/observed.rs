//! A run as the hands see it now.

use std::sync::Arc;
use std::time::Duration;

use engine::id::RunId;
use tokio::time::Instant;

use api::compare::{LiveAttempt, LiveChild, LiveStatus};
use api::problem::Problem;
use api::runtime::SeenState;
use axum::extract::{Path, State};
use store::port::RunRow;

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::reference;
use crate::conductor::desk::Ask;
use crate::conductor::inspect::{Alive, Inspected, SeenAttempt};
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(status))
}

/// So long the hands are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is recorded of a run, and what the hands say when they are asked now. A difference is
/// taken up at once, as after a restart.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/status",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n`, `<task>-<n>`, or an id")),
    responses((status = OK, body = LiveStatus), (status = "default", body = Problem)),
)]
pub(crate) async fn status(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
) -> Result<Json<LiveStatus>, Fault> {
    let row = reference::run(&shared, &run).await?;
    Ok(Json(observe(&shared, &row).await?))
}

pub(super) async fn observe(shared: &Shared, row: &RunRow) -> Result<LiveStatus, Refused> {
    observe_until(shared, row, Instant::now() + PATIENCE).await
}

async fn observe_until(shared: &Shared, row: &RunRow, end: Instant) -> Result<LiveStatus, Refused> {
    let run = row.id;
    let asked = shared.desk.ask(|reply| Ask::Inspect { run, reply });
    let inspected = match tokio::time::timeout_at(end, asked).await {
        Ok(inspected) => Some(inspected?),
        Err(_too_late) => None,
    };
    let mut status = LiveStatus {
        id: row.id.to_string(),
        name: row.name(),
        recorded: row.status.clone(),
        live: "unreachable".to_owned(),
        observed_at: crate::clock::wall(),
        drift: false,
        attempts: Vec::new(),
        children: Vec::new(),
    };
    if let Some(Inspected { recorded, attempts }) = inspected {
        status.recorded = recorded.map_or(status.recorded, str::to_owned);
        status.live = word(&attempts).to_owned();
        status.observed_at =
            attempts.iter().filter_map(|seen| seen.at).max().unwrap_or(status.observed_at);
        status.drift = attempts.iter().any(drifted);
        status.attempts = attempts.iter().map(view).collect();
    }
    for (stage, attempt, child) in children(shared, row).await? {
        let Some(row) = shared.read(move |reader| Ok(reader.run(child)?)).await? else { continue };
        // Runs are not started so deep inside each other that this has no end.
        let seen = Box::pin(observe_until(shared, &row, end)).await?;
        // Its end and that of the attempt are one commit.
        let drift = seen.drift || row.finished;
        if rank(&seen.live) > rank(&status.live) {
            status.live.clone_from(&seen.live);
        }
        status.drift |= drift;
        let LiveStatus { id, name, recorded, live, observed_at, .. } = seen;
        status.children.push(LiveChild {
            stage,
            attempt,
            id,
            name,
            recorded,
            live,
            observed_at,
            drift,
        });
    }
    Ok(status)
}

/// A run with its children is what most is to be known of any of them.
fn rank(live: &str) -> usize {
    ["idle", "gone", "unreachable", "running"].iter().position(|word| *word == live).unwrap_or(0)
}

/// Live attempts that are runs.
async fn children(shared: &Shared, row: &RunRow) -> Result<Vec<(String, u32, RunId)>, Refused> {
    if row.finished {
        return Ok(Vec::new());
    }
    history::look(shared, row, |run| {
        let of_row = |row: engine::view::Row<'_>| {
            let live = row.attempts.last().filter(|last| last.finished_at.is_none())?;
            Some((row.id.to_string(), live.number, live.child?.run))
        };
        run.rows().filter_map(of_row).collect()
    })
    .await
}

fn word(attempts: &[SeenAttempt]) -> &'static str {
    let running = |seen: &SeenAttempt| match &seen.live {
        Alive::Running { .. } => true,
        Alive::Elsewhere(place) => place.state == SeenState::Running,
        Alive::Unanswered | Alive::Ended | Alive::NeverStarted | Alive::Lost { .. } => false,
    };
    match attempts {
        [] => "idle",
        attempts if attempts.iter().any(running) => "running",
        _ => "gone",
    }
}

/// One that was only handed out may not have begun yet.
fn drifted(seen: &SeenAttempt) -> bool {
    match &seen.live {
        Alive::Elsewhere(place) => match place.state {
            SeenState::Ended | SeenState::Gone => seen.recorded != "queued",
            SeenState::Running | SeenState::Unknown => false,
        },
        Alive::Ended | Alive::NeverStarted | Alive::Lost { .. } => seen.recorded != "queued",
        Alive::Running { .. } | Alive::Unanswered => false,
    }
}

fn view(seen: &SeenAttempt) -> LiveAttempt {
    let mut view = LiveAttempt {
        stage: seen.whose.attempt.execution.to_string(),
        attempt: seen.whose.attempt.number,
        runtime: "process".to_owned(),
        place: None,
        recorded: seen.recorded.to_owned(),
        live: String::new(),
        pid: None,
        detail: String::new(),
    };
    let live = match &seen.live {
        Alive::Unanswered => "unanswered",
        Alive::Running { pid } => {
            view.pid = Some(*pid);
            "running"
        }
        Alive::Ended => "ended",
        Alive::NeverStarted => "not_started",
        Alive::Lost { message } => {
            view.detail.clone_from(message);
            "lost"
        }
        Alive::Elsewhere(place) => {
            view.runtime.clone_from(&place.runtime);
            view.place = Some(place.name.clone());
            view.detail.clone_from(&place.detail);
            match place.state {
                SeenState::Running => "running",
                SeenState::Ended => "ended",
                SeenState::Gone => "gone",
                SeenState::Unknown => "unknown",
            }
        }
    };
    live.clone_into(&mut view.live);
    view
}
