//! Events from outside: stored, and handed to the runs that listen, in one commit. So an event that
//! came just before its waiter is found by it, and one that came just after is handed to it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use engine::command::Command;
use engine::event::Occurrence;
use engine::id::RunId;
use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::model::Trigger;
use store::port::{Change, Error, GivenEvent, GivenQuery};

use super::Conductor;
use super::batch::Batch;
use super::desk::{Given, Reply};
use crate::incoming;
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

    /// Whether any run listens to events of this type.
    pub(super) fn hears(&self, kind: &str) -> bool {
        self.by_kind.contains_key(kind)
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
    /// Events that are known change nothing. One for a single run is refused when that run does
    /// not take it. Answered when all of it is on disk, also what was there before in this turn.
    pub(super) fn give(
        &mut self,
        events: Vec<GivenEvent>,
        reply: Reply<Vec<Given>>,
        batch: &mut Batch,
    ) {
        let taken_in: Result<Vec<Given>, Refused> =
            events.into_iter().map(|event| self.take_in(event, batch)).collect();
        match taken_in {
            Ok(given) => {
                batch.after.push(Box::new(|stored| reply.send(stored.map(|()| given))));
            }
            Err(refused) => reply.send(Err(refused)),
        }
    }

    /// Stores an event with this turn, hands it to the runs that listen, and holds it against the
    /// triggers of pipelines, unless its changed paths have to be asked for first.
    pub(super) fn take_in(
        &mut self,
        mut event: GivenEvent,
        batch: &mut Batch,
    ) -> Result<Given, Refused> {
        event.at = self.clock.now();
        if let Some(known) = self.known_event(&event.id, batch)? {
            return Ok(known);
        }
        let taken_by = self.hand_out(&event, batch)?;
        let event = Arc::new(event);
        batch.store(Change::StoreEvent(Arc::clone(&event)));
        let mut given = Given {
            event: Arc::clone(&event),
            duplicate: false,
            taken_by,
            started: Vec::new(),
            waits: false,
        };
        match self.route_new(&event, batch) {
            Ok(Some(started)) => given.started = started,
            Ok(None) => given.waits = true,
            Err(refused) => {
                // It is stored all the same, and held against them when there is room.
                tracing::warn!(event = event.id, cause = %refused, "an event has to wait");
                self.unrouted.push_back(event.id.clone());
                given.waits = true;
            }
        }
        batch.given.insert(event.id.clone(), given.clone());
        Ok(given)
    }

    fn known_event(&self, id: &str, batch: &Batch) -> Result<Option<Given>, Refused> {
        if let Some(given) = batch.given.get(id) {
            return Ok(Some(Given { duplicate: true, ..given.clone() }));
        }
        let Some(row) = self.reader.given_event(id)? else { return Ok(None) };
        let started = row.matches.iter().filter_map(|found| found.run);
        let named = |run| {
            let row = self.reader.run(run)?;
            Ok(row.map(|row| row.name()))
        };
        let started: Result<Vec<Option<String>>, Error> = started.map(named).collect();
        Ok(Some(Given {
            event: Arc::new(row.event),
            duplicate: true,
            taken_by: row.taken_by.into_iter().map(|taker| taker.name).collect(),
            started: started?.into_iter().flatten().collect(),
            waits: row.routed_at.is_none(),
        }))
    }

    /// Names of the runs that took it.
    fn hand_out(&mut self, event: &GivenEvent, batch: &mut Batch) -> Result<Vec<String>, Refused> {
        if let Some(run) = event.run {
            let taken = self.deliver(run, event, batch)?;
            return Ok(taken.then(|| self.name(run)).into_iter().collect());
        }
        let listening: BTreeSet<RunId> =
            event.kinds().flat_map(|kind| self.listeners.of(kind)).collect();
        let mut taken_by = Vec::new();
        for run in listening {
            match self.deliver(run, event, batch) {
                Ok(true) => taken_by.push(self.name(run)),
                Ok(false) | Err(Refused::Rejected(_)) => {}
                Err(refused) => {
                    tracing::warn!(%run, cause = %refused, "an event was not delivered");
                }
            }
        }
        Ok(taken_by)
    }

    /// Whether the run took it: as each of its types that the run listens to, the most specific
    /// one under its own id.
    fn deliver(
        &mut self,
        run: RunId,
        event: &GivenEvent,
        batch: &mut Batch,
    ) -> Result<bool, Refused> {
        let fresh = |conductor: &Self| conductor.runs.get(&run).map_or(0, |live| live.fresh.len());
        let before = fresh(self);
        self.load(run)?;
        let Some(live) = self.runs.get(&run) else { return Ok(false) };
        let wanted = kinds(live.run.pipeline());
        let heard: Vec<&str> = event.kinds().filter(|kind| wanted.contains_key(*kind)).collect();
        // What it does not listen to at all the run refuses itself, in words.
        let heard = if heard.is_empty() { vec![event.kind.as_str()] } else { heard };
        let data = incoming::data(event);
        for (kind, place) in heard.into_iter().zip(0u32..) {
            let id = if place == 0 { event.id.clone() } else { format!("{}:{kind}", event.id) };
            let occurrence = Box::new(Occurrence {
                id,
                kind: kind.to_owned(),
                data: data.clone(),
                source: event.source.clone(),
            });
            self.decide(run, Command::Deliver { occurrence }, self.clock.now(), batch)?;
        }
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
            let in_time = |kind| kinds.get(kind).is_some_and(|since| event.at >= *since);
            event.run.is_none_or(|only| only == run) && event.kinds().any(in_time)
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
                // Bodies can be large, so they are read one by one.
                let whole = self.reader.given_event(&row.event.id)?;
                let event = whole.map_or_else(|| row.event.clone(), |row| row.event);
                self.deliver_again(run, &event, batch)?;
            }
            if last {
                break;
            }
        }
        // Those of this very turn are not on disk yet.
        let given = batch.given.values().map(|given| &given.event);
        let given: Vec<Arc<GivenEvent>> = given.filter(|event| wanted(event)).cloned().collect();
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
