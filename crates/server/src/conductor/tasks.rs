//! Tasks: a change of a task, what it starts and what it stops, in one commit. So the number of a
//! run is given where the run is created, and a task is never said to be in progress without it.

use engine::command::Command;
use engine::event::{OnActive, TaskRun};
use engine::id::RunId;
use store::port::{Change, DRAWN, PRODUCTION, Refusal, TaskRow, Wanted};

use super::Conductor;
use super::batch::{Batch, Waits};
use super::desk::Reply;
use crate::intake::Start;
use crate::modes::Installed;
use crate::refused::Refused;
use crate::view;

/// The most that prerequisites may be apart.
const DEPTH: usize = 1000;

/// A task as somebody wants it.
#[derive(Debug)]
pub(crate) struct TaskAsk {
    /// Without an id one is drawn. Its version is the one that was looked at, 0 for a new one.
    pub(crate) task: TaskRow,
    pub(crate) by: String,
    pub(crate) then: Then,
}

/// What follows from the change.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Start(Box<StartTask>),
    /// Cancels what is active.
    Stop {
        reason: String,
    },
    /// Refused while a run is active, or another task needs it.
    Delete,
}

#[derive(Debug)]
pub(crate) struct StartTask {
    pub(crate) start: Start,
    pub(crate) on_active: OnActive,
    /// Also when prerequisites are not done.
    pub(crate) force: bool,
    /// Somebody says that the task is in progress, and it is, also when its run only says what it
    /// would do.
    pub(crate) said: bool,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) struct TaskDone {
    pub(crate) id: String,
    /// The run that was started.
    pub(crate) run: Option<RunId>,
}

impl Conductor {
    pub(super) fn task(&mut self, ask: TaskAsk, reply: Reply<TaskDone>, batch: &mut Batch) {
        match self.change_task(ask, batch) {
            Ok((row, run)) => {
                let done = TaskDone { id: row.id.clone(), run };
                batch.tasks.insert(row.id.clone(), row.clone());
                batch.catalog.push(Change::SaveTask(Box::new(row)));
                batch.waits.push(Waits::Task { done, reply });
            }
            Err(refused) => reply.send(Err(refused)),
        }
    }

    fn change_task(
        &mut self,
        ask: TaskAsk,
        batch: &mut Batch,
    ) -> Result<(TaskRow, Option<RunId>), Refused> {
        let TaskAsk { mut task, by, then } = ask;
        let now = self.clock.now();
        if task.id.is_empty() {
            task.id = self.draw_task(batch)?;
        }
        let known = self.known_task(&task.id, batch)?;
        let current = known.as_ref().map_or(0, |row| row.version);
        let lives = known.as_ref().is_some_and(|row| row.deleted_at.is_none());
        match (lives, task.version) {
            (false, 0) => {}
            (true, 0) => return Err(Refused::TaskExists { id: task.id }),
            (false, _) => return Err(Refused::NotFound { what: "task", name: task.id }),
            (true, expected) if expected != current => {
                let id = task.id;
                return Err(Refusal::TaskMoved { id, current, expected }.into());
            }
            (true, _) => {}
        }
        self.check_prerequisites(&task, known.as_ref(), batch)?;
        if task.version == 0 {
            (task.created_at, task.created_by) = (now, by.clone());
        }
        (task.updated_at, task.updated_by) = (now, by.clone());
        task.version = current + 1;
        let run = match then {
            Then::Nothing => None,
            Then::Start(start) => {
                let said = start.said;
                let run = self.start_task(&task, *start, &by, batch)?;
                if !said && self.is_shadow(run)? {
                    task.wanted = known.as_ref().map_or(Wanted::Todo, |row| row.wanted);
                }
                Some(run)
            }
            Then::Stop { reason } => {
                self.stop_task(&task.id, None, &by, &reason, batch);
                None
            }
            Then::Delete => {
                self.may_be_deleted(&task.id)?;
                task.deleted_at = Some(now);
                None
            }
        };
        Ok((task, run))
    }

    /// As it is after what this turn has decided; also a deleted one.
    fn known_task(&self, id: &str, batch: &Batch) -> Result<Option<TaskRow>, Refused> {
        match batch.tasks.get(id) {
            Some(row) => Ok(Some(row.clone())),
            None => Ok(self.reader.task(id)?),
        }
    }

    fn draw_task(&self, batch: &Batch) -> Result<String, Refused> {
        let mut next = self.reader.last_drawn_task()? + 1;
        while batch.tasks.contains_key(&format!("{DRAWN}{next}")) {
            next += 1;
        }
        Ok(format!("{DRAWN}{next}"))
    }

