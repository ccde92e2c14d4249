//! The run as a whole: created, started, paused, cancelled, halted, finished.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use pipeline::model::{HaltMode, StageIx, Work};
use serde_json::{Value as Json, json};

use super::ensure;
use crate::command::StopReason;
use crate::event::{Event, FinalStatus, TaskRun};
use crate::id::{Actor, ExecutionId};
use crate::run::Run;
use crate::state::execution::{Clock, ExecutionState};
use crate::state::people::Step;
use crate::state::stage::StageState;
use crate::state::undo::Rollback;
use crate::state::{Bar, Cancel, ExecIx, Halt, Head, Pause, Phase};

impl Run {
    pub(super) fn run_created(&mut self, event: &Event, at: Timestamp) -> Result<(), String> {
        let fresh = self.state.phase == Phase::Uncreated;
        ensure(fresh, || "it exists already".to_owned())?;
        self.created(event, at)
    }

    pub(super) fn run_started(&mut self, at: Timestamp) -> Result<(), String> {
        let pending = matches!(self.state.phase, Phase::Pending { .. });
        ensure(pending, || "it is not pending".to_owned())?;
        self.started(at);
        Ok(())
    }

    pub(super) fn run_paused(
        &mut self,
        by: &Actor,
        now: bool,
        at: Timestamp,
    ) -> Result<(), String> {
        let free = self.goes_on() && self.state.pause.is_none();
        ensure(free, || "it cannot be paused".to_owned())?;
        self.state.pause = Some(Pause { since: at, by: by.clone() });
        if now {
            self.stop_live(StopReason::Paused);
        }
        Ok(())
    }

    pub(super) fn run_resumed(&mut self, at: Timestamp) -> Result<(), String> {
        ensure(self.state.pause.is_some(), || "it is not paused".to_owned())?;
        self.unpause(at);
        Ok(())
    }

    pub(super) fn cancel_requested(
        &mut self,
        by: &Actor,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), String> {
        ensure(self.goes_on(), || "it does not go on".to_owned())?;
        self.unpause(at);
        let forced = self.state.cancel.is_some();
        self.state.cancel = Some(Cancel { by: by.clone(), reason: reason.to_owned(), forced });
        self.state.links.halt_by = None;
        self.state.undo.wanted = None;
        self.state.undo.rewind = None;
        self.close(StopReason::Cancelled, true);
        self.consider_finally();
        Ok(())
    }

    pub(super) fn run_halted(&mut self, cause: &ExecutionId) -> Result<(), String> {
        let stage = self.ix(&cause.stage).ok_or("it was halted by an unknown stage")?;
        let free = self.goes_on() && self.state.halt.is_none();
        ensure(free, || "it cannot be halted".to_owned())?;
        let mode = self.model(stage).halt_mode;
        self.state.links.halt_by = None;
        self.state.halt = Some(Halt { cause: cause.clone(), mode });
        match mode {
            HaltMode::Finish => self.close(StopReason::Halted, false),
            HaltMode::Cancel => self.close(StopReason::Halted, true),
        }
        Ok(())
    }

    pub(super) fn run_finished(
        &mut self,
        status: FinalStatus,
        reason: &str,
        at: Timestamp,
    ) -> Result<(), String> {
        ensure(self.goes_on() && self.state.open == 0, || "it has work left".to_owned())?;
        self.unpause(at);
        self.state.links.halt_by = None;
        self.state.phase = Phase::Finished { at, status, reason: reason.to_owned() };
        Ok(())
    }

    fn goes_on(&self) -> bool {
        match self.state.phase {
            Phase::Pending { .. } | Phase::Active => true,
            Phase::Uncreated | Phase::Finished { .. } => false,
        }
    }

    fn created(&mut self, event: &Event, at: Timestamp) -> Result<(), String> {
        let head = self.head(event, at).ok_or("it says nothing about the run")?;
        if head.problem.is_some() {
            let all = (0..self.pipeline.stages.len()).map(stage_ix);
            let awake = all.filter(|ix| self.state.stage(*ix).state == StageState::Blocked);
            self.state.links.judge.extend(awake.collect::<Vec<_>>());
        }
        self.state.head = Some(Box::new(head));
        if let Event::RunCreated { breakpoints, step, by, held, .. } = event {
            self.breakpoints_set(breakpoints, *step)?;
            self.state.pause = held.then(|| Pause { since: at, by: by.clone() });
        }
        self.state.phase = Phase::Pending { since: at };
        Ok(())
    }

