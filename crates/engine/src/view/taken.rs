//! Whoever took the place of an agent, as shown.

use jiff::Timestamp;

use crate::event::{Attach, Person};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::taken::{Back, Taken};

/// One time that a person took over, held or not.
#[derive(Clone, Debug)]
pub struct TakenView<'r> {
    /// Counts those of this execution from 1.
    pub hold: u32,
    pub by: &'r Person,
    pub since: Timestamp,
    /// How the person goes on; `None` while the attempt has not let go.
    pub attach: Option<&'r Attach>,
    pub back: Option<BackView<'r>>,
    /// The piece of work has ended, handed back or not.
    pub over: bool,
}

#[derive(Clone, Debug)]
pub struct BackView<'r> {
    pub at: Timestamp,
    pub by: &'r Person,
    pub note: &'r str,
    /// The tree counts as the result.
    pub accept: bool,
}

impl TakenView<'_> {
    pub fn is_held(&self) -> bool {
        self.back.is_none() && !self.over
    }
}

impl Run {
    /// The newest time that a person took over this execution; `None`: nobody ever did.
    pub fn taken(&self, execution: &ExecutionId) -> Option<TakenView<'_>> {
        let ix = self.exec_ix(execution)?;
        let taken = &self.state.exec(ix).people.as_deref()?.taken;
        let hold = u32::try_from(taken.len()).ok()?;
        let Taken { by, since, attach, back, over } = taken.last()?;
        let fence = self.state.exec(ix).attempts.last().map(|attempt| attempt.fence);
        // What an attempt said that is gone leads nowhere.
        let attach = attach.as_ref().filter(|(of, _)| Some(*of) == fence).map(|(_, attach)| attach);
        let back = back.as_ref().map(|back| {
            let Back { at, by, note, accept } = back;
            BackView { at: *at, by, note, accept: *accept }
        });
        Some(TakenView { hold, by, since: *since, attach, back, over: *over })
    }

    pub(crate) fn taken_words(&self, ix: ExecIx) -> Option<String> {
        let held = self.state.holder(ix)?;
        Some(format!("held by {} since {}", held.by.name, held.since))
    }
}
