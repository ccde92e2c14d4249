//! Locks of environments: which waiting execution may enter.
//!
//! A pure function over the executions of all runs that go on: at most one is inside of an
//! environment, and who is inside is read from the executions, so a lock cannot leak.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::{ExecutionId, RunId};
use crate::run::Run;
use crate::state::execution::ExecutionState;
use crate::state::people::Wait;

/// An execution that waits for its environment, or is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub run: RunId,
    pub execution: ExecutionId,
    pub environment: String,
    /// Of one that waits: since when. They enter in this order, then by run, then by execution.
    pub since: Timestamp,
    pub stand: Stand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    Waiting,
    /// Waits, but its run is paused: it keeps its turn and is passed over.
    Paused,
    Inside,
}

impl Run {
    /// What this run has to do with locked environments. Costs what it names.
    pub fn claims(&self) -> Vec<Claim> {
        let Some(head) = self.state.head.as_deref() else { return Vec::new() };
        let links = &self.state.links;
        let claim = |ix: &crate::state::ExecIx, since, stand| {
            let environment = self.model(ix.stage).environment.clone()?;
            Some(Claim { run: head.id, execution: self.exec_id(*ix), environment, since, stand })
        };
        let inside =
            links.granted.iter().filter_map(|ix| claim(ix, head.created_at, Stand::Inside));
        let waiting = links.locked.iter().filter_map(|ix| {
            let paused = self.state.pause.is_some();
            let stand = if paused { Stand::Paused } else { Stand::Waiting };
            match self.state.exec(*ix).state {
                ExecutionState::Waiting(Wait::Environment { since }) => claim(ix, since, stand),
                ExecutionState::Waiting(_)
                | ExecutionState::Idle
                | ExecutionState::Queued { .. }
                | ExecutionState::Live { .. }
                | ExecutionState::Ended(_)
                | ExecutionState::Backoff { .. }
                | ExecutionState::Unknown { .. }
                | ExecutionState::Settled(_) => None,
            }
        });
        inside.chain(waiting).collect()
    }
}

/// Who may enter now: each is a [`crate::Command::Grant`]. Asking again after it happened gives
/// nothing new.
pub fn grants(claims: impl IntoIterator<Item = Claim>) -> Vec<(RunId, ExecutionId)> {
    // `None`: somebody is inside.
    let mut next: BTreeMap<String, Option<Claim>> = BTreeMap::new();
    for claim in claims {
        match claim.stand {
            Stand::Paused => {}
            Stand::Inside => {
                next.insert(claim.environment, None);
            }
            Stand::Waiting => match next.get_mut(&claim.environment) {
                None => {
                    next.insert(claim.environment.clone(), Some(claim));
                }
                Some(None) => {}
                Some(Some(first)) => {
                    let order = |claim: &Claim| (claim.since, claim.run, claim.execution.clone());
                    if order(&claim) < order(first) {
                        *first = claim;
                    }
                }
            },
        }
    }
    next.into_values().flatten().map(|claim| (claim.run, claim.execution)).collect()
}
