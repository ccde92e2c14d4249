//! What people ask for: starts, commands on runs, changes of the catalogue.

use std::sync::Arc;

use api::run::RunSummary;
use engine::command::{Command, Create};
use engine::id::RunId;
use store::port::{Change, Expect, Outcome};
use uuid::Uuid;

use super::Conductor;
use super::batch::{Batch, Waits};
use super::desk::{Reply, Save, Saved};
use super::live::Live;
use crate::intake::{Source, Start};
use crate::refused::Refused;

impl Conductor {
    pub(super) fn start(&mut self, start: Start, reply: Reply<RunSummary>, batch: &mut Batch) {
        match self.create(start, batch) {
            Ok(run) => batch.acks.push((run, reply)),
            Err(refused) => reply.send(Err(refused)),
        }
    }

    fn create(&mut self, start: Start, batch: &mut Batch) -> Result<RunId, Refused> {
        let revision = self.revision(&start)?;
        let name = start.pipeline.name.clone();
        let number = match batch.numbers.get(&name) {
            Some(last) => last + 1,
            None => self.writer.next_run_number(&name)?,
        };
        let id = RunId(Uuid::now_v7());
        let (fresh, directory) = match start.directory {
            Some(directory) => (None, directory),
            None => {
                let folder = self.data_dir.join("workspaces").join(id.to_string());
                let text = folder.to_string_lossy().into_owned();
                (Some(folder), text)
            }
        };
        let mut live = Live::new(id, start.pipeline);
        let create = Create {
            run: id,
            number,
            revision,
            digest: start.digest,
            by: start.by,
            inputs: start.inputs,
            event: start.event,
            facts: start.facts,
            directory,
            // The random part of the id.
            seed: id.0.as_u64_pair().1,
            extends: None,
            inherited: Vec::new(),
            parent: None,
            environments: indexmap::IndexMap::new(),
            config: indexmap::IndexMap::new(),
            breakpoints: Vec::new(),
            step: false,
        };
        let command = Command::Create(Box::new(create));
        live.handle(command, self.clock.now()).map_err(Refused::Internal)??;
        if let Some(folder) = fresh {
            std::fs::create_dir_all(&folder).map_err(|error| match error.kind() {
                std::io::ErrorKind::StorageFull => Refused::StorageFull,
                _ => Refused::Internal(format!("could not create `{}`: {error}", folder.display())),
            })?;
        }
        batch.numbers.insert(name, number);
        batch.touched.insert(id);
        self.runs.insert(id, live);
        Ok(id)
    }

    /// The revision that a start runs. A definition brought along becomes one, unless it is the
    /// current one already.
    fn revision(&mut self, start: &Start) -> Result<u32, Refused> {
        let name = &start.pipeline.name;
        let row = self.reader.pipeline(name)?;
        match (&row, &start.source) {
            (Some(row), _) if !row.enabled => {
                return Err(Refused::Disabled { name: name.clone() });
            }
            (None, Source::Stored { .. }) => {
                return Err(Refused::NotFound { what: "pipeline", name: name.clone() });
            }
            (Some(_), _) | (None, Source::Given { .. }) => {}
        }
        let text = match &start.source {
            Source::Stored { revision } => return Ok(*revision),
            Source::Given { text } => text,
        };
        if row.is_some()
            && let Some(current) = self.reader.revision(name, None)?
            && current.digest == start.digest
        {
            return Ok(current.number);
        }
        // Its number goes into the run's first event, so it is stored before the run is.
        let save = Save {
            pipeline: Arc::clone(&start.pipeline),
            text: text.clone(),
            digest: start.digest.clone(),
            by: start.by.clone(),
            expect: Expect::Any,
        };
        let outcomes = self.commit(&[self.change(save)])?;
        match outcomes.into_iter().next() {
            Some(Outcome::Saved { revision, .. }) => Ok(revision),
            Some(Outcome::Refused(refusal)) => Err(Refused::Catalog(refusal)),
            Some(Outcome::Done | Outcome::Appended { .. }) | None => {
                Err(Refused::Internal("saving a pipeline was answered by something else".into()))
            }
        }
    }

    pub(super) fn act(
        &mut self,
        run: RunId,
        command: Command,
        reply: Reply<RunSummary>,
        batch: &mut Batch,
    ) {
        let now = self.clock.now();
        match self.decide(run, command, now, batch) {
            Ok(()) => {
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

    fn change(&self, save: Save) -> Change {
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
