//! What people and lists are shown of a run, read from its state.

mod attempt;
mod flow;
mod outputs;
mod people;
mod row;
mod taken;
mod undo;

use std::time::Duration;

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::when::Facts;
use serde_json::Value as Json;

use crate::event::{
    Environment, FinalStatus, Inherited, Intention, Mode, Parent, Rollout, RunLink, TaskRun,
};
use crate::id::{ExecutionId, RunId};
use crate::run::Run;
use crate::state::Phase;

pub use attempt::{AttemptStatus, AttemptView};
pub use flow::EventView;
pub use people::{DelegationView, FormState, FormView, GateView, SlotView, VoteView};
pub use row::{ExecutionStatus, Row};
pub use taken::{BackView, TakenView};
pub use undo::{Impact, ImpactStep, RollbackStep, RollbackView};

/// What the run was created with.
#[derive(Clone, Copy, Debug)]
pub struct Header<'r> {
    pub run: RunId,
    pub pipeline: &'r str,
    pub number: u64,
    /// What people call it: `name#n`, or `<task>-<n>`.
    pub name: &'r str,
    /// The task that it belongs to.
    pub task: Option<&'r TaskRun>,
    pub revision: u32,
    pub digest: &'r str,
    pub by: &'r str,
    pub inputs: &'r IndexMap<String, Json>,
    pub event: &'r Json,
    pub facts: &'r Facts,
    pub directory: &'r str,
    pub seed: u64,
    /// The resolved concurrency group.
    pub group: Option<&'r str>,
    /// The run that it goes on from.
    pub extends: Option<&'r RunLink>,
    /// What the ancestors gave, by stage.
    pub inherited: &'r [Inherited],
    /// The execution that started it.
    pub parent: Option<&'r Parent>,
    pub environments: &'r IndexMap<String, Environment>,
    pub config: &'r IndexMap<String, Json>,
    /// The trace that it is a part of.
    pub traceparent: Option<&'r str>,
    /// What it really does.
    pub mode: Mode,
    /// The mode of the installation when it was created.
    pub rollout: Rollout,
    pub created_at: Timestamp,
}

/// Counts of units: a stage, or each instance of a stage that fanned out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub total: u32,
    pub settled: u32,
    pub running: u32,
    /// For people, for an environment, between two attempts, or of unknown outcome.
    pub waiting: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub skipped: u32,
    pub not_run: u32,
    pub cancelled: u32,
    /// Of a shadow run: work that was only said.
    pub would_have: u32,
}

impl Run {
    /// `None` before the run was created.
    pub fn header(&self) -> Option<Header<'_>> {
        let head = self.state.head.as_deref()?;
        Some(Header {
            run: head.id,
            pipeline: &self.pipeline.name,
            number: head.number,
            name: &head.name,
            task: head.task.as_ref(),
            revision: head.revision,
            digest: &head.digest,
            by: &head.by,
            inputs: &head.inputs,
            event: &head.event,
            facts: &head.facts,
            directory: &head.directory,
            seed: head.seed,
            group: head.group.as_deref(),
            extends: head.extends.as_ref(),
            inherited: &head.inherited,
            parent: head.parent.as_ref(),
            environments: &head.environments,
            config: &head.config,
            traceparent: head.traceparent.as_deref(),
            mode: head.mode,
            rollout: head.rollout,
            created_at: head.created_at,
        })
    }

    /// What a shadow run as a whole would have done.
    pub fn would(&self) -> &[Intention] {
        &self.state.would
    }

    /// When it was admitted first.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.state.started_at
    }

    /// When it ended last; `None` while it goes on.
    pub fn finished_at(&self) -> Option<Timestamp> {
        match self.state.phase {
            Phase::Finished { at, .. } => Some(at),
            Phase::Uncreated | Phase::Pending { .. } | Phase::Active => None,
        }
    }

    /// Of the last event.
    pub fn updated_at(&self) -> Timestamp {
        self.state.at
    }

    pub fn is_finished(&self) -> bool {
        matches!(self.state.phase, Phase::Finished { .. })
    }

    pub fn final_status(&self) -> Option<FinalStatus> {
        match self.state.phase {
            Phase::Finished { status, .. } => Some(status),
            Phase::Uncreated | Phase::Pending { .. } | Phase::Active => None,
        }
    }

    /// Since when it is paused.
    pub fn paused_at(&self) -> Option<Timestamp> {
        self.state.pause.as_ref().map(|pause| pause.since)
    }

    /// Who paused it.
    pub fn paused_by(&self) -> Option<&str> {
        self.state.pause.as_ref().map(|pause| pause.by.as_str())
    }

    /// Spent in pauses that are over.
    pub fn paused_for(&self) -> Duration {
        self.state.paused.unsigned_abs()
    }

    /// The execution whose failure halted the run.
    pub fn halted_by(&self) -> Option<&ExecutionId> {
        self.state.halt.as_ref().map(|halt| &halt.cause)
    }

    pub fn progress(&self) -> Progress {
        let (tally, links) = (self.state.tally, &self.state.links);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Progress {
            total: tally.total,
            settled: tally.settled(),
            running: count(links.live.len()),
            waiting: links.backoff
                + count(links.unknown.len() + links.people.len() + links.locked.len()),
            succeeded: tally.succeeded,
            failed: tally.failed,
            skipped: tally.skipped,
            not_run: tally.not_run,
            cancelled: tally.cancelled,
            would_have: tally.would_have,
        }
    }

    /// Why it ended as it did, or what it waits for; may be empty.
    pub fn reason(&self) -> String {
        match &self.state.phase {
            Phase::Finished { reason, .. } => reason.clone(),
            Phase::Uncreated => String::new(),
            Phase::Pending { .. } | Phase::Active if self.state.pause.is_some() => {
                let by = self.state.pause.as_ref().map_or("", |pause| &pause.by);
                format!("paused by {by}")
            }
            Phase::Pending { .. } => {
                let group = self.waits_in();
                group.map_or_else(String::new, |group| format!("waits for its turn in `{group}`"))
            }
            Phase::Active => {
                let unknown = self.state.links.unknown.first();
                match (unknown, &self.state.cancel, &self.state.halt) {
                    (_, Some(cancel), _) => format!("cancelled by {}", cancel.by),
                    (Some(&ix), None, _) => {
                        format!("`{}` needs a decision: its outcome is unknown", self.exec_id(ix))
                    }
                    (None, None, halt) => self.undoing_now().unwrap_or_else(|| match halt {
                        Some(halt) => format!("halted because `{}` failed", halt.cause),
                        None => self.people_words(),
                    }),
                }
            }
        }
    }
}
