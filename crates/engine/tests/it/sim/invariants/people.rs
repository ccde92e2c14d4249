//! What people were asked and what they said: gates, forms, holds and locks, by the bookkeeper's
//! own naive rules.

use std::collections::BTreeMap;

use engine::command::{Advance, Delegate, Revoke, Submit, Vote};
use engine::event::{
    Decision, FormOpened, GateId, GateKind, Hold, Inquiry, Person, Policy, Resolution,
};
use engine::id::ExecutionId;
use pipeline::model::{Electorate, FormTimeout, OnTimeout};
use serde_json::Value as Json;

use super::taken::inquires;
use super::{Broken, Ledger};
use crate::sim::spec::{INITIATOR, Kind, Micros, SECOND, TriggerSpec, seated};

/// What one execution has to do with people. Counts go on for ever; the rest is of this round.
#[derive(Clone, Debug, Default)]
pub(crate) struct People {
    pub(crate) held: Option<Hold>,
    pub(crate) advanced: bool,
    /// Gates so far.
    pub(crate) gates: u32,
    pub(crate) trigger_gates: u32,
    pub(crate) trigger_passed: bool,
    pub(crate) gate: Option<OpenGate>,
    /// How its last gate ended, until that had its effect.
    pub(crate) ended: Option<Ended>,
    /// Its start gate let it through.
    pub(crate) passed: bool,
    pub(crate) forms: u32,
    pub(crate) form: Option<OpenForm>,
    pub(crate) answered: bool,
    /// In any round.
    was_answered: bool,
    pub(crate) form_timed_out: bool,
    pub(crate) revision: u32,
    /// Its complete gate let it through.
    pub(crate) approved: bool,
    pub(crate) lock: Lock,
    pub(crate) lock_since: Micros,
    /// What its attempts asked, by key: whether it was answered, or is open.
    pub(crate) keys: BTreeMap<String, bool>,
    /// So often a person took over.
    pub(crate) takes: u32,
    /// Who holds it.
    pub(crate) taken: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lock {
    #[default]
    None,
    Waits,
    Granted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Rejected,
    Failed,
    Skipped,
    Changes,
    Void,
}

#[derive(Clone, Debug)]
pub(crate) struct OpenForm {
    pub(crate) generation: u32,
    /// Of the run's own clock.
    pub(crate) since: Micros,
}

#[derive(Clone, Debug)]
pub(crate) struct OpenGate {
    pub(crate) id: GateId,
    pub(crate) digest: String,
    pub(crate) electorate: Electorate,
    pub(crate) needed: u32,
    pub(crate) slots: Vec<Slot>,
    pub(crate) votes: Vec<(Person, Decision)>,
    /// Of the run's own clock.
    pub(crate) since: Micros,
    pub(crate) escalated: bool,
    pub(crate) reminded: Vec<u8>,
    /// Of what an attempt asks.
    pub(crate) key: String,
}

/// One place to be filled: by whom the definition names, by whoever stands in for them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// `None`: anybody.
    entry: Option<String>,
    /// Each link: who gave it away, and to whom.
    pub(crate) chain: Vec<(Person, Person)>,
}

impl Slot {
    /// Whoever was handed it and still has it, and whoever it names and has not given it away.
    pub(crate) fn takes(&self, who: &Person) -> bool {
        let mut last = self.chain.iter().rev();
        let last = last.find(|(from, to)| from.name == who.name || to.name == who.name);
        match last {
            Some((_, to)) => to.name == who.name,
            None => self.entry.as_ref().is_none_or(|entry| who.is(entry)),
        }
    }
}

/// No more than there are slots to be filled.
fn needed(electorate: &Electorate) -> u32 {
    let slots = electorate.approvers.len();
    let needed = electorate.quorum.of(slots);
    if slots == 0 { needed } else { needed.min(u32::try_from(slots).unwrap()) }
}

fn slots(electorate: &Electorate, needed: u32) -> Vec<Slot> {
    if electorate.approvers.is_empty() {
        let anybody = Slot { entry: None, chain: vec![] };
        return vec![anybody; needed as usize];
    }
    let entries = electorate.approvers.iter().cloned();
    entries.map(|entry| Slot { entry: Some(entry), chain: vec![] }).collect()
}

