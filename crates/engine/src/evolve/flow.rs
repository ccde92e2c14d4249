//! Events, triggers, and stages that are fed.

use jiff::Timestamp;
use pipeline::model::StageIx;

use super::ensure;
use crate::event::{Event, Fired, Occurrence};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::flow::{Given, Watch, shown};
use crate::state::people::Step;
use crate::state::stage::StageState;

impl Run {
    pub(super) fn passed_over(
        &mut self,
        stage: &str,
        event: &str,
        reason: &str,
    ) -> Result<(), String> {
        let ix = self.named(stage)?;
        let known = self.state.known.by_id_mut(event);
        known.ok_or("nobody gave that event")?.passed.push((ix, reason.to_owned()));
        Ok(())
    }

    pub(super) fn stage_closed(&mut self, stage: &str, reason: &str) -> Result<(), String> {
        let ix = self.named(stage)?;
        ensure(self.state.links.close.remove(&ix), || format!("`{stage}` is not open"))?;
        self.state.close_feed(ix, reason);
        Ok(())
    }

    fn named(&self, stage: &str) -> Result<StageIx, String> {
        self.ix(stage).ok_or_else(|| format!("no stage is called `{stage}`"))
    }

    pub(super) fn remember(
        &mut self,
        occurrence: &Occurrence,
        from: Option<&ExecutionId>,
        at: Timestamp,
    ) -> Result<(), String> {
        let id = &occurrence.id;
        ensure(!self.state.known.has(id), || format!("the event `{id}` came before"))?;
        let missing = || "an execution that does not exist gave it".to_owned();
        let from = from.map(|from| self.exec_ix(from).ok_or_else(missing)).transpose()?;
        self.state.known.add(at, occurrence.clone(), from);
        Ok(())
    }

    pub(super) fn stage_listening(&mut self, name: &str, at: Timestamp) -> Result<(), String> {
        let ix = self.named(name)?;
        ensure(self.state.links.listen.remove(&ix), || format!("`{name}` cannot listen"))?;
        let watch = self.state.stages[ix.get()].watch.as_deref_mut();
        watch.ok_or_else(|| format!("`{name}` has no triggers"))?.since = Some(at);
        self.state.links.listening.insert(ix);
        self.weigh(ix);
        self.consider_gate(ix);
        Ok(())
    }

    pub(super) fn stage_triggered(&mut self, name: &str, fired: &Fired) -> Result<(), String> {
        let ix = self.named(name)?;
        let triggers = self.model(ix).triggers.as_ref().map_or(0, |triggers| triggers.list.len());
        ensure(
            self.state.links.listening.contains(&ix) && (fired.trigger as usize) < triggers,
            || format!("`{name}` cannot be triggered"),
        )?;
        let event = fired.event.as_deref();
        if let Some(known) = event.and_then(|event| self.state.known.by_id_mut(&event.id)) {
            known.started.push(ExecIx { stage: ix, instance: 0 });
        }
        let Some(watch) = self.state.stages[ix.get()].watch.as_deref_mut() else {
            return Err(format!("`{name}` has no triggers"));
        };
        let before = watch.fired.insert(fired.trigger, fired.clone());
        ensure(before.is_none(), || format!("trigger {} fired before", fired.trigger))?;
        if let Some(occurrence) = fired.event.as_deref() {
            watch.event = Some(shown(occurrence));
        }
        self.state.links.gate_answered.remove(&ix);
        self.weigh(ix);
        self.consider_gate(ix);
        Ok(())
    }

    /// People are asked where a manual trigger needs an approval.
    pub(super) fn consider_gate(&mut self, ix: StageIx) {
        let links = &self.state.links;
        let asked = links.gated.contains(&ix) || links.gate_answered.contains(&ix);
        if !asked && !self.state.is_shadow() && self.approval_due(ix).is_some() {
            self.state.links.gate_due.insert(ix);
        } else {
            self.state.links.gate_due.remove(&ix);
        }
    }

    /// Puts a listening stage up for judgement when its triggers fired, or never can.
    pub(super) fn weigh(&mut self, ix: StageIx) {
        if !self.state.links.listening.contains(&ix) {
            return;
        }
        let barred = self.state.bar(self.model(ix)).is_some();
        if barred || self.triggered(ix) || self.exhausted(ix) {
            self.state.links.judge.insert(ix);
        } else {
            self.state.links.judge.remove(&ix);
        }
    }

    /// A stage has settled: whose triggers does that change?
    pub(super) fn tell_watchers(&mut self, ix: StageIx) {
        let wires = self.wires.clone();
        for &watcher in wires.watchers(ix) {
            self.weigh(watcher);
            self.state.consider_closing(&self.pipeline, watcher);
        }
    }

    pub(super) fn stage_fed(&mut self, event: &Event) -> Result<(), String> {
        let Event::StageFed { stage, event, key, needs, item } = event else {
            return Err("it feeds nothing".to_owned());
        };
        let ix = self.named(stage)?;
        let fed = self.state.stage(ix).fan().and_then(|fan| fan.fed.as_deref());
        let free = fed.is_some_and(|fed| {
            fed.is_open() && key.as_deref().is_none_or(|key| fed.of_key(key).is_none())
        });
        ensure(free, || format!("`{stage}` takes no such event"))?;
        let given = Given::new(event.clone(), key.clone(), needs.clone());
        let instance = self.state.feed(ix, given, item.clone()).ok_or("it is not fed")?;
        let exec = ExecIx { stage: ix, instance };
        if let Some(known) = self.state.known.by_id_mut(event) {
            known.started.push(exec);
        }
        if self.state.wire_new(exec) {
            self.state.proceed(&self.pipeline, exec, Step::Begin);
        }
        self.state.consider_closing(&self.pipeline, ix);
        Ok(())
    }

    /// An instance of a fed stage has settled.
    pub(super) fn fed_settled(&mut self, ix: ExecIx, outcome: crate::event::Outcome) {
        for free in self.state.fed_settled(ix, outcome) {
            if self.state.exec(free).state == crate::state::execution::ExecutionState::Idle {
                self.state.proceed(&self.pipeline, free, Step::Begin);
            }
        }
        if self.model(ix.stage).feed().is_some() {
            self.state.consider_closing(&self.pipeline, ix.stage);
        }
    }

    /// A stage that is blocked again has not been triggered, also not by hand: what somebody
    /// started was another work.
    pub(super) fn unwatch(&mut self, ix: StageIx) {
        if let Some(watch) = self.state.stages[ix.get()].watch.as_deref_mut() {
            *watch = Watch::default();
            self.state.known.release(ix);
        }
    }

    /// Emitters do their work again: what they feed takes events again.
    pub(super) fn reopen_feeds(&mut self, again: &[StageIx]) -> Result<(), String> {
        let wires = self.wires.clone();
        for &emitter in again {
            let emits = self.pipeline.clone();
            for emit in &emits.stages[emitter.get()].emits {
                for &listener in wires.listeners(&emit.event) {
                    if self.model(listener).feed().is_some() && !again.contains(&listener) {
                        self.reopen_feed(listener)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn reopen_feed(&mut self, ix: StageIx) -> Result<(), String> {
        let StageState::Settled(end) = &self.state.stage(ix).state else { return Ok(()) };
        if end.items.is_none() {
            return Ok(());
        }
        self.reopen(ix)
    }
}
