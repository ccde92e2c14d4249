//! Workers on other machines: they come, say what became of their attempts, leave, or are not heard
//! of any more.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use api::link::{self, AttemptRef, What};
use api::worker::{Bye, ByeWhy, FromWorker, Hello, ToWorker};
use engine::id::RunId;
use jiff::Timestamp;
use store::port::{Change, WorkerChange, WorkerState};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::Conductor;
use super::batch::Batch;
use super::desk::Reply;
use super::hands::LOCAL;
use super::hands::fleet::Sender;
use super::hands::seen::FleetSeen;
use super::reports;
use crate::config::settings::{LEASE, Settings};
use crate::refused::Refused;

/// What comes from the connection of a worker.
pub(crate) enum Spoken {
    Hello {
        hello: Box<Hello>,
        say: UnboundedSender<ToWorker>,
        /// The number of the connection, or the word to end it with.
        reply: oneshot::Sender<Result<(Arc<str>, u64), Bye>>,
    },
    Said {
        worker: Arc<str>,
        connection: u64,
        what: FromWorker,
    },
    Gone {
        worker: Arc<str>,
        connection: u64,
    },
}

/// What people ask about workers.
pub(crate) enum WorkersAsk {
    Drain { name: String, by: String },
    Resume { name: String },
    Forget { name: String },
}

/// What the hands or a worker said of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) report: link::Report,
    /// `None`: the own hands, or we ourselves.
    pub(crate) from: Option<Sender>,
}

/// An attempt that a worker has, for what it asks beside its connection.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) run: RunId,
    pub(crate) attempt: engine::id::AttemptId,
    pub(crate) key: String,
    /// Names of the secrets that its stage hands to it.
    pub(crate) secrets: Vec<String>,
    pub(crate) environment: Option<String>,
    /// Digests of what is laid into its context.
    pub(crate) context: Vec<String>,
    /// The most that one of its artifacts may take.
    pub(crate) largest: u64,
}

/// Whose request it is.
pub(crate) struct HoldingAsk {
    pub(crate) worker: String,
    pub(crate) session: String,
    /// Of the attempt.
    pub(crate) key: String,
}

impl Conductor {
    /// As `config.yaml` says now; one that cannot be read says nothing.
    pub(super) fn lease(&self) -> Duration {
        let settings = self.config.current();
        let settings = settings.and_then(|config| Settings::resolve(&self.said, &config.settings));
        let seconds = settings.ok().and_then(|settings| settings.whole(&LEASE));
        Duration::from_secs(seconds.unwrap_or(30))
    }

    pub(super) fn spoken(&mut self, spoken: Spoken, batch: &mut Batch) {
        match spoken {
            Spoken::Hello { hello, say, reply } => {
                let _gone = reply.send(self.hello(*hello, say, batch));
            }
            Spoken::Said { worker, connection, what } => {
                if self.hands.fleet.heard(&worker, connection, self.clock.now()) {
                    self.said_by(worker, connection, what, batch);
                }
            }
            Spoken::Gone { worker, connection } => {
                self.hands.fleet.cut(&worker, connection);
                self.hands.changed();
            }
        }
    }

    fn hello(
        &mut self,
        hello: Hello,
        say: UnboundedSender<ToWorker>,
        batch: &mut Batch,
    ) -> Result<(Arc<str>, u64), Bye> {
        let held = hello.held.clone();
        let (lease, now) = (self.lease(), self.clock.now());
        let (name, connection) = self.hands.fleet.admit(hello, say, lease, now)?;
        tracing::info!(worker = &*name, held = held.len(), "a worker is here");
        self.hands.claim(&name, &held);
        self.hands.changed();
        batch.greeted.push((Arc::clone(&name), connection));
        Ok((name, connection))
    }