impl OpenGate {
    pub(crate) fn eligible(&self, who: &Person) -> bool {
        let own = who.name == INITIATOR && !self.electorate.allow_self;
        !own && self.slots.iter().any(|slot| slot.takes(who))
    }

    pub(crate) fn voted(&self, name: &str) -> Option<Decision> {
        self.votes.iter().find(|(who, _)| who.name == name).map(|(_, decision)| *decision)
    }

    /// Enough different people approve.
    pub(crate) fn full(&self) -> bool {
        let approve = |(_, decision): &&(Person, Decision)| *decision == Decision::Approve;
        let approving: Vec<&Person> =
            self.votes.iter().filter(approve).map(|(who, _)| who).collect();
        let places: Vec<Vec<usize>> = self
            .slots
            .iter()
            .map(|slot| (0..approving.len()).filter(|at| slot.takes(approving[*at])).collect())
            .collect();
        seated(&places, self.needed as usize, &mut vec![])
    }

    pub(crate) fn decided(&self, decision: Decision) -> bool {
        self.votes.iter().any(|(_, one)| *one == decision)
    }

    pub(crate) fn lasts(&self) -> Micros {
        micros_of(self.electorate.timeout)
    }
}

fn micros_of(time: std::time::Duration) -> Micros {
    u64::try_from(time.as_micros()).unwrap()
}

impl People {
    pub(super) fn fresh(&self) -> Self {
        Self {
            gates: self.gates,
            trigger_gates: self.trigger_gates,
            forms: self.forms,
            was_answered: self.was_answered,
            keys: self.keys.clone(),
            takes: self.takes,
            ..Self::default()
        }
    }

    /// Somebody has to say something before it goes on.
    pub(crate) fn asks(&self) -> bool {
        self.held.is_some() || self.gate.is_some() || self.form.is_some()
    }

    /// Its attempt asks, and goes on.
    pub(crate) fn inquires(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| inquires(gate.id.kind))
    }

    /// Whether a trigger fires.
    pub(crate) fn asked_as_a_whole(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.id.kind == GateKind::Trigger)
    }

    pub(crate) fn waits(&self) -> bool {
        self.asks() || self.lock == Lock::Waits
    }
}

pub(crate) fn answers_form(values: &indexmap::IndexMap<String, Json>) -> bool {
    let answer = values.get("answer").and_then(Json::as_str);
    let share = values.get("share").is_none_or(|share| {
        share.is_null() || share.as_f64().is_some_and(|share| (1.0..=5.0).contains(&share))
    });
    let known = values.keys().all(|key| key == "answer" || key == "share");
    known && share && answer.is_some_and(|text| !text.is_empty() && text.chars().count() <= 9)
}

