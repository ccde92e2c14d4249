//! The conductor: one thread that owns the live runs and the writing side of the store.
//!
//! It takes what its inbox holds, lets the engine decide, commits everything in one synced
//! transaction, and only then answers, publishes and sends orders to the hands. Start-up is the
//! same path: load, fold, ask the hands what became of live attempts, reconcile.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use api::link;
use engine::command::{Command, StopReason};
use engine::id::{AttemptId, RunId};
use indexmap::IndexSet;
use jiff::Timestamp;
use store::mirror::Mirror;
use store::port::{Read, Write};
use tokio::sync::watch;

use crate::agents::Agents;
use crate::board::Board;
use crate::clock::Clock;
use crate::config::{Config, ConfigFile, settings};
use crate::definition::Definitions;
use crate::failpoint;
use crate::live::hub::Hub;
use crate::live::{Broker, Notice};
use crate::metrics::Metrics;
use crate::notices::outbox::Bell;
use crate::refused::Refused;
use crate::watch::Watched;
use batch::{Batch, Waits};
use deliver::Listeners;
use desk::{Ask, Gauges, Input};
use hands::Hands;
use live::{Live, guarded};
use parked::Parked;
use rollout::Rollout;
use route::{Routes, Unknown};
use schedules::Schedules;
use timers::Timers;
use workers::Said;

mod admission;
mod assignment;
pub(crate) mod batch;
mod children;
mod commit;
mod deliver;
pub(crate) mod desk;
mod due;
mod ends;
pub(crate) mod hands;
pub(crate) mod inspect;
pub(crate) mod live;
mod meter;
mod notices;
mod open;
mod parked;
mod people;
mod reconcile;
mod recover;
mod reports;
pub(crate) mod rollout;
pub(crate) mod route;
mod runs;
pub(crate) mod runtimes;
mod schedules;
pub(crate) mod starts;
pub(crate) mod tasks;
pub(crate) mod timers;
pub(crate) mod trees;
pub(crate) mod workers;

pub(crate) use open::Opening;

/// Inputs that go into one commit.
const BATCH: usize = 1024;
/// That an attempt has started is shown so much later at most: a short one is then stored together
/// with its end, and costs one sync instead of two.
const LINGER: Duration = Duration::from_millis(3);
/// Between two tries to write while the disk is full.
const FULL_AGAIN: Duration = Duration::from_secs(1);

pub(crate) struct Conductor {
    pub(crate) data_dir: PathBuf,
    /// The name of the hands in the journal.
    pub(crate) worker: String,
    /// What flags and the environment say of settings.
    pub(crate) said: settings::Said,
    pub(crate) writer: Box<dyn Write>,
    pub(crate) reader: Arc<dyn Read>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) config: Arc<ConfigFile>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) clock: Clock,
    pub(crate) inbox: Receiver<Input>,
    pub(crate) hands: Hands,
    pub(crate) timers: Timers,
    pub(crate) broker: Arc<Broker>,
    /// The bell of the stream.
    pub(crate) hub: Arc<Hub>,
    pub(crate) gauges: Arc<Gauges>,
    /// Where everybody reads how the roll-out stands.
    pub(crate) board: Arc<Board>,
    pub(crate) rollout: Rollout,
    pub(crate) metrics: Arc<Metrics>,
    /// Since when attempts might start that have not.
    pub(crate) scheduled: HashMap<(RunId, AttemptId), Timestamp>,
    /// Whether there is anything left to drive.
    pub(crate) busy: watch::Sender<bool>,
    pub(crate) bell: Arc<Bell>,
    /// The rules of notices, as they could last be read.
    pub(crate) rules: Arc<Config>,
    pub(crate) on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
    /// Runs that have not finished, folded.
    pub(crate) runs: HashMap<RunId, Live>,
    /// Those that only wait.
    pub(crate) parked: Parked,
    /// Runs that were folded in this turn.
    pub(crate) awake: Vec<RunId>,
    /// Kept also for runs that were parked or dropped.
    pub(crate) listeners: Listeners,
    pub(crate) routes: Routes,
    /// Stored events that have still to be held against triggers.
    pub(crate) unrouted: VecDeque<String>,
    /// When one of them could not be, and they have to wait for a moment.
    pub(crate) unrouted_at: Option<Instant>,
    /// Where events go whose changed paths have to be asked for.
    pub(crate) unknown: Unknown,
    pub(crate) schedules: Schedules,
    /// What triggers with `files` wait for.
    pub(crate) files: watch::Sender<Vec<Watched>>,
    pub(crate) damaged: HashMap<RunId, String>,
    /// Runs whose memory was dropped because it could not be stored: they are folded again.
    pub(crate) dropped: HashSet<RunId>,
    /// Reports that could not be stored yet, in the order in which they came.
    pub(crate) retained: VecDeque<Said>,
    /// More came than could be retained: the hands are asked again.
    pub(crate) overflowed: bool,
    pub(crate) full: bool,
    /// When it was last tried to store what is kept.
    pub(crate) tried_at: Option<Instant>,
    /// Attempts to stop that were never handed out.
    pub(crate) unhanded: Vec<(RunId, AttemptId, StopReason)>,
    /// Probes that cannot be put together.
    pub(crate) unprobed: Vec<(RunId, AttemptId)>,
    /// Attempts that could not be put together, each with the reason.
    pub(crate) unmade: Vec<(RunId, AttemptId, String)>,
    /// Runs to look at because of what became of another one.
    pub(crate) revisit: IndexSet<RunId>,
    /// Whoever waits for what the hands say.
    pub(crate) inspections: Vec<inspect::Inspection>,
    /// What was last shown of the workers.
    pub(crate) shown: u64,
    pub(crate) ended: bool,
}

