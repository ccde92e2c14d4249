//! What is known of a run while it goes on.

mod row;

use api::feed::Message;
use api::run::{EventView, RunDetail, RunSummary};
use engine::event::{AttemptResult, Conclusion, Event, Outcome, Settled};
use engine::id::{AttemptId, ExecutionId};
use indexmap::IndexMap;
use jiff::Timestamp;

use crate::live::why;
use crate::words;
use row::{Row, State};

/// Fold of a feed.
#[derive(Clone, Debug)]
pub struct Board {
    pub run: RunSummary,
    /// Stages (not instances) and how many have settled.
    pub total: u32,
    pub settled: u32,
    rows: IndexMap<String, Row>,
    pub sequence: u64,
    /// Its end has been told.
    ended: bool,
}

/// One line of the record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub at: Timestamp,
    /// `Succeeded`, `Retry`, `Waiting`: gives the colour too.
    pub label: &'static str,
    /// Settled stages and all of them, when it was written.
    pub settled: u32,
    pub total: u32,
    pub name: String,
    pub elapsed_ms: Option<u64>,
    pub detail: String,
    /// An attempt that failed for good, and its last lines: shown in the log of a CI.
    pub failed: Option<FailedAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    pub execution: String,
    pub stage: String,
    pub number: u32,
    pub tail: String,
}

/// Something that is going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub name: String,
    /// `o` running, `!` waits for a person, `~` waits for its next attempt, `.` waits for a slot.
    pub sign: char,
    pub elapsed_ms: Option<u64>,
    /// `attempt 2/3`, `next attempt in 2s`
    pub says: String,
    pub last_line: String,
}

impl Board {
    pub fn new(detail: &RunDetail) -> Self {
        let stages = || detail.stages.iter().filter(|stage| stage.instance.is_none());
        Self {
            run: detail.summary.clone(),
            total: u32::try_from(stages().count()).unwrap_or(u32::MAX),
            settled: u32::try_from(stages().filter(|s| s.outcome.is_some()).count())
                .unwrap_or(u32::MAX),
            rows: detail.stages.iter().map(|view| (view.name.clone(), Row::new(view))).collect(),
            sequence: detail.sequence,
            ended: is_final(&detail.summary.status),
        }
    }

    /// The same run before anything happened, so that its whole feed can be told.
    #[must_use]
    pub fn rewound(self) -> Self {
        let rows = self
            .rows
            .into_iter()
            .filter(|(_, row)| row.instance.is_none())
            .map(|(name, row)| (name, row.fresh()))
            .collect();
        let run = RunSummary { status: "pending".to_owned(), ..self.run };
        Self { run, settled: 0, rows, sequence: 0, ended: false, ..self }
    }

    /// The run has ended, and there is no event of it that has not been taken.
    pub fn finish(&mut self, run: RunSummary) {
        self.run = run;
        self.ended = true;
    }

    /// Everything up to its end has been told. (Its status is known earlier, when a feed starts
    /// behind.)
    pub fn finished(&self) -> bool {
        self.ended && is_final(&self.run.status)
    }

    /// Applies one message and says what is worth a line.
    pub fn take(&mut self, message: &Message) -> Vec<Note> {
        match message {
            Message::Snapshot { run } => {
                *self = Self::new(run);
                Vec::new()
            }
            Message::Events { events, summary } => {
                let mut notes = Vec::new();
                for view in events {
                    if view.seq <= self.sequence {
                        continue;
                    }
                    self.sequence = view.seq;
                    if let Some(event) = typed(view) {
                        self.event(&event, view.at, &mut notes);
                    }
                }
                self.run = RunSummary::clone(summary);
                notes
            }
            Message::Output { stage, last_line, .. } => {
                if let Some(row) = self.rows.get_mut(stage) {
                    row.last_line = words::without_escapes(last_line).trim_end().to_owned();
                }
                Vec::new()
            }
            Message::Ping => Vec::new(),
        }
    }

