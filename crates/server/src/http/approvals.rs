//! Gates: listed, shown, decided.

use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::approval::{
    ApprovalDetail, ApprovalSummary, Approve, DelegateTo, DelegationView, Reject, RequestChanges,
    SentBack, SlotView, VoteView,
};
use api::problem::Problem;
use api::words::approval_statuses;
use axum::extract::{Path, State};
use engine::Run;
use engine::command::{Command, Delegate, Revoke, Vote};
use engine::event::{Decision, GateId, GateKind, Person};
use engine::view::GateView;
use serde::Deserialize;
use serde_json::Value;
use store::port::{ArtifactQuery, RequestKind, RequestRow, RunRow};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::requests::{self, Asked, List};
use crate::conductor::desk::Ask;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view::{self, request};
use crate::{accounts, history, identity};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(request_changes))
        .routes(routes!(delegate))
        .routes(routes!(revoke))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Words of statuses, separated by commas.
    #[param(schema_with = approval_statuses)]
    status: Option<String>,
    /// `name#n`, an id, or the beginning of one.
    run: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: `A-17`.
    #[param(pattern = "^A-[0-9]{1,15}$")]
    after: Option<String>,
}

impl Wanted {
    fn list(self) -> List {
        let Self { status, run, limit, after } = self;
        List { status, run, limit, after }
    }
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/approvals",
    tag = "approvals",
    security(("token" = ["read"])),
    params(Wanted),
    responses(
        (status = OK, body = Page<ApprovalSummary>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<ApprovalSummary>>, Fault> {
    let (asked, next) = requests::list(&shared, RequestKind::Approval, wanted.list()).await?;
    let (person, alone) = (caller.person(&shared)?, identity::alone(&shared, &caller).await?);
    let mut standings = requests::Standings::default();
    for of in asked.iter().filter(|of| of.row.status == "pending") {
        if let Some(gate) = gate_id(&of.row) {
            standings.want(of, gate);
        }
    }
    let seen = standings.look(&shared, move |run, gate| you(run, gate, &person, alone)).await?;
    let data = asked
        .iter()
        .map(|of| summary(of, seen.get(&of.row.number).cloned().unwrap_or_default()))
        .collect();
    Ok(Json(Page { schema: "orchestrate.approval.list/v1".to_owned(), data, next }))
}

fn summary(of: &Asked, you: String) -> ApprovalSummary {
    request::approval(&of.row, &of.run, you)
}

/// What the caller may do at a gate, or why not.
fn you(run: &Run, id: &GateId, person: &Person, alone: bool) -> String {
    let Some(gate) = run.gate(id) else { return String::new() };
    let name = person.name.as_str();
    let passed = gate.delegations.iter().rev().find(|d| d.from == name && d.revoked_at.is_none());
    let voted = gate.votes.iter().rev().find(|vote| !vote.replaced && vote.by == name);
    match (run.may_vote(id, person, alone), voted, passed) {
        (_, Some(vote), _) => format!("voted {}", decision_word(vote.decision)),
        (Ok(()), None, _) => "can approve".to_owned(),
        (Err(_), None, Some(passed)) => format!("delegated to {}", passed.to),
        (Err(engine::Rejection::NotEligible { reason, .. }), None, None) => reason,
        (Err(engine::Rejection::GateResolved { .. }), None, None) => String::new(),
        (Err(rejection), None, None) => rejection.to_string(),
    }
}

fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::RequestChanges => "request_changes",
    }
}

fn gate_id(row: &RequestRow) -> Option<GateId> {
    let kinds = [
        GateKind::Start,
        GateKind::Complete,
        GateKind::Trigger,
        GateKind::Permission,
        GateKind::Question,
    ];
    let kind = kinds.into_iter().find(|kind| kind.word() == row.gate)?;
    let execution = row.execution.parse().ok()?;
    Some(GateId { execution, kind, generation: row.generation })
}

async fn find(shared: &Shared, id: &str) -> Result<(Asked, GateId), Fault> {
    let asked = requests::find(shared, RequestKind::Approval, id).await?;
    let gate = gate_id(&asked.row)
        .ok_or_else(|| Refused::Internal(format!("approval {id} names no gate")))?;
    Ok((asked, gate))
}

/// A gate, what is to be approved, and who decided what.
#[utoipa::path(
    get,
    path = "/api/approvals/{id}",
    tag = "approvals",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`A-17`")),
    responses(
        (status = OK, body = ApprovalDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ApprovalDetail>, Fault> {
    let (asked, gate) = find(&shared, &id).await?;
    Ok(Json(detail(&shared, &caller, asked, gate).await?))
}

async fn detail(
    shared: &Shared,
    caller: &Caller,
    asked: Asked,
    gate: GateId,
) -> Result<ApprovalDetail, Fault> {
    let (person, alone) = (caller.person(shared)?, identity::alone(shared, caller).await?);
    let artifacts = artifacts(shared, &asked.run, &asked.row.execution).await?;
    let summary = summary(&asked, String::new());
    let seen = history::look(shared, &asked.run, move |run| {
        let you = you(run, &gate, &person, alone);
        let shown = run.shown(&gate).unwrap_or(Value::Null);
        let back = run.sent_back(&gate.execution).map(|(revision, max_revisions, feedback)| {
            SentBack { revision, max_revisions, feedback: feedback.to_owned() }
        });
        let back = back.filter(|_| gate.kind == GateKind::Complete);
        run.gate(&gate).map(|gate| ApprovalDetail { sent_back: back, ..full(&gate, you, shown) })
    });
    let gone = || Refused::Internal(format!("the run does not know approval {}", summary.id));
    let of_run = seen.await?.ok_or_else(gone)?;
    let you = of_run.summary.you.clone();
    Ok(ApprovalDetail {
        summary: ApprovalSummary { you, ..summary },
        artifacts: if asked.row.gate == "complete" { artifacts } else { Vec::new() },
        ..of_run
    })
}

/// All but what the rows of the store say.
fn full(gate: &GateView<'_>, you: String, shown: Value) -> ApprovalDetail {
    let electorate = &gate.policy.electorate;
    let slots = gate.slots.iter().map(|slot| SlotView {
        entry: slot.entry.unwrap_or_default().to_owned(),
        filled_by: slot.filled_by.map(str::to_owned),
    });
    let votes = gate.votes.iter().map(|vote| VoteView {
        at: vote.at,
        by: vote.by.to_owned(),
        decision: decision_word(vote.decision).to_owned(),
        comment: vote.comment.to_owned(),
        replaced: vote.replaced,
    });
    let delegations = gate.delegations.iter().map(|delegation| DelegationView {
        at: delegation.at,
        slot: delegation.slot,
        from: delegation.from.to_owned(),
        to: delegation.to.to_owned(),
        revoked_at: delegation.revoked_at,
    });
    ApprovalDetail {
        summary: ApprovalSummary {
            id: String::new(),
            run: String::new(),
            run_name: String::new(),
            pipeline: String::new(),
            stage: String::new(),
            kind: String::new(),
            status: String::new(),
            reason: String::new(),
            question: String::new(),
            have: gate.have,
            need: gate.policy.needed,
            missing: Vec::new(),
            opened_at: gate.opened_at,
            due_at: Some(gate.due),
            on_timeout: String::new(),
            resolved_at: None,
            environment: None,
            you,
        },
        instructions: gate.instructions.to_owned(),
        digest: gate.digest.to_owned(),
        shown,
        artifacts: Vec::new(),
        slots: slots.collect(),
        votes: votes.collect(),
        delegations: delegations.collect(),
        allow_self: electorate.allow_self,
        escalate_to: electorate.escalate_to.clone(),
        reminded: gate.reminded.clone(),
        sent_back: None,
    }
}

/// What an execution left and is not superseded.
async fn artifacts(
    shared: &Shared,
    run: &RunRow,
    execution: &str,
) -> Result<Vec<api::artifact::ArtifactView>, Refused> {
    let stage = execution.split('[').next().unwrap_or(execution).to_owned();
    let query = ArtifactQuery {
        run: Some(run.id),
        stage: Some(stage),
        statuses: vec!["staged".to_owned(), "promoted".to_owned()],
        limit: 1000,
        ..ArtifactQuery::default()
    };
    let rows = shared.read(move |reader| Ok(reader.artifacts(&query)?)).await?;
    let own = rows.iter().rev().filter(|row| row.execution == execution);
    Ok(own.map(|row| view::artifact::view(row, run)).collect())
}

/// A vote for it.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/approve",
    tag = "approvals",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`A-17`")),
    request_body = Approve,
    responses(
        (status = OK, body = ApprovalDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn approve(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(Approve { comment, digest }): Json<Approve>,
) -> Result<Json<ApprovalDetail>, Fault> {
    vote(&shared, &caller, &id, Decision::Approve, comment, digest).await
}

/// A vote against it: one is enough.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/reject",
    tag = "approvals",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`A-17`")),
    request_body = Reject,
    responses(
        (status = OK, body = ApprovalDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn reject(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(Reject { reason, digest }): Json<Reject>,
) -> Result<Json<ApprovalDetail>, Fault> {
    vote(&shared, &caller, &id, Decision::Reject, reason, digest).await
}

/// Back to whoever did the work, with what has to change.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/request-changes",
    tag = "approvals",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`A-17`")),
    request_body = RequestChanges,
    responses(
        (status = OK, body = ApprovalDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn request_changes(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(RequestChanges { feedback, digest }): Json<RequestChanges>,
) -> Result<Json<ApprovalDetail>, Fault> {
    vote(&shared, &caller, &id, Decision::RequestChanges, feedback, digest).await
}

/// The same for whoever names the gate in another way.
pub(super) async fn vote(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    decision: Decision,
    comment: String,
    digest: Option<String>,
) -> Result<Json<ApprovalDetail>, Fault> {
    let (by, alone) = (caller.person(shared)?, identity::alone(shared, caller).await?);
    let command =
        |gate| Command::Vote(Box::new(Vote { gate, by, decision, comment, digest, alone }));
    act(shared, caller, id, command).await
}

/// Passes the own slot to somebody else.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/delegate",
    tag = "approvals",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`A-17`")),
    request_body = DelegateTo,
    responses(
        (status = OK, body = ApprovalDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn delegate(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(DelegateTo { to }): Json<DelegateTo>,
) -> Result<Json<ApprovalDetail>, Fault> {
    if !crate::config::is_name(&to) {
        return Err(Fault::invalid_input("`to` has to be the name of a user"));
    }
    let account = accounts::find(&shared, &to).await?;
    if account.disabled || (!account.known && accounts::any_listed(&shared).await?) {
        let detail = format!("nobody is called `{to}`, or they are no longer here");
        return Err(Fault::invalid_input(detail).hint("orchestrate user list"));
    }
    let (by, to) = (caller.person(&shared)?, account.person);
    let command = |gate| Command::Delegate(Box::new(Delegate { gate, by, to }));
    act(&shared, &caller, &id, command).await
}

/// Takes a delegation back before it was used.
#[utoipa::path(
    post,
    path = "/api/approvals/{id}/revoke",
    tag = "approvals",
    security(("token" = ["decide"])),
    params(("id" = String, Path, description = "`A-17`")),
    request_body = DelegateTo,
    responses(
        (status = OK, body = ApprovalDetail),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn revoke(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
    Json(DelegateTo { to }): Json<DelegateTo>,
) -> Result<Json<ApprovalDetail>, Fault> {
    let by = caller.person(&shared)?;
    let command = |gate| Command::Revoke(Box::new(Revoke { gate, by, to }));
    act(&shared, &caller, &id, command).await
}

async fn act(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    command: impl FnOnce(GateId) -> Command,
) -> Result<Json<ApprovalDetail>, Fault> {
    let (asked, gate) = find(shared, id).await?;
    let (run, command) = (asked.row.run, Box::new(command(gate)));
    let acted = shared.desk.ask(|reply| Ask::Act { run, command, reply }).await;
    acted.map_err(|refused| hinted(refused, id))?;
    let (asked, gate) = find(shared, id).await?;
    Ok(Json(detail(shared, caller, asked, gate).await?))
}

fn hinted(refused: Refused, id: &str) -> Fault {
    use engine::Rejection;
    let hint = match &refused {
        Refused::Rejected(
            Rejection::NotEligible { .. }
            | Rejection::StaleDigest { .. }
            | Rejection::GateResolved { .. }
            | Rejection::VotedAlready { .. },
        ) => Some(format!("orchestrate approval show {id}")),
        _ => None,
    };
    let fault = Fault::from(refused);
    match hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    }
}
