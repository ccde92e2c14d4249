//! What ought to exist in the world now. Reconciling is idempotent: asking twice is no new work.

use std::time::Duration;

use indexmap::IndexMap;
use pipeline::model::{AgentWork, Artifact, Effects, Output};
use pipeline::text::Piece;
use serde_json::Value as Json;

use crate::command::{StopReason, Timer, TimerId, TimerKind};
use crate::id::{AttemptId, ExecutionId};
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::{Clock, ExecutionState};
use crate::state::people::{Gate, Wait};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// Attempts that the hands ought to run or to be running, in dispatch order. What each one
    /// does is asked of [`crate::Run::task`] when it is handed out.
    pub attempts: Vec<AttemptId>,
    /// Live attempts that the hands ought to stop.
    pub stops: Vec<(AttemptId, StopReason)>,
    /// Attempts of unknown outcome whose probe ought to run.
    pub probes: Vec<AttemptId>,
    pub timers: Vec<Timer>,
}

/// One attempt, fully resolved, secrets still by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub attempt: AttemptId,
    /// Unique over all runs and attempts, fit for a file name (`[0-9a-z-]`).
    pub key: String,
    /// What the child may hand to a remote API as an idempotency key: the same when a lost or
    /// paused attempt's work is done again by a new attempt, another one for a retry after a
    /// failure. `$ORCHESTRATE_ATTEMPT_KEY`.
    pub effect_key: String,
    pub work: TaskWork,
    /// In order; later entries win. Does not hold the product's own variables.
    pub env: IndexMap<String, Vec<Piece>>,
    /// Where it works; what it does there is committed.
    pub worktree: Option<TaskTree>,
    /// Absolute, or relative to the run's directory or the worktree.
    pub working_dir: Option<String>,
    /// The run's directory.
    pub directory: String,
    pub timeout: Option<Duration>,
    pub idle: Option<Duration>,
    pub grace: Duration,
    pub effects: Effects,
    pub outputs: IndexMap<String, Output>,
    pub artifacts: IndexMap<String, Artifact>,
    pub context: Vec<Laid>,
    /// What the input mapping made: an object.
    pub input: Option<Json>,
    /// What a person answered: an object.
    pub form: Option<Json>,
    /// Of the last request for changes.
    pub feedback: Option<String>,
    pub revision: u32,
    /// A person took over from its agent, and this work is not over since.
    pub taken: Option<TaskTaken>,
}

/// The newest time that a person took over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTaken {
    /// Counts those of this execution from 1.
    pub hold: u32,
    pub by: String,
    /// `None`: it is held.
    pub back: Option<TaskBack>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskBack {
    pub by: String,
    pub note: String,
    pub accept: bool,
}

/// An artifact of somebody else, at its place in the context folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laid {
    /// Relative: `plan/plan.md`.
    pub path: String,
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TaskWork {
    /// The words of a command; the script is one of them.
    Command {
        argv: Vec<String>,
    },
    Python {
        program: PythonProgram,
        parameters: Json,
    },
    /// A run of another pipeline, started by the server; never handed to the hands.
    Child {
        pipeline: String,
        inputs: serde_json::Map<String, Json>,
    },
    /// Branches of executions go into a branch of the repository.
    Merge(TaskMerge),
    /// One agent or several; definitions and files are looked up by the server.
    Agent(Box<AgentTask>),
}

/// A repository, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRepository {
    /// Absolute, relative to the run's directory, or an address.
    pub source: String,
    pub base: Option<String>,
}

/// A worktree: that of the execution `owner`, in the run that people call `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTree {
    pub repository: TaskRepository,
    pub run: String,
    pub owner: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskMerge {
    pub repository: TaskRepository,
    pub run: String,
    /// Executions whose branches are brought together: those that succeeded.
    pub from: Vec<String>,
    pub into: Option<String>,
    pub check: Option<String>,
}

/// The work of an agent stage, references resolved as far as the run knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentTask {
    pub work: AgentWork,
    /// The text, mentions in it as they were written.
    pub task: String,
    /// Of the stage, else of its loop; the loop type may have one of its own.
    pub check: Option<Check>,
    /// What the task mentions, in order.
    pub given: Vec<Given>,
    /// JSON Schema of what has to be handed in; `None`: free text.
    pub result: Option<Json>,
}

