//! What is known about a run after its events: data, its indexes, and how an execution moves from
//! one state to the next. Nothing here makes a choice.

pub(crate) mod execution;
pub(crate) mod flow;
mod links;
pub(crate) mod people;
pub(crate) mod stage;
pub(crate) mod taken;
pub(crate) mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use pipeline::model::{HaltMode, Pipeline, Rule, StageIx};
use pipeline::when::Facts;
use serde_json::Value as Json;

use crate::command::StopReason;
use crate::event::{
    Environment, FinalStatus, Inherited, Intention, Mode, Outcome, Parent, Rollout, RunLink,
    TaskRun,
};
use crate::id::{Actor, ExecutionId, RunId};
use execution::Execution;
use stage::Stage;
use undo::Undo;

/// Addresses an execution: a stage, and the instance (from 1) or 0 for the stage itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExecIx {
    pub(crate) stage: StageIx,
    pub(crate) instance: u32,
}

impl ExecIx {
    pub(crate) fn slot(self) -> usize {
        self.instance.saturating_sub(1) as usize
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) sequence: u64,
    /// Of the last event.
    pub(crate) at: Timestamp,
    pub(crate) head: Option<Box<Head>>,
    pub(crate) phase: Phase,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) pause: Option<Pause>,
    /// Spent in pauses that are over.
    pub(crate) paused: SignedDuration,
    pub(crate) cancel: Option<Cancel>,
    pub(crate) halt: Option<Halt>,
    /// How often the run was retried.
    pub(crate) round: u32,
    /// Of the newest attempt.
    pub(crate) fence: u64,
    /// Of the newest place in a queue.
    pub(crate) ticket: u64,
    pub(crate) stages: Vec<Stage>,
    /// Stages that have not settled, without dormant ones; `open_main` leaves `finally` stages out.
    pub(crate) open: u32,
    pub(crate) open_main: u32,
    /// Stages that concluded in a failure.
    pub(crate) failed: BTreeSet<StageIx>,
    pub(crate) known: flow::Known,
    pub(crate) links: Links,
    pub(crate) tally: Tally,
    /// Executions of these stages are held before they start.
    pub(crate) breakpoints: people::Breakpoints,
    /// Every execution is held before it starts.
    pub(crate) step: bool,
    pub(crate) undo: Undo,
    /// What a shadow run as a whole would have done, in this round.
    pub(crate) would: Vec<Intention>,
}

/// What `run.created` said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) id: RunId,
    pub(crate) number: u64,
    /// What people call it: `name#n`, or `<task>-<n>`.
    pub(crate) name: String,
    pub(crate) revision: u32,
    pub(crate) digest: String,
    pub(crate) by: Actor,
    pub(crate) inputs: IndexMap<String, Json>,
    /// The pipeline's variables that no input overrides, resolved.
    pub(crate) variables: IndexMap<String, Json>,
    pub(crate) event: Json,
    /// `${run.*}`
    pub(crate) run: Json,
    pub(crate) task: Option<TaskRun>,
    /// `${task.*}`; an empty object when it belongs to none.
    pub(crate) task_value: Json,
    pub(crate) facts: Facts,
    pub(crate) directory: String,
    pub(crate) seed: u64,
    pub(crate) group: Option<String>,
    /// Why it can never start.
    pub(crate) problem: Option<String>,
    /// The run that this one goes on from.
    pub(crate) extends: Option<RunLink>,
    /// What the ancestors gave, by stage; of one stage the nearest ancestor's comes first.
    pub(crate) inherited: Vec<Inherited>,
    pub(crate) parent: Option<Parent>,
    pub(crate) environments: IndexMap<String, Environment>,
    /// Values of the data folder's configuration.
    pub(crate) config: IndexMap<String, Json>,
    pub(crate) traceparent: Option<String>,
    pub(crate) mode: Mode,
    pub(crate) rollout: Rollout,
    /// Of a shadow run: who would be told, by kind of notice.
    pub(crate) notify: IndexMap<String, Vec<String>>,
    pub(crate) created_at: Timestamp,
}

