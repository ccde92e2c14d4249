//! Runs that are an attempt of another run: started, stopped, paused and heard of in the same
//! commit as what asks for it, so that neither is ever seen without the other.

use engine::command::{Command, Report, StopReason};
use engine::event::{Event, FinalStatus, Parent, RunLink};
use engine::id::{AttemptId, RunId};
use indexmap::IndexMap;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::Conductor;
use super::batch::Batch;
use super::live::Live;
use crate::intake::{Origin, Start};
use crate::refused::Refused;
use crate::traces;

/// Runs below each other.
const MAX_DEPTH: u32 = 8;

/// One thing to do for a child, as its parent stands.
enum Step {
    Start {
        inputs: IndexMap<String, serde_json::Value>,
        pipeline: String,
        at: Timestamp,
    },
    /// It is told to stop before it was started.
    NeverStarted(StopReason),
    Stop {
        child: RunLink,
        reason: StopReason,
    },
    /// It ought to be paused, or not to be.
    Keep {
        child: RunLink,
        paused: bool,
        now: bool,
    },
}

impl Conductor {
    /// Brings parents and children in line, starting from every run that this turn is about. Says
    /// whether anything was decided.
    pub(super) fn follow_children(&mut self, batch: &mut Batch) -> bool {
        let mut open: Vec<RunId> = batch.touched.iter().chain(&batch.reconcile).copied().collect();
        open.extend(std::mem::take(&mut self.revisit));
        let mut any = false;
        while let Some(run) = open.pop() {
            any |= self.tell_parent(run, &mut open, batch);
            for (attempt, step) in self.steps(run) {
                any |= self.step(run, attempt, step, &mut open, batch);
            }
        }
        any
    }

    /// A child that has ended ends the attempt that it is.
    fn tell_parent(&mut self, run: RunId, open: &mut Vec<RunId>, batch: &mut Batch) -> bool {
        let Some(live) = self.runs.get(&run) else { return false };
        let Some(parent) = live.parent().filter(|_| live.is_finished()).cloned() else {
            return false;
        };
        let report = ended(live);
        let attempt = self.runs.get(&parent.link.run).and_then(|of| awaited(of, &parent));
        let Some(attempt) = attempt else { return false };
        let decided = self.report_child(parent.link.run, attempt, report, batch);
        if decided {
            open.push(parent.link.run);
        }
        decided
    }

    fn report_child(
        &mut self,
        parent: RunId,
        attempt: AttemptId,
        report: Report,
        batch: &mut Batch,
    ) -> bool {
        let now = self.clock.now();
        match self.decide(parent, Command::Report { attempt, report }, now, batch) {
            Ok(()) => true,
            // It went on without its child.
            Err(Refused::Rejected(_)) => false,
            Err(refused) => {
                tracing::warn!(run = %parent, cause = %refused, "a parent could not be told");
                false
            }
        }
    }

    /// What ought to be done for the children of a run.
    fn steps(&self, run: RunId) -> Vec<(AttemptId, Step)> {
        let Some(live) = self.runs.get(&run).filter(|live| live.has_children) else {
            return Vec::new();
        };
        let desired = live.run.desired();
        let paused = live.run.paused_at().is_some();
        let now = live.fresh.iter().any(|e| matches!(e.event, Event::RunPaused { now: true, .. }));
        let mut steps = Vec::new();
        for attempt in desired.attempts {
            if !live.is_child(&attempt) {
                continue;
            }
            let stop = desired.stops.iter().find(|(of, _)| *of == attempt).map(|(_, why)| *why);
            let row = live.run.row(&attempt.execution);
            let Some(view) = row.as_ref().and_then(|row| row.attempts.last()) else { continue };
            let step = match (view.child.cloned(), stop) {
                (None, Some(reason)) => Step::NeverStarted(reason),
                (Some(child), Some(reason)) => Step::Stop { child, reason },
                (Some(child), None) => Step::Keep { child, paused, now },
                (None, None) => match live.run.task(&attempt).map(|task| task.work) {
                    Some(engine::desired::TaskWork::Child { pipeline, inputs }) => {
                        let inputs = inputs.into_iter().collect();
                        Step::Start { inputs, pipeline, at: view.scheduled_at }
                    }
                    Some(_) | None => continue,
                },
            };
            steps.push((attempt, step));
        }
        steps
    }

    fn step(
        &mut self,
        parent: RunId,
        attempt: AttemptId,
        step: Step,
        open: &mut Vec<RunId>,
        batch: &mut Batch,
    ) -> bool {
        match step {
            Step::Start { inputs, pipeline, at } => {
                let id = child_id(parent, attempt.fence, at);
                let report = match self.start_child(parent, &attempt, id, &pipeline, inputs, batch)
                {
                    Ok(child) => Report::ChildStarted { child },
                    // Nothing is said of it: it is tried again when there is room.
                    Err(Refused::StorageFull | Refused::Stopping) => return false,
                    Err(refused) => Report::ChildRefused { message: refused.to_string() },
                };
                open.extend([id, parent]);
                self.report_child(parent, attempt, report, batch)
            }
            Step::NeverStarted(reason) => {
                let report = super::reports::never_handed_out(reason);
                let decided = self.report_child(parent, attempt, report, batch);
                open.extend(decided.then_some(parent));
                decided
            }
            Step::Stop { child, reason } => {
                let by = self.name(parent);
                let reason = format!("its parent {}", words(reason));
                let cancel = Command::Cancel { by, reason };
                let fits = |live: &Live| !is_cancelling(live);
                self.keep(parent, attempt, child.run, fits, cancel, open, batch)
            }
            Step::Keep { child, paused, now } => {
                let by = self.name(parent);
                let is_ours = |live: &Live| live.run.paused_by() == Some(by.as_str());
                let command = if paused {
                    Command::Pause { by: by.clone(), now }
                } else {
                    Command::Resume { by: by.clone() }
                };
                let fits = |live: &Live| match (paused, live.run.paused_at()) {
                    (true, None) => !is_cancelling(live),
                    // A person's pause of the child stands.
                    (false, Some(_)) => is_ours(live),
                    (true, Some(_)) | (false, None) => false,
                };
                self.keep(parent, attempt, child.run, fits, command, open, batch)
            }
        }
    }

