//! The world is brought in line with what the runs desire. Doing it twice changes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use engine::command::Command;
use engine::event::{Event, Stamped};
use engine::id::{AttemptId, RunId};
use indexmap::IndexSet;

use super::Conductor;
use super::assignment::{Known, assignment, prepare};
use super::batch::Batch;
use super::hands::With;
use super::live::guarded;
use super::reports::{self, Whose};
use crate::refused::Refused;

impl Conductor {
    /// After these events, the last ones of the run: only what they changed is looked at where
    /// that is all there can be, so that a run with thousands of attempts costs no more a step
    /// than a small one.
    pub(super) fn reconcile_after(&mut self, run: RunId, events: &[Stamped]) -> bool {
        // A run that was dropped is looked at as a whole when it is recovered.
        if self.timers.has(run) || self.dropped.contains(&run) {
            return false;
        }
        if !events.iter().all(|stamped| is_plain(&stamped.event)) {
            return false;
        }
        let Some(live) = self.runs.get(&run) else { return false };
        if live.is_finished() || live.has_total || live.has_children {
            return false;
        }
        let mut scheduled = IndexSet::new();
        for stamped in events {
            if let Event::AttemptScheduled { attempt } = &stamped.event {
                scheduled.insert(attempt);
            } else if let Event::AttemptFinished { attempt, .. } = &stamped.event {
                // One that could not be put together ends with no hand laid on it.
                scheduled.shift_remove(attempt);
            }
        }
        for attempt in scheduled {
            self.hands.want_more(run, attempt.clone(), live.labels(attempt).to_vec());
        }
        debug_assert!(self.is_in_line(run), "a step was not all that the run desires");
        true
    }

    /// Whether the attempts that wait for a slot are those that the run desires. Looked at for
    /// small runs only: it is there to find mistakes, not to cost what it checks.
    fn is_in_line(&self, run: RunId) -> bool {
        let Some(live) = self.runs.get(&run) else { return true };
        if self.hands.waiting(run).chain(self.hands.waiting_elsewhere(run)).count() > 64 {
            return true;
        }
        let desired = live.run.desired();
        let waits = |attempt: &&AttemptId| {
            !self.hands.holds(&Whose { run, attempt: (*attempt).clone(), probe: false })
        };
        let here = |attempt: &&AttemptId| live.labels(attempt).is_empty();
        let mut elsewhere: Vec<&AttemptId> =
            desired.attempts.iter().filter(waits).filter(|of| !here(of)).collect();
        let mut queued: Vec<&AttemptId> = self.hands.waiting_elsewhere(run).collect();
        elsewhere.sort_unstable();
        queued.sort_unstable();
        elsewhere == queued
            && desired.attempts.iter().filter(waits).filter(here).eq(self.hands.waiting(run))
            && desired.timers.is_empty()
            && desired.probes.is_empty()
    }

    /// Everything that the run desires, and nothing else.
    pub(super) fn reconcile(&mut self, run: RunId) {
        if self.parked.contains(run)
            && let Err(refused) = self.load(run)
        {
            tracing::error!(%run, cause = %refused, "a run that waits could not be loaded");
            return;
        }
        let Some(live) = self.runs.get(&run) else { return };
        let finished = live.is_finished();
        let desired = match guarded(|| live.run.desired()) {
            Ok(desired) => desired,
            Err(problem) => {
                tracing::error!(%run, problem, "the run is damaged");
                return self.mark_damaged(run, problem);
            }
        };
        let mut stopping = HashSet::new();
        let (mut stops, mut wanted) = (desired.stops, desired.attempts);
        if live.has_children {
            // Runs of their own are followed before a commit.
            stops.retain(|(attempt, _)| !live.is_child(attempt));
            wanted.retain(|attempt| !live.is_child(attempt));
        }
        for (attempt, reason) in stops {
            let whose = Whose { run, attempt: attempt.clone(), probe: false };
            if !self.hands.stop(&whose, reason) {
                self.unhanded.push((run, attempt.clone(), reason));
            }
            stopping.insert(attempt);
        }
        self.probe(run, &desired.probes);
        self.timers.set(run, desired.timers);
        if !stopping.is_empty() {
            wanted.retain(|attempt| !stopping.contains(attempt));
        }
        let mut elsewhere = Vec::new();
        if let Some(live) = self.runs.get(&run).filter(|live| live.has_labels) {
            let (labelled, here) =
                wanted.into_iter().partition(|attempt| !live.labels(attempt).is_empty());
            wanted = here;
            let labelled: Vec<AttemptId> = labelled;
            let with_labels = |attempt: AttemptId| {
                let labels = live.labels(&attempt).to_vec();
                (attempt, labels)
            };
            elsewhere = labelled.into_iter().map(with_labels).collect();
        }
        self.hands.want(run, wanted, elsewhere);
        if finished {
            self.hands.drop_run(run);
        }
    }

