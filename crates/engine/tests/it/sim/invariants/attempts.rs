//! Attempts and executions: what may be entered about them.

use engine::command::{StopReason, Verdict};
use engine::event::{AttemptResult, Conclusion, Failure, Outcome, Settled};
use engine::id::{AttemptId, ExecutionId};

use super::people::{Ended, Lock, People};
use super::{Broken, LOST_LIMIT, Ledger, Live, Wait, counts_as, retryable};
use crate::sim::spec::{MapSpec, Micros};

impl Ledger<'_> {
    pub(super) fn scheduled(&mut self, attempt: &AttemptId, now: Micros) -> Result<(), Broken> {
        let id = &attempt.execution;
        let at = self.at(&id.stage)?;
        self.admits(at)?;
        let stage = self.stage(at);
        let name = &stage.name;
        let mapped = stage.flow.mapping.as_ref().is_none_or(MapSpec::holds);
        ensure!(mapped, "{id} is scheduled although its input cannot be made");
        ensure!(self.stages[at].ready, "{id} is scheduled before {name} is ready");
        ensure!(self.stages[at].settled.is_none(), "{id} is scheduled after {name} settled");
        ensure!(self.members(at).contains(id), "there is no execution {id}");
        ensure!(stage.kind.works(), "{id} is scheduled, there is nothing to do");
        if let Some(why) = self.barrier(at, id) {
            return Err(format!("{id} is scheduled but {why}"));
        }
        ensure!(attempt.fence > self.fence, "fence {} after {}", attempt.fence, self.fence);
        if let Some(max) = self.spec.max_parallel {
            ensure!(self.live_of(None) < max, "{id} exceeds max_parallel {max}");
        }
        match self.needs(at, id.instance) {
            Ok(needs) => ensure!(needs.is_empty(), "{id} is scheduled before {needs:?} succeeded"),
            Err(key) => return Err(format!("{id} is scheduled although {key} failed")),
        }
        if let Some(max) = stage.width() {
            ensure!(self.live_of(Some(name)) < max, "{id} exceeds foreach.max_parallel {max}");
        }
        let active = self.active(now);
        let limit = self.spec.retry_of(stage).max_attempts;
        let book = self.executions.entry(id.clone()).or_default();
        ensure!(book.settled.is_none(), "{id} is scheduled after it settled");
        ensure!(book.live.is_none(), "{id} has two live attempts");
        ensure!(
            attempt.number == book.numbers + 1,
            "attempt {} of {id} follows {}",
            attempt.number,
            book.numbers
        );
        ensure!(book.tries < limit, "{id} tried {} times of {limit}", book.tries + 1);
        ensure!(!book.begun || book.queued, "{id} is tried again but was not queued again");
        ensure!(book.backoff.is_none(), "{id} is tried while it waits");
        (book.queued, book.begun) = (false, true);
        book.numbers = attempt.number;
        let before = book.works.last().copied().filter(|_| book.again);
        book.works.push(before.unwrap_or(attempt.number));
        book.last = None;
        book.verdict = None;
        if book.people.taken.is_none() {
            book.ticking.get_or_insert(active);
        }
        book.live = Some(Live {
            id: attempt.clone(),
            started: false,
            stopping: None,
            unknown: false,
            probing: false,
        });
        self.fence = attempt.fence;
        Ok(())
    }

    pub(super) fn requeued(
        &mut self,
        id: &ExecutionId,
        number: u32,
        now: Micros,
    ) -> Result<(), Broken> {
        let active = self.active(now);
        let barred = self.cancelling || self.halted.is_some();
        let Some(book) = self.executions.get_mut(id) else {
            return Err(format!("{id} is queued again before its first try"));
        };
        ensure!(book.settled.is_none(), "{id} is queued again after it settled");
        ensure!(book.live.is_none(), "{id} is queued again while it runs");
        ensure!(number == book.numbers + 1, "attempt {number} of {id} follows {}", book.numbers);
        ensure!(!book.queued, "{id} is queued again twice");
        if let Some(wait) = book.backoff.take() {
            ensure!(wait.number == number, "{id} waited for attempt {}", wait.number);
            let waited = active - wait.since;
            ensure!(waited >= wait.lasts, "{id} waited {waited} of {}", wait.lasts);
        } else {
            let at_once = match &book.last {
                Some(AttemptResult::Lost { .. }) => book.lost < LOST_LIMIT || barred,
                // What a rewind stopped comes back when that is undone.
                Some(AttemptResult::Stopped { reason }) => {
                    matches!(reason, StopReason::Paused | StopReason::Superseded)
                }
                Some(AttemptResult::Succeeded { .. } | AttemptResult::Failed { .. }) => false,
                None => book.verdict == Some(Verdict::Retry),
            };
            ensure!(at_once, "{id} is queued again at once after {:?}", book.last);
        }
        book.queued = true;
        Ok(())
    }

    pub(super) fn overdue(&self, id: &ExecutionId, now: Micros) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        let Some(total) = self.stage(at).total else {
            return Err(format!("{id} has no total_timeout, yet it ended by it"));
        };
        let used = self.executions.get(id).map_or(0, |book| book.used(self.active(now)));
        ensure!(used >= total, "total_timeout {total} of {id} ended after {used}");
        Ok(())
    }

    pub(super) fn stopping(
        &mut self,
        attempt: &AttemptId,
        why: StopReason,
        now: Micros,
    ) -> Result<(), Broken> {
        let at = self.at(&attempt.execution.stage)?;
        let right = match why {
            StopReason::TotalTimeout => {
                self.overdue(&attempt.execution, now)?;
                true
            }
            StopReason::Cancelled => self.cancelling,
            StopReason::Paused => self.paused,
            StopReason::Halted => self.barred(at) && !self.cancelling,
            // These two are the hands' own business.
            StopReason::Timeout | StopReason::IdleTimeout => false,
            StopReason::Superseded => self.superseded(&attempt.execution),
        };
        ensure!(right, "{attempt:?} is stopped because of {why:?}");
        let finally = self.nodes[at].finally;
        let live = self.live(attempt)?;
        ensure!(!live.unknown, "{attempt:?} is stopped although unknown");
        ensure!(live.stopping.is_none_or(|before| before != why), "{attempt:?} stopped twice");
        ensure!(!finally || why != StopReason::Halted, "{attempt:?} of finally is halted");
        live.stopping = Some(why);
        Ok(())
    }

    pub(super) fn attempt_finished(
        &mut self,
        attempt: &AttemptId,
        result: &AttemptResult,
        now: Micros,
    ) -> Result<(), Broken> {
        let at = self.at(&attempt.execution.stage)?;
        if let AttemptResult::Failed { failure: Failure::TotalTimeout { .. } } = result {
            self.overdue(&attempt.execution, now)?;
        }
        let once = self.stage(at).effects.once();
        let live = self.live(attempt)?;
        ensure!(!live.unknown, "{attempt:?} finished although unknown");
        let lost = matches!(result, AttemptResult::Lost { .. });
        ensure!(!lost || !once, "{attempt:?} of a once stage is lost, not unknown");
        if let AttemptResult::Stopped { reason } = result {
            ensure!(live.stopping == Some(*reason), "{attempt:?} stopped: nobody asked {reason:?}");
        }
        let book = self.executions.get_mut(&attempt.execution).unwrap();
        match result {
            AttemptResult::Succeeded { .. } | AttemptResult::Failed { .. } => book.tries += 1,
            AttemptResult::Lost { .. } => book.lost += 1,
            AttemptResult::Stopped { .. } => {}
        }
        book.again = match result {
            AttemptResult::Lost { .. }
            | AttemptResult::Stopped { reason: StopReason::Paused | StopReason::Superseded } => {
                true
            }
            AttemptResult::Succeeded { .. }
            | AttemptResult::Failed { .. }
            | AttemptResult::Stopped { .. } => false,
        };
        if !book.again {
            book.people.taken = None;
        }
        book.last = Some(result.clone());
        book.live = None;
        Ok(())
    }

    pub(super) fn unknown(&mut self, attempt: &AttemptId, probing: bool) -> Result<(), Broken> {
        let at = self.at(&attempt.execution.stage)?;
        ensure!(self.stage(at).effects.once(), "{attempt:?} is unknown but not once");
        let active = self.active(self.last_at);
        let live = self.live(attempt)?;
        // Told again when the probe could not decide.
        ensure!(!live.unknown || (live.probing && !probing), "{attempt:?} is unknown twice");
        let first = !live.unknown;
        (live.unknown, live.probing) = (true, probing);
        let book = self.executions.get_mut(&attempt.execution).unwrap();
        book.again = true;
        book.lost += u32::from(first);
        // The time until somebody decides is nobody's.
        book.spent = book.used(active);
        book.ticking = None;
        Ok(())
    }

    pub(super) fn backoff(
        &mut self,
        id: &ExecutionId,
        number: u32,
        due: i64,
        now: Micros,
    ) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        let stage = self.stage(at);
        let retry = self.spec.retry_of(stage);
        let active = self.active(now);
        ensure!(
            !self.cancelling || self.nodes[at].finally,
            "{id} waits for a retry after a cancel"
        );
        let Some(book) = self.executions.get_mut(id) else {
            return Err(format!("{id} waits for a retry before its first try"));
        };
        ensure!(book.live.is_none(), "{id} waits for a retry while it runs");
        ensure!(book.settled.is_none(), "{id} waits for a retry after it settled");
        ensure!(book.backoff.is_none(), "{id} waits for a retry twice");
        ensure!(number == book.numbers + 1, "attempt {number} of {id} follows {}", book.numbers);
        let wait = u64::try_from(due).ok().and_then(|due| due.checked_sub(now));
        let Some(lasts) = wait else { return Err(format!("the retry of {id} is due in the past")) };
        match &book.last {
            Some(AttemptResult::Failed { failure }) => {
                ensure!(book.tries < retry.max_attempts, "{id} retries after {}", book.tries);
                let left = stage.total.is_none_or(|total| book.used(active) < total);
                ensure!(left, "{id} retries after its total_timeout");
                if let Failure::ExitCode { code } | Failure::Agent { code, .. } = failure {
                    ensure!(!retry.not_on.contains(code), "{id} retries after exit code {code}");
                }
                let base = retry.base(book.tries);
                ensure!(lasts <= base, "{id} waits {lasts}, longer than {base}");
                ensure!(retry.jitter || lasts == base, "{id} waits {lasts}, not {base}");
            }
            Some(
                AttemptResult::Succeeded { .. }
                | AttemptResult::Stopped { .. }
                | AttemptResult::Lost { .. },
            )
            | None => return Err(format!("{id} waits for a retry after {:?}", book.last)),
        }
        book.backoff = Some(Wait { number, since: active, lasts });
        // Whoever waits is in nobody's way.
        book.people.lock = Lock::None;
        Ok(())
    }

    pub(super) fn execution_settled(
        &mut self,
        id: &ExecutionId,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: &Settled,
        now: Micros,
    ) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        ensure!(self.stages[at].settled.is_none(), "{id} settled after its stage");
        if let Settled::Failed { failure: Failure::TotalTimeout { .. } } = reason {
            self.overdue(id, now)?;
        }
        let stage = self.stage(at);
        let noop = !stage.kind.works();
        let answered = stage.asks.form.is_some();
        let approves = stage.asks.complete.is_some();
        let retry = self.spec.retry_of(stage);
        let active = self.active(now);
        let barred = self.barred(at);
        let book = self.executions.entry(id.clone()).or_default();
        ensure!(book.settled.is_none(), "{id} settled twice");
        // What became of an unknown attempt does not matter once the run is cancelled.
        let given_up = self.cancelling && outcome == Outcome::Cancelled;
        if given_up && book.live.as_ref().is_some_and(|live| live.unknown) {
            book.live = None;
        }
        ensure!(book.live.is_none(), "{id} settled while it runs");
        ensure!(book.people.gate.is_none(), "{id} settled and its gate is still open");
        let people = &book.people;
        let fits = match outcome {
            Outcome::Succeeded => {
                (noop || book.succeeded())
                    && (!answered || people.answered)
                    && (!approves || people.approved)
            }
            Outcome::WouldHave => false,
            Outcome::Failed => matches!(reason, Settled::Failed { .. }),
            Outcome::Cancelled => {
                // It may have been dying of a halt that a rewind took back.
                let halted = AttemptResult::Stopped { reason: StopReason::Halted };
                self.cancelling || barred || book.last == Some(halted)
            }
            Outcome::NotRun => book.numbers == 0 || book.last.is_none() || self.halted.is_some(),
            Outcome::Skipped => {
                let timed = people.ended == Some(Ended::Skipped) || people.form_timed_out;
                timed && *reason == Settled::TimedOut
            }
        };
        Self::no_to(id, reason, people)?;
        if barred && !self.cancelling {
            // Halted: what only waited for its retry stays a failure, what never began did not run.
            let fits = match outcome {
                Outcome::Cancelled => book.begun && book.backoff.is_none(),
                Outcome::NotRun => !book.begun,
                Outcome::WouldHave => false,
                Outcome::Succeeded | Outcome::Failed | Outcome::Skipped => true,
            };
            ensure!(fits, "{id} settled {outcome:?} in a halted run after {:?}", book.last);
        }
        ensure!(fits, "{id} settled {outcome:?} ({reason:?}) after {:?}", book.last);
        if let (Settled::Failed { failure }, false) = (reason, barred) {
            let left = stage.total.is_none_or(|total| book.used(active) < total);
            let again = left && book.tries < retry.max_attempts && retryable(failure, &retry);
            ensure!(!again, "{id} gives up after {} of {}", book.tries, retry.max_attempts);
            let lost = matches!(failure, Failure::Lost { .. });
            ensure!(!lost || book.lost >= LOST_LIMIT, "{id} gives up after {} losses", book.lost);
        }
        counts_as(stage, outcome, conclusion).map_err(|says| format!("{id}: {says}"))?;
        book.lacked = matches!(reason, Settled::Needs { .. });
        book.settled = Some((outcome, conclusion));
        book.backoff = None;
        book.queued = false;
        (book.people.held, book.people.form, book.people.lock) = (None, None, Lock::None);
        book.people.taken = None;
        Ok(())
    }

    /// It fails because of what people said (or did not say) exactly when they did.
    fn no_to(id: &ExecutionId, reason: &Settled, people: &People) -> Result<(), Broken> {
        let Settled::Failed { failure } = reason else { return Ok(()) };
        let fits = match failure {
            Failure::Rejected { .. } => people.ended == Some(Ended::Rejected),
            Failure::ApprovalTimeout { .. } => people.ended == Some(Ended::Failed),
            Failure::RevisionsExhausted { .. } => people.ended == Some(Ended::Changes),
            Failure::FormTimeout { .. } => people.form_timed_out,
            Failure::ExitCode { .. }
            | Failure::Agent { .. }
            | Failure::Signal { .. }
            | Failure::Timeout { .. }
            | Failure::IdleTimeout { .. }
            | Failure::TotalTimeout { .. }
            | Failure::NotStarted { .. }
            | Failure::InvalidOutput { .. }
            | Failure::Unresolved { .. }
            | Failure::Expression { .. }
            | Failure::Lost { .. }
            | Failure::DecidedFailed
            | Failure::InvalidInput { .. }
            | Failure::InvalidArtifact { .. }
            | Failure::ChildRefused { .. }
            | Failure::ChildFailed { .. } => !matches!(
                people.ended,
                Some(Ended::Rejected | Ended::Failed | Ended::Skipped | Ended::Changes)
            ),
        };
        ensure!(fits, "{id} fails because of {failure:?}, people: {people:?}");
        Ok(())
    }
}
