//! A second bookkeeper. It folds the journal in its own naive way, refuses every event that may
//! not happen where it stands, and says after each step what should have happened and did not.

macro_rules! ensure {
    ($ok:expr, $($says:tt)*) => {
        if !$ok {
            return Err(format!($($says)*));
        }
    };
}

mod shown;

use std::collections::BTreeMap;

use engine::command::{StopReason, TimerKind, Verdict};
use engine::desired::Desired;
use engine::event::{
    AttemptResult, Conclusion, Event, Failure, FinalStatus, Outcome, Settled, Stamped,
};
use engine::id::{AttemptId, ExecutionId};
use pipeline::model::{HaltMode, OnFailure, Rule};

use crate::sim::oracle::{self, Node, Verdict as RuleSays};
use crate::sim::spec::{Kind, Micros, RetrySpec, Spec, StageSpec};

pub(crate) type Broken = String;

/// So many losses of one execution fail it.
pub(crate) const LOST_LIMIT: u32 = 3;

#[derive(Clone, Debug)]
pub(crate) struct Ledger<'a> {
    spec: &'a Spec,
    nodes: &'a [Node],
    pub(crate) created: bool,
    pub(crate) started: bool,
    pub(crate) paused: bool,
    /// `pause --now`.
    stopped: bool,
    pub(crate) cancelling: bool,
    /// Cancelled twice, or before it was admitted: `finally` does not run either.
    pub(crate) forced: bool,
    pub(crate) halted: Option<ExecutionId>,
    /// How often it was retried.
    round: u32,
    pub(crate) finished: Option<FinalStatus>,
    /// The execution that the retry at hand names.
    pub(crate) asked: Option<ExecutionId>,
    stages: Vec<StageBook>,
    pub(crate) executions: BTreeMap<ExecutionId, Book>,
    fence: u64,
    paused_for: Micros,
    paused_at: Micros,
    last_at: Micros,
}

#[derive(Clone, Debug, Default)]
struct StageBook {
    ready: bool,
    items: Option<u32>,
    settled: Option<(Outcome, Conclusion)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    /// Attempts over the whole run.
    pub(crate) numbers: u32,
    pub(crate) live: Option<Live>,
    /// Since the run began or was retried.
    pub(crate) tries: u32,
    pub(crate) lost: u32,
    backoff: Option<Wait>,
    /// Tried at least once since the run began or was retried.
    begun: bool,
    /// To be tried again as soon as there is room.
    queued: bool,
    last: Option<AttemptResult>,
    verdict: Option<Verdict>,
    /// Of its `total_timeout`: used up, and since when it runs, both of the run's own clock.
    spent: Micros,
    ticking: Option<Micros>,
    pub(crate) settled: Option<(Outcome, Conclusion)>,
    /// The next attempt does the same piece of work again, not new work.
    again: bool,
    /// Which piece of work its attempts did, by number from 1.
    works: Vec<u32>,
}

impl Book {
    /// As if it had never been tried, but for what is on record.
    fn fresh(&self) -> Self {
        Self { numbers: self.numbers, works: self.works.clone(), ..Self::default() }
    }

    /// Of its `total_timeout`.
    fn used(&self, active: Micros) -> Micros {
        self.spent + self.ticking.map_or(0, |since| active - since)
    }

    /// The piece of work that its latest attempt does.
    pub(crate) fn work(&self) -> u32 {
        self.works.last().copied().unwrap_or(0)
    }

    pub(crate) fn waits(&self) -> bool {
        self.backoff.is_some()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) id: AttemptId,
    started: bool,
    pub(crate) stopping: Option<StopReason>,
    pub(crate) unknown: bool,
    probing: bool,
}

#[derive(Clone, Debug)]
struct Wait {
    number: u32,
    /// Of the run's own clock, which stands still while it is paused.
    since: Micros,
    lasts: Micros,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(spec: &'a Spec, nodes: &'a [Node]) -> Self {
        Self {
            spec,
            nodes,
            created: false,
            started: false,
            paused: false,
            stopped: false,
            cancelling: false,
            forced: false,
            halted: None,
            round: 0,
            finished: None,
            asked: None,
            stages: vec![StageBook::default(); nodes.len()],
            executions: BTreeMap::new(),
            fence: 0,
            paused_for: 0,
            paused_at: 0,
            last_at: 0,
        }
    }

