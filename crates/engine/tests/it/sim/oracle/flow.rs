//! What starts a stage, and how many instances events make of it: from the written pipeline alone.

use engine::event::{Conclusion, Outcome};
use engine::id::ExecutionId;

use super::{Fate, Halt, Oracle, good, word};
use crate::sim::spec::{ListenSpec, Message, Micros, StageSpec, TriggerSpec};

impl Oracle<'_> {
    fn of(&self, name: &str) -> Option<Fate> {
        let at = self.nodes.iter().position(|node| node.name == name)?;
        self.fates[at]
    }

    /// Every message of this kind that is ever given, in the order in which it is, where one stage
    /// gives them all.
    fn given(&mut self, event: &str) -> Vec<Message> {
        let emitters = self.spec.emitters(event);
        if emitters.is_empty() {
            let mut seen: Vec<&str> = vec![];
            let mut out = vec![];
            for delivery in &self.spec.deliveries {
                let one = &delivery.occurrence;
                if one.kind == event && !seen.contains(&one.id.as_str()) {
                    seen.push(&one.id);
                    out.extend(Message::read(&one.data));
                }
            }
            return out;
        }
        let mut out = vec![];
        for name in &emitters {
            let stage = self.spec.stage(name);
            let Some(fate) = self.of(name) else { continue };
            // Which instances succeeded, and when, hangs on more.
            self.unsure |= stage.fans() || emitters.len() > 1;
            if fate.outcome == Outcome::Succeeded {
                let own = stage.flow.emits.iter().filter(|emit| emit.event == event);
                out.extend(own.flat_map(|emit| emit.messages.clone()));
            }
        }
        out
    }

    fn taken(&mut self, listen: &ListenSpec) -> Vec<Message> {
        let mut all = self.given(listen.event);
        all.retain(|message| message.good || !listen.filter);
        all
    }

    /// Its triggers fire, sooner or later.
    pub(super) fn fires(&mut self, stage: &StageSpec) -> bool {
        let Some(triggers) = &stage.flow.triggers else { return true };
        if triggers.instances.is_some() {
            return true;
        }
        let mut fired = vec![];
        for trigger in &triggers.list {
            fired.push(match trigger {
                TriggerSpec::Completion { stage, success_only } => {
                    let counts = self.of(stage).map_or(Conclusion::NotRun, |fate| fate.conclusion);
                    !success_only || good(counts)
                }
                TriggerSpec::Condition { stage, outcome } => {
                    self.of(stage).is_some_and(|fate| word(fate.outcome) == *outcome)
                }
                TriggerSpec::Event(listen) => !self.taken(listen).is_empty(),
                TriggerSpec::Manual(None) => true,
                TriggerSpec::Manual(Some(_)) => {
                    self.unsure = true;
                    true
                }
            });
        }
        if triggers.all { !fired.contains(&false) } else { fired.contains(&true) }
    }

    pub(super) fn fed(
        &mut self,
        stage: &StageSpec,
        start: Micros,
        halt: Option<Halt>,
    ) -> Vec<(Outcome, Micros)> {
        let listen = stage.listens().unwrap().clone();
        let mut messages: Vec<Message> = vec![];
        let most = stage.expects(self.spec).map_or(usize::MAX, |most| most as usize);
        for message in self.taken(&listen) {
            let twice = listen.keyed && messages.iter().any(|one| one.key == message.key);
            if !twice && messages.len() < most {
                messages.push(message);
            }
        }
        let mut ends: Vec<Option<(Outcome, Micros)>> = vec![None; messages.len()];
        // Whoever needs nobody who is still to come has its turn; the rest waits in vain.
        loop {
            let ready = (0..messages.len()).find(|at| {
                let needs = messages[*at].needs.iter().filter(|_| listen.needs);
                let mut places = needs.map(|key| messages.iter().position(|one| one.key == *key));
                ends[*at].is_none()
                    && places.all(|place| place.is_some_and(|at| ends[at].is_some()))
            });
            let Some(at) = ready else { break };
            let lost = messages[at].needs.iter().filter(|_| listen.needs).any(|key| {
                let place = messages.iter().position(|one| one.key == *key).unwrap();
                ends[place].unwrap().0 != Outcome::Succeeded
            });
            let id = ExecutionId::instance(&*stage.name, u32::try_from(at).unwrap() + 1);
            ends[at] = Some(if lost {
                (Outcome::NotRun, start)
            } else {
                self.execution(stage, &id, start, halt)
            });
        }
        ends.into_iter().map(|end| end.unwrap_or((Outcome::NotRun, start))).collect()
    }
}
