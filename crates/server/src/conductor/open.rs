//! Taking up where an earlier process left off.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use api::link::Order;
use engine::id::{AttemptId, RunId};
use indexmap::IndexSet;
use jiff::Timestamp;
use store::mirror::Mirror;
use store::port::{Error, Read, Write};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::Conductor;
use super::deliver::Listeners;
use super::desk::{Gauges, Input};
use super::hands::fleet::Fleet;
use super::hands::{Adopted, Hands, With};
use super::live::{Live, guarded};
use super::parked::Parked;
use super::reports::Whose;
use super::rollout::Rollout;
use super::route::{Routes, Unknown};
use super::schedules::Schedules;
use super::timers::Timers;
use crate::agents::Agents;
use crate::board::Board;
use crate::clock::{Ahead, Clock};
use crate::config::ConfigFile;
use crate::config::settings::Said;
use crate::definition::Definitions;
use crate::live::Broker;
use crate::live::hub::Hub;
use crate::metrics::Metrics;
use crate::notices::outbox::Bell;
use crate::refused::Refused;
use crate::watch::Watched;

/// What a conductor is made of.
pub(crate) struct Opening {
    pub(crate) data_dir: PathBuf,
    pub(crate) worker: String,
    pub(crate) said: Said,
    pub(crate) slots: u32,
    pub(crate) writer: Box<dyn Write>,
    pub(crate) reader: Arc<dyn Read>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) config: Arc<ConfigFile>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) ahead: Ahead,
    pub(crate) inbox: Receiver<Input>,
    pub(crate) orders: UnboundedSender<Order>,
    pub(crate) unknown: Unknown,
    pub(crate) files: watch::Sender<Vec<Watched>>,
    pub(crate) broker: Arc<Broker>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) board: Arc<Board>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) busy: watch::Sender<bool>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) on_fatal: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Conductor {
    /// Loads what has not finished and asks the hands about every live attempt. Until they have
    /// answered, an attempt counts as held, so that it is not started twice.
    pub(crate) fn open(opening: Opening) -> Result<Self, Error> {
        let mut conductor = Self {
            data_dir: opening.data_dir,
            worker: opening.worker,
            said: opening.said,
            writer: opening.writer,
            reader: opening.reader,
            definitions: opening.definitions,
            config: opening.config,
            mirror: opening.mirror,
            agents: opening.agents,
            clock: Clock::start_ahead(None, opening.ahead.clone()),
            inbox: opening.inbox,
            hands: Hands::new(opening.orders, opening.slots),
            timers: Timers::default(),
            broker: opening.broker,
            hub: opening.hub,
            gauges: opening.gauges,
            board: opening.board,
            rollout: Rollout::default(),
            metrics: opening.metrics,
            scheduled: HashMap::new(),
            busy: opening.busy,
            bell: opening.bell,
            rules: Arc::default(),
            on_fatal: opening.on_fatal,
            runs: HashMap::new(),
            parked: Parked::default(),
            awake: Vec::new(),
            listeners: Listeners::default(),
            routes: Routes::default(),
            unrouted: VecDeque::new(),
            unrouted_at: None,
            unknown: opening.unknown,
            schedules: Schedules::default(),
            files: opening.files,
            damaged: HashMap::new(),
            dropped: HashSet::new(),
            retained: VecDeque::new(),
            overflowed: false,
            full: false,
            tried_at: None,
            unhanded: Vec::new(),
            unprobed: Vec::new(),
            unmade: Vec::new(),
            revisit: IndexSet::new(),
            inspections: Vec::new(),
            shown: 0,
            ended: false,
        };
        let unfinished = conductor.writer.unfinished()?;
        let mut newest: Option<Timestamp> = None;
        let mut adopted = Vec::new();
        for run in unfinished {
            match conductor.take_up(run, &mut adopted) {
                Ok(at) => newest = newest.max(at),
                Err(Error::Corrupt { problem, .. }) => conductor.mark_damaged(run, problem),
                Err(error) => return Err(error),
            }
        }
        conductor.clock = Clock::start_ahead(newest, opening.ahead);
        conductor.adopt(adopted)?;
        conductor.open_routes()?;
        conductor.open_schedules()?;
        conductor.open_rollout()?;
        conductor.publish_files();
        Ok(conductor)
    }

    fn take_up(
        &mut self,
        run: RunId,
        adopted: &mut Vec<Handed>,
    ) -> Result<Option<Timestamp>, Error> {
        let journal = self.writer.journal(run)?;
        let newest = journal.last().map(|stamped| stamped.at);
        let live = match Live::replay(run, &journal, &self.definitions, &*self.reader) {
            Ok(Some(live)) => live,
            Ok(None) => return Ok(None),
            Err(refused) => {
                let problem = match refused {
                    Refused::Damaged { problem, .. } => problem,
                    refused => refused.to_string(),
                };
                return Err(Error::Corrupt { run: run.to_string(), problem });
            }
        };
        let live_attempts = guarded(|| to_adopt(&live))
            .map_err(|problem| Error::Corrupt { run: run.to_string(), problem })?;
        adopted.extend(live_attempts);
        self.rollout.note(&live);
        self.enter(live);
        self.park_untouched(run);
        Ok(newest)
    }
}

