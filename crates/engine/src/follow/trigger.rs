//! What an event, or the end of a stage, starts at once.
//!
//! Unlike what follows, this is looked at when it happens and never again, so that what matches
//! nothing costs nothing later: [`Run::looks`] says where to look after an event was applied, and
//! [`Run::look`] answers from the run as it stands then.

use std::collections::VecDeque;

use jiff::Timestamp;
use pipeline::model::{Approval, StageIx, Trigger, TriggerMode, Triggers};

use super::end::succeeded;
use super::judge::settled;
use crate::event::{Event, Fired, Outcome, Settled};
use crate::id::ExecutionId;
use crate::rule::{self, Judged};
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::flow::Watch;
use crate::state::people::Gate;
use crate::words;

/// A place to look at.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// Does this event start, or feed, this stage?
    Match { stage: StageIx, event: u32 },
    /// Have others, or values, fired a trigger of this stage?
    Weigh { stage: StageIx },
    /// This happens for certain.
    Say(Box<Event>),
}

impl Run {
    #[expect(clippy::too_many_lines, reason = "one line for each event")]
    pub(crate) fn looks(&self, event: &Event, agenda: &mut VecDeque<Look>) {
        match event {
            Event::EventReceived { occurrence } | Event::EventEmitted { occurrence, .. } => {
                let Some(event) = self.state.known.place(&occurrence.id) else { return };
                let listeners = self.wires.listeners(&occurrence.kind).iter();
                agenda.extend(listeners.map(|&stage| Look::Match { stage, event }));
            }
            Event::StageListening { stage } => {
                let Some(ix) = self.ix(stage) else { return };
                agenda.push_back(Look::Weigh { stage: ix });
                self.match_known(ix, agenda);
            }
            Event::StageReady { stage, .. } => {
                let Some(ix) = self.ix(stage).filter(|ix| self.model(*ix).feed().is_some()) else {
                    return;
                };
                self.match_known(ix, agenda);
            }
            Event::StageTriggered { stage, fired } => {
                let Some(stage) = self.ix(stage) else { return };
                let event =
                    fired.event.as_ref().and_then(|event| self.state.known.place(&event.id));
                agenda.extend(event.map(|event| Look::Match { stage, event }));
                agenda.push_back(Look::Weigh { stage });
            }
            Event::StageSettled { stage, .. } => {
                let Some(ix) = self.ix(stage) else { return };
                let watchers = self.wires.watchers(ix).iter();
                agenda.extend(watchers.map(|&stage| Look::Weigh { stage }));
            }
            Event::ExecutionSettled { execution, outcome: Outcome::Succeeded, outputs, .. } => {
                self.emit(execution, outputs, agenda);
            }
            Event::ExecutionSettled {
                outcome:
                    Outcome::Failed
                    | Outcome::Cancelled
                    | Outcome::Skipped
                    | Outcome::NotRun
                    | Outcome::WouldHave,
                ..
            }
            | Event::RunCreated { .. }
            | Event::RunStarted
            | Event::RunPaused { .. }
            | Event::RunResumed { .. }
            | Event::RunCancelRequested { .. }
            | Event::RunRetried { .. }
            | Event::RunHalted { .. }
            | Event::RunFinished { .. }
            | Event::StageExpanded { .. }
            | Event::WouldHave(_)
            | Event::AttemptScheduled { .. }
            | Event::AttemptStarted { .. }
            | Event::AttemptStopping { .. }
            | Event::AttemptFinished { .. }
            | Event::AttemptUnknown { .. }
            | Event::AttemptResolved { .. }
            | Event::RetryScheduled { .. }
            | Event::Requeued { .. }
            | Event::GateOpened { .. }
            | Event::GateVoted { .. }
            | Event::GateDelegated { .. }
            | Event::DelegationRevoked { .. }
            | Event::GateReminded { .. }
            | Event::GateEscalated { .. }
            | Event::GateResolved { .. }
            | Event::FormOpened(_)
            | Event::FormSubmitted { .. }
            | Event::FormTimedOut { .. }
            | Event::FormVoided { .. }
            | Event::RevisionRequested { .. }
            | Event::ExecutionHeld { .. }
            | Event::ExecutionAdvanced { .. }
            | Event::ExecutionTakenOver { .. }
            | Event::AttemptLetGo { .. }
            | Event::ExecutionHandedBack { .. }
            | Event::AwaitsEnvironment { .. }
            | Event::EnvironmentGranted { .. }
            | Event::BreakpointsSet { .. }
            | Event::StageFed { .. }
            | Event::StagePassedOver { .. }
            | Event::StageClosed { .. }
            | Event::RollbackRequested { .. }
            | Event::RollbackStarted { .. }
            | Event::RollbackFinished { .. }
            | Event::RewindRequested { .. }
            | Event::RunRewound { .. }
            | Event::RewindUndone { .. } => {}
        }
    }

