//! What `${...}` and expressions are looked up in: the run as it stands.

use std::borrow::Cow;

use pipeline::text::{Root, Scope};
use serde_json::{Value as Json, json};

use crate::run::Run;
use crate::state::{ExecIx, Head};
use crate::status;

/// The run as one of its executions sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunScope<'r> {
    pub(crate) run: &'r Run,
    /// Whose scope it is; `None`: of nobody in particular.
    pub(crate) exec: Option<ExecIx>,
    pub(crate) item: Option<&'r Json>,
}

impl<'r> RunScope<'r> {
    /// Of the run as a whole, or of a stage before it has executions.
    pub(crate) fn whole(run: &'r Run) -> Self {
        Self { run, exec: None, item: None }
    }

    pub(crate) fn of(run: &'r Run, ix: ExecIx) -> Self {
        Self { run, exec: Some(ix), item: run.item(ix) }
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
            Root::Item => self.item.map(Cow::Borrowed),
            Root::Form | Root::Mapped | Root::Own | Root::Previous(_) | Root::Subject => None,
            Root::Value(_) | Root::Event | Root::Run | Root::Secret(_) => of_head(head, root),
        }
    }

    fn stage(&self, name: &str) -> Option<Json> {
        let end = self.run.state.stage(self.run.ix(name)?).end()?;
        Some(json!({
            "outcome": status::outcome(end.outcome),
            "conclusion": status::conclusion(end.conclusion),
            "outputs": end.outputs,
        }))
    }
}

/// Before any stage: inputs, variables, the event and the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadScope<'h>(pub(crate) &'h Head);

impl Scope for HeadScope<'_> {
    fn get(&self, root: &Root) -> Option<Cow<'_, Json>> {
        of_head(self.0, root)
    }

    fn stage(&self, _name: &str) -> Option<Json> {
        None
    }
}

fn of_head<'h>(head: &'h Head, root: &Root) -> Option<Cow<'h, Json>> {
    match root {
        Root::Value(name) => {
            head.inputs.get(name).or_else(|| head.variables.get(name)).map(Cow::Borrowed)
        }
        Root::Event => Some(Cow::Borrowed(&head.event)),
        Root::Run => Some(Cow::Borrowed(&head.run)),
        Root::Output(_)
        | Root::Item
        | Root::Secret(_)
        | Root::Form
        | Root::Mapped
        | Root::Own
        | Root::Previous(_)
        | Root::Subject => None,
    }
}
