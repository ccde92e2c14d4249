//! A validated pipeline: what every other crate works with.
//!
//! A [`Pipeline`] exists only if its definition had no errors. All names are resolved (a stage is
//! addressed by its [`StageIx`]), every expression is parsed, the graph is acyclic, and every
//! default is filled in. Nothing here can be constructed from outside text except by
//! [`crate::parse`].

mod agent;
mod flow;
mod people;
mod runtime;
mod trigger;

use std::sync::Arc;
use std::time::Duration;

pub use agent::{
    Adapter, AdapterKind, AgentSpec, AgentUse, AgentWork, Budget, Combine, Crew, Decision,
    Discussion, LoopSpec, McpServer, Mention, Mentioned, MetaAgent, Part, Permission,
    ProgramResult, Prompt, TalkMode, ToolKind, Tuning, Validation, WireFormat,
};
pub use flow::{
    Artifact, Compensation, ContextRef, Emit, EventFilter, Mapping, MappingField, Source,
    Transform, Trigger, TriggerMode, Triggers, Wanted,
};
pub use people::{
    Approval, Ask, Electorate, Field, FieldKind, FieldRules, Form, FormTimeout, OnTimeout, Quorum,
    SaveAs, SaveFormat,
};
pub use runtime::{Container, EcsTask, LaunchType, Pull, Runtime, RuntimeKind};
pub use trigger::{
    CatchUp, CompletionStart, Ending, EventStart, FileStart, LabelTest, ScheduleStart, StartOn,
    StartTrigger,
};

use indexmap::IndexMap;
use serde_json::Value as Json;

use crate::expr::Expression;
use crate::text::{Template, ValueTemplate};
use crate::when::Condition;

/// The name of a stage: 1 to 64 of `a-z A-Z 0-9 _ -`, starting with a letter or digit.
pub type StageName = Arc<str>;

/// The place of a stage in [`Pipeline::stages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StageIx(pub u32);

impl StageIx {
    pub fn get(self) -> usize {
        self.0 as usize
    }
}

/// One validated revision of a pipeline.
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: String,
    pub description: String,
    /// Values that a start may or must give, in the order written.
    pub inputs: IndexMap<String, Input>,
    /// Values the author fixed; a run input of the same name wins.
    pub variables: IndexMap<String, ValueTemplate>,
    /// Values of the lowest precedence: everything else of the same name wins.
    pub config: IndexMap<String, Json>,
    /// What the run as a whole gives: to a parent run, and to whoever asks.
    pub outputs: IndexMap<String, ValueTemplate>,
    /// Environment of every stage; a stage's own entries win.
    pub env: IndexMap<String, Template>,
    /// Relative to the run's directory.
    pub working_dir: Option<Template>,
    /// Names of the secrets that `${secrets.X}` may use.
    pub secrets: Vec<String>,
    pub concurrency: Option<Concurrency>,
    /// At most so many live attempts in one run; `None`: only the worker's slots limit.
    pub max_parallel: Option<u32>,
    /// Agents that this pipeline defines, by name.
    pub agents: IndexMap<String, AgentSpec>,
    /// Loop types that it defines, by name.
    pub loop_types: IndexMap<String, LoopSpec>,
    /// Of all agent stages of a run together.
    pub budget: Budget,
    pub halt_mode: HaltMode,
    /// A run whose stages allow `succeeded` still fails when this is not `true`.
    pub success: Option<Expression>,
    /// What runs work on: stages with a [`Stage::worktree`], and merges.
    pub repository: Option<Repository>,
    /// What starts runs by itself, each with a name of its own, in the order written.
    pub triggers: Vec<StartTrigger>,
    /// Every stage in the order written, then the `finally` stages, then the compensations (stages
    /// with [`Stage::compensates`], which only a rollback starts).
    pub stages: Vec<Stage>,
    /// The list form was used: no stage named a dependency, the edges only order.
    pub list_order: bool,
}

impl Pipeline {
    /// Whether the stage has instances: for items, for events, or, as a compensation, for the
    /// instances that it undoes.
    pub fn fanned(&self, ix: StageIx) -> bool {
        let stage = &self.stages[ix.get()];
        match stage.compensates {
            Some(undone) => undone != ix && self.fanned(undone),
            None => {
                let fed = stage.triggers.as_ref().and_then(|triggers| triggers.instances);
                stage.foreach.is_some() || fed.is_some()
            }
        }
    }

