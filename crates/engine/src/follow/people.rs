//! Asking people, and what their answers lead to.

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::form;
use pipeline::model::{Approval, Ask, FormTimeout, OnTimeout, StageIx, Work};
use pipeline::text::Template;
use serde_json::Value as Json;

use crate::answers::saved;
use crate::event::{
    AttemptResult, Event, Failure, FormOpened, GateId, GateKind, Hold, Outcome, Resolution, Settled,
};
use crate::id::AttemptId;
use crate::run::Run;
use crate::scope::{Notes, RunScope};
use crate::state::execution::ExecutionState;
use crate::state::people::{Asked, Gate, Step, Wait};
use crate::state::{ExecIx, later};
use crate::words;

/// Who submits a form that nobody has to be asked.
pub const NOBODY: &str = "form";

impl Run {
    /// The event that takes back what people are being asked about this execution; `None` when they
    /// are asked nothing. Whoever stops, supersedes or settles an execution applies it first.
    pub(crate) fn void(&self, ix: ExecIx, reason: impl Into<String>) -> Option<Event> {
        let ExecutionState::Waiting(wait) = self.state.exec(ix).state else { return None };
        let people = self.state.exec(ix).people.as_deref()?;
        match wait {
            Wait::Gate(_) => {
                let gate = self.gate_id(ix, people.open_gate()?);
                let resolution = Resolution::Void { reason: reason.into() };
                Some(Event::GateResolved { gate, resolution })
            }
            Wait::Form => Some(Event::FormVoided {
                execution: self.exec_id(ix),
                generation: people.open_form()?.generation,
                reason: reason.into(),
            }),
            Wait::Due(_)
            | Wait::Held { .. }
            | Wait::Environment { .. }
            | Wait::Answered(_)
            | Wait::Void(_) => None,
        }
    }

    /// Nobody is asked any more on behalf of an attempt that has ended, or is being stopped.
    pub(super) fn void_inquiry(&self) -> Option<Event> {
        let mut inquired = self.state.links.inquired.iter();
        let &ix = inquired.find(|ix| {
            let live =
                matches!(self.state.exec(**ix).state, ExecutionState::Live { stopping: None, .. });
            !live || self.state.links.taken.contains(ix)
        })?;
        let gate = self.gate_id(ix, self.state.exec(ix).people.as_deref()?.open_gate()?);
        let reason = match self.state.holder(ix) {
            Some(held) => format!("{} took over from the agent that asked", held.by.name),
            None => "the attempt that asked has ended, or is being stopped".to_owned(),
        };
        Some(Event::GateResolved { gate, resolution: Resolution::Void { reason } })
    }

    /// What waits and may not go on: taken back, then settled.
    pub(super) fn give_up(&self, ix: ExecIx) -> Event {
        let settled = self.abandoned(ix);
        let reason = if let Event::ExecutionSettled { reason, .. } = &settled {
            words::settled(reason)
        } else {
            String::new()
        };
        self.void(ix, reason).unwrap_or(settled)
    }

    /// The gate of a manual trigger is asked in vain.
    pub(super) fn void_trigger(&self, ix: StageIx) -> Option<Event> {
        let stage = self.state.stage(ix);
        let gate = stage.gates.last().filter(|gate| gate.is_open())?;
        let reason = match stage.end() {
            Some(end) => words::settled(&end.reason),
            None => "something else started the stage".to_owned(),
        };
        let gate = self.trigger_gate_id(ix, gate.generation);
        Some(Event::GateResolved { gate, resolution: Resolution::Void { reason } })
    }

    /// Asks people whether a manual trigger fires. For a stage that is blocked and has no open gate
    /// (of the work list `gated`). Its end is found in the work list `gate_answered`.
    pub(crate) fn open_trigger_gate(
        &self,
        ix: StageIx,
        approval: &Approval,
        now: Timestamp,
    ) -> Result<Event, Failure> {
        let asked = Asked {
            electorate: &approval.electorate,
            environment: None,
            instructions: approval.instructions.as_ref(),
        };
        let gates = self.state.stage(ix).gates.len();
        let generation = u32::try_from(gates).unwrap_or(u32::MAX - 1) + 1;
        let scope = RunScope::stage(self, ix);
        let instructions = resolve(asked.instructions, &scope)?;
        let shown = self.shown_of_trigger(ix, &instructions);
        let id = self.trigger_gate_id(ix, generation);
        Ok(opened(id, asked, instructions, &shown, now))
    }

    /// What an unsuccessful gate makes of its stage or execution.
    pub(crate) fn refused_by(
        resolution: &Resolution,
        after: std::time::Duration,
    ) -> Option<(Outcome, Settled)> {
        let failed = |failure| Some((Outcome::Failed, Settled::Failed { failure }));
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        match resolution {
            Resolution::Rejected { by, reason } => {
                failed(Failure::Rejected { by: by.clone(), reason: reason.clone() })
            }
            Resolution::TimedOutRejected | Resolution::TimedOutFailed => {
                failed(Failure::ApprovalTimeout { after_ms })
            }
            Resolution::TimedOutSkipped => Some((Outcome::Skipped, Settled::TimedOut)),
            Resolution::Approved
            | Resolution::TimedOutApproved
            | Resolution::ChangesRequested { .. }
            | Resolution::Void { .. } => None,
        }
    }

