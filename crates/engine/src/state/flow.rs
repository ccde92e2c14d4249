//! Events that the run knows of, what its stages wait for, and stages that are fed by events.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use pipeline::model::{Pipeline, StageIx, Trigger, TriggerMode, Triggers};
use serde_json::{Map, Value as Json};

use super::{ExecIx, State};
use crate::event::{Fired, Occurrence, Outcome};

/// All events since the run began, in order of arrival.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    all: Vec<Remembered>,
    by_id: HashMap<String, u32>,
    by_kind: HashMap<String, Vec<u32>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remembered {
    pub(crate) at: Timestamp,
    pub(crate) occurrence: Occurrence,
    /// What expressions see: its data, with `type` and `id`.
    pub(crate) shown: Json,
    /// The execution that gave it.
    pub(crate) from: Option<ExecIx>,
    /// Whoever gave it does its work again.
    pub(crate) forgotten: bool,
    /// What it started.
    pub(crate) started: Vec<ExecIx>,
    /// What it did not start, and why.
    pub(crate) passed: Vec<(StageIx, String)>,
}

impl Known {
    pub(crate) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn get(&self, place: u32) -> Option<&Remembered> {
        self.all.get(place as usize).filter(|event| !event.forgotten)
    }

    pub(crate) fn place(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn by_id_mut(&mut self, id: &str) -> Option<&mut Remembered> {
        self.all.get_mut(*self.by_id.get(id)? as usize)
    }

    /// Places of all events of this type, in order of arrival.
    pub(crate) fn of_kind(&self, kind: &str) -> impl DoubleEndedIterator<Item = u32> + '_ {
        let places = self.by_kind.get(kind).map_or(&[] as &[u32], Vec::as_slice);
        places.iter().copied().filter(|place| self.get(*place).is_some())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Remembered> {
        self.all.iter().filter(|event| !event.forgotten)
    }

    pub(crate) fn add(&mut self, at: Timestamp, occurrence: Occurrence, from: Option<ExecIx>) {
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.by_id.insert(occurrence.id.clone(), place);
        self.by_kind.entry(occurrence.kind.clone()).or_default().push(place);
        let shown = shown(&occurrence);
        let (started, passed) = (Vec::new(), Vec::new());
        self.all.push(Remembered {
            at,
            occurrence,
            shown,
            from,
            forgotten: false,
            started,
            passed,
        });
    }

    /// Whoever is fresh has given nothing and was started by nothing yet.
    pub(crate) fn forget(&mut self, fresh: impl Fn(ExecIx) -> bool) {
        for event in &mut self.all {
            if event.from.is_some_and(&fresh) && !event.forgotten {
                event.forgotten = true;
                self.by_id.remove(&event.occurrence.id);
            }
        }
    }

    /// As it was, and what came since.
    pub(crate) fn restore(&mut self, before: Self) {
        let now = std::mem::replace(self, before);
        let since = now.all.into_iter().skip(self.all.len()).filter(|event| !event.forgotten);
        for event in since {
            if !self.has(&event.occurrence.id) {
                self.add(event.at, event.occurrence, event.from);
            }
        }
    }

    /// The stage waits for events anew.
    pub(crate) fn release(&mut self, stage: StageIx) {
        for event in &mut self.all {
            event.started.retain(|ix| ix.stage != stage);
            event.passed.retain(|(ix, _)| *ix != stage);
        }
    }
}

/// An event as expressions and `${event.*}` see it.
pub(crate) fn shown(occurrence: &Occurrence) -> Json {
    let mut map = match &occurrence.data {
        Json::Object(map) => map.clone(),
        Json::Null => Map::new(),
        other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
            Map::from_iter([("data".to_owned(), other.clone())])
        }
    };
    map.insert("type".to_owned(), Json::String(occurrence.kind.clone()));
    map.insert("id".to_owned(), Json::String(occurrence.id.clone()));
    Json::Object(map)
}

/// What became of the triggers of one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watch {
    /// Since when its triggers are looked at: its dependencies have settled.
    pub(crate) since: Option<Timestamp>,
    /// By place in the definition.
    pub(crate) fired: BTreeMap<u32, Fired>,
    /// The newest event among them, as it is shown.
    pub(crate) event: Option<Json>,
}

impl Watch {
    /// Nothing more has to fire. Events that feed a stage are no matter of its start.
    pub(crate) fn satisfied(&self, triggers: &Triggers) -> bool {
        let fed = triggers.instances.is_some();
        let mut list = triggers.list.iter().zip(0u32..);
        match triggers.mode {
            TriggerMode::Any => fed || !self.fired.is_empty(),
            TriggerMode::All => list.all(|(trigger, place)| {
                (fed && matches!(trigger, Trigger::Event(_))) || self.fired.contains_key(&place)
            }),
        }
    }
}

