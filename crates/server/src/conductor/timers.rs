//! The timers that the loaded runs ask for.

use std::collections::{BTreeSet, HashMap};

use engine::command::{Timer, TimerId};
use engine::id::RunId;
use jiff::Timestamp;

#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_due: BTreeSet<(Timestamp, RunId, TimerId)>,
    by_run: HashMap<RunId, Vec<Timer>>,
}

impl Timers {
    /// These, and no others, are armed for this run.
    pub(crate) fn set(&mut self, run: RunId, timers: Vec<Timer>) {
        if timers.is_empty() && !self.by_run.contains_key(&run) {
            return;
        }
        for old in self.by_run.remove(&run).into_iter().flatten() {
            self.by_due.remove(&(old.due, run, old.id));
        }
        for timer in &timers {
            self.by_due.insert((timer.due, run, timer.id.clone()));
        }
        if !timers.is_empty() {
            self.by_run.insert(run, timers);
        }
    }

    /// Whether any is armed for this run.
    pub(crate) fn has(&self, run: RunId) -> bool {
        self.by_run.contains_key(&run)
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.by_due.first().map(|(due, ..)| *due)
    }

    /// Takes what is due. A run whose timers still stand arms them again when it is reconciled.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<(RunId, TimerId)> {
        let mut due = Vec::new();
        while self.by_due.first().is_some_and(|(at, ..)| *at <= now) {
            let Some((_, run, id)) = self.by_due.pop_first() else { break };
            if let Some(timers) = self.by_run.get_mut(&run) {
                timers.retain(|timer| timer.id != id);
                if timers.is_empty() {
                    self.by_run.remove(&run);
                }
            }
            due.push((run, id));
        }
        due
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_due.is_empty()
    }
}