    pub(super) fn ask(&self, ix: ExecIx, now: Timestamp) -> Event {
        let ExecutionState::Waiting(Wait::Due(step)) = self.state.exec(ix).state else {
            return self.abandoned(ix);
        };
        if self.state.is_shadow() {
            return self.foretell_step(ix, step, now);
        }
        let stage = self.model(ix.stage);
        let execution = self.exec_id(ix);
        match step {
            Step::Hold | Step::Begin => self.hold(ix),
            Step::Gate => match self.state.start_approval(stage) {
                Some(asked) => self.open_gate(ix, GateKind::Start, asked, now),
                None => self.abandoned(ix),
            },
            Step::Form => self.open_form(ix, now),
            Step::Environment => Event::AwaitsEnvironment {
                execution,
                environment: stage.environment.clone().unwrap_or_default(),
            },
            Step::Complete => self.worked(ix, now),
        }
    }

    /// A breakpoint that was taken away while the run was paused holds all the same.
    pub(super) fn hold(&self, ix: ExecIx) -> Event {
        let hold = self.state.hold_of(self.model(ix.stage)).unwrap_or(Hold::Breakpoint);
        Event::ExecutionHeld { execution: self.exec_id(ix), hold }
    }

    /// Its work was done: people are asked whether it counts, or it is settled.
    pub(super) fn worked(&self, ix: ExecIx, now: Timestamp) -> Event {
        let stage = self.model(ix.stage);
        if let Err(failure) = self.instantly(ix) {
            return self.failed(ix, failure);
        }
        match self.state.complete_approval(stage) {
            Some(_) if self.state.bar(stage).is_some() => self.abandoned(ix),
            Some(asked) => self.open_gate(ix, GateKind::Complete, asked, now),
            None => self.done(ix, self.produced(ix)),
        }
    }

    /// Mappings of what has no attempt that would apply them.
    fn instantly(&self, ix: ExecIx) -> Result<(), Failure> {
        let stage = self.model(ix.stage);
        match stage.work {
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Child { .. }
            | Work::Agent(_)
            | Work::Merge(_) => {
                return Ok(());
            }
            Work::Noop | Work::Form => {}
        }
        self.input_of(ix).map_err(|message| Failure::InvalidInput { message })?;
        if matches!(stage.work, Work::Noop) && stage.output.is_none() {
            return Ok(());
        }
        let answered = self.state.exec(ix).people.as_deref().and_then(|people| people.answered());
        let accepted = self.accepted(ix, answered.cloned().unwrap_or_default());
        accepted.map(drop).map_err(|message| Failure::InvalidOutput { message })
    }

    /// What the work of an execution gave: of its last attempt, or of its form.
    pub(crate) fn produced(&self, ix: ExecIx) -> IndexMap<String, Json> {
        let execution = self.state.exec(ix);
        match (&self.model(ix.stage).work, execution.last_result()) {
            (Work::Noop, _) if self.model(ix.stage).output.is_none() => IndexMap::new(),
            (Work::Noop | Work::Form, _) => {
                let people = execution.people.as_deref();
                let answered = people.and_then(|people| people.answered()).cloned();
                // An error was found before: see `Run::instantly`.
                self.accepted(ix, answered.unwrap_or_default()).unwrap_or_default()
            }
            (_, Some(AttemptResult::Succeeded { outputs, .. })) => outputs.clone(),
            (
                Work::Run { .. }
                | Work::Python { .. }
                | Work::Child { .. }
                | Work::Agent(_)
                | Work::Merge(_),
                Some(
                    AttemptResult::Failed { .. }
                    | AttemptResult::Stopped { .. }
                    | AttemptResult::Lost { .. },
                )
                | None,
            ) => IndexMap::new(),
        }
    }

    fn open_gate(&self, ix: ExecIx, kind: GateKind, asked: Asked<'_>, now: Timestamp) -> Event {
        let execution = self.state.exec(ix);
        let gates = execution.people.as_deref().map_or(0, |people| people.gates.len());
        let generation = u32::try_from(gates).unwrap_or(u32::MAX - 1) + 1;
        let shown = resolve(asked.instructions, &RunScope::of(self, ix)).and_then(|instructions| {
            let shown = self.shown_of(ix, kind, &instructions, now)?;
            Ok((instructions, shown))
        });
        match shown {
            Ok((instructions, shown)) => {
                let id = GateId { execution: self.exec_id(ix), kind, generation };
                opened(id, asked, instructions, &shown, now)
            }
            // What cannot be started is not asked about.
            Err(failure) => self.failed(ix, failure),
        }
    }

