//! Waiting for people, and for an environment: what an execution does before it is queued.
//!
//! Whoever makes an execution runnable calls [`State::proceed`] (never [`State::enqueue`]):
//!
//! - `proceed(pipeline, ix, Step::Begin)` when it is runnable for the first time in a round: its
//!   stage became ready, it was expanded or fed and needs nothing more, or it was made fresh;
//! - `proceed(pipeline, ix, Step::Form)` when the same work is done again (a retry): nobody is
//!   asked a second time, but a lock that it gave up is asked for again.
//!
//! Whoever takes an execution away from people (a cancel, a halt, a rewind) first asks
//! [`crate::Run::void`] for the event that ends what is open, and applies it: the execution is then
//! [`Wait::Void`]. From there it settles, is made fresh ([`super::execution::Execution::refresh`]),
//! or, when a rewind is undone, is asked again by [`State::ask_again`], in a new generation.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use pipeline::model::{Approval, Electorate, OnTimeout, Pipeline, Stage, StageIx, StageName, Work};
use serde_json::Value as Json;

use super::execution::{Clock, ExecutionState};
use super::taken::Taken;
use super::{ExecIx, State};
use crate::event::{ArtifactRef, Decision, GateKind, Hold, Inquiry, Person, Policy, Resolution};
use crate::id::Actor;
use crate::quorum::Slot;

/// What stands between an execution and the queue, in order; `Complete` stands behind its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Begin,
    Hold,
    Gate,
    Form,
    Environment,
    Complete,
}

/// Of an execution that holds no slot, no place of its stage and no lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// About to be asked: in the same step, or when the run is resumed.
    Due(Step),
    /// Until somebody lets it go on, behind this step.
    Held {
        hold: Hold,
        since: Timestamp,
        after: Step,
    },
    /// The newest gate of the execution is open.
    Gate(GateKind),
    /// Its newest form is open.
    Form,
    Environment {
        since: Timestamp,
    },
    /// What was asked at this step has ended; what follows is decided in the same step.
    Answered(Step),
    /// What was asked at this step was taken back.
    Void(Step),
}

/// What people had to do with an execution, over all rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct People {
    /// Generation `n` is at `n - 1`.
    pub(crate) gates: Vec<Gate>,
    /// Generation `n` is at `n - 1`.
    pub(crate) forms: Vec<FormRound>,
    /// Of its work: how often changes were requested in this round.
    pub(crate) revision: u32,
    /// Of the last request for changes in this round.
    pub(crate) feedback: Option<String>,
    /// What was answered in this round: an object.
    pub(crate) values: Option<Json>,
    /// Number `n` is at `n - 1`.
    pub(crate) taken: Vec<Taken>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gate {
    pub(crate) kind: GateKind,
    pub(crate) generation: u32,
    pub(crate) policy: Policy,
    pub(crate) digest: String,
    pub(crate) instructions: String,
    pub(crate) opened_at: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) escalated: bool,
    pub(crate) votes: Vec<Cast>,
    pub(crate) handovers: Vec<Handover>,
    pub(crate) reminded: BTreeSet<u8>,
    /// Of a permission or a question.
    pub(crate) inquiry: Option<Box<Inquiry>>,
    pub(crate) resolution: Option<(Timestamp, Resolution)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cast {
    pub(crate) at: Timestamp,
    pub(crate) by: Person,
    pub(crate) decision: Decision,
    pub(crate) comment: String,
    pub(crate) digest: String,
    /// The voter decided otherwise later, or the gate escalated.
    pub(crate) replaced: bool,
}