    /// At most so many live instances; `None`: no limit of its own.
    pub fn at_once(&self, ix: StageIx) -> Option<u32> {
        let stage = &self.stages[ix.get()];
        if stage.compensates.is_some() {
            // What was done is undone step by step.
            return Some(1);
        }
        let fed = stage.triggers.as_ref().and_then(|triggers| triggers.instances);
        stage.foreach.as_ref().map_or(fed, |foreach| foreach.max_parallel)
    }
}

impl Pipeline {
    /// The stages that somebody wrote, without the actions that undo them.
    pub fn written_stages(&self) -> &[Stage] {
        let end = self.stages.partition_point(|stage| stage.compensates.is_none());
        &self.stages[..end]
    }
}

/// One node of the pipeline.
#[derive(Clone, Debug)]
pub struct Stage {
    pub name: StageName,
    pub description: String,
    pub work: Work,
    /// Direct dependencies, in the order written, without duplicates. `parallel_with`, groups and
    /// list order are already resolved to edges.
    pub depends_on: Vec<StageIx>,
    /// The inverse of `depends_on`.
    pub dependants: Vec<StageIx>,
    pub rule: Rule,
    /// `when:` and `if:` together; evaluated once, when the dependencies have settled.
    pub condition: Option<Condition>,
    pub foreach: Option<Foreach>,
    /// What starts it, beside its dependencies. `None`: nothing but these.
    pub triggers: Option<Triggers>,
    /// Waits for a person to let it go on (`auto_advance: false`).
    pub held: bool,
    /// Asked before it starts: after its condition, before it is queued.
    pub approve_start: Option<Approval>,
    /// Asked at its end: its outputs are valid and not yet handed on.
    pub approve_complete: Option<Approval>,
    /// Asked of a person before the work; the whole of the work where that is [`Work::Form`].
    pub form: Option<Form>,
    /// How often changes may be requested of its work.
    pub max_revisions: u32,
    /// What it gets from others: `${input.*}`, and the file named by `$ORCHESTRATE_INPUT`.
    pub input: Option<Mapping>,
    /// What of its raw outputs becomes its outputs.
    pub output: Option<Mapping>,
    /// Files it leaves in its workspace.
    pub artifacts: IndexMap<String, Artifact>,
    /// Artifacts of others, laid into the folder named by `$ORCHESTRATE_CONTEXT`.
    pub context: Vec<ContextRef>,
    /// Events it gives when an execution of it has succeeded.
    pub emits: Vec<Emit>,
    /// How it is undone.
    pub compensation: Compensation,
    /// Set on a compensation: the stage that it undoes.
    pub compensates: Option<StageIx>,
    /// With `on_failure: rollback`: back to this stage, inclusive.
    pub rollback_to: Option<StageIx>,
    pub env: IndexMap<String, Template>,
    /// It works in a worktree, and what it did there is committed.
    pub worktree: Option<TreeOf>,
    pub working_dir: Option<Template>,
    pub outputs: IndexMap<String, Output>,
    pub limits: Limits,
    pub retry: Retry,
    pub on_failure: OnFailure,
    pub halt_mode: HaltMode,
    pub effects: Effects,
    /// Asked when a crash leaves the outcome of a `once` stage unknown: exit 0 says the work was
    /// done, 1 says it was not, anything else leaves it to a person.
    pub probe: Option<Template>,
    pub environment: Option<String>,
    /// Where it runs; `None`: as a process of the hands. Only of scripts and Python programs.
    pub runtime: Option<Runtime>,
    /// Labels of a worker on another machine, which it needs all of, in order and each once; empty:
    /// it runs on the server's own machine. Only of scripts and Python programs.
    pub runs_on: Vec<String>,
    /// Runs after every other stage has settled, also after a failure or a cancel.
    pub finally: bool,
}

impl Stage {
    /// The events each of which gives it an instance.
    pub fn feed(&self) -> Option<&EventFilter> {
        self.triggers.as_ref().and_then(Triggers::feed)
    }
}

/// Whether this may be a label of a worker, or its name: 1 to 64 of `A-Z a-z 0-9 _ . -`.
pub fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// A repository that runs work on, in a clone of their own.
#[derive(Clone, Debug)]
pub struct Repository {
    /// A path, relative to the run's directory, or an address.
    pub source: Template,
    /// A branch of it; `None`: the one that it shows first.
    pub base: Option<Template>,
}

/// Whose worktree a stage works in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeOf {
    Own,
    /// Of this stage, which is upstream; instance by instance where both have instances.
    Stage(StageIx),
}