/// A validation command, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub command: String,
    pub timeout: Duration,
    pub protect: Vec<String>,
}

/// A piece of context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// `@plan/plan.md`
    pub reference: String,
    /// Where it came from, in words.
    pub source: String,
    /// How many runs ago it was made; 0 is this one.
    pub age: u64,
    pub text: GivenText,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenText {
    Said(String),
    /// An artifact.
    Stored {
        digest: String,
        bytes: u64,
        format: String,
    },
    /// A file below the working directory.
    File(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum PythonProgram {
    File(String),
    Code(String),
}

impl Run {
    /// Costs what it names: live attempts, unknown ones and timers.
    ///
    /// `attempts` holds every live attempt, also those to be stopped. While the run is paused no
    /// timer is armed and no probe is asked for.
    pub fn desired(&self) -> Desired {
        let links = &self.state.links;
        let mut desired = Desired::default();
        for &ix in links.live.values() {
            let attempt = self.last_attempt(ix);
            if let ExecutionState::Live { stopping: Some(reason), .. } = self.state.exec(ix).state {
                desired.stops.push((attempt.clone(), reason));
            }
            desired.attempts.push(attempt);
        }
        if self.state.pause.is_none() {
            desired.probes = links.probing.iter().map(|ix| self.last_attempt(*ix)).collect();
            for &ix in &links.timed {
                self.timers_of(ix, &mut desired.timers);
            }
            for &ix in &links.inquired {
                let people = self.state.exec(ix).people.as_deref();
                if let Some(gate) = people.and_then(|people| people.open_gate()) {
                    self.timers_of_gate(&self.exec_id(ix), gate, &mut desired.timers);
                }
            }
            for &ix in &links.gated {
                let gate = self.state.stage(ix).gates.last().filter(|gate| gate.is_open());
                if let Some(gate) = gate {
                    let execution = ExecutionId::stage(self.model(ix).name.clone());
                    self.timers_of_gate(&execution, gate, &mut desired.timers);
                }
            }
        }
        desired
    }

    /// Its deadline, and the next reminder that is due before.
    fn timers_of_gate(&self, execution: &ExecutionId, gate: &Gate, timers: &mut Vec<Timer>) {
        let generation = gate.timer_generation();
        let mut arm = |kind, due| {
            let id = TimerId { execution: execution.clone(), kind, generation };
            timers.push(Timer { id, due });
        };
        if let Some(percent) = gate.next_reminder() {
            arm(TimerKind::Remind(gate.kind, percent), gate.reminder_due(percent));
        }
        arm(TimerKind::Gate(gate.kind), gate.due);
    }

    fn timers_of(&self, ix: ExecIx, timers: &mut Vec<Timer>) {
        let execution = self.state.exec(ix);
        let people = execution.people.as_deref();
        match execution.state {
            ExecutionState::Waiting(Wait::Gate(_)) => {
                if let Some(gate) = people.and_then(|people| people.open_gate()) {
                    self.timers_of_gate(&self.exec_id(ix), gate, timers);
                }
            }
            ExecutionState::Waiting(Wait::Form) => {
                let form = people.and_then(|people| people.open_form());
                if let Some((form, due)) = form.and_then(|form| Some((form, form.due?))) {
                    let (kind, generation) = (TimerKind::Form, form.generation);
                    let id = TimerId { execution: self.exec_id(ix), kind, generation };
                    timers.push(Timer { id, due });
                }
            }
            ExecutionState::Waiting(_)
            | ExecutionState::Idle
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => {}
        }
        let mut arm = |kind, generation, due| {
            let id = TimerId { execution: self.exec_id(ix), kind, generation };
            timers.push(Timer { id, due });
        };
        if let ExecutionState::Backoff { number, due, .. } = execution.state {
            arm(TimerKind::Retry, number, due);
        }
        let counts = match execution.state {
            ExecutionState::Waiting(Wait::Environment { .. })
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { stopping: None, .. }
            | ExecutionState::Backoff { .. } => true,
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Live { stopping: Some(_), .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => false,
        };
        if let (Clock::Running { due }, true) = (execution.total, counts) {
            arm(TimerKind::Total, self.state.round, due);
        }
    }
}
