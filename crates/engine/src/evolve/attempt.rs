//! Attempts and executions.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::ensure;
use crate::command::{StopReason, Verdict};
use crate::event::{AttemptResult, Conclusion, Outcome, Settled, Usage};
use crate::id::{AttemptId, ExecutionId};
use crate::run::Run;
use crate::state::execution::{
    Attempt, AttemptEnd, Clock, Doubt, Ending, ExecutionEnd, ExecutionState, Started, is_done_again,
};
use crate::state::people::Step;
use crate::state::{Bar, ExecIx, later};

impl Run {
    fn expect(&self, id: &ExecutionId) -> Result<ExecIx, String> {
        self.exec_ix(id).ok_or_else(|| format!("there is no execution `{id}`"))
    }

    pub(super) fn attempt_scheduled(
        &mut self,
        id: &AttemptId,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect(&id.execution)?;
        let clock = self.state.clock(at);
        let total = self.model(ix.stage).limits.total;
        let execution = self.state.exec_mut(ix);
        let queued = matches!(execution.state, ExecutionState::Queued { .. });
        let number = execution.next_number();
        ensure(queued && id.number == number, || {
            format!("attempt {} of `{}` cannot be scheduled", id.number, id.execution)
        })?;
        let work = execution.next_work();
        execution.attempts.push(Attempt {
            number,
            fence: id.fence,
            work,
            scheduled_at: at,
            started: None,
            stopping: None,
            end: None,
            doubt: None,
            superseded: false,
        });
        execution.total = match (execution.total, total) {
            (Clock::Unarmed, Some(total)) => Clock::Running { due: later(clock, total) },
            (Clock::Held { left }, _) => {
                Clock::Running { due: clock.checked_add(left).unwrap_or(Timestamp::MAX) }
            }
            (unchanged @ (Clock::Unarmed | Clock::Running { .. }), _) => unchanged,
        };
        if self.state.holder(ix).is_some() {
            self.state.stop_clock(ix, at);
        }
        ensure(id.fence > self.state.fence, || format!("fence {} is not new", id.fence))?;
        self.state.fence = id.fence;
        let next = ExecutionState::Live { fence: id.fence, stopping: None };
        self.state.transition(&self.pipeline, ix, next);
        Ok(())
    }

    fn attempt_mut(&mut self, ix: ExecIx) -> Result<&mut Attempt, String> {
        self.state.exec_mut(ix).attempts.last_mut().ok_or_else(|| "no attempt".to_owned())
    }

    pub(super) fn attempt_started(
        &mut self,
        id: &AttemptId,
        started: Started,
    ) -> Result<(), String> {
        let ix = self.expect_live(id)?;
        let attempt = self.attempt_mut(ix)?;
        ensure(attempt.started.is_none(), || format!("`{}` has started twice", id.execution))?;
        attempt.started = Some(started);
        let goes_on =
            matches!(self.state.exec(ix).state, ExecutionState::Live { stopping: None, .. });
        if goes_on && let Some(fan) = self.state.stages[ix.stage.get()].fan_mut() {
            fan.started();
        }
        Ok(())
    }

    pub(super) fn attempt_stopping(
        &mut self,
        id: &AttemptId,
        reason: StopReason,
    ) -> Result<(), String> {
        let ix = self.expect_live(id)?;
        self.attempt_mut(ix)?.stopping = Some(reason);
        let next = ExecutionState::Live { fence: id.fence, stopping: Some(reason) };
        self.state.transition(&self.pipeline, ix, next);
        Ok(())
    }

    pub(super) fn attempt_finished(
        &mut self,
        id: &AttemptId,
        result: &AttemptResult,
        usage: &Usage,
        tail: &str,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect_live(id)?;
        self.attempt_mut(ix)?.end = Some(Box::new(AttemptEnd {
            at,
            result: result.clone(),
            usage: usage.clone(),
            tail: tail.to_owned(),
        }));
        let execution = self.state.exec_mut(ix);
        match result {
            AttemptResult::Succeeded { .. } | AttemptResult::Failed { .. } => execution.tries += 1,
            AttemptResult::Lost { .. } => execution.lost += 1,
            AttemptResult::Stopped { .. } => {}
        }
        if let (false, Some(people)) = (is_done_again(result), &mut execution.people) {
            people.let_off();
        }
        self.state.transition(&self.pipeline, ix, ExecutionState::Ended(Ending::Result));
        Ok(())
    }

