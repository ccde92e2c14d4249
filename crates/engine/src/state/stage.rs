//! One stage of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pipeline::model::{Pipeline, StageIx};
use pipeline::when::Reason;
use serde_json::Value as Json;

use super::execution::{Execution, ExecutionState};
use super::flow::{Fed, Watch};
use super::people::{Gate, Wait};
use crate::event::{Conclusion, Deed, Intention, Outcome, Settled};
use crate::view::ExecutionStatus;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// Direct dependencies that have not settled.
    pub(crate) waits_for: u32,
    pub(crate) state: StageState,
    /// Of a stage with triggers.
    pub(crate) watch: Option<Box<Watch>>,
    /// The one of a stage without `foreach`; otherwise its instances, also those of an earlier
    /// round that the present list is too short for.
    pub(crate) executions: Vec<Execution>,
    /// Of its manual trigger; generation `n` is at `n - 1`.
    pub(crate) gates: Vec<Gate>,
    /// Of a shadow run: what the stage said before it had executions, or of all of them.
    pub(crate) would: Vec<Intention>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StageState {
    /// A compensation that no rollback has asked for: it counts nowhere and is shown nowhere.
    Dormant,
    Blocked,
    /// Its execution is under way, or its `foreach` is about to be resolved.
    Ready(Ready),
    Fanned {
        ready: Ready,
        fan: Fan,
    },
    Settled(Box<StageEnd>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ready {
    pub(crate) at: Timestamp,
    pub(crate) reason: Option<Reason>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fan {
    pub(crate) items: Vec<Json>,
    pub(crate) unsettled: u32,
    /// Instances that hold one of the `foreach.max_parallel` places.
    pub(crate) held: u32,
    /// By ticket: instances that wait for such a place.
    pub(crate) parked: BTreeMap<u64, u32>,
    pub(crate) census: Census,
    /// Of a stage that gets its items one by one.
    pub(crate) fed: Option<Box<Fed>>,
}

/// How many instances are in which state, of those that have not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) unknown: u32,
    pub(crate) approval: u32,
    pub(crate) input: u32,
    pub(crate) held: u32,
    pub(crate) stopping: u32,
    pub(crate) running: u32,
    pub(crate) retrying: u32,
    pub(crate) environment: u32,
    pub(crate) queued: u32,
}

impl Fan {
    pub(crate) fn new(items: Vec<Json>, unsettled: u32) -> Self {
        let (parked, census) = (BTreeMap::new(), Census::default());
        Self { items, unsettled, held: 0, parked, census, fed: None }
    }

    /// Without items, and open for events.
    pub(crate) fn open() -> Self {
        Self { fed: Some(Box::default()), ..Self::new(Vec::new(), 0) }
    }

    /// More items may come.
    pub(crate) fn grows(&self) -> bool {
        self.fed.as_deref().is_some_and(Fed::is_open)
    }

    /// `None` when nothing of it goes on.
    pub(crate) fn most_urgent(&self) -> Option<ExecutionStatus> {
        [
            (self.census.unknown, ExecutionStatus::Unknown),
            (self.census.approval, ExecutionStatus::WaitingApproval),
            (self.census.input, ExecutionStatus::WaitingInput),
            (self.census.held, ExecutionStatus::Held),
            (self.census.stopping, ExecutionStatus::Stopping),
            (self.census.running, ExecutionStatus::Running),
            (self.census.retrying, ExecutionStatus::Retrying),
            (self.census.environment, ExecutionStatus::WaitingEnvironment),
            (self.census.queued, ExecutionStatus::Queued),
        ]
        .into_iter()
        .find_map(|(count, status)| (count > 0).then_some(status))
    }

    /// An attempt that was handed out has started.
    pub(crate) fn started(&mut self) {
        self.census.queued -= 1;
        self.census.running += 1;
    }

    /// The count of a state that has not settled. `started`: so has the last attempt.
    pub(crate) fn count(&mut self, state: &ExecutionState, started: bool) -> Option<&mut u32> {
        let census = &mut self.census;
        match state {
            ExecutionState::Waiting(wait) => match wait {
                Wait::Due(_) | Wait::Void(_) => Some(&mut census.queued),
                Wait::Held { .. } => Some(&mut census.held),
                Wait::Gate(_) => Some(&mut census.approval),
                Wait::Form => Some(&mut census.input),
                Wait::Environment { .. } => Some(&mut census.environment),
                Wait::Answered(_) => None,
            },
            ExecutionState::Queued { .. } => Some(&mut census.queued),
            ExecutionState::Live { stopping: None, .. } if started => Some(&mut census.running),
            ExecutionState::Live { stopping: None, .. } => Some(&mut census.queued),
            ExecutionState::Live { stopping: Some(_), .. } => Some(&mut census.stopping),
            ExecutionState::Backoff { .. } => Some(&mut census.retrying),
            ExecutionState::Unknown { .. } => Some(&mut census.unknown),
            ExecutionState::Idle | ExecutionState::Ended(_) | ExecutionState::Settled(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StageEnd {
    /// Of the event that settled it: the order of completion.
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) conclusion: Conclusion,
    pub(crate) reason: Settled,
    /// An object.
    pub(crate) outputs: Json,
    /// `None` when it never became ready.
    pub(crate) ready: Option<Ready>,
    /// Of a fanned-out stage that was expanded.
    pub(crate) items: Option<Vec<Json>>,
    pub(crate) fed: Option<Box<Fed>>,
}

impl Stage {
    pub(crate) fn new(pipeline: &Pipeline, ix: StageIx) -> Self {
        let model = &pipeline.stages[ix.get()];
        let single = if pipeline.fanned(ix) { vec![] } else { vec![Execution::default()] };
        let state = match model.compensates {
            Some(_) => StageState::Dormant,
            None => StageState::Blocked,
        };
        Self {
            waits_for: u32::try_from(model.depends_on.len()).unwrap_or(u32::MAX),
            state,
            watch: model.triggers.as_ref().map(|_| Box::default()),
            executions: single,
            gates: Vec::new(),
            would: Vec::new(),
        }
    }

    pub(crate) fn end(&self) -> Option<&StageEnd> {
        match &self.state {
            StageState::Settled(end) => Some(end),
            StageState::Dormant
            | StageState::Blocked
            | StageState::Ready(_)
            | StageState::Fanned { .. } => None,
        }
    }

    /// In a shadow run it said that it would do this.
    pub(crate) fn would(&self, kind: Deed) -> bool {
        self.would.iter().any(|said| said.kind == kind)
    }

    pub(crate) fn fan(&self) -> Option<&Fan> {
        match &self.state {
            StageState::Fanned { fan, .. } => Some(fan),
            StageState::Dormant
            | StageState::Blocked
            | StageState::Ready(_)
            | StageState::Settled(_) => None,
        }
    }

    pub(crate) fn fan_mut(&mut self) -> Option<&mut Fan> {
        match &mut self.state {
            StageState::Fanned { fan, .. } => Some(fan),
            StageState::Dormant
            | StageState::Blocked
            | StageState::Ready(_)
            | StageState::Settled(_) => None,
        }
    }

    pub(crate) fn ready(&self) -> Option<&Ready> {
        match &self.state {
            StageState::Ready(ready) | StageState::Fanned { ready, .. } => Some(ready),
            StageState::Settled(end) => end.ready.as_ref(),
            StageState::Dormant | StageState::Blocked => None,
        }
    }

    /// Of a stage that gets, or got, its items one by one.
    pub(crate) fn fed(&self) -> Option<&Fed> {
        match &self.state {
            StageState::Fanned { fan, .. } => fan.fed.as_deref(),
            StageState::Settled(end) => end.fed.as_deref(),
            StageState::Dormant | StageState::Blocked | StageState::Ready(_) => None,
        }
    }

    /// The items of a fanned-out stage that was expanded.
    pub(crate) fn items(&self) -> Option<&[Json]> {
        match &self.state {
            StageState::Fanned { fan, .. } => Some(&fan.items),
            StageState::Settled(end) => end.items.as_deref(),
            StageState::Dormant | StageState::Blocked | StageState::Ready(_) => None,
        }
    }
}
