//! Runs that only wait, for their turn, for a slot or for somebody, without their memory: a storm of
//! events may leave tens of thousands of them, each with all that its event said. They are folded
//! again when something is wanted of them.

use std::collections::HashMap;

use engine::admission::{Occupant, Stand};
use engine::id::RunId;

use super::Conductor;
use super::live::Live;

/// Events of a journal that are read again and again at little cost. A run with more stays.
const SHORT: u64 = 32;

/// Runs that are not in memory although they have not finished, and what admission asks of them.
/// Their timers stay armed, and their attempts keep their places in the queue.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    by_run: HashMap<RunId, Option<Occupant>>,
}

impl Parked {
    pub(super) fn len(&self) -> usize {
        self.by_run.len()
    }

    pub(super) fn contains(&self, run: RunId) -> bool {
        self.by_run.contains_key(&run)
    }

    pub(super) fn remove(&mut self, run: RunId) {
        self.by_run.remove(&run);
    }

    /// Those that belong to a group or to a task.
    pub(super) fn occupants(&self) -> impl Iterator<Item = &Occupant> {
        self.by_run.values().flatten()
    }

    pub(super) fn of_task(&self, task: &str) -> impl Iterator<Item = RunId> {
        let turns = self.occupants().filter_map(|of| Some((of.run, of.turn.as_ref()?)));
        turns.filter(move |(_, turn)| turn.task == task).map(|(run, _)| run)
    }

    /// One whose turn has not come.
    pub(super) fn waiting(&self) -> Option<RunId> {
        self.occupants().find(|of| of.stand == Stand::Waiting).map(|of| of.run)
    }
}

/// Whether nobody but the run itself has to know what it holds.
fn is_alone(live: &Live) -> bool {
    let joined = live.has_children || live.has_locks || live.parent().is_some();
    !joined && live.stored <= SHORT && live.fresh.is_empty() && !live.is_finished()
}

impl Conductor {
    /// Lets go of the memory of a run, if all it does is wait.
    pub(super) fn park(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run) else { return };
        if is_alone(live) && !self.hands.is_at(run) && !self.dropped.contains(&run) {
            self.parked.by_run.insert(run, live.run.occupant());
            // It goes on listening to events.
            self.runs.remove(&run);
        }
    }

    /// The same before the run was looked at as a whole for the first time: its timers are armed.
    /// What the hands hold of it is asked afterwards, and whatever they say folds it again.
    pub(super) fn park_untouched(&mut self, run: RunId) {
        let Some(live) = self.runs.get(&run).filter(|live| is_alone(live)) else { return };
        let desired = live.run.desired();
        if desired.stops.is_empty() && desired.probes.is_empty() {
            self.timers.set(run, desired.timers);
            self.park(run);
        }
    }
}
