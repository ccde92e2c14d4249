//! One run in memory: a cache of the fold over its journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use engine::Run;
use engine::command::{Command, Rejection};
use engine::event::{Event, Parent, Stamped};
use engine::id::{AttemptId, RunId};
use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::model::Work;
use store::port::{ArtifactRow, Read, RequestRow, RunRow, StageRow};

use crate::definition::Definitions;
use crate::refused::{Refused, panic_message};
use crate::view;

pub(crate) struct Live {
    pub(crate) id: RunId,
    pub(crate) run: Run,
    /// Some stage has a `total_timeout`.
    pub(crate) has_total: bool,
    /// Some stage is a run of another pipeline.
    pub(crate) has_children: bool,
    /// Some stage names an environment; whether it is locked, the run knows.
    pub(crate) has_locks: bool,
    /// Some stage needs a worker with labels.
    pub(crate) has_labels: bool,
    /// Some stage leaves artifacts, or asks for files.
    pub(crate) leaves: bool,
    /// Events on disk.
    pub(crate) stored: u64,
    /// Events decided and folded in, not yet on disk.
    pub(crate) fresh: Vec<Stamped>,
}

/// What a commit writes about a run beside its events.
pub(crate) struct Rows {
    pub(crate) run: RunRow,
    pub(crate) stages: Vec<StageRow>,
    pub(crate) requests: Vec<RequestRow>,
    pub(crate) artifacts: Vec<ArtifactRow>,
}

impl Live {
    pub(crate) fn new(id: RunId, pipeline: Arc<Pipeline>) -> Self {
        Self::of(id, Run::new(pipeline), 0)
    }

    /// Folds a stored journal. `None` for an empty one: there is no such run.
    pub(crate) fn replay(
        id: RunId,
        journal: &[Stamped],
        definitions: &Definitions,
        reader: &dyn Read,
    ) -> Result<Option<Self>, Refused> {
        let Some(first) = journal.first() else { return Ok(None) };
        let damaged = |problem| Refused::Damaged { run: id.to_string(), problem };
        let Event::RunCreated { pipeline, revision, digest, .. } = &first.event else {
            return Err(damaged("its journal does not begin with its creation".to_owned()));
        };
        let pipeline = definitions.of_run(reader, pipeline, *revision, digest)?;
        let pipeline = pipeline.map_err(damaged)?;
        let run = guarded(|| Run::replay(pipeline, journal)).map_err(damaged)?;
        let run = run.map_err(|corrupt| damaged(corrupt.to_string()))?;
        Ok(Some(Self::of(id, run, journal.len() as u64)))
    }

    fn of(id: RunId, run: Run, stored: u64) -> Self {
        let stages = &run.pipeline().stages;
        let has_total = stages.iter().any(|stage| stage.limits.total.is_some());
        let has_children = stages.iter().any(|stage| matches!(stage.work, Work::Child { .. }));
        let has_locks = stages.iter().any(|stage| stage.environment.is_some());
        let has_labels = stages.iter().any(|stage| !stage.runs_on.is_empty());
        let leaves = stages.iter().any(|of| !of.artifacts.is_empty() || of.form.is_some());
        let fresh = Vec::new();
        Self { id, run, has_total, has_children, has_locks, has_labels, leaves, stored, fresh }
    }

    /// Decides a command. The outer error is a panic: the run must not be used any more.
    pub(crate) fn handle(
        &mut self,
        command: Command,
        now: Timestamp,
    ) -> Result<Result<(), Rejection>, String> {
        let events = match guarded(|| self.run.handle(command, now))? {
            Ok(events) => events,
            Err(rejection) => return Ok(Err(rejection)),
        };
        self.fresh.extend(events);
        Ok(Ok(()))
    }

    /// The rows after the fresh events. The error is a panic, as in [`Live::handle`].
    pub(crate) fn rows(&self) -> Result<Rows, String> {
        guarded(|| Rows {
            run: view::run::row(&self.run),
            stages: view::stage::rows(&self.run, &self.fresh),
            requests: view::request::rows(&self.run, &self.fresh),
            artifacts: if self.leaves {
                view::artifact::rows(&self.run, &self.fresh)
            } else {
                Vec::new()
            },
        })
    }

    /// The execution that started it, where a person did not.
    pub(crate) fn parent(&self) -> Option<&Parent> {
        self.run.header().and_then(|header| header.parent)
    }

    /// Whether an attempt is a run of its own: nothing for the hands.
    pub(crate) fn is_child(&self, attempt: &AttemptId) -> bool {
        let row = || self.run.row(&attempt.execution);
        self.has_children && row().is_some_and(|row| matches!(row.stage.work, Work::Child { .. }))
    }

    /// What an attempt needs of its worker; nothing: the own hands.
    pub(crate) fn labels(&self, attempt: &AttemptId) -> &[String] {
        if !self.has_labels {
            return &[];
        }
        let stages = &self.run.pipeline().stages;
        let of = stages.iter().find(|stage| stage.name == attempt.execution.stage);
        of.map_or(&[], |stage| &stage.runs_on)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.run.is_finished()
    }
}

/// A panic inside one run is that run's end, not the server's.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| format!("a defect of this program: {}", panic_message(&*panic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_message() {
        let stage = "deploy";
        let caught = guarded(|| panic!("no such stage: {stage}"));
        assert_eq!(caught, Err::<(), _>("a defect of this program: no such stage: deploy".into()));
        assert_eq!(guarded(|| 7), Ok(7));
    }
}
