//! The contract of the memory. One suite (`conformance`) holds for every implementation.
//!
//! Writing is synchronous and single: the conductor's thread owns the [`Write`] side, gathers what
//! has come in, and commits it in one synced transaction. Reading has connections of its own.

mod accounts;
mod answers;
mod flow;
mod models;
mod notices;
mod people;
mod rollout;
mod rows;
mod schedules;
pub(crate) mod tasks;
mod upkeep;
mod workers;

use std::sync::Arc;

use engine::event::Stamped;
use engine::id::RunId;
use jiff::Timestamp;

pub use self::accounts::{
    AccountChange, AccountRefusal, ReadAccounts, SecretRow, SessionRow, TrailEntry, TrailQuery,
    TrailRow, UserRow,
};
pub use self::answers::{ANSWERS_KEPT, AnswerRow, KeptAnswer};
pub use self::flow::{
    AuditQuery, AuditRow, Delivery, GivenEvent, GivenQuery, GivenRow, Match, RewindRow, Routed,
    Taker, Target, TokenRow,
};
pub use self::models::{
    CallState, CostBy, ModelCall, ModelChange, ModelCosts, ModelEnd, ModelQuery, ModelSum,
    ModelTexts, ModelUsage, ReadModels,
};
pub use self::notices::{
    AboutRequest, NewNotice, NoticeMove, NoticeQuery, NoticeRow, NoticeStatus, OpenNotices,
};
pub use self::people::{
    ArtifactQuery, ArtifactRow, DraftRow, RequestKind, RequestQuery, RequestRow,
};
pub use self::rollout::{DrainingRow, RolloutChange, RolloutMode, RolloutRow, RolloutWish};
pub(crate) use self::rows::run_name;
pub use self::rows::{
    EventRow, Health, PRODUCTION, PipelineQuery, PipelineRow, Recent, RevisionRow, RunOrder,
    RunQuery, RunRow, RunSort, StageRow, Verified,
};
pub use self::schedules::{KeptSchedules, ScheduleRow};
pub use self::tasks::{DRAWN, TaskQuery, TaskRow, Wanted};
pub(crate) use self::upkeep::WAITING;
pub use self::upkeep::{Open, Tally, Upkeep};
pub use self::workers::{WorkerChange, WorkerRow, WorkerState};

/// The one writer.
///
/// `commit` returns only when everything applied is on disk (a power cut loses nothing of it). It
/// is all or nothing towards the disk, but each change is judged on its own: a refused change
/// leaves the others standing.
///
/// An `Err` of `commit` that is [`Error::is_full`] or [`Error::Corrupt`] leaves the writer usable:
/// the same changes may be tried again when there is room, or without the damaged run. After any
/// other `Err` nothing is known about what the disk holds, every later call is refused, and the
/// process has to end; the next one reads the truth.
pub trait Write: Send {
    /// One [`Outcome`] for each change, in order. An `Err` means that nothing was applied.
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, Error>;

    /// The number that the next run of this pipeline gets: one more than the highest ever used,
    /// also by runs created in earlier calls of `commit`. 1 for a pipeline without runs.
    fn next_run_number(&mut self, pipeline: &str) -> Result<u64, Error>;

    /// The number that the next run of this task gets, in the same way. It does not go back when
    /// runs are removed, or the task is.
    fn next_task_number(&mut self, task: &str) -> Result<u64, Error>;

    /// Runs that have not finished, oldest first: what a restarted server takes up again.
    fn unfinished(&mut self) -> Result<Vec<RunId>, Error>;

    /// The whole journal of a run, verified against its hash chain. Empty for an unknown run.
    fn journal(&mut self, run: RunId) -> Result<Vec<Stamped>, Error>;

    /// How long the last commit wrote its log and waited for the disk, where that is known.
    fn last_sync(&self) -> Option<std::time::Duration> {
        None
    }
}

