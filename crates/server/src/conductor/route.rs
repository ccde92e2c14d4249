//! From an event to the runs it starts. It is stored first; the runs, the list of what matched and
//! the mark that it was routed are one commit. The ids of the runs follow from the event and the
//! trigger, so that whatever is done twice is done once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use engine::id::RunId;
use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::model::{StartOn, StartTrigger};
use pipeline::trigger::{Incoming, PIPELINE_COMPLETED};
use pipeline::when::Truth;
use sha2::{Digest, Sha256};
use store::port::{
    Change, Error, GivenEvent, GivenQuery, Match, PipelineQuery, Read, Routed, Target,
};
use tokio::sync::mpsc::UnboundedSender;
use uuid::Builder;

use super::batch::Batch;
use super::desk::{Learned, Reply};
use super::live::guarded;
use super::{Conductor, FULL_AGAIN};
use crate::definition::Definitions;
use crate::incoming;
use crate::intake::Start;
use crate::refused::Refused;

/// Stored events that are routed in one turn.
const AT_ONCE: usize = 256;
/// Rows read at once.
const PAGE: u32 = 500;

/// Enabled pipelines with triggers, by the types of events that these listen to.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    by_kind: HashMap<String, BTreeSet<String>>,
    pipelines: HashMap<String, Listening>,
    /// Could not be read when they changed.
    stale: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Listening {
    pipeline: Arc<Pipeline>,
    revision: u32,
    digest: String,
}

/// Where events go whose changed paths have to be asked for, by their ids.
#[derive(Clone, Debug)]
pub(crate) struct Unknown(pub(crate) UnboundedSender<String>);

impl Unknown {
    /// Nobody there: it is asked for by the next process, which finds it unrouted.
    pub(crate) fn send(&self, event: String) {
        let _nobody = self.0.send(event);
    }
}

impl Routes {
    /// Takes a pipeline as the catalogue has it now.
    fn refresh(&mut self, name: &str, reader: &dyn Read, definitions: &Definitions) {
        self.remove(name);
        match current(name, reader, definitions) {
            Ok(Some(listening)) => self.insert(name, listening),
            Ok(None) => {}
            Err(Refused::Unreadable { problem, .. }) => {
                tracing::error!(pipeline = name, problem, "its triggers cannot be read");
            }
            Err(refused) => {
                tracing::error!(pipeline = name, cause = %refused, "its triggers cannot be read");
                self.stale.insert(name.to_owned());
            }
        }
    }

    fn insert(&mut self, name: &str, listening: Listening) {
        for trigger in &listening.pipeline.triggers {
            self.by_kind.entry(trigger.kind().to_owned()).or_default().insert(name.to_owned());
        }
        self.pipelines.insert(name.to_owned(), listening);
    }

    fn remove(&mut self, name: &str) {
        let Some(listening) = self.pipelines.remove(name) else { return };
        for trigger in &listening.pipeline.triggers {
            if let Some(names) = self.by_kind.get_mut(trigger.kind()) {
                names.remove(name);
                if names.is_empty() {
                    self.by_kind.remove(trigger.kind());
                }
            }
        }
    }

    /// Those that listen to anything.
    pub(super) fn pipelines(&self) -> Vec<Arc<Pipeline>> {
        self.pipelines.values().map(|listening| Arc::clone(&listening.pipeline)).collect()
    }

    pub(super) fn pipeline(&self, name: &str) -> Option<Arc<Pipeline>> {
        self.pipelines.get(name).map(|listening| Arc::clone(&listening.pipeline))
    }

    /// Whether anything listens to the end of runs of this pipeline.
    pub(super) fn awaits_end_of(&self, name: &str) -> bool {
        let names = self.by_kind.get(PIPELINE_COMPLETED).into_iter().flatten();
        let listening = names.filter_map(|name| self.pipelines.get(name));
        listening.flat_map(|listening| &listening.pipeline.triggers).any(|trigger| {
            match &trigger.on {
                StartOn::Completion(start) => start.pipeline == name,
                StartOn::Event(start) => start.event == PIPELINE_COMPLETED,
                StartOn::Schedule(_) | StartOn::Files(_) => false,
            }
        })
    }