    /// They exist, and none of them needs this task in the end.
    fn check_prerequisites(
        &self,
        task: &TaskRow,
        known: Option<&TaskRow>,
        batch: &Batch,
    ) -> Result<(), Refused> {
        if known.is_some_and(|row| row.prerequisites == task.prerequisites) {
            return Ok(());
        }
        let mut open: Vec<String> = task.prerequisites.clone();
        let mut seen: Vec<String> = Vec::new();
        while let Some(id) = open.pop() {
            if id == task.id {
                let problem = "a task cannot need itself, also not by others".to_owned();
                return Err(Refused::TaskUnfit { field: "prerequisites", problem });
            }
            if seen.contains(&id) || seen.len() >= DEPTH {
                continue;
            }
            let row = self.known_task(&id, batch)?.filter(|row| row.deleted_at.is_none());
            match row {
                Some(row) => open.extend(row.prerequisites),
                None if task.prerequisites.contains(&id) => {
                    let problem = format!("there is no task `{id}`");
                    return Err(Refused::TaskUnfit { field: "prerequisites", problem });
                }
                None => {}
            }
            seen.push(id);
        }
        Ok(())
    }

    /// The new run is there before the others are told to give way: should it be refused, they go
    /// on as they were.
    fn start_task(
        &mut self,
        task: &TaskRow,
        start: StartTask,
        by: &str,
        batch: &mut Batch,
    ) -> Result<RunId, Refused> {
        let StartTask { start, on_active, force, said: _ } = start;
        if let Some(run) = start.id
            && (self.runs.contains_key(&run) || self.reader.run(run)?.is_some())
        {
            // It was asked before, and the answer was lost.
            return Ok(run);
        }
        if !self.all_here() {
            return Err(Refused::StorageFull);
        }
        if !force {
            let missing = view::task::blocked_by(&*self.reader, task)?;
            if !missing.is_empty() {
                return Err(Refused::TaskBlocked { id: task.id.clone(), missing });
            }
        }
        // It stands in nobody's way, and nobody in its.
        let installed = Installed::of(&self.rollout.row);
        let (mode, _) = installed.stamp(start.mode, Some(&task.id), self.base_mode(&start)?)?;
        let active = self.active_of(&task.id);
        if let (OnActive::Reject, Some(run), false) = (on_active, active.first(), mode.is_shadow())
        {
            return Err(Refused::TaskActive { id: task.id.clone(), run: self.name(*run) });
        }
        let of = TaskRun {
            id: task.id.clone(),
            number: 0,
            title: task.title.clone(),
            description: task.description.clone(),
            labels: task.labels.clone(),
            paths: task.paths.clone(),
            priority: task.priority,
            on_active,
        };
        let run = self.create(Start { task: Some(of), ..start }, batch)?;
        if on_active == OnActive::Replace && !mode.is_shadow() {
            let reason = format!("{} replaces it", self.name(run));
            self.stop_task(&task.id, Some(run), by, &reason, batch);
        }
        Ok(run)
    }

    fn is_shadow(&self, run: RunId) -> Result<bool, Refused> {
        if let Some(header) = self.runs.get(&run).and_then(|live| live.run.header()) {
            return Ok(header.mode.is_shadow());
        }
        Ok(self.reader.run(run)?.is_some_and(|row| row.mode != PRODUCTION))
    }

    /// Cancels the runs of a task that have not ended, but for one.
    fn stop_task(
        &mut self,
        task: &str,
        but: Option<RunId>,
        by: &str,
        reason: &str,
        batch: &mut Batch,
    ) {
        let now = self.clock.now();
        for run in self.active_of(task) {
            let leaving = self
                .runs
                .get(&run)
                .is_some_and(|live| live.run.status() == engine::Status::Cancelling);
            if Some(run) == but || leaving {
                continue;
            }
            let command = Command::Cancel { by: by.to_owned(), reason: reason.to_owned() };
            if let Err(refused) = self.decide(run, command, now, batch) {
                tracing::warn!(%run, cause = %refused, "a run of a task could not be stopped");
            }
        }
    }

    /// Oldest first; without shadow runs.
    fn active_of(&self, task: &str) -> Vec<RunId> {
        let is_active = |live: &&super::live::Live| {
            let of = live.run.header().and_then(|header| header.task);
            let shadow = live.run.header().is_some_and(|header| header.mode.is_shadow());
            !shadow && !live.is_finished() && of.is_some_and(|of| of.id == task)
        };
        let here = self.runs.values().filter(is_active).map(|live| live.id);
        let mut active: Vec<RunId> = here.chain(self.parked.of_task(task)).collect();
        active.sort_unstable();
        active
    }

    fn may_be_deleted(&self, task: &str) -> Result<(), Refused> {
        if let Some(run) = self.active_of(task).first() {
            return Err(Refused::TaskActive { id: task.to_owned(), run: self.name(*run) });
        }
        let by = self.reader.tasks_needing(task)?;
        if by.is_empty() {
            return Ok(());
        }
        Err(Refused::TaskNeeded { id: task.to_owned(), by })
    }

    /// The number of the next run of a task, counting what this turn has created.
    pub(super) fn next_of_task(&mut self, task: &str, batch: &Batch) -> Result<u64, Refused> {
        match batch.task_numbers.get(task) {
            Some(last) => Ok(last + 1),
            None => Ok(self.writer.next_task_number(task)?),
        }
    }
}
