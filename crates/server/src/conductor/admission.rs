//! Concurrency groups and locked environments over all runs: the engine says who enters, who waits
//! and who gives way.

use engine::admission::{Step, admit};
use engine::command::Command;
use engine::lock::grants;

use super::Conductor;
use super::batch::Batch;
use crate::refused::Refused;

/// Who asks for a cancel that the rules of a group demand.
const CONCURRENCY: &str = "concurrency";

impl Conductor {
    /// Before each commit, so that an admission is stored together with what made room for it.
    /// Says whether anybody was moved.
    pub(super) fn admit(&mut self, batch: &mut Batch) -> bool {
        // Nothing of a group can have changed when no run did.
        if batch.touched.is_empty() && batch.reconcile.is_empty() && !batch.readmit {
            return false;
        }
        if !self.all_here() {
            return false;
        }
        batch.readmit = false;
        let policy = self.rollout.policy();
        let mut any = false;
        // Each step can make room for the next; a run is cancelled or admitted at most once.
        for _ in 0..=self.runs.len() + self.parked.len() {
            let steps = admit(self.occupants(), &policy);
            if steps.is_empty() {
                break;
            }
            let mut moved = false;
            for step in steps {
                moved |= self.take_step(step, batch);
            }
            any |= moved;
            if !moved {
                break;
            }
        }
        any
    }

    /// Lets executions into environments that are free, also before the commit that frees them is
    /// done. Says whether any was let in.
    pub(super) fn grant(&mut self, batch: &mut Batch) -> bool {
        if batch.touched.is_empty() && batch.reconcile.is_empty() {
            return false;
        }
        if !self.runs.values().any(|live| live.has_locks) || !self.all_here() {
            return false;
        }
        let locking = self.runs.values().filter(|live| live.has_locks);
        let free = grants(locking.flat_map(|live| live.run.claims()));
        let mut any = false;
        for (run, execution) in free {
            let now = self.clock.now();
            match self.decide(run, Command::Grant { execution }, now, batch) {
                Ok(()) => any = true,
                Err(refused) => {
                    tracing::error!(%run, cause = %refused, "an environment was not taken");
                }
            }
        }
        any
    }

    /// A run that was dropped because the disk is full still has its place: nobody is let in while
    /// one of them cannot be loaded.
    pub(super) fn all_here(&mut self) -> bool {
        for run in self.dropped.iter().copied().collect::<Vec<_>>() {
            match self.load(run) {
                Ok(()) | Err(Refused::Damaged { .. }) => {}
                Err(refused) => {
                    tracing::warn!(%run, cause = %refused, "nobody is admitted: a run is missing");
                    return false;
                }
            }
        }
        true
    }

    /// Whether the run took it.
    fn take_step(&mut self, step: Step, batch: &mut Batch) -> bool {
        let (run, command) = match step {
            Step::Admit(run) => (run, Command::Admit),
            Step::Cancel(run, reason) => {
                let (by, reason) = (CONCURRENCY.to_owned(), reason.to_owned());
                (run, Command::Cancel { by, reason })
            }
        };
        let now = self.clock.now();
        match self.decide(run, command, now, batch) {
            Ok(()) => true,
            Err(refused) => {
                tracing::error!(%run, cause = %refused, "a step of admission was refused");
                false
            }
        }
    }
}
