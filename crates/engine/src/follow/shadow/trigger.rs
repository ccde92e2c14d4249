//! Stages that something else would start, or feed: nobody is waited for.

use pipeline::model::{EventFilter, StageIx, Trigger, TriggerMode};
use serde_json::{Value as Json, json};

use super::intention;
use crate::event::{Deed, Event, Outcome};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::scope::{Notes, RunScope};

/// Of a stage whose triggers have not fired, and can fire no more by themselves.
pub(in crate::follow) enum Foretold {
    /// It would be started; this is to be said first.
    Say(Box<Event>),
    Said,
    /// Nothing would start it.
    Never,
}

impl Run {
    pub(in crate::follow) fn foretold_trigger(&self, ix: StageIx) -> Foretold {
        let stage = self.model(ix);
        let (Some(triggers), true) = (&stage.triggers, self.state.is_shadow()) else {
            return Foretold::Never;
        };
        let fired = self.state.stage(ix).watch.as_deref().map(|watch| &watch.fired);
        let fed = triggers.instances.is_some();
        let open = triggers.list.iter().zip(0u32..).filter(|(trigger, place)| {
            let done = fired.is_some_and(|fired| fired.contains_key(place));
            !(done || fed && matches!(trigger, Trigger::Event(_)))
        });
        let would: Vec<Option<String>> =
            open.map(|(trigger, _)| self.would_fire(ix, trigger)).collect();
        let words: Vec<String> = match triggers.mode {
            TriggerMode::Any => would.into_iter().flatten().take(1).collect(),
            TriggerMode::All if would.iter().all(Option::is_some) => {
                would.into_iter().flatten().collect()
            }
            TriggerMode::All => Vec::new(),
        };
        if words.is_empty() {
            return Foretold::Never;
        }
        if self.state.stage(ix).would(Deed::Wait) {
            return Foretold::Said;
        }
        let says = format!("would wait for {}", words.join(", and "));
        let details = json!({ "for": words });
        let said = intention(Deed::Wait, says, details, &Notes::default());
        Foretold::Say(Box::new(self.said(ExecutionId::stage(stage.name.clone()), said)))
    }

    /// A trigger that will not fire in this run and would in earnest, as the rest of "it would
    /// wait for".
    pub(crate) fn would_fire(&self, ix: StageIx, trigger: &Trigger) -> Option<String> {
        match trigger {
            Trigger::Completion { .. } => None,
            Trigger::Event(filter) => self.would_come(filter),
            Trigger::Condition { expression } => {
                let found = expression.evaluate_bool(&RunScope::stage(self, ix));
                let unknown = found.is_err_and(|error| error.unknown);
                (unknown && !self.can_fire(ix, trigger)).then(|| format!("`{}`", expression.source))
            }
            Trigger::Manual { approval } => {
                let people = approval.as_ref().map(|of| of.electorate.approvers.join(", "));
                let people = people.filter(|people| !people.is_empty());
                Some(format!("{} to start it", people.as_deref().unwrap_or("somebody")))
            }
        }
    }

    /// An event that nobody gave, and somebody would.
    fn would_come(&self, filter: &EventFilter) -> Option<String> {
        if filter.emitters.is_empty() {
            return Some(format!("`{}` from outside", filter.event));
        }
        let would = |stage: &&StageIx| {
            self.state.stage(**stage).end().is_some_and(|end| end.outcome == Outcome::WouldHave)
        };
        let from = filter.emitters.iter().find(would)?;
        Some(format!("`{}` from `{}`", filter.event, self.model(*from).name))
    }

    /// A fed stage to which more would come than did, and that has not said so yet.
    pub(in crate::follow) fn foretold_feed(&self, ix: StageIx) -> Option<Event> {
        let stage = self.state.stage(ix);
        let filter = self.model(ix).feed().filter(|_| self.state.is_shadow())?;
        let came = stage.items().is_some_and(|items| !items.is_empty());
        if stage.would(Deed::Each) || (filter.emitters.is_empty() && came) {
            return None;
        }
        let each = self.would_come(filter)?;
        Some(self.said_each(ix, &each, Json::Null))
    }

    pub(in crate::follow) fn said_each(&self, ix: StageIx, each: &str, details: Json) -> Event {
        let says = format!("would run once for each of {each}");
        let mut said = intention(Deed::Each, says, details, &Notes::default());
        said.unknown = vec![each.trim_matches(['<', '>']).to_owned()];
        self.said(ExecutionId::stage(self.model(ix).name.clone()), said)
    }
}
