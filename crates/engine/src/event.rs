//! What happened: the only thing that changes a run, and the only thing that is stored.
//!
//! The vocabulary is closed and additive: a released event keeps its name and the meaning of its
//! fields for ever; a new field has a default.

mod flow;
mod mode;
mod people;
mod result;
mod task;

pub use flow::{Fired, Inherited, Occurrence, Parent, RollbackResult, RunLink};
pub use mode::{Deed, Intention, Mode, Rollout, WouldHave};
pub use people::{
    ArtifactRef, Attach, Decision, Environment, FormOpened, GateId, GateKind, Hold, Inquiry,
    Person, Policy, Resolution,
};
pub use result::{AttemptResult, Conclusion, Failure, FinalStatus, Outcome, Settled, Usage};
pub use task::{OnActive, TaskRun};

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::StageName;
use pipeline::when::{Facts, Reason};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::command::{StopReason, Verdict};
use crate::id::{Actor, AttemptId, ExecutionId, RunId};

/// An event and when it happened, by the server's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    pub at: Timestamp,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(
    clippy::large_enum_variant,
    reason = "one such event a run; a box would be in everybody's way"
)]
pub enum Event {
    #[serde(rename = "run.created")]
    RunCreated {
        run: RunId,
        pipeline: String,
        number: u64,
        revision: u32,
        digest: String,
        by: Actor,
        /// With defaults filled in.
        inputs: IndexMap<String, Json>,
        event: Json,
        facts: Facts,
        directory: String,
        seed: u64,
        /// The resolved concurrency group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Why it can never be admitted; it then settles at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extends: Option<RunLink>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inherited: Vec<Inherited>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        environments: IndexMap<String, Environment>,
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        config: IndexMap<String, Json>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        breakpoints: Vec<StageName>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        step: bool,
        /// The task that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<TaskRun>,
        /// It is paused from the first: somebody wants to start it later.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        held: bool,
        /// The trace that it is a part of, as W3C Trace Context writes it; else it begins its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        traceparent: Option<String>,
        /// What it really does.
        #[serde(default, skip_serializing_if = "Mode::is_production")]
        mode: Mode,
        /// The mode of the installation then.
        #[serde(default, skip_serializing_if = "Rollout::is_production")]
        rollout: Rollout,
        /// Of a shadow run: which targets would be told of what, by kind of notice.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        notify: IndexMap<String, Vec<String>>,
    },
    /// Admitted: stages may start.
    #[serde(rename = "run.started")]
    RunStarted,
    #[serde(rename = "run.paused")]
    RunPaused { by: Actor, now: bool },
    #[serde(rename = "run.resumed")]
    RunResumed { by: Actor },
    #[serde(rename = "run.cancel_requested")]
    RunCancelRequested { by: Actor, reason: String },
    /// A settled run goes on: these executions (and the stages fed by them) are fresh again.
    #[serde(rename = "run.retried")]
    RunRetried { by: Actor, executions: Vec<ExecutionId> },
    /// A stage failed with `halt`: nothing new starts.
    #[serde(rename = "run.halted")]
    RunHalted { cause: ExecutionId },
    #[serde(rename = "run.finished")]
    RunFinished {
        status: FinalStatus,
        /// Why, in words; empty when it succeeded.
        reason: String,
    },

