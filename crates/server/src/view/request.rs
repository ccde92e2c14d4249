//! Rows of what people were asked: gates and forms.

use api::approval::ApprovalSummary;
use api::input::InputSummary;
use engine::Run;
use engine::event::{Event, GateId, Resolution, Stamped};
use engine::id::{ExecutionId, RunId};
use engine::view::{FormState, FormView, GateView};
use indexmap::IndexSet;
use serde_json::{Value as Json, json};
use store::port::{RequestKind, RequestRow, RunRow};

/// Rows of everything that these events, the last ones of the run, changed.
pub(crate) fn rows(run: &Run, events: &[Stamped]) -> Vec<RequestRow> {
    let mut gates: IndexSet<GateId> = IndexSet::new();
    let mut forms: IndexSet<(ExecutionId, u32)> = IndexSet::new();
    let mut moved = false;
    for stamped in events {
        match &stamped.event {
            Event::GateOpened { gate, .. }
            | Event::GateVoted { gate, .. }
            | Event::GateDelegated { gate, .. }
            | Event::DelegationRevoked { gate, .. }
            | Event::GateReminded { gate, .. }
            | Event::GateEscalated { gate, .. }
            | Event::GateResolved { gate, .. } => {
                gates.insert(gate.clone());
            }
            Event::FormOpened(form) => {
                forms.insert((form.execution.clone(), form.generation));
            }
            Event::FormSubmitted { execution, generation, .. }
            | Event::FormTimedOut { execution, generation }
            | Event::FormVoided { execution, generation, .. } => {
                forms.insert((execution.clone(), *generation));
            }
            // The time of a pause moves every deadline.
            Event::RunResumed { .. } => moved = true,
            _ => {}
        }
    }
    if moved {
        gates.extend(run.open_gates().into_iter().map(|gate| gate.id));
        forms.extend(run.open_forms().into_iter().map(|form| (form.execution, form.generation)));
    }
    let Some(header) = run.header() else { return Vec::new() };
    let id = header.run;
    let gates = gates.iter().filter_map(|gate| run.gate(gate)).map(|gate| of_gate(id, &gate));
    let forms = forms.iter().filter_map(|(execution, generation)| {
        run.form(execution, Some(*generation)).map(|form| of_form(id, &form))
    });
    gates.chain(forms).collect()
}

/// The `gate` of a form's row.
pub(crate) const FORM: &str = "form";

fn of_gate(run: RunId, gate: &GateView<'_>) -> RequestRow {
    RequestRow {
        number: 0,
        run,
        execution: gate.id.execution.to_string(),
        kind: RequestKind::Approval,
        gate: gate.id.kind.word().to_owned(),
        generation: gate.id.generation,
        status: gate.word().to_owned(),
        opened_at: gate.opened_at,
        due_at: Some(gate.due),
        closed_at: gate.resolution.as_ref().map(|(at, _)| *at),
        body: json!({
            "have": gate.have,
            "need": gate.policy.needed,
            "missing": gate.missing(),
            "on_timeout": gate.policy.electorate.on_timeout,
            "environment": gate.policy.environment,
            "question": gate.inquiry.map(|inquiry| &inquiry.question),
            "reason": gate.resolution.map_or_else(String::new, |(_, why)| reason(why)),
        }),
    }
}

fn of_form(run: RunId, form: &FormView<'_>) -> RequestRow {
    let closed_at = match &form.state {
        FormState::Open => None,
        FormState::Submitted { at, .. }
        | FormState::TimedOut { at }
        | FormState::Void { at, .. } => Some(*at),
    };
    RequestRow {
        number: 0,
        run,
        execution: form.execution.to_string(),
        kind: RequestKind::Input,
        gate: FORM.to_owned(),
        generation: form.generation,
        status: form.word().to_owned(),
        opened_at: form.opened_at,
        due_at: form.due,
        closed_at,
        body: json!({
            "revision": form.revision,
            "max_revisions": form.max_revisions,
            "assignees": form.form.assignees,
        }),
    }
}

/// Why a gate was resolved as it was.
pub(crate) fn reason(resolution: &Resolution) -> String {
    match resolution {
        Resolution::Approved => String::new(),
        Resolution::Rejected { by, reason } => format!("{by}: {reason}"),
        Resolution::ChangesRequested { by, feedback } => format!("{by}: {feedback}"),
        Resolution::TimedOutApproved => "nobody decided in time: approved".to_owned(),
        Resolution::TimedOutRejected => "nobody decided in time: rejected".to_owned(),
        Resolution::TimedOutSkipped => "nobody decided in time: skipped".to_owned(),
        Resolution::TimedOutFailed => "nobody decided in time: failed".to_owned(),
        Resolution::Void { reason } => reason.clone(),
    }
}

/// A text of a row's body; empty where there is none.
pub(crate) fn text(body: &Json, key: &str) -> String {
    body.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// A number of a row's body.
pub(crate) fn number(body: &Json, key: &str) -> u32 {
    let number = body.get(key).and_then(Json::as_u64).unwrap_or(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A list of texts of a row's body.
pub(crate) fn texts(body: &Json, key: &str) -> Vec<String> {
    let list = body.get(key).and_then(Json::as_array).into_iter().flatten();
    list.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// `A-17`
pub(crate) fn id(row: &RequestRow) -> String {
    format!("{}-{}", letter(row.kind), row.number)
}

pub(crate) fn letter(kind: RequestKind) -> char {
    match kind {
        RequestKind::Approval => 'A',
        RequestKind::Input => 'I',
    }
}

/// As everybody sees it: what a reader may do is not said.
pub(crate) fn listed(row: &RequestRow, run: &RunRow) -> Json {
    match row.kind {
        RequestKind::Approval => json!(approval(row, run, String::new())),
        RequestKind::Input => json!(input(row, run, String::new())),
    }
}

/// `you`: what the reader may do.
pub(crate) fn approval(row: &RequestRow, run: &RunRow, you: String) -> ApprovalSummary {
    let body = &row.body;
    let environment = text(body, "environment");
    ApprovalSummary {
        id: id(row),
        run: row.run.to_string(),
        run_name: run.name(),
        pipeline: run.pipeline.clone(),
        stage: row.execution.clone(),
        kind: row.gate.clone(),
        status: row.status.clone(),
        reason: text(body, "reason"),
        question: text(body, "question"),
        have: number(body, "have"),
        need: number(body, "need"),
        missing: texts(body, "missing"),
        opened_at: row.opened_at,
        due_at: row.due_at,
        on_timeout: text(body, "on_timeout"),
        resolved_at: row.closed_at,
        environment: (!environment.is_empty()).then_some(environment),
        you,
    }
}

/// `you`: what the reader may do.
pub(crate) fn input(row: &RequestRow, run: &RunRow, you: String) -> InputSummary {
    let body = &row.body;
    InputSummary {
        id: id(row),
        run: row.run.to_string(),
        run_name: run.name(),
        pipeline: run.pipeline.clone(),
        stage: row.execution.clone(),
        status: row.status.clone(),
        revision: number(body, "revision"),
        max_revisions: number(body, "max_revisions"),
        opened_at: row.opened_at,
        due_at: row.due_at,
        closed_at: row.closed_at,
        assignees: texts(body, "assignees"),
        you,
    }
}
