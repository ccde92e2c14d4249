//! Gates and forms, as shown.

use indexmap::IndexMap;
use jiff::Timestamp;
use pipeline::model::{Form, StageIx};
use serde_json::Value as Json;

use crate::event::{ArtifactRef, Decision, GateId, Hold, Inquiry, Policy, Resolution};
use crate::id::ExecutionId;
use crate::quorum;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::people::{Cast, FormEnd, FormRound, Gate, Handover, Step, Wait};
use crate::state::stage::StageState;

/// One gate, open or not.
#[derive(Clone, Debug)]
pub struct GateView<'r> {
    pub id: GateId,
    pub policy: &'r Policy,
    pub digest: &'r str,
    pub instructions: &'r str,
    pub opened_at: Timestamp,
    /// Moves by paused time.
    pub due: Timestamp,
    pub escalated: bool,
    pub slots: Vec<SlotView<'r>>,
    /// Slots that are filled, at most as many as are needed.
    pub have: u32,
    /// All that were cast, also those that count no more.
    pub votes: Vec<VoteView<'r>>,
    pub delegations: Vec<DelegationView<'r>>,
    /// In percent of the timeout, rising.
    pub reminded: Vec<u8>,
    /// Of a permission or a question.
    pub inquiry: Option<&'r Inquiry>,
    /// `None` while it is open.
    pub resolution: Option<(Timestamp, &'r Resolution)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView<'r> {
    /// `None`: anybody.
    pub entry: Option<&'r str>,
    pub filled_by: Option<&'r str>,
    /// Whoever it was passed to last.
    pub delegate: Option<&'r str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteView<'r> {
    pub at: Timestamp,
    pub by: &'r str,
    pub decision: Decision,
    pub comment: &'r str,
    /// The voter decided otherwise later, or the gate escalated.
    pub replaced: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationView<'r> {
    pub at: Timestamp,
    /// From 0.
    pub slot: u32,
    pub from: &'r str,
    pub to: &'r str,
    /// Also by an escalation.
    pub revoked_at: Option<Timestamp>,
}

/// One form, open or not.
#[derive(Clone, Debug)]
pub struct FormView<'r> {
    pub execution: ExecutionId,
    pub generation: u32,
    pub revision: u32,
    pub max_revisions: u32,
    pub form: &'r Form,
    pub instructions: &'r str,
    /// What it starts with.
    pub values: &'r IndexMap<String, Json>,
    /// What the last request for changes said; may be empty.
    pub feedback: &'r str,
    pub opened_at: Timestamp,
    /// Moves by paused time.
    pub due: Option<Timestamp>,
    pub state: FormState<'r>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FormState<'r> {
    Open,
    Submitted {
        at: Timestamp,
        /// [`crate::NOBODY`] where nobody had to be asked.
        by: &'r str,
        values: &'r IndexMap<String, Json>,
        artifacts: &'r [ArtifactRef],
    },
    TimedOut {
        at: Timestamp,
    },
    Void {
        at: Timestamp,
        reason: &'r str,
    },
}

impl GateView<'_> {
    pub fn is_open(&self) -> bool {
        self.resolution.is_none()
    }

    /// `pending approved rejected changes_requested timed_out void`
    pub fn word(&self) -> &'static str {
        match self.resolution {
            None => "pending",
            Some((_, Resolution::Approved)) => "approved",
            Some((_, Resolution::Rejected { .. })) => "rejected",
            Some((_, Resolution::ChangesRequested { .. })) => "changes_requested",
            Some((
                _,
                Resolution::TimedOutApproved
                | Resolution::TimedOutRejected
                | Resolution::TimedOutSkipped
                | Resolution::TimedOutFailed,
            )) => "timed_out",
            Some((_, Resolution::Void { .. })) => "void",
        }
    }

    /// The open slots, as written (`anybody` where nobody is named), or the person they were
    /// passed to; empty when as many are filled as are needed.
    pub fn missing(&self) -> Vec<String> {
        if self.have >= self.policy.needed {
            return Vec::new();
        }
        let open = self.slots.iter().filter(|slot| slot.filled_by.is_none());
        open.map(|slot| slot.delegate.or(slot.entry).unwrap_or("anybody").to_owned()).collect()
    }
}

