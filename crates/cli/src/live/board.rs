//! What is known of a run while it goes on.

mod activity;
mod attempts;
mod flow;
mod people;
mod row;

use api::approval::ApprovalSummary;
use api::feed::Message;
use api::input::InputSummary;
use api::run::{EventView, RunDetail, RunSummary};
use engine::event::Event;
use engine::id::AttemptId;
use indexmap::IndexMap;
use jiff::Timestamp;

use crate::words;
use row::Row;

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
    /// What people were asked since somebody looked.
    asks: bool,
    /// Who is asked, as the server knows it: ids, open slots.
    asked: Asked,
    /// Who looks on, as the server knows them; empty: nobody knows.
    pub me: String,
    /// As it was before it was rewound.
    before: Option<Box<(IndexMap<String, Row>, u32)>>,
}

/// What waits for people in this run, as the server lists it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub approvals: Vec<ApprovalSummary>,
    pub inputs: Vec<InputSummary>,
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

impl Note {
    /// What somebody said about a request of its own number, `A-1`.
    pub fn is_word(&self) -> bool {
        let number = self.name.strip_prefix("A-");
        let said = matches!(self.label, "Approved" | "Rejected" | "Sent back");
        said && number.is_some_and(|number| number.bytes().all(|it| it.is_ascii_digit()))
    }
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

/// Statuses of stages that wait for people with a request of their own.
const WAITS: [&str; 2] = ["waiting_approval", "waiting_input"];

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
            asks: detail.stages.iter().any(|it| WAITS.contains(&it.status.as_str())),
            asked: Asked::default(),
            me: String::new(),
            before: None,
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
        Self { run, settled: 0, rows, sequence: 0, ended: false, asks: false, ..self }
    }

    /// The run has ended, and there is no event of it that has not been taken.
    pub fn finish(&mut self, run: RunSummary) {
        self.run = run;
        self.ended = true;
    }

    /// Whether what people are asked may have changed since [`Board::set_asked`].
    pub fn asks_changed(&self) -> bool {
        self.asks
    }

    /// What the server says of it.
    pub fn set_asked(&mut self, asked: Asked) {
        self.asks = false;
        self.asked = asked;
    }

    pub fn asked(&self) -> &Asked {
        &self.asked
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
                let me = std::mem::take(&mut self.me);
                *self = Self { me, ..Self::new(run) };
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
            Event::RunCreated { .. } | Event::StageReady { .. } | Event::Requeued { .. } => {}
            Event::GateOpened { .. }
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
            | Event::ExecutionTakenOver { .. }
            | Event::AttemptLetGo { .. }
            | Event::ExecutionHandedBack { .. }
            | Event::AwaitsEnvironment { .. }
            | Event::EnvironmentGranted { .. } => self.people(event, at, notes),
            Event::BreakpointsSet { .. }
            | Event::EventReceived { .. }
            | Event::EventEmitted { .. }
            | Event::StageTriggered { .. }
            | Event::StageFed { .. }
            | Event::StagePassedOver { .. }
            | Event::StageClosed { .. }
            | Event::RollbackRequested { .. }
            | Event::StageListening { .. }
            | Event::RollbackStarted { .. }
            | Event::RollbackFinished { .. }
            | Event::RewindRequested { .. }
            | Event::RunRewound { .. }
            | Event::RewindUndone { .. } => self.flow(event, at, notes),
            Event::RunStarted => {
                let stages = words::count(u64::from(self.total), "stage");
                notes.push(self.note(at, "Starting", self.run.name.clone(), stages));
            }
            Event::WouldHave(said) => {
                let id = said.execution.as_ref();
                let name =
                    id.map_or_else(|| self.run.name.clone(), |id| self.shown(&id.to_string()));
                notes.push(self.note(at, "Would", name, said.intention.says.clone()));
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
            Event::StageSettled { .. } | Event::ExecutionSettled { .. } => {
                self.settled(event, at, notes);
            }
            Event::AttemptScheduled { .. }
            | Event::AttemptStarted { .. }
            | Event::AttemptStopping { .. }
            | Event::AttemptFinished { .. }
            | Event::AttemptUnknown { .. }
            | Event::AttemptResolved { .. }
            | Event::RetryScheduled { .. } => self.attempt(event, at, notes),
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
