//! What becomes of attempts and stages.

use engine::event::{AttemptResult, Conclusion, Event, Outcome, Settled};
use engine::id::{AttemptId, ExecutionId};
use jiff::Timestamp;

use super::row::{Row, State};
use super::{Board, FailedAttempt, Note, attempt_of};
use crate::live::why;
use crate::words;

impl Board {
    pub(super) fn attempt(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        match event {
            Event::AttemptScheduled { attempt } => {
                if let Some(row) = self.row(attempt) {
                    row.attempt = attempt.number;
                    row.state = State::Queued;
                    row.last_line.clear();
                }
            }
            Event::AttemptStarted { attempt, .. } => self.started(attempt, at),
            Event::AttemptStopping { attempt, .. } => {
                if let Some(row) = self.row(attempt) {
                    row.state = State::Stopping;
                }
            }
            Event::AttemptFinished { attempt, result, usage, tail } => {
                self.attempt_finished(attempt, result, usage.elapsed_ms, tail);
            }
            Event::AttemptUnknown { attempt, message, probing } => {
                self.unknown(attempt, message, *probing, at, notes);
            }
            Event::AttemptResolved { attempt, by, verdict } => {
                let word = format!("{verdict:?}").to_lowercase();
                let name = attempt.execution.to_string();
                notes.push(self.note(at, "Decided", self.shown(&name), format!("{word} by {by}")));
            }
            Event::RetryScheduled { execution, number, due } => {
                self.backoff(execution, *number, *due, at, notes);
            }
            _ => {}
        }
    }

    pub(super) fn settled(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        match event {
            Event::StageSettled { stage, outcome, conclusion, reason, outputs } => {
                if self.rows.get(stage.as_ref()).is_some_and(|row| !row.compensates) {
                    self.settled += 1;
                }
                let outputs = why::outputs(outputs.iter().map(|(k, v)| (k.as_str(), v)));
                let fanned = self.rows.get(stage.as_ref()).is_some_and(|r| r.instances.is_some());
                let detail = match reason {
                    Settled::Done if fanned => self.instances_done(stage),
                    Settled::Done => outputs,
                    other => why::settled(other),
                };
                self.settle(stage, (*outcome, *conclusion), detail, at, notes);
            }
            // Of a stage without instances, its own `stage.settled` follows at once.
            Event::ExecutionSettled { execution, outcome, conclusion, reason, outputs }
                if execution.instance.is_some() =>
            {
                let outputs = why::outputs(outputs.iter().map(|(k, v)| (k.as_str(), v)));
                let detail = match reason {
                    Settled::Done => outputs,
                    other => why::settled(other),
                };
                let name = execution.to_string();
                self.settle(&name, (*outcome, *conclusion), detail, at, notes);
            }
            _ => {}
        }
    }

    pub(super) fn expanded(&mut self, stage: &str, items: usize) {
        let count = u32::try_from(items).unwrap_or(u32::MAX);
        let Some(parent) = self.rows.get_mut(stage) else { return };
        parent.instances = Some(count);
        let template = Row { instances: None, ..parent.clone() };
        for instance in 1..=count {
            let name = format!("{stage}[{instance}]");
            let row = Row { instance: Some(instance), ..template.clone() };
            self.rows.entry(name).or_insert(row);
        }
    }

    pub(super) fn started(&mut self, attempt: &AttemptId, at: Timestamp) {
        let stage = attempt.execution.stage.to_string();
        if let Some(row) = self.row(attempt) {
            row.state = State::Running;
            row.attempt = attempt.number;
            row.attempt_start = Some(at);
            row.first_start.get_or_insert(at);
        }
        if attempt.execution.instance.is_some()
            && let Some(parent) = self.rows.get_mut(&stage)
        {
            parent.first_start.get_or_insert(at);
        }
    }

    pub(super) fn attempt_finished(
        &mut self,
        attempt: &AttemptId,
        result: &AttemptResult,
        elapsed_ms: u64,
        tail: &str,
    ) {
        let Some(row) = self.row(attempt) else { return };
        row.state = State::Idle;
        row.last_elapsed_ms = elapsed_ms;
        row.last_failure = engine::words::result(result);
        tail.clone_into(&mut row.tail);
    }

