//! The end of a turn: everything decided is stored, and then it is told.

use std::sync::Arc;
use std::time::Instant;

use api::run::EventView;
use blobs::Blobs;
use engine::id::RunId;
use store::port::{Append, Appended, Change, Error, Outcome, RunRow};

use super::Conductor;
use super::batch::Batch;
use super::live::{Rows, guarded};
use super::notices;
use crate::failpoint;
use crate::live::Notice;
use crate::refused::{Refused, chain};
use crate::view;

/// What a commit says about one run.
struct Written {
    run: RunId,
    row: RunRow,
    /// The place of its change; `None` when nothing was decided.
    change: Option<usize>,
}

impl Conductor {
    /// Stores what the batch holds; then answers, publishes and reconciles, in this order: orders
    /// leave before answers, so that whoever is answered finds the server at work.
    pub(super) fn finish(&mut self, mut batch: Batch) {
        self.keep_workers(&mut batch);
        let catalog = batch.catalog.len();
        let mut changes = std::mem::take(&mut batch.catalog);
        let (written, outcomes) = loop {
            let written = self.write_down(&mut batch, &mut changes);
            if changes.is_empty() {
                break (written, Vec::new());
            }
            match self.commit(&changes) {
                Ok(outcomes) => break (written, outcomes),
                Err(Refused::Damaged { run, problem }) => {
                    let Some(run) = self.put_back(&written, &mut changes, catalog, &run) else {
                        self.fatal(&format!("run {run} is damaged: {problem}"));
                        return;
                    };
                    self.damage(run, problem, &mut batch);
                }
                Err(_full_or_fatal) => {
                    self.roll_back(batch, &written);
                    return;
                }
            }
        };
        let told = |change: &Change| matches!(change, Change::Append(of) if !of.notices.is_empty());
        if changes.iter().any(told) {
            self.bell.ring();
        }
        let mut outcomes = outcomes.into_iter();
        for (waits, outcome) in batch.waits.drain(..).zip(outcomes.by_ref().take(catalog)) {
            waits.answer(outcome);
        }
        for after in batch.after.drain(..) {
            after(Ok(()));
        }
        let outcomes: Vec<Outcome> = outcomes.collect();
        let mut rows = Vec::new();
        for Written { run, row, change } in written {
            if let Some(change) = change {
                let Change::Append(append) = &changes[change] else { continue };
                match outcomes.get(change - catalog) {
                    Some(Outcome::Appended { rows, .. }) => {
                        self.stored(append, rows);
                        self.measure(append);
                        // Already wanted where the hands said in this turn that they never started
                        // something: then the events alone are not all there is to do.
                        let whole = batch.reconcile.contains(&run);
                        if whole || !self.reconcile_after(run, &append.events) {
                            batch.reconcile.insert(run);
                        }
                    }
                    outcome => {
                        let problem = match outcome {
                            Some(Outcome::Refused(refusal)) => refusal.to_string(),
                            outcome => format!("the store answered {outcome:?}"),
                        };
                        self.damage(run, problem, &mut batch);
                        continue;
                    }
                }
            }
            rows.push((run, row));
        }
        self.tell(batch, rows);
    }

    /// Adds the runs' changes to those of the catalogue. A run whose rows cannot be made is struck.
    fn write_down(&mut self, batch: &mut Batch, changes: &mut Vec<Change>) -> Vec<Written> {
        let touched: Vec<RunId> = batch.touched.iter().copied().collect();
        let mut written = Vec::with_capacity(touched.len());
        for run in touched {
            let Some(live) = self.runs.get_mut(&run) else { continue };
            match live.rows() {
                Ok(rows) if live.fresh.is_empty() => {
                    written.push(Written { run, row: rows.run, change: None });
                }
                Ok(rows) => {
                    let events = std::mem::take(&mut live.fresh);
                    let (after, row) = (live.stored, rows.run.clone());
                    let Rows { run: now, stages, requests, artifacts } = rows;
                    let notices = match notices::is_news(&events) {
                        true => {
                            self.rules = self.config.current().unwrap_or_else(|problem| {
                                tracing::warn!(cause = problem, "notices follow the former rules");
                                Arc::clone(&self.rules)
                            });
                            let told = guarded(|| {
                                notices::of(live, &events, after, &self.rules.notify, &*self.reader)
                            });
                            told.unwrap_or_else(|problem| {
                                tracing::error!(%run, cause = problem, "nobody is told");
                                Vec::new()
                            })
                        }
                        false => Vec::new(),
                    };
                    let append = Append {
                        run,
                        after,
                        events,
                        row: now,
                        stages,
                        requests,
                        artifacts,
                        notices,
                    };
                    written.push(Written { run, row, change: Some(changes.len()) });
                    changes.push(Change::Append(append));
                }
                Err(problem) => self.damage(run, problem, batch),
            }
        }
        written
    }

    /// Undoes `write_down`. Returns the run of this name, if it was among them.
    fn put_back(
        &mut self,
        written: &[Written],
        changes: &mut Vec<Change>,
        catalog: usize,
        name: &str,
    ) -> Option<RunId> {
        for change in changes.drain(catalog..) {
            if let Change::Append(append) = change
                && let Some(live) = self.runs.get_mut(&append.run)
            {
                live.fresh = append.events;
            }
        }
        written.iter().map(|written| written.run).find(|run| run.to_string() == name)
    }

