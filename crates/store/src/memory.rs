//! The memory without a disk: the same contract, for tests and for what need not last.

mod accounts;
mod answers;
mod flow;
mod models;
mod notices;
mod people;
mod read;
mod tasks;
mod upkeep;
mod write;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;

use crate::chain::{self, Hash, Head};
use crate::port::{
    AnswerRow, ArtifactRow, AuditRow, DraftRow, Error, GivenRow, NoticeRow, PipelineRow,
    RequestRow, RevisionRow, RewindRow, RolloutRow, RunRow, ScheduleRow, StageRow, TaskRow,
    TokenRow, WorkerRow,
};

/// A fresh, empty memory: its writer, and a reader that sees what the writer commits.
pub fn open() -> (MemoryWriter, MemoryReader) {
    let shared = Arc::new(Mutex::new(State::default()));
    (MemoryWriter { shared: Arc::clone(&shared) }, MemoryReader { shared })
}

#[derive(Debug)]
pub struct MemoryWriter {
    shared: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
pub struct MemoryReader {
    shared: Arc<Mutex<State>>,
}

fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct State {
    pipelines: BTreeMap<String, Pipeline>,
    runs: BTreeMap<RunId, Run>,
    numbers: HashSet<(String, u64)>,
    head: Head,
    /// Every event by its run and its number there.
    arrivals: Vec<(RunId, u64)>,
    /// These are numbered from 1, by their places.
    requests: Vec<RequestRow>,
    artifacts: Vec<ArtifactRow>,
    notices: Vec<NoticeRow>,
    given: Vec<GivenRow>,
    /// By pipeline and trigger.
    schedules: BTreeMap<(String, String), ScheduleRow>,
    rollout: RolloutRow,
    workers: BTreeMap<String, WorkerRow>,
    rewinds: Vec<Rewind>,
    drafts: BTreeMap<u64, DraftRow>,
    tokens: Vec<TokenRow>,
    decisions: Vec<AuditRow>,
    /// By caller and key.
    answers: BTreeMap<(String, String), AnswerRow>,
    accounts: accounts::Accounts,
    model_calls: models::Calls,
    /// In the order in which they were created.
    tasks: Vec<TaskRow>,
    /// Also of runs that are gone.
    task_numbers: HashSet<(String, u64)>,
}

#[derive(Debug)]
struct Rewind {
    row: RewindRow,
    /// The highest number that the pipeline had used.
    newest: u64,
    /// The run that it went back to was superseded before.
    revived: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pipelines: BTreeMap::new(),
            runs: BTreeMap::new(),
            numbers: HashSet::new(),
            head: Head::empty(),
            arrivals: Vec::new(),
            requests: Vec::new(),
            artifacts: Vec::new(),
            notices: Vec::new(),
            given: Vec::new(),
            schedules: BTreeMap::new(),
            rollout: RolloutRow::default(),
            workers: BTreeMap::new(),
            rewinds: Vec::new(),
            drafts: BTreeMap::new(),
            tokens: Vec::new(),
            decisions: Vec::new(),
            answers: BTreeMap::new(),
            accounts: accounts::Accounts::default(),
            model_calls: models::Calls::new(),
            tasks: Vec::new(),
            task_numbers: HashSet::new(),
        }
    }
}

#[derive(Debug)]
struct Pipeline {
    row: PipelineRow,
    live: bool,
    /// Oldest first, from number 1.
    revisions: Vec<RevisionRow>,
}

#[derive(Debug)]
struct Run {
    row: RunRow,
    stages: BTreeMap<(String, u32), StageRow>,
    events: Vec<Event>,
    emptied: Option<Timestamp>,
}

/// An event as it would lie on disk.
#[derive(Debug)]
struct Event {
    body: Vec<u8>,
    hash: Hash,
}

impl Run {
    fn journal(&self) -> Result<Vec<Stamped>, Error> {
        if let Some(at) = self.emptied {
            return Err(Error::Emptied { run: self.row.id.to_string(), at });
        }
        let corrupt = |problem: String| Error::Corrupt { run: self.row.id.to_string(), problem };
        let mut hash = chain::origin(self.row.id);
        let mut journal = Vec::with_capacity(self.events.len());
        for (seq, event) in (1..).zip(&self.events) {
            hash = chain::link(&hash, &event.body);
            if hash != event.hash {
                return Err(corrupt(format!("event {seq} does not match its hash")));
            }
            journal.push(
                event.read().map_err(|error| {
                    corrupt(format!("event {seq} cannot be understood: {error}"))
                })?,
            );
        }
        Ok(journal)
    }
}

impl Event {
    fn read(&self) -> serde_json::Result<Stamped> {
        serde_json::from_slice(&self.body)
    }
}