    pub(super) fn open_form(&self, ix: ExecIx, now: Timestamp) -> Event {
        let Some(form) = &self.model(ix.stage).form else { return self.abandoned(ix) };
        let people = self.state.exec(ix).people.as_deref();
        // Noted or not: where values are not known, people are not asked either.
        let notes = Notes::default();
        let scope = RunScope { notes: Some(&notes), ..RunScope::of(self, ix) };
        let instructions = match resolve(form.instructions.as_ref(), &scope) {
            Ok(instructions) => instructions,
            Err(failure) => return self.failed(ix, failure),
        };
        let execution = self.exec_id(ix);
        let revision = people.map_or(0, |people| people.revision);
        let forms = people.map_or(0, |people| people.forms.len());
        let generation = u32::try_from(forms).unwrap_or(u32::MAX - 1) + 1;
        let (mut values, complete) = form::prefill(form, &RunScope::of(self, ix));
        if form.ask == Ask::Missing && complete && revision == 0 {
            let values = form::check(form, &values).unwrap_or(values);
            return Event::FormSubmitted {
                execution,
                generation,
                by: NOBODY.to_owned(),
                artifacts: saved(form, &values),
                values,
            };
        }
        if let Some(answered) = people.and_then(|people| people.answered()) {
            values.extend(answered.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Event::FormOpened(FormOpened {
            execution,
            generation,
            revision,
            instructions,
            values,
            due: form.timeout.map(|timeout| later(now, timeout)),
        })
    }

    /// What was asked has ended, otherwise than with leave to go on.
    pub(super) fn after_people(&self, ix: ExecIx) -> Event {
        let execution = self.state.exec(ix);
        let (ExecutionState::Waiting(Wait::Answered(step)), Some(people)) =
            (&execution.state, execution.people.as_deref())
        else {
            return self.abandoned(ix);
        };
        if *step == Step::Form {
            return self.form_timed_out(ix);
        }
        let Some((gate, (_, resolution))) =
            people.gates.last().and_then(|gate| Some((gate, gate.resolution.as_ref()?)))
        else {
            return self.abandoned(ix);
        };
        if let Resolution::ChangesRequested { by, feedback } = resolution {
            let max = self.model(ix.stage).max_revisions;
            let feedback = feedback.clone();
            return if people.revision >= max {
                self.failed(ix, Failure::RevisionsExhausted { max, feedback })
            } else {
                Event::RevisionRequested {
                    execution: self.exec_id(ix),
                    by: by.clone(),
                    feedback,
                    revision: people.revision + 1,
                }
            };
        }
        match Self::refused_by(resolution, gate.policy.electorate.timeout) {
            Some((outcome, reason)) => self.ended_as(ix, outcome, reason),
            None => self.done(ix, self.produced(ix)),
        }
    }

    fn form_timed_out(&self, ix: ExecIx) -> Event {
        let form = self.model(ix.stage).form.as_ref();
        match form.map(|form| form.on_timeout) {
            Some(FormTimeout::Skip) => self.ended_as(ix, Outcome::Skipped, Settled::TimedOut),
            Some(FormTimeout::Fail | FormTimeout::Submit) | None => {
                let after = form.and_then(|form| form.timeout).unwrap_or_default();
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                self.failed(ix, Failure::FormTimeout { after_ms })
            }
        }
    }

    pub(crate) fn gate_id(&self, ix: ExecIx, gate: &Gate) -> GateId {
        GateId { execution: self.exec_id(ix), kind: gate.kind, generation: gate.generation }
    }

    pub(crate) fn trigger_gate_id(&self, ix: StageIx, generation: u32) -> GateId {
        let execution = crate::id::ExecutionId::stage(self.model(ix).name.clone());
        GateId { execution, kind: GateKind::Trigger, generation }
    }

    /// The attempt that would come next.
    pub(crate) fn next_attempt(&self, ix: ExecIx) -> AttemptId {
        AttemptId {
            execution: self.exec_id(ix),
            number: self.state.exec(ix).next_number(),
            fence: self.state.fence + 1,
        }
    }
}

fn opened(
    gate: GateId,
    asked: Asked<'_>,
    instructions: String,
    shown: &Json,
    now: Timestamp,
) -> Event {
    let mut policy = asked.policy();
    if policy.electorate.on_timeout == OnTimeout::Escalate
        && policy.electorate.escalate_to.is_empty()
    {
        policy.electorate.on_timeout = OnTimeout::Reject;
    }
    Event::GateOpened {
        due: later(now, policy.electorate.timeout),
        gate,
        policy,
        digest: crate::shown::digest(shown),
        instructions,
        inquiry: None,
    }
}

pub(super) fn resolve(
    template: Option<&Template>,
    scope: &RunScope<'_>,
) -> Result<String, Failure> {
    let Some(template) = template else { return Ok(String::new()) };
    template
        .resolve_text(scope)
        .map_err(|error| Failure::Unresolved { message: format!("instructions: {error}") })
}