/// `to` stands in for `from` in a slot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Handover {
    pub(crate) at: Timestamp,
    pub(crate) slot: u32,
    pub(crate) from: Person,
    pub(crate) to: Person,
    /// Also by an escalation.
    pub(crate) revoked_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FormRound {
    pub(crate) generation: u32,
    pub(crate) revision: u32,
    pub(crate) instructions: String,
    /// What it started with.
    pub(crate) values: IndexMap<String, Json>,
    pub(crate) opened_at: Timestamp,
    pub(crate) due: Option<Timestamp>,
    pub(crate) closed: Option<FormEnd>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FormEnd {
    Submitted {
        at: Timestamp,
        by: Actor,
        values: IndexMap<String, Json>,
        artifacts: Vec<ArtifactRef>,
    },
    TimedOut {
        at: Timestamp,
    },
    Void {
        at: Timestamp,
        reason: String,
    },
}

impl Gate {
    pub(crate) fn is_open(&self) -> bool {
        self.resolution.is_none()
    }

    /// Names the deadline and the reminders: an escalation begins new ones.
    pub(crate) fn timer_generation(&self) -> u32 {
        self.generation.saturating_mul(2).saturating_add(u32::from(self.escalated))
    }

    /// As long as it takes, paused time aside.
    pub(crate) fn reminder_due(&self, percent: u8) -> Timestamp {
        let left = u32::from(100u8.saturating_sub(percent));
        let before = self.policy.electorate.timeout / 100 * left;
        let before = SignedDuration::try_from(before).unwrap_or(SignedDuration::MAX);
        self.due.checked_sub(before).unwrap_or(self.due)
    }

    /// The next reminder that nobody got yet.
    pub(crate) fn next_reminder(&self) -> Option<u8> {
        let percents = self.policy.electorate.reminders.iter().copied();
        percents.filter(|p| (1..100).contains(p) && !self.reminded.contains(p)).min()
    }

    /// Those who approve, in the order in which they did.
    pub(crate) fn approvers(&self) -> Vec<&Person> {
        let standing = self.votes.iter().filter(|cast| !cast.replaced);
        standing.filter(|cast| cast.decision == Decision::Approve).map(|cast| &cast.by).collect()
    }

    /// Delegations that hold, oldest first.
    pub(crate) fn standing(&self) -> impl DoubleEndedIterator<Item = &Handover> {
        self.handovers.iter().filter(|handover| handover.revoked_at.is_none())
    }

    pub(crate) fn standing_vote(&self, name: &str) -> Option<&Cast> {
        self.votes.iter().find(|cast| !cast.replaced && cast.by.name == name)
    }

    /// Who may fill which slot now. Where nobody is named there are as many as are needed.
    pub(crate) fn slots(&self) -> Vec<Slot<'_>> {
        let named = &self.policy.electorate.approvers;
        let mut slots: Vec<Slot<'_>> = if named.is_empty() {
            (0..self.policy.needed).map(|_| Slot::anybody()).collect()
        } else {
            named.iter().map(|entry| Slot::of(entry)).collect()
        };
        for handover in self.standing() {
            if let Some(slot) = slots.get_mut(handover.slot as usize) {
                slot.pass(&handover.from.name, &handover.to.name);
            }
        }
        slots
    }
}

impl People {
    pub(crate) fn open_gate(&self) -> Option<&Gate> {
        self.gates.last().filter(|gate| gate.is_open())
    }

    pub(crate) fn open_form(&self) -> Option<&FormRound> {
        self.forms.last().filter(|form| form.closed.is_none())
    }

    /// What was left by the form that was answered last, in any round.
    pub(crate) fn artifacts(&self) -> Option<&[ArtifactRef]> {
        self.forms.iter().rev().find_map(|form| match &form.closed {
            Some(FormEnd::Submitted { artifacts, .. }) => Some(artifacts.as_slice()),
            Some(FormEnd::TimedOut { .. } | FormEnd::Void { .. }) | None => None,
        })
    }

    /// What was answered last, in any round.
    pub(crate) fn answered(&self) -> Option<&IndexMap<String, Json>> {
        self.forms.iter().rev().find_map(|form| match &form.closed {
            Some(FormEnd::Submitted { values, .. }) => Some(values),
            Some(FormEnd::TimedOut { .. } | FormEnd::Void { .. }) | None => None,
        })
    }
}