    fn event(&mut self, event: &Event, at: Timestamp, notes: &mut Vec<Note>) {
        match event {
            Event::RunCreated { .. }
            | Event::StageReady { .. }
            | Event::Requeued { .. }
            | Event::GateOpened { .. }
            | Event::GateVoted { .. }
            | Event::GateDelegated { .. }
            | Event::DelegationRevoked { .. }
            | Event::GateReminded { .. }
            | Event::GateEscalated { .. }
            | Event::GateResolved { .. }
            | Event::FormOpened(_)
            | Event::FormSubmitted { .. }
            | Event::FormTimedOut { .. }
            | Event::FormVoided { .. }
            | Event::RevisionRequested { .. }
            | Event::ExecutionHeld { .. }
            | Event::ExecutionAdvanced { .. }
            | Event::AwaitsEnvironment { .. }
            | Event::EnvironmentGranted { .. }
            | Event::BreakpointsSet { .. }
            | Event::EventReceived { .. }
            | Event::EventEmitted { .. }
            | Event::StageTriggered { .. }
            | Event::StageFed { .. }
            | Event::StagePassedOver { .. }
            | Event::StageListening { .. }
            | Event::StageClosed { .. }
            | Event::RollbackRequested { .. }
            | Event::RollbackStarted { .. }
            | Event::RollbackFinished { .. }
            | Event::RewindRequested { .. }
            | Event::RunRewound { .. }
            | Event::RewindUndone { .. } => {}
            Event::RunStarted => {
                let stages = words::count(u64::from(self.total), "stage");
                notes.push(self.note(at, "Starting", self.run.name.clone(), stages));
            }
            Event::RunPaused { by, now } => {
                let how = if *now { "; running attempts are stopped" } else { "" };
                notes.push(self.note(at, "Paused", self.run.name.clone(), format!("by {by}{how}")));
            }
            Event::RunResumed { by } => {
                notes.push(self.note(at, "Resumed", self.run.name.clone(), format!("by {by}")));
            }
            Event::RunCancelRequested { by, reason } => {
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                let detail = format!("by {by}{why}");
                notes.push(self.note(at, "Cancelling", self.run.name.clone(), detail));
            }
            Event::RunRetried { by, executions } => self.retried(by, executions, at, notes),
            Event::RunHalted { cause } => {
                let detail = format!("{cause} failed; nothing new starts");
                notes.push(self.note(at, "Halting", self.run.name.clone(), detail));
            }
            Event::RunFinished { .. } => self.ended = true,
            Event::StageExpanded { stage, items } => self.expanded(stage, items.len()),
            Event::StageSettled { stage, outcome, conclusion, reason, outputs } => {
                self.settled += 1;
                let outputs = why::outputs(outputs.iter().map(|(k, v)| (k.as_str(), v)));
                let fanned = self.rows.get(stage.as_ref()).is_some_and(|r| r.instances.is_some());
                let detail = match reason {
                    Settled::Done if fanned => self.instances_done(stage),
                    Settled::Done => outputs,
                    other => why::settled(other),
                };
                self.settle(stage, (*outcome, *conclusion), detail, at, notes);
            }
            Event::ExecutionSettled { execution, outcome, conclusion, reason, outputs } => {
                // Of a stage without instances, its own `stage.settled` follows at once.
                if execution.instance.is_some() {
                    let outputs = why::outputs(outputs.iter().map(|(k, v)| (k.as_str(), v)));
                    let detail = match reason {
                        Settled::Done => outputs,
                        other => why::settled(other),
                    };
                    let name = execution.to_string();
                    self.settle(&name, (*outcome, *conclusion), detail, at, notes);
                }
            }
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
        }
    }

    fn note(&self, at: Timestamp, label: &'static str, name: String, detail: String) -> Note {
        Note {
            at,
            label,
            settled: self.settled,
            total: self.total,
            name,
            elapsed_ms: None,
            detail,
            failed: None,
        }
    }

    fn row(&mut self, attempt: &AttemptId) -> Option<&mut Row> {
        self.rows.get_mut(&attempt.execution.to_string())
    }

    /// `implement[2/3]`
    fn shown(&self, name: &str) -> String {
        self.rows.get(name).map_or_else(|| name.to_owned(), |row| self.shown_row(name, row))
    }

    fn shown_row(&self, name: &str, row: &Row) -> String {
        let of = self.rows.get(&row.stage).and_then(|parent| parent.instances);
        match (row.instance, of) {
            (Some(instance), Some(of)) => format!("{}[{instance}/{of}]", row.stage),
            _ => name.to_owned(),
        }
    }

