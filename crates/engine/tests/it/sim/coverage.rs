//! What the seeds have seen. A simulation that never cancels a paused run proves nothing about it,
//! so what must be seen is listed, and a missing line fails the test.

use std::collections::BTreeMap;

use engine::command::{Command, Report};
use engine::event::Event;

#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    seen: BTreeMap<String, u64>,
    pub(crate) steps: u64,
    pub(crate) predicted: u64,
}

/// Events of people, of other stages, and of undoing.
const MORE_EVENTS: [&str; 33] = [
    "gate.opened",
    "gate.voted",
    "gate.delegated",
    "gate.delegation_revoked",
    "gate.reminded",
    "gate.escalated",
    "gate.resolved",
    "form.opened",
    "form.submitted",
    "form.timed_out",
    "form.voided",
    "execution.revision_requested",
    "execution.held",
    "execution.advanced",
    "execution.taken_over",
    "attempt.let_go",
    "execution.handed_back",
    "execution.awaits_environment",
    "execution.environment_granted",
    "run.breakpoints_set",
    "event.received",
    "event.emitted",
    "stage.listening",
    "stage.triggered",
    "stage.fed",
    "stage.passed_over",
    "stage.closed",
    "rollback.requested",
    "rollback.started",
    "rollback.finished",
    "run.rewind_requested",
    "run.rewound",
    "run.rewind_undone",
];

const EVENTS: [&str; 20] = [
    "run.created",
    "run.started",
    "run.paused",
    "run.resumed",
    "run.cancel_requested",
    "run.retried",
    "run.halted",
    "run.finished",
    "stage.ready",
    "stage.expanded",
    "stage.settled",
    "attempt.scheduled",
    "attempt.started",
    "attempt.stopping",
    "attempt.finished",
    "attempt.unknown",
    "attempt.resolved",
    "attempt.retry_scheduled",
    "attempt.requeued",
    "execution.settled",
];

/// Every kind of event.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    EVENTS.into_iter().chain(MORE_EVENTS)
}

const COMMANDS: [&str; 31] = [
    "create",
    "admit",
    "pause",
    "pause now",
    "resume",
    "cancel",
    "retry",
    "resolve",
    "report started",
    "report exited",
    "report not started",
    "report lost",
    "report probed",
    "fire",
    "inquire",
    "take over",
    "let go",
    "hand back",
    "vote",
    "delegate",
    "revoke",
    "submit",
    "advance",
    "breakpoints",
    "grant",
    "roll back",
    "deliver",
    "rewind",
    "undo rewind",
    "report child started",
    "report child ended",
];

const STATUSES: [&str; 8] =
    ["pending", "running", "waiting", "paused", "cancelling", "succeeded", "failed", "cancelled"];

impl Coverage {
    fn note(&mut self, what: String) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(crate) fn event(&mut self, event: &Event) {
        self.note(event.name().to_owned());
    }

    pub(crate) fn command(&mut self, command: &Command, status: &str, accepted: bool) {
        let answer = if accepted { "accepted" } else { "refused" };
        self.note(format!("{} while {status}", command_word(command)));
        self.note(format!("{} {answer}", command_word(command)));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (what, count) in other.seen {
            *self.seen.entry(what).or_default() += count;
        }
        self.steps += other.steps;
        self.predicted += other.predicted;
    }

    /// What no seed has seen.
    pub(crate) fn missing(&self) -> Vec<String> {
        let pairs = COMMANDS
            .iter()
            .flat_map(|command| STATUSES.map(|status| format!("{command} while {status}")));
        let answers = COMMANDS
            .iter()
            .flat_map(|command| ["accepted", "refused"].map(|answer| format!("{command} {answer}")))
            // A run is created once, before the simulation of its status begins.
            .filter(|what| what != "create accepted");
        all()
            .map(str::to_owned)
            .chain(pairs)
            .chain(answers)
            .filter(|what| !self.seen.contains_key(what))
            .collect()
    }
}

fn command_word(command: &Command) -> &'static str {
    match command {
        Command::Create(_) => "create",
        Command::Admit => "admit",
        Command::Pause { now: false, .. } => "pause",
        Command::Pause { now: true, .. } => "pause now",
        Command::Resume { .. } => "resume",
        Command::Cancel { .. } => "cancel",
        Command::Retry { .. } => "retry",
        Command::Resolve { .. } => "resolve",
        Command::Report { report: Report::Started { .. }, .. } => "report started",
        Command::Report { report: Report::Exited(_), .. } => "report exited",
        Command::Report { report: Report::NotStarted { .. }, .. } => "report not started",
        Command::Report { report: Report::Lost { .. }, .. } => "report lost",
        Command::Report { report: Report::ChildStarted { .. }, .. } => "report child started",
        Command::Report { report: Report::ChildEnded { .. }, .. } => "report child ended",
        Command::Report { report: Report::ChildRefused { .. }, .. } => "report child refused",
        Command::Report { report: Report::Probed { .. }, .. } => "report probed",
        Command::Fire { .. } => "fire",
        Command::Inquire(_) => "inquire",
        Command::TakeOver(_) => "take over",
        Command::LetGo(_) => "let go",
        Command::HandBack(_) => "hand back",
        Command::Vote(_) => "vote",
        Command::Delegate(_) => "delegate",
        Command::Revoke(_) => "revoke",
        Command::Submit(_) => "submit",
        Command::Advance(_) => "advance",
        Command::SetBreakpoints(_) => "breakpoints",
        Command::Grant { .. } => "grant",
        Command::RollBack(_) => "roll back",
        Command::Rewind(_) => "rewind",
        Command::UndoRewind { .. } => "undo rewind",
        Command::Deliver { .. } => "deliver",
    }
}