impl State {
    /// Moves an execution on, past `after`: to the next thing that it has to wait for, or into the
    /// queue. Nobody is asked here; [`crate::Run::handle`] does that when the run goes on.
    pub(crate) fn proceed(&mut self, pipeline: &Pipeline, ix: ExecIx, after: Step) {
        let stage = &pipeline.stages[ix.stage.get()];
        let next = [Step::Hold, Step::Gate, Step::Form, Step::Environment]
            .into_iter()
            .find(|step| *step > after && self.demands(stage, ix, *step));
        match next {
            Some(step) => self.wait(pipeline, ix, Wait::Due(step)),
            None => self.enqueue(pipeline, ix),
        }
    }

    /// What was taken back is asked again.
    pub(crate) fn ask_again(&mut self, pipeline: &Pipeline, ix: ExecIx) {
        if let ExecutionState::Waiting(Wait::Void(step)) = self.exec(ix).state {
            self.wait(pipeline, ix, Wait::Due(step));
        }
    }

    /// What waits is given up when its run does not go on.
    pub(crate) fn wait(&mut self, pipeline: &Pipeline, ix: ExecIx, wait: Wait) {
        self.transition(pipeline, ix, ExecutionState::Waiting(wait));
        if self.bar(&pipeline.stages[ix.stage.get()]).is_some() {
            self.links.abandon.insert(ix);
        }
    }

    fn demands(&self, stage: &Stage, ix: ExecIx, step: Step) -> bool {
        match step {
            Step::Hold => self.hold_of(stage).is_some(),
            Step::Gate => self.start_approval(stage).is_some(),
            Step::Form => stage.form.is_some(),
            Step::Environment => !self.exec(ix).granted && self.lock_of(stage).is_some(),
            Step::Begin | Step::Complete => false,
        }
    }

    /// Why an execution of this stage has to be let go by a person before it starts. What undoes is
    /// never held.
    pub(crate) fn hold_of(&self, stage: &Stage) -> Option<Hold> {
        if stage.compensates.is_some() {
            None
        } else if stage.held {
            Some(Hold::Advance)
        } else if self.breakpoints.contains(&stage.name) {
            Some(Hold::Breakpoint)
        } else {
            self.step.then_some(Hold::Step)
        }
    }

    /// Who is asked before an execution of this stage starts: as its environment says, else as its
    /// author wrote. What undoes waits for nobody.
    pub(crate) fn start_approval<'s>(&'s self, stage: &'s Stage) -> Option<Asked<'s>> {
        if stage.compensates.is_some() {
            return None;
        }
        let environment = self.environment_policy(stage);
        self.asked(stage.approve_start.as_ref(), environment)
    }

    pub(crate) fn complete_approval<'s>(&'s self, stage: &'s Stage) -> Option<Asked<'s>> {
        let written = stage.approve_complete.as_ref()?;
        self.asked(Some(written), self.environment_policy(stage))
    }

