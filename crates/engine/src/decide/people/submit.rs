//! Answers to a form.

use crate::command::{Rejection, Submit};
use crate::event::Event;
use crate::run::Run;
use crate::state::execution::ExecutionState;
use crate::state::people::Wait;
use pipeline::form;

impl Run {
    /// What is not given keeps the value that the form started with.
    pub(in crate::decide) fn submit(&self, submit: Submit) -> Result<Vec<Event>, Rejection> {
        let Submit { execution, generation, by, values: given, artifacts } = submit;
        self.unfinished()?;
        let ix = self.exec_ix(&execution).ok_or_else(|| self.no_such(&execution))?;
        let nothing = |status: &str| Rejection::NothingToSubmit {
            execution: execution.to_string(),
            status: status.to_owned(),
        };
        let waits = self.state.exec(ix).state == ExecutionState::Waiting(Wait::Form);
        let round = self.state.exec(ix).people.as_deref().and_then(|people| people.open_form());
        let (Some(form), Some(round), true) = (&self.model(ix.stage).form, round, waits) else {
            return Err(nothing(self.execution_status(ix).word()));
        };
        if let Some(given) = generation.filter(|given| *given != round.generation) {
            let open = round.generation;
            return Err(nothing(&format!("at form {open}, and the answer is to form {given}")));
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        let assigned = form.assignees.is_empty() || form.assignees.iter().any(|who| by.is(who));
        if !assigned {
            return Err(Rejection::NotEligible {
                who: by.name,
                act: "submit",
                reason: format!("it is asked of {}", form.assignees.join(", ")),
            });
        }
        let mut values = round.values.clone();
        values.extend(given);
        let values = form::check(form, &values).map_err(|problems| Rejection::Form { problems })?;
        let generation = round.generation;
        Ok(vec![Event::FormSubmitted { execution, generation, by: by.name, values, artifacts }])
    }
}