    /// Probes that ought to run are started, others are stopped.
    fn probe(&mut self, run: RunId, wanted: &[AttemptId]) {
        for held in self.hands.probes(run) {
            if !wanted.contains(&held.attempt) {
                self.hands.stop(&held, engine::command::StopReason::Cancelled);
            }
        }
        for attempt in wanted {
            let whose = Whose { run, attempt: attempt.clone(), probe: true };
            if self.hands.holds(&whose) {
                continue;
            }
            let max = self.largest_artifact();
            let Some(live) = self.runs.get(&run) else { return };
            let found = guarded(|| {
                let task = live.run.probe(attempt)?;
                Some(assignment(&self.known(), live, &whose, task, max))
            });
            match found {
                Ok(Some(Ok(Some(assignment)))) => {
                    self.hands.start(whose, assignment, With::Here);
                }
                Ok(Some(Ok(None) | Err(_)) | None) => self.unprobed.push((run, attempt.clone())),
                Err(problem) => return self.mark_damaged(run, problem),
            }
        }
    }

    /// Hands out as many attempts as there are free slots.
    pub(super) fn dispatch(&mut self) {
        if self.ended {
            return;
        }
        let kept = self.kept();
        for whose in self.hands.next(&kept) {
            self.hand_over(whose, Vec::new(), With::Here);
        }
        for (whose, labels, worker) in self.hands.place() {
            self.hand_over(whose, labels, With::Worker(worker));
        }
    }

    fn hand_over(&mut self, whose: Whose, labels: Vec<String>, with: With) {
        if let Err(refused) = self.load(whose.run) {
            tracing::warn!(run = %whose.run, cause = %refused, "could not dispatch");
            if !self.damaged.contains_key(&whose.run) {
                self.hands.give_back(whose, labels);
            }
            return;
        }
        let max = self.largest_artifact();
        let Some(live) = self.runs.get(&whose.run) else { return };
        let task = guarded(|| {
            let task = live.run.task(&whose.attempt)?;
            Some(assignment(&self.known(), live, &whose, task, max))
        });
        match task {
            Ok(Some(Ok(Some(assignment)))) => {
                if with == With::Here {
                    prepare(&self.data_dir, &assignment);
                }
                self.hands.start(whose, assignment, with);
            }
            Ok(Some(Err(problem))) => self.unmade.push((whose.run, whose.attempt, problem)),
            Ok(Some(Ok(None)) | None) => tracing::error!(
                run = %whose.run,
                execution = %whose.attempt.execution,
                "an attempt that ought to run is not live"
            ),
            Err(problem) => self.mark_damaged(whose.run, problem),
        }
    }