impl FormView<'_> {
    pub fn is_open(&self) -> bool {
        self.state == FormState::Open
    }

    /// `open submitted timed_out void`
    pub fn word(&self) -> &'static str {
        match self.state {
            FormState::Open => "open",
            FormState::Submitted { .. } => "submitted",
            FormState::TimedOut { .. } => "timed_out",
            FormState::Void { .. } => "void",
        }
    }
}

impl Run {
    /// All gates of the run, also those of earlier rounds; by stage, then by instance, oldest first.
    pub fn gates(&self) -> Vec<GateView<'_>> {
        let mut gates = Vec::new();
        for ix in self.stages() {
            let of_trigger = self.state.stage(ix).gates.iter();
            gates.extend(of_trigger.map(|g| view(self.trigger_gate_id(ix, g.generation), g)));
            for exec in self.known(ix) {
                let people = self.state.exec(exec).people.as_deref();
                let own = people.map_or(&[][..], |people| &people.gates);
                gates.extend(own.iter().map(|gate| view(self.gate_id(exec, gate), gate)));
            }
        }
        gates
    }

    /// Only those that wait for people now. Costs what it names.
    pub fn open_gates(&self) -> Vec<GateView<'_>> {
        let links = &self.state.links;
        let of_triggers = links.gated.iter().filter_map(|ix| {
            let gate = self.state.stage(*ix).gates.last().filter(|gate| gate.is_open())?;
            Some(view(self.trigger_gate_id(*ix, gate.generation), gate))
        });
        let own = links.people.iter().chain(&links.inquired).filter_map(|ix| {
            let gate = self.state.exec(*ix).people.as_deref()?.open_gate()?;
            Some(view(self.gate_id(*ix, gate), gate))
        });
        of_triggers.chain(own).collect()
    }

    /// `None`: there never was such a gate.
    pub fn gate(&self, id: &GateId) -> Option<GateView<'_>> {
        self.find_gate(id).map(|gate| view(id.clone(), gate))
    }

    /// How often the work of this execution was sent back in this round, how often it may be, and what
    /// was said last. `None`: it never was.
    pub fn sent_back(&self, execution: &ExecutionId) -> Option<(u32, u32, &str)> {
        let ix = self.exec_ix(execution)?;
        let people = self.state.exec(ix).people.as_deref()?;
        let feedback = people.feedback.as_deref().unwrap_or_default();
        let most = self.model(ix.stage).max_revisions;
        (people.revision > 0).then_some((people.revision, most, feedback))
    }

    /// All forms of the run, also those of earlier rounds; by stage, then by instance, oldest first.
    pub fn forms(&self) -> Vec<FormView<'_>> {
        let known = self.stages().flat_map(|ix| self.known(ix));
        known
            .flat_map(|exec| {
                let people = self.state.exec(exec).people.as_deref();
                let forms = people.map_or(&[][..], |people| &people.forms);
                forms.iter().filter_map(move |form| self.form_view(exec, form))
            })
            .collect()
    }

    /// Only those that wait for people now. Costs what it names.
    pub fn open_forms(&self) -> Vec<FormView<'_>> {
        let waiting = self.state.links.people.iter();
        waiting
            .filter_map(|ix| {
                let form = self.state.exec(*ix).people.as_deref()?.open_form()?;
                self.form_view(*ix, form)
            })
            .collect()
    }

    /// The form of this generation; without one the newest. `None`: there never was one.
    pub fn form(&self, execution: &ExecutionId, generation: Option<u32>) -> Option<FormView<'_>> {
        let ix = self.exec_ix(execution)?;
        let forms = &self.state.exec(ix).people.as_deref()?.forms;
        let form = match generation {
            None => forms.last()?,
            Some(generation) => forms.get(generation.checked_sub(1)? as usize)?,
        };
        self.form_view(ix, form)
    }

    /// Executions that are held, each with why and since when.
    pub fn held(&self) -> Vec<(ExecutionId, Hold, Timestamp)> {
        use crate::state::execution::ExecutionState;
        let waiting = self.state.links.people.iter();
        waiting
            .filter_map(|ix| match self.state.exec(*ix).state {
                ExecutionState::Waiting(Wait::Held { hold, since, .. }) => {
                    Some((self.exec_id(*ix), hold, since))
                }
                ExecutionState::Waiting(_)
                | ExecutionState::Idle
                | ExecutionState::Queued { .. }
                | ExecutionState::Live { .. }
                | ExecutionState::Ended(_)
                | ExecutionState::Backoff { .. }
                | ExecutionState::Unknown { .. }
                | ExecutionState::Settled(_) => None,
            })
            .collect()
    }

    /// The stages before which executions are held, and whether every one is.
    pub fn breakpoints(&self) -> (Vec<&str>, bool) {
        (self.state.breakpoints.iter().map(|name| &**name).collect(), self.state.step)
    }

    fn form_view<'r>(&'r self, ix: ExecIx, round: &'r FormRound) -> Option<FormView<'r>> {
        let stage = self.model(ix.stage);
        let people = self.state.exec(ix).people.as_deref();
        let state = match &round.closed {
            None => FormState::Open,
            Some(FormEnd::Submitted { at, by, values, artifacts }) => {
                FormState::Submitted { at: *at, by, values, artifacts }
            }
            Some(FormEnd::TimedOut { at }) => FormState::TimedOut { at: *at },
            Some(FormEnd::Void { at, reason }) => FormState::Void { at: *at, reason },
        };
        Some(FormView {
            execution: self.exec_id(ix),
            generation: round.generation,
            revision: round.revision,
            max_revisions: stage.max_revisions,
            form: stage.form.as_ref()?,
            instructions: &round.instructions,
            values: &round.values,
            feedback: people.and_then(|people| people.feedback.as_deref()).unwrap_or(""),
            opened_at: round.opened_at,
            due: round.due,
            state,
        })
    }

    fn stages(&self) -> impl Iterator<Item = StageIx> {
        (0..u32::try_from(self.pipeline.stages.len()).unwrap_or(u32::MAX)).map(StageIx)
    }

    /// The executions that a stage has now.
    fn known(&self, stage: StageIx) -> impl Iterator<Item = ExecIx> {
        let numbers = if self.pipeline.fanned(stage) {
            let items = self.state.stage(stage).items().map_or(0, <[_]>::len);
            1..=u32::try_from(items).unwrap_or(u32::MAX)
        } else {
            0..=0
        };
        numbers.map(move |instance| ExecIx { stage, instance })
    }

    /// What a waiting execution waits for.
    pub(crate) fn waiting_words(&self, ix: ExecIx, wait: Wait) -> String {
        let people = self.state.exec(ix).people.as_deref();
        match wait {
            Wait::Held { hold, .. } => held_words(hold).to_owned(),
            Wait::Gate(_) => people
                .and_then(|people| people.open_gate())
                .map(|gate| gate_words(&view(self.gate_id(ix, gate), gate)))
                .unwrap_or_default(),
            Wait::Form => {
                let form = self.model(ix.stage).form.as_ref();
                match form.map(|form| form.assignees.join(", ")) {
                    Some(who) if !who.is_empty() => format!("waits for input of {who}"),
                    Some(_) | None => "waits for input".to_owned(),
                }
            }
            Wait::Environment { .. } | Wait::Due(Step::Environment) => {
                let name = self.model(ix.stage).environment.as_deref().unwrap_or_default();
                format!("waits for the environment `{name}`, which somebody else is in")
            }
            Wait::Due(_) if self.state.pause.is_some() => {
                "waits until the run is resumed".to_owned()
            }
            Wait::Due(_) | Wait::Answered(_) | Wait::Void(_) => String::new(),
        }
    }

    /// What the live attempt of an execution asks people.
    pub(crate) fn inquiry_words(&self, ix: ExecIx) -> Option<String> {
        let inquired = self.state.links.inquired.contains(&ix);
        let gate = self.state.exec(ix).people.as_deref()?.open_gate().filter(|_| inquired)?;
        Some(gate_words(&view(self.gate_id(ix, gate), gate)))
    }

    /// What became of the inquiry of this key, the newest one: `None` when it was never asked.
    pub fn inquiry(&self, execution: &ExecutionId, key: &str) -> Option<GateView<'_>> {
        let ix = self.exec_ix(execution)?;
        let gates = &self.state.exec(ix).people.as_deref()?.gates;
        let of = |gate: &&Gate| gate.inquiry.as_ref().is_some_and(|inquiry| inquiry.key == key);
        gates.iter().rev().find(of).map(|gate| view(self.gate_id(ix, gate), gate))
    }

    /// Words for the open gate of a blocked stage's trigger.
    pub(crate) fn trigger_gate_words(&self, ix: StageIx) -> Option<String> {
        let stage = self.state.stage(ix);
        let gate = stage.gates.last().filter(|gate| gate.is_open())?;
        match stage.state {
            StageState::Blocked => {
                Some(gate_words(&view(self.trigger_gate_id(ix, gate.generation), gate)))
            }
            StageState::Dormant
            | StageState::Ready(_)
            | StageState::Fanned { .. }
            | StageState::Settled(_) => None,
        }
    }
}

