//! A live attempt hears whether a person takes its agent's place, and says how the person goes on.

use std::sync::Arc;
use std::time::Duration;

use api::agent::{HandedBack, Holding, LetGo, Taken};
use api::problem::Problem;
use axum::extract::State;
use engine::view::TakenView;
use engine::{Command, Rejection, Run, command, event};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Attempt, stale};
use crate::conductor::desk::Ask;
use crate::door::LiveAttempt;
use crate::history;
use crate::http::body::{Json, Params};
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// How long a question is held open.
const WAIT: Duration = Duration::from_secs(25);
/// Of what is said about the way in, in bytes.
const LONGEST: usize = 16 << 10;

pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(holding)).routes(routes!(let_go))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct After {
    /// What is known already; without it the answer comes at once.
    after: Option<u32>,
}

/// Whether a person took over
///
/// Answers as soon as there is something newer than `after`, or after 25 s with what there is.
#[utoipa::path(
    get,
    path = "/api/attempt/hold",
    tag = "attempt",
    security(("attempt" = ["live"])),
    params(After),
    responses((status = OK, body = Holding), (status = "default", body = Problem)),
)]
pub(crate) async fn holding(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
    Params(After { after }): Params<After>,
) -> Result<Json<Holding>, Fault> {
    let end = tokio::time::Instant::now() + WAIT;
    loop {
        // Before it is looked at, so that nothing falls between the two.
        let mut notices = shared.broker.subscribe(live.run);
        let holding = look(&shared, &live).await?;
        if after.is_none_or(|after| holding.stamp > after) {
            return Ok(Json(holding));
        }
        tokio::select! {
            _heard = notices.changed() => {}
            () = tokio::time::sleep_until(end) => return Ok(Json(holding)),
            () = shared.stopped() => return Ok(Json(holding)),
        }
    }
}

/// The agent has stopped
///
/// It ended its program, kept its session, and waits; a person may go on as it says. Said again, it
/// changes nothing; `stale` once the work was handed back.
#[utoipa::path(
    post,
    path = "/api/attempt/hold",
    tag = "attempt",
    security(("attempt" = ["live"])),
    request_body = LetGo,
    responses((status = OK, body = Holding), (status = "default", body = Problem)),
)]
pub(crate) async fn let_go(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
    Json(LetGo { hold, attach }): Json<LetGo>,
) -> Result<Json<Holding>, Fault> {
    let api::agent::Attach { agent, directory, command, runs, resumes } = attach;
    if agent.len() + directory.len() + command.len() + runs.len() > LONGEST {
        let detail = format!("what is said about the way in has at most {LONGEST} bytes");
        return Err(Fault::invalid_input(detail));
    }
    let attach = event::Attach { agent, directory, command, runs, resumes };
    let said = command::LetGo { attempt: live.attempt.clone(), hold, attach };
    let (run, command) = (live.run, Box::new(Command::LetGo(Box::new(said))));
    let told = shared.desk.ask(|reply| Ask::Act { run, command, reply }).await;
    if let Err(Refused::Rejected(Rejection::Stale { .. })) = told {
        return Err(stale());
    }
    told?;
    Ok(Json(look(&shared, &live).await?))
}

async fn look(shared: &Shared, live: &LiveAttempt) -> Result<Holding, Fault> {
    let attempt = live.attempt.clone();
    let look = move |run: &Run| {
        let last = run.row(&attempt.execution)?.attempts.last().map(|last| last.fence);
        let taken = run.taken(&attempt.execution).filter(|taken| !taken.over);
        (last == Some(attempt.fence)).then(|| taken.map(|taken| wire(&taken)))
    };
    let seen = history::look_unfinished(shared, live.run, look).await?;
    let taken = seen.flatten().ok_or_else(stale)?;
    let stamp = taken.as_ref().map_or(0, Taken::stamp);
    Ok(Holding { stamp, taken })
}

fn wire(taken: &TakenView<'_>) -> Taken {
    let back = taken.back.as_ref().map(|back| HandedBack {
        by: back.by.name.clone(),
        note: back.note.to_owned(),
        accept: back.accept,
    });
    Taken { hold: taken.hold, by: taken.by.name.clone(), back }
}