    /// Events that came before the stage was ready for them.
    fn match_known(&self, stage: StageIx, agenda: &mut VecDeque<Look>) {
        let Some(triggers) = &self.model(stage).triggers else { return };
        let kinds = triggers.list.iter().filter_map(|trigger| match trigger {
            Trigger::Event(filter) => Some(filter.event.as_str()),
            Trigger::Completion { .. } | Trigger::Condition { .. } | Trigger::Manual { .. } => None,
        });
        let mut events: Vec<u32> = kinds.flat_map(|kind| self.state.known.of_kind(kind)).collect();
        events.sort_unstable();
        events.dedup();
        agenda.extend(events.into_iter().map(|event| Look::Match { stage, event }));
    }

    /// The events that an execution gives, now that it has succeeded.
    fn emit(
        &self,
        execution: &ExecutionId,
        outputs: &indexmap::IndexMap<String, serde_json::Value>,
        agenda: &mut VecDeque<Look>,
    ) {
        let Some(ix) = self.exec_ix(execution) else { return };
        // An error was found before it settled: see `Run::done`.
        for occurrence in self.emissions(ix, outputs).unwrap_or_default() {
            let execution = execution.clone();
            let event = Event::EventEmitted { execution, occurrence };
            agenda.push_back(Look::Say(Box::new(event)));
        }
    }

    pub(crate) fn look(&self, look: Look) -> Option<Event> {
        match look {
            Look::Say(event) => Some(*event),
            Look::Match { stage, event } if self.model(stage).feed().is_some() => {
                self.match_feed(stage, event)
            }
            Look::Match { stage, event } => self.match_event(stage, event),
            Look::Weigh { stage } => self.match_state(stage),
        }
    }

    /// The triggers of a stage that waits for them.
    fn watched(&self, ix: StageIx) -> Option<(&Triggers, &Watch)> {
        if !self.state.links.listening.contains(&ix) {
            return None;
        }
        let triggers = self.model(ix).triggers.as_ref()?;
        let watch = self.state.stage(ix).watch.as_deref()?;
        (!watch.satisfied(triggers)).then_some((triggers, watch))
    }

    fn match_event(&self, ix: StageIx, event: u32) -> Option<Event> {
        let (triggers, watch) = self.watched(ix)?;
        let known = self.state.known.get(event)?;
        for (trigger, place) in triggers.list.iter().zip(0u32..) {
            let Trigger::Event(filter) = trigger else { continue };
            if filter.event != known.occurrence.kind || watch.fired.contains_key(&place) {
                continue;
            }
            if self.passes(ix, filter, known).is_err() {
                continue;
            }
            let occurrence = &known.occurrence;
            let by = format!("`{}` from {}", occurrence.kind, occurrence.source);
            let event = Some(Box::new(occurrence.clone()));
            let fired = Fired { trigger: place, by, event };
            return Some(Event::StageTriggered { stage: self.model(ix).name.clone(), fired });
        }
        None
    }

