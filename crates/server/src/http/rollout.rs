//! The roll-out: how much of what runs decide is really done, and how tasks pass through the roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::problem::Problem;
use api::rollout::{Queues, RolloutCheck, RolloutView, Switch};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use engine::admission::{Orchestration, Order};
use store::port::{Refusal, RolloutMode, RolloutWish};

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::tag::{IfMatch, Version, Versioned};
use crate::conductor::desk::Ask;
use crate::conductor::rollout::{SwitchAsk, Wanted};
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

mod check;
mod queues;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(show))
        .routes(routes!(switch))
        .routes(routes!(give_up))
        .routes(routes!(check))
        .routes(routes!(queues))
}

/// Globs, and roles with a limit.
const ENTRIES: usize = 200;
/// Characters of one of them.
const ENTRY: usize = 500;
/// Characters of a reason.
const REASON: usize = 2000;
/// How often a switch is asked for again when somebody else was quicker, and nobody said which
/// version it is about.
const TRIES: usize = 8;

/// The modes of the installation, and who stands in the way of a switch.
#[utoipa::path(
    get,
    path = "/api/rollout",
    tag = "rollout",
    security(("token" = ["read"])),
    responses((status = OK, body = RolloutView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(State(shared): State<Arc<Shared>>, _caller: Caller) -> Response {
    answer(&shared)
}

/// Changes what is given. While agents or runs of tasks are busy, another mode is refused (409),
/// unless it waits for them (`drain`) or does not heed them (`force`). No run is changed: each keeps
/// the mode that it was created in.
#[utoipa::path(
    post,
    path = "/api/rollout/switch",
    tag = "rollout",
    security(("token" = ["maintain"])),
    params(("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another version by now")),
    request_body = Switch,
    responses((status = OK, body = RolloutView), (status = "default", body = Problem)),
)]
pub(crate) async fn switch(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    seen: IfMatch,
    Json(request): Json<Switch>,
) -> Result<Response, Fault> {
    let reason = request.reason.clone().unwrap_or_default();
    if reason.chars().count() > REASON {
        return Err(unfit("reason", format!("at most {REASON} characters")));
    }
    let (drain, force) = (request.drain, request.force);
    if drain && force {
        let says = "`drain` waits for whoever is busy, and `force` does not: give one of them";
        return Err(Fault::bad_request(says));
    }
    let wish = wish(request)?;
    let wanted = || Wanted::Switch { wish: wish.clone(), drain, force };
    ask(&shared, &caller, &seen, &reason, wanted).await?;
    Ok(answer(&shared))
}

/// Gives up a switch that waits: what waits because of it begins.
#[utoipa::path(
    delete,
    path = "/api/rollout/draining",
    tag = "rollout",
    security(("token" = ["maintain"])),
    params(("If-Match" = Option<String>, Header, description = "The tag of what was seen (`ETag`): refused (412) when there is another version by now")),
    responses((status = OK, body = RolloutView), (status = "default", body = Problem)),
)]
pub(crate) async fn give_up(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    seen: IfMatch,
) -> Result<Response, Fault> {
    ask(&shared, &caller, &seen, "", || Wanted::GiveUp).await?;
    Ok(answer(&shared))
}