    /// The pipelines that may be meant, by name.
    fn of(&self, event: &GivenEvent) -> Vec<Listening> {
        let names: BTreeSet<&String> =
            event.kinds().filter_map(|kind| self.by_kind.get(kind)).flatten().collect();
        let only = event.target.as_ref().map(|target| &target.pipeline);
        let names = names.into_iter().filter(|name| only.is_none_or(|only| only == *name));
        names.filter_map(|name| self.pipelines.get(name)).cloned().collect()
    }
}

/// `None`: it is gone, disabled, or has no triggers.
fn current(
    name: &str,
    reader: &dyn Read,
    definitions: &Definitions,
) -> Result<Option<Listening>, Refused> {
    if !reader.pipeline(name)?.is_some_and(|row| row.enabled) {
        return Ok(None);
    }
    let Some(row) = reader.revision(name, None)? else { return Ok(None) };
    // Nothing is parsed that cannot have any.
    if !row.text.contains("triggers") {
        return Ok(None);
    }
    let (pipeline, revision, digest) = definitions.current(reader, name)?;
    let listening = Listening { pipeline, revision, digest };
    Ok((!listening.pipeline.triggers.is_empty()).then_some(listening))
}

/// Whether this trigger may be fired by an event that is for `target`.
pub(crate) fn is_meant(target: Option<&Target>, pipeline: &str, trigger: &StartTrigger) -> bool {
    target.is_none_or(|target| {
        target.pipeline == pipeline && (target.trigger.is_empty() || target.trigger == trigger.name)
    })
}