    /// Nothing was stored: whoever waited is refused, runs are dropped from memory and folded
    /// again, reports are kept for the next try.
    fn roll_back(&mut self, mut batch: Batch, written: &[Written]) {
        self.unkeep_workers(&mut batch);
        let full = self.full && !self.ended;
        let refused = || if full { Refused::StorageFull } else { Refused::Stopping };
        for waits in batch.waits.drain(..) {
            waits.refuse(refused());
        }
        for after in batch.after.drain(..) {
            after(Err(refused()));
        }
        self.unrouted.extend(batch.routing.drain(..));
        batch.unknown.clear();
        self.schedules.doubtful = true;
        self.undo_rollout();
        for Written { run, change, .. } in written {
            if change.is_none() {
                continue;
            }
            for report in batch.strike(*run, refused) {
                self.retain(report);
            }
            if self.runs.get(run).is_some_and(|live| live.stored > 0) {
                self.runs.remove(run);
                self.dropped.insert(*run);
            } else {
                self.leave(*run);
            }
        }
        let rows = written
            .iter()
            .filter(|written| written.change.is_none())
            .map(|written| (written.run, written.row.clone()))
            .collect();
        self.tell(batch, rows);
    }

    /// These events are on disk.
    fn stored(&mut self, append: &Append, hashes: &[Appended]) {
        let Some(live) = self.runs.get_mut(&append.run) else { return };
        live.stored = append.after + append.events.len() as u64;
        if append.row.finished || !append.artifacts.is_empty() {
            self.mirror.update(append.run);
        }
        if !self.broker.is_watched(append.run) {
            return;
        }
        let events: Arc<[EventView]> = append
            .events
            .iter()
            .zip(hashes)
            .map(|(event, place)| view::event::view(append.run, place.seq, event, &place.hash))
            .collect();
        let summary = Arc::new(view::run::summary(&append.row));
        let finished = append.row.finished;
        self.broker.publish(append.run, &Notice::Events { events, summary, finished });
    }

    /// What is stored takes effect and is answered.
    fn tell(&mut self, mut batch: Batch, rows: Vec<(RunId, RunRow)>) {
        for (whose, attempt, from) in batch.ended.drain(..) {
            self.hands.release(&whose, attempt, from.as_ref());
        }
        for from in batch.reports.drain(..).filter_map(|said| said.from) {
            self.hands.fleet.stored(&from);
        }
        self.tell_workers(&mut batch);
        for run in &batch.reconcile {
            self.reconcile(*run);
        }
        for run in rows.iter().map(|(run, _)| run).chain(&batch.reconcile) {
            self.note_working(*run);
        }
        self.dispatch();
        failpoint::pass("ordered");
        self.show();
        self.show_rollout();
        for (run, reply) in batch.acks {
            let row = rows.iter().find(|(id, _)| *id == run).map(|(_, row)| row);
            reply.send(row.map_or_else(
                || Err(Refused::Internal("the run was not stored".to_owned())),
                |row| Ok(view::run::summary(row)),
            ));
        }
        for event in batch.unknown {
            self.unknown.send(event);
        }
        for (run, look) in batch.looks {
            look(self.runs.get(&run).map(|live| &live.run));
        }
        let awake = std::mem::take(&mut self.awake);
        for run in rows.iter().map(|(run, _)| *run).chain(batch.reconcile).chain(awake) {
            self.rest(run);
            self.park(run);
        }
        failpoint::pass("replied");
    }

    /// One transaction, synced. Refused as full (nothing happened), damaged (that run has to be
    /// left out), or stopping: the process cannot go on.
    pub(super) fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, Refused> {
        if let Err(error) = self.keep_answers(changes) {
            tracing::error!(error = chain(&error), "the answers of a form cannot be stored");
            self.full = true;
            return Err(Refused::StorageFull);
        }
        failpoint::pass("decided");
        let began = Instant::now();
        match self.writer.commit(changes) {
            Ok(outcomes) => {
                let sync = self.writer.last_sync();
                self.metrics.committed(changes.len(), began.elapsed(), sync);
                for outcome in &outcomes {
                    if let Outcome::Given { created, .. } = outcome {
                        self.metrics.given(*created);
                    }
                }
                failpoint::pass("synced");
                self.hub.tell(changes, &outcomes);
                if self.full {
                    tracing::info!("there is room on the disk again");
                    self.full = false;
                }
                self.follow_catalog(changes);
                if changes.iter().any(|change| matches!(change, Change::SaveRollout(_))) {
                    self.show_rollout();
                }
                Ok(outcomes)
            }
            Err(error) if error.is_full() => {
                if !self.full {
                    tracing::error!("the disk is full: nothing can be stored");
                }
                self.full = true;
                Err(Refused::StorageFull)
            }
            Err(Error::Corrupt { run, problem }) => Err(Refused::Damaged { run, problem }),
            Err(error) => {
                self.fatal(&chain(&error));
                Err(Refused::Stopping)
            }
        }
    }

    /// Content that the engine itself names has to be there before the event that does.
    fn keep_answers(&self, changes: &[Change]) -> Result<(), blobs::Error> {
        for change in changes {
            let Change::Append(append) = change else { continue };
            let Some(live) = self.runs.get(&append.run) else { continue };
            for text in append.events.iter().filter_map(|stamped| live.run.answers(&stamped.event))
            {
                Blobs::of(&self.data_dir).put(text.as_bytes(), text.len() as u64)?;
            }
        }
        Ok(())
    }

    /// Nobody knows what the disk holds: the next process reads it.
    fn fatal(&mut self, problem: &str) {
        tracing::error!(problem, "the store failed, this process has to end");
        self.ended = true;
        (self.on_fatal)(problem);
    }
}
