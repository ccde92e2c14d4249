//! Stages that get an instance for each event: which event gives one, and what waits for others.

use pipeline::expr::Expression;
use pipeline::model::{EventFilter, StageIx};
use serde_json::Value as Json;

use super::MAX_ITEMS;
use crate::event::{Event, Outcome, Settled};
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::ExecIx;
use crate::state::flow::{Fed, Remembered};
use crate::state::stage::StageState;

impl Run {
    /// What an event of the right type means to a fed stage.
    pub(super) fn match_feed(&self, ix: StageIx, event: u32) -> Option<Event> {
        let known = self.state.known.get(event)?;
        let stage = self.state.stage(ix);
        let (fed, count) = match &stage.state {
            StageState::Fanned { fan, .. } => (fan.fed.as_deref()?, fan.items.len()),
            StageState::Settled(end) => (end.fed.as_deref()?, 0),
            // It is looked at when the stage is ready.
            StageState::Dormant | StageState::Blocked | StageState::Ready(_) => return None,
        };
        if known.started.iter().any(|started| started.stage == ix) {
            return None;
        }
        let name = self.model(ix).name.clone();
        let id = known.occurrence.id.clone();
        Some(match self.fits(ix, known, fed, count) {
            Ok((key, needs)) => {
                Event::StageFed { stage: name, event: id, key, needs, item: known.shown.clone() }
            }
            Err(reason) => Event::StagePassedOver { stage: name, event: id, reason },
        })
    }

    /// The key of the instance that it gives, and the keys it needs; or why it gives none.
    fn fits(
        &self,
        ix: StageIx,
        known: &Remembered,
        fed: &Fed,
        count: usize,
    ) -> Result<(Option<String>, Vec<String>), String> {
        if let Some(closed) = &fed.closed {
            return Err(format!("it takes no more events: {closed}"));
        }
        let model = self.model(ix);
        if self.state.bar(model).is_some() {
            return Err("the run does not go on".to_owned());
        }
        let triggers = model.triggers.as_ref().ok_or("it has no triggers")?;
        let filter = triggers.feed().ok_or("it is not fed")?;
        let expect = triggers.expect.or(filter.emitters.is_empty().then_some(1));
        if let Some(expect) = expect.filter(|expect| count >= *expect as usize) {
            return Err(format!("it takes no more events: {expect} came, as expected"));
        }
        if count >= MAX_ITEMS {
            return Err(format!("it has {MAX_ITEMS} instances, and can have no more"));
        }
        self.passes(ix, filter, known)?;
        let scope = event_scope(self, ix, known);
        let key = filter.key.as_ref().map(|key| word(key, &scope)).transpose()?;
        if let Some(first) = key.as_deref().and_then(|key| fed.of_key(key)) {
            let key = key.as_deref().unwrap_or_default();
            return Err(format!("`{}[{first}]` has the key `{key}` already", model.name));
        }
        let needs = filter.needs.as_ref().map(|needs| words(needs, &scope)).transpose()?;
        Ok((key, needs.unwrap_or_default()))
    }

    /// Whether an event is one that this trigger means; else why it is not.
    pub(crate) fn passes(
        &self,
        ix: StageIx,
        filter: &EventFilter,
        known: &Remembered,
    ) -> Result<(), String> {
        let Some(condition) = &filter.filter else { return Ok(()) };
        match condition.evaluate_bool(&event_scope(self, ix, known)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("`{}` does not hold", condition.source)),
            Err(error) => Err(format!("`{}`: {error}", condition.source)),
        }
    }

    /// An instance whose needs can never be met.
    pub(super) fn needless(&self, ix: ExecIx) -> Event {
        let fed = self.state.stage(ix.stage).fed();
        let keys = fed.map(|fed| self.unmet(ix, fed)).unwrap_or_default();
        self.ended_as(ix, Outcome::NotRun, Settled::Needs { keys })
    }

    pub(super) fn close_feed(&self, ix: StageIx) -> Event {
        let reason = self.state.closing(&self.pipeline, ix).unwrap_or_default();
        Event::StageClosed { stage: self.model(ix).name.clone(), reason }
    }
}

/// A stage as it sees one event.
fn event_scope<'r>(run: &'r Run, ix: StageIx, known: &'r Remembered) -> RunScope<'r> {
    let shown = Some(&known.shown);
    RunScope { event: shown, item: shown, ..RunScope::stage(run, ix) }
}

fn word(of: &Expression, scope: &RunScope<'_>) -> Result<String, String> {
    let value = of.evaluate(scope).map_err(|error| format!("`{}`: {error}", of.source))?;
    key(value).ok_or_else(|| format!("`{}` is neither text nor a number", of.source))
}

/// A list, or one of them; null is none.
fn words(of: &Expression, scope: &RunScope<'_>) -> Result<Vec<String>, String> {
    let value = of.evaluate(scope).map_err(|error| format!("`{}`: {error}", of.source))?;
    let items = match value {
        Json::Null => Vec::new(),
        Json::Array(items) => items,
        other @ (Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_)) => {
            vec![other]
        }
    };
    let mut keys: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let key = key(item)
            .ok_or_else(|| format!("`{}` holds what is neither text nor a number", of.source))?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn key(value: Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}
