//! Events between stages, stepping, and going back.

use engine::event::{Event, RollbackResult};
use jiff::Timestamp;

use super::row::{Row, State};
use super::{Board, Note};
use crate::words;

impl Board {
    pub(super) fn flow(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        let run = self.run.name.clone();
        match event {
            Event::BreakpointsSet { by, stages, step } => {
                let detail = match (step, stages.is_empty()) {
                    (true, _) => format!("every stage is held, by {by}"),
                    (false, true) => format!("no breakpoints any more, by {by}"),
                    (false, false) => {
                        let names: Vec<&str> = stages.iter().map(AsRef::as_ref).collect();
                        format!("breakpoints at {}, by {by}", names.join(", "))
                    }
                };
                notes.push(self.note(at, "Debugging", run, detail));
            }
            Event::EventReceived { occurrence } => {
                let detail = format!("{} from {}", occurrence.id, occurrence.source);
                notes.push(self.note(at, "Event", occurrence.kind.clone(), detail));
            }
            Event::EventEmitted { execution, occurrence } => {
                let name = self.shown(&execution.to_string());
                notes.push(self.note(at, "Emitted", name, occurrence.kind.clone()));
            }
            Event::StageTriggered { stage, fired } => {
                notes.push(self.note(
                    at,
                    "Triggered",
                    stage.to_string(),
                    format!("by {}", fired.by),
                ));
            }
            Event::StageFed { stage, .. } => self.fed(stage),
            Event::StagePassedOver { stage, event, reason } => {
                let detail = format!("{event}: {reason}");
                notes.push(self.note(at, "Ignored", stage.to_string(), detail));
            }
            Event::StageClosed { .. } => {}
            Event::RollbackRequested { .. }
            | Event::RollbackStarted { .. }
            | Event::RollbackFinished { .. } => self.rollback(event, at, notes),
            Event::RewindRequested { by, to, .. } => {
                self.ended = false;
                notes.push(self.note(at, "Rewinding", run, format!("to {to}, by {by}")));
            }
            Event::RunRewound { executions } => {
                self.ended = false;
                self.asks = true;
                self.before = Some(Box::new((self.rows.clone(), self.settled)));
                self.again(executions);
                let count = words::count(executions.len() as u64, "stage");
                let detail = format!("{count} fresh again");
                notes.push(self.note(at, "Rewound", run, detail));
            }
            Event::RewindUndone { by } => {
                self.asks = true;
                if let Some(before) = self.before.take() {
                    (self.rows, self.settled) = *before;
                }
                let detail = format!("the rewind was taken back, by {by}");
                notes.push(self.note(at, "Undone", run, detail));
            }
            _ => {}
        }
    }

    fn rollback(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        let run = self.run.name.clone();
        match event {
            Event::RollbackRequested { by, to, .. } => {
                self.ended = false;
                notes.push(self.note(at, "Rollback", run, format!("to {to} asked for, by {by}")));
            }
            Event::RollbackStarted { by, cause, to, stages, .. } => {
                self.ended = false;
                for stage in stages {
                    self.compensation(stage);
                }
                let why = match cause {
                    Some(cause) => format!("because {cause} failed"),
                    None => format!("by {by}"),
                };
                let count = words::count(stages.len() as u64, "stage");
                let detail = format!("back to {to}, {count} to undo, {why}");
                notes.push(self.note(at, "Rollback", run, detail));
            }
            Event::RollbackFinished { result, problems } => {
                let word = match result {
                    RollbackResult::Succeeded => "rollback succeeded",
                    RollbackResult::Failed => "rollback failed",
                    RollbackResult::Partial => "rollback was partial",
                };
                let problems: Vec<String> =
                    problems.iter().map(|(stage, why)| format!("; {stage}: {why}")).collect();
                let detail = format!("{word}{}", problems.concat());
                notes.push(self.note(at, "RolledBack", run, detail));
            }
            _ => {}
        }
    }

    /// One more instance.
    fn fed(&mut self, stage: &str) {
        let Some(parent) = self.rows.get_mut(stage) else { return };
        let instance = parent.instances.unwrap_or(0) + 1;
        parent.instances = Some(instance);
        parent.state = State::Idle;
        let row = Row { instance: Some(instance), ..parent.clone().fresh() };
        self.rows.entry(format!("{stage}[{instance}]")).or_insert(row);
    }

    /// The stage that undoes this one is shown from now on.
    fn compensation(&mut self, stage: &str) {
        let Some(undone) = self.rows.get(stage) else { return };
        let name = format!("{stage}.rollback");
        let row = Row {
            stage: name.clone(),
            instance: None,
            compensates: true,
            ..undone.clone().fresh()
        };
        self.rows.entry(name).or_insert(row);
    }
}