    /// What `run.created` says, with the pipeline's variables resolved: they may refer to inputs,
    /// the event and the run. One that cannot be resolved has no value, and whoever needs it says
    /// so.
    pub(crate) fn head(&self, event: &Event, at: Timestamp) -> Option<Head> {
        let Event::RunCreated {
            run,
            pipeline,
            number,
            revision,
            digest,
            by,
            inputs,
            event,
            facts,
            directory,
            seed,
            group,
            problem,
            extends,
            inherited,
            parent,
            environments,
            config,
            task,
            breakpoints: _,
            step: _,
            held: _,
            traceparent,
            mode,
            rollout,
            notify,
        } = event
        else {
            return None;
        };
        let name = match task {
            Some(task) => task.run_name(),
            None => format!("{pipeline}#{number}"),
        };
        let mut head = Head {
            id: *run,
            number: *number,
            revision: *revision,
            digest: digest.clone(),
            by: by.clone(),
            inputs: inputs.clone(),
            variables: IndexMap::new(),
            event: event.clone(),
            run: json!({
                "id": run.to_string(),
                "number": number,
                "name": name,
                "pipeline": pipeline,
                "by": by,
            }),
            task_value: task.as_ref().map_or_else(|| json!({}), TaskRun::value),
            task: task.clone(),
            name,
            facts: facts.clone(),
            directory: directory.clone(),
            seed: *seed,
            group: group.clone(),
            problem: problem.clone(),
            extends: extends.clone(),
            inherited: inherited.clone(),
            parent: parent.clone(),
            environments: environments.clone(),
            config: config.clone(),
            traceparent: traceparent.clone(),
            mode: *mode,
            rollout: *rollout,
            notify: notify.clone(),
            created_at: at,
        };
        for (name, template) in &self.pipeline.variables {
            if head.inputs.contains_key(name) {
                continue;
            }
            let value: Option<Json> = template.resolve(&self.head_scope(&head)).ok();
            if let Some(value) = value {
                head.variables.insert(name.clone(), value);
            }
        }
        Some(head)
    }

    fn started(&mut self, at: Timestamp) {
        self.state.phase = Phase::Active;
        self.state.started_at.get_or_insert(at);
        self.set_going();
    }

    /// Puts up for judgement what may be, and starts what is fresh.
    pub(super) fn set_going(&mut self) {
        for ix in (0..self.pipeline.stages.len()).map(stage_ix) {
            match &self.state.stage(ix).state {
                StageState::Blocked => self.consider(ix),
                StageState::Fanned { .. } => {
                    for exec in self.state.rewire(ix) {
                        self.state.proceed(&self.pipeline, exec, Step::Begin);
                    }
                    self.state.consider_closing(&self.pipeline, ix);
                }
                StageState::Dormant | StageState::Ready(_) | StageState::Settled(_) => {}
            }
        }
    }

    /// Puts a blocked stage up for judgement once nothing that it waits for is open.
    pub(super) fn consider(&mut self, ix: StageIx) {
        let stage = self.state.stage(ix);
        let model = self.model(ix);
        let free = if model.finally {
            self.state.open_main == 0 && !self.state.undo.is_open()
        } else if model.compensates.is_some() {
            self.state.undo.under_way().and_then(Rollback::turn) == Some(ix)
        } else {
            true
        };
        if stage.state != StageState::Blocked || stage.waits_for > 0 || !free {
            return;
        }
        match stage.watch.as_deref() {
            None => {
                self.state.links.judge.insert(ix);
            }
            Some(watch) if watch.since.is_none() => {
                self.state.links.listen.insert(ix);
            }
            // It listens already.
            Some(_) => {}
        }
    }