/// Of a stage that gets an instance for each event.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fed {
    /// Why it takes no more events.
    pub(crate) closed: Option<String>,
    /// Instance `n` is at `n - 1`.
    pub(crate) given: Vec<Given>,
    by_key: HashMap<String, u32>,
    /// By key: the instances that wait for it.
    wanted: HashMap<String, Vec<u32>>,
    /// Instances that wait for others.
    pub(crate) blocked: BTreeSet<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given {
    /// The id of its event.
    pub(crate) event: String,
    pub(crate) key: Option<String>,
    pub(crate) needs: Vec<String>,
    /// How many of them have not succeeded yet.
    unmet: u32,
}

impl Fed {
    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    pub(crate) fn of_key(&self, key: &str) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    pub(crate) fn given(&self, instance: u32) -> Option<&Given> {
        self.given.get(instance.saturating_sub(1) as usize)
    }

    /// Keys that nobody has, of those that are waited for, with who waits.
    fn missing(&self) -> Vec<u32> {
        let missing = self.wanted.iter().filter(|(key, _)| !self.by_key.contains_key(*key));
        missing.flat_map(|(_, waiting)| waiting.iter().copied()).collect()
    }
}

/// How far the instance of a needed key is.
enum Need {
    Met,
    Open,
    /// It has settled otherwise.
    Lost,
}

impl State {
    fn need(&self, stage: StageIx, fed: &Fed, key: &str) -> Need {
        let Some(instance) = fed.of_key(key) else {
            return if fed.is_open() { Need::Open } else { Need::Lost };
        };
        match self.exec(ExecIx { stage, instance }).end().map(|end| end.outcome) {
            Some(Outcome::Succeeded | Outcome::WouldHave) => Need::Met,
            Some(Outcome::Failed | Outcome::Cancelled | Outcome::Skipped | Outcome::NotRun) => {
                Need::Lost
            }
            None => Need::Open,
        }
    }

    /// Adds what an instance waits for to the books; whether it waits for nothing.
    fn wire(&mut self, stage: StageIx, instance: u32) -> bool {
        let Some(mut fed) = self.stages[stage.get()].fan_mut().and_then(|fan| fan.fed.take())
        else {
            return true;
        };
        let place = instance.saturating_sub(1) as usize;
        let needs = fed.given.get(place).map(|given| given.needs.clone()).unwrap_or_default();
        let (mut unmet, mut lost) = (0, false);
        for key in needs {
            match self.need(stage, &fed, &key) {
                Need::Met => {}
                Need::Open => {
                    unmet += 1;
                    fed.wanted.entry(key).or_default().push(instance);
                }
                Need::Lost => {
                    unmet += 1;
                    lost = true;
                }
            }
        }
        if let Some(given) = fed.given.get_mut(place) {
            given.unmet = unmet;
        }
        if unmet > 0 {
            fed.blocked.insert(instance);
        }
        if lost {
            self.links.needless.insert(ExecIx { stage, instance });
        }
        if let Some(fan) = self.stages[stage.get()].fan_mut() {
            fan.fed = Some(fed);
        }
        unmet == 0
    }

    /// One more instance; whether it may go on at once.
    pub(crate) fn feed(&mut self, stage: StageIx, given: Given, item: Json) -> Option<u32> {
        let place = &mut self.stages[stage.get()];
        let known = place.executions.len();
        let fan = place.fan_mut()?;
        fan.items.push(item);
        fan.unsettled += 1;
        let instance = u32::try_from(fan.items.len()).unwrap_or(u32::MAX);
        let fed = fan.fed.as_deref_mut()?;
        if let Some(key) = &given.key {
            fed.by_key.insert(key.clone(), instance);
        }
        fed.given.push(given);
        if known < instance as usize {
            place.executions.push(super::execution::Execution::default());
        }
        // Until the first event the stage counted as one unit.
        if instance > 1 {
            self.tally.total += 1;
        }
        Some(instance)
    }

    /// Lets go on whoever waited for this instance only, or gives it up.
    pub(crate) fn fed_settled(&mut self, ix: ExecIx, outcome: Outcome) -> Vec<ExecIx> {
        let mut free = Vec::new();
        let links = &mut self.links;
        let Some(fed) =
            self.stages[ix.stage.get()].fan_mut().and_then(|fan| fan.fed.as_deref_mut())
        else {
            return free;
        };
        fed.blocked.remove(&ix.instance);
        let key = fed.given(ix.instance).and_then(|given| given.key.clone());
        let waiting = key.and_then(|key| fed.wanted.remove(&key)).unwrap_or_default();
        for instance in waiting.into_iter().filter(|instance| *instance != ix.instance) {
            let waits = ExecIx { stage: ix.stage, instance };
            if !fed.blocked.contains(&instance) {
                continue;
            }
            if !outcome.is_good() {
                links.needless.insert(waits);
            } else if let Some(given) = fed.given.get_mut(waits.slot()) {
                given.unmet -= 1;
                if given.unmet == 0 {
                    fed.blocked.remove(&instance);
                    free.push(waits);
                }
            }
        }
        self.give_up(ix.stage);
        free
    }