impl Ledger<'_> {
    pub(super) fn people(&mut self, id: &ExecutionId) -> &mut People {
        &mut self.executions.entry(id.clone()).or_default().people
    }

    pub(crate) fn people_of(&self, id: &ExecutionId) -> Option<&People> {
        self.executions.get(id).map(|book| &book.people)
    }

    pub(crate) fn open_gates(&self) -> Vec<&OpenGate> {
        self.executions.values().filter_map(|book| book.people.gate.as_ref()).collect()
    }

    pub(crate) fn gate(&self, id: &GateId) -> Option<&OpenGate> {
        self.people_of(&id.execution)?.gate.as_ref().filter(|gate| gate.id == *id)
    }

    /// Before it may be asked anything: nothing else of it is open, and it is its turn.
    fn quiet(&self, id: &ExecutionId) -> Result<usize, Broken> {
        let at = self.at(&id.stage)?;
        ensure!(self.finished.is_none(), "{id} asks somebody after the run finished");
        ensure!(self.stages[at].settled.is_none(), "{id} asks somebody after its stage settled");
        if let Some(book) = self.executions.get(id) {
            ensure!(!book.people.waits(), "{id} asks two things at once: {:?}", book.people);
            ensure!(book.live.is_none(), "{id} asks somebody while it runs");
            ensure!(book.backoff.is_none(), "{id} asks somebody while it waits to be tried again");
            ensure!(book.settled.is_none(), "{id} asks somebody after it settled");
        }
        Ok(at)
    }

    /// What stands before its work and is not done yet.
    pub(super) fn barrier(&self, at: usize, id: &ExecutionId) -> Option<&'static str> {
        let stage = self.stage(at);
        let none = People::default();
        let people = self.people_of(id).unwrap_or(&none);
        if people.asks() {
            return Some("it waits for somebody");
        }
        if stage.asks.held && !people.advanced {
            return Some("nobody has let it go on");
        }
        if stage.start_gate().is_some() && !people.passed {
            return Some("its start gate was not passed");
        }
        if stage.asks.form.is_some() && !people.answered {
            return Some("its form was not answered");
        }
        if stage.lock() && people.lock != Lock::Granted && stage.kind.works() {
            return Some("its environment was not granted");
        }
        None
    }

    pub(super) fn held(&mut self, id: &ExecutionId, hold: Hold) -> Result<(), Broken> {
        let at = self.quiet(id)?;
        self.admits(at)?;
        let wanted = match hold {
            Hold::Advance => self.stage(at).asks.held,
            Hold::Breakpoint => self.breakpoints.contains(&self.nodes[at].name),
            Hold::Step => self.step,
        };
        ensure!(wanted, "{id} is held because of {hold:?}, which nobody asked for");
        let book = self.executions.entry(id.clone()).or_default();
        ensure!(!book.begun, "{id} is held after it began");
        book.people.held = Some(hold);
        // What it had, it asks for again.
        book.people.lock = Lock::None;
        Ok(())
    }

    pub(super) fn advanced(&mut self, id: &ExecutionId) -> Result<(), Broken> {
        let paused = self.paused;
        let people = self.people(id);
        ensure!(people.held.is_some(), "{id} goes on but was not held");
        ensure!(!paused, "{id} goes on in a pause");
        people.held = None;
        people.advanced = true;
        Ok(())
    }

    pub(super) fn gate_opened(
        &mut self,
        id: &GateId,
        policy: &Policy,
        digest: &str,
        inquiry: Option<&Inquiry>,
        due: i64,
        now: Micros,
    ) -> Result<(), Broken> {
        let at = match inquires(id.kind) {
            true => self.inquired(id, inquiry)?,
            false => self.quiet(&id.execution)?,
        };
        let stage = self.stage(at);
        let wanted = match id.kind {
            GateKind::Permission | GateKind::Question => Some(self.asked_by_attempt(at, id.kind)),
            GateKind::Start => {
                self.admits(at)?;
                ensure!(self.stages[at].ready, "{id} opens before its stage is ready");
                let before = self.people(&id.execution).clone();
                ensure!(!stage.asks.held || before.advanced, "{id} opens before it was let go on");
                ensure!(!before.passed, "{id} opens although it was passed");
                ensure!(!before.answered, "{id} opens after its form was answered");
                stage.start_gate()
            }
            GateKind::Complete => {
                let book = self.executions.entry(id.execution.clone()).or_default();
                let form = stage.asks.form.is_none() || book.people.answered;
                ensure!(form, "{id} opens before its form was answered");
                let done = !stage.kind.works() || book.succeeded();
                ensure!(done, "{id} opens before its work was done");
                ensure!(!book.people.approved, "{id} opens although it was passed");
                stage.complete_gate()
            }
            GateKind::Trigger => {
                ensure!(!self.stages[at].ready, "{id} opens after its stage was ready");
                let manual = stage.flow.triggers.iter().flat_map(|triggers| &triggers.list);
                manual
                    .filter_map(|one| match one {
                        TriggerSpec::Manual(approval) => approval.clone(),
                        TriggerSpec::Completion { .. }
                        | TriggerSpec::Event(_)
                        | TriggerSpec::Condition { .. } => None,
                    })
                    .next()
            }
        };
        let Some(wanted) = wanted else { return Err(format!("{id} opens, nobody asked for it")) };
        ensure!(policy.electorate == wanted, "{id} asks {policy:?}, not {wanted:?}");
        let needed = if id.kind == GateKind::Question { 1 } else { needed(&wanted) };
        ensure!(policy.needed == needed, "{id} needs {}, not {needed}", policy.needed);
        ensure!(digest.len() == 64, "{id} shows {digest}, which is no digest");
        let lasts = micros_of(wanted.timeout);
        ensure!(u64::try_from(due) == Ok(now + lasts), "{id} is due at {due}, not {lasts} later");
        let since = self.active(now);
        let people = self.people(&id.execution);
        // Gates of a trigger are the stage's own, and counted apart.
        let count = match id.kind {
            GateKind::Trigger => &mut people.trigger_gates,
            GateKind::Start | GateKind::Complete | GateKind::Permission | GateKind::Question => {
                &mut people.gates
            }
        };
        ensure!(id.generation == *count + 1, "{id} follows {count}");
        *count = id.generation;
        if !inquires(id.kind) {
            people.ended = None;
            // Whoever waits is in nobody's way.
            people.lock = Lock::None;
        }
        people.gate = Some(OpenGate {
            id: id.clone(),
            digest: digest.into(),
            needed,
            slots: slots(&wanted, needed),
            electorate: wanted,
            votes: vec![],
            since,
            escalated: false,
            reminded: vec![],
            key: inquiry.map(|inquiry| inquiry.key.clone()).unwrap_or_default(),
        });
        Ok(())
    }

    fn open(&mut self, id: &GateId) -> Result<&mut OpenGate, Broken> {
        let gate = self.people(&id.execution).gate.as_mut().filter(|gate| gate.id == *id);
        gate.ok_or_else(|| format!("{id} is not open"))
    }

    pub(super) fn voted(
        &mut self,
        id: &GateId,
        by: &Person,
        decision: Decision,
        digest: &str,
    ) -> Result<(), Broken> {
        ensure!(!self.paused, "{id} is voted on in a pause");
        let gate = self.open(id)?;
        ensure!(gate.eligible(by), "{} may not vote at {id}", by.name);
        ensure!(gate.voted(&by.name) != Some(decision), "{} votes {decision:?} twice", by.name);
        ensure!(gate.digest == digest, "{} votes on {digest}, {} is shown", by.name, gate.digest);
        let changes = decision == Decision::RequestChanges;
        ensure!(!changes || id.kind == GateKind::Complete, "{id} has nothing to change");
        gate.votes.retain(|(who, _)| who.name != by.name);
        gate.votes.push((by.clone(), decision));
        Ok(())
    }

    pub(super) fn delegated(
        &mut self,
        id: &GateId,
        slot: u32,
        from: &Person,
        to: &Person,
    ) -> Result<(), Broken> {
        ensure!(!self.paused, "{id} is handed on in a pause");
        let gate = self.open(id)?;
        ensure!(gate.voted(&from.name).is_none(), "{} voted and hands {id} on", from.name);
        ensure!(gate.eligible(from), "{} hands on what they do not have at {id}", from.name);
        ensure!(!gate.eligible(to), "{} may vote at {id} anyway", to.name);
        let Some(slot) = gate.slots.get_mut(slot as usize) else {
            return Err(format!("{id} has no slot {slot}"));
        };
        ensure!(slot.takes(from), "{} hands on a slot of {id} they may not fill", from.name);
        let (mut depth, mut who) = (1, from.name.clone());
        while let Some((before, _)) = slot.chain.iter().rev().find(|(_, to)| to.name == who) {
            ensure!(before.name != to.name, "{id} comes back to {}", to.name);
            (depth, who) = (depth + 1, before.name.clone());
            ensure!(depth < 9, "{id} goes round in circles");
        }
        slot.chain.push((from.clone(), to.clone()));
        ensure!(depth <= 3, "{id} is handed on {depth} times");
        Ok(())
    }

    pub(super) fn revoked(
        &mut self,
        id: &GateId,
        slot: u32,
        from: &str,
        to: &str,
    ) -> Result<(), Broken> {
        ensure!(!self.paused, "{id} is taken back in a pause");
        let gate = self.open(id)?;
        ensure!(gate.voted(to).is_none(), "{to} has voted at {id} and is revoked");
        let Some(slot) = gate.slots.get_mut(slot as usize) else {
            return Err(format!("{id} has no slot {slot}"));
        };
        let before = slot.chain.len();
        slot.chain.retain(|(one, other)| one.name != from || other.name != to);
        ensure!(slot.chain.len() + 1 == before, "{from} never handed {id} to {to}");
        // Whoever had it from them has it no more.
        while let Some(lost) = slot.chain.iter().position(|(one, _)| {
            let named = slot.entry.as_ref().is_none_or(|entry| one.is(entry));
            !named && !slot.chain.iter().any(|(_, other)| other.name == one.name)
        }) {
            slot.chain.remove(lost);
        }
        Ok(())
    }

    pub(super) fn reminded(&mut self, id: &GateId, percent: u8, now: Micros) -> Result<(), Broken> {
        let active = self.active(now);
        let gate = self.open(id)?;
        ensure!(gate.electorate.reminders.contains(&percent), "{id} reminds at {percent} %");
        ensure!(!gate.reminded.contains(&percent), "{id} reminds twice at {percent} %");
        let waited = active - gate.since;
        let due = gate.lasts() * u64::from(percent) / 100;
        ensure!(waited >= due, "{id} reminds after {waited}, not {due}");
        gate.reminded.push(percent);
        Ok(())
    }

    pub(super) fn escalated(
        &mut self,
        id: &GateId,
        policy: &Policy,
        due: i64,
        now: Micros,
    ) -> Result<(), Broken> {
        let active = self.active(now);
        let gate = self.open(id)?;
        ensure!(gate.electorate.on_timeout == OnTimeout::Escalate, "{id} escalates");
        ensure!(!gate.escalated, "{id} escalates twice");
        ensure!(active - gate.since >= gate.lasts(), "{id} escalates early");
        let wanted = &gate.electorate.escalate_to;
        ensure!(policy.electorate.approvers == *wanted, "{id} escalates to {policy:?}");
        ensure!(u64::try_from(due) == Ok(now + gate.lasts()), "{id} is due at {due}");
        gate.electorate.approvers = wanted.clone();
        let got = policy.needed;
        let question = id.kind == GateKind::Question;
        let possible = if question { got } else { needed(&gate.electorate) };
        ensure!(got == possible, "{id} needs {got}, not {possible}");
        gate.needed = got;
        gate.slots = slots(&gate.electorate, got);
        (gate.votes, gate.since, gate.escalated) = (vec![], active, true);
        gate.reminded.clear();
        Ok(())
    }

    pub(super) fn resolved(
        &mut self,
        id: &GateId,
        resolution: &Resolution,
        now: Micros,
    ) -> Result<(), Broken> {
        let active = self.active(now);
        let barred = self.barred(self.at(&id.execution.stage)?)
            || self.superseded(&id.execution)
            || self.finished.is_some()
            || (id.kind == GateKind::Trigger && self.elsewhere(&id.execution)?);
        let barred = if inquires(id.kind) { self.asks_in_vain(id) } else { barred };
        let gate = self.open(id)?;
        let over = active - gate.since >= gate.lasts();
        let action = if gate.escalated { OnTimeout::Reject } else { gate.electorate.on_timeout };
        let by_hand = |wanted| over && action == wanted;
        let said = |by: &str, decision| gate.voted(by) == Some(decision);
        let (right, ended) = match resolution {
            Resolution::Approved => (gate.full(), None),
            Resolution::Rejected { by, .. } => (said(by, Decision::Reject), Some(Ended::Rejected)),
            Resolution::ChangesRequested { by, .. } => {
                (said(by, Decision::RequestChanges), Some(Ended::Changes))
            }
            Resolution::TimedOutApproved => (by_hand(OnTimeout::Approve), None),
            Resolution::TimedOutRejected => (by_hand(OnTimeout::Reject), Some(Ended::Failed)),
            Resolution::TimedOutSkipped => (by_hand(OnTimeout::Skip), Some(Ended::Skipped)),
            Resolution::TimedOutFailed => (by_hand(OnTimeout::Fail), Some(Ended::Failed)),
            Resolution::Void { reason } => (barred && !reason.is_empty(), Some(Ended::Void)),
        };
        ensure!(right, "{id} is resolved {resolution:?}, its book says {gate:?}");
        let no = gate.decided(Decision::Reject) || gate.decided(Decision::RequestChanges);
        ensure!(ended.is_some() || !no, "{id} is approved although somebody said no");
        let people = self.people(&id.execution);
        if let Some(gate) = people.gate.take().filter(|_| inquires(id.kind)) {
            self.inquiry_ended(&gate, ended == Some(Ended::Void));
            return Ok(());
        }
        people.ended = ended;
        if ended.is_none() {
            match id.kind {
                GateKind::Start => people.passed = true,
                GateKind::Complete => people.approved = true,
                GateKind::Trigger => people.trigger_passed = true,
                GateKind::Permission | GateKind::Question => {}
            }
        }
        Ok(())
    }

    /// Something else has started, or ended, the stage of a trigger gate.
    fn elsewhere(&self, id: &ExecutionId) -> Result<bool, Broken> {
        let book = &self.stages[self.at(&id.stage)?];
        Ok(book.ready || book.settled.is_some())
    }

    pub(super) fn form_opened(&mut self, form: &FormOpened, now: Micros) -> Result<(), Broken> {
        let id = &form.execution;
        let at = self.quiet(id)?;
        let stage = self.stage(at);
        let Some(spec) = &stage.asks.form else { return Err(format!("{id} has no form")) };
        ensure!(self.stages[at].ready, "the form of {id} opens before its stage is ready");
        ensure!(!self.cancelling || self.nodes[at].finally, "{id} asks for input after a cancel");
        let due = form.due.map(|due| u64::try_from(due.as_microsecond()).unwrap());
        let wanted = spec.timeout.map(|timeout| now + timeout * SECOND);
        ensure!(due == wanted, "the form of {id} is due {due:?}, not {wanted:?}");
        let (since, gated) = (self.active(now), stage.start_gate().is_some());
        let people = self.people(id);
        ensure!(!stage.asks.held || people.advanced, "the form of {id} opens while it is held");
        ensure!(!gated || people.passed, "the form of {id} opens before its gate was passed");
        ensure!(!people.answered, "the form of {id} opens although it was answered");
        ensure!(form.generation == people.forms + 1, "{form:?} follows {}", people.forms);
        ensure!(form.revision == people.revision, "{form:?} of revision {}", people.revision);
        people.forms = form.generation;
        people.form = Some(OpenForm { generation: form.generation, since });
        Ok(())
    }

    pub(super) fn form_submitted(
        &mut self,
        id: &ExecutionId,
        generation: u32,
        by: &str,
        values: &indexmap::IndexMap<String, Json>,
    ) -> Result<(), Broken> {
        ensure!(answers_form(values), "{id} was given {values:?}");
        let at = self.at(&id.stage)?;
        let Some(spec) = self.stage(at).asks.form.clone() else {
            return Err(format!("{id} has no form"));
        };
        let (paused, active) = (self.paused, self.active(self.last_at));
        let works = self.stage(at).kind.works();
        let people = self.people(id);
        if by == "form" {
            let over = people.form.as_ref().is_some_and(|form| {
                let lasts = spec.timeout.map(|timeout| timeout * SECOND);
                lasts.is_some_and(|lasts| active - form.since >= lasts)
            });
            // What was answered before is kept.
            let known = spec.prefilled || people.was_answered;
            let timed = known && over && spec.on_timeout == FormTimeout::Submit;
            let unasked = spec.prefilled
                && spec.missing
                && people.form.is_none()
                && !people.answered
                && people.revision == 0;
            ensure!(timed || unasked, "the form of {id} answers itself: {people:?}");
            people.forms = people.forms.max(generation);
        } else {
            ensure!(!paused, "{id} is answered in a pause");
            let open = people.form.as_ref().map(|form| form.generation);
            ensure!(open == Some(generation), "form {generation} of {id} is not open: {open:?}");
        }
        (people.form, people.answered, people.form_timed_out) = (None, true, false);
        people.was_answered = true;
        let book = self.executions.entry(id.clone()).or_default();
        // Asked again because changes were requested: the work is done again, too.
        book.queued |= works && book.begun;
        Ok(())
    }

    pub(super) fn form_timed_out(
        &mut self,
        id: &ExecutionId,
        generation: u32,
        now: Micros,
    ) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        let lasts = self.stage(at).asks.form.as_ref().and_then(|form| form.timeout);
        let active = self.active(now);
        let people = self.people(id);
        let Some(form) = people.form.take() else { return Err(format!("{id} asks nothing")) };
        ensure!(form.generation == generation, "form {generation} of {id} is not open");
        let Some(lasts) = lasts else { return Err(format!("the form of {id} has no timeout")) };
        ensure!(active - form.since >= lasts * SECOND, "the form of {id} ended early");
        people.form_timed_out = true;
        Ok(())
    }

    pub(super) fn form_voided(
        &mut self,
        id: &ExecutionId,
        generation: u32,
        reason: &str,
    ) -> Result<(), Broken> {
        let barred =
            self.barred(self.at(&id.stage)?) || self.superseded(id) || self.finished.is_some();
        ensure!(barred && !reason.is_empty(), "the form of {id} is taken back: {reason:?}");
        let people = self.people(id);
        let open = people.form.take().map(|form| form.generation);
        ensure!(open == Some(generation), "form {generation} of {id} is not open: {open:?}");
        Ok(())
    }

    pub(super) fn revision(&mut self, id: &ExecutionId, revision: u32) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        let stage = self.stage(at);
        let max = stage.asks.max_revisions;
        let works = stage.kind.works() && stage.asks.form.is_none();
        let book = self.executions.entry(id.clone()).or_default();
        let people = &mut book.people;
        ensure!(people.ended == Some(Ended::Changes), "{id} is revised, nobody asked for it");
        ensure!(revision == people.revision + 1, "revision {revision} follows {}", people.revision);
        ensure!(revision <= max, "{id} is revised {revision} times of {max}");
        (people.revision, people.ended, people.answered) = (revision, None, false);
        book.again = false;
        book.tries = 0;
        book.lost = 0;
        book.verdict = None;
        book.queued = works;
        Ok(())
    }

    pub(super) fn awaits(&mut self, id: &ExecutionId, environment: &str) -> Result<(), Broken> {
        let at = self.quiet(id)?;
        let stage = self.stage(at);
        ensure!(stage.lock(), "{id} waits for {environment}, which has no lock");
        ensure!(stage.asks.environment == Some(environment), "{id} waits for {environment}");
        ensure!(stage.kind.works(), "{id} does nothing and waits for {environment}");
        let since = self.last_at;
        let people = self.people(id);
        ensure!(people.lock != Lock::Waits, "{id} waits for {environment} twice");
        people.lock = Lock::Waits;
        people.lock_since = since;
        match self.barrier(at, id) {
            None | Some("its environment was not granted") => Ok(()),
            Some(why) => Err(format!("{id} waits for {environment} but {why}")),
        }
    }

    pub(super) fn granted(&mut self, id: &ExecutionId) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        let name = self.stage(at).asks.environment.unwrap_or("nothing");
        let inside = self.inside(name);
        ensure!(inside.is_empty(), "{id} is let into {name} beside {inside:?}");
        let people = self.people(id);
        ensure!(people.lock == Lock::Waits, "{id} is let into {name} but does not wait");
        people.lock = Lock::Granted;
        Ok(())
    }

    /// Who is in an environment with a lock now.
    pub(crate) fn inside(&self, environment: &str) -> Vec<ExecutionId> {
        self.executions
            .iter()
            .filter(|(id, book)| {
                let here = self.spec.stage(&id.stage).asks.environment == Some(environment);
                here && book.people.lock == Lock::Granted
            })
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Who waits for it, since when, first come first.
    pub(crate) fn outside(&self, environment: &str) -> Vec<(Micros, ExecutionId)> {
        let mut waiting: Vec<_> = self
            .executions
            .iter()
            .filter(|(id, book)| {
                let here = self.spec.stage(&id.stage).asks.environment == Some(environment);
                here && book.people.lock == Lock::Waits
            })
            .map(|(id, book)| (book.people.lock_since, id.clone()))
            .collect();
        waiting.sort();
        waiting
    }

    /// A gate that its votes decide is not open any more.
    pub(super) fn decided_gates(&self) -> Result<(), Broken> {
        for gate in self.open_gates() {
            let no = gate.decided(Decision::Reject) || gate.decided(Decision::RequestChanges);
            ensure!(!no && !gate.full(), "{} is decided and still open", gate.id);
        }
        Ok(())
    }

    /// Must a vote be taken?
    pub(crate) fn must_vote(&self, vote: &Vote) -> Option<bool> {
        let Some(gate) = self.gate(&vote.gate) else { return Some(false) };
        if self.paused || self.finished.is_some() {
            return Some(false);
        }
        let stale = vote.digest.as_ref().is_some_and(|digest| *digest != gate.digest);
        let blank = vote.decision != Decision::Approve && vote.comment.trim().is_empty();
        let changes = vote.decision == Decision::RequestChanges;
        let again = gate.voted(&vote.by.name) == Some(vote.decision);
        let eligible = gate.eligible(&vote.by) || (vote.alone && vote.by.name == INITIATOR);
        if stale || blank || again || !eligible {
            return Some(false);
        }
        if changes && vote.gate.kind != GateKind::Complete {
            return Some(false);
        }
        let at = self.at(&vote.gate.execution.stage).ok()?;
        let noop = self.stage(at).kind == Kind::Noop && self.stage(at).asks.form.is_none();
        (!(changes && noop)).then_some(true)
    }

    pub(crate) fn must_delegate(&self, delegate: &Delegate) -> Option<bool> {
        let Some(gate) = self.gate(&delegate.gate) else { return Some(false) };
        if self.paused || self.finished.is_some() {
            return Some(false);
        }
        let (by, to) = (&delegate.by, &delegate.to);
        let may = gate.eligible(by) && gate.voted(&by.name).is_none();
        if !may || gate.eligible(to) || by.name == to.name || gate.voted(&to.name).is_some() {
            return Some(false);
        }
        None
    }

    pub(crate) fn must_revoke(&self, revoke: &Revoke) -> Option<bool> {
        let Some(gate) = self.gate(&revoke.gate) else { return Some(false) };
        if self.paused || self.finished.is_some() || gate.voted(&revoke.to).is_some() {
            return Some(false);
        }
        let mut links = gate.slots.iter().flat_map(|slot| &slot.chain);
        let handed = links.any(|(_, to)| to.name == revoke.to);
        if handed { None } else { Some(false) }
    }

    pub(crate) fn must_advance(&self, advance: &Advance) -> Option<bool> {
        let held: Vec<_> =
            self.executions.iter().filter(|(_, book)| book.people.held.is_some()).collect();
        if self.paused || self.finished.is_some() {
            return Some(false);
        }
        match &advance.execution {
            Some(id) if held.iter().any(|(one, _)| *one == id) => Some(true),
            Some(_) => None,
            None if held.len() == 1 => Some(true),
            None => None,
        }
    }

    pub(crate) fn must_submit(&self, submit: &Submit) -> Option<bool> {
        let form = self.people_of(&submit.execution).and_then(|people| people.form.as_ref());
        let Some(form) = form else { return Some(false) };
        let at = self.at(&submit.execution.stage).ok()?;
        let takes = self.stage(at).asks.form.as_ref().is_some_and(|form| form.takes(&submit.by));
        let generation = submit.generation.is_none_or(|one| one == form.generation);
        let open = !self.paused && self.finished.is_none();
        let spec = self.stage(at).asks.form.as_ref()?;
        let mut values = submit.values.clone();
        let people = self.people_of(&submit.execution)?;
        if spec.prefilled || people.was_answered {
            values.entry("answer".into()).or_insert_with(|| "usual".into());
        }
        Some(open && takes && generation && answers_form(&values))
    }
}
