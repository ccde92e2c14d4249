//! What people ask for: commands on runs, changes of the catalogue.

use api::run::RunSummary;
use engine::command::Command;
use engine::id::RunId;
use store::port::Change;

use super::Conductor;
use super::batch::{Batch, Waits};
use super::desk::{Reply, Save, Saved};

impl Conductor {
    pub(super) fn act(
        &mut self,
        run: RunId,
        command: Command,
        reply: Reply<RunSummary>,
        batch: &mut Batch,
    ) {
        let now = self.clock.now();
        let was_there = self.runs.contains_key(&run) || self.parked.contains(run);
        match self.decide(run, command, now, batch) {
            Ok(()) => {
                if !was_there {
                    // It goes on after its end: others may have given it something since.
                    self.look_back(run, batch);
                }
                batch.touched.insert(run);
                batch.acks.push((run, reply));
            }
            Err(refused) => reply.send(Err(refused)),
        }
    }

    pub(super) fn save(&mut self, save: Save, reply: Reply<Saved>, batch: &mut Batch) {
        let change = self.change(save);
        batch.catalog.push(change);
        batch.waits.push(Waits::Saved(reply));
    }

    pub(super) fn change(&self, save: Save) -> Change {
        Change::SavePipeline {
            name: save.pipeline.name.clone(),
            description: save.pipeline.description.clone(),
            text: save.text,
            digest: save.digest,
            by: save.by,
            at: self.clock.now(),
            expect: save.expect,
        }
    }
}