    /// Whoever waits for what can never come any more.
    pub(crate) fn give_up(&mut self, stage: StageIx) {
        let Some(fan) = self.stages[stage.get()].fan() else { return };
        let Some(fed) = fan.fed.as_deref().filter(|fed| !fed.is_open()) else { return };
        let each = |instance: u32| ExecIx { stage, instance };
        if fan.unsettled as usize == fed.blocked.len() {
            // They wait for each other, or for keys that nobody has.
            self.links.needless.extend(fed.blocked.iter().copied().map(each));
        }
    }

    /// It takes no more events.
    pub(crate) fn close_feed(&mut self, stage: StageIx, reason: &str) {
        let Some(fan) = self.stages[stage.get()].fan_mut() else { return };
        let done = fan.unsettled == 0;
        let Some(fed) = fan.fed.as_deref_mut() else { return };
        fed.closed = Some(reason.to_owned());
        let missing = fed.missing();
        self.links.feeding.remove(&stage);
        let each = |instance| ExecIx { stage, instance };
        self.links.needless.extend(missing.into_iter().map(each));
        if done {
            self.links.complete.insert(stage);
        }
        self.give_up(stage);
    }

    /// Who of a fed stage may go on, after some of it was made fresh.
    pub(crate) fn rewire(&mut self, stage: StageIx) -> Vec<ExecIx> {
        let place = &mut self.stages[stage.get()];
        let Some(fan) = place.fan_mut() else { return Vec::new() };
        let count = u32::try_from(fan.items.len()).unwrap_or(u32::MAX);
        if let Some(fed) = fan.fed.as_deref_mut() {
            fed.wanted.clear();
            fed.blocked.clear();
        }
        let fresh = (1..=count).map(|instance| ExecIx { stage, instance });
        let idle = super::execution::ExecutionState::Idle;
        let fresh: Vec<ExecIx> = fresh.filter(|ix| self.exec(*ix).state == idle).collect();
        let free = fresh.into_iter().filter(|ix| self.wire(stage, ix.instance)).collect();
        self.give_up(stage);
        free
    }

    /// Looks at an instance that was just fed.
    pub(crate) fn wire_new(&mut self, ix: ExecIx) -> bool {
        self.wire(ix.stage, ix.instance)
    }

    /// Why a fed stage takes no more events from now on.
    pub(crate) fn closing(&self, pipeline: &Pipeline, stage: StageIx) -> Option<String> {
        let fan = self.stage(stage).fan()?;
        let fed = fan.fed.as_deref().filter(|fed| fed.is_open())?;
        let model = &pipeline.stages[stage.get()];
        if self.bar(model).is_some() {
            return Some("the run does not go on".to_owned());
        }
        let triggers = model.triggers.as_ref()?;
        let filter = triggers.feed()?;
        let outside = filter.emitters.is_empty();
        if outside && self.is_shadow() {
            return Some("a shadow run waits for nobody".to_owned());
        }
        let expect = triggers.expect.or(outside.then_some(1));
        if let Some(expect) = expect.filter(|expect| fan.items.len() >= *expect as usize) {
            let events = if expect == 1 { "event" } else { "events" };
            return Some(format!("{expect} {events} came, as expected"));
        }
        let over = |emitter: &StageIx| self.stage(*emitter).end().is_some();
        let (own, others): (Vec<StageIx>, Vec<StageIx>) =
            filter.emitters.iter().partition(|emitter| **emitter == stage);
        let idle = own.is_empty() || fan.unsettled as usize == fed.blocked.len();
        (!outside && idle && others.iter().all(over))
            .then(|| format!("no stage can give `{}` any more", filter.event))
    }

    /// Puts a fed stage up for being closed, when it is time.
    pub(crate) fn consider_closing(&mut self, pipeline: &Pipeline, stage: StageIx) {
        if self.stage(stage).fan().is_some_and(super::stage::Fan::grows) {
            self.links.feeding.insert(stage);
        }
        if self.closing(pipeline, stage).is_some() {
            self.links.close.insert(stage);
        } else {
            self.links.close.remove(&stage);
        }
    }
}

impl Given {
    pub(crate) fn new(event: String, key: Option<String>, needs: Vec<String>) -> Self {
        Self { event, key, needs, unmet: 0 }
    }
}