    /// A bookkeeper of the same run who has not begun.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(self.spec, self.nodes)
    }

    pub(crate) fn anything_to_retry(&self) -> bool {
        self.stages.iter().any(|book| {
            book.settled.is_some_and(|(outcome, _)| match outcome {
                Outcome::Failed | Outcome::Cancelled | Outcome::NotRun => true,
                Outcome::Succeeded | Outcome::Skipped => false,
            })
        })
    }

    /// An execution is ready and waits for room.
    pub(crate) fn queued(&self) -> bool {
        (0..self.nodes.len()).any(|at| {
            self.stages[at].ready
                && self.stages[at].settled.is_none()
                && self.members(at).iter().any(|id| {
                    self.executions.get(id).is_none_or(|book| {
                        book.live.is_none() && book.backoff.is_none() && book.settled.is_none()
                    })
                })
        })
    }

    fn at(&self, name: &str) -> Result<usize, Broken> {
        self.nodes
            .iter()
            .position(|node| node.name == name)
            .ok_or_else(|| format!("no stage is called {name}"))
    }

    fn stage(&self, at: usize) -> &'a StageSpec {
        self.spec.stage(&self.nodes[at].name)
    }

    /// Time that was not spent in a pause.
    fn active(&self, now: Micros) -> Micros {
        let current = if self.paused { now - self.paused_at } else { 0 };
        now - self.paused_for - current
    }

    fn main_settled(&self) -> bool {
        (0..self.nodes.len()).all(|at| self.nodes[at].finally || self.stages[at].settled.is_some())
    }

    /// May anything of this stage begin, as far as the run as a whole is concerned?
    fn admits(&self, at: usize) -> Result<(), Broken> {
        let name = &self.nodes[at].name;
        ensure!(self.started, "{name} begins before the run was admitted");
        ensure!(self.finished.is_none(), "{name} begins after the run finished");
        ensure!(!self.paused, "{name} begins while the run is paused");
        if self.nodes[at].finally {
            ensure!(self.main_settled(), "finally stage {name} begins before the others settled");
            ensure!(!self.forced, "finally stage {name} begins although the cancel was forced");
            return Ok(());
        }
        ensure!(!self.cancelling, "{name} begins after the run was cancelled");
        ensure!(
            self.halted.is_none() || self.nodes[at].rule == Rule::Always,
            "{name} begins after the run was halted by {}",
            self.halted.as_ref().unwrap()
        );
        Ok(())
    }

    fn live_of(&self, stage: Option<&str>) -> u32 {
        let live = self
            .executions
            .iter()
            .filter(|(id, _)| stage.is_none_or(|name| &*id.stage == name))
            .filter(|(_, book)| book.live.as_ref().is_some_and(|live| !live.unknown))
            .count();
        u32::try_from(live).unwrap()
    }

    fn members(&self, at: usize) -> Vec<ExecutionId> {
        let name = self.nodes[at].name.as_str();
        match self.stages[at].items {
            None => vec![ExecutionId::stage(name)],
            Some(n) => (1..=n).map(|i| ExecutionId::instance(name, i)).collect(),
        }
    }

    pub(crate) fn live_attempts(&self) -> Vec<AttemptId> {
        self.executions
            .values()
            .filter_map(|book| book.live.as_ref())
            .filter(|live| !live.unknown)
            .map(|live| live.id.clone())
            .collect()
    }

    fn in_order(&mut self, stamped: &Stamped) -> Result<(), Broken> {
        let now = micros(stamped);
        ensure!(now >= self.last_at, "time runs backwards in the journal");
        self.last_at = now;
        let first = matches!(stamped.event, Event::RunCreated { .. });
        ensure!(first != self.created, "run.created is the first event and only the first");
        if self.finished.is_some() {
            ensure!(
                matches!(stamped.event, Event::RunRetried { .. }),
                "an event after run.finished that is no run.retried"
            );
        }
        Ok(())
    }

    /// Enters one event, or says why it may not stand here.
    pub(crate) fn enter(&mut self, stamped: &Stamped) -> Result<(), Broken> {
        self.in_order(stamped)?;
        let now = self.last_at;
        match &stamped.event {
            Event::RunCreated { group, problem, .. } => {
                ensure!(problem.is_none(), "it can never start: {problem:?}");
                self.created = true;
                let wanted = self.spec.group.as_ref().map(|group| format!("{}-true", group.name));
                ensure!(*group == wanted, "the concurrency group is {group:?}, not {wanted:?}");
                Ok(())
            }
            Event::RunStarted => {
                ensure!(!self.started, "admitted twice");
                ensure!(!self.cancelling, "admitted after a cancel");
                ensure!(!self.paused, "admitted while paused");
                self.started = true;
                Ok(())
            }
            Event::RunPaused { now: stops, .. } => {
                ensure!(!self.paused && !self.cancelling, "paused twice, or after a cancel");
                (self.paused, self.paused_at, self.stopped) = (true, now, *stops);
                Ok(())
            }
            Event::RunResumed { .. } => {
                ensure!(self.paused, "resumed but not paused");
                self.unpause(now);
                Ok(())
            }
            Event::RunCancelRequested { .. } => {
                ensure!(!self.forced, "cancelled three times");
                self.forced = self.cancelling || !self.started;
                if self.paused {
                    self.unpause(now);
                }
                self.cancelling = true;
                Ok(())
            }
            Event::RunRetried { executions, .. } => self.retried(executions),
            Event::RunHalted { cause } => self.halt(cause),
            Event::RunFinished { status, reason } => self.finish(*status, reason),
            Event::StageReady { stage, .. } => self.ready(stage),
            Event::StageExpanded { stage, items } => self.expanded(stage, items.len()),
            Event::StageSettled { stage, outcome, conclusion, reason, outputs } => {
                self.stage_settled(stage, *outcome, *conclusion, reason, outputs.is_empty())
            }
            Event::AttemptScheduled { attempt } => self.scheduled(attempt, now),
            Event::AttemptStarted { attempt, .. } => {
                let live = self.live(attempt)?;
                ensure!(!live.started, "{attempt:?} started twice");
                ensure!(!live.unknown, "{attempt:?} started although unknown");
                live.started = true;
                Ok(())
            }
            Event::AttemptStopping { attempt, reason } => self.stopping(attempt, *reason, now),
            Event::AttemptFinished { attempt, result, .. } => {
                self.attempt_finished(attempt, result, now)
            }
            Event::AttemptUnknown { attempt, probing, .. } => self.unknown(attempt, *probing),
            Event::AttemptResolved { attempt, verdict, .. } => {
                let live = self.live(attempt)?;
                ensure!(live.unknown, "{attempt:?} resolved but not unknown");
                let book = self.executions.get_mut(&attempt.execution).unwrap();
                book.live = None;
                book.verdict = Some(*verdict);
                Ok(())
            }
            Event::RetryScheduled { execution, number, due } => {
                self.backoff(execution, *number, due.as_microsecond(), now)
            }
            Event::Requeued { execution, number } => self.requeued(execution, *number, now),
            Event::ExecutionSettled { execution, outcome, conclusion, reason, .. } => {
                self.execution_settled(execution, *outcome, *conclusion, reason, now)
            }
        }
    }

    fn unpause(&mut self, now: Micros) {
        self.paused = false;
        self.paused_for += now - self.paused_at;
    }

    fn live(&mut self, attempt: &AttemptId) -> Result<&mut Live, Broken> {
        let live = self.executions.get_mut(&attempt.execution).and_then(|book| book.live.as_mut());
        let Some(live) = live else { return Err(format!("{attempt:?} is not live")) };
        ensure!(live.id == *attempt, "{attempt:?} is not the live attempt {:?}", live.id);
        Ok(live)
    }

    /// What runs again must: everything that did not succeed. What succeeded may not, unless it is
    /// the stage asked for, descends from it, or cleans up.
    fn retried(&mut self, executions: &[ExecutionId]) -> Result<(), Broken> {
        ensure!(self.finished.is_some(), "retried before it finished");
        ensure!(!executions.is_empty(), "retried nothing");
        let asked = self.asked.take();
        let below = match &asked {
            Some(id) => oracle::descendants(self.nodes, self.at(&id.stage)?),
            None => vec![],
        };
        let again = |id: &ExecutionId| {
            executions.contains(id) || executions.contains(&ExecutionId::stage(id.stage.clone()))
        };
        let under: Vec<usize> = (0..self.nodes.len())
            .filter(|at| executions.iter().any(|id| *id.stage == *self.nodes[*at].name))
            .flat_map(|at| oracle::descendants(self.nodes, at))
            .collect();
        for at in 0..self.nodes.len() {
            let name = &self.nodes[at].name;
            let whole = ExecutionId::stage(name.as_str());
            if self.nodes[at].finally {
                ensure!(again(&whole), "{name} of finally does not run again");
                continue;
            }
            let may = below.contains(&at) || asked.as_ref().is_some_and(|id| *id == whole);
            for id in self.members(at) {
                let settled = self.executions.get(&id).and_then(|book| book.settled);
                let Some((outcome, _)) = settled.or(self.stages[at].settled) else { continue };
                match outcome {
                    Outcome::Succeeded => {
                        let may = may || asked.as_ref() == Some(&id);
                        ensure!(may || !again(&id), "{id} succeeded and runs again");
                        ensure!(!may || again(&id), "{id} does not run again");
                    }
                    Outcome::Failed | Outcome::Cancelled | Outcome::NotRun => {
                        ensure!(again(&id), "{id} was {outcome:?} and does not run again");
                    }
                    Outcome::Skipped => {
                        let judged = !under.contains(&at) || again(&id);
                        ensure!(judged, "{id} was skipped below what runs again, and stays so");
                    }
                }
            }
        }
        (self.finished, self.halted, self.cancelling) = (None, None, false);
        self.forced = false;
        self.round += 1;
        // It waits for its turn again.
        self.started = false;
        for execution in executions {
            let at = self.at(&execution.stage)?;
            if let Some(book) = self.executions.get_mut(execution) {
                ensure!(book.live.is_none(), "{execution} is retried while it runs");
                *book = book.fresh();
            }
            self.stages[at].settled = None;
            // A stage as a whole is fresh: it is judged, and expands, again.
            if execution.instance.is_none() {
                self.stages[at] = StageBook::default();
                for (id, book) in &mut self.executions {
                    if id.stage == execution.stage {
                        *book = book.fresh();
                    }
                }
            }
        }
        Ok(())
    }

    fn halt(&mut self, cause: &ExecutionId) -> Result<(), Broken> {
        ensure!(self.halted.is_none(), "halted twice");
        ensure!(!self.cancelling, "halted after a cancel");
        let at = self.at(&cause.stage)?;
        let halts = matches!(self.stage(at).on_failure, None | Some(OnFailure::Halt));
        ensure!(halts, "{cause} halted the run although it may not");
        ensure!(!self.nodes[at].finally, "{cause} of finally halted the run");
        let settled = self.executions.get(cause).and_then(|book| book.settled);
        let failed = settled.is_some_and(|(outcome, _)| outcome == Outcome::Failed)
            || self.stages[at].settled.is_some_and(|(outcome, _)| outcome == Outcome::Failed);
        ensure!(failed, "{cause} halted the run but has not failed");
        self.halted = Some(cause.clone());
        Ok(())
    }

    fn finish(&mut self, status: FinalStatus, reason: &str) -> Result<(), Broken> {
        for (at, book) in self.stages.iter().enumerate() {
            ensure!(book.settled.is_some(), "finished before {} settled", self.nodes[at].name);
        }
        ensure!(self.live_of(None) == 0, "finished with live attempts");
        if self.paused {
            // The last attempt may end during a pause, and then nothing is left to start.
            self.unpause(self.last_at);
        }
        let failed = self
            .stages
            .iter()
            .any(|book| book.settled.is_some_and(|(_, counts)| counts == Conclusion::Failure));
        let wanted = if self.cancelling {
            FinalStatus::Cancelled
        } else if failed || self.spec.success == Some(false) {
            FinalStatus::Failed
        } else {
            FinalStatus::Succeeded
        };
        ensure!(status == wanted, "finished {status:?}, the stages say {wanted:?}");
        ensure!(
            (status == FinalStatus::Succeeded) == reason.is_empty(),
            "a run says why it did not succeed, and only then: {reason:?}"
        );
        self.finished = Some(status);
        Ok(())
    }

    fn concluded(&self, at: usize) -> Option<Vec<Conclusion>> {
        let deps = &self.nodes[at].deps;
        deps.iter().map(|dep| self.stages[*dep].settled.map(|(_, counts)| counts)).collect()
    }

    fn ready(&mut self, stage: &str) -> Result<(), Broken> {
        let at = self.at(stage)?;
        self.admits(at)?;
        ensure!(!self.stages[at].ready, "{stage} is ready twice");
        ensure!(self.stages[at].settled.is_none(), "{stage} is ready after it settled");
        let Some(concluded) = self.concluded(at) else {
            return Err(format!("{stage} is ready before its dependencies settled"));
        };
        let says = oracle::rule(self.nodes[at].rule, &concluded);
        ensure!(says == RuleSays::Run, "{stage} is ready, its rule says {says:?} of {concluded:?}");
        self.stages[at].ready = true;
        Ok(())
    }

    fn expanded(&mut self, stage: &str, items: usize) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(self.stage(at).foreach.is_some(), "{stage} expanded but has no foreach");
        ensure!(self.stages[at].ready, "{stage} expanded before it was ready");
        ensure!(self.stages[at].items.is_none(), "{stage} expanded twice");
        self.stages[at].items = Some(u32::try_from(items).unwrap());
        Ok(())
    }

    fn scheduled(&mut self, attempt: &AttemptId, now: Micros) -> Result<(), Broken> {
        let id = &attempt.execution;
        let at = self.at(&id.stage)?;
        self.admits(at)?;
        let stage = self.stage(at);
        let name = &stage.name;
        ensure!(self.stages[at].ready, "{id} is scheduled before {name} is ready");
        ensure!(self.stages[at].settled.is_none(), "{id} is scheduled after {name} settled");
        ensure!(self.members(at).contains(id), "there is no execution {id}");
        ensure!(stage.kind != Kind::Noop, "a noop is scheduled");
        ensure!(attempt.fence > self.fence, "fence {} after {}", attempt.fence, self.fence);
        if let Some(max) = self.spec.max_parallel {
            ensure!(self.live_of(None) < max, "{id} exceeds max_parallel {max}");
        }
        if let Some(max) = stage.foreach.as_ref().and_then(|each| each.max) {
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
        book.ticking.get_or_insert(active);
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

    fn requeued(&mut self, id: &ExecutionId, number: u32, now: Micros) -> Result<(), Broken> {
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
                Some(AttemptResult::Stopped { reason }) => *reason == StopReason::Paused,
                Some(AttemptResult::Succeeded { .. } | AttemptResult::Failed { .. }) => false,
                None => book.verdict == Some(Verdict::Retry),
            };
            ensure!(at_once, "{id} is queued again at once after {:?}", book.last);
        }
        book.queued = true;
        Ok(())
    }

    fn overdue(&self, id: &ExecutionId, now: Micros) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        let Some(total) = self.stage(at).total else {
            return Err(format!("{id} has no total_timeout, yet it ended by it"));
        };
        let used = self.executions.get(id).map_or(0, |book| book.used(self.active(now)));
        ensure!(used >= total, "total_timeout {total} of {id} ended after {used}");
        Ok(())
    }

    fn stopping(
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
            StopReason::Halted => self.halted.is_some() && self.nodes[at].rule != Rule::Always,
            // These two are the hands' own business.
            StopReason::Timeout | StopReason::IdleTimeout => false,
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

    fn attempt_finished(
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
            AttemptResult::Lost { .. } | AttemptResult::Stopped { reason: StopReason::Paused } => {
                true
            }
            AttemptResult::Succeeded { .. }
            | AttemptResult::Failed { .. }
            | AttemptResult::Stopped { .. } => false,
        };
        book.last = Some(result.clone());
        book.live = None;
        Ok(())
    }

    fn unknown(&mut self, attempt: &AttemptId, probing: bool) -> Result<(), Broken> {
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

    fn backoff(
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
                if let Failure::ExitCode { code } = failure {
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
        Ok(())
    }

    fn execution_settled(
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
        let noop = stage.kind == Kind::Noop;
        let retry = self.spec.retry_of(stage);
        let active = self.active(now);
        let node = &self.nodes[at];
        let barred = (self.cancelling && (!node.finally || self.forced))
            || (self.halted.is_some() && !node.finally && node.rule != Rule::Always);
        let book = self.executions.entry(id.clone()).or_default();
        ensure!(book.settled.is_none(), "{id} settled twice");
        // What became of an unknown attempt does not matter once the run is cancelled.
        let given_up = self.cancelling && outcome == Outcome::Cancelled;
        if given_up && book.live.as_ref().is_some_and(|live| live.unknown) {
            book.live = None;
        }
        ensure!(book.live.is_none(), "{id} settled while it runs");
        let fits = match outcome {
            Outcome::Succeeded => {
                noop || matches!(book.last, Some(AttemptResult::Succeeded { .. }))
                    || book.verdict == Some(Verdict::Succeeded)
            }
            Outcome::Failed => matches!(reason, Settled::Failed { .. }),
            Outcome::Cancelled => self.cancelling || self.halted.is_some(),
            Outcome::NotRun => book.numbers == 0 || book.last.is_none() || self.halted.is_some(),
            Outcome::Skipped => book.numbers == 0,
        };
        ensure!(fits, "{id} settled {outcome:?} ({reason:?}) after {:?}", book.last);
        if let (Settled::Failed { failure }, false) = (reason, barred) {
            let left = stage.total.is_none_or(|total| book.used(active) < total);
            let again = left && book.tries < retry.max_attempts && retryable(failure, &retry);
            ensure!(!again, "{id} gives up after {} of {}", book.tries, retry.max_attempts);
            let lost = matches!(failure, Failure::Lost { .. });
            ensure!(!lost || book.lost >= LOST_LIMIT, "{id} gives up after {} losses", book.lost);
        }
        counts_as(stage, outcome, conclusion).map_err(|says| format!("{id}: {says}"))?;
        book.settled = Some((outcome, conclusion));
        book.backoff = None;
        book.queued = false;
        Ok(())
    }

    fn stage_settled(
        &mut self,
        stage: &str,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: &Settled,
        silent: bool,
    ) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(self.stages[at].settled.is_none(), "{stage} settled twice");
        ensure!(
            self.executions.iter().all(|(id, book)| *id.stage != *stage || book.live.is_none()),
            "{stage} settled while it runs"
        );
        let spec = self.stage(at);
        counts_as(spec, outcome, conclusion).map_err(|says| format!("{stage}: {says}"))?;
        ensure!(
            silent || outcome == Outcome::Succeeded || spec.foreach.is_some(),
            "{stage} has outputs although it is {outcome:?}"
        );
        if self.stages[at].ready && self.stages[at].items != Some(0) {
            self.instances_agree(at, outcome)?;
        } else {
            let idle = !matches!(outcome, Outcome::Succeeded | Outcome::Failed);
            ensure!(idle || spec.foreach.is_some(), "{stage} is {outcome:?} but was never ready");
        }
        match reason {
            Settled::Halted { cause } => {
                ensure!(self.halted.as_ref() == Some(cause), "{stage}: {cause} did not halt it");
                let exempt = self.nodes[at].finally || self.nodes[at].rule == Rule::Always;
                ensure!(!exempt, "{stage} may run while the run is halting");
            }
            Settled::Cancelled => {
                ensure!(self.cancelling, "{stage} is cancelled by nobody");
                let spared = self.nodes[at].finally && !self.forced;
                ensure!(!spared, "{stage} of finally does not run after a cancel");
            }
            Settled::Done
            | Settled::Failed { .. }
            | Settled::InstancesFailed { .. }
            | Settled::Condition { .. }
            | Settled::AllSkipped
            | Settled::NoItems
            | Settled::Rule { .. } => {}
            Settled::Unstartable { .. } => return Err(format!("{stage} cannot start")),
        }
        if let (Settled::Rule { .. } | Settled::AllSkipped | Settled::Condition { .. }, false) =
            (reason, self.stages[at].ready)
        {
            self.judged(at, outcome, reason)?;
        }
        self.stages[at].settled = Some((outcome, conclusion));
        Ok(())
    }

    /// A stage that did not run says so because of what its dependencies came to.
    fn judged(&self, at: usize, outcome: Outcome, reason: &Settled) -> Result<(), Broken> {
        let name = &self.nodes[at].name;
        let Some(concluded) = self.concluded(at) else {
            return Err(format!("{name} is judged before its dependencies settled"));
        };
        let says = oracle::rule(self.nodes[at].rule, &concluded);
        let fits = match (&says, reason) {
            (RuleSays::Run, Settled::Condition { .. }) | (RuleSays::Skip, _) => {
                outcome == Outcome::Skipped
            }
            (RuleSays::NotRun, Settled::Rule { causes, .. }) => {
                outcome == Outcome::NotRun && !causes.is_empty()
            }
            (RuleSays::Run | RuleSays::NotRun, _) => false,
        };
        ensure!(
            fits,
            "{name} is {outcome:?} ({reason:?}), its rule says {says:?} of {concluded:?}"
        );
        Ok(())
    }

    fn instances_agree(&self, at: usize, outcome: Outcome) -> Result<(), Broken> {
        let name = &self.nodes[at].name;
        if self.stage(at).foreach.is_some() && self.stages[at].items.is_none() {
            return Ok(());
        }
        let mut outcomes = vec![];
        for id in self.members(at) {
            let settled = self.executions.get(&id).and_then(|book| book.settled);
            let Some((one, _)) = settled else {
                return Err(format!("{name} settled before {id}"));
            };
            outcomes.push(one);
        }
        let wanted = oracle::together(&outcomes);
        ensure!(outcome == wanted, "{name} is {outcome:?}, its executions are {outcomes:?}");
        Ok(())
    }

    /// What ought to exist, and what ought to have happened by now.
    pub(crate) fn check(&self, desired: &Desired, now: Micros) -> Result<(), Broken> {
        self.agree(desired, now, true)
    }

    /// `whole`: not in the middle of a decision, so all that follows from it has happened too.
    pub(crate) fn agree(&self, desired: &Desired, now: Micros, whole: bool) -> Result<(), Broken> {
        let mut wanted: Vec<AttemptId> = desired.attempts.clone();
        wanted.sort();
        let mut live = self.live_attempts();
        live.sort();
        ensure!(wanted == live, "desired attempts are {wanted:?}, live are {live:?}");
        for (attempt, why) in &desired.stops {
            let book = &self.executions[&attempt.execution];
            let asked = book.live.as_ref().and_then(|live| live.stopping);
            ensure!(asked == Some(*why), "stop of {attempt:?}: {why:?}, asked {asked:?}");
        }
        self.probes(desired)?;
        if whole {
            self.timers(desired, now)?;
            self.nothing_spared()?;
        }
        if whole && self.started && !self.paused && self.finished.is_none() {
            self.nothing_forgotten(now)?;
        }
        Ok(())
    }

    fn probes(&self, desired: &Desired) -> Result<(), Broken> {
        let mut wanted: Vec<_> = self
            .executions
            .values()
            .filter_map(|book| book.live.as_ref())
            .filter(|live| live.unknown && live.probing)
            .map(|live| live.id.clone())
            .collect();
        let mut probes = desired.probes.clone();
        wanted.sort();
        probes.sort();
        if !self.paused && !self.cancelling {
            ensure!(wanted == probes, "desired probes are {probes:?}, unknown are {wanted:?}");
        }
        Ok(())
    }

    /// Exactly the waits and the limits that run, each at its instant and of its generation.
    fn timers(&self, desired: &Desired, now: Micros) -> Result<(), Broken> {
        let mut wanted = vec![];
        let active = self.active(now);
        for (id, book) in self.executions.iter().filter(|_| !self.paused) {
            if book.settled.is_some() {
                continue;
            }
            if let Some(wait) = &book.backoff {
                let due = now + wait.since + wait.lasts - active;
                wanted.push((id.clone(), TimerKind::Retry, wait.number, due));
            }
            let total = self.stage(self.at(&id.stage)?).total;
            let counts = match &book.live {
                None => book.queued || book.backoff.is_some(),
                Some(live) => !live.unknown && live.stopping.is_none(),
            };
            if let (Some(total), Some(_), true) = (total, book.ticking, counts) {
                let due = now + total - book.used(active).min(now + total);
                wanted.push((id.clone(), TimerKind::Total, self.round, due));
            }
        }
        let mut armed: Vec<_> = desired
            .timers
            .iter()
            .map(|timer| {
                let due = u64::try_from(timer.due.as_microsecond()).unwrap();
                (timer.id.execution.clone(), timer.id.kind, timer.id.generation, due)
            })
            .collect();
        wanted.sort();
        armed.sort();
        ensure!(armed == wanted, "armed are {armed:?}, ought to be {wanted:?}");
        Ok(())
    }

    /// Whatever must end is being stopped.
    fn nothing_spared(&self) -> Result<(), Broken> {
        let halting = match &self.halted {
            None => false,
            Some(cause) => {
                let stage = self.stage(self.at(&cause.stage)?);
                let mode = stage.halt_mode.or(self.spec.halt_mode);
                mode == Some(HaltMode::Cancel)
            }
        };
        for (id, book) in &self.executions {
            let node = &self.nodes[self.at(&id.stage)?];
            let Some(live) = book.live.as_ref().filter(|live| !live.unknown) else { continue };
            let cancelled = self.cancelling && (!node.finally || self.forced);
            let halted = halting && !node.finally && node.rule != Rule::Always;
            let paused = self.paused && self.stopped;
            let ends = cancelled || halted || paused;
            ensure!(!ends || live.stopping.is_some(), "{id} is not stopped");
            let comes_back = live.stopping == Some(StopReason::Paused);
            ensure!(
                !(cancelled || halted) || !comes_back,
                "{id} is stopped as if it would come back"
            );
        }
        Ok(())
    }

    /// A run that goes on has no stage that could be judged and no execution that could be
    /// scheduled: otherwise a wake-up was lost.
    fn nothing_forgotten(&self, _now: Micros) -> Result<(), Broken> {
        let all = self.stages.iter().all(|book| book.settled.is_some());
        ensure!(!all, "every stage has settled but the run has not finished");
        for (id, book) in &self.executions {
            let unknown = book.live.as_ref().is_some_and(|live| live.unknown);
            let finally = self.nodes[self.at(&id.stage)?].finally;
            ensure!(
                !(unknown && self.cancelling) || (finally && !self.forced),
                "{id} waits for a decision although the run was cancelled"
            );
        }
        let full = self.spec.max_parallel.is_some_and(|max| self.live_of(None) >= max);
        for at in 0..self.nodes.len() {
            let (node, book) = (&self.nodes[at], &self.stages[at]);
            if book.settled.is_some() || (node.finally && !self.main_settled()) {
                continue;
            }
            let judged = node.deps.iter().all(|dep| self.stages[*dep].settled.is_some());
            if !book.ready {
                ensure!(!judged, "{} could be judged but is not", node.name);
                ensure!(
                    node.finally || !self.cancelling,
                    "{} has not settled although the run was cancelled",
                    node.name
                );
                continue;
            }
            let max = self.stage(at).foreach.as_ref().and_then(|each| each.max);
            let narrow = max.is_some_and(|max| self.live_of(Some(&node.name)) >= max);
            for id in self.members(at) {
                let idle = self.executions.get(&id).is_none_or(|book| {
                    book.live.is_none() && book.backoff.is_none() && book.settled.is_none()
                });
                ensure!(!idle || full || narrow, "{id} could be scheduled but is not");
            }
        }
        Ok(())
    }

    pub(crate) fn outcomes(&self) -> Vec<Option<(Outcome, Conclusion)>> {
        self.stages.iter().map(|book| book.settled).collect()
    }
}

fn counts_as(stage: &StageSpec, outcome: Outcome, conclusion: Conclusion) -> Result<(), Broken> {
    let wanted = oracle::conclusion(stage, outcome);
    ensure!(conclusion == wanted, "{outcome:?} counts as {conclusion:?}, not as {wanted:?}");
    Ok(())
}

fn retryable(failure: &Failure, retry: &RetrySpec) -> bool {
    match failure {
        Failure::ExitCode { code } => !retry.not_on.contains(code),
        Failure::Signal { .. }
        | Failure::Timeout { .. }
        | Failure::IdleTimeout { .. }
        | Failure::NotStarted { .. }
        | Failure::InvalidOutput { .. } => true,
        Failure::TotalTimeout { .. }
        | Failure::Unresolved { .. }
        | Failure::Expression { .. }
        | Failure::Lost { .. }
        | Failure::DecidedFailed => false,
    }
}

pub(crate) fn micros(stamped: &Stamped) -> Micros {
    u64::try_from(stamped.at.as_microsecond()).unwrap()
}
