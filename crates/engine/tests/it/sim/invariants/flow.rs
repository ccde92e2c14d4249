//! Events and what they start, by the bookkeeper's own rules: nothing twice, nothing lost, in order.

use engine::event::{Conclusion, Fired, Occurrence, Outcome};
use engine::id::ExecutionId;
use serde_json::{Value as Json, json};

use super::{Broken, Ledger};
use crate::sim::oracle;
use crate::sim::spec::{ListenSpec, Message, TriggerSpec};

/// An event that the run knows of.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) occurrence: Occurrence,
    from: Option<ExecutionId>,
}

/// What one stage made of events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pub(super) listening: bool,
    pub(super) fired: Vec<u32>,
    /// By instance, from 1.
    pub(super) given: Vec<Given>,
    /// Ids of events that it took or passed over.
    seen: Vec<String>,
    pub(super) closed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(super) key: Option<String>,
    needs: Vec<String>,
}

/// What may still become of a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    Fired,
    /// It ought to have fired.
    Now,
    Later,
    Never,
}

fn shown(occurrence: &Occurrence) -> Json {
    let mut data = occurrence.data.clone();
    data["type"] = json!(occurrence.kind);
    data["id"] = json!(occurrence.id);
    data
}

impl Ledger<'_> {
    pub(super) fn remember(
        &mut self,
        occurrence: &Occurrence,
        from: Option<&ExecutionId>,
    ) -> Result<(), Broken> {
        let id = &occurrence.id;
        let twice = self.known.iter().any(|known| known.occurrence.id == *id);
        ensure!(!twice, "the event {id} is taken twice");
        if let Some(from) = from {
            self.emitted(from, occurrence)?;
        } else {
            ensure!(self.spec.listens(&occurrence.kind), "nobody listens to {id}");
        }
        self.known.push(Known { occurrence: occurrence.clone(), from: from.cloned() });
        Ok(())
    }

    /// The next of those that its stage gives, once it has succeeded.
    fn emitted(&mut self, from: &ExecutionId, occurrence: &Occurrence) -> Result<(), Broken> {
        let stage = self.stage(self.at(&from.stage)?);
        let all = stage.flow.emits.iter();
        let mut all = all.flat_map(|emit| emit.messages.iter().map(move |one| (emit.event, one)));
        let book = self.executions.entry(from.clone()).or_default();
        let done = book.settled.is_none_or(|(outcome, _)| outcome == Outcome::Succeeded);
        ensure!(done, "{from} gives {occurrence:?} although it did not succeed");
        let Some((event, message)) = all.nth(book.emitted) else {
            return Err(format!("{from} gives {occurrence:?}, one too many"));
        };
        book.emitted += 1;
        ensure!(occurrence.kind == event, "{from} gives {occurrence:?}, not {event}");
        ensure!(occurrence.data == message.json(), "{from} gives {occurrence:?}: {message:?}");
        ensure!(occurrence.source == from.to_string(), "{occurrence:?} of {from}");
        Ok(())
    }

    /// Whoever is fed by what is fresh takes events again.
    pub(super) fn feed_again(&mut self, executions: &[ExecutionId]) {
        for at in 0..self.nodes.len() {
            let fed = self.stage(at).fed().and(self.stage(at).listens());
            let emitters = fed.map_or(vec![], |listen| self.spec.emitters(listen.event));
            let again = executions.iter().any(|id| emitters.contains(&&*id.stage));
            if again && self.stages[at].ready {
                self.stages[at].settled = None;
                self.stages[at].feed.closed = false;
            }
        }
    }

    /// May events start anything of this stage? A pause does not hinder what starts nothing yet.
    fn hears(&self, at: usize) -> Result<(), Broken> {
        let name = &self.nodes[at].name;
        ensure!(self.started && self.finished.is_none(), "{name} hears events at a wrong time");
        ensure!(!self.barred(at), "{name} hears events although nothing may start");
        Ok(())
    }

    /// Its triggers, or more events, are waited for.
    pub(super) fn hearkens(&self, at: usize) -> bool {
        let book = &self.stages[at];
        let feeding = book.ready && self.stage(at).fed().is_some() && !book.feed.closed;
        book.settled.is_none() && (feeding || (!book.ready && book.feed.listening))
    }

    /// It waits, and no manual trigger of it was fired.
    pub(crate) fn hearkens_to(&self, stage: &str) -> bool {
        let Ok(at) = self.at(stage) else { return false };
        let triggers = self.stage(at).flow.triggers.iter().flat_map(|triggers| &triggers.list);
        let fired = &self.stages[at].feed.fired;
        let mut left = triggers.zip(0..).filter(|(_, place)| !fired.contains(place));
        let left = left.any(|(one, _)| *one == TriggerSpec::Manual(None));
        left && self.hearkens(at) && !self.stages[at].ready && !self.cancelling
    }

    /// It takes events, and none that it took is enough.
    pub(crate) fn waits_for_events(&self, stage: &str) -> bool {
        let Ok(at) = self.at(stage) else { return false };
        let spec = self.stage(at);
        let triggers = spec.flow.triggers.iter().flat_map(|triggers| &triggers.list);
        let place = triggers.zip(0..).find(|(one, _)| matches!(one, TriggerSpec::Event(_)));
        let open = spec.fed().is_some()
            || place.is_some_and(|(_, place)| !self.stages[at].feed.fired.contains(&place));
        open && self.hearkens(at) && !self.cancelling
    }

    /// What fresh executions gave is forgotten; what they feed takes events again.
    pub(super) fn forget(&mut self, fresh: impl Fn(&ExecutionId) -> bool) {
        self.known.retain(|known| !known.from.as_ref().is_some_and(&fresh));
    }

    pub(super) fn listening(&mut self, stage: &str) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(!self.stages[at].feed.listening, "{stage} listens twice");
        ensure!(self.stage(at).flow.triggers.is_some(), "{stage} listens to nothing");
        ensure!(self.concluded(at).is_some(), "{stage} listens before its dependencies settled");
        self.stages[at].feed.listening = true;
        Ok(())
    }

    pub(super) fn triggered(&mut self, stage: &str, fired: &Fired) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(!self.stages[at].ready, "{stage} is triggered after it was ready");
        ensure!(self.stages[at].settled.is_none(), "{stage} is triggered after it settled");
        let Some(triggers) = &self.stage(at).flow.triggers else {
            return Err(format!("{stage} has no triggers"));
        };
        let Some(trigger) = triggers.list.get(fired.trigger as usize) else {
            return Err(format!("{stage} has no trigger {}", fired.trigger));
        };
        ensure!(!self.stages[at].feed.fired.contains(&fired.trigger), "{stage}: {fired:?} twice");
        let right = match trigger {
            TriggerSpec::Completion { stage, success_only } => {
                let (_, counts) = self.stages[self.at(stage)?].settled.unzip();
                counts.is_some_and(|counts| !success_only || oracle::good(counts))
            }
            TriggerSpec::Event(listen) => {
                let Some(event) = &fired.event else {
                    return Err(format!("{stage} is triggered by no event: {fired:?}"));
                };
                let known = self.known.iter().any(|known| known.occurrence == **event);
                let first = self.known.iter().find(|known| listen.takes(&known.occurrence));
                let first = first.is_some_and(|known| known.occurrence == **event);
                ensure!(first, "{stage} is triggered by {event:?}, which is not the first");
                known && listen.takes(event)
            }
            TriggerSpec::Condition { stage, outcome } => {
                let settled = self.stages[self.at(stage)?].settled;
                settled.is_some_and(|(one, _)| oracle::word(one) == *outcome)
            }
            TriggerSpec::Manual(None) => true,
            TriggerSpec::Manual(Some(_)) => {
                let id = ExecutionId::stage(stage);
                self.people_of(&id).is_some_and(|people| people.trigger_passed)
            }
        };
        ensure!(right, "{stage} is triggered by {trigger:?} ({fired:?}), which did not happen");
        self.stages[at].feed.fired.push(fired.trigger);
        Ok(())
    }

    /// Events that feed a stage are no matter of its start.
    pub(super) fn satisfied(&self, at: usize) -> bool {
        let Some(triggers) = &self.stage(at).flow.triggers else { return true };
        let fired = &self.stages[at].feed.fired;
        let fed = triggers.instances.is_some();
        if triggers.all {
            let mut all = triggers.list.iter().zip(0u32..);
            all.all(|(one, n)| (fed && matches!(one, TriggerSpec::Event(_))) || fired.contains(&n))
        } else {
            fed || !fired.is_empty()
        }
    }

    fn chance(&self, at: usize, place: u32, trigger: &TriggerSpec) -> Result<Chance, Broken> {
        if self.stages[at].feed.fired.contains(&place) {
            return Ok(Chance::Fired);
        }
        Ok(match trigger {
            TriggerSpec::Completion { stage, success_only } => {
                match self.stages[self.at(stage)?].settled {
                    None => Chance::Later,
                    Some((_, counts)) if !success_only || oracle::good(counts) => Chance::Now,
                    Some(_) => Chance::Never,
                }
            }
            TriggerSpec::Condition { stage, outcome } => {
                match self.stages[self.at(stage)?].settled {
                    None => Chance::Later,
                    Some((one, _)) if oracle::word(one) == *outcome => Chance::Now,
                    Some(_) => Chance::Never,
                }
            }
            TriggerSpec::Event(listen) => {
                if self.known.iter().any(|known| listen.takes(&known.occurrence)) {
                    Chance::Now
                } else if self.over(listen)? {
                    Chance::Never
                } else {
                    Chance::Later
                }
            }
            // The stage's own trigger gate says no: it may be either.
            TriggerSpec::Manual(_) => Chance::Later,
        })
    }

    /// Nobody gives this event any more.
    fn over(&self, listen: &ListenSpec) -> Result<bool, Broken> {
        let emitters = self.spec.emitters(listen.event);
        let mut all = true;
        for emitter in &emitters {
            all &= self.stages[self.at(emitter)?].settled.is_some();
        }
        Ok(!emitters.is_empty() && all)
    }

    /// A stage whose dependencies have settled and that could be judged is; and only then.
    /// `None`: it waits, rightly.
    pub(super) fn may_start(&self, at: usize) -> Result<Option<bool>, Broken> {
        let Some(triggers) = &self.stage(at).flow.triggers else { return Ok(Some(true)) };
        if self.satisfied(at) || self.barred(at) {
            return Ok(Some(true));
        }
        ensure!(
            self.stages[at].feed.listening,
            "{} could wait for its triggers and does not",
            self.nodes[at].name
        );
        let fed = triggers.instances.is_some();
        let mut never = vec![];
        for (trigger, place) in triggers.list.iter().zip(0..) {
            if fed && matches!(trigger, TriggerSpec::Event(_)) {
                continue;
            }
            let chance = self.chance(at, place, trigger)?;
            let name = &self.nodes[at].name;
            ensure!(chance != Chance::Now, "{trigger:?} of {name} ought to have fired");
            never.push(chance == Chance::Never);
        }
        let lost = if triggers.all { never.contains(&true) } else { !never.contains(&false) };
        Ok(lost.then_some(false))
    }

    pub(super) fn fed(
        &mut self,
        stage: &str,
        event: &str,
        key: Option<&str>,
        needs: &[String],
        item: &Json,
    ) -> Result<(), Broken> {
        let at = self.at(stage)?;
        self.hears(at)?;
        ensure!(self.stages[at].ready, "{stage} is fed before it is ready");
        ensure!(self.stages[at].settled.is_none(), "{stage} is fed after it settled");
        let spec = self.stage(at);
        ensure!(spec.fed().is_some(), "{stage} is not fed");
        let listen = spec.listens().unwrap();
        let next = self.next_event(at, listen);
        let Some(known) = next else { return Err(format!("{stage} is fed {event}: none is left")) };
        ensure!(known.id == event, "{stage} is fed {event}, {} is the next", known.id);
        ensure!(listen.takes(known), "{stage} is fed {known:?}, which it does not take");
        ensure!(*item == shown(known), "{stage} is fed {item}, not {known:?}");
        let message = Message::read(&known.data).unwrap();
        let wanted = listen.keyed.then(|| message.key.clone());
        ensure!(key == wanted.as_deref(), "{stage} names {key:?} {wanted:?}");
        let wanted = if listen.needs { message.needs } else { vec![] };
        ensure!(needs == wanted, "{stage} needs {needs:?}, not {wanted:?}");
        let expects = spec.expects(self.spec);
        let feed = &mut self.stages[at].feed;
        ensure!(!feed.closed, "{stage} is fed after it closed");
        let room = expects.is_none_or(|expects| feed.given.len() < expects as usize);
        ensure!(room, "{stage} is fed more than {expects:?}");
        let twice = key.is_some() && feed.given.iter().any(|one| one.key.as_deref() == key);
        ensure!(!twice, "{stage} is fed {key:?} twice");
        feed.seen.push(event.into());
        feed.given.push(Given { key: key.map(str::to_owned), needs: needs.to_vec() });
        self.stages[at].items = Some(u32::try_from(self.stages[at].feed.given.len()).unwrap());
        Ok(())
    }

    /// The first of its kind that it has not seen: first come, first served.
    fn next_event(&self, at: usize, listen: &ListenSpec) -> Option<&Occurrence> {
        let seen = &self.stages[at].feed.seen;
        let all = self.known.iter().map(|known| &known.occurrence);
        all.filter(|one| one.kind == listen.event).find(|one| !seen.contains(&one.id))
    }

    pub(super) fn passed_over(
        &mut self,
        stage: &str,
        event: &str,
        reason: &str,
    ) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(!reason.is_empty(), "{stage} does not say why it passes {event} over");
        let spec = self.stage(at);
        let Some(listen) = spec.listens() else { return Err(format!("{stage} hears nothing")) };
        let known = self.known.iter().map(|known| &known.occurrence).find(|one| one.id == event);
        let Some(known) = known else { return Err(format!("{stage} passes over {event}")) };
        ensure!(known.kind == listen.event, "{stage} passes {known:?} over");
        let feed = &self.stages[at].feed;
        let key = Message::read(&known.data).map(|message| message.key);
        let twice = listen.keyed && feed.given.iter().any(|one| one.key == key);
        let full = spec.expects(self.spec).is_some_and(|most| feed.given.len() >= most as usize);
        let rightly = !listen.takes(known) || twice || feed.closed || full;
        ensure!(rightly || spec.fed().is_none(), "{stage} passes {known:?} over: {reason}");
        self.stages[at].feed.seen.push(event.into());
        Ok(())
    }

    pub(super) fn closed(&mut self, stage: &str) -> Result<(), Broken> {
        let at = self.at(stage)?;
        let spec = self.stage(at);
        let Some(listen) = spec.listens() else { return Err(format!("{stage} hears nothing")) };
        ensure!(!self.stages[at].feed.closed, "{stage} closes twice");
        let full = spec
            .expects(self.spec)
            .is_some_and(|most| self.stages[at].feed.given.len() >= most as usize);
        let left = self.next_event(at, listen).is_some_and(|one| listen.takes(one));
        let over = self.over(listen)? && !left;
        // A failure may have halted the run already, and is about to say so.
        let failed = self
            .stages
            .iter()
            .any(|book| book.settled.is_some_and(|(_, counts)| counts == Conclusion::Failure));
        ensure!(full || over || failed || self.barred(at), "{stage} closes too early");
        self.stages[at].feed.closed = true;
        Ok(())
    }

    /// Whom an instance of a fed stage waits for. `Err`: somebody who will never succeed.
    pub(super) fn needs(&self, at: usize, instance: Option<u32>) -> Result<Vec<String>, String> {
        let feed = &self.stages[at].feed;
        let Some(given) = instance.and_then(|n| feed.given.get(n as usize - 1)) else {
            return Ok(vec![]);
        };
        let mut waits = vec![];
        for key in &given.needs {
            let place = feed.given.iter().position(|one| one.key.as_ref() == Some(key));
            let Some(place) = place else {
                if feed.closed {
                    return Err(key.clone());
                }
                waits.push(key.clone());
                continue;
            };
            let name = self.nodes[at].name.as_str();
            let id = ExecutionId::instance(name, u32::try_from(place).unwrap() + 1);
            match self.executions.get(&id).and_then(|book| book.settled) {
                Some((Outcome::Succeeded, _)) => {}
                Some(_) => return Err(key.clone()),
                None => waits.push(key.clone()),
            }
        }
        Ok(waits)
    }

    /// A fed stage that may take events has taken all there are, and closes when it is time.
    pub(super) fn nothing_lost(&self, at: usize) -> Result<(), Broken> {
        let spec = self.stage(at);
        let (Some(_), Some(listen)) = (spec.fed(), spec.listens()) else { return Ok(()) };
        let feed = &self.stages[at].feed;
        if feed.closed {
            return Ok(());
        }
        let name = &self.nodes[at].name;
        let left = self.next_event(at, listen);
        ensure!(left.is_none(), "{name} has not looked at {left:?}");
        ensure!(!self.over(listen)?, "{name} waits for events that nobody gives any more");
        let full = spec.expects(self.spec).is_some_and(|most| feed.given.len() >= most as usize);
        ensure!(!full, "{name} has what it expects and does not close");
        Ok(())
    }

    /// Whoever has succeeded has given what it gives.
    pub(super) fn all_emitted(&self) -> Result<(), Broken> {
        for (id, book) in &self.executions {
            let Some((Outcome::Succeeded, _)) = book.settled else { continue };
            let Ok(at) = self.at(&id.stage) else { continue };
            let wanted: usize =
                self.stage(at).flow.emits.iter().map(|emit| emit.messages.len()).sum();
            ensure!(book.emitted == wanted, "{id} gave {} of {wanted} events", book.emitted);
        }
        Ok(())
    }
}
