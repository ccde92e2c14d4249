//! What can be asked of a run.

mod flow;
mod people;

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::StageName;
use pipeline::when::Facts;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use flow::{Rewind, RollBack};
pub use people::{
    Advance, Breakpoints, Delegate, HandBack, Inquire, LetGo, Revoke, Submit, TakeOver, Vote,
};

use crate::event::{
    ArtifactRef, Environment, FinalStatus, GateKind, Inherited, Mode, Occurrence, Parent, Rollout,
    RunLink, TaskRun, Usage,
};
use crate::id::{Actor, AttemptId, ExecutionId, RunId};

/// Every command is answered by events or a [`Rejection`]; none of them panics, whatever the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Creates the run; only valid on a [`crate::Run`] without events.
    Create(Box<Create>),
    /// The dispatcher found room in the run's concurrency group: `pending` ends.
    Admit,
    /// Dispatch stops at once; with `now`, live attempts are stopped and do not count.
    Pause {
        by: Actor,
        now: bool,
    },
    Resume {
        by: Actor,
    },
    Cancel {
        by: Actor,
        reason: String,
    },
    /// Runs failed, cancelled and not-run work of a settled run again; with `from`, that stage and
    /// all that descends from it. Succeeded work outside of it stays.
    Retry {
        by: Actor,
        from: Option<ExecutionId>,
    },
    /// A person (or the probe) says what became of an attempt whose outcome is `unknown`.
    Resolve {
        by: Actor,
        execution: ExecutionId,
        verdict: Verdict,
    },
    /// From the hands. Refused as [`Rejection::Stale`] unless the attempt is live.
    Report {
        attempt: AttemptId,
        report: Report,
    },
    /// A timer that `desired` asked for is due.
    Fire {
        timer: TimerId,
    },
    /// A live attempt asks people. No events when the same was asked before and is open, or was
    /// answered.
    Inquire(Box<Inquire>),
    /// A person takes the place of an agent. No events when they hold it already.
    TakeOver(TakeOver),
    /// From a live attempt that was taken over.
    LetGo(Box<LetGo>),
    HandBack(HandBack),
    Vote(Box<Vote>),
    Delegate(Box<Delegate>),
    Revoke(Box<Revoke>),
    Submit(Box<Submit>),
    Advance(Advance),
    SetBreakpoints(Breakpoints),
    /// The dispatcher found the environment of a waiting execution free.
    Grant {
        execution: ExecutionId,
    },
    RollBack(RollBack),
    Rewind(Rewind),
    UndoRewind {
        by: Actor,
    },
    /// An event from outside; taken only when a stage of the run listens to it.
    Deliver {
        occurrence: Box<Occurrence>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    pub run: RunId,
    pub number: u64,
    pub revision: u32,
    /// Digest of the revision's text.
    pub digest: String,
    pub by: Actor,
    /// As given; `Create` is rejected when a value is missing, unknown or breaks its schema.
    pub inputs: IndexMap<String, Json>,
    /// What started the run; `null` for a manual start. `${event.*}`.
    pub event: Json,
    pub facts: Facts,
    /// Directory in which relative working directories begin.
    pub directory: String,
    /// All chance of the run (jitter) is drawn from it.
    pub seed: u64,
    /// The run that this one goes on from.
    pub extends: Option<RunLink>,
    /// What the ancestors gave, by stage.
    pub inherited: Vec<Inherited>,
    pub parent: Option<Parent>,
    /// The policies of the environments that the pipeline names.
    pub environments: IndexMap<String, Environment>,
    /// Values of the data folder's configuration: of the lowest precedence.
    pub config: IndexMap<String, Json>,
    /// Executions of these stages are held before they start.
    pub breakpoints: Vec<StageName>,
    /// Every execution is held before it starts.
    pub step: bool,
    /// The task that it belongs to.
    pub task: Option<TaskRun>,
    /// It is paused from the first; a resume starts it.
    pub held: bool,
    /// The trace that it is a part of. Nothing is decided by it.
    pub traceparent: Option<String>,
    /// What it really does.
    pub mode: Mode,
    /// The mode of the installation now. Nothing is decided by it.
    pub rollout: Rollout,
    /// Of a shadow run: which targets would be told of what, by kind of notice.
    pub notify: IndexMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Retry,
    Succeeded,
    Failed,
}