    fn known(&self) -> Known<'_> {
        Known { data_dir: &self.data_dir, agents: &self.agents, config: &self.config }
    }

    /// In bytes, by the configuration. One that cannot be read now says nothing.
    pub(super) fn largest_artifact(&self) -> u64 {
        let config = self.config.current().ok();
        config.and_then(|config| config.artifacts.max_bytes).unwrap_or(u64::MAX)
    }

    /// Attempts that are stopped before the hands heard of them have ended, by our own word; so
    /// has a probe that cannot be put together.
    pub(super) fn settle_unhanded(&mut self, batch: &mut Batch) {
        let now = self.clock.now();
        for (run, attempt, reason) in std::mem::take(&mut self.unhanded) {
            let whose = Whose { run, attempt, probe: false };
            if self.hands.holds(&whose) {
                continue;
            }
            let report = reports::never_handed_out(reason);
            let command = Command::Report { attempt: whose.attempt, report };
            self.decide_quietly(run, command, now, batch);
        }
        for (run, attempt, message) in std::mem::take(&mut self.unmade) {
            let report = engine::command::Report::NotStarted { message };
            self.decide_quietly(run, Command::Report { attempt, report }, now, batch);
        }
        for (run, attempt) in std::mem::take(&mut self.unprobed) {
            let report = engine::command::Report::Probed { exit_code: None };
            self.decide_quietly(run, Command::Report { attempt, report }, now, batch);
        }
    }

    fn decide_quietly(
        &mut self,
        run: RunId,
        command: Command,
        now: jiff::Timestamp,
        batch: &mut Batch,
    ) {
        match self.decide(run, command, now, batch) {
            // Rejected: the run has moved on by itself.
            Ok(()) | Err(Refused::Rejected(_)) => {}
            Err(refused) => tracing::warn!(%run, cause = %refused, "could not settle an attempt"),
        }
    }

    /// What others may see of this thread.
    pub(super) fn show(&mut self) {
        let used = u32::try_from(self.hands.used()).unwrap_or(u32::MAX);
        let queued = u32::try_from(self.hands.queued()).unwrap_or(u32::MAX);
        let problem = if self.full { Refused::StorageFull.to_string() } else { String::new() };
        let changes = self.hands.changes();
        let moved = std::mem::replace(&mut self.shown, changes) != changes;
        let mut same = !moved;
        if moved {
            let (fleet, reasons) = (self.hands.tally(), self.hands.reasons());
            let mut otherwise = false;
            self.gauges.change(|gauge| {
                gauge.fleet = fleet;
                otherwise = *gauge.reasons != reasons;
                if otherwise {
                    gauge.reasons = Arc::new(reasons);
                }
            });
            if otherwise {
                self.hub.waits();
            }
        }
        self.gauges.change(|gauge| {
            same &= (gauge.used, gauge.queued) == (used, queued) && gauge.problem == problem;
            gauge.used = used;
            gauge.queued = queued;
            gauge.problem = problem;
        });
        if !same {
            self.hub.fleet();
        }
        let busy = !self.hands.is_idle()
            || !self.timers.is_empty()
            || !self.unhanded.is_empty()
            || !self.unprobed.is_empty()
            || !self.unmade.is_empty()
            || !self.retained.is_empty()
            || !self.dropped.is_empty();
        self.busy.send_if_modified(|was| std::mem::replace(was, busy) != busy);
    }
}

/// Whether all that an event asks of the world is that the attempts it schedules are started.
fn is_plain(event: &Event) -> bool {
    match event {
        Event::StageReady { .. }
        | Event::StageExpanded { .. }
        | Event::StageSettled { .. }
        | Event::ExecutionSettled { .. }
        | Event::WouldHave(_)
        | Event::AttemptScheduled { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptFinished { .. } => true,
        Event::RunCreated { .. }
        | Event::RunStarted
        | Event::RunPaused { .. }
        | Event::RunResumed { .. }
        | Event::RunCancelRequested { .. }
        | Event::RunRetried { .. }
        | Event::RunHalted { .. }
        | Event::RunFinished { .. }
        | Event::AttemptStopping { .. }
        | Event::AttemptUnknown { .. }
        | Event::AttemptResolved { .. }
        | Event::RetryScheduled { .. }
        | Event::Requeued { .. }
        | Event::GateOpened { .. }
        | Event::GateVoted { .. }
        | Event::GateDelegated { .. }
        | Event::DelegationRevoked { .. }
        | Event::GateReminded { .. }
        | Event::GateEscalated { .. }
        | Event::GateResolved { .. }
        | Event::FormOpened(_)
        | Event::FormSubmitted { .. }
        | Event::FormTimedOut { .. }
        | Event::FormVoided { .. }
        | Event::RevisionRequested { .. }
        | Event::ExecutionHeld { .. }
        | Event::ExecutionAdvanced { .. }
        | Event::ExecutionTakenOver { .. }
        | Event::AttemptLetGo { .. }
        | Event::ExecutionHandedBack { .. }
        | Event::AwaitsEnvironment { .. }
        | Event::EnvironmentGranted { .. }
        | Event::BreakpointsSet { .. }
        | Event::EventReceived { .. }
        | Event::EventEmitted { .. }
        | Event::StageTriggered { .. }
        | Event::StageFed { .. }
        | Event::StagePassedOver { .. }
        | Event::StageListening { .. }
        | Event::StageClosed { .. }
        | Event::RollbackRequested { .. }
        | Event::RollbackStarted { .. }
        | Event::RollbackFinished { .. }
        | Event::RewindRequested { .. }
        | Event::RunRewound { .. }
        | Event::RewindUndone { .. } => false,
    }
}
