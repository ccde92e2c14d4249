//! A stage whose dependencies have settled: does it run?

use std::collections::BTreeSet;

use indexmap::IndexMap;
use pipeline::model::{Stage, StageIx, StageName};
use serde_json::Value as Json;

use super::MAX_ITEMS;
use super::shadow::Foretold;
use crate::event::{Conclusion, Deed, Event, Failure, Outcome, Settled};
use crate::rule::{self, Judged};
use crate::run::Run;
use crate::scope::{Notes, RunScope};
use crate::state::Bar;

impl Run {
    pub(super) fn judge(&self, ix: StageIx) -> Event {
        let stage = self.model(ix);
        let bar = self.state.bar(stage);
        match bar {
            Some(Bar::Cancelled) => return not_run(stage, Settled::Cancelled),
            Some(Bar::Unstartable) => {
                let head = self.state.head.as_ref();
                let message = head.and_then(|head| head.problem.clone()).unwrap_or_default();
                return not_run(stage, Settled::Unstartable { message });
            }
            Some(Bar::Halted) | None => {}
        }
        let concluded = |dep: &StageIx| self.state.stage(*dep).end().map(|end| end.conclusion);
        match rule::judge(stage.rule, stage.depends_on.iter().filter_map(concluded)) {
            Judged::Skip => return settled(stage, Outcome::Skipped, Settled::AllSkipped),
            Judged::NotRun => {
                let rule = rule::word(stage.rule).to_owned();
                return not_run(stage, Settled::Rule { rule, causes: self.causes(stage) });
            }
            Judged::Run => {}
        }
        if bar.is_some()
            && let Some(reason) = self.halted()
        {
            return not_run(stage, reason);
        }
        if !self.triggered(ix) {
            match self.foretold_trigger(ix) {
                Foretold::Say(said) => return *said,
                Foretold::Said => {}
                Foretold::Never => {
                    let reason = self.untriggered(ix);
                    return settled(stage, Outcome::Skipped, Settled::NotTriggered { reason });
                }
            }
        }
        let ready = |reason| Event::StageReady { stage: stage.name.clone(), reason };
        let (Some(condition), Some(head)) = (&stage.condition, self.state.head.as_deref()) else {
            return ready(None);
        };
        let scope = RunScope::stage(self, ix);
        match condition.evaluate(&head.facts, &scope, stage.environment.as_deref()) {
            Ok(reason) if condition.holds(&reason) => ready(Some(reason)),
            Ok(reason) => settled(stage, Outcome::Skipped, Settled::Condition { reason }),
            Err(error) => failed(stage, error.to_string()),
        }
    }

    /// Why nothing new starts, as a stage that is kept from starting settles with it.
    pub(super) fn halted(&self) -> Option<Settled> {
        let wanted = self.state.undo.wanted.as_ref();
        match (&self.state.halt, wanted) {
            (Some(halt), _) => Some(Settled::Halted { cause: halt.cause.clone() }),
            (None, Some(wanted)) => {
                Some(Settled::RollingBack { to: self.model(wanted.to).name.clone() })
            }
            (None, None) => None,
        }
    }

    /// The stages that keep the rule from holding: where a dependency did not run itself, what
    /// kept that one from running.
    fn causes(&self, stage: &Stage) -> Vec<StageName> {
        let mut causes = Vec::new();
        let mut seen = BTreeSet::new();
        for &dep in &stage.depends_on {
            let Some(end) = self.state.stage(dep).end() else { continue };
            if !rule::hinders(stage.rule, end.conclusion) {
                continue;
            }
            let deeper = match (&end.reason, end.conclusion) {
                (Settled::Rule { causes, .. }, Conclusion::NotRun) => causes.as_slice(),
                (
                    Settled::Done
                    | Settled::Failed { .. }
                    | Settled::InstancesFailed { .. }
                    | Settled::Condition { .. }
                    | Settled::AllSkipped
                    | Settled::NoItems
                    | Settled::NotTriggered { .. }
                    | Settled::TimedOut
                    | Settled::Needs { .. }
                    | Settled::Rule { .. }
                    | Settled::Halted { .. }
                    | Settled::RollingBack { .. }
                    | Settled::Cancelled
                    | Settled::Unstartable { .. }
                    | Settled::WouldHave,
                    _,
                ) => std::slice::from_ref(&self.model(dep).name),
            };
            // A wide graph below one failure has few causes; the bound keeps it cheap anyway.
            for cause in deeper.iter().take(100) {
                if seen.insert(cause.clone()) {
                    causes.push(cause.clone());
                }
            }
        }
        causes
    }

    pub(super) fn expand(&self, ix: StageIx) -> Event {
        let stage = self.model(ix);
        if stage.compensates.is_some() {
            let items = self.items_to_undo(ix);
            return Event::StageExpanded { stage: stage.name.clone(), items };
        }
        let Some(foreach) = &stage.foreach else {
            return failed(stage, "it has no foreach".to_owned());
        };
        let notes = Notes::default();
        let scope = RunScope::stage(self, ix);
        let shadow = self.state.is_shadow();
        let scope = RunScope { notes: shadow.then_some(&notes), ..scope };
        let items = match foreach.items.resolve(&scope) {
            Ok(items) => items,
            Err(error) => return failed(stage, format!("foreach: {error}")),
        };
        match items {
            // Nobody knows the list: one instance stands for all of them, and says so.
            Json::String(each) if !notes.is_empty() => {
                if !self.state.stage(ix).would(Deed::Each) {
                    return self.said_each(ix, &each, Json::Null);
                }
                let items = vec![Json::String(each)];
                Event::StageExpanded { stage: stage.name.clone(), items }
            }
            Json::Array(items) if items.is_empty() => {
                settled(stage, Outcome::Skipped, Settled::NoItems)
            }
            Json::Array(items) if items.len() > MAX_ITEMS => {
                failed(stage, format!("foreach: {} items are more than {MAX_ITEMS}", items.len()))
            }
            Json::Array(items) => Event::StageExpanded { stage: stage.name.clone(), items },
            other @ (Json::Null
            | Json::Bool(_)
            | Json::Number(_)
            | Json::String(_)
            | Json::Object(_)) => failed(stage, format!("foreach: {} is not a list", kind(&other))),
        }
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}

fn not_run(stage: &Stage, reason: Settled) -> Event {
    settled(stage, Outcome::NotRun, reason)
}

fn failed(stage: &Stage, message: String) -> Event {
    let failure = Failure::Expression { message };
    settled(stage, Outcome::Failed, Settled::Failed { failure })
}

pub(super) fn settled(stage: &Stage, outcome: Outcome, reason: Settled) -> Event {
    Event::StageSettled {
        stage: stage.name.clone(),
        outcome,
        conclusion: super::end::conclude(stage, outcome),
        reason,
        outputs: IndexMap::new(),
    }
}
