//! A shadow run: what would touch the world is said, step by step, and counts as done.

mod trigger;
mod words;

pub(super) use trigger::Foretold;

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::{Emit, Work};
use serde_json::{Value as Json, json};

use crate::event::{
    Conclusion, Deed, Event, Failure, FinalStatus, Intention, Outcome, Settled, WouldHave,
};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::scope::{Notes, RunScope};
use crate::state::ExecIx;
use crate::state::people::Step;

/// The kinds of notices that a run's end gives, as rules of notices write them.
fn notice(status: FinalStatus) -> &'static str {
    match status {
        FinalStatus::Succeeded => "run.succeeded",
        FinalStatus::Failed => "run.failed",
        FinalStatus::Cancelled => "run.cancelled",
    }
}

pub(super) fn intention(kind: Deed, says: String, details: Json, notes: &Notes) -> Intention {
    Intention { kind, says, details, unknown: notes.names() }
}

impl Run {
    fn said(&self, execution: ExecutionId, intention: Intention) -> Event {
        Event::WouldHave(WouldHave { execution: Some(execution), intention })
    }

    /// Instead of asking at this step, or waiting there.
    pub(super) fn foretell_step(&self, ix: ExecIx, step: Step, now: Timestamp) -> Event {
        let stage = self.model(ix.stage);
        let notes = Notes::default();
        let said = match step {
            Step::Begin | Step::Hold => {
                let says = "would wait until somebody lets it go on".to_owned();
                Ok(intention(Deed::Ask, says, Json::Null, &notes))
            }
            Step::Gate => match self.state.start_approval(stage) {
                Some(asked) => self
                    .startable_at_all(ix)
                    .and_then(|()| self.would_approve(ix, "start", asked, now, &notes)),
                None => return self.abandoned(ix),
            },
            Step::Form => return self.foretell_form(ix, now),
            Step::Environment => {
                let name = stage.environment.clone().unwrap_or_default();
                let says = format!("would wait until {name} is free, and keep others out of it");
                Ok(intention(Deed::Lock, says, json!({ "environment": name }), &notes))
            }
            Step::Complete => return self.abandoned(ix),
        };
        match said {
            Ok(intention) => self.said(self.exec_id(ix), intention),
            Err(failure) => self.failed(ix, failure),
        }
    }

    /// What cannot be started is not asked about, as in earnest.
    fn startable_at_all(&self, ix: ExecIx) -> Result<(), Failure> {
        let stage = self.model(ix.stage);
        if !works(&stage.work) || stage.form.is_some() {
            return Ok(());
        }
        let attempt = self.next_attempt(ix);
        self.prepare_in(ix, &attempt, Some(&Notes::default())).map(drop)
    }

    /// A form that needs nobody is submitted as ever; what it is saved as is no matter of a shadow.
    fn foretell_form(&self, ix: ExecIx, now: Timestamp) -> Event {
        let mut next = self.open_form(ix, now);
        if let Event::FormSubmitted { artifacts, .. } = &mut next {
            artifacts.clear();
        }
        let (Event::FormOpened(opened), Some(form)) = (&next, &self.model(ix.stage).form) else {
            return next;
        };
        let intention = self.would_fill_in(form, opened, &Notes::default());
        self.said(self.exec_id(ix), intention)
    }

    /// Its turn has come: what its work would be, who would be asked about it, what it would give;
    /// then it settles.
    pub(super) fn foretell(&self, ix: ExecIx, now: Timestamp) -> Event {
        let known = Notes::default();
        let outputs = match self.foretold_outputs(ix, &known) {
            Ok(outputs) => outputs,
            Err(failure) => return self.failed(ix, failure),
        };
        let told = self.state.exec(ix).told;
        match self.intentions(ix, now, &outputs) {
            Err(failure) => return self.failed(ix, failure),
            Ok(mut intentions) if told < intentions.len() => {
                return self.said(self.exec_id(ix), intentions.swap_remove(told));
            }
            Ok(_) => {}
        }
        let of_stage = &self.state.stage(ix.stage).would;
        if self.state.exec(ix).would.is_empty() && of_stage.is_empty() && known.is_empty() {
            // Nothing of it would touch the world: it is done.
            return self.done(ix, outputs);
        }
        Event::ExecutionSettled {
            execution: self.exec_id(ix),
            outcome: Outcome::WouldHave,
            conclusion: Conclusion::Success,
            reason: Settled::WouldHave,
            outputs,
        }
    }