    /// The dependencies have settled and the condition held: the stage may be dispatched.
    #[serde(rename = "stage.ready")]
    StageReady {
        stage: StageName,
        /// Kept when a condition was judged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// `foreach` resolved to these items; instances 1..=n exist now.
    #[serde(rename = "stage.expanded")]
    StageExpanded { stage: StageName, items: Vec<Json> },
    /// The stage (not one instance) has settled.
    #[serde(rename = "stage.settled")]
    StageSettled {
        stage: StageName,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: Settled,
        /// Of the last successful attempt; of a fanned-out stage `{"items": [...]}` in item order.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        outputs: IndexMap<String, Json>,
    },

    /// The hands ought to run this attempt now. Stored before anything is started.
    #[serde(rename = "attempt.scheduled")]
    AttemptScheduled { attempt: AttemptId },
    #[serde(rename = "attempt.started")]
    AttemptStarted {
        attempt: AttemptId,
        worker: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pid: Option<u32>,
        /// It is a run of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        child: Option<RunLink>,
    },
    /// The hands ought to stop it (TERM, grace, KILL of the whole tree).
    #[serde(rename = "attempt.stopping")]
    AttemptStopping { attempt: AttemptId, reason: StopReason },
    #[serde(rename = "attempt.finished")]
    AttemptFinished {
        attempt: AttemptId,
        result: AttemptResult,
        #[serde(default)]
        usage: Usage,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        tail: String,
    },
    /// Nobody knows whether its work was done; waits for the probe or a person.
    #[serde(rename = "attempt.unknown")]
    AttemptUnknown { attempt: AttemptId, message: String, probing: bool },
    #[serde(rename = "attempt.resolved")]
    AttemptResolved { attempt: AttemptId, by: Actor, verdict: Verdict },
    /// The execution waits; it holds no slot.
    #[serde(rename = "attempt.retry_scheduled")]
    RetryScheduled {
        execution: ExecutionId,
        /// The attempt that will follow.
        number: u32,
        due: Timestamp,
    },
    /// It waits for a slot again: its backoff is over, or its last attempt was lost, paused, or
    /// judged as not done.
    #[serde(rename = "attempt.requeued")]
    Requeued { execution: ExecutionId, number: u32 },
    /// One execution has settled (of a stage without `foreach`, just before `stage.settled`).
    #[serde(rename = "execution.settled")]
    ExecutionSettled {
        execution: ExecutionId,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: Settled,
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        outputs: IndexMap<String, Json>,
    },

    /// In a shadow run, instead of what would touch the world.
    #[serde(rename = "stage.would_have")]
    WouldHave(WouldHave),

    /// People are asked to decide. Nothing of the execution goes on until it is resolved.
    #[serde(rename = "gate.opened")]
    GateOpened {
        gate: GateId,
        policy: Policy,
        /// Hex SHA-256 over what is shown: the resolved task, outputs, artifacts, the revision.
        digest: String,
        /// Resolved.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        instructions: String,
        due: Timestamp,
        /// Of a permission or a question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inquiry: Option<Box<Inquiry>>,
    },
    #[serde(rename = "gate.voted")]
    GateVoted {
        gate: GateId,
        by: Person,
        decision: Decision,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
        digest: String,
    },
    /// `to` stands in for `from` in this slot (from 0).
    #[serde(rename = "gate.delegated")]
    GateDelegated { gate: GateId, slot: u32, from: Person, to: Person },
    #[serde(rename = "gate.delegation_revoked")]
    DelegationRevoked { gate: GateId, slot: u32, by: Actor, from: Actor, to: Actor },
    #[serde(rename = "gate.reminded")]
    GateReminded { gate: GateId, percent: u8 },
    /// The slots are others now, and nobody has voted.
    #[serde(rename = "gate.escalated")]
    GateEscalated { gate: GateId, policy: Policy, due: Timestamp },
    #[serde(rename = "gate.resolved")]
    GateResolved { gate: GateId, resolution: Resolution },
    #[serde(rename = "form.opened")]
    FormOpened(FormOpened),
    #[serde(rename = "form.submitted")]
    FormSubmitted {
        execution: ExecutionId,
        generation: u32,
        /// `form` where nobody had to be asked.
        by: Actor,
        values: IndexMap<String, Json>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        artifacts: Vec<ArtifactRef>,
    },
    #[serde(rename = "form.timed_out")]
    FormTimedOut { execution: ExecutionId, generation: u32 },
    /// Its execution was cancelled, halted or superseded: nobody is asked any more.
    #[serde(rename = "form.voided")]
    FormVoided { execution: ExecutionId, generation: u32, reason: String },
    /// The work is done again, in the same workspace, with this feedback.
    #[serde(rename = "execution.revision_requested")]
    RevisionRequested { execution: ExecutionId, by: Actor, feedback: String, revision: u32 },
    #[serde(rename = "execution.held")]
    ExecutionHeld { execution: ExecutionId, hold: Hold },
    #[serde(rename = "execution.advanced")]
    ExecutionAdvanced { execution: ExecutionId, by: Actor },
    /// A person takes the place of the agent: no clock runs, and nobody else is asked.
    #[serde(rename = "execution.taken_over")]
    ExecutionTakenOver {
        execution: ExecutionId,
        /// Counts those of this execution from 1.
        hold: u32,
        by: Person,
    },
    /// The attempt has ended its program and waits.
    #[serde(rename = "attempt.let_go")]
    AttemptLetGo { attempt: AttemptId, hold: u32, attach: Attach },
    #[serde(rename = "execution.handed_back")]
    ExecutionHandedBack {
        execution: ExecutionId,
        hold: u32,
        by: Person,
        /// For the agent, or about the result.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// What lies in the workspace counts as the result, once it was checked as ever.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        accept: bool,
    },
    /// Its environment is locked by another execution, of this run or of another one.
    #[serde(rename = "execution.awaits_environment")]
    AwaitsEnvironment { execution: ExecutionId, environment: String },
    #[serde(rename = "execution.environment_granted")]
    EnvironmentGranted { execution: ExecutionId },
    #[serde(rename = "run.breakpoints_set")]
    BreakpointsSet {
        by: Actor,
        stages: Vec<StageName>,
        #[serde(default)]
        step: bool,
    },

    /// From outside, and some stage listens to it.
    #[serde(rename = "event.received")]
    EventReceived { occurrence: Occurrence },
    /// By an execution that succeeded.
    #[serde(rename = "event.emitted")]
    EventEmitted { execution: ExecutionId, occurrence: Occurrence },
    /// Its dependencies have settled, and it waits for its triggers now.
    #[serde(rename = "stage.listening")]
    StageListening { stage: StageName },
    #[serde(rename = "stage.triggered")]
    StageTriggered { stage: StageName, fired: Fired },
    /// One more instance, for this event.
    #[serde(rename = "stage.fed")]
    StageFed {
        stage: StageName,
        event: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        needs: Vec<String>,
        item: Json,
    },
    /// An event of the right type that started nothing, and why.
    #[serde(rename = "stage.passed_over")]
    StagePassedOver { stage: StageName, event: String, reason: String },
    /// It takes no more events.
    #[serde(rename = "stage.closed")]
    StageClosed { stage: StageName, reason: String },

    /// A person's, while the run goes on: nothing new starts, and it begins when everything has
    /// settled.
    #[serde(rename = "rollback.requested")]
    RollbackRequested {
        by: Actor,
        to: StageName,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forced: bool,
    },
    #[serde(rename = "rollback.started")]
    RollbackStarted {
        by: Actor,
        /// The failure that asked for it; `None`: a person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<ExecutionId>,
        to: StageName,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
        /// The stages to be undone, in this order.
        stages: Vec<StageName>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forced: bool,
    },
    #[serde(rename = "rollback.finished")]
    RollbackFinished {
        result: RollbackResult,
        /// Stages that could not be undone, each with why.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        problems: IndexMap<StageName, String>,
    },
    /// Nothing starts until what is superseded has ended.
    #[serde(rename = "run.rewind_requested")]
    RewindRequested {
        by: Actor,
        to: StageName,
        inclusive: bool,
        pause: bool,
        executions: Vec<ExecutionId>,
    },
    /// These executions are fresh again; what they gave stays on record as superseded.
    #[serde(rename = "run.rewound")]
    RunRewound { executions: Vec<ExecutionId> },
    #[serde(rename = "run.rewind_undone")]
    RewindUndone { by: Actor },
}

impl Event {
    /// The execution, or whole stage, whose state this event changes. `None`: the run's own; such
    /// an event may change many (`run.created`, `run.retried`).
    pub fn execution(&self) -> Option<ExecutionId> {
        match self {
            Self::RunCreated { .. }
            | Self::RunStarted
            | Self::RunPaused { .. }
            | Self::RunResumed { .. }
            | Self::RunCancelRequested { .. }
            | Self::RunRetried { .. }
            | Self::RunHalted { .. }
            | Self::RunFinished { .. }
            | Self::BreakpointsSet { .. }
            | Self::EventReceived { .. }
            | Self::RollbackRequested { .. }
            | Self::RollbackStarted { .. }
            | Self::RollbackFinished { .. }
            | Self::RewindRequested { .. }
            | Self::RunRewound { .. }
            | Self::RewindUndone { .. } => None,
            Self::GateOpened { gate, .. }
            | Self::GateVoted { gate, .. }
            | Self::GateDelegated { gate, .. }
            | Self::DelegationRevoked { gate, .. }
            | Self::GateReminded { gate, .. }
            | Self::GateEscalated { gate, .. }
            | Self::GateResolved { gate, .. } => Some(gate.execution.clone()),
            Self::FormOpened(form) => Some(form.execution.clone()),
            Self::WouldHave(said) => said.execution.clone(),
            Self::FormSubmitted { execution, .. }
            | Self::FormTimedOut { execution, .. }
            | Self::FormVoided { execution, .. }
            | Self::RevisionRequested { execution, .. }
            | Self::ExecutionHeld { execution, .. }
            | Self::ExecutionAdvanced { execution, .. }
            | Self::ExecutionTakenOver { execution, .. }
            | Self::ExecutionHandedBack { execution, .. }
            | Self::AwaitsEnvironment { execution, .. }
            | Self::EnvironmentGranted { execution }
            | Self::EventEmitted { execution, .. } => Some(execution.clone()),
            Self::StageListening { stage }
            | Self::StageTriggered { stage, .. }
            | Self::StageFed { stage, .. }
            | Self::StagePassedOver { stage, .. }
            | Self::StageClosed { stage, .. }
            | Self::StageReady { stage, .. }
            | Self::StageExpanded { stage, .. }
            | Self::StageSettled { stage, .. } => Some(ExecutionId::stage(stage.clone())),
            Self::AttemptScheduled { attempt }
            | Self::AttemptStarted { attempt, .. }
            | Self::AttemptStopping { attempt, .. }
            | Self::AttemptFinished { attempt, .. }
            | Self::AttemptLetGo { attempt, .. }
            | Self::AttemptUnknown { attempt, .. }
            | Self::AttemptResolved { attempt, .. } => Some(attempt.execution.clone()),
            Self::RetryScheduled { execution, .. }
            | Self::Requeued { execution, .. }
            | Self::ExecutionSettled { execution, .. } => Some(execution.clone()),
        }
    }

