//! What `${...}` and expressions are looked up in: the run as it stands.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use pipeline::model::StageIx;
use pipeline::text::{Root, Scope};
use serde_json::{Value as Json, json};

use crate::event::{Deed, Outcome};
use crate::run::Run;
use crate::state::{ExecIx, Head};
use crate::status;

/// Names of values that nobody knows, as they were looked up.
#[derive(Debug, Default)]
pub(crate) struct Notes(RefCell<BTreeSet<String>>);

impl Notes {
    fn add(&self, name: &str) {
        self.0.borrow_mut().insert(name.to_owned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.borrow().iter().cloned().collect()
    }

    pub(crate) fn take(&self, others: Self) {
        self.0.borrow_mut().extend(others.0.into_inner());
    }

    /// Whether something in it only stands for a value that nobody knows.
    pub(crate) fn stands_in(&self, value: &Json) -> bool {
        match value {
            Json::String(text) => {
                self.0.borrow().iter().any(|name| text.contains(&format!("<{name}>")))
            }
            Json::Array(items) => items.iter().any(|item| self.stands_in(item)),
            Json::Object(fields) => fields.values().any(|field| self.stands_in(field)),
            Json::Null | Json::Bool(_) | Json::Number(_) => false,
        }
    }
}

/// The run as one of its stages or executions sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunScope<'r> {
    pub(crate) run: &'r Run,
    /// Whose environment's variables count.
    pub(crate) stage: Option<StageIx>,
    /// Whose scope it is; `None`: of nobody in particular, or while its input is being made.
    pub(crate) exec: Option<ExecIx>,
    pub(crate) item: Option<&'r Json>,
    /// What triggered or fed it; `None`: what started the run.
    pub(crate) event: Option<&'r Json>,
    /// What a person answered.
    pub(crate) form: Option<&'r Json>,
    /// What its input mapping made, where that was asked for already.
    pub(crate) mapped: Option<&'r Json>,
    /// `${outputs.*}`
    pub(crate) own: Option<&'r Json>,
    /// In a shadow run: what is not known is noted here, and its name stands for it.
    pub(crate) notes: Option<&'r Notes>,
}

impl<'r> RunScope<'r> {
    /// Of the run as a whole.
    pub(crate) fn whole(run: &'r Run) -> Self {
        Self {
            run,
            stage: None,
            exec: None,
            item: None,
            event: None,
            form: None,
            mapped: None,
            own: None,
            notes: None,
        }
    }

    /// Of a stage before it has executions.
    pub(crate) fn stage(run: &'r Run, ix: StageIx) -> Self {
        let event = run.state.stage(ix).watch.as_deref().and_then(|watch| watch.event.as_ref());
        Self { stage: Some(ix), event, item: event, ..Self::whole(run) }
    }

    pub(crate) fn of(run: &'r Run, ix: ExecIx) -> Self {
        if let Some(undone) = run.undoes(ix) {
            let own = run.outputs_of(undone);
            return Self { stage: Some(ix.stage), exec: Some(ix), own, ..Self::of(run, undone) };
        }
        let stage = Self::stage(run, ix.stage);
        let item = run.item(ix).or(stage.item);
        let fed = run.model(ix.stage).feed().is_some();
        let event = if fed { item } else { stage.event };
        let people = run.state.exec(ix).people.as_deref();
        let form = people.and_then(|people| people.values.as_ref());
        Self { exec: Some(ix), item, event, form, ..stage }
    }
}

impl Run {
    /// Before any stage.
    pub(crate) fn head_scope<'h>(&'h self, head: &'h Head) -> HeadScope<'h> {
        HeadScope { head, config: &self.pipeline.config }
    }
}