impl Conductor {
    /// The triggers of all pipelines, and the events that were not yet held against them.
    pub(super) fn open_routes(&mut self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let rows =
                self.reader.pipelines(&PipelineQuery { after: after.take(), limit: PAGE })?;
            for row in &rows {
                self.routes.refresh(&row.name, &*self.reader, &self.definitions);
            }
            if rows.len() < PAGE as usize {
                break;
            }
            after = rows.last().map(|row| row.name.clone());
        }
        let mut after = None;
        loop {
            let query = GivenQuery {
                unrouted: true,
                oldest_first: true,
                after,
                limit: PAGE,
                ..GivenQuery::default()
            };
            let rows = self.reader.given_events(&query)?;
            after = rows.last().map(|row| row.number);
            let last = rows.len() < PAGE as usize;
            self.unrouted.extend(rows.into_iter().map(|row| row.event.id));
            if last {
                return Ok(());
            }
        }
    }

    /// Keeps the index in step with what was committed.
    pub(super) fn follow_catalog(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::SavePipeline { name, .. }
            | Change::SetEnabled { name, .. }
            | Change::DeletePipeline { name, .. } = change
            {
                self.routes.refresh(name, &*self.reader, &self.definitions);
                self.follow_schedules(change);
                self.publish_files();
            }
        }
    }

    /// Routes an event that is stored with this turn. `None`: its changed paths are asked for
    /// first. Else the names of the runs that it started.
    pub(super) fn route_new(
        &mut self,
        event: &GivenEvent,
        batch: &mut Batch,
    ) -> Result<Option<Vec<String>>, Refused> {
        if event.run.is_some() {
            self.routed(event, &Learned::default(), Vec::new(), batch);
            return Ok(Some(Vec::new()));
        }
        let incoming = self.incoming(event);
        if event.delivery.is_some() && self.asks_for_paths(event, incoming.as_ref()) {
            batch.unknown.push(event.id.clone());
            return Ok(None);
        }
        self.route(event, incoming, &Learned::default(), batch).map(Some)
    }

    /// Whether something waits to be routed, and may be tried now.
    pub(super) fn can_route(&self) -> bool {
        let rested = self.unrouted_at.is_none_or(|failed| failed.elapsed() >= FULL_AGAIN);
        !self.unrouted.is_empty() && !self.full && rested
    }

    /// Events that are on disk and were not routed, a few in each turn.
    pub(super) fn route_stored(&mut self, batch: &mut Batch) {
        if !self.can_route() {
            return;
        }
        self.unrouted_at = None;
        let many = self.unrouted.len().min(AT_ONCE);
        let events: Vec<String> = self.unrouted.drain(..many).collect();
        for id in events {
            // It is stored with this very turn.
            if batch.given.contains_key(&id) {
                self.unrouted.push_back(id);
                continue;
            }
            if let Err(refused) = self.route_again(&id, batch) {
                tracing::warn!(event = id, cause = %refused, "an event has to wait");
                self.full |= matches!(refused, Refused::StorageFull);
                self.unrouted_at = Some(Instant::now());
                self.unrouted.push_back(id);
            }
        }
    }

    fn route_again(&mut self, id: &str, batch: &mut Batch) -> Result<(), Refused> {
        let Some(row) = self.reader.given_event(id)?.filter(|row| row.routed_at.is_none()) else {
            return Ok(());
        };
        self.route_new(&row.event, batch)?;
        batch.routing.push(id.to_owned());
        Ok(())
    }

    /// Routes an event whose changed paths are known now, or never will be.
    pub(super) fn learn(&mut self, learned: Learned, reply: Reply<()>, batch: &mut Batch) {
        match self.route_learned(&learned, batch) {
            Ok(()) => batch.after.push(Box::new(|stored| reply.send(stored))),
            Err(refused) => reply.send(Err(refused)),
        }
    }

    fn route_learned(&mut self, learned: &Learned, batch: &mut Batch) -> Result<(), Refused> {
        let row = self.reader.given_event(&learned.id)?;
        let Some(row) = row.filter(|row| row.routed_at.is_none()) else { return Ok(()) };
        let mut event = row.event;
        event.facts.paths.clone_from(&learned.paths);
        let incoming = self.incoming(&event);
        self.route(&event, incoming, learned, batch).map(drop)
    }

    /// `None`: nobody listens, and nothing has to be read.
    fn incoming(&mut self, event: &GivenEvent) -> Option<Incoming> {
        for name in std::mem::take(&mut self.routes.stale) {
            self.routes.refresh(&name, &*self.reader, &self.definitions);
        }
        let listened = !self.routes.of(event).is_empty();
        listened.then(|| incoming::of(event, incoming::shown(event)))
    }

    /// Whether some trigger hangs on the changed paths, which are not known.
    fn asks_for_paths(&self, event: &GivenEvent, incoming: Option<&Incoming>) -> bool {
        let Some(incoming) = incoming.filter(|_| event.facts.paths.is_none()) else {
            return false;
        };
        self.routes.of(event).iter().any(|listening| {
            let name = &listening.pipeline.name;
            let triggers = listening.pipeline.triggers.iter();
            let mut triggers = triggers.filter(|trigger| trigger.asks_for_paths());
            triggers.any(|trigger| {
                let judged = || trigger.judge(name, incoming).reason.truth;
                is_meant(event.target.as_ref(), name, trigger)
                    && guarded(judged).is_ok_and(|truth| truth == Truth::Unknown)
            })
        })
    }

    /// Starts what the event starts. Refused only when nothing can be stored or the server stops;
    /// whatever else is in the way is noted with the match.
    fn route(
        &mut self,
        event: &GivenEvent,
        incoming: Option<Incoming>,
        learned: &Learned,
        batch: &mut Batch,
    ) -> Result<Vec<String>, Refused> {
        let (mut matches, mut started) = (Vec::new(), Vec::new());
        if let Some(incoming) = incoming {
            for listening in self.routes.of(event) {
                for trigger in &listening.pipeline.triggers {
                    let name = &listening.pipeline.name;
                    if !is_meant(event.target.as_ref(), name, trigger) {
                        continue;
                    }
                    match guarded(|| trigger.judge(name, &incoming).starts) {
                        Ok(false) => {}
                        Ok(true) => {
                            let found =
                                self.fire_trigger(event, &incoming, &listening, trigger, batch)?;
                            started.extend(found.run.map(|run| self.name(run)));
                            matches.push(found);
                        }
                        Err(problem) => matches.push(no_run(&listening, trigger, problem)),
                    }
                }
            }
        }
        self.routed(event, learned, matches, batch);
        Ok(started)
    }

    fn routed(
        &mut self,
        event: &GivenEvent,
        learned: &Learned,
        matches: Vec<Match>,
        batch: &mut Batch,
    ) {
        batch.store(Change::RouteEvent(Routed {
            id: event.id.clone(),
            at: self.clock.now(),
            paths: learned.paths.clone(),
            problem: learned.problem.clone(),
            matches,
        }));
    }

    fn fire_trigger(
        &mut self,
        event: &GivenEvent,
        incoming: &Incoming,
        listening: &Listening,
        trigger: &StartTrigger,
        batch: &mut Batch,
    ) -> Result<Match, Refused> {
        let id = run_id(&event.id, &listening.pipeline.name, &trigger.name, event.at);
        let matched = || Match {
            pipeline: listening.pipeline.name.clone(),
            trigger: trigger.name.clone(),
            run: Some(id),
            problem: String::new(),
        };
        if self.runs.contains_key(&id) || self.reader.run(id)?.is_some() {
            return Ok(matched());
        }
        let inputs = match guarded(|| trigger.inputs(&incoming.data)) {
            Ok(Ok(inputs)) => inputs,
            Ok(Err(unresolved)) => return Ok(no_run(listening, trigger, unresolved.to_string())),
            Err(problem) => return Ok(no_run(listening, trigger, problem)),
        };
        let start = Start {
            inputs,
            event: incoming.data.clone(),
            facts: event.facts.clone(),
            id: Some(id),
            ..Start::of_stored(
                Arc::clone(&listening.pipeline),
                listening.revision,
                listening.digest.clone(),
                event.by.clone(),
            )
        };
        match self.create(start, batch) {
            Ok(_) => Ok(matched()),
            Err(refused @ (Refused::StorageFull | Refused::Stopping)) => Err(refused),
            Err(refused) => {
                tracing::warn!(
                    event = event.id,
                    pipeline = listening.pipeline.name,
                    cause = %refused,
                    "a trigger matched and started nothing"
                );
                Ok(no_run(listening, trigger, refused.to_string()))
            }
        }
    }
}

