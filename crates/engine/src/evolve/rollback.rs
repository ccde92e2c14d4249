//! A rollback: requested, started, its steps, finished.

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::{Compensation, HaltMode, OnFailure, StageIx, StageName};

use super::ensure;
use crate::command::StopReason;
use crate::event::{Event, RollbackResult};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::Phase;
use crate::state::execution::Execution;
use crate::state::stage::StageState;
use crate::state::undo::{How, Rollback, Step, Wanted};

impl Run {
    /// A person's: nothing new starts until it does.
    pub(super) fn rollback_requested(&mut self, wanted: Wanted) -> Result<(), String> {
        let goes_on = matches!(self.state.phase, Phase::Active);
        ensure(goes_on && !self.state.undo.is_open() && self.state.cancel.is_none(), || {
            "it cannot be rolled back".to_owned()
        })?;
        self.state.undo.wanted = Some(wanted);
        let stop = match self.pipeline.halt_mode {
            HaltMode::Finish => false,
            HaltMode::Cancel => true,
        };
        self.close(StopReason::Halted, stop);
        Ok(())
    }

    /// A failure that asks for a rollback: the first one of the run does.
    pub(super) fn note_rollback(&mut self, cause: &ExecutionId) {
        let Some(ix) = self.ix(&cause.stage) else { return };
        let model = self.model(ix);
        let (OnFailure::Rollback, Some(to)) = (model.on_failure, model.rollback_to) else { return };
        let undo = &self.state.undo;
        if model.finally || undo.automatic || undo.is_open() || self.state.cancel.is_some() {
            return;
        }
        self.state.undo.wanted = Some(Wanted {
            by: "on_failure".to_owned(),
            cause: Some(cause.clone()),
            to,
            reason: String::new(),
            forced: false,
        });
    }

    pub(super) fn rollback_started(&mut self, event: &Event, at: Timestamp) -> Result<(), String> {
        let Event::RollbackStarted { by, cause, to, reason, stages, forced } = event else {
            return Err("not a rollback".to_owned());
        };
        let finished = matches!(self.state.phase, Phase::Finished { .. });
        let asked = self.state.undo.wanted.take().is_some() && self.state.open_main == 0;
        ensure(finished || asked, || "it cannot be rolled back".to_owned())?;
        let to = self.ix(to).ok_or_else(|| format!("no stage is called `{to}`"))?;
        let mut steps = Vec::with_capacity(stages.len());
        for name in stages {
            steps.push(self.step(name, *forced)?);
        }
        for step in &steps {
            if let How::By(compensation) = step.how {
                let stage = &mut self.state.stages[compensation.get()];
                stage.state = StageState::Blocked;
                stage.executions.iter_mut().for_each(Execution::refresh);
            }
        }
        if finished {
            self.reopen_run(at);
        }
        let mut rollback = Rollback {
            by: by.clone(),
            cause: cause.clone(),
            to,
            reason: reason.clone(),
            forced: *forced,
            steps,
            next: 0,
            result: None,
            problems: IndexMap::new(),
        };
        rollback.skip_idle();
        self.state.undo.automatic |= cause.is_some();
        self.state.undo.rollback = Some(rollback);
        self.recount();
        self.next_step();
        Ok(())
    }

    fn step(&self, name: &StageName, forced: bool) -> Result<Step, String> {
        let stage = self.ix(name).ok_or_else(|| format!("no stage is called `{name}`"))?;
        let end = self.state.stage(stage).end();
        let completion = end.map(|end| end.sequence).ok_or_else(|| format!("`{name}` is open"))?;
        let before = !forced && self.state.undo.undone.contains_key(&stage);
        let how = match self.model(stage).compensation {
            Compensation::None => How::Nothing,
            Compensation::Missing => How::Missing,
            Compensation::Stage(_) if before => How::Before,
            Compensation::Stage(compensation) => How::By(compensation),
        };
        let instances = match self.pipeline.fanned(stage) {
            true => self.succeeded(stage),
            false => Vec::new(),
        };
        Ok(Step { stage, how, completion, instances })
    }

    /// A finished run goes on: its `finally` stages come again after whatever is done now.
    fn reopen_run(&mut self, at: Timestamp) {
        let pipeline = self.pipeline.clone();
        for (stage, _) in
            self.state.stages.iter_mut().zip(&pipeline.stages).filter(|(_, model)| model.finally)
        {
            stage.state = StageState::Blocked;
            stage.executions.iter_mut().for_each(Execution::refresh);
        }
        self.state.cancel = None;
        self.state.round += 1;
        self.state.phase = Phase::Pending { since: at };
    }

    /// Lets the compensation whose turn it is be judged.
    fn next_step(&mut self) {
        let turn = self.state.undo.under_way().and_then(Rollback::turn);
        if let (Some(ix), Phase::Active) = (turn, &self.state.phase) {
            self.consider(ix);
        }
    }

    /// From now on its stage counts as undone, whatever becomes of it.
    pub(super) fn compensation_ready(&mut self, ix: StageIx) {
        let step = self.state.undo.rollback.as_ref().and_then(|rollback| rollback.step_of(ix));
        if let Some((stage, completion)) = step.map(|step| (step.stage, step.completion)) {
            self.state.undo.undone.insert(stage, completion);
        }
    }

    /// A compensation has settled: the next one's turn. Those that were not reached settle in any
    /// order, under a cancel.
    pub(super) fn compensation_settled(&mut self) {
        let Some(mut rollback) = self.state.undo.rollback.take() else { return };
        while let Some(ix) = rollback.turn()
            && self.state.stage(ix).end().is_some()
        {
            rollback.next += 1;
            rollback.skip_idle();
        }
        self.state.undo.rollback = Some(rollback);
        self.next_step();
    }

    pub(super) fn rollback_finished(
        &mut self,
        result: RollbackResult,
        problems: &IndexMap<StageName, String>,
    ) -> Result<(), String> {
        let rollback = self.state.undo.rollback.as_mut();
        let Some(rollback) = rollback.filter(|rollback| rollback.result.is_none()) else {
            return Err("nothing is rolled back".to_owned());
        };
        ensure(rollback.next >= rollback.steps.len(), || "it is not over".to_owned())?;
        rollback.result = Some(result);
        rollback.problems.clone_from(problems);
        self.consider_finally();
        Ok(())
    }
}