/// What a merge brings together.
#[derive(Clone, Debug)]
pub struct MergeWork {
    /// Stages with a worktree of their own, upstream; all their instances.
    pub from: Vec<StageIx>,
    /// A branch of the source; `None`: the repository's base.
    pub into: Option<Template>,
    /// A script that the merged tree has to pass.
    pub check: Option<Template>,
}

/// What a stage does.
#[derive(Clone, Debug)]
pub enum Work {
    /// A shell script.
    Run { script: Template, shell: Shell },
    /// A Python program; `parameters` arrive as a JSON file named by `$ORCHESTRATE_PARAMETERS`.
    Python { source: PythonSource, parameters: IndexMap<String, ValueTemplate> },
    /// Nothing: a join, a milestone, a place for conditions.
    Noop,
    /// Its form is all there is to do: the values are its outputs.
    Form,
    /// A run of another pipeline; its outputs are that run's.
    Child { pipeline: String, inputs: IndexMap<String, ValueTemplate> },
    /// Branches of stages go into a branch of the repository.
    Merge(Box<MergeWork>),
    /// One agent or several do it.
    Agent(Box<AgentWork>),
}

#[derive(Clone, Debug)]
pub enum PythonSource {
    /// A path, relative to the working directory.
    File(Template),
    /// The program itself; never interpolated.
    Code(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `sh -e -c SCRIPT`
    Sh,
    /// `bash -e -o pipefail -c SCRIPT`
    Bash,
    /// The given words, then the script as the last argument.
    Custom(Vec<String>),
}

/// When a stage may start, judged over its direct dependencies' conclusions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    NoneFailedMinOneSuccess,
    AllSuccess,
    NoneFailed,
    AllDone,
    OneSuccess,
    OneFailed,
    AllFailed,
    /// As soon as its dependencies settled, whatever they came to, even when the run is halting.
    Always,
}

#[derive(Clone, Debug)]
pub struct Foreach {
    /// Must resolve to a list.
    pub items: ValueTemplate,
    /// At most so many live instances.
    pub max_parallel: Option<u32>,
}

/// Durations of one attempt (`timeout`, `idle`) and of all of them (`total`). `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub timeout: Option<Duration>,
    pub total: Option<Duration>,
    pub idle: Option<Duration>,
    /// Between TERM and KILL.
    pub grace: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Counts the first try; 1 means no retry.
    pub max_attempts: u32,
    pub backoff: Backoff,
    /// Exit codes that are never retried.
    pub not_on: Vec<i32>,
}

/// The wait before attempt `n + 1`, before jitter: see [`crate::model::Backoff::base`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub kind: BackoffKind,
    pub initial: Duration,
    pub max: Duration,
    /// Full jitter: the wait is drawn evenly from 0 to the base.
    pub jitter: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackoffKind {
    Exponential,
    Linear,
    Constant,
}

impl Backoff {
    /// The longest wait after `failed` attempts (1 or more).
    pub fn base(&self, failed: u32) -> Duration {
        let steps = failed.saturating_sub(1);
        let wait = match self.kind {
            BackoffKind::Constant => self.initial,
            BackoffKind::Linear => self.initial.saturating_mul(steps.saturating_add(1)),
            BackoffKind::Exponential => {
                self.initial.saturating_mul(2u32.checked_pow(steps).unwrap_or(u32::MAX))
            }
        };
        wait.min(self.max)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// Start nothing new in the run, then fail it.
    Halt,
    /// Outcome failed, conclusion success with a warning: dependants run.
    Continue,
    /// Only descendants do not run; the run fails at its end.
    Isolate,
    /// Start nothing new, compensate back to [`Stage::rollback_to`], then fail the run.
    Rollback,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HaltMode {
    /// Running siblings finish.
    Finish,
    /// Running siblings are stopped.
    Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effects {
    /// May be started again after a crash.
    Idempotent,
    /// Never silently started a second time.
    Once,
    /// May be started again with the same `$ORCHESTRATE_ATTEMPT_KEY`.
    Keyed,
}

#[derive(Clone, Debug)]
pub struct Concurrency {
    pub group: Template,
    pub limit: u32,
    pub on_conflict: OnConflict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnConflict {
    Queue,
    CancelRunning,
    CancelNew,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub description: String,
    pub kind: ValueKind,
    pub required: bool,
    pub default: Option<Json>,
    /// JSON Schema 2020-12, beside `kind`.
    pub schema: Option<Json>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub description: String,
    pub kind: ValueKind,
    /// A required output that the stage did not write fails the attempt.
    pub required: bool,
    pub schema: Option<Json>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    String,
    Integer,
    Number,
    Boolean,
    List,
    Map,
    /// Any JSON.
    Any,
}