/// An attempt that an earlier process may have handed out, and to whom.
struct Handed {
    whose: Whose,
    key: String,
    labels: Vec<String>,
    /// By the journal, where it says that it began.
    began: Option<(Arc<str>, Option<Timestamp>)>,
}

impl Conductor {
    /// What is or may be with workers is waited for as long as their leases.
    fn adopt(&mut self, handed: Vec<Handed>) -> Result<(), Error> {
        let (lease, now) = (self.lease(), self.clock.now());
        self.hands.fleet = Fleet::of(self.reader.workers()?, now);
        let mut adopted = Vec::with_capacity(handed.len());
        for Handed { whose, key, labels, began } in handed {
            let mut started = None;
            let with = if labels.is_empty() {
                With::Here
            } else if let Some((worker, at)) = began {
                started = at;
                self.hands.fleet.wait_for(&worker, lease, now);
                With::Worker(worker)
            } else if let Some(until) = self.hands.fleet.may_hold(&labels) {
                With::Doubtful { labels, until }
            } else {
                // Nobody was there who could have it: it waits as soon as its run is looked at, which
                // no report will ever ask for.
                if let Err(refused) = self.load(whose.run) {
                    tracing::error!(run = %whose.run, cause = %refused, "could not load a run");
                }
                continue;
            };
            adopted.push(Adopted { whose, key, with, started });
        }
        self.hands.adopt(adopted);
        Ok(())
    }
}

/// Everything that an earlier process may have handed out.
fn to_adopt(live: &Live) -> Vec<Handed> {
    let desired = live.run.desired();
    let stopping = desired.stops.into_iter().map(|(attempt, _)| attempt);
    let attempts: IndexSet<AttemptId> = desired.attempts.into_iter().chain(stopping).collect();
    let attempts = attempts.into_iter().filter(|attempt| !live.is_child(attempt));
    let attempts = attempts.filter_map(|attempt| {
        let key = live.run.task(&attempt)?.key;
        let labels = live.labels(&attempt).to_vec();
        let row = (!labels.is_empty()).then(|| live.run.row(&attempt.execution)).flatten();
        let began = row.and_then(|row| {
            let last = row.attempts.iter().find(|of| of.number == attempt.number)?;
            Some((Arc::from(last.worker?), last.started_at))
        });
        let whose = Whose { run: live.id, attempt, probe: false };
        Some(Handed { whose, key, labels, began })
    });
    let probes = desired.probes.into_iter().filter_map(|attempt| {
        let key = live.run.probe(&attempt)?.key;
        let whose = Whose { run: live.id, attempt, probe: true };
        Some(Handed { whose, key, labels: Vec::new(), began: None })
    });
    attempts.chain(probes).collect()
}