    fn match_state(&self, ix: StageIx) -> Option<Event> {
        let (triggers, watch) = self.watched(ix)?;
        let open = triggers.list.iter().zip(0u32..);
        for (trigger, place) in open.filter(|(_, place)| !watch.fired.contains_key(place)) {
            let by = match trigger {
                Trigger::Completion { stage, success_only } => {
                    let Some(end) = self.state.stage(*stage).end() else { continue };
                    if *success_only && !succeeded(end.conclusion) {
                        continue;
                    }
                    format!("`{}` {}", self.model(*stage).name, words::ended(end.outcome))
                }
                Trigger::Condition { expression } => {
                    let scope = RunScope::stage(self, ix);
                    if !expression.evaluate_bool(&scope).unwrap_or(false) {
                        continue;
                    }
                    format!("`{}`", expression.source)
                }
                Trigger::Event(_) | Trigger::Manual { .. } => continue,
            };
            let fired = Fired { trigger: place, by, event: None };
            return Some(Event::StageTriggered { stage: self.model(ix).name.clone(), fired });
        }
        None
    }

    /// Its dependencies have settled: it waits for its triggers, unless it can never run.
    pub(super) fn listen(&self, ix: StageIx) -> Event {
        let stage = self.model(ix);
        let concluded = |dep: &StageIx| self.state.stage(*dep).end().map(|end| end.conclusion);
        let rule = rule::judge(stage.rule, stage.depends_on.iter().filter_map(concluded));
        if self.state.bar(stage).is_some() || rule != Judged::Run {
            return self.judge(ix);
        }
        Event::StageListening { stage: stage.name.clone() }
    }

    /// Manual triggers of a stage that waits for them, by place.
    fn manual(&self, ix: StageIx) -> impl Iterator<Item = (u32, Option<&Approval>)> {
        let list = self.watched(ix).map(|(triggers, watch)| {
            let open = triggers.list.iter().zip(0u32..);
            open.filter(|(_, place)| !watch.fired.contains_key(place))
        });
        list.into_iter().flatten().filter_map(|(trigger, place)| match trigger {
            Trigger::Manual { approval } => Some((place, approval.as_ref())),
            Trigger::Completion { .. } | Trigger::Event(_) | Trigger::Condition { .. } => None,
        })
    }

    /// The manual trigger whose gate has to be asked next.
    pub(crate) fn approval_due(&self, ix: StageIx) -> Option<(u32, &Approval)> {
        self.manual(ix).find_map(|(place, approval)| Some((place, approval?)))
    }

