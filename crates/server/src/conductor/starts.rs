//! New runs.

use std::sync::Arc;

use api::run::RunSummary;
use engine::command::{Command, Create};
use engine::event::{Environment, Inherited, Mode, Parent, Rollout, RunLink, TaskRun};
use engine::id::RunId;
use indexmap::IndexMap;
use pipeline::Pipeline;
use store::port::{Expect, Outcome, PRODUCTION};
use uuid::Uuid;

use super::Conductor;
use super::batch::Batch;
use super::desk::{Reply, Save};
use super::live::Live;
use crate::config::Config;
use crate::intake::{Origin, Source, Start};
use crate::modes::{self, Installed};
use crate::refused::Refused;

#[derive(Default)]
struct Lineage {
    extends: Option<RunLink>,
    inherited: Vec<Inherited>,
    parent: Option<Parent>,
}

impl Conductor {
    pub(super) fn start(&mut self, start: Start, reply: Reply<RunSummary>, batch: &mut Batch) {
        match self.create(start, batch) {
            Ok(run) => batch.acks.push((run, reply)),
            Err(refused) => reply.send(Err(refused)),
        }
    }

    pub(super) fn create(&mut self, start: Start, batch: &mut Batch) -> Result<RunId, Refused> {
        if let Some(id) = start.id
            && self.is_started(id)?
        {
            batch.touched.insert(id);
            return Ok(id);
        }
        let config = self.config.current().map_err(Refused::Config)?;
        let revision = self.revision(&start)?;
        let name = start.pipeline.name.clone();
        let number = match batch.numbers.get(&name) {
            Some(last) => last + 1,
            None => self.writer.next_run_number(&name)?,
        };
        let task = match start.task {
            Some(of) => Some(TaskRun { number: self.next_of_task(&of.id, batch)?, ..of }),
            None => None,
        };
        let (id, lineage) = lineage(start.origin, start.id);
        let (fresh, directory) = match start.directory {
            Some(directory) => (None, directory),
            None => {
                let own = task.as_ref().map_or_else(|| id.to_string(), TaskRun::run_name);
                let folder = self.data_dir.join("workspaces").join(own);
                let text = folder.to_string_lossy().into_owned();
                (Some(folder), text)
            }
        };
        let (mode, rollout) = self.stamp(start.mode, &lineage, task.as_ref())?;
        let notify = match mode {
            Mode::Shadow => modes::notified(&config.notify, &name),
            Mode::Production => IndexMap::new(),
        };
        let environments = named_environments(&start.pipeline, &config);
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
            extends: lineage.extends,
            inherited: lineage.inherited,
            parent: lineage.parent,
            environments,
            config: config.values.clone(),
            breakpoints: start.breakpoints.into_iter().map(Into::into).collect(),
            step: start.step,
            task: task.clone(),
            held: start.held,
            traceparent: start.traceparent,
            mode,
            rollout,
            notify,
        };
        let command = Command::Create(Box::new(create));
        live.handle(command, self.clock.now()).map_err(Refused::Internal)??;
        // Whoever only says what it would do needs no place to do it in.
        if let Some(folder) = fresh.filter(|_| !mode.is_shadow()) {
            std::fs::create_dir_all(&folder).map_err(|error| match error.kind() {
                std::io::ErrorKind::StorageFull => Refused::StorageFull,
                _ => Refused::Internal(format!("could not create `{}`: {error}", folder.display())),
            })?;
        }
        batch.numbers.insert(name, number);
        batch.task_numbers.extend(task.map(|of| (of.id, of.number)));
        batch.touched.insert(id);
        self.enter(live);
        self.look_back(id, batch);
        Ok(id)
    }

    /// What it does, and the mode that it is stamped with. What an attempt starts is of one kind
    /// with it.
    fn stamp(
        &self,
        asked: Option<Rollout>,
        lineage: &Lineage,
        task: Option<&TaskRun>,
    ) -> Result<(Mode, Rollout), Refused> {
        let gone = || Refused::Internal("the run that it comes from is gone".to_owned());
        if let Some(parent) = &lineage.parent {
            let live = self.runs.get(&parent.link.run).ok_or_else(gone)?;
            let header = live.run.header().ok_or_else(gone)?;
            return Ok((header.mode, header.rollout));
        }
        let from = self.mode_of(lineage.extends.as_ref())?;
        let installed = Installed::of(&self.rollout.row);
        installed.stamp(asked, task.map(|task| task.id.as_str()), from)
    }

    /// Of the run that a start goes on from.
    pub(super) fn base_mode(&self, start: &Start) -> Result<Mode, Refused> {
        match &start.origin {
            Origin::Extends { link, .. } => self.mode_of(Some(link)),
            Origin::Fresh | Origin::Child { .. } => Ok(Mode::Production),
        }
    }

    fn mode_of(&self, from: Option<&RunLink>) -> Result<Mode, Refused> {
        let Some(of) = from else { return Ok(Mode::Production) };
        let shadow = self.reader.run(of.run)?.is_some_and(|row| row.mode != PRODUCTION);
        Ok(if shadow { Mode::Shadow } else { Mode::Production })
    }

    /// Whether it was started before, by the same request; then it is in memory.
    fn is_started(&mut self, id: RunId) -> Result<bool, Refused> {
        match self.load(id) {
            Ok(()) => Ok(true),
            Err(Refused::NotFound { .. }) => Ok(false),
            Err(refused) => Err(refused),
        }
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
            Some(
                Outcome::Done
                | Outcome::Appended { .. }
                | Outcome::Given { .. }
                | Outcome::Reserved(_)
                | Outcome::Rewound { .. }
                | Outcome::Upkept { .. },
            )
            | None => {
                Err(Refused::Internal("saving a pipeline was answered by something else".into()))
            }
        }
    }
}

/// The id of a new run, and where it comes from.
fn lineage(origin: Origin, id: Option<RunId>) -> (RunId, Lineage) {
    let id = id.unwrap_or_else(|| RunId(Uuid::now_v7()));
    match origin {
        Origin::Fresh => (id, Lineage::default()),
        Origin::Extends { link, inherited } => {
            (id, Lineage { extends: Some(link), inherited, parent: None })
        }
        Origin::Child { id, parent } => {
            (id, Lineage { parent: Some(parent), ..Lineage::default() })
        }
    }
}

/// The policies of the environments that the pipeline names, as they are now.
pub(crate) fn named_environments(
    pipeline: &Pipeline,
    config: &Config,
) -> IndexMap<String, Environment> {
    let names = pipeline.stages.iter().filter_map(|stage| stage.environment.as_ref());
    names.filter_map(|name| Some((name.clone(), config.environments.get(name)?.clone()))).collect()
}
