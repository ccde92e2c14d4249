//! One run: a fold over its journal.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use pipeline::model::{Pipeline, Stage, StageIx, StageName};
use serde_json::Value as Json;

use crate::command::{Command, Rejection};
use crate::event::{Event, Stamped};
use crate::evolve::Corrupt;
use crate::follow::Look;
use crate::id::{AttemptId, ExecutionId};
use crate::state::execution::ExecutionState;
use crate::state::{ExecIx, State};
use crate::wires::Wires;

/// A run and the revision of the pipeline that it executes.
///
/// Two runs are equal when the same things are known about them, so a run that was folded anew
/// from its journal equals the one that wrote it.
#[derive(Clone, Debug)]
pub struct Run {
    pub(crate) pipeline: Arc<Pipeline>,
    by_name: Arc<HashMap<StageName, StageIx>>,
    pub(crate) wires: Arc<Wires>,
    pub(crate) state: State,
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

impl Run {
    /// A run without events; [`Command::Create`] is the only one it accepts.
    pub fn new(pipeline: Arc<Pipeline>) -> Self {
        let names = pipeline.stages.iter().zip(0..);
        let by_name = names.map(|(stage, ix)| (stage.name.clone(), StageIx(ix))).collect();
        let state = State::new(&pipeline);
        let wires = Arc::new(Wires::of(&pipeline));
        Self { pipeline, by_name: Arc::new(by_name), wires, state }
    }

    /// The run after these events. `pipeline` must be the revision that `run.created` names.
    pub fn replay<'e>(
        pipeline: Arc<Pipeline>,
        events: impl IntoIterator<Item = &'e Stamped>,
    ) -> Result<Self, Corrupt> {
        let mut run = Self::new(pipeline);
        for stamped in events {
            run.evolve(stamped)?;
        }
        Ok(run)
    }

    /// Decides a command and applies the decision: the events returned, in order, are what the
    /// run has moved by, and hold every automatic consequence. They must be stored before anybody
    /// is told. On a rejection nothing has changed.
    ///
    /// Events are never stamped earlier than the last one, also when `now` is.
    pub fn handle(&mut self, command: Command, now: Timestamp) -> Result<Vec<Stamped>, Rejection> {
        let now = now.max(self.state.at);
        let mut stored = Vec::new();
        // What has to be looked at because of what was applied, before anything else follows.
        let mut agenda = VecDeque::new();
        for event in self.decide(command, now)? {
            self.apply(event, now, &mut stored, &mut agenda);
        }
        loop {
            let next = match agenda.pop_front() {
                Some(look) => self.look(look),
                None => match self.follow(now) {
                    Some(event) => Some(event),
                    None => return Ok(stored),
                },
            };
            if let Some(event) = next {
                self.apply(event, now, &mut stored, &mut agenda);
            }
        }
    }

    fn apply(
        &mut self,
        event: Event,
        now: Timestamp,
        stored: &mut Vec<Stamped>,
        agenda: &mut VecDeque<Look>,
    ) {
        let stamped = Stamped { at: now, event };
        if let Err(corrupt) = self.evolve(&stamped) {
            // A bug in the rules: going on would store a journal that cannot be read.
            panic!("{corrupt}: {:?}", stamped.event);
        }
        self.looks(&stamped.event, agenda);
        stored.push(stamped);
    }

    /// Number of events so far.
    pub fn sequence(&self) -> u64 {
        self.state.sequence
    }

    pub fn pipeline(&self) -> &Arc<Pipeline> {
        &self.pipeline
    }

    pub(crate) fn ix(&self, stage: &str) -> Option<StageIx> {
        self.by_name.get(stage).copied()
    }

    /// Stages that its end may start, or keep from starting.
    pub(crate) fn below(&self, ix: StageIx) -> impl Iterator<Item = StageIx> + '_ {
        let dependants = &self.model(ix).dependants;
        dependants.iter().chain(self.wires.watchers(ix)).copied()
    }

    pub(crate) fn model(&self, ix: StageIx) -> &Stage {
        &self.pipeline.stages[ix.get()]
    }

    /// The execution of this name, if it exists now.
    pub(crate) fn exec_ix(&self, id: &ExecutionId) -> Option<ExecIx> {
        let stage = self.ix(&id.stage)?;
        let fanned = self.pipeline.fanned(stage);
        match id.instance {
            None if !fanned => Some(ExecIx { stage, instance: 0 }),
            Some(n) if fanned && n >= 1 => {
                let items = self.state.stage(stage).items()?.len();
                (n as usize <= items).then_some(ExecIx { stage, instance: n })
            }
            None | Some(_) => None,
        }
    }

    pub(crate) fn exec_id(&self, ix: ExecIx) -> ExecutionId {
        let stage = self.model(ix.stage).name.clone();
        ExecutionId { stage, instance: (ix.instance > 0).then_some(ix.instance) }
    }

    /// The item of an instance.
    pub(crate) fn item(&self, ix: ExecIx) -> Option<&Json> {
        if ix.instance == 0 {
            return None;
        }
        self.state.stage(ix.stage).items()?.get(ix.slot())
    }

    /// The attempt that an execution's live or unknown state is about.
    pub(crate) fn last_attempt(&self, ix: ExecIx) -> AttemptId {
        let last = self.state.exec(ix).attempts.last();
        AttemptId {
            execution: self.exec_id(ix),
            number: last.map_or(0, |attempt| attempt.number),
            fence: last.map_or(0, |attempt| attempt.fence),
        }
    }

    /// The place of a live attempt; `None` when it is not live.
    pub(crate) fn live(&self, attempt: &AttemptId) -> Option<ExecIx> {
        let ix = self.exec_ix(&attempt.execution)?;
        let execution = self.state.exec(ix);
        let live = match execution.state {
            ExecutionState::Live { fence, .. } => fence == attempt.fence,
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => false,
        };
        let number = execution.attempts.last().map_or(0, |attempt| attempt.number);
        (live && number == attempt.number).then_some(ix)
    }
}