    /// Also tells again that it is unknown, when the probe could not say.
    pub(super) fn attempt_unknown(
        &mut self,
        id: &AttemptId,
        message: &str,
        probing: bool,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = match self.live(id) {
            Some(ix) => ix,
            None => self.expect_unknown(id)?,
        };
        let clock = self.state.clock(at);
        let attempt = self.attempt_mut(ix)?;
        match &mut attempt.doubt {
            Some(doubt) => message.clone_into(&mut doubt.message),
            None => {
                let doubt = Doubt { at, message: message.to_owned(), resolved: None };
                attempt.doubt = Some(Box::new(doubt));
                self.state.exec_mut(ix).lost += 1;
            }
        }
        let execution = self.state.exec_mut(ix);
        if let Clock::Running { due } = execution.total {
            execution.total = Clock::Held { left: due.duration_since(clock) };
        }
        let next = ExecutionState::Unknown { probing, message: message.to_owned() };
        self.state.transition(&self.pipeline, ix, next);
        match self.state.bar(self.model(ix.stage)) {
            // A run that is being cancelled waits for nobody's decision.
            Some(Bar::Cancelled | Bar::Unstartable) => {
                self.state.links.abandon.insert(ix);
            }
            Some(Bar::Halted) | None => {}
        }
        Ok(())
    }

    fn expect_unknown(&self, id: &AttemptId) -> Result<ExecIx, String> {
        let ix = self.expect(&id.execution)?;
        let execution = self.state.exec(ix);
        let unknown = matches!(execution.state, ExecutionState::Unknown { .. });
        let last = execution.attempts.last();
        let same = last.is_some_and(|a| a.number == id.number && a.fence == id.fence);
        ensure(unknown && same, || {
            format!("attempt {} of `{}` is not unknown", id.number, id.execution)
        })?;
        Ok(ix)
    }

    pub(super) fn attempt_resolved(
        &mut self,
        id: &AttemptId,
        by: &str,
        verdict: Verdict,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect_unknown(id)?;
        if let Some(doubt) = &mut self.attempt_mut(ix)?.doubt {
            doubt.resolved = Some((at, by.to_owned(), verdict));
        }
        let next = ExecutionState::Ended(Ending::Decided(verdict));
        self.state.transition(&self.pipeline, ix, next);
        Ok(())
    }

    pub(super) fn retry_scheduled(
        &mut self,
        id: &ExecutionId,
        number: u32,
        due: Timestamp,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect(id)?;
        let execution = self.state.exec(ix);
        let ended = matches!(execution.state, ExecutionState::Ended(_));
        ensure(ended && number == execution.next_number(), || {
            format!("`{id}` cannot wait for a retry")
        })?;
        let next = ExecutionState::Backoff { number, since: at, due };
        self.state.transition(&self.pipeline, ix, next);
        Ok(())
    }

    pub(super) fn requeued(&mut self, id: &ExecutionId, number: u32) -> Result<(), String> {
        let ix = self.expect(id)?;
        let execution = self.state.exec(ix);
        let waits = match execution.state {
            ExecutionState::Ended(_) | ExecutionState::Backoff { .. } => true,
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => false,
        };
        ensure(waits && number == execution.next_number(), || {
            format!("`{id}` cannot be queued again")
        })?;
        self.state.proceed(&self.pipeline, ix, Step::Form);
        Ok(())
    }

    pub(super) fn execution_settled(
        &mut self,
        id: &ExecutionId,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: &Settled,
        outputs: Json,
        at: Timestamp,
    ) -> Result<(), String> {
        let ix = self.expect(id)?;
        let execution = self.state.exec(ix);
        let open = match execution.state {
            ExecutionState::Live { .. } | ExecutionState::Settled(_) => false,
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. } => self.state.stage(ix.stage).ready().is_some(),
        };
        ensure(open, || format!("`{id}` cannot settle"))?;
        let sequence = self.state.sequence + 1;
        let end =
            ExecutionEnd { sequence, at, outcome, conclusion, reason: reason.clone(), outputs };
        if let Some(people) = &mut self.state.exec_mut(ix).people {
            people.let_off();
        }
        self.state.transition(&self.pipeline, ix, ExecutionState::Settled(Box::new(end)));
        self.fed_settled(ix, outcome);
        if conclusion == Conclusion::Failure {
            self.note_failure(id.clone());
        }
        Ok(())
    }
}