impl Scope for RunScope<'_> {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        let head = self.run.state.head.as_deref()?;
        match root {
            Root::Output(stage) => {
                let end = self.run.state.stage(self.run.ix(stage)?).end()?;
                Some(Cow::Borrowed(&end.outputs))
            }
            Root::Item | Root::Event if self.is_unknown(root) => None,
            Root::Item => self.item.map(Cow::Borrowed),
            Root::Event => Some(Cow::Borrowed(self.event.unwrap_or(&head.event))),
            Root::Form => self.form.map(Cow::Borrowed),
            Root::Mapped => match (self.mapped, self.exec) {
                (Some(mapped), _) => Some(Cow::Borrowed(mapped)),
                (None, Some(ix)) => self.run.input_of(ix).ok().flatten().map(Cow::Owned),
                (None, None) => None,
            },
            Root::Own => self.own.map(Cow::Borrowed),
            Root::Value(name) => {
                let stage = self.stage.map(|stage| self.run.model(stage));
                let environment = stage.and_then(|stage| stage.environment.as_deref());
                value(head, environment, &self.run.pipeline.config, name).map(Cow::Borrowed)
            }
            Root::Previous(stage) => {
                head.previous(stage).map(|given| Cow::Borrowed(&given.outputs))
            }
            Root::Run => Some(Cow::Borrowed(&head.run)),
            Root::Task => Some(Cow::Borrowed(&head.task_value)),
            Root::Subject | Root::Secret(_) => None,
        }
    }

    fn stage(&self, name: &str) -> Option<Json> {
        let end = self.run.state.stage(self.run.ix(name)?).end()?;
        Some(json!({
            "outcome": status::outcome(foreseen(end.outcome)),
            "conclusion": status::conclusion(end.conclusion),
            "outputs": end.outputs,
        }))
    }

    fn is_unknown(&self, root: &Root) -> bool {
        let state = &self.run.state;
        let Some(head) = state.head.as_deref().filter(|head| head.mode.is_shadow()) else {
            return false;
        };
        let said = |kind| self.stage.is_some_and(|ix| state.stage(ix).would(kind));
        match root {
            Root::Output(stage) => {
                let end = self.run.ix(stage).and_then(|ix| state.stage(ix).end());
                end.is_some_and(|end| end.outcome == Outcome::WouldHave)
            }
            // Of a trigger that did not fire, and would.
            Root::Event => self.event.is_none() && said(Deed::Wait),
            Root::Item => said(Deed::Each) || (self.item.is_none() && said(Deed::Wait)),
            Root::Form => self.form.is_none(),
            Root::Own => true,
            Root::Previous(stage) => head.extends.is_some() && head.previous(stage).is_none(),
            Root::Value(_)
            | Root::Run
            | Root::Task
            | Root::Mapped
            | Root::Subject
            | Root::Secret(_) => false,
        }
    }

    fn stand_in(&self, name: &str) -> Option<String> {
        self.notes?.add(name);
        Some(format!("<{name}>"))
    }
}

/// What would be done counts as done: conditions are judged as they would be in earnest.
fn foreseen(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::WouldHave => Outcome::Succeeded,
        Outcome::Succeeded
        | Outcome::Failed
        | Outcome::Cancelled
        | Outcome::Skipped
        | Outcome::NotRun => outcome,
    }
}

/// Before any stage: inputs, variables, configuration, the event, the run and its ancestors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadScope<'h> {
    pub(crate) head: &'h Head,
    pub(crate) config: &'h indexmap::IndexMap<String, Json>,
}

impl Scope for HeadScope<'_> {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        match root {
            Root::Value(name) => value(self.head, None, self.config, name).map(Cow::Borrowed),
            Root::Event => Some(Cow::Borrowed(&self.head.event)),
            Root::Run => Some(Cow::Borrowed(&self.head.run)),
            Root::Task => Some(Cow::Borrowed(&self.head.task_value)),
            Root::Previous(stage) => {
                self.head.previous(stage).map(|given| Cow::Borrowed(&given.outputs))
            }
            Root::Output(_)
            | Root::Item
            | Root::Secret(_)
            | Root::Form
            | Root::Mapped
            | Root::Own
            | Root::Subject => None,
        }
    }

    fn stage(&self, _name: &str) -> Option<Json> {
        None
    }
}

/// A bare name: run inputs, the pipeline's variables, those of the environment, the pipeline's
/// configuration, the data folder's. A null in the pipeline's only says that there is such a name.
fn value<'h>(
    head: &'h Head,
    environment: Option<&str>,
    config: &'h indexmap::IndexMap<String, Json>,
    name: &str,
) -> Option<&'h Json> {
    let environment = environment.and_then(|name| head.environments.get(name));
    head.inputs
        .get(name)
        .or_else(|| head.variables.get(name))
        .or_else(|| environment.and_then(|environment| environment.variables.get(name)))
        .or_else(|| config.get(name).filter(|value| !value.is_null()))
        .or_else(|| head.config.get(name))
}