fn held_words(hold: Hold) -> &'static str {
    match hold {
        Hold::Advance => "held until somebody lets it go on",
        Hold::Breakpoint => "held at a breakpoint",
        Hold::Step => "held, as the run is stepped",
    }
}

fn gate_words(gate: &GateView<'_>) -> String {
    let what = match gate.id.kind {
        crate::event::GateKind::Start => "approval to start",
        crate::event::GateKind::Complete => "approval of its results",
        crate::event::GateKind::Trigger => "approval of its trigger",
        crate::event::GateKind::Permission => "permission",
        crate::event::GateKind::Question => "an answer",
    };
    let missing = gate.missing().join(", ");
    let asked = gate.inquiry.map(|inquiry| format!(" ({})", inquiry.question)).unwrap_or_default();
    format!("waits for {what}{asked}, {} of {}: {missing}", gate.have, gate.policy.needed)
}

fn view(id: GateId, gate: &Gate) -> GateView<'_> {
    let slots = gate.slots();
    let approvers = gate.approvers();
    let filled = quorum::fill(&slots, &approvers);
    let have = u32::try_from(filled.iter().flatten().count()).unwrap_or(u32::MAX);
    let slots = slots.iter().zip(filled).map(|(slot, by)| SlotView {
        entry: slot.entry(),
        filled_by: by.map(|at| approvers[at].name.as_str()),
        delegate: slot.passed().last().map(|(_, to)| *to),
    });
    GateView {
        id,
        policy: &gate.policy,
        digest: &gate.digest,
        instructions: &gate.instructions,
        opened_at: gate.opened_at,
        due: gate.due,
        escalated: gate.escalated,
        slots: slots.collect(),
        have: have.min(gate.policy.needed),
        votes: gate.votes.iter().map(vote_view).collect(),
        delegations: gate.handovers.iter().map(delegation_view).collect(),
        reminded: gate.reminded.iter().copied().collect(),
        inquiry: gate.inquiry.as_deref(),
        resolution: gate.resolution.as_ref().map(|(at, resolution)| (*at, resolution)),
    }
}

fn vote_view(cast: &Cast) -> VoteView<'_> {
    VoteView {
        at: cast.at,
        by: &cast.by.name,
        decision: cast.decision,
        comment: &cast.comment,
        replaced: cast.replaced,
    }
}

fn delegation_view(handover: &Handover) -> DelegationView<'_> {
    DelegationView {
        at: handover.at,
        slot: handover.slot,
        from: &handover.from.name,
        to: &handover.to.name,
        revoked_at: handover.revoked_at,
    }
}