impl Head {
    /// It begins when somebody who sees the other runs says so: `Command::Admit`.
    pub(crate) fn is_admitted_by_others(&self) -> bool {
        // Whoever only says what it would do stands in nobody's way.
        !self.mode.is_shadow() && (self.group.is_some() || self.task.is_some())
    }

    /// What the nearest ancestor that finished this stage gave.
    pub(crate) fn previous(&self, stage: &str) -> Option<&Inherited> {
        self.inherited.iter().find(|given| &*given.stage == stage)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    Uncreated,
    /// Waits for its turn in the concurrency group.
    Pending {
        since: Timestamp,
    },
    Active,
    Finished {
        at: Timestamp,
        status: FinalStatus,
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pause {
    pub(crate) since: Timestamp,
    pub(crate) by: Actor,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cancel {
    pub(crate) by: Actor,
    pub(crate) reason: String,
    /// Asked a second time: `finally` stages end too.
    pub(crate) forced: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Halt {
    pub(crate) cause: ExecutionId,
    pub(crate) mode: HaltMode,
}

/// Derived from the executions' states and kept beside them, so that no step looks at all stages.
/// Everything in a work list is taken out by the event that answers it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Links {
    /// By fence: the order of dispatch.
    pub(crate) live: BTreeMap<u64, ExecIx>,
    /// By ticket: first in, first out.
    pub(crate) ready: BTreeMap<u64, ExecIx>,
    /// `noop` executions that may settle.
    pub(crate) instant: BTreeSet<ExecIx>,
    /// Their last attempt's end asks for a choice.
    pub(crate) ended: BTreeSet<ExecIx>,
    /// A backoff or a `total_timeout` runs.
    pub(crate) timed: BTreeSet<ExecIx>,
    pub(crate) backoff: u32,
    pub(crate) unknown: BTreeSet<ExecIx>,
    /// Unknown ones whose probe ought to answer.
    pub(crate) probing: BTreeSet<ExecIx>,
    /// Must settle without another attempt.
    pub(crate) abandon: BTreeSet<ExecIx>,
    /// Live attempts that ought to be stopped.
    pub(crate) stop: BTreeMap<ExecIx, StopReason>,
    /// All executions of the stage have settled.
    pub(crate) complete: BTreeSet<StageIx>,
    /// All dependencies have settled (or nothing matters any more).
    pub(crate) judge: BTreeSet<StageIx>,
    /// Ready, and its `foreach` is not resolved yet.
    pub(crate) expand: BTreeSet<StageIx>,
    /// All dependencies have settled, and the stage has triggers.
    pub(crate) listen: BTreeSet<StageIx>,
    /// Stages that wait for their triggers.
    pub(crate) listening: BTreeSet<StageIx>,
    /// Fed stages that take events.
    pub(crate) feeding: BTreeSet<StageIx>,
    /// The gate of a manual trigger has to be opened.
    pub(crate) gate_due: BTreeSet<StageIx>,
    /// Fed stages that take no more events from now on.
    pub(crate) close: BTreeSet<StageIx>,
    /// Instances of fed stages whose needs can never be met.
    pub(crate) needless: BTreeSet<ExecIx>,
    /// A failure that halts the run.
    pub(crate) halt_by: Option<ExecutionId>,
    /// About to be asked of people, or for their environment.
    pub(crate) asks: BTreeSet<ExecIx>,
    /// What people were asked has ended, and asks for a choice.
    pub(crate) answered: BTreeSet<ExecIx>,
    /// Wait for people: held, or at an open gate or form.
    pub(crate) people: BTreeSet<ExecIx>,
    /// An attempt asks people something: live ones, and those whose gate has to be taken back.
    pub(crate) inquired: BTreeSet<ExecIx>,
    /// Live, not being stopped, and a person works in their place.
    pub(crate) taken: BTreeSet<ExecIx>,
    /// Queued already, and to be held.
    pub(crate) caught: BTreeSet<ExecIx>,
    /// Wait for their environment.
    pub(crate) locked: BTreeSet<ExecIx>,
    /// Hold their environment.
    pub(crate) granted: BTreeSet<ExecIx>,
    /// The gate of a manual trigger is open.
    pub(crate) gated: BTreeSet<StageIx>,
    /// The gate of a manual trigger ended, and asks for a choice.
    pub(crate) gate_answered: BTreeSet<StageIx>,
    /// The stage is no longer blocked, and the gate of its trigger is still open.
    pub(crate) gate_void: BTreeSet<StageIx>,
}

/// Counts of units: an execution, or a stage that has no instances yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) total: u32,
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    pub(crate) cancelled: u32,
    pub(crate) skipped: u32,
    pub(crate) not_run: u32,
    pub(crate) would_have: u32,
}

impl Tally {
    pub(crate) fn of(&mut self, outcome: Outcome) -> &mut u32 {
        match outcome {
            Outcome::Succeeded => &mut self.succeeded,
            Outcome::Failed => &mut self.failed,
            Outcome::Cancelled => &mut self.cancelled,
            Outcome::Skipped => &mut self.skipped,
            Outcome::NotRun => &mut self.not_run,
            Outcome::WouldHave => &mut self.would_have,
        }
    }

    pub(crate) fn settled(self) -> u32 {
        let done = self.succeeded + self.would_have;
        done + self.failed + self.cancelled + self.skipped + self.not_run
    }
}

/// Why a stage may not start any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    Unstartable,
    Cancelled,
    Halted,
}

impl State {
    pub(crate) fn new(pipeline: &Pipeline) -> Self {
        let stages: Vec<Stage> = (0..pipeline.stages.len())
            .map(|place| Stage::new(pipeline, StageIx(u32::try_from(place).unwrap_or(u32::MAX))))
            .collect();
        let asleep = pipeline.stages.iter().filter(|stage| stage.compensates.is_some()).count();
        let open = u32::try_from(stages.len() - asleep).unwrap_or(u32::MAX);
        let finally = pipeline.stages.iter().filter(|stage| stage.finally).count();
        Self {
            sequence: 0,
            at: Timestamp::MIN,
            head: None,
            phase: Phase::Uncreated,
            started_at: None,
            pause: None,
            paused: SignedDuration::ZERO,
            cancel: None,
            halt: None,
            round: 0,
            fence: 0,
            ticket: 0,
            stages,
            open,
            open_main: open - u32::try_from(finally).unwrap_or(open),
            failed: BTreeSet::new(),
            known: flow::Known::default(),
            links: Links::default(),
            tally: Tally { total: open, ..Tally::default() },
            breakpoints: people::Breakpoints::new(),
            step: false,
            undo: Undo::default(),
            would: Vec::new(),
        }
    }

    pub(crate) fn stage(&self, ix: StageIx) -> &Stage {
        &self.stages[ix.get()]
    }

    pub(crate) fn exec(&self, ix: ExecIx) -> &Execution {
        &self.stages[ix.stage.get()].executions[ix.slot()]
    }

    pub(crate) fn exec_mut(&mut self, ix: ExecIx) -> &mut Execution {
        &mut self.stages[ix.stage.get()].executions[ix.slot()]
    }

    /// The time that limits of the run go by: it stands still while the run is paused.
    pub(crate) fn clock(&self, now: Timestamp) -> Timestamp {
        self.pause.as_ref().map_or(now, |pause| pause.since)
    }

    /// Nothing of it touches the world.
    pub(crate) fn is_shadow(&self) -> bool {
        self.head.as_deref().is_some_and(|head| head.mode.is_shadow())
    }

    pub(crate) fn bar(&self, stage: &pipeline::model::Stage) -> Option<Bar> {
        if self.head.as_ref().is_some_and(|head| head.problem.is_some()) {
            return Some(Bar::Unstartable);
        }
        let pending = matches!(self.phase, Phase::Pending { .. });
        if let Some(cancel) = &self.cancel
            && (!stage.finally || cancel.forced || pending)
        {
            return Some(Bar::Cancelled);
        }
        let exempt = stage.finally || stage.rule == Rule::Always || stage.compensates.is_some();
        let halted = self.halt.is_some() || self.undo.wanted.is_some();
        (halted && !exempt).then_some(Bar::Halted)
    }
}

/// Saturates at the end of time.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
