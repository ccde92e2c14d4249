//! A run as the hands see it now.

use std::sync::Arc;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use api::compare::{LiveAttempt, LiveStatus};
use api::problem::Problem;
use axum::extract::{Path, State};
use store::port::RunRow;

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::reference;
use crate::conductor::desk::Ask;
use crate::conductor::inspect::{Alive, Inspected, Seen};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(status))
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
    let run = row.id;
    let asked = shared.desk.ask(|reply| Ask::Inspect { run, reply });
    let inspected = match tokio::time::timeout(PATIENCE, asked).await {
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
    };
    if let Some(Inspected { recorded, attempts }) = inspected {
        status.recorded = recorded.map_or(status.recorded, str::to_owned);
        status.live = word(&attempts).to_owned();
        status.observed_at =
            attempts.iter().filter_map(|seen| seen.at).max().unwrap_or(status.observed_at);
        status.drift = attempts.iter().any(drifted);
        status.attempts = attempts.iter().map(view).collect();
    }
    Ok(status)
}

fn word(attempts: &[Seen]) -> &'static str {
    let running = |seen: &Seen| matches!(seen.live, Alive::Running { .. });
    match attempts {
        [] => "idle",
        attempts if attempts.iter().any(running) => "running",
        _ => "gone",
    }
}

/// One that was only handed out may not have begun yet.
fn drifted(seen: &Seen) -> bool {
    match seen.live {
        Alive::Ended | Alive::NeverStarted | Alive::Lost { .. } => seen.recorded != "queued",
        Alive::Running { .. } | Alive::Unanswered => false,
    }
}

fn view(seen: &Seen) -> LiveAttempt {
    let (live, pid, detail) = match &seen.live {
        Alive::Unanswered => ("unanswered", None, String::new()),
        Alive::Running { pid } => ("running", Some(*pid), String::new()),
        Alive::Ended => ("ended", None, String::new()),
        Alive::NeverStarted => ("not_started", None, String::new()),
        Alive::Lost { message } => ("lost", None, message.clone()),
    };
    LiveAttempt {
        stage: seen.whose.attempt.execution.to_string(),
        attempt: seen.whose.attempt.number,
        recorded: seen.recorded.to_owned(),
        live: live.to_owned(),
        pid,
        detail,
    }
}
