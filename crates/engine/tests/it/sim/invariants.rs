//! A second bookkeeper. It folds the journal in its own naive way, refuses every event that may
//! not happen where it stands, and says after each step what should have happened and did not.

mod attempts;
mod flow;
mod ought;
pub(crate) mod people;
mod rewind;
mod shown;
mod stages;
mod taken;
mod undo;

use std::collections::BTreeMap;

use engine::command::{StopReason, Verdict};
use engine::event::{AttemptResult, Conclusion, Event, Failure, FinalStatus, Outcome, Stamped};
use engine::id::{AttemptId, ExecutionId};
use pipeline::model::{OnFailure, Rule};

use self::flow::{Feed, Known};
use self::people::People;
use self::rewind::{Before, Going};
use self::undo::Undo;
use crate::sim::oracle::{self, Node};
use crate::sim::spec::{Micros, RetrySpec, Spec, StageSpec};

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
    /// All there ever were: a rewind takes a halt back.
    halts: Vec<ExecutionId>,
    /// How often it was retried.
    round: u32,
    pub(crate) finished: Option<FinalStatus>,
    /// The execution that the retry at hand names.
    pub(crate) asked: Option<ExecutionId>,
    breakpoints: Vec<String>,
    step: bool,
    known: Vec<Known>,
    settlings: u64,
    undo: Undo,
    going: Option<Going>,
    before: Option<Box<Before>>,
    /// What is asked is being taken back, since a rewind is undone.
    taking_back: bool,
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
    feed: Feed,
    /// Which of all settlings it was.
    sequence: u64,
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
    /// Events that it gave.
    emitted: usize,
    /// It needed another instance that did not succeed.
    lacked: bool,
    pub(crate) people: People,
}

