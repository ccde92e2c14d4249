//! Concurrency groups over all runs: the engine says who enters, who waits and who gives way.

use engine::admission::{Step, admit};
use engine::command::Command;

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
        if batch.touched.is_empty() && batch.reconcile.is_empty() {
            return false;
        }
        // A run that was dropped because the disk is full still has its place.
        for run in self.dropped.iter().copied().collect::<Vec<_>>() {
            match self.load(run) {
                Ok(()) | Err(Refused::Damaged { .. }) => {}
                Err(refused) => {
                    tracing::warn!(%run, cause = %refused, "nobody is admitted: a run is missing");
                    return false;
                }
            }
        }
        let mut any = false;
        // Each step can make room for the next; a run is cancelled or admitted at most once.
        for _ in 0..=self.runs.len() {
            let occupants = self.runs.values().filter_map(|live| live.run.occupant());
            let steps = admit(occupants);
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