    fn expanded(&mut self, stage: &str, items: usize) {
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

    fn started(&mut self, attempt: &AttemptId, at: Timestamp) {
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

    fn attempt_finished(
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

    fn unknown(
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

    fn backoff(
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

    fn retried(
        &mut self,
        by: &str,
        executions: &[ExecutionId],
        at: Timestamp,
        notes: &mut Vec<Note>,
    ) {
        self.ended = false;
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
        let detail = format!("{} again, by {by}", words::count(executions.len() as u64, "stage"));
        notes.push(self.note(at, "Retrying", self.run.name.clone(), detail));
    }

    /// `3 instances`
    fn instances_done(&self, stage: &str) -> String {
        let of = self.rows.get(stage).and_then(|row| row.instances).unwrap_or(0);
        words::count(u64::from(of), "instance")
    }

    fn settle(
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
        };
        let note = self.note(at, label, shown, detail);
        notes.push(Note { elapsed_ms, failed, ..note });
    }

    /// What goes on at `now`, the longest first; waiting for people before all.
    pub fn activities(&self, now: Timestamp) -> Vec<Activity> {
        let mut found: Vec<(u8, Activity)> = self
            .rows
            .iter()
            .filter_map(|(name, row)| {
                let (rank, sign, says) = match row.state {
                    State::Idle | State::Settled => return None,
                    State::Unknown { probing: true } => (0, '!', "outcome unknown; probing".into()),
                    State::Unknown { probing: false } => {
                        (0, '!', "outcome unknown; decide with `orchestrate runs resolve`".into())
                    }
                    State::Stopping => (1, 'o', "stopping".to_owned()),
                    State::Running => {
                        (1, 'o', if row.attempt > 1 { row.tried() } else { String::new() })
                    }
                    State::Backoff { due } => {
                        let wait = words::duration(words::between(now, due));
                        (2, '~', format!("{}; next attempt in {wait}", row.last_failure))
                    }
                    State::Queued => (3, '.', "waits for a slot".to_owned()),
                };
                let running = matches!(row.state, State::Running | State::Stopping);
                let elapsed_ms =
                    row.attempt_start.filter(|_| running).map(|since| words::between(since, now));
                let last_line = if running { row.last_line.clone() } else { String::new() };
                let name = self.shown_row(name, row);
                Some((rank, Activity { name, sign, elapsed_ms, says, last_line }))
            })
            .collect();
        found.sort_by_key(|(rank, activity)| {
            (*rank, std::cmp::Reverse(activity.elapsed_ms.unwrap_or(0)))
        });
        found.into_iter().map(|(_, activity)| activity).collect()
    }

    /// Attempts that run, and those that wait for a person, a slot or their next try.
    pub fn counts(&self) -> (u32, u32) {
        self.rows.values().fold((0, 0), |(running, waiting), row| match row.state {
            State::Running | State::Stopping => (running + 1, waiting),
            State::Backoff { .. } | State::Unknown { .. } => (running, waiting + 1),
            State::Idle | State::Queued | State::Settled => (running, waiting),
        })
    }

    /// What a person has to decide, as commands.
    pub fn decisions(&self) -> Vec<String> {
        let waiting = self
            .rows
            .iter()
            .filter(|(_, row)| matches!(row.state, State::Unknown { probing: false }));
        waiting
            .map(|(name, _)| {
                let run = &self.run.name;
                format!("orchestrate runs resolve {run} {name} retry|succeeded|failed")
            })
            .collect()
    }

    /// Cells of the longest name, to line details up.
    pub fn name_width(&self) -> usize {
        let longest = self
            .rows
            .iter()
            .map(|(name, row)| words::width(name) + if row.instance.is_some() { 3 } else { 0 });
        longest.max().unwrap_or(0).clamp(12, 28)
    }
}

/// `attempt 2/3`; without the limit once a later retry of the run has gone beyond it.
pub fn attempt_of(number: u32, max: u32) -> String {
    if number > max { format!("attempt {number}") } else { format!("attempt {number}/{max}") }
}

pub fn is_final(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "cancelled")
}

/// The event as the engine knows it; `None` when a newer server sent one that we do not know.
fn typed(view: &EventView) -> Option<Event> {
    let mut body = view.body.clone();
    let map = body.as_object_mut()?;
    map.insert("type".to_owned(), view.kind.clone().into());
    serde_json::from_value(body).ok()
}