/// Whether the next mode may be dared, by what this instance measured. Verifies the journal, which
/// takes as long as it takes to read everything.
#[utoipa::path(
    get,
    path = "/api/rollout/check",
    tag = "rollout",
    security(("token" = ["read"])),
    responses((status = OK, body = RolloutCheck), (status = "default", body = Problem)),
)]
pub(crate) async fn check(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<RolloutCheck>, Fault> {
    Ok(Json(check::check(&shared).await?))
}

/// Where tasks are: to be started, with a role, kept, done.
#[utoipa::path(
    get,
    path = "/api/queues",
    tag = "rollout",
    security(("token" = ["read"])),
    responses((status = OK, body = Queues), (status = "default", body = Problem)),
)]
pub(crate) async fn queues(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Queues>, Fault> {
    Ok(Json(queues::queues(&shared).await?))
}

fn answer(shared: &Shared) -> Response {
    let view = shared.board.read();
    Versioned(Version(view.version.to_string()), Json(RolloutView::clone(&view))).into_response()
}

/// Again when somebody else was quicker and no version was named.
async fn ask(
    shared: &Shared,
    caller: &Caller,
    seen: &IfMatch,
    reason: &str,
    wanted: impl Fn() -> Wanted,
) -> Result<(), Fault> {
    let mut tries = TRIES;
    loop {
        let version = shared.board.read().version;
        seen.check(&Version(version.to_string()))?;
        let ask = SwitchAsk {
            wanted: wanted(),
            by: caller.name.clone(),
            reason: reason.to_owned(),
            seen: Some(version),
        };
        tries -= 1;
        match shared.desk.ask(|reply| Ask::Switch { ask: Box::new(ask), reply }).await {
            Ok(_done) => return Ok(()),
            Err(Refused::Catalog(Refusal::RolloutMoved { .. }))
                if seen.0.is_none() && tries > 0 => {}
            Err(refused) => return Err(refused.into()),
        }
    }
}

fn unfit(field: &'static str, problem: String) -> Fault {
    Refused::RolloutUnfit { field, problem }.into()
}

fn wish(request: Switch) -> Result<RolloutWish, Fault> {
    let mode = request.mode.map(|word| {
        let known = RolloutMode::ALL.map(RolloutMode::word);
        RolloutMode::named(&word).ok_or_else(|| none_of("mode", &word, &known))
    });
    let orchestration = request.orchestration.map(|word| {
        let known = Orchestration::ALL.map(Orchestration::word);
        Orchestration::named(&word).ok_or_else(|| none_of("orchestration", &word, &known))
    });
    let scheduler = request.scheduler.map(|word| {
        let known = Order::ALL.map(Order::word);
        Order::named(&word).ok_or_else(|| none_of("scheduler", &word, &known))
    });
    if request.max_tasks == Some(0) {
        return Err(unfit("max_tasks", "at least 1: nothing would ever begin".to_owned()));
    }
    Ok(RolloutWish {
        mode: mode.transpose()?,
        pilot_tasks: request.pilot_tasks.map(globs).transpose()?,
        orchestration: orchestration.transpose()?,
        max_tasks: request.max_tasks,
        scheduler: scheduler.transpose()?,
        wip: request.wip.map(limits).transpose()?,
    })
}

fn none_of(field: &'static str, word: &str, known: &[&str]) -> Fault {
    unfit(field, format!("`{word}` is none of {}", known.join(", ")))
}

/// Patterns of ids of tasks.
fn globs(given: Vec<String>) -> Result<Vec<String>, Fault> {
    if given.len() > ENTRIES || given.iter().any(|glob| glob.chars().count() > ENTRY) {
        let problem = format!("at most {ENTRIES} patterns of {ENTRY} characters");
        return Err(unfit("pilot_tasks", problem));
    }
    match pipeline::when::Globs::new(given) {
        Ok(globs) => Ok(globs.patterns),
        Err(error) => Err(unfit("pilot_tasks", error.to_string())),
    }
}

fn limits(given: BTreeMap<String, u32>) -> Result<BTreeMap<String, u32>, Fault> {
    let named = |role: &String| !role.is_empty() && role.chars().count() <= ENTRY;
    if given.len() > ENTRIES || !given.keys().all(named) {
        let problem =
            format!("at most {ENTRIES} roles, each with a name of 1 to {ENTRY} characters");
        return Err(unfit("wip", problem));
    }
    if let Some((role, _)) = given.iter().find(|(_, limit)| **limit == 0) {
        let problem = format!("`{role}` would never work: write at least 1, or leave it out");
        return Err(unfit("wip", problem));
    }
    Ok(given)
}