impl Conductor {
    /// Until it is told to stop. Children go on; the next process adopts them. A panic that no
    /// single run is to blame for ends the process like a failed sync.
    pub(crate) fn run(self) {
        let on_fatal = Arc::clone(&self.on_fatal);
        if let Err(problem) = guarded(|| self.turn()) {
            on_fatal(&problem);
        }
    }

    fn turn(mut self) {
        // One of those that wait is enough to see whose turn has come.
        let waiting = self.parked.waiting();
        let reconcile = self.runs.keys().copied().chain(waiting).collect();
        let mut batch = Batch { reconcile, ..Batch::default() };
        self.follow(&mut batch);
        self.finish(batch);
        while !self.ended {
            let mut batch = Batch::default();
            self.gather(&mut batch);
            failpoint::pass("drained");
            self.recover(&mut batch);
            self.route_stored(&mut batch);
            self.fire_schedules(&mut batch);
            self.end_leases(&mut batch);
            self.fire(&mut batch);
            self.follow(&mut batch);
            self.finish(batch);
        }
        self.broker.close();
        self.busy.send_replace(false);
    }

    /// Waits for something to do, and takes all that is there.
    fn gather(&mut self, batch: &mut Batch) {
        let first = match self.patience() {
            None => self.inbox.recv().map_err(|_closed| RecvTimeoutError::Disconnected),
            Some(patience) => self.inbox.recv_timeout(patience),
        };
        match first {
            Ok(input) => self.take(input, batch),
            Err(RecvTimeoutError::Timeout) => return,
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                return;
            }
        }
        let deadline = Instant::now() + LINGER;
        for _ in 1..BATCH {
            let next = match self.inbox.try_recv() {
                Ok(input) => Some(input),
                Err(_empty_or_closed) if batch.can_wait() => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    self.inbox.recv_timeout(left).ok()
                }
                Err(_empty_or_closed) => None,
            };
            match next {
                Some(input) => self.take(input, batch),
                None => return,
            }
        }
    }

    /// How long it may sleep; `None`: until something comes.
    fn patience(&self) -> Option<Duration> {
        let routes = self.can_route() || (!self.full && self.schedules.is_behind());
        let unsettled =
            !self.unhanded.is_empty() || !self.unprobed.is_empty() || !self.unmade.is_empty();
        let unsaved = !self.full && (self.hands.fleet.has_unsaved() || self.hands.has_drained());
        if routes || unsettled || unsaved {
            return Some(Duration::ZERO);
        }
        let schedule = self.schedules.next().filter(|_| !self.full);
        let lease = self.hands.next_due();
        let timer = self.timers.next().into_iter().chain(schedule).chain(lease).min().map(|due| {
            let wait = due.duration_since(self.clock.now());
            // Rounded up: waking just before it is due would be a turn for nothing.
            Duration::try_from(wait).map_or(Duration::ZERO, |wait| wait + Duration::from_millis(1))
        });
        let full = self.is_behind().then_some(FULL_AGAIN);
        match (timer, full) {
            (Some(timer), Some(full)) => Some(timer.min(full)),
            (timer, full) => timer.or(full),
        }
    }

    fn take(&mut self, input: Input, batch: &mut Batch) {
        match input {
            Input::Ask(ask) => self.ask(ask, batch),
            Input::Report(report) => self.report(Said { report, from: None }, batch),
            Input::Worker(spoken) => self.spoken(spoken, batch),
            Input::Schedules => self.begin_schedules(batch),
            Input::Stop => self.ended = true,
        }
    }

    fn ask(&mut self, ask: Ask, batch: &mut Batch) {
        match ask {
            Ask::Start { start, reply } => self.start(*start, reply, batch),
            Ask::Act { run, command, reply } => self.act(run, *command, reply, batch),
            Ask::Save { save, reply } => self.save(*save, reply, batch),
            Ask::Store { change, reply } => {
                batch.catalog.push(change(self.clock.now()));
                batch.waits.push(Waits::Stored(reply));
            }
            Ask::Give { events, reply } => self.give(events, reply, batch),
            Ask::Route { learned, reply } => self.learn(learned, reply, batch),
            Ask::Task { ask, reply } => self.task(*ask, reply, batch),
            Ask::Switch { ask, reply } => self.switch(*ask, reply, batch),
            Ask::Standing { reply } => reply.send(Ok(self.standing())),
            Ask::Kept { run, reply } => reply.send(Ok(self.kept_of(run))),
            Ask::Inspect { run, reply } => self.inspect(run, reply),
            Ask::Look { run, look } => batch.looks.push((run, look)),
            Ask::Workers { ask, reply } => self.workers(ask, reply, batch),
            Ask::Fleet { reply } => self.fleet(reply),
            Ask::Holding { ask, reply } => self.holding(&ask, reply),
        }
    }

    /// What the hands say. Output is only passed on; everything else is a matter of the run.
    fn report(&mut self, said: Said, batch: &mut Batch) {
        let from = said.from.clone();
        let waits = self.take_report(said, batch);
        if let Some(from) = from.filter(|_| !waits) {
            self.hands.fleet.stored(&from);
        }
    }

    /// Whether it waits to be stored.
    fn take_report(&mut self, said: Said, batch: &mut Batch) -> bool {
        let Said { report, from } = said;
        let Some(whose) = reports::whose(&report.attempt) else {
            tracing::warn!(key = report.attempt.key, "a report about nothing we know");
            return false;
        };
        self.note_seen(&whose, &report.what);
        if let link::What::Output { bytes } = report.what {
            if !whose.probe {
                let key = Arc::from(report.attempt.key);
                let attempt = Arc::new(whose.attempt);
                self.hub.grew(whose.run, &attempt);
                self.broker.publish(whose.run, &Notice::Output { attempt, key, bytes });
            }
            return false;
        }
        if let link::What::NeverStarted = report.what {
            if self.hands.never_started(&whose) {
                batch.reconcile.insert(whose.run);
            }
            return false;
        }
        let last = reports::is_last(&report.what);
        let kept = Said { report: report.clone(), from };
        let worker = kept.from.as_ref().map_or(&*self.worker, |from| &*from.worker);
        let command = if whose.probe {
            reports::of_probe(&report.what)
        } else {
            reports::of_attempt(report.what, worker)
        };
        let Some(said) = command else { return false };
        let attempt = whose.attempt.clone();
        let command = Command::Report { attempt, report: said };
        let now = self.clock.now();
        match self.decide(whose.run, command, now, batch) {
            // A late result changes nothing; the hands may forget it all the same.
            Ok(()) | Err(Refused::Rejected(_) | Refused::NotFound { .. }) => {
                if last {
                    batch.ended.push((whose, report.attempt, kept.from.clone()));
                }
                batch.reports.push(kept);
                true
            }
            Err(Refused::StorageFull) => {
                self.retain(kept);
                true
            }
            Err(refused) => {
                tracing::warn!(key = kept.report.attempt.key, cause = %refused, "a report was dropped");
                false
            }
        }
    }

    /// What follows in other runs from what was decided in this turn, so that it is one commit.
    fn follow(&mut self, batch: &mut Batch) {
        // Who is let in may start a child, and a child that ended may make room.
        while self.follow_children(batch)
            | self.admit(batch)
            | self.grant(batch)
            | self.tell_ends(batch)
            | self.end_drain(batch)
        {}
    }

    /// Timers that are due. Which of them still mean something is the engine's to say.
    fn fire(&mut self, batch: &mut Batch) {
        let now = self.clock.now();
        for (run, timer) in self.timers.take_due(now) {
            // Refused: its state moved on. Either way the run's timers are armed anew.
            let _moved_on = self.decide(run, Command::Fire { timer }, now, batch);
            batch.reconcile.insert(run);
        }
    }
}
