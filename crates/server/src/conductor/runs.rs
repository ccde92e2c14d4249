//! Runs in memory: loaded when somebody wants something of them, gone when they are at rest.

use engine::command::Command;
use engine::id::RunId;
use jiff::Timestamp;

use super::Conductor;
use super::batch::Batch;
use super::live::Live;
use crate::refused::Refused;

impl Conductor {
    /// Lets the engine decide one command. Its events wait in the run for the commit.
    pub(super) fn decide(
        &mut self,
        run: RunId,
        command: Command,
        now: Timestamp,
        batch: &mut Batch,
    ) -> Result<(), Refused> {
        self.load(run)?;
        let Some(live) = self.runs.get_mut(&run) else {
            return Err(Refused::NotFound { what: "run", name: run.to_string() });
        };
        match live.handle(command, now) {
            Ok(Ok(())) => {
                if !live.fresh.is_empty() {
                    batch.touched.insert(run);
                }
                Ok(())
            }
            Ok(Err(rejection)) => {
                self.rest(run);
                Err(Refused::Rejected(rejection))
            }
            Err(problem) => {
                self.damage(run, problem.clone(), batch);
                Err(Refused::Damaged { run: run.to_string(), problem })
            }
        }
    }

    /// Folds a run's journal, unless it is in memory.
    pub(super) fn load(&mut self, run: RunId) -> Result<(), Refused> {
        if self.runs.contains_key(&run) {
            return Ok(());
        }
        if let Some(problem) = self.damaged.get(&run) {
            return Err(Refused::Damaged { run: run.to_string(), problem: problem.clone() });
        }
        match self.fold(run) {
            Ok(Some(live)) => {
                self.awake.push(run);
                self.enter(live);
                Ok(())
            }
            Ok(None) => Err(Refused::NotFound { what: "run", name: run.to_string() }),
            Err(Refused::Damaged { run: name, problem }) => {
                tracing::error!(run = name, problem, "the run is damaged");
                self.mark_damaged(run, problem.clone());
                Err(Refused::Damaged { run: name, problem })
            }
            Err(refused) => Err(refused),
        }
    }

    /// A run is in memory from now on.
    pub(super) fn enter(&mut self, live: Live) {
        self.parked.remove(live.id);
        self.listeners.enter(live.id, live.run.pipeline());
        self.runs.insert(live.id, live);
    }

    fn fold(&mut self, run: RunId) -> Result<Option<Live>, Refused> {
        let journal = self.writer.journal(run)?;
        Live::replay(run, &journal, &self.definitions, &*self.reader)
    }

    /// Evicts a run that has finished and has nothing left to store.
    pub(super) fn rest(&mut self, run: RunId) {
        if self.runs.get(&run).is_some_and(|live| live.fresh.is_empty() && live.is_finished()) {
            self.leave(run);
        }
    }

    /// Takes a run out of memory for good.
    pub(super) fn leave(&mut self, run: RunId) -> Option<Live> {
        self.rollout.forget(run);
        let live = self.runs.remove(&run)?;
        self.listeners.leave(run, live.run.pipeline());
        Some(live)
    }

    /// This run stops here, by name; whatever was not stored of it is gone. The others go on.
    pub(super) fn damage(&mut self, run: RunId, problem: String, batch: &mut Batch) {
        tracing::error!(%run, problem, "the run is damaged");
        let refused = || Refused::Damaged { run: run.to_string(), problem: problem.clone() };
        // The hands keep what they said; workers need not.
        for from in batch.strike(run, refused).into_iter().filter_map(|said| said.from) {
            self.hands.fleet.stored(&from);
        }
        self.mark_damaged(run, problem);
    }

    pub(super) fn mark_damaged(&mut self, run: RunId, problem: String) {
        let parent = self.leave(run).and_then(|live| Some(live.parent()?.link.run));
        // Whoever waits for it waits in vain.
        self.revisit.extend(parent);
        self.dropped.remove(&run);
        self.parked.remove(run);
        self.hands.abandon(run);
        self.timers.set(run, Vec::new());
        self.gauges.change(|gauge| gauge.damaged.push((run, problem.clone())));
        self.damaged.insert(run, problem);
    }
}