    /// Stages that anybody may start by hand.
    pub(crate) fn startable(&self) -> impl Iterator<Item = ExecutionId> + '_ {
        let listening = self.state.links.listening.iter();
        let free = listening.filter(|ix| self.manual(**ix).any(|(_, approval)| approval.is_none()));
        free.map(|ix| ExecutionId::stage(self.model(*ix).name.clone()))
    }

    /// Starts a stage by hand; `None` when nobody may.
    pub(crate) fn start_by_hand(&self, id: &ExecutionId, by: &str) -> Option<Event> {
        let ix = self.ix(&id.stage).filter(|_| id.instance.is_none())?;
        let (trigger, _) = self.manual(ix).find(|(_, approval)| approval.is_none())?;
        let fired = Fired { trigger, by: by.to_owned(), event: None };
        Some(Event::StageTriggered { stage: id.stage.clone(), fired })
    }

    pub(super) fn ask_trigger(&self, ix: StageIx, now: Timestamp) -> Event {
        let stage = self.model(ix);
        let asked = self.approval_due(ix).map(|(_, gate)| self.open_trigger_gate(ix, gate, now));
        match asked {
            Some(Ok(opened)) => opened,
            Some(Err(failure)) => settled(stage, Outcome::Failed, Settled::Failed { failure }),
            None => self.judge(ix),
        }
    }

    /// The gate of a manual trigger has ended.
    pub(super) fn after_trigger_gate(&self, ix: StageIx) -> Event {
        let stage = self.model(ix);
        let gate = self.state.stage(ix).gates.last();
        let resolution = gate.and_then(|gate| gate.resolution.as_ref()).map(|(_, ended)| ended);
        let timeout = gate.map(|gate| gate.policy.electorate.timeout).unwrap_or_default();
        if let Some((outcome, reason)) = resolution.and_then(|r| Self::refused_by(r, timeout)) {
            return settled(stage, outcome, reason);
        }
        let people = gate.map(Gate::approvers).unwrap_or_default();
        let people: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        let by = if people.is_empty() { "approval".to_owned() } else { people.join(", ") };
        match self.approval_due(ix) {
            Some((trigger, _)) => {
                let fired = Fired { trigger, by, event: None };
                Event::StageTriggered { stage: stage.name.clone(), fired }
            }
            None => self.judge(ix),
        }
    }

    /// Every trigger that has to fire has fired.
    pub(crate) fn triggered(&self, ix: StageIx) -> bool {
        let Some(triggers) = &self.model(ix).triggers else { return true };
        self.state.stage(ix).watch.as_deref().is_some_and(|watch| watch.satisfied(triggers))
    }

    /// Not triggered, and nothing is left that could change that.
    pub(crate) fn exhausted(&self, ix: StageIx) -> bool {
        let Some(triggers) = &self.model(ix).triggers else { return false };
        let Some(watch) = self.state.stage(ix).watch.as_deref() else { return false };
        let fed = triggers.instances.is_some();
        let open = triggers.list.iter().zip(0u32..);
        let mut open = open.filter(|(trigger, place)| {
            !(watch.fired.contains_key(place) || fed && matches!(trigger, Trigger::Event(_)))
        });
        match triggers.mode {
            TriggerMode::Any => {
                !fed && watch.fired.is_empty()
                    && open.all(|(trigger, _)| !self.can_fire(ix, trigger))
            }
            TriggerMode::All if self.state.is_shadow() => {
                let open: Vec<_> = open.collect();
                let still = |trigger| self.can_fire(ix, trigger);
                let dead = |trigger| !still(trigger) && self.would_fire(ix, trigger).is_none();
                open.iter().any(|(trigger, _)| dead(trigger))
                    || open.iter().all(|(trigger, _)| !still(trigger))
            }
            TriggerMode::All => open.any(|(trigger, _)| !self.can_fire(ix, trigger)),
        }
    }

    /// Something may still happen that fires it. What happened already has fired it, or never will.
    pub(crate) fn can_fire(&self, ix: StageIx, trigger: &Trigger) -> bool {
        let open = |stage: StageIx| stage != ix && self.state.stage(stage).end().is_none();
        // It waits for nobody who is not part of it.
        let shadow = self.state.is_shadow();
        match trigger {
            Trigger::Completion { stage, .. } => open(*stage),
            Trigger::Event(filter) => {
                (filter.emitters.is_empty() && !shadow)
                    || filter.emitters.iter().any(|stage| open(*stage))
            }
            Trigger::Condition { expression } => {
                let reads = expression.references();
                let stages = reads.stages.keys().filter_map(|name| self.ix(name));
                let event = reads.roots.contains("event") && self.awaits_event(ix);
                event || stages.into_iter().any(open)
            }
            Trigger::Manual { .. } => !shadow,
        }
    }

    fn awaits_event(&self, ix: StageIx) -> bool {
        let triggers = self.model(ix).triggers.as_ref();
        let fired = self.state.stage(ix).watch.as_deref().map(|watch| &watch.fired);
        let list = triggers.map_or(&[] as &[Trigger], |triggers| &triggers.list);
        list.iter().zip(0u32..).any(|(trigger, place)| {
            let open = fired.is_none_or(|fired| !fired.contains_key(&place));
            open && matches!(trigger, Trigger::Event(_)) && self.can_fire(ix, trigger)
        })
    }
}
