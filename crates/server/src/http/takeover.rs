//! A person takes the place of an agent that works, and hands the work back.

use std::sync::Arc;
use std::time::Duration;

use api::agent::Attach;
use api::agents::{HandBack, Takeover};
use api::problem::Problem;
use axum::extract::{Path, State};
use engine::ADMIN;
use engine::command::{self, Command};
use engine::id::ExecutionId;
use engine::view::TakenView;
use store::port::RunRow;

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::{reference, runs};
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;

/// How long an answer waits for the agent to let go.
const WAIT: Duration = Duration::from_secs(20);
/// Of a note, in bytes: it goes into the journal, and to the agent.
const LONGEST: usize = 64 << 10;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(take_over, takeover)).routes(routes!(hand_back))
}

/// Take over
///
/// The agent of the stage is stopped at a point where no tool runs, its session is kept, and no clock
/// runs: it is `held_by_human`. What it asked is taken back. Answers with the way in, or after 20 s
/// without: then ask again. Who holds it already is told the same again; another one is refused. Nobody
/// takes the place of one of several agents.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/takeover/{stage}",
    tag = "agents",
    security(("token" = ["decide"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        ("stage" = String, Path, description = "`implement` or `implement[2]`"),
    ),
    responses((status = OK, body = Takeover), (status = "default", body = Problem)),
)]
pub(crate) async fn take_over(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((run, stage)): Path<(String, String)>,
) -> Result<Json<Takeover>, Fault> {
    let execution = runs::execution(&stage)?;
    let by = caller.person(&shared)?;
    let asked = command::TakeOver { execution: execution.clone(), by };
    let _run = runs::act(&shared, &run, Command::TakeOver(asked)).await?;
    let row = reference::run(&shared, &run).await?;
    awaited(&shared, &row, execution).await.map(Json)
}

/// Who holds it, or held it last
///
/// Waits up to 20 s while it is held and the agent has not let go. `not_found`: nobody ever did.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/takeover/{stage}",
    tag = "agents",
    security(("token" = ["read"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        ("stage" = String, Path, description = "`implement` or `implement[2]`"),
    ),
    responses((status = OK, body = Takeover), (status = "default", body = Problem)),
)]
pub(crate) async fn takeover(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((run, stage)): Path<(String, String)>,
) -> Result<Json<Takeover>, Fault> {
    let execution = runs::execution(&stage)?;
    let row = reference::run(&shared, &run).await?;
    awaited(&shared, &row, execution).await.map(Json)
}

/// Hand back
///
/// By whoever holds it, or an administrator. The agent goes on, with the note as the next word it hears;
/// where its session cannot be taken up again, its work begins anew, with the note. With `accept` what
/// lies in the workspace is the result: it is checked and judged as if the agent had said that it is done.
#[utoipa::path(
    post,
    path = "/api/runs/{run}/takeover/{stage}/handback",
    tag = "agents",
    security(("token" = ["decide"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        ("stage" = String, Path, description = "`implement` or `implement[2]`"),
    ),
    request_body = HandBack,
    responses((status = OK, body = Takeover), (status = "default", body = Problem)),
)]
pub(crate) async fn hand_back(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path((run, stage)): Path<(String, String)>,
    Json(HandBack { note, accept }): Json<HandBack>,
) -> Result<Json<Takeover>, Fault> {
    if note.len() > LONGEST {
        return Err(Fault::invalid_input(format!("a note has at most {LONGEST} bytes")));
    }
    let execution = runs::execution(&stage)?;
    let mut by = caller.person(&shared)?;
    let admin = caller.must_be_admin("handing back for somebody else").is_ok();
    if admin && !by.is(ADMIN) {
        by.groups.push(ADMIN.to_owned());
    }
    let asked = command::HandBack { execution: execution.clone(), by, note, accept };
    let _run = runs::act(&shared, &run, Command::HandBack(asked)).await?;
    let row = reference::run(&shared, &run).await?;
    look(&shared, &row, execution).await.map(Json)
}

/// How it stands, once there is a way in, or no more wait is worth it.
async fn awaited(shared: &Shared, row: &RunRow, execution: ExecutionId) -> Result<Takeover, Fault> {
    let end = tokio::time::Instant::now() + WAIT;
    loop {
        // Before it is looked at, so that nothing falls between the two.
        let mut notices = shared.broker.subscribe(row.id);
        let takeover = look(shared, row, execution.clone()).await?;
        if takeover.status != HELD || takeover.attach.is_some() {
            return Ok(takeover);
        }
        tokio::select! {
            _heard = notices.changed() => {}
            () = tokio::time::sleep_until(end) => return Ok(takeover),
            () = shared.stopped() => return Ok(takeover),
        }
    }
}

const HELD: &str = "held";

async fn look(shared: &Shared, row: &RunRow, execution: ExecutionId) -> Result<Takeover, Fault> {
    let (run, stage) = (row.name(), execution.to_string());
    let seen = history::look(shared, row, move |of| {
        let taken = of.taken(&execution)?;
        Some(wire(run.clone(), execution.to_string(), &taken))
    });
    seen.await?.ok_or_else(|| {
        Fault::not_found(format!("nobody has taken over `{stage}`"))
            .hint("POST takes over, while an agent works there")
    })
}

fn wire(run: String, stage: String, taken: &TakenView<'_>) -> Takeover {
    let held = taken.is_held();
    let status = match (&taken.back, held) {
        (Some(_), _) => "handed_back",
        (None, true) => HELD,
        (None, false) => "over",
    };
    let back = taken.back.as_ref();
    Takeover {
        run,
        stage,
        status: status.to_owned(),
        hold: taken.hold,
        by: taken.by.name.clone(),
        since: taken.since,
        attach: taken.attach.filter(|_| held).map(|attach| Attach {
            agent: attach.agent.clone(),
            directory: attach.directory.clone(),
            command: attach.command.clone(),
            runs: attach.runs.clone(),
            resumes: attach.resumes,
        }),
        handed_back_by: back.map(|back| back.by.name.clone()),
        handed_back_at: back.map(|back| back.at),
        note: back.map(|back| back.note.to_owned()),
        accept: back.map(|back| back.accept),
    }
}