fn no_run(listening: &Listening, trigger: &StartTrigger, problem: String) -> Match {
    let pipeline = listening.pipeline.name.clone();
    Match { pipeline, trigger: trigger.name.clone(), run: None, problem }
}

/// The same for the same event and trigger; sorted by time like every other id.
fn run_id(event: &str, pipeline: &str, trigger: &str, at: Timestamp) -> RunId {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let mut named = Sha256::new();
    for part in [event, pipeline, trigger] {
        named.update((part.len() as u64).to_be_bytes());
        named.update(part);
    }
    let mut random = [0; 10];
    random.copy_from_slice(&named.finalize()[..10]);
    RunId(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_by_its_event_and_trigger() {
        let at = Timestamp::from_millisecond(1_790_000_000_000).unwrap();
        let id = run_id("gh:1", "ci", "push", at);
        assert_eq!(id, run_id("gh:1", "ci", "push", at));
        let others = [
            ("gh:2", "ci", "push"),
            ("gh:1", "cd", "push"),
            ("gh:1", "ci", "pus"),
            ("gh:1c", "i", "push"),
        ];
        for (event, pipeline, trigger) in others {
            assert_ne!(id, run_id(event, pipeline, trigger, at));
        }
        assert_eq!(id.0.get_version_num(), 7);
    }
}
