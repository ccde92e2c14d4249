//! Events from outside: stored, and handed to the runs that listen, in one commit. So an event that
//! came just before its waiter is found by it, and one that came just after is handed to it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use engine::command::Command;
use engine::event::Occurrence;
use engine::id::RunId;
use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::model::Trigger;
use store::port::{Change, GivenEvent, GivenQuery};

use super::Conductor;
use super::batch::{Batch, Waits};
use super::desk::{Given, Reply};
use crate::refused::Refused;

/// Events read at once.
const PAGE: u32 = 500;

/// Which runs listen to which types of events.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_kind: HashMap<String, BTreeSet<RunId>>,
}

impl Listeners {
    pub(crate) fn enter(&mut self, run: RunId, pipeline: &Pipeline) {
        for kind in kinds(pipeline).into_keys() {
            self.by_kind.entry(kind).or_default().insert(run);
        }
    }

    pub(crate) fn leave(&mut self, run: RunId, pipeline: &Pipeline) {
        for kind in kinds(pipeline).keys() {
            if let Some(runs) = self.by_kind.get_mut(kind) {
                runs.remove(&run);
                if runs.is_empty() {
                    self.by_kind.remove(kind);
                }
            }
        }
    }

    fn of(&self, kind: &str) -> Vec<RunId> {
        self.by_kind.get(kind).into_iter().flatten().copied().collect()
    }
}

/// The types that a pipeline listens to, and how long before its start an event still counts.
fn kinds(pipeline: &Pipeline) -> HashMap<String, Duration> {
    let mut kinds: HashMap<String, Duration> = HashMap::new();
    let triggers = pipeline.stages.iter().filter_map(|stage| stage.triggers.as_ref());
    for trigger in triggers.flat_map(|triggers| &triggers.list) {
        if let Trigger::Event(filter) = trigger {
            let lookback = kinds.entry(filter.event.clone()).or_default();
            *lookback = filter.lookback.max(*lookback);
        }
    }
    kinds
}

impl Conductor {
    /// An event that is known changes nothing. One for a single run is refused when that run does
    /// not take it.
    pub(super) fn give(&mut self, mut event: GivenEvent, reply: Reply<Given>, batch: &mut Batch) {
        event.at = self.clock.now();
        match self.known_event(&event.id, batch) {
            Ok(None) => {}
            Ok(Some(known)) => return reply.send(Ok(known)),
            Err(refused) => return reply.send(Err(refused)),
        }
        let mut taken_by = Vec::new();
        match event.run {
            Some(run) => match self.deliver(run, &event, batch) {
                Ok(taken) => taken_by.extend(taken.then(|| self.name(run))),
                Err(refused) => return reply.send(Err(refused)),
            },
            None => {
                for run in self.listeners.of(&event.kind) {
                    match self.deliver(run, &event, batch) {
                        Ok(true) => taken_by.push(self.name(run)),
                        Ok(false) | Err(Refused::Rejected(_)) => {}
                        Err(refused) => {
                            tracing::warn!(%run, cause = %refused, "an event was not delivered");
                        }
                    }
                }
            }
        }
        batch.given.push((event.clone(), taken_by.clone()));
        batch.catalog.push(Change::StoreEvent(event.clone()));
        let given = Given { event, duplicate: false, taken_by };
        batch.waits.push(Waits::Given { given: Box::new(given), reply });
    }

    fn known_event(&self, id: &str, batch: &Batch) -> Result<Option<Given>, Refused> {
        if let Some((event, taken_by)) = batch.given.iter().find(|(event, _)| event.id == id) {
            let (event, taken_by) = (event.clone(), taken_by.clone());
            return Ok(Some(Given { event, duplicate: true, taken_by }));
        }
        let row = self.reader.given_event(id)?;
        Ok(row.map(|row| Given {
            event: row.event,
            duplicate: true,
            taken_by: row.taken_by.into_iter().map(|taker| taker.name).collect(),
        }))
    }

    /// Whether the run took it.
    fn deliver(
        &mut self,
        run: RunId,
        event: &GivenEvent,
        batch: &mut Batch,
    ) -> Result<bool, Refused> {
        let fresh = |conductor: &Self| conductor.runs.get(&run).map_or(0, |live| live.fresh.len());
        let before = fresh(self);
        let occurrence = Box::new(Occurrence {
            id: event.id.clone(),
            kind: event.kind.clone(),
            data: event.data.clone(),
            source: event.source.clone(),
        });
        self.decide(run, Command::Deliver { occurrence }, self.clock.now(), batch)?;
        Ok(fresh(self) > before)
    }

    /// Hands a run what was given while it was not there to take it, in the order in which it
    /// came. What it has already changes nothing.
    pub(super) fn look_back(&mut self, run: RunId, batch: &mut Batch) {
        if let Err(refused) = self.look_back_at(run, batch) {
            tracing::warn!(%run, cause = %refused, "events may have been missed");
        }
    }

    fn look_back_at(&mut self, run: RunId, batch: &mut Batch) -> Result<(), Refused> {
        let Some(live) = self.runs.get(&run).filter(|live| !live.is_finished()) else {
            return Ok(());
        };
        let Some(created) = live.run.header().map(|header| header.created_at) else {
            return Ok(());
        };
        let kinds: HashMap<String, Timestamp> = kinds(live.run.pipeline())
            .into_iter()
            .map(|(kind, lookback)| (kind, before(created, lookback)))
            .collect();
        let Some(since) = kinds.values().min().copied() else { return Ok(()) };
        let wanted = |event: &GivenEvent| {
            event.run.is_none_or(|only| only == run)
                && kinds.get(&event.kind).is_some_and(|since| event.at >= *since)
        };
        let mut after = None;
        loop {
            let rows = self.reader.given_events(&GivenQuery {
                kinds: kinds.keys().cloned().collect(),
                since: Some(since),
                after,
                oldest_first: true,
                limit: PAGE,
                ..GivenQuery::default()
            })?;
            let last = rows.len() < PAGE as usize;
            after = rows.last().map(|row| row.number);
            for row in rows.iter().filter(|row| wanted(&row.event)) {
                self.deliver_again(run, &row.event, batch)?;
            }
            if last {
                break;
            }
        }
        // Those of this very turn are not on disk yet.
        let given: Vec<GivenEvent> =
            batch.given.iter().map(|(event, _)| event).filter(|e| wanted(e)).cloned().collect();
        for event in given {
            self.deliver_again(run, &event, batch)?;
        }
        Ok(())
    }

    fn deliver_again(
        &mut self,
        run: RunId,
        event: &GivenEvent,
        batch: &mut Batch,
    ) -> Result<(), Refused> {
        match self.deliver(run, event, batch) {
            Ok(_) | Err(Refused::Rejected(_)) => Ok(()),
            Err(refused) => Err(refused),
        }
    }
}

fn before(at: Timestamp, lookback: Duration) -> Timestamp {
    at.checked_sub(lookback).unwrap_or(Timestamp::MIN)
}
