//! What live attempts ask, and people who take their place.

use engine::command::{HandBack, Inquire, LetGo, TakeOver};
use engine::event::{GateId, GateKind, Inquiry, Person};
use engine::id::{AttemptId, ExecutionId};
use pipeline::model::{Electorate, OnTimeout};

use super::people::OpenGate;
use super::{Broken, Ledger};
use crate::sim::spec::{Kind, Micros, environment};

const ADMIN: &str = "admin";

pub(super) fn inquires(kind: GateKind) -> bool {
    match kind {
        GateKind::Permission | GateKind::Question => true,
        GateKind::Start | GateKind::Complete | GateKind::Trigger => false,
    }
}

impl Ledger<'_> {
    /// Who holds what, live or about to be live again.
    pub(crate) fn taken(&self) -> Vec<(ExecutionId, String)> {
        let books = self.executions.iter();
        books.filter_map(|(id, book)| Some((id.clone(), book.people.taken.clone()?))).collect()
    }

    /// A person works in the place of its live attempt.
    pub(crate) fn works_there(&self, id: &ExecutionId) -> bool {
        let holder = self.people_of(id).and_then(|people| people.taken.as_ref());
        holder.is_some() && self.goes_on(id).is_some()
    }

    /// Its live attempt, unless that is about to end.
    fn goes_on(&self, id: &ExecutionId) -> Option<&AttemptId> {
        let live = self.executions.get(id)?.live.as_ref()?;
        (!live.unknown && live.stopping.is_none()).then_some(&live.id)
    }

    /// What its live attempt asks is taken back.
    pub(super) fn asks_in_vain(&self, id: &GateId) -> bool {
        inquires(id.kind)
            && (self.goes_on(&id.execution).is_none() || self.works_there(&id.execution))
    }

    /// Who is asked by an attempt: the environment's, who approves its end, who approves its start,
    /// or anybody; and silence is a no.
    pub(super) fn asked_by_attempt(&self, at: usize, kind: GateKind) -> Electorate {
        let asks = &self.stage(at).asks;
        let policy = asks.environment.and_then(|name| environment(name).approval);
        let own = asks.complete.as_ref().or(asks.start.as_ref());
        let mut wanted = policy.or_else(|| own.cloned()).unwrap_or_default();
        if wanted.on_timeout != OnTimeout::Escalate {
            wanted.on_timeout = OnTimeout::Reject;
        }
        wanted.allow_self |= kind == GateKind::Question;
        wanted
    }

    /// It may ask now, what it did not ask before.
    pub(super) fn inquired(
        &mut self,
        gate: &GateId,
        inquiry: Option<&Inquiry>,
    ) -> Result<usize, Broken> {
        let id = &gate.execution;
        let at = self.at(&id.stage)?;
        let Some(inquiry) = inquiry else { return Err(format!("{gate} asks nothing")) };
        let Some(live) = self.goes_on(id) else { return Err(format!("{gate}: nobody asks")) };
        ensure!(live.number == inquiry.attempt, "{gate} is asked by {}", inquiry.attempt);
        ensure!(!self.works_there(id), "{gate} is asked although somebody took over");
        let active = self.active(self.last_at);
        let book = self.executions.entry(id.clone()).or_default();
        ensure!(book.people.gate.is_none(), "{id} asks two things at once");
        // Whether it stands: what was taken back may be asked anew.
        let answered = book.people.keys.insert(inquiry.key.clone(), true);
        ensure!(answered != Some(true), "{id} asks {} again", inquiry.key);
        book.stop_clock(active);
        Ok(at)
    }

    /// It has its answer, or asked in vain.
    pub(super) fn inquiry_ended(&mut self, gate: &OpenGate, void: bool) {
        let active = self.active(self.last_at);
        let Some(book) = self.executions.get_mut(&gate.id.execution) else { return };
        if void {
            book.people.keys.insert(gate.key.clone(), false);
        } else {
            book.ticking = Some(active);
        }
    }

    pub(super) fn taken_over(
        &mut self,
        id: &ExecutionId,
        hold: u32,
        by: &Person,
    ) -> Result<(), Broken> {
        let at = self.at(&id.stage)?;
        ensure!(self.stage(at).kind == Kind::Agent, "{id} is taken over, it is no agent");
        ensure!(!self.paused, "{id} is taken over in a pause");
        ensure!(self.goes_on(id).is_some(), "{id} is taken over but does not run");
        let active = self.active(self.last_at);
        let book = self.executions.entry(id.clone()).or_default();
        ensure!(book.people.taken.is_none(), "{id} is taken over twice");
        ensure!(hold == book.people.takes + 1, "{id} is taken over {hold} times");
        (book.people.takes, book.people.taken) = (hold, Some(by.name.clone()));
        book.stop_clock(active);
        Ok(())
    }

    pub(super) fn has_let_go(&mut self, attempt: &AttemptId, hold: u32) -> Result<(), Broken> {
        let id = &attempt.execution;
        ensure!(self.goes_on(id) == Some(attempt), "{attempt:?} lets go, it does not run");
        ensure!(self.works_there(id), "{attempt:?} lets go of what nobody holds");
        ensure!(self.people(id).takes == hold, "{attempt:?} lets go of hold {hold}");
        Ok(())
    }

    pub(super) fn handed_back(
        &mut self,
        id: &ExecutionId,
        hold: u32,
        by: &Person,
    ) -> Result<(), Broken> {
        ensure!(!self.paused, "{id} is handed back in a pause");
        let (active, runs) = (self.active(self.last_at), self.goes_on(id).is_some());
        let book = self.executions.entry(id.clone()).or_default();
        let holder = book.people.taken.take();
        let may = holder.as_deref() == Some(&*by.name) || by.is(ADMIN);
        ensure!(holder.is_some() && may, "{} hands back {id}, which {holder:?} holds", by.name);
        ensure!(hold == book.people.takes, "{id} is handed back for hold {hold}");
        if runs {
            book.ticking = Some(active);
        }
        Ok(())
    }

    pub(crate) fn must_inquire(&self, asked: &Inquire) -> bool {
        let id = &asked.attempt.execution;
        if self.goes_on(id) != Some(&asked.attempt) || self.works_there(id) {
            return false;
        }
        let Some(people) = self.people_of(id) else { return true };
        people.keys.get(&asked.key) == Some(&true) || people.gate.is_none()
    }

    pub(crate) fn must_take_over(&self, asked: &TakeOver) -> bool {
        let id = &asked.execution;
        if self.finished.is_some() {
            return false;
        }
        match self.people_of(id).and_then(|people| people.taken.as_deref()) {
            Some(holder) => holder == asked.by.name,
            None => {
                let agent = self.spec.stage(&id.stage).kind == Kind::Agent;
                agent && self.goes_on(id).is_some() && !self.paused
            }
        }
    }

    pub(crate) fn must_let_go(&self, said: &LetGo) -> bool {
        let id = &said.attempt.execution;
        let takes = self.people_of(id).map_or(0, |people| people.takes);
        self.goes_on(id) == Some(&said.attempt) && self.works_there(id) && takes == said.hold
    }

    pub(crate) fn must_hand_back(&self, asked: &HandBack) -> bool {
        let id = &asked.execution;
        let holder = self.people_of(id).and_then(|people| people.taken.as_deref());
        let may = holder.is_some_and(|holder| holder == asked.by.name || asked.by.is(ADMIN));
        let book = self.executions.get(id).and_then(|book| book.live.as_ref());
        let stopping = book.is_some_and(|live| !live.unknown && live.stopping.is_some());
        may && !stopping && !self.paused && self.finished.is_none()
    }
}

impl super::Book {
    /// People are waited for: its time stands still.
    fn stop_clock(&mut self, active: Micros) {
        self.spent = self.used(active);
        self.ticking = None;
    }
}