    /// The name it is stored under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunCreated { .. } => "run.created",
            Self::RunStarted => "run.started",
            Self::RunPaused { .. } => "run.paused",
            Self::RunResumed { .. } => "run.resumed",
            Self::RunCancelRequested { .. } => "run.cancel_requested",
            Self::RunRetried { .. } => "run.retried",
            Self::RunHalted { .. } => "run.halted",
            Self::RunFinished { .. } => "run.finished",
            Self::StageReady { .. } => "stage.ready",
            Self::StageExpanded { .. } => "stage.expanded",
            Self::StageSettled { .. } => "stage.settled",
            Self::AttemptScheduled { .. } => "attempt.scheduled",
            Self::AttemptStarted { .. } => "attempt.started",
            Self::AttemptStopping { .. } => "attempt.stopping",
            Self::AttemptFinished { .. } => "attempt.finished",
            Self::AttemptUnknown { .. } => "attempt.unknown",
            Self::AttemptResolved { .. } => "attempt.resolved",
            Self::RetryScheduled { .. } => "attempt.retry_scheduled",
            Self::Requeued { .. } => "attempt.requeued",
            Self::ExecutionSettled { .. } => "execution.settled",
            Self::WouldHave(_) => "stage.would_have",
            Self::GateOpened { .. } => "gate.opened",
            Self::GateVoted { .. } => "gate.voted",
            Self::GateDelegated { .. } => "gate.delegated",
            Self::DelegationRevoked { .. } => "gate.delegation_revoked",
            Self::GateReminded { .. } => "gate.reminded",
            Self::GateEscalated { .. } => "gate.escalated",
            Self::GateResolved { .. } => "gate.resolved",
            Self::FormOpened(_) => "form.opened",
            Self::FormSubmitted { .. } => "form.submitted",
            Self::FormTimedOut { .. } => "form.timed_out",
            Self::FormVoided { .. } => "form.voided",
            Self::RevisionRequested { .. } => "execution.revision_requested",
            Self::ExecutionHeld { .. } => "execution.held",
            Self::ExecutionAdvanced { .. } => "execution.advanced",
            Self::ExecutionTakenOver { .. } => "execution.taken_over",
            Self::AttemptLetGo { .. } => "attempt.let_go",
            Self::ExecutionHandedBack { .. } => "execution.handed_back",
            Self::AwaitsEnvironment { .. } => "execution.awaits_environment",
            Self::EnvironmentGranted { .. } => "execution.environment_granted",
            Self::BreakpointsSet { .. } => "run.breakpoints_set",
            Self::EventReceived { .. } => "event.received",
            Self::EventEmitted { .. } => "event.emitted",
            Self::StageListening { .. } => "stage.listening",
            Self::StageTriggered { .. } => "stage.triggered",
            Self::StageFed { .. } => "stage.fed",
            Self::StagePassedOver { .. } => "stage.passed_over",
            Self::StageClosed { .. } => "stage.closed",
            Self::RollbackRequested { .. } => "rollback.requested",
            Self::RollbackStarted { .. } => "rollback.started",
            Self::RollbackFinished { .. } => "rollback.finished",
            Self::RewindRequested { .. } => "run.rewind_requested",
            Self::RunRewound { .. } => "run.rewound",
            Self::RewindUndone { .. } => "run.rewind_undone",
        }
    }
}
