//! Decisions in words.

use api::flow::AuditEntry;
use engine::event::{Decision, Event, Person, Resolution};
use store::port::{AuditRow, TrailRow};

pub(crate) fn entry(row: AuditRow) -> AuditEntry {
    let execution = row.event.event.execution();
    AuditEntry {
        at: row.event.at,
        says: says(&row.event.event),
        by: row.by,
        action: row.action,
        run: row.run_name,
        stage: execution.map(|id| id.to_string()).unwrap_or_default(),
        seq: row.seq,
        hash: row.hash,
    }
}

/// What changed beside the runs, in words.
pub(crate) fn of_server(row: TrailRow) -> AuditEntry {
    let TrailRow { number, entry, hash } = row;
    let mut says = entry.action.replace(['.', '_'], " ");
    for part in [entry.subject.as_str(), &details(&entry.detail)] {
        if !part.is_empty() {
            says.push(' ');
            says.push_str(part);
        }
    }
    AuditEntry {
        at: entry.at,
        by: entry.by,
        action: entry.action,
        run: String::new(),
        stage: String::new(),
        says,
        seq: number,
        hash,
    }
}

/// `(roles: viewer, approver; password: set)`
fn details(detail: &serde_json::Value) -> String {
    use serde_json::Value;
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let value = |value: &Value| match value {
        Value::Array(values) => values.iter().map(word).collect::<Vec<_>>().join(", "),
        value => word(value),
    };
    let said = detail.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let said: Vec<String> = said.map(|(key, of)| format!("{key}: {}", value(of))).collect();
    if said.is_empty() { String::new() } else { format!("({})", said.join("; ")) }
}

fn with(what: impl Into<String>, why: &str) -> String {
    let what = what.into();
    if why.is_empty() { what } else { format!("{what}: {why}") }
}

fn says(event: &Event) -> String {
    match event {
        Event::RunCreated { number, revision, .. } => {
            format!("started run {number} of revision {revision}")
        }
        Event::WouldHave(said) => said.intention.says.clone(),
        Event::RunPaused { now, .. } => {
            if *now { "paused it, stopping what ran" } else { "paused it" }.to_owned()
        }
        Event::RunResumed { .. } => "resumed it".to_owned(),
        Event::RunCancelRequested { reason, .. } => with("cancelled it", reason),
        Event::RunRetried { executions, .. } => {
            let names: Vec<String> = executions.iter().map(ToString::to_string).collect();
            format!("retried {}", names.join(", "))
        }
        Event::AttemptResolved { verdict, .. } => {
            format!(
                "decided that it {}",
                match verdict {
                    engine::command::Verdict::Retry => "is tried again",
                    engine::command::Verdict::Succeeded => "succeeded",
                    engine::command::Verdict::Failed => "failed",
                }
            )
        }
        Event::GateVoted { gate, by, decision, comment, .. } => {
            let what = match decision {
                Decision::Approve => "approved",
                Decision::Reject => "rejected",
                Decision::RequestChanges => "requested changes",
            };
            with(format!("{what} ({} gate{})", gate.kind.word(), through(by)), comment)
        }
        Event::GateDelegated { from, to, .. } => {
            format!("{} delegated to {}", from.name, to.name)
        }
        Event::DelegationRevoked { from, to, .. } => {
            format!("revoked {from}'s delegation to {to}")
        }
        Event::GateReminded { percent, .. } => format!("reminder at {percent} %"),
        Event::GateEscalated { policy, .. } => {
            format!("escalated to {}", policy.electorate.approvers.join(", "))
        }
        Event::GateResolved { resolution, .. } => resolved(resolution),
        Event::FormSubmitted { by, .. } => format!("submitted by {by}"),
        Event::RevisionRequested { feedback, revision, .. } => {
            with(format!("asked for revision {revision}"), feedback)
        }
        Event::ExecutionAdvanced { .. } => "let it go on".to_owned(),
        Event::ExecutionTakenOver { by, .. } => {
            format!("took over from the agent{}", through(by))
        }
        Event::ExecutionHandedBack { by, note, accept, .. } => {
            let what = if *accept { "handed back, as the result" } else { "handed back" };
            with(format!("{what}{}", through(by)), note)
        }
        Event::BreakpointsSet { stages, step, .. } => {
            let step = if *step { ", stepping" } else { "" };
            match stages.as_slice() {
                [] => format!("cleared breakpoints{step}"),
                stages => format!("set breakpoints at {}{step}", stages.join(", ")),
            }
        }
        Event::EventReceived { occurrence } => {
            format!("event {} ({})", occurrence.kind, occurrence.id)
        }
        Event::RollbackRequested { to, reason, .. } => {
            with(format!("asked for a rollback to {to}"), reason)
        }
        Event::RollbackStarted { to, reason, .. } => with(format!("rolled back to {to}"), reason),
        Event::RewindRequested { to, inclusive, .. } => {
            let inclusive = if *inclusive { ", inclusive" } else { "" };
            format!("rewound to {to}{inclusive}")
        }
        Event::RewindUndone { .. } => "undid the rewind".to_owned(),
        other => other.name().replace(['.', '_'], " "),
    }
}

fn through(by: &Person) -> String {
    by.through
        .as_ref()
        .map_or_else(String::new, |admin| format!(", acted for by the administrator {admin}"))
}

fn resolved(resolution: &Resolution) -> String {
    match resolution {
        Resolution::Approved => "the gate is approved".to_owned(),
        Resolution::Rejected { by, reason } => with(format!("rejected by {by}"), reason),
        Resolution::ChangesRequested { by, feedback } => {
            with(format!("changes requested by {by}"), feedback)
        }
        Resolution::TimedOutApproved => "approved: nobody decided in time".to_owned(),
        Resolution::TimedOutRejected => "rejected: nobody decided in time".to_owned(),
        Resolution::TimedOutSkipped => "skipped: nobody decided in time".to_owned(),
        Resolution::TimedOutFailed => "failed: nobody decided in time".to_owned(),
        Resolution::Void { reason } => with("void", reason),
    }
}