    fn said_by(&mut self, worker: Arc<str>, connection: u64, what: FromWorker, batch: &mut Batch) {
        match what {
            // Said once, by the connection's first message.
            FromWorker::Hello(_) => {}
            FromWorker::Beat => {
                self.hands.fleet.answer_beat(&worker);
                self.hands.seen_anew();
            }
            FromWorker::Draining => {
                tracing::info!(worker = &*worker, "a worker leaves");
                self.hands.fleet.drain(&worker, None, self.clock.now());
                self.hands.changed();
            }
            FromWorker::Report { seq, report } => {
                let sender = Sender { worker, connection, seq };
                self.hands.fleet.came(&sender);
                self.report_of(*report, sender, batch);
            }
        }
    }

    /// Of what a worker does not have, or not any more, its word changes nothing.
    fn report_of(&mut self, report: link::Report, sender: Sender, batch: &mut Batch) {
        let whose = reports::whose(&report.attempt);
        let Some(whose) = whose.filter(|whose| self.hands.is_with(whose, &sender.worker)) else {
            tracing::info!(
                worker = &*sender.worker,
                key = report.attempt.key,
                "a late report was refused"
            );
            if reports::is_last(&report.what) {
                let forget = link::Order::Forget { attempt: report.attempt };
                self.hands.fleet.order(&sender.worker, forget);
            }
            self.hands.fleet.stored(&sender);
            return;
        };
        if let What::Started { .. } = report.what {
            self.hands.note_started(&whose, self.clock.now());
        }
        self.report(Said { report, from: Some(sender) }, batch);
    }

    /// Workers that were not heard of for too long are lost, and so is what they have. What nobody
    /// claimed after a start is free again.
    pub(super) fn end_leases(&mut self, batch: &mut Batch) {
        let now = self.clock.now();
        if self.hands.next_due().is_none_or(|due| due > now) {
            return;
        }
        for (worker, heard_at) in self.hands.fleet.lose(now) {
            let given_up = self.hands.give_up(&worker);
            tracing::warn!(worker = &*worker, attempts = given_up.len(), "a worker is lost");
            for attempt in given_up {
                self.lose(&worker, heard_at, attempt, batch);
            }
        }
        for run in self.hands.end_doubt(now) {
            batch.reconcile.insert(run);
        }
    }

    fn lose(&mut self, worker: &str, heard: Timestamp, attempt: AttemptRef, batch: &mut Batch) {
        let heard = heard.strftime("%Y-%m-%d %H:%M:%SZ");
        let message = format!("worker `{worker}` is lost: nothing was heard of it since {heard}");
        let report = link::Report { attempt, what: What::Lost { message } };
        self.report(Said { report, from: None }, batch);
    }

    /// Before a commit: what became of workers is stored with it.
    pub(super) fn keep_workers(&mut self, batch: &mut Batch) {
        let now = self.clock.now();
        let busy = |worker: &str| self.hands.is_busy(worker);
        let drained = self.hands.fleet.drained(busy);
        if !drained.is_empty() {
            self.hands.fleet.settle_drained(&drained, now);
            self.hands.changed();
        }
        for row in self.hands.fleet.take_unsaved() {
            batch.workers.push(row.name.clone());
            batch.store(Change::Worker(WorkerChange::Put(Box::new(row))));
        }
    }

    /// Nothing of it was stored.
    pub(super) fn unkeep_workers(&mut self, batch: &mut Batch) {
        for name in batch.workers.drain(..) {
            self.hands.fleet.save_again(&name);
        }
        for (name, connection) in batch.greeted.drain(..) {
            let message = "nothing can be stored now: it is tried again";
            self.hands.fleet.send_away(&name, connection, message);
        }
    }

    /// After a commit: whoever came is told what it has, and whoever is done is let go.
    pub(super) fn tell_workers(&mut self, batch: &mut Batch) {
        let data_dir = self.data_dir.to_string_lossy().into_owned();
        for (name, connection) in batch.greeted.drain(..) {
            self.hands.greet(&name, connection, &data_dir);
        }
        self.hands.fleet.acknowledge();
        self.hands.fleet.see_off();
    }