    /// Moves every deadline by the time that was spent paused.
    pub(super) fn unpause(&mut self, at: Timestamp) {
        let Some(pause) = self.state.pause.take() else { return };
        let span = at.duration_since(pause.since);
        self.state.paused += span;
        let links = &self.state.links;
        let timed: Vec<ExecIx> = links.timed.union(&links.inquired).copied().collect();
        self.move_trigger_deadlines(pause.since, at);
        for ix in timed {
            self.move_deadlines(ix, pause.since, at);
            let execution = self.state.exec_mut(ix);
            if let Clock::Running { due } = &mut execution.total {
                *due = moved(*due, span);
            }
            if let ExecutionState::Backoff { since, due, .. } = &mut execution.state {
                *due = moved(*due, at.duration_since(pause.since.max(*since)));
            }
        }
    }

    fn stop_live(&mut self, reason: StopReason) {
        let live: Vec<ExecIx> = self.state.links.live.values().copied().collect();
        for ix in live {
            // A run of its own is paused with its parent instead.
            let child = matches!(self.model(ix.stage).work, Work::Child { .. });
            if !(child && reason == StopReason::Paused) {
                self.want_stop(ix, reason);
            }
        }
    }

    /// Asks for a live attempt to be stopped, unless it is being stopped for good already.
    pub(super) fn want_stop(&mut self, ix: ExecIx, reason: StopReason) {
        let ExecutionState::Live { stopping, .. } = self.state.exec(ix).state else { return };
        let wanted = match stopping {
            None => true,
            // It would come back.
            Some(StopReason::Paused) => reason != StopReason::Paused,
            Some(
                StopReason::Timeout
                | StopReason::IdleTimeout
                | StopReason::TotalTimeout
                | StopReason::Cancelled
                | StopReason::Halted
                | StopReason::Superseded,
            ) => false,
        };
        if wanted {
            self.state.links.stop.insert(ix, reason);
        }
    }

    /// Nothing that is barred now may start: what waits is abandoned, and what lives is stopped
    /// when asked for. Under a cancel blocked stages settle at once; after a halt they are judged
    /// when their dependencies settle, as always.
    pub(super) fn close(&mut self, reason: StopReason, stop: bool) {
        for ix in (0..self.pipeline.stages.len()).map(stage_ix) {
            let Some(bar) = self.state.bar(self.model(ix)) else { continue };
            if self.state.stage(ix).state == StageState::Blocked {
                match bar {
                    Bar::Cancelled | Bar::Unstartable => {
                        self.state.links.judge.insert(ix);
                    }
                    Bar::Halted => self.weigh(ix),
                }
            }
            self.state.consider_closing(&self.pipeline, ix);
            for exec in self.executions(ix) {
                let open = self.state.stage(ix).fan().is_some();
                match (&self.state.exec(exec).state, bar) {
                    (
                        ExecutionState::Waiting(_)
                        | ExecutionState::Queued { .. }
                        | ExecutionState::Backoff { .. },
                        _,
                    ) => {
                        self.state.links.abandon.insert(exec);
                    }
                    (ExecutionState::Unknown { .. }, Bar::Cancelled | Bar::Unstartable) => {
                        self.state.links.abandon.insert(exec);
                    }
                    // Fresh again, or it waits for other instances.
                    (ExecutionState::Idle, _) if open => {
                        self.state.links.abandon.insert(exec);
                    }
                    (ExecutionState::Live { .. }, _) if stop => self.want_stop(exec, reason),
                    (
                        ExecutionState::Idle
                        | ExecutionState::Live { .. }
                        | ExecutionState::Ended(_)
                        | ExecutionState::Unknown { .. }
                        | ExecutionState::Settled(_),
                        _,
                    ) => {}
                }
            }
        }
    }
}

impl Run {
    /// The executions that a stage has now.
    pub(super) fn executions(&self, stage: StageIx) -> Vec<ExecIx> {
        let numbers = if self.pipeline.fanned(stage) {
            // There may be more, of a round in which the list was longer.
            let items = self.state.stage(stage).items().map_or(0, <[_]>::len);
            1..=u32::try_from(items).unwrap_or(u32::MAX)
        } else {
            0..=0
        };
        numbers.map(|instance| ExecIx { stage, instance }).collect()
    }
}

pub(super) fn stage_ix(place: usize) -> StageIx {
    StageIx(u32::try_from(place).unwrap_or(u32::MAX))
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
