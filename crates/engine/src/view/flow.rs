//! Events and triggers, as shown.

use jiff::Timestamp;
use pipeline::model::{StageIx, StageName, Trigger, TriggerMode};

use crate::event::Occurrence;
use crate::id::ExecutionId;
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::ExecIx;
use crate::state::flow::Fed;
use crate::state::stage::StageState;
use crate::words;

/// An event that the run knows of.
#[derive(Clone, Debug)]
pub struct EventView<'r> {
    pub at: Timestamp,
    pub occurrence: &'r Occurrence,
    /// The stages and instances that it started.
    pub started: Vec<ExecutionId>,
    /// The fed stages that it gave no instance, and why.
    pub passed_over: Vec<(StageName, &'r str)>,
}

impl Run {
    /// Every event since the run began, in order of arrival. Those of work that was made fresh
    /// again are left out.
    pub fn events(&self) -> impl Iterator<Item = EventView<'_>> {
        self.state.known.iter().map(|known| EventView {
            at: known.at,
            occurrence: &known.occurrence,
            started: known.started.iter().map(|ix| self.exec_id(*ix)).collect(),
            passed_over: known
                .passed
                .iter()
                .map(|(ix, reason)| (self.model(*ix).name.clone(), reason.as_str()))
                .collect(),
        })
    }

    /// What a stage waits for beside its dependencies, each as the rest of "it waits for".
    /// Empty: for no trigger and no event.
    pub fn trigger_words(&self, stage: &str) -> Vec<String> {
        self.ix(stage).map(|ix| self.waited_for(ix)).unwrap_or_default()
    }

    /// `waits for ...`, or nothing.
    pub(crate) fn listens_to(&self, ix: StageIx) -> String {
        let words = self.waited_for(ix);
        let all = self.model(ix).triggers.as_ref().map(|triggers| triggers.mode);
        let joint = if all == Some(TriggerMode::All) { ", and " } else { ", or " };
        if words.is_empty() { String::new() } else { format!("waits for {}", words.join(joint)) }
    }

    /// Which keys an instance waits for.
    pub(crate) fn needed(&self, ix: ExecIx) -> String {
        let fed = self.state.stage(ix.stage).fed();
        let keys: Vec<String> = fed.map(|fed| self.unmet(ix, fed)).unwrap_or_default();
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        if keys.is_empty() { String::new() } else { format!("waits for {}", keys.join(", ")) }
    }

    /// The needs of an instance that have not succeeded.
    pub(crate) fn unmet(&self, ix: ExecIx, fed: &Fed) -> Vec<String> {
        let met = |key: &String| {
            let end = fed
                .of_key(key)
                .and_then(|instance| self.state.exec(ExecIx { stage: ix.stage, instance }).end());
            end.is_some_and(|end| end.outcome.is_good())
        };
        let needs = fed.given(ix.instance).map_or(&[] as &[String], |given| &given.needs);
        needs.iter().filter(|key| !met(key)).cloned().collect()
    }

    pub(crate) fn waited_for(&self, ix: StageIx) -> Vec<String> {
        let model = self.model(ix);
        let Some(triggers) = &model.triggers else { return Vec::new() };
        match &self.state.stage(ix).state {
            StageState::Fanned { fan, .. } => {
                let Some(filter) = triggers.feed().filter(|_| fan.grows()) else {
                    return Vec::new();
                };
                let came = fan.items.len();
                let expect = triggers.expect.or(filter.emitters.is_empty().then_some(1));
                let of = expect.map(|expect| format!(" of {expect}")).unwrap_or_default();
                vec![format!("events `{}`: {came}{of} came", filter.event)]
            }
            StageState::Blocked => {
                let watch = self.state.stage(ix).watch.as_deref();
                let fired = |place: &u32| watch.is_some_and(|w| w.fired.contains_key(place));
                let open = triggers.list.iter().zip(0u32..).filter(|(_, place)| !fired(place));
                open.map(|(trigger, _)| self.wanting(ix, trigger)).collect()
            }
            StageState::Dormant | StageState::Ready(_) | StageState::Settled(_) => Vec::new(),
        }
    }

    /// Why no trigger of a stage can fire any more.
    pub(crate) fn untriggered(&self, ix: StageIx) -> String {
        let joint = self.model(ix).triggers.as_ref().map(|triggers| triggers.mode);
        let joint = match joint {
            Some(TriggerMode::All) => " and ",
            Some(TriggerMode::Any) | None => " or ",
        };
        format!("it needed {}", self.waited_for(ix).join(joint))
    }

    fn wanting(&self, ix: StageIx, trigger: &Trigger) -> String {
        match trigger {
            Trigger::Completion { stage, success_only } => {
                let name = &self.model(*stage).name;
                let verb = if *success_only { "succeed" } else { "end" };
                match self.state.stage(*stage).end() {
                    Some(end) => {
                        format!("`{name}` to {verb}, but it {}", words::ended(end.outcome))
                    }
                    None => format!("`{name}` to {verb}"),
                }
            }
            Trigger::Event(filter) => {
                let seen: Vec<u32> = self.state.known.of_kind(&filter.event).collect();
                let came = match seen.len() {
                    0 if self.can_fire(ix, trigger) => String::new(),
                    0 => ", but none came".to_owned(),
                    1 => ", but the one that came does not match".to_owned(),
                    n => format!(", but the {n} that came do not match"),
                };
                let last = seen.last().and_then(|place| self.state.known.get(*place));
                let why = last.and_then(|known| self.passes(ix, filter, known).err());
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                format!("an event `{}`{came}{why}", filter.event)
            }
            Trigger::Condition { expression } => {
                let scope = RunScope::stage(self, ix);
                let why = match expression.evaluate_bool(&scope) {
                    Ok(_) => String::new(),
                    Err(error) => format!(" ({error})"),
                };
                format!("`{}` to hold{why}", expression.source)
            }
            Trigger::Manual { approval: None } => "somebody to start it".to_owned(),
            Trigger::Manual { approval: Some(_) } => "an approval to start it".to_owned(),
        }
    }
}