    pub(super) fn workers(&mut self, ask: WorkersAsk, reply: Reply<()>, batch: &mut Batch) {
        match self.change_worker(ask, batch) {
            Ok(()) => batch.after.push(Box::new(|stored| reply.send(stored))),
            Err(refused) => reply.send(Err(refused)),
        }
    }

    fn change_worker(&mut self, ask: WorkersAsk, batch: &mut Batch) -> Result<(), Refused> {
        let now = self.clock.now();
        let (WorkersAsk::Drain { name, .. }
        | WorkersAsk::Resume { name }
        | WorkersAsk::Forget { name }) = &ask;
        if name == LOCAL {
            let problem =
                "it is the server itself, and stays as long as the server does".to_owned();
            return Err(Refused::Worker { name: name.clone(), problem });
        }
        let Some(state) = self.hands.fleet.get(name).map(|worker| worker.row.state) else {
            return Err(Refused::NotFound { what: "worker", name: name.clone() });
        };
        match ask {
            WorkersAsk::Drain { name, by } => {
                self.hands.fleet.drain(&name, Some(&by), now);
            }
            WorkersAsk::Resume { name } => {
                self.hands.fleet.resume(&name, now);
            }
            WorkersAsk::Forget { name } => match state {
                WorkerState::There | WorkerState::Draining => {
                    let problem = "it is there: drain it, or stop its program, first".to_owned();
                    return Err(Refused::Worker { name, problem });
                }
                WorkerState::Drained | WorkerState::Lost => {
                    self.hands.fleet.forget(&name);
                    batch.store(Change::Worker(WorkerChange::Forget { name }));
                }
            },
        }
        self.hands.changed();
        Ok(())
    }

    pub(super) fn fleet(&self, reply: Reply<FleetSeen>) {
        let mut seen = self.hands.seen();
        for queued in &mut seen.queue {
            queued.since = self.scheduled.get(&(queued.run, queued.attempt.clone())).copied();
        }
        reply.send(Ok(seen));
    }

    /// `None`: the server does not hold the attempt to be with this session of this worker.
    pub(super) fn holding(&mut self, ask: &HoldingAsk, reply: Reply<Option<Holding>>) {
        reply.send(Ok(self.held_by(ask)));
    }

    fn held_by(&mut self, ask: &HoldingAsk) -> Option<Holding> {
        let worker = self.hands.fleet.get(&ask.worker)?;
        if worker.row.session != ask.session || !worker.row.state.is_there() {
            return None;
        }
        let whose = self.hands.with_key(&ask.worker, &ask.key)?;
        self.load(whose.run).ok()?;
        let largest = self.largest_artifact();
        let live = self.runs.get(&whose.run)?;
        let task = live.run.task(&whose.attempt)?;
        let environment =
            live.run.row(&whose.attempt.execution).and_then(|row| row.stage.environment.clone());
        let of_artifacts = task.artifacts.values().map(|artifact| artifact.max_bytes);
        let secret = |piece: &pipeline::text::Piece| match piece {
            pipeline::text::Piece::Secret(name) => Some(name.clone()),
            pipeline::text::Piece::Plain(_) => None,
        };
        Some(Holding {
            run: whose.run,
            attempt: whose.attempt,
            key: ask.key.clone(),
            secrets: task.env.values().flatten().filter_map(secret).collect(),
            environment,
            context: task.context.iter().map(|laid| laid.digest.clone()).collect(),
            largest: of_artifacts.max().unwrap_or(0).min(largest),
        })
    }
}

/// Where what a run has on other machines lies, in this server's words.
pub(super) fn folder(data_dir: &Path, run: RunId) -> std::path::PathBuf {
    data_dir.join("workspaces").join(run.to_string())
}

/// For whoever is not let in because the server stops.
pub(crate) fn stopping() -> Bye {
    Bye { why: ByeWhy::Stopping, message: "the server stops".to_owned() }
}
