//! A live attempt asks people whether it may do something, or for words, and waits for the answer.

use std::sync::Arc;
use std::time::Duration;

use api::agent::{Answer, AskKind, AskPerson, Asked};
use api::problem::Problem;
use axum::extract::{Path, State};
use engine::event::{GateKind, Resolution};
use engine::id::AttemptId;
use engine::view::{AttemptStatus, GateView};
use engine::{Command, Rejection, Run, command};

use super::{Attempt, stale, taken_over};
use crate::conductor::desk::Ask;
use crate::door::LiveAttempt;
use crate::history;
use crate::http::body::Json;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// How long a question for the answer is held open.
const WAIT: Duration = Duration::from_secs(25);

pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(ask)).routes(routes!(answer))
}

/// Of what is asked and shown: it goes into the journal, and to people.
const LONGEST: usize = 64 << 10;

/// What became of an inquiry.
enum Standing {
    Unknown,
    Open,
    Answered(Answer),
    /// Taken back: its attempt is being stopped, or is over.
    Void,
    /// Taken back: a person works, or worked, in the place of the agent.
    TakenOver,
}

/// Ask people
///
/// The request is an ordinary approval, decided by the environment's approvers, else by those of the stage's
/// gates, else by anybody who may decide. The attempt goes on; nobody answering in time is a refusal. The same key
/// again changes nothing, and is answered when there is an answer.
#[utoipa::path(
    post,
    path = "/api/attempt/asks",
    tag = "attempt",
    security(("attempt" = ["live"])),
    request_body = AskPerson,
    responses((status = OK, body = Asked), (status = "default", body = Problem)),
)]
pub(crate) async fn ask(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
    Json(asked): Json<AskPerson>,
) -> Result<Json<Asked>, Fault> {
    let AskPerson { key, kind, question, choices, detail } = asked;
    if question.len() + detail.to_string().len() > LONGEST {
        let detail = format!("what people are asked has at most {LONGEST} bytes with its detail");
        return Err(Fault::invalid_input(detail));
    }
    let kind = match kind {
        AskKind::Permission => GateKind::Permission,
        AskKind::Question => GateKind::Question,
    };
    let attempt = live.attempt.clone();
    let inquire = command::Inquire { attempt, kind, key: key.clone(), question, choices, detail };
    let (run, command) = (live.run, Box::new(Command::Inquire(Box::new(inquire))));
    let asked = shared.desk.ask(|reply| Ask::Act { run, command, reply }).await;
    if let Err(Refused::Rejected(Rejection::HeldByHuman { .. })) = asked {
        return Err(taken_over());
    }
    asked?;
    match standing(&shared, &live, &key).await? {
        Standing::Answered(answer) => Ok(Json(Asked { key, answer: Some(answer) })),
        Standing::Open => Ok(Json(Asked { key, answer: None })),
        Standing::Unknown | Standing::Void => Err(stale()),
        Standing::TakenOver => Err(taken_over()),
    }
}

/// The answer
///
/// Waits up to 25 s for one; `null` means: ask again.
#[utoipa::path(
    get,
    path = "/api/attempt/asks/{key}",
    tag = "attempt",
    security(("attempt" = ["live"])),
    params(("key" = String, Path, description = "As it was given when it was asked")),
    responses((status = OK, body = Asked), (status = "default", body = Problem)),
)]
pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
    Path(key): Path<String>,
) -> Result<Json<Asked>, Fault> {
    let end = tokio::time::Instant::now() + WAIT;
    loop {
        // Before it is looked at, so that nothing falls between the two.
        let mut notices = shared.broker.subscribe(live.run);
        match standing(&shared, &live, &key).await? {
            Standing::Unknown => {
                let detail = format!("nothing was asked with the key `{key}`");
                return Err(Fault::not_found(detail).hint("POST /api/attempt/asks"));
            }
            Standing::Void => return Err(stale()),
            Standing::TakenOver => return Err(taken_over()),
            Standing::Answered(answer) => return Ok(Json(Asked { key, answer: Some(answer) })),
            Standing::Open => {}
        }
        tokio::select! {
            _heard = notices.changed() => {}
            () = tokio::time::sleep_until(end) => return Ok(Json(Asked { key, answer: None })),
            () = shared.stopped() => return Ok(Json(Asked { key, answer: None })),
        }
    }
}

async fn standing(shared: &Shared, live: &LiveAttempt, key: &str) -> Result<Standing, Fault> {
    let (attempt, key) = (live.attempt.clone(), key.to_owned());
    let look = move |run: &Run| match run.inquiry(&attempt.execution, &key) {
        None => Standing::Unknown,
        Some(gate) => match of_gate(&gate) {
            // Of an attempt that goes on nothing else takes anything back.
            Standing::Void if goes_on(run, &attempt) => Standing::TakenOver,
            other => other,
        },
    };
    // A run that has finished has no live attempt.
    let seen = history::look_unfinished(shared, live.run, look).await?;
    Ok(seen.unwrap_or(Standing::Void))
}

fn goes_on(run: &Run, attempt: &AttemptId) -> bool {
    let row = run.row(&attempt.execution);
    let last = row.as_ref().and_then(|row| row.attempts.last());
    last.is_some_and(|last| {
        let live = matches!(last.status, AttemptStatus::Queued | AttemptStatus::Running);
        live && last.fence == attempt.fence
    })
}

fn of_gate(gate: &GateView<'_>) -> Standing {
    let Some((_, resolution)) = &gate.resolution else { return Standing::Open };
    let last = gate.votes.iter().rev().find(|vote| !vote.replaced);
    let by = last.map(|vote| vote.by.to_owned()).unwrap_or_default();
    let comment = last.map(|vote| vote.comment.to_owned()).unwrap_or_default();
    Standing::Answered(match (resolution, gate.id.kind) {
        (Resolution::Void { .. }, _) => return Standing::Void,
        (Resolution::Approved, GateKind::Question) => Answer::Said { by, text: comment },
        (Resolution::Approved | Resolution::TimedOutApproved, _) => Answer::Allowed { by, comment },
        (Resolution::Rejected { by, reason }, _) => {
            Answer::Refused { by: by.clone(), comment: reason.clone() }
        }
        (Resolution::ChangesRequested { by, feedback }, _) => {
            Answer::Refused { by: by.clone(), comment: feedback.clone() }
        }
        (
            Resolution::TimedOutRejected | Resolution::TimedOutSkipped | Resolution::TimedOutFailed,
            _,
        ) => Answer::Expired,
    })
}