/// What the hands say about an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The child exists.
    Started { worker: String, pid: Option<u32> },
    /// The child run exists.
    ChildStarted { child: RunLink },
    /// The child run has finished. `outputs` are those of its pipeline, when it succeeded.
    ChildEnded { status: FinalStatus, reason: String, outputs: IndexMap<String, Json> },
    /// The child run can never start: no such pipeline, wrong inputs, too deep.
    ChildRefused { message: String },
    /// The child and its whole tree are gone.
    Exited(Exit),
    /// It could not be started: missing program, missing folder, bad workspace.
    NotStarted { message: String },
    /// Its keeper or worker is gone and nobody can say what became of it.
    Lost { message: String },
    /// The probe of an `unknown` attempt ended.
    Probed { exit_code: Option<i32> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    pub end: End,
    /// What the stage wrote to `$ORCHESTRATE_OUTPUT`, not yet checked against its declaration.
    pub outputs: Result<IndexMap<String, Json>, String>,
    /// Collected and stored; not yet checked against what is required.
    pub artifacts: Result<Vec<ArtifactRef>, String>,
    pub usage: Usage,
    /// The last lines of its output, at most 20 lines and 4 KiB, secrets masked.
    pub tail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Code(i32),
    /// Killed by a signal that we did not send.
    Signal(i32),
    /// Stopped by us, for this reason.
    Stopped(StopReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    Timeout,
    IdleTimeout,
    TotalTimeout,
    Cancelled,
    /// `pause --now`.
    Paused,
    /// `halt_mode: cancel`.
    Halted,
    /// A rewind went back behind it.
    Superseded,
}

/// Names one timer of one generation: firing it after its state moved on changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimerId {
    pub execution: ExecutionId,
    pub kind: TimerKind,
    /// The attempt number (`Retry`) or round (`Total`) it was armed for.
    pub generation: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The backoff is over.
    Retry,
    /// `total_timeout` of an execution.
    Total,
    /// The deadline of a gate; the generation is the gate's, times 2, plus 1 after an escalation.
    Gate(GateKind),
    /// The reminder of a gate at so many percent of its timeout.
    Remind(GateKind, u8),
    /// The deadline of a form.
    Form,
}

/// A timer that ought to be armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    pub id: TimerId,
    pub due: Timestamp,
}

/// A refusal: expected, never an error of the product, and it changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the run has already {status}")]
    Finished { status: &'static str },
    #[error("the run has not finished: it is {status}; cancel it, or wait until it ends")]
    NotFinished { status: &'static str },
    #[error("the run is already paused")]
    AlreadyPaused,
    #[error("the run is not paused")]
    NotPaused,
    #[error("the run is already being cancelled")]
    AlreadyCancelling,
    #[error("the run is not waiting for admission")]
    NotPending,
    #[error("the run already exists")]
    AlreadyCreated,
    #[error("there is no such run")]
    NotCreated,
    #[error("input `{name}`: {problem}")]
    Input { name: String, problem: String },
    #[error("no stage is called `{stage}`; there are: {known}")]
    NoSuchStage { stage: String, known: String },
    #[error("`{execution}` needs no decision: it is {status}")]
    NothingToResolve { execution: String, status: String },
    #[error("the run is paused; resume it first")]
    Paused,
    #[error("nothing to retry: {reason}")]
    NothingToRetry { reason: String },
    #[error("attempt {attempt} of `{execution}` is not live")]
    Stale { execution: String, attempt: u32 },
    #[error("the timer is not armed")]
    StaleTimer,
    #[error("the timer is not due before {due}")]
    NotDue { due: Timestamp },
    #[error("the gate was {resolution}")]
    GateResolved { resolution: String },
    #[error("there is no such gate: {hint}")]
    NoSuchGate { hint: String },
    /// Also of an agent, and of whoever started the run.
    #[error("{who} may not {act} here: {reason}")]
    NotEligible { who: String, act: &'static str, reason: String },
    #[error("{who} has already voted `{decision}`")]
    VotedAlready { who: String, decision: &'static str },
    #[error(
        "what is to be approved has changed since it was shown (digest {shown}, now {current}); look at it again"
    )]
    StaleDigest { shown: String, current: String },
    #[error(
        "attempt {attempt} of `{execution}` waits for an answer already; it asks one thing at a time"
    )]
    AsksAlready { execution: String, attempt: u32 },
    #[error("`{execution}` cannot be taken over: {reason}")]
    CannotTakeOver { execution: String, reason: String },
    #[error(
        "`{execution}` is held by {by} since {since}: only they, or an administrator, hand it back"
    )]
    HeldByHuman { execution: String, by: String, since: Timestamp },
    #[error("nobody holds `{execution}`: {hint}")]
    NotTakenOver { execution: String, hint: String },
    #[error("`{answer}` is none of the answers that were asked for: {choices}")]
    NoSuchChoice { answer: String, choices: String },
    #[error("{what} must not be empty")]
    Blank { what: &'static str },
    #[error("changes can only be requested of work that was done: {reason}")]
    NothingToChange { reason: String },
    #[error("cannot delegate to {to}: {reason}")]
    BadDelegation { to: String, reason: String },
    #[error("what was passed to {to} cannot be taken back: {reason}")]
    CannotRevoke { to: String, reason: String },
    #[error("`{execution}` asks nobody for input: it is {status}")]
    NothingToSubmit { execution: String, status: String },
    /// Every problem at once, by field.
    #[error("{}", .problems.iter().map(|(field, problem)| format!("`{field}`: {problem}")).collect::<Vec<_>>().join("; "))]
    Form { problems: Vec<(String, String)> },
    #[error("nothing is held: {hint}")]
    NothingHeld { hint: String },
    #[error("cannot roll back to `{to}`: {reason}")]
    CannotRollBack { to: String, reason: String },
    #[error("cannot go back to `{to}`: {reason}")]
    CannotRewind { to: String, reason: String },
    #[error("there is no rewind to undo: {reason}")]
    NothingToUndo { reason: String },
    #[error("no stage of this run listens to `{event}`: {reason}")]
    NobodyListens { event: String, reason: String },
    #[error("the environment of `{execution}` is not waited for")]
    NotWaitingForEnvironment { execution: String },
}
