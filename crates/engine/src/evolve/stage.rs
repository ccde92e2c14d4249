//! Stages: ready, expanded, settled.

use jiff::Timestamp;
use pipeline::when::Reason;
use serde_json::Value as Json;

use super::course::stage_ix;
use super::ensure;
use crate::event::{Conclusion, Outcome, Settled};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::Execution;
use crate::state::people::Step;
use crate::state::stage::{Fan, Ready, StageEnd, StageState};

impl Run {
    pub(super) fn stage_ready(
        &mut self,
        name: &str,
        reason: Option<&Reason>,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.ix(name).ok_or_else(|| format!("no stage is called `{name}`"))?;
        let blocked = self.state.stage(ix).state == StageState::Blocked;
        ensure(blocked && self.state.links.judge.contains(&ix), || {
            format!("`{name}` cannot become ready")
        })?;
        self.state.links.judge.remove(&ix);
        self.void_trigger_gate(ix);
        self.compensation_ready(ix);
        self.state.stages[ix.get()].state =
            StageState::Ready(Ready { at, reason: reason.cloned() });
        self.state.links.listening.remove(&ix);
        self.state.links.gate_due.remove(&ix);
        if self.model(ix).feed().is_some() {
            let ready = Ready { at, reason: reason.cloned() };
            self.state.stages[ix.get()].state = StageState::Fanned { ready, fan: Fan::open() };
            self.state.consider_closing(&self.pipeline, ix);
        } else if self.pipeline.fanned(ix) {
            self.state.links.expand.insert(ix);
        } else {
            let single = ExecIx { stage: ix, instance: 0 };
            self.state.proceed(&self.pipeline, single, Step::Begin);
        }
        Ok(())
    }

    pub(super) fn stage_expanded(&mut self, name: &str, items: &[Json]) -> Result<(), String> {
        let ix = self.ix(name).ok_or_else(|| format!("no stage is called `{name}`"))?;
        ensure(self.state.links.expand.remove(&ix) && !items.is_empty(), || {
            format!("`{name}` cannot be expanded")
        })?;
        let Some(ready) = self.state.stage(ix).ready().cloned() else {
            return Err(format!("`{name}` is not ready"));
        };
        let count = u32::try_from(items.len()).map_err(|_| "too many items".to_owned())?;
        let stage = &mut self.state.stages[ix.get()];
        let fan = Fan::new(items.to_vec(), count);
        stage.state = StageState::Fanned { ready, fan };
        if stage.executions.len() < items.len() {
            stage.executions.resize_with(items.len(), Execution::default);
        }
        // The stage counted as one unit until now.
        self.state.tally.total = self.state.tally.total - 1 + count;
        for instance in 1..=count {
            self.state.proceed(&self.pipeline, ExecIx { stage: ix, instance }, Step::Begin);
        }
        Ok(())
    }

    pub(super) fn stage_settled(
        &mut self,
        name: &str,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: &Settled,
        outputs: Json,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.ix(name).ok_or_else(|| format!("no stage is called `{name}`"))?;
        let complete = self.state.links.complete.remove(&ix);
        let judged = self.state.links.judge.remove(&ix);
        let unexpanded = self.state.links.expand.remove(&ix);
        let unheard = self.state.links.listen.remove(&ix);
        let listening = self.state.links.listening.remove(&ix);
        self.state.links.gate_due.remove(&ix);
        self.state.links.feeding.remove(&ix);
        ensure(complete || judged || unexpanded || unheard || listening, || {
            format!("`{name}` cannot settle")
        })?;
        let stage = &mut self.state.stages[ix.get()];
        let before = std::mem::replace(&mut stage.state, StageState::Blocked);
        let (ready, items, fed) = match before {
            StageState::Dormant | StageState::Blocked => (None, None, None),
            StageState::Ready(ready) => (Some(ready), None, None),
            StageState::Fanned { ready, fan } => (Some(ready), Some(fan.items), fan.fed),
            StageState::Settled(_) => return Err(format!("`{name}` has settled before")),
        };
        // A fed stage that got no event has no execution that counts.
        if !complete || items.as_ref().is_some_and(Vec::is_empty) {
            *self.state.tally.of(outcome) += 1;
        }
        let sequence = self.state.sequence + 1;
        let end = StageEnd {
            sequence,
            at,
            outcome,
            conclusion,
            reason: reason.clone(),
            outputs,
            ready,
            items,
            fed,
        };
        stage.state = StageState::Settled(Box::new(end));
        if conclusion == Conclusion::Failure {
            if self.model(ix).compensates.is_none() {
                self.state.failed.insert(ix);
            }
            self.note_failure(ExecutionId { stage: self.model(ix).name.clone(), instance: None });
        }
        self.void_trigger_gate(ix);
        self.release(ix);
        Ok(())
    }

    /// A failure of this stage may halt the run.
    pub(super) fn note_failure(&mut self, cause: ExecutionId) {
        let Some(ix) = self.ix(&cause.stage) else { return };
        if self.model(ix).compensates.is_some() {
            // It is noted in the result of the rollback, which goes on.
            return;
        }
        self.note_rollback(&cause);
        let model = self.model(ix);
        let halts = match model.on_failure {
            pipeline::model::OnFailure::Halt | pipeline::model::OnFailure::Rollback => {
                !model.finally
            }
            pipeline::model::OnFailure::Continue | pipeline::model::OnFailure::Isolate => false,
        };
        let goes_on = self.state.halt.is_none() && self.state.cancel.is_none();
        if halts && goes_on && self.state.links.halt_by.is_none() {
            self.state.links.halt_by = Some(cause);
        }
    }

    /// One stage less to wait for.
    fn release(&mut self, ix: pipeline::model::StageIx) {
        self.state.open -= 1;
        if !self.model(ix).finally {
            self.state.open_main -= 1;
        }
        let pipeline = self.pipeline.clone();
        for &dependant in &pipeline.stages[ix.get()].dependants {
            self.state.stages[dependant.get()].waits_for -= 1;
            self.consider(dependant);
        }
        self.tell_watchers(ix);
        if !self.model(ix).finally {
            self.consider_finally();
        }
        if self.model(ix).compensates.is_some() {
            self.compensation_settled();
        }
    }

    /// `finally` stages, the last ones before the compensations, may have nothing to wait for.
    pub(super) fn consider_finally(&mut self) {
        if self.state.open_main > 0 {
            return;
        }
        let pipeline = self.pipeline.clone();
        let last = pipeline.stages.iter().enumerate().rev();
        let finally = last
            .skip_while(|(_, stage)| stage.compensates.is_some())
            .take_while(|(_, stage)| stage.finally);
        for (place, _) in finally {
            self.consider(stage_ix(place));
        }
    }
}