    /// Asks a child for something where it fits. One that is at rest or damaged has ended, and the
    /// parent is told so.
    #[expect(clippy::too_many_arguments, reason = "two runs, and what one asks of the other")]
    fn keep(
        &mut self,
        parent: RunId,
        attempt: AttemptId,
        child: RunId,
        fits: impl Fn(&Live) -> bool,
        command: Command,
        open: &mut Vec<RunId>,
        batch: &mut Batch,
    ) -> bool {
        if let Err(refused) = self.load(child) {
            let Refused::Damaged { problem, .. } = refused else { return false };
            let message = format!("its run is damaged: {problem}");
            let decided = self.report_child(parent, attempt, Report::Lost { message }, batch);
            open.extend(decided.then_some(parent));
            return decided;
        }
        let Some(live) = self.runs.get(&child) else { return false };
        if live.is_finished() {
            let report = ended(live);
            self.rest(child);
            let decided = self.report_child(parent, attempt, report, batch);
            open.extend(decided.then_some(parent));
            return decided;
        }
        if !fits(live) {
            return false;
        }
        let now = self.clock.now();
        match self.decide(child, command, now, batch) {
            Ok(()) => {
                open.push(child);
                true
            }
            Err(refused) => {
                tracing::warn!(run = %child, cause = %refused, "a child did not follow its parent");
                false
            }
        }
    }

    /// A child that is there already is the one that was wanted.
    fn start_child(
        &mut self,
        parent: RunId,
        attempt: &AttemptId,
        id: RunId,
        pipeline: &str,
        inputs: IndexMap<String, serde_json::Value>,
        batch: &mut Batch,
    ) -> Result<RunLink, Refused> {
        if let Some(row) = self.reader.run(id)? {
            return Ok(RunLink { run: id, name: row.name(), number: row.number });
        }
        let gone = || Refused::Internal("the parent is not loaded".to_owned());
        let live = self.runs.get(&parent).ok_or_else(gone)?;
        let header = live.run.header().ok_or_else(gone)?;
        let depth = header.parent.map_or(0, |parent| parent.depth) + 1;
        if depth > MAX_DEPTH {
            return Err(Refused::TooDeep { depth: MAX_DEPTH });
        }
        let of = Parent {
            link: live.run.link().ok_or_else(gone)?,
            execution: attempt.execution.clone(),
            fence: attempt.fence,
            depth,
        };
        let traceparent = traces::of_child(&live.run, attempt);
        let (by, directory) = (header.by.to_owned(), header.directory.to_owned());
        let (definition, revision, digest) = self.definitions.current(&*self.reader, pipeline)?;
        let start = Start {
            origin: Origin::Child { id, parent: of },
            directory: Some(directory),
            inputs,
            traceparent,
            ..Start::of_stored(definition, revision, digest, by)
        };
        self.create(start, batch)?;
        self.runs.get(&id).and_then(|live| live.run.link()).ok_or_else(gone)
    }

    /// `name#n`; its id where it cannot be read.
    pub(super) fn name(&self, run: RunId) -> String {
        let link = self.runs.get(&run).and_then(|live| live.run.link());
        let stored = || self.reader.run(run).ok().flatten().map(|row| row.name());
        link.map(|link| link.name).or_else(stored).unwrap_or_else(|| run.to_string())
    }
}

/// The live attempt that this child is.
fn awaited(parent: &Live, of: &Parent) -> Option<AttemptId> {
    let row = parent.run.row(&of.execution)?;
    let last = row.attempts.last().filter(|last| last.fence == of.fence)?;
    let number = last.number;
    Some(AttemptId { execution: of.execution.clone(), number, fence: of.fence })
}

fn ended(live: &Live) -> Report {
    Report::ChildEnded {
        status: live.run.final_status().unwrap_or(FinalStatus::Failed),
        reason: live.run.reason(),
        outputs: live.run.outputs(),
    }
}

fn is_cancelling(live: &Live) -> bool {
    live.run.status() == engine::Status::Cancelling
}

fn words(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Timeout | StopReason::IdleTimeout | StopReason::TotalTimeout => {
            "waited too long"
        }
        StopReason::Cancelled => "was cancelled",
        StopReason::Paused => "was paused",
        StopReason::Halted => "was halted",
        StopReason::Superseded => "was rewound",
    }
}

/// The same for the same attempt, also after a crash; sorted by time like every other id.
fn child_id(parent: RunId, fence: u64, at: Timestamp) -> RunId {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let named = Sha256::new().chain_update(parent.0).chain_update(fence.to_be_bytes()).finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&named[..10]);
    RunId(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_one_child_and_another_attempt_another() {
        let parent = RunId(uuid::Uuid::now_v7());
        let at = Timestamp::from_millisecond(1_790_000_000_000).unwrap();
        let id = child_id(parent, 3, at);
        assert_eq!(id, child_id(parent, 3, at));
        assert_ne!(id, child_id(parent, 4, at));
        assert_eq!(id.0.get_version_num(), 7);
        let later = child_id(parent, 3, Timestamp::from_millisecond(1_790_000_000_001).unwrap());
        assert!(id < later);
    }
}