/// What lists and pages are made of. Cheap to clone and safe to call from any thread; calls block.
pub trait Read: ReadAccounts + ReadModels {
    fn pipelines(&self, query: &PipelineQuery) -> Result<Vec<PipelineRow>, Error>;
    fn pipeline(&self, name: &str) -> Result<Option<PipelineRow>, Error>;
    /// `number: None` asks for the current one of a live pipeline; a number is found for ever.
    fn revision(&self, name: &str, number: Option<u32>) -> Result<Option<RevisionRow>, Error>;
    /// Newest first.
    fn revisions(&self, name: &str, limit: u32) -> Result<Vec<RevisionRow>, Error>;
    /// In the order that is asked for, keyset-paged; the usual one, newest first, among 100,000
    /// finished runs in well under 10 ms.
    fn runs(&self, query: &RunQuery) -> Result<Vec<RunRow>, Error>;
    fn run(&self, id: RunId) -> Result<Option<RunRow>, Error>;
    /// By `name#n`.
    fn run_by_number(&self, pipeline: &str, number: u64) -> Result<Option<RunRow>, Error>;
    /// By `<task>-<n>`.
    fn run_by_task(&self, task: &str, number: u64) -> Result<Option<RunRow>, Error>;
    /// At most two, so that the caller sees an ambiguous prefix of an id (hex, no dashes).
    fn runs_by_prefix(&self, prefix: &str) -> Result<Vec<RunRow>, Error>;
    /// Events with `seq > after`, in order; of a run that was emptied its decisions.
    fn events(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<EventRow>, Error>;
    /// Events of all runs in the order in which they were stored, each with its place in it, which
    /// rises; those after this place. What was emptied, or cannot be understood, is left out.
    fn arrivals(&self, after: u64, limit: u32) -> Result<Vec<(u64, EventRow)>, Error>;
    /// The place of the last event of all runs; 0 when there is none.
    fn last_arrival(&self) -> Result<u64, Error>;
    /// The whole journal of a run, verified against its hash chain. Empty for an unknown run.
    fn journal(&self, run: RunId) -> Result<Vec<Stamped>, Error>;
    /// By name, the stage itself before its instances.
    fn stages(&self, run: RunId) -> Result<Vec<StageRow>, Error>;
    /// What a list of pipelines shows of the history of one.
    fn recent(&self, pipeline: &str) -> Result<Recent, Error> {
        let of = |finished, limit| RunQuery {
            pipeline: Some(pipeline.to_owned()),
            // What was only said is no history.
            mode: Some(PRODUCTION.to_owned()),
            finished,
            limit,
            ..RunQuery::default()
        };
        Ok(Recent::of(self.runs(&of(None, 10))?, &self.runs(&of(Some(true), 50))?))
    }
    /// Runs that an execution of this one started, oldest first.
    fn runs_by_parent(&self, parent: RunId) -> Result<Vec<RunRow>, Error>;
    /// Runs that go on from this one, oldest first.
    fn runs_extending(&self, run: RunId) -> Result<Vec<RunRow>, Error>;
    /// The newest run of a pipeline that is not superseded and no shadow run.
    fn latest(&self, pipeline: &str) -> Result<Option<RunRow>, Error>;
    /// Newest first, keyset-paged.
    fn requests(&self, query: &RequestQuery) -> Result<Vec<RequestRow>, Error>;
    fn request(&self, number: u64) -> Result<Option<RequestRow>, Error>;
    fn draft(&self, request: u64) -> Result<Option<DraftRow>, Error>;
    /// Newest first, keyset-paged.
    fn artifacts(&self, query: &ArtifactQuery) -> Result<Vec<ArtifactRow>, Error>;
    fn artifact(&self, number: u64) -> Result<Option<ArtifactRow>, Error>;
    fn given_events(&self, query: &GivenQuery) -> Result<Vec<GivenRow>, Error>;
    /// With what came over HTTP.
    fn given_event(&self, id: &str) -> Result<Option<GivenRow>, Error>;
    /// By pipeline and trigger; `None`: of all pipelines.
    fn schedules(&self, pipeline: Option<&str>) -> Result<Vec<ScheduleRow>, Error>;
    /// As it stands before anybody has switched, where nobody has.
    fn rollout(&self) -> Result<RolloutRow, Error>;
    /// By name.
    fn workers(&self) -> Result<Vec<WorkerRow>, Error>;
    /// Also a revoked one.
    fn token_by_hash(&self, hash: &str) -> Result<Option<TokenRow>, Error>;
    fn notices(&self, query: &NoticeQuery) -> Result<Vec<NoticeRow>, Error>;
    fn notice(&self, number: u64) -> Result<Option<NoticeRow>, Error>;
    /// Targets with notices that are not delivered, by name.
    fn open_notices(&self) -> Result<Vec<OpenNotices>, Error>;
    /// Oldest first.
    fn tokens(&self) -> Result<Vec<TokenRow>, Error>;
    /// Newest first; `None`: of all pipelines.
    fn rewinds(&self, pipeline: Option<&str>, limit: u32) -> Result<Vec<RewindRow>, Error>;
    /// Also a deleted one.
    fn task(&self, id: &str) -> Result<Option<TaskRow>, Error>;
    fn tasks(&self, query: &TaskQuery) -> Result<Vec<TaskRow>, Error>;
    /// Ids of tasks that have this one as a prerequisite, oldest first.
    fn tasks_needing(&self, id: &str) -> Result<Vec<String>, Error>;
    /// The highest `n` of a task that is or was called `TASK-<n>`; 0 when there was none.
    fn last_drawn_task(&self) -> Result<u64, Error>;
    /// Newest first, keyset-paged.
    fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, Error>;
    /// Checks every hash of every run and of the whole; the first broken link is an
    /// [`Error::Corrupt`], or [`Error::Broken`] where no single run is to blame.
    fn verify(&self) -> Result<Verified, Error>;
    fn health(&self) -> Result<Health, Error>;
    /// Costs as much as there are runs that have not finished and requests that are open.
    fn tally(&self) -> Result<Tally, Error>;
    /// When the journal of this run was emptied ([`Upkeep::EmptyRun`]).
    fn emptied(&self, run: RunId) -> Result<Option<Timestamp>, Error>;
    /// Runs that ended before this time and whose journals were not emptied, oldest first.
    fn emptiable(&self, before: Timestamp, limit: u32) -> Result<Vec<RunRow>, Error>;
    /// How many events from outside, and how many notices, [`Upkeep`] would forget.
    fn forgettable(&self, before: Timestamp) -> Result<(u64, u64), Error>;
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are appends, moved once into a vector")]
pub enum Change {
    /// A new revision, or nothing when the current one has the same digest and lives.
    SavePipeline {
        name: String,
        description: String,
        text: String,
        digest: String,
        by: String,
        at: Timestamp,
        expect: Expect,
    },
    SetEnabled {
        name: String,
        enabled: bool,
        by: String,
        at: Timestamp,
    },
    /// It disappears from lists; its runs, revisions and numbers stay, and a pipeline saved later
    /// under this name goes on counting.
    DeletePipeline {
        name: String,
        by: String,
        at: Timestamp,
    },
    Append(Append),
    /// Refused when the form is closed.
    SaveDraft {
        /// Its number.
        request: u64,
        values: serde_json::Value,
        /// Refused unless the draft that is there was saved then; `Some(None)`: unless there is
        /// none.
        seen: Option<Option<Timestamp>>,
        by: String,
        /// Later than that of the draft before: the next moment, where it is not.
        at: Timestamp,
    },
    /// Answered by [`Outcome::Given`]. Who takes it is noted by the append that has it as
    /// `event.received`. It counts as not yet held against triggers.
    StoreEvent(Arc<GivenEvent>),
    /// Said once of an event; later ones change nothing.
    RouteEvent(Routed),
    KeepSchedules(KeptSchedules),
    Worker(WorkerChange),
    CreateToken {
        id: String,
        /// Hex SHA-256 of the token.
        hash: String,
        user: String,
        admin: bool,
        /// What it is for, in words.
        name: String,
        /// `None`: what the user may.
        scopes: Option<Vec<String>>,
        expires_at: Option<Timestamp>,
        by: String,
        at: Timestamp,
    },
    /// Nothing happens when it is revoked already.
    RevokeToken {
        id: String,
        by: String,
        at: Timestamp,
    },
    /// Later runs of the pipeline are superseded, so that this one is the latest; should it be
    /// superseded itself, it is not any more. Answered by [`Outcome::Rewound`].
    RewindPipeline {
        pipeline: String,
        /// The number of the run.
        to: u64,
        by: String,
        at: Timestamp,
    },
    /// Takes back the last rewind of the pipeline that stands, as long as no run was created after
    /// it. Answered by [`Outcome::Rewound`].
    UndoRewind {
        pipeline: String,
        by: String,
        at: Timestamp,
    },
    /// Nothing happens when the notice does not wait any more.
    MoveNotice(NoticeMove),
    /// One that waits or was given up is to be sent now, and as long as a new one.
    RetryNotice {
        number: u64,
        at: Timestamp,
    },
    /// Notes a request that named a key, unless that key is taken; forgets those that came
    /// [`ANSWERS_KEPT`] before. Answered by [`Outcome::Reserved`].
    ReserveAnswer(AnswerRow),
    /// The first answer stays.
    KeepAnswer {
        caller: String,
        key: String,
        answer: KeptAnswer,
    },
    /// Their content is to be removed: their status becomes [`ArtifactRow::DROPPED`]. Numbers that
    /// are not known are passed over.
    DropArtifacts {
        numbers: Vec<u64>,
    },
    Account(Box<AccountChange>),
    /// A task as it is to be from now on, also deleted. Refused unless its version follows on the
    /// stored one's, 0 where there never was such a task.
    SaveTask(Box<TaskRow>),
    /// Refused unless its version follows on the stored one's. Leaves its entry in the trail.
    SaveRollout(Box<RolloutChange>),
    Model(ModelChange),
    /// Answered by [`Outcome::Upkept`].
    Upkeep(Upkeep),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Any,
    /// No live pipeline has this name.
    Absent,
    /// It exists.
    Present,
    /// This is the current revision.
    Revision(u32),
}

/// Events of one run, compare-and-set on its sequence, with the rows derived from the state after
/// them, in the same transaction.
#[derive(Clone, Debug)]
pub struct Append {
    pub run: RunId,
    /// Number of events the run has before; the first event gets `after + 1`.
    pub after: u64,
    pub events: Vec<Stamped>,
    pub row: RunRow,
    /// Only those that changed.
    pub stages: Vec<StageRow>,
    /// Only those that are new or changed.
    pub requests: Vec<RequestRow>,
    /// Only those that are new or changed. Their content is stored already.
    pub artifacts: Vec<ArtifactRow>,
    pub notices: Vec<NewNotice>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `created`: this call wrote the revision (false: the current one had this digest).
    Saved {
        revision: u32,
        created: bool,
    },
    Done,
    Appended {
        last: u64,
        rows: Vec<Appended>,
        /// Numbers of the append's requests, in its order.
        requests: Vec<u64>,
        /// Numbers of the append's artifacts, in its order.
        artifacts: Vec<u64>,
    },
    /// `created`: false when the id was known; then nothing was stored.
    Given {
        number: u64,
        created: bool,
    },
    /// What is known of the request, which may have come now.
    Reserved(Box<AnswerRow>),
    /// Numbers of the runs that are superseded now, or by an undo are not any more; ascending.
    Rewound {
        runs: Vec<u64>,
    },
    /// So many rows were changed.
    Upkept {
        count: u64,
    },
    Refused(Refusal),
}

/// Where an event came to lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    pub seq: u64,
    /// Hex SHA-256 over the previous hash of the run and this event.
    pub hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("pipeline `{name}` exists already")]
    Exists { name: String },
    #[error("there is no pipeline `{name}`")]
    NoSuchPipeline { name: String },
    #[error("pipeline `{name}` is at revision {current}, not {expected}")]
    RevisionMoved { name: String, current: u32, expected: u32 },
    #[error("the run is at event {current}, not {expected}")]
    SequenceMoved { current: u64, expected: u64 },
    /// Only when a run is created.
    #[error("`{pipeline}#{number}` exists already")]
    NumberTaken { pipeline: String, number: u64 },
    /// Only when a run is created.
    #[error("`{task}-{number}` exists already")]
    TaskNumberTaken { task: String, number: u64 },
    #[error("task `{id}` is at version {current}, not {expected}")]
    TaskMoved { id: String, current: u64, expected: u64 },
    #[error("the roll-out is at version {current}, not {expected}")]
    RolloutMoved { current: u64, expected: u64 },
    #[error("there is no request {number}")]
    NoSuchRequest { number: u64 },
    #[error("request {number} is closed ({status})")]
    RequestClosed { number: u64, status: String },
    #[error("there is no notice `N-{number}`")]
    NoSuchNotice { number: u64 },
    #[error("the draft of request {number} was saved again meanwhile")]
    DraftMoved { number: u64 },
    #[error("notice `N-{number}` is delivered already")]
    NoticeDelivered { number: u64 },
    #[error("token `{id}` exists already")]
    TokenExists { id: String },
    #[error("there is no token `{id}`")]
    NoSuchToken { id: String },
    #[error(transparent)]
    Account(AccountRefusal),
    #[error("there is no run `{pipeline}#{number}`")]
    NoSuchRun { pipeline: String, number: u64 },
    #[error("`{pipeline}#{number}` is the latest run already")]
    LatestAlready { pipeline: String, number: u64 },
    #[error("no rewind of `{pipeline}` is there to be undone")]
    NoRewind { pipeline: String },
    #[error("`{pipeline}#{number}` was started since: the rewind cannot be undone any more")]
    RewindOver { pipeline: String, number: u64 },
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {operation}")]
    Storage {
        operation: &'static str,
        /// The disk is full: refuse writes, say so, and go on when there is room.
        full: bool,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// By retention. Its line, its decisions and all hashes are there.
    #[error("the journal of run {run} was emptied at {at}")]
    Emptied { run: String, at: Timestamp },
    #[error("run {run} is damaged: {problem}")]
    Corrupt { run: String, problem: String },
    /// The chain over all runs is broken, and no single run is to blame.
    #[error("the journal is damaged: {problem}")]
    Broken { problem: String },
    #[error(
        "`{path}` was written by a newer version (schema {found}, this version knows {known}); use that version, or restore a backup"
    )]
    Newer { path: String, found: u32, known: u32 },
    #[error(
        "`{path}` is gone but `{witness}` says that this folder held data: restore the file, or start over by deleting `{witness}`"
    )]
    Vanished { path: String, witness: String },
    #[error("`{path}` is in use by process {pid} ({role})")]
    InUse { path: String, pid: u32, role: String },
}

impl Error {
    /// The disk is full: nothing was applied, and it can be tried again.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Storage { full: true, .. })
    }
}

/// The lowest and the highest id with this prefix; `None` when no id can have it.
pub(crate) fn prefix_range(prefix: &str) -> Option<(RunId, RunId)> {
    let digits = prefix.len();
    if digits > 32 || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bits = 4 * (32 - digits) as u32;
    let value = if digits == 0 { 0 } else { u128::from_str_radix(prefix, 16).ok()? };
    let low = value.checked_shl(bits).unwrap_or(0);
    let high = low | u128::MAX.checked_shr(128 - bits).unwrap_or(0);
    Some((RunId(uuid::Uuid::from_u128(low)), RunId(uuid::Uuid::from_u128(high))))
}