    /// What it gives as far as that is known. Work that was not done gives nothing.
    fn foretold_outputs(
        &self,
        ix: ExecIx,
        notes: &Notes,
    ) -> Result<IndexMap<String, Json>, Failure> {
        let stage = self.model(ix.stage);
        if works(&stage.work) {
            return Ok(IndexMap::new());
        }
        self.input_in(ix, Some(notes)).map_err(|message| Failure::InvalidInput { message })?;
        if matches!(stage.work, Work::Noop) && stage.output.is_none() {
            return Ok(IndexMap::new());
        }
        let people = self.state.exec(ix).people.as_deref();
        let answered = people.and_then(|people| people.answered());
        if answered.is_none() && stage.form.is_some() {
            return Ok(IndexMap::new());
        }
        self.accepted_in(ix, answered.cloned().unwrap_or_default(), notes)
            .map_err(|message| Failure::InvalidOutput { message })
    }

    /// What it says once it comes to its work, in order; the same however often it is asked.
    fn intentions(
        &self,
        ix: ExecIx,
        now: Timestamp,
        outputs: &IndexMap<String, Json>,
    ) -> Result<Vec<Intention>, Failure> {
        let stage = self.model(ix.stage);
        let mut all = Vec::new();
        if works(&stage.work) {
            let notes = Notes::default();
            let task = self.prepare_in(ix, &self.next_attempt(ix), Some(&notes))?;
            all.push(self.would_work(ix, &task, &notes));
        }
        if let Some(asked) = self.state.complete_approval(stage) {
            let notes = Notes::default();
            all.push(self.would_approve(ix, "complete", asked, now, &notes)?);
        }
        let spoken = !all.is_empty() || !self.state.exec(ix).would.is_empty();
        if spoken || !self.state.stage(ix.stage).would.is_empty() {
            let own = Json::Object(outputs.clone().into_iter().collect());
            all.extend(stage.emits.iter().filter_map(|emit| self.would_emit(ix, emit, &own)));
        }
        Ok(all)
    }

    /// `None`: for certain not.
    fn would_emit(&self, ix: ExecIx, emit: &Emit, own: &Json) -> Option<Intention> {
        let notes = Notes::default();
        let input = self.input_in(ix, Some(&notes)).ok().flatten();
        let scope = RunScope {
            own: Some(own),
            mapped: input.as_ref(),
            notes: Some(&notes),
            ..RunScope::of(self, ix)
        };
        let held = emit.when.as_ref().map(|condition| condition.evaluate_bool(&scope));
        if held == Some(Ok(false)) {
            return None;
        }
        let (says, details) = match &emit.foreach {
            Some(_) => (format!("would emit `{}` for each of its items", emit.event), Json::Null),
            None => {
                let data = emit.data.resolve(&scope).unwrap_or(Json::Null);
                (format!("would emit `{}`", emit.event), json!({ "data": data }))
            }
        };
        Some(intention(Deed::Emit, says, details, &notes))
    }

    /// Who would be told of the end of the run, before it ends.
    pub(super) fn would_notify(&self, end: &Event) -> Option<Event> {
        let Event::RunFinished { status, .. } = end else { return None };
        let head = self.state.head.as_deref().filter(|head| head.mode.is_shadow())?;
        let kind = notice(*status);
        let targets = head.notify.get(kind).filter(|_| self.state.would.is_empty())?;
        let says = format!("would tell {} that the run {}", targets.join(", "), ended(*status));
        let details = json!({ "notice": kind, "to": targets });
        let intention = intention(Deed::Notify, says, details, &Notes::default());
        Some(Event::WouldHave(WouldHave { execution: None, intention }))
    }

    /// Targets of a notice of this kind.
    fn targets(&self, kind: &str) -> &[String] {
        let head = self.state.head.as_deref();
        head.and_then(|head| head.notify.get(kind)).map_or(&[], Vec::as_slice)
    }
}

/// Whether attempts are made of it.
fn works(work: &Work) -> bool {
    match work {
        Work::Run { .. }
        | Work::Python { .. }
        | Work::Child { .. }
        | Work::Agent(_)
        | Work::Merge(_) => true,
        Work::Noop | Work::Form => false,
    }
}

fn ended(status: FinalStatus) -> &'static str {
    match status {
        FinalStatus::Succeeded => "succeeded",
        FinalStatus::Failed => "failed",
        FinalStatus::Cancelled => "was cancelled",
    }
}
