//! People: what each is about to do, and that they come back until they were heard.

use engine::command::{
    Advance, Breakpoints, Command, Delegate, HandBack, Inquire, LetGo, Revoke, Rewind, RollBack,
    Submit, TakeOver, Vote,
};
use engine::event::{Attach, Decision, Event, GateId, GateKind, Occurrence, Person};
use engine::id::ExecutionId;
use engine::lock::grants;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::{Answer, World};
use crate::sim::faults::What;
use crate::sim::invariants::Broken;
use crate::sim::rng::Rng;
use crate::sim::spec::{ENVIRONMENTS, Kind, Message, Micros, OUTSIDE, everybody, named, person};

/// What somebody outside is about to do.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    Vote { gate: GateId, by: Person, decision: Decision },
    Submit { execution: ExecutionId, generation: u32, by: Person },
    Advance { execution: ExecutionId },
    Deliver(Occurrence),
}

pub(crate) fn answer(text: &str) -> IndexMap<String, Json> {
    IndexMap::from([("answer".to_owned(), json!(text))])
}

impl World<'_> {
    fn plan(&mut self, after: Micros, errand: Errand) {
        self.planned += 1;
        self.errands.insert((self.now + after, self.planned), errand);
    }

    /// People hear of what they are asked, and make up their minds.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::RunCreated { .. } => {
                for delivery in self.case.spec.deliveries.clone() {
                    self.plan(delivery.at, Errand::Deliver(delivery.occurrence));
                }
            }
            Event::GateOpened { gate, .. } => self.called_to(gate, false),
            Event::GateEscalated { gate, .. } => {
                let over = |errand: &Errand| matches!(errand, Errand::Vote { gate: one, .. } if one == gate);
                self.errands.retain(|_, errand| !over(errand));
                self.called_to(gate, true);
            }
            Event::FormOpened(form) => {
                let answering = self.case.spec.answering(&form.execution, form.generation);
                if let (Some((after, by)), false) = (answering, self.mute) {
                    let (execution, generation) = (form.execution.clone(), form.generation);
                    self.plan(after, Errand::Submit { execution, generation, by });
                }
            }
            Event::ExecutionHeld { execution, .. } if !self.mute => {
                let after = self.case.spec.advancing(execution);
                self.plan(after, Errand::Advance { execution: execution.clone() });
            }
            Event::StageListening { stage } => {
                let execution = ExecutionId::stage(stage.clone());
                if self.case.spec.stage(stage).by_hand() && !self.mute {
                    let after = self.case.spec.advancing(&execution);
                    self.plan(after, Errand::Advance { execution });
                }
            }
            _ => {}
        }
    }

    fn called_to(&mut self, gate: &GateId, escalated: bool) {
        if self.mute {
            return;
        }
        for (after, by, decision) in self.case.spec.voting(gate, escalated) {
            self.plan(after, Errand::Vote { gate: gate.clone(), by, decision });
        }
    }

    /// When somebody comes next. Nobody comes while the run is paused: they would be sent away.
    pub(super) fn visit(&self) -> Option<Micros> {
        if self.ledger.paused || self.ledger.finished.is_some() {
            return None;
        }
        self.errands.keys().next().map(|(at, _)| *at)
    }

    /// Whoever's time has come does what they came for. `false`: nobody came.
    pub(super) fn receive(&mut self) -> Result<bool, Broken> {
        let due = self.visit().is_some_and(|at| at <= self.now);
        let Some((key, errand)) = self.errands.first_key_value() else { return Ok(false) };
        if !due {
            return Ok(false);
        }
        let (key, command) = (*key, self.command(errand));
        if self.submit(command)? != Answer::Silence {
            self.errands.remove(&key);
        }
        Ok(true)
    }

    fn command(&self, errand: &Errand) -> Command {
        match errand {
            Errand::Vote { gate, by, decision } => {
                let digest = self.ledger.gate(gate).map(|gate| gate.digest.clone());
                self.vote(gate, by, *decision, digest)
            }
            Errand::Submit { execution, generation, by } => Command::Submit(Box::new(Submit {
                execution: execution.clone(),
                generation: Some(*generation),
                by: by.clone(),
                values: answer("well"),
                artifacts: vec![],
            })),
            Errand::Advance { execution } => {
                Command::Advance(Advance { by: person(1), execution: Some(execution.clone()) })
            }
            Errand::Deliver(occurrence) => {
                Command::Deliver { occurrence: Box::new(occurrence.clone()) }
            }
        }
    }

    pub(crate) fn vote(
        &self,
        gate: &GateId,
        by: &Person,
        decision: Decision,
        digest: Option<String>,
    ) -> Command {
        Command::Vote(Box::new(Vote {
            gate: gate.clone(),
            by: by.clone(),
            decision,
            comment: "because".into(),
            digest,
            alone: false,
        }))
    }

    /// The dispatcher lets the next one into an environment that is free.
    pub(super) fn grant(&mut self) -> Result<bool, Broken> {
        if self.fleet || self.ledger.paused || self.ledger.finished.is_some() {
            return Ok(false);
        }
        let grants = grants(self.run.claims());
        for name in ENVIRONMENTS {
            let waiting = self.ledger.outside(name);
            let free = self.ledger.inside(name).is_empty();
            let next = waiting.first().filter(|_| free).map(|(_, id)| id);
            let here =
                |id: &&ExecutionId| self.case.spec.stage(&id.stage).asks.environment == Some(name);
            let granted = grants.iter().map(|(_, id)| id).find(here);
            ensure!(granted == next, "{name} is given to {granted:?}, it is the turn of {next:?}");
        }
        if let Some((_, execution)) = grants.into_iter().next() {
            let answer = self.submit(Command::Grant { execution: execution.clone() })?;
            ensure!(answer != Answer::Refused, "{execution} may enter and is refused");
            return Ok(true);
        }
        Ok(false)
    }

    fn any_gate(&self, rng: &mut Rng) -> GateId {
        let open = self.ledger.open_gates();
        if !open.is_empty() && rng.chance(90) {
            return open[rng.index(open.len())].id.clone();
        }
        if let (Some(old), true) = (self.old_gates.last(), rng.chance(70)) {
            return old.clone();
        }
        let kind = rng.pick(&[GateKind::Start, GateKind::Complete, GateKind::Trigger]);
        let generation = u32::try_from(rng.below(4)).unwrap();
        GateId { execution: self.any(rng), kind, generation }
    }

    fn open_form(&self, rng: &mut Rng) -> (ExecutionId, u32) {
        let open: Vec<_> = self
            .ledger
            .executions
            .iter()
            .filter_map(|(id, book)| Some((id.clone(), book.people.form.as_ref()?.generation)))
            .collect();
        if open.is_empty() {
            return (self.any(rng), 1);
        }
        open[rng.index(open.len())].clone()
    }

    fn held(&self, rng: &mut Rng) -> ExecutionId {
        let held = self.ledger.executions.iter().find(|(_, book)| book.people.held.is_some());
        held.map_or_else(|| self.any(rng), |(id, _)| id.clone())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each thing that people do")]
    /// What people do whom nobody expected: the wrong one, twice, late, on what was shown before.
    pub(super) fn meddle(&mut self, what: What, rng: &mut Rng) -> Option<Command> {
        let mut people = everybody();
        let by = people.remove(rng.index(people.len()));
        let to = people.remove(rng.index(people.len()));
        Some(match what {
            What::Vote => {
                let gate = self.any_gate(rng);
                let decision = match rng.below(10) {
                    0 => Decision::Reject,
                    1 | 2 => Decision::RequestChanges,
                    _ => Decision::Approve,
                };
                let digest = match (rng.below(6), self.ledger.gate(&gate)) {
                    (0, _) => Some("0".repeat(64)),
                    (1, _) | (_, None) => None,
                    (_, Some(open)) => Some(open.digest.clone()),
                };
                self.vote(&gate, &by, decision, digest)
            }
            What::Delegate => {
                let gate = self.any_gate(rng);
                // Mostly somebody who may.
                let able = self.ledger.gate(&gate).and_then(|gate| {
                    everybody()
                        .into_iter()
                        .find(|one| gate.eligible(one) && gate.voted(&one.name).is_none())
                });
                let by = able.filter(|_| rng.chance(80)).unwrap_or(by);
                let to = if rng.chance(50) { named("ed") } else { to };
                Command::Delegate(Box::new(Delegate { gate, by, to }))
            }
            What::Revoke => {
                let gate = self.any_gate(rng);
                let link = self.ledger.gate(&gate).and_then(|gate| {
                    let mut links = gate.slots.iter().flat_map(|slot| slot.chain.clone());
                    links.next_back()
                });
                let (by, to) = link.unwrap_or((by, to));
                Command::Revoke(Box::new(Revoke { gate, by, to: to.name }))
            }
            What::Submit => {
                let (execution, generation) = self.open_form(rng);
                let values = match rng.below(5) {
                    0 => answer(""),
                    1 => answer("much too long"),
                    2 => IndexMap::from([("share".to_owned(), json!(9))]),
                    3 => IndexMap::from([("other".to_owned(), json!("x"))]),
                    _ => answer("fine"),
                };
                let generation = match rng.below(4) {
                    0 => None,
                    1 => Some(generation.wrapping_sub(1)),
                    _ => Some(generation),
                };
                let by = if rng.chance(70) { named("ana") } else { by };
                let artifacts = vec![];
                Command::Submit(Box::new(Submit { execution, generation, by, values, artifacts }))
            }
            What::Inquire => self.inquiry(rng),
            What::TakeOver => {
                let taken = self.ledger.taken().into_iter().next();
                let execution = match taken {
                    Some((id, _)) if rng.chance(30) => id,
                    _ => self.agent(rng),
                };
                Command::TakeOver(TakeOver { execution, by })
            }
            What::LetGo => self.letting_go(rng),
            What::HandBack => {
                let taken = self.ledger.taken();
                let accept = rng.chance(30);
                let note = "go on".to_owned();
                let (execution, by) = match taken.first() {
                    Some((id, who)) if rng.chance(80) => {
                        let who = if rng.chance(80) { named(who) } else { by };
                        (id.clone(), who)
                    }
                    _ => (self.any(rng), by),
                };
                Command::HandBack(HandBack { execution, by, note, accept })
            }
            What::Advance => {
                let execution = if rng.chance(30) { None } else { Some(self.held(rng)) };
                Command::Advance(Advance { by, execution })
            }
            What::Breakpoints => {
                let count = rng.below(3);
                let stages = (0..count).map(|_| self.any(rng).stage).collect();
                Command::SetBreakpoints(Breakpoints { by: by.name, stages, step: rng.chance(20) })
            }
            What::Grant => Command::Grant { execution: self.any(rng) },
            What::Deliver => {
                let planned = &self.case.spec.deliveries;
                if !planned.is_empty() && rng.chance(50) {
                    let again = planned[rng.index(planned.len())].occurrence.clone();
                    return Some(Command::Deliver { occurrence: Box::new(again) });
                }
                let event = rng.pick(&OUTSIDE);
                let n = rng.below(3);
                let good = rng.chance(70);
                let message = Message { key: format!("odd{n}"), needs: vec![], good };
                let occurrence = Occurrence {
                    id: format!("{event}-odd-{n}"),
                    kind: event.into(),
                    data: message.json(),
                    source: format!("user:{}", by.name),
                };
                Command::Deliver { occurrence: Box::new(occurrence) }
            }
            What::RollBack => Command::RollBack(RollBack {
                by: by.name,
                to: self.any(rng).stage,
                reason: "it was wrong".into(),
                force: rng.chance(40),
            }),
            What::Rewind => Command::Rewind(Rewind {
                by: by.name,
                to: self.any(rng).stage,
                inclusive: rng.chance(60),
                pause: rng.chance(40),
            }),
            What::UndoRewind => Command::UndoRewind { by: by.name },
            _ => return None,
        })
    }

    /// An attempt asks: a live one or one that is over, something new or the same again.
    fn inquiry(&self, rng: &mut Rng) -> Command {
        let attempt = if rng.chance(85) { self.live_attempt(rng) } else { self.old_attempt(rng) };
        Command::Inquire(Box::new(Inquire {
            attempt,
            kind: rng.pick(&[GateKind::Permission, GateKind::Question]),
            key: format!("k{}", rng.below(3)),
            question: "may I?".to_owned(),
            choices: vec![],
            detail: Json::Null,
        }))
    }

    /// Mostly one that is at work.
    fn agent(&self, rng: &mut Rng) -> ExecutionId {
        let agents: Vec<ExecutionId> = self
            .ledger
            .live_attempts()
            .into_iter()
            .map(|attempt| attempt.execution)
            .filter(|id| self.case.spec.stage(&id.stage).kind == Kind::Agent)
            .collect();
        if agents.is_empty() || rng.chance(15) {
            return self.any(rng);
        }
        agents[rng.index(agents.len())].clone()
    }

    /// Mostly of the attempt that ought to.
    fn letting_go(&self, rng: &mut Rng) -> Command {
        let live = self.ledger.live_attempts();
        let taken = self.ledger.taken();
        let held = live.iter().find(|one| taken.iter().any(|(id, _)| *id == one.execution));
        let attempt = match held {
            Some(held) if rng.chance(85) => held.clone(),
            _ => self.old_attempt(rng),
        };
        let people = self.ledger.people_of(&attempt.execution);
        let hold = people.map_or(1, |people| people.takes);
        let hold = if rng.chance(85) { hold } else { hold + 1 };
        let attach = Attach { command: "true".to_owned(), ..Attach::default() };
        Command::LetGo(Box::new(LetGo { attempt, hold, attach }))
    }

    /// What was on its way was refused while the run was over: it is sent again, under a new name.
    pub(super) fn send_again(&self) -> Option<Command> {
        let event = self.case.spec.all().find_map(|stage| {
            let event = stage.listens()?.event;
            let outside = self.case.spec.emitters(event).is_empty();
            (outside && self.ledger.waits_for_events(&stage.name)).then_some(event)
        })?;
        let n = self.journal.len();
        let message = Message { key: format!("late{n}"), needs: vec![], good: true };
        let occurrence = Occurrence {
            id: format!("{event}-late-{n}"),
            kind: event.into(),
            data: message.json(),
            source: "user:ana".into(),
        };
        Some(Command::Deliver { occurrence: Box::new(occurrence) })
    }

    /// Somebody has to come, and nobody would: whatever the run waits for is done.
    pub(super) fn call_somebody(&self) -> Option<Command> {
        let books = || self.ledger.executions.iter();
        if let Some((id, _)) = books().find(|(_, book)| book.people.held.is_some()) {
            return Some(self.command(&Errand::Advance { execution: id.clone() }));
        }
        let by_hand = self
            .case
            .spec
            .all()
            .find(|stage| stage.by_hand() && self.ledger.hearkens_to(&stage.name));
        if let Some(stage) = by_hand {
            let execution = ExecutionId::stage(stage.name.as_str());
            return Some(self.command(&Errand::Advance { execution }));
        }
        books().find_map(|(id, book)| {
            let form = book.people.form.as_ref()?;
            let spec = self.case.spec.stage(&id.stage).asks.form.as_ref()?;
            let by = everybody().into_iter().find(|one| spec.takes(one))?;
            let (execution, generation) = (id.clone(), form.generation);
            Some(self.command(&Errand::Submit { execution, generation, by }))
        })
    }
}