    fn asked<'s>(
        &self,
        written: Option<&'s Approval>,
        environment: Option<(&'s str, &'s Electorate)>,
    ) -> Option<Asked<'s>> {
        let electorate = match (environment, written) {
            (Some((_, electorate)), _) => electorate,
            (None, Some(written)) => &written.electorate,
            (None, None) => return None,
        };
        Some(Asked {
            electorate,
            environment: environment.map(|(name, _)| name),
            instructions: written.and_then(|written| written.instructions.as_ref()),
        })
    }

    /// Who answers what a live attempt asks: as its environment says, else whoever approves its
    /// results, else whoever approves its start, else anybody who may decide. Silence refuses.
    pub(crate) fn inquiry_policy(&self, stage: &Stage, kind: GateKind) -> Policy {
        let written = stage.approve_complete.as_ref().or(stage.approve_start.as_ref());
        let environment = self.environment_policy(stage);
        let mut policy = match (environment, written) {
            (Some((name, electorate)), _) => policy(electorate.clone(), Some(name.to_owned())),
            (None, Some(written)) => policy(written.electorate.clone(), None),
            (None, None) => policy(Electorate::default(), None),
        };
        if policy.electorate.on_timeout != OnTimeout::Escalate
            || policy.electorate.escalate_to.is_empty()
        {
            policy.electorate.on_timeout = OnTimeout::Reject;
        }
        if kind == GateKind::Question {
            // Words are no vote: the first answer is the answer, also of whoever started the run.
            (policy.needed, policy.electorate.allow_self) = (1, true);
        }
        policy
    }

    fn environment_policy<'s>(&'s self, stage: &'s Stage) -> Option<(&'s str, &'s Electorate)> {
        let name = stage.environment.as_deref()?;
        let environment = self.head.as_deref()?.environments.get(name)?;
        Some((name, environment.approval.as_ref()?))
    }

    /// The environment that only one execution may be in. Where nothing is done, nothing is locked.
    pub(crate) fn lock_of<'s>(&'s self, stage: &'s Stage) -> Option<&'s str> {
        match stage.work {
            Work::Noop | Work::Form => return None,
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Child { .. }
            | Work::Agent(_)
            | Work::Merge(_) => {}
        }
        let name = stage.environment.as_deref()?;
        self.head.as_deref()?.environments.get(name)?.lock.then_some(name)
    }

    /// A live attempt has its answer: the time goes on.
    pub(crate) fn start_clock(&mut self, ix: ExecIx, at: Timestamp) {
        let now = self.clock(at);
        let execution = self.exec_mut(ix);
        if let Clock::Held { left } = execution.total {
            let due = now.checked_add(left).unwrap_or(Timestamp::MAX);
            execution.total = Clock::Running { due };
            self.links.timed.insert(ix);
        }
    }

    /// People are waited for: the time of all attempts together stands still.
    pub(crate) fn stop_clock(&mut self, ix: ExecIx, at: Timestamp) {
        let now = self.clock(at);
        let execution = self.exec_mut(ix);
        if let Clock::Running { due } = execution.total {
            execution.total = Clock::Held { left: due.duration_since(now) };
        }
    }

    /// Queued executions that nobody has started yet, and that have to be held now.
    pub(crate) fn catch(&mut self, pipeline: &Pipeline) {
        // A shadow run is never held: it says that it would be.
        if self.is_shadow() {
            return;
        }
        let parked = self.stages.iter().zip(0..).filter_map(|(stage, ix)| Some((stage.fan()?, ix)));
        let parked = parked.flat_map(|(fan, ix)| {
            fan.parked.values().map(move |&instance| ExecIx { stage: StageIx(ix), instance })
        });
        let queued = self.links.ready.values().chain(&self.links.instant).copied().chain(parked);
        let caught = queued.filter(|ix| {
            let held = self.hold_of(&pipeline.stages[ix.stage.get()]).is_some();
            held && self.exec(*ix).last().is_none()
        });
        self.links.caught = caught.collect();
    }
}

/// The rules of a gate before it is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'s> {
    pub(crate) electorate: &'s Electorate,
    pub(crate) environment: Option<&'s str>,
    pub(crate) instructions: Option<&'s pipeline::text::Template>,
}

impl Asked<'_> {
    pub(crate) fn policy(&self) -> Policy {
        policy(self.electorate.clone(), self.environment.map(str::to_owned))
    }
}

/// No more slots can be needed than there are.
pub(crate) fn policy(electorate: Electorate, environment: Option<String>) -> Policy {
    let slots = electorate.approvers.len();
    let needed = electorate.quorum.of(slots);
    let most = u32::try_from(slots).unwrap_or(u32::MAX);
    let needed = if slots == 0 { needed } else { needed.min(most) };
    Policy { electorate, needed, environment }
}

/// The names of stages that are held before they start.
pub(crate) type Breakpoints = BTreeSet<StageName>;