impl Book {
    /// As if it had never been tried, but for what is on record.
    fn fresh(&self) -> Self {
        Self {
            numbers: self.numbers,
            works: self.works.clone(),
            people: self.people.fresh(),
            ..Self::default()
        }
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

    /// Its work was done.
    fn succeeded(&self) -> bool {
        matches!(self.last, Some(AttemptResult::Succeeded { .. }))
            || self.verdict == Some(Verdict::Succeeded)
    }

    /// Its clocks stood still for so long.
    fn shift(&mut self, by: Micros) {
        if let Some(wait) = &mut self.backoff {
            wait.since += by;
        }
        if let Some(since) = &mut self.ticking {
            *since += by;
        }
    }

    /// Neither runs nor waits for anything, and has not settled.
    fn idle(&self) -> bool {
        self.live.is_none()
            && self.backoff.is_none()
            && self.settled.is_none()
            && !self.people.waits()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) id: AttemptId,
    pub(crate) started: bool,
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
            halts: vec![],
            round: 0,
            finished: None,
            asked: None,
            breakpoints: vec![],
            step: false,
            known: vec![],
            settlings: 0,
            undo: Undo::default(),
            going: None,
            before: None,
            taking_back: false,
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
                Outcome::Succeeded | Outcome::Skipped | Outcome::WouldHave => false,
            })
        })
    }

    /// An execution is ready and waits for room.
    pub(crate) fn queued(&self) -> bool {
        (0..self.nodes.len()).any(|at| self.queued_at(at))
    }

    fn queued_at(&self, at: usize) -> bool {
        self.stages[at].ready
            && self.stages[at].settled.is_none()
            && self.members(at).iter().any(|id| {
                self.executions.get(id).is_none_or(Book::idle)
                        // What is superseded never starts.
                        && !self.superseded(id)
                            && self.needs(at, id.instance).is_ok_and(|needs| needs.is_empty())
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
        (0..self.nodes.len()).all(|at| {
            let node = &self.nodes[at];
            node.finally || node.compensates.is_some() || self.stages[at].settled.is_some()
        })
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
            ensure!(!self.undoing(), "finally stage {name} begins before the rollback ended");
            return Ok(());
        }
        ensure!(!self.cancelling, "{name} begins after the run was cancelled");
        ensure!(!self.barred(at), "{name} begins after the run was halted: {:?}", self.halted);
        Ok(())
    }

    /// Nothing of this stage may begin any more.
    fn barred(&self, at: usize) -> bool {
        let node = &self.nodes[at];
        (self.cancelling && (!node.finally || self.forced))
            || ((self.halted.is_some() || self.undo.wanted)
                && !node.finally
                && node.rule != Rule::Always
                && node.compensates.is_none())
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
                matches!(
                    stamped.event,
                    Event::RunRetried { .. }
                        | Event::RollbackStarted { .. }
                        | Event::RewindRequested { .. }
                        | Event::RunRewound { .. }
                        | Event::RewindUndone { .. }
                ),
                "an event after run.finished that does not take it up again"
            );
        }
        Ok(())
    }

    /// Enters one event, or says why it may not stand here.
    #[expect(clippy::too_many_lines, reason = "one line for each event")]
    pub(crate) fn enter(&mut self, stamped: &Stamped) -> Result<(), Broken> {
        self.in_order(stamped)?;
        let now = self.last_at;
        self.new_work(&stamped.event);
        match &stamped.event {
            Event::RunCreated { group, problem, breakpoints, step, .. } => {
                self.breakpoints = breakpoints.iter().map(|name| (**name).to_owned()).collect();
                self.step = *step;
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
                (self.undo.wanted, self.going) = (false, None);
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
            Event::WouldHave(said) => Err(format!("{said:?} in a run in earnest")),
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
            Event::GateOpened { gate, policy, digest, due, inquiry, .. } => {
                let inquiry = inquiry.as_deref();
                self.gate_opened(gate, policy, digest, inquiry, due.as_microsecond(), now)
            }
            Event::GateVoted { gate, by, decision, digest, .. } => {
                self.voted(gate, by, *decision, digest)
            }
            Event::GateDelegated { gate, slot, from, to } => self.delegated(gate, *slot, from, to),
            Event::DelegationRevoked { gate, slot, from, to, .. } => {
                self.revoked(gate, *slot, from, to)
            }
            Event::GateReminded { gate, percent } => self.reminded(gate, *percent, now),
            Event::GateEscalated { gate, policy, due } => {
                self.escalated(gate, policy, due.as_microsecond(), now)
            }
            Event::GateResolved { gate, resolution } => self.resolved(gate, resolution, now),
            Event::FormOpened(form) => self.form_opened(form, now),
            Event::FormSubmitted { execution, generation, by, values, .. } => {
                self.form_submitted(execution, *generation, by, values)
            }
            Event::FormTimedOut { execution, generation } => {
                self.form_timed_out(execution, *generation, now)
            }
            Event::FormVoided { execution, generation, reason } => {
                self.form_voided(execution, *generation, reason)
            }
            Event::RevisionRequested { execution, revision, .. } => {
                self.revision(execution, *revision)
            }
            Event::ExecutionHeld { execution, hold } => self.held(execution, *hold),
            Event::ExecutionAdvanced { execution, .. } => self.advanced(execution),
            Event::ExecutionTakenOver { execution, hold, by } => {
                self.taken_over(execution, *hold, by)
            }
            Event::AttemptLetGo { attempt, hold, .. } => self.has_let_go(attempt, *hold),
            Event::ExecutionHandedBack { execution, hold, by, .. } => {
                self.handed_back(execution, *hold, by)
            }
            Event::AwaitsEnvironment { execution, environment } => {
                self.awaits(execution, environment)
            }
            Event::EnvironmentGranted { execution } => self.granted(execution),
            Event::BreakpointsSet { stages, step, .. } => {
                self.breakpoints = stages.iter().map(|name| (**name).to_owned()).collect();
                self.step = *step;
                Ok(())
            }
            Event::EventReceived { occurrence } => self.remember(occurrence, None),
            Event::EventEmitted { execution, occurrence } => {
                self.remember(occurrence, Some(execution))
            }
            Event::StageListening { stage, .. } => self.listening(stage),
            Event::StageTriggered { stage, fired } => self.triggered(stage, fired),
            Event::StageFed { stage, event, key, needs, item } => {
                self.fed(stage, event, key.as_deref(), needs, item)
            }
            Event::StagePassedOver { stage, event, reason } => {
                self.passed_over(stage, event, reason)
            }
            Event::StageClosed { stage, .. } => self.closed(stage),
            Event::RollbackRequested { to, .. } => self.rollback_requested(to),
            Event::RollbackStarted { cause, to, stages, forced, .. } => {
                self.rollback_started(cause.as_ref(), to, stages, *forced)
            }
            Event::RollbackFinished { result, problems } => {
                self.rollback_finished(*result, problems.keys().map(|name| &**name).collect())
            }
            Event::RewindRequested { to, inclusive, pause, executions, .. } => {
                self.rewind_requested(to, *inclusive, *pause, executions)
            }
            Event::RunRewound { executions } => self.rewound(executions, now),
            Event::RewindUndone { .. } => self.rewind_undone(now),
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
    /// the stage asked for, descends from it or from what was undone, or cleans up.
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
        // What could not be undone itself, though what it builds on was.
        let on_sand: Vec<usize> =
            self.undo.undone.keys().flat_map(|at| oracle::descendants(self.nodes, *at)).collect();
        for at in 0..self.nodes.len() {
            if self.nodes[at].compensates.is_some() {
                continue;
            }
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
                        // What was undone has to be done again.
                        let undone = self.undo.undone.contains_key(&at);
                        let may = may || asked.as_ref() == Some(&id);
                        if undone || on_sand.contains(&at) {
                            continue;
                        }
                        ensure!(may || !again(&id), "{id} succeeded and runs again");
                        ensure!(!may || again(&id), "{id} does not run again");
                    }
                    Outcome::WouldHave => return Err(format!("{id} was only said")),
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
        self.undo.over = false;
        // It waits for its turn again.
        self.started = false;
        self.again(executions)
    }

    /// These are fresh; what they gave is forgotten.
    fn again(&mut self, executions: &[ExecutionId]) -> Result<(), Broken> {
        let fresh = |id: &ExecutionId| {
            executions.contains(id) || executions.contains(&ExecutionId::stage(id.stage.clone()))
        };
        self.forget(fresh);
        self.feed_again(executions);
        for at in (0..self.nodes.len()).filter(|at| self.nodes[*at].compensates.is_some()) {
            self.renew(at);
        }
        for execution in executions {
            let at = self.at(&execution.stage)?;
            if let Some(book) = self.executions.get_mut(execution) {
                ensure!(book.live.is_none(), "{execution} is retried while it runs");
                *book = book.fresh();
            }
            self.stages[at].settled = None;
            // Whoever does its work again may get more of it.
            self.stages[at].feed.closed = false;
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
        let halts =
            matches!(self.stage(at).on_failure, None | Some(OnFailure::Halt | OnFailure::Rollback));
        ensure!(halts, "{cause} halted the run although it may not");
        ensure!(!self.nodes[at].finally, "{cause} of finally halted the run");
        let settled = self.executions.get(cause).and_then(|book| book.settled);
        let failed = settled.is_some_and(|(outcome, _)| outcome == Outcome::Failed)
            || self.stages[at].settled.is_some_and(|(outcome, _)| outcome == Outcome::Failed);
        ensure!(failed, "{cause} halted the run but has not failed");
        self.halted = Some(cause.clone());
        self.halts.push(cause.clone());
        Ok(())
    }

    fn finish(&mut self, status: FinalStatus, reason: &str) -> Result<(), Broken> {
        for (at, book) in self.stages.iter().enumerate().filter(|(at, _)| !self.dormant(*at)) {
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
        } else if failed || self.spec.success == Some(false) || self.undo.over {
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
        Failure::ExitCode { code } | Failure::Agent { code, .. } => !retry.not_on.contains(code),
        Failure::Signal { .. }
        | Failure::Timeout { .. }
        | Failure::IdleTimeout { .. }
        | Failure::NotStarted { .. }
        | Failure::InvalidOutput { .. } => true,
        Failure::TotalTimeout { .. }
        | Failure::Unresolved { .. }
        | Failure::Expression { .. }
        | Failure::Lost { .. }
        | Failure::DecidedFailed
        | Failure::Rejected { .. }
        | Failure::ApprovalTimeout { .. }
        | Failure::FormTimeout { .. }
        | Failure::RevisionsExhausted { .. }
        | Failure::InvalidInput { .. }
        | Failure::ChildRefused { .. } => false,
        Failure::InvalidArtifact { .. } | Failure::ChildFailed { .. } => true,
    }
}

pub(crate) fn micros(stamped: &Stamped) -> Micros {
    u64::try_from(stamped.at.as_microsecond()).unwrap()
}