    pub(super) fn unknown(
        &mut self,
        attempt: &AttemptId,
        message: &str,
        probing: bool,
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        let run = self.run.name.clone();
        if let Some(row) = self.row(attempt) {
            row.state = State::Unknown { probing };
        }
        let execution = attempt.execution.to_string();
        let todo = if probing {
            "its probe is asked".to_owned()
        } else {
            format!("decide: orchestrate runs resolve {run} {execution} retry|succeeded|failed")
        };
        let detail = format!("attempt {}: {message}; {todo}", attempt.number);
        notes.push(self.note(at, "Waiting", self.shown(&execution), detail));
    }

    pub(super) fn backoff(
        &mut self,
        execution: &ExecutionId,
        number: u32,
        due: Timestamp,
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        let name = execution.to_string();
        let shown = self.shown(&name);
        let Some(row) = self.rows.get_mut(&name) else { return };
        row.state = State::Backoff { due };
        let tried = number.saturating_sub(1);
        let detail = format!(
            "{} {}, next in {}",
            attempt_of(tried, row.max_attempts),
            row.last_failure,
            words::duration(words::between(at, due))
        );
        let elapsed_ms = Some(row.last_elapsed_ms);
        notes.push(Note { elapsed_ms, ..self.note(at, "Retry", shown, detail) });
    }

    pub(super) fn retried(
        &mut self,
        by: &str,
        executions: &[ExecutionId],
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        self.ended = false;
        self.again(executions);
        let detail = format!("{} again, by {by}", words::count(executions.len() as u64, "stage"));
        notes.push(self.note(at, "Retrying", self.run.name.clone(), detail));
    }

    /// `3 instances`
    pub(super) fn instances_done(&self, stage: &str) -> String {
        let of = self.rows.get(stage).and_then(|row| row.instances).unwrap_or(0);
        words::count(u64::from(of), "instance")
    }

    pub(super) fn settle(
        &mut self,
        name: &str,
        (outcome, conclusion): (Outcome, Conclusion),
        detail: String,
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        let shown = self.shown(name);
        let Some(row) = self.rows.get_mut(name) else { return };
        row.state = State::Settled;
        let elapsed_ms = row.first_start.map(|start| words::between(start, at));
        let ran = row.attempt > 0;
        let tried = attempt_of(row.attempt, row.max_attempts);
        let failed =
            (outcome == Outcome::Failed && ran && row.instances.is_none()).then(|| FailedAttempt {
                execution: name.to_owned(),
                stage: row.stage.clone(),
                number: row.attempt,
                tail: row.tail.clone(),
            });
        let (label, detail) = match outcome {
            Outcome::Succeeded if row.attempt > 1 && row.instances.is_none() => {
                let gap = if detail.is_empty() { "" } else { "  " };
                ("Succeeded", format!("{tried}{gap}{detail}"))
            }
            Outcome::Succeeded => ("Succeeded", detail),
            Outcome::Failed if conclusion == Conclusion::Warning => {
                ("Failed", format!("{detail}; counts as a warning"))
            }
            Outcome::Failed if failed.is_some() => ("Failed", format!("{tried} {detail}")),
            Outcome::Failed => ("Failed", detail),
            Outcome::Cancelled => ("Cancelled", detail),
            Outcome::Skipped => ("Skipped", detail),
            Outcome::NotRun => ("Not run", detail),
            // Each of what it would have done has a line of its own.
            Outcome::WouldHave => return,
        };
        let note = self.note(at, label, shown, detail);
        notes.push(Note { elapsed_ms, failed, ..note });
    }

    /// These have settled no longer.
    pub(super) fn again(&mut self, executions: &[ExecutionId]) {
        for execution in executions {
            let name = execution.to_string();
            let was_settled = self.rows.get(&name).is_some_and(|row| row.state == State::Settled);
            if execution.instance.is_none() && was_settled {
                self.settled = self.settled.saturating_sub(1);
            } else if let Some(parent) = self.rows.get_mut(execution.stage.as_ref())
                && execution.instance.is_some()
                && parent.state == State::Settled
            {
                parent.state = State::Idle;
                self.settled = self.settled.saturating_sub(1);
            }
            if let Some(row) = self.rows.get_mut(&name) {
                row.state = State::Idle;
                row.first_start = None;
            }
        }
    }
}
