//! Attempts of agents in whose place a person works.

use jiff::Timestamp;
use pipeline::model::StageIx;

use super::execution::ExecutionState;
use super::people::People;
use super::{ExecIx, State};
use crate::event::{Attach, Person};

/// A person takes the place of an agent, until the work is handed back or is over. It outlives the
/// attempt when that is lost or paused: the next one does the same work, and begins held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) by: Person,
    pub(crate) since: Timestamp,
    /// How the person goes on; known once the attempt with this fence has let go.
    pub(crate) attach: Option<(u64, Attach)>,
    pub(crate) back: Option<Back>,
    /// The piece of work has ended, handed back or not.
    pub(crate) over: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Back {
    pub(crate) at: Timestamp,
    pub(crate) by: Person,
    pub(crate) note: String,
    pub(crate) accept: bool,
}

impl Taken {
    pub(crate) fn is_held(&self) -> bool {
        self.back.is_none() && !self.over
    }
}

impl People {
    /// Whoever holds it now.
    pub(crate) fn holder(&self) -> Option<&Taken> {
        self.taken.last().filter(|taken| taken.is_held())
    }

    /// Its work has ended: nobody holds it any more.
    pub(crate) fn let_off(&mut self) {
        if let Some(taken) = self.taken.last_mut() {
            taken.over = true;
        }
    }
}

impl State {
    pub(crate) fn holder(&self, ix: ExecIx) -> Option<&Taken> {
        self.exec(ix).people.as_deref()?.holder()
    }

    /// Keeps the list of those that are held in step with an execution.
    pub(crate) fn link_taken(&mut self, ix: ExecIx) {
        let live = matches!(self.exec(ix).state, ExecutionState::Live { stopping: None, .. });
        if live && self.holder(ix).is_some() {
            self.links.taken.insert(ix);
        } else {
            self.links.taken.remove(&ix);
        }
    }

    /// Whether one of the instances of a stage is held.
    pub(crate) fn holds_one_of(&self, stage: StageIx) -> bool {
        self.links.taken.iter().any(|ix| ix.stage == stage)
    }
}
