//! Why is each stage not running? In words, and with what would change it.

use std::collections::{BTreeSet, VecDeque};

use pipeline::model::StageIx;

use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::execution::{ExecutionState, Place};
use crate::state::people::Wait;
use crate::state::stage::StageState;
use crate::state::{ExecIx, Phase};
use crate::view::{ExecutionStatus, Row};

/// One stage or instance that neither runs nor has settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub execution: ExecutionId,
    pub status: ExecutionStatus,
    /// The nearest cause first; never empty.
    pub because: Vec<String>,
    /// Commands that would change it; may be empty.
    pub remedies: Vec<String>,
}

/// Of what nothing in its run keeps from running.
pub const FOR_A_SLOT: &str = "it waits for a free slot";
/// The same as the detail of its row.
pub const WAITS_FOR_A_SLOT: &str = "waits for a free slot";
/// Causes further up that are named, at most.
const CAUSES: usize = 5;

impl Run {
    /// Every stage, and every instance of a fanned-out stage, that neither runs nor has settled, in
    /// the order of the definition. Empty before the run was created and after it finished.
    pub fn explain(&self) -> Vec<Explained> {
        match self.state.phase {
            Phase::Uncreated | Phase::Finished { .. } => return Vec::new(),
            Phase::Pending { .. } | Phase::Active => {}
        }
        let rows = self.rows().filter(|row| waits(row.status));
        // A fanned-out stage is explained by its instances.
        let rows = rows.filter(|row| row.instances.is_none_or(|instances| instances == 0));
        rows.map(|row| self.explained(&row)).collect()
    }

    fn explained(&self, row: &Row<'_>) -> Explained {
        let mut told = Explained {
            execution: row.id.clone(),
            status: row.status,
            because: Vec::new(),
            remedies: Vec::new(),
        };
        self.own_cause(row, &mut told);
        if row.status == ExecutionStatus::Blocked {
            self.causes_above(row.ix, &mut told);
        }
        self.causes_of_run(&mut told);
        if told.because.is_empty() {
            told.because.push("its turn comes in the next step".to_owned());
        }
        told
    }

    fn own_cause(&self, row: &Row<'_>, told: &mut Explained) {
        let said = if row.detail.is_empty() { None } else { Some(row.detail.clone()) };
        match row.status {
            ExecutionStatus::Queued if self.state.pause.is_none() || self.is_handed_out(row) => {
                told.because.push(self.queue_cause(row));
            }
            // Said by the run as a whole.
            ExecutionStatus::Queued => {}
            ExecutionStatus::Blocked
            | ExecutionStatus::Listening
            | ExecutionStatus::Unknown
            | ExecutionStatus::WaitingApproval
            | ExecutionStatus::WaitingInput
            | ExecutionStatus::Held
            | ExecutionStatus::HeldByHuman
            | ExecutionStatus::Retrying
            | ExecutionStatus::WaitingEnvironment => told.because.extend(said),
            ExecutionStatus::Stopping
            | ExecutionStatus::Running
            | ExecutionStatus::Failed
            | ExecutionStatus::Cancelled
            | ExecutionStatus::NotRun
            | ExecutionStatus::Skipped
            | ExecutionStatus::Succeeded
            | ExecutionStatus::WouldHave => {}
        }
        if row.status == ExecutionStatus::WaitingEnvironment {
            let environment = row.stage.environment.as_deref();
            let inside = self
                .state
                .links
                .granted
                .iter()
                .find(|ix| self.model(ix.stage).environment.as_deref() == environment);
            if let Some(inside) = inside {
                told.because.push(format!("`{}` of this run is in it", self.exec_id(*inside)));
            }
        }
        told.remedies.extend(self.remedy(&row.id, row.status));
    }

    /// Nothing of the run keeps it any more.
    fn is_handed_out(&self, row: &Row<'_>) -> bool {
        let ix = self.exec_ix(&row.id);
        ix.is_some_and(|ix| matches!(self.state.exec(ix).state, ExecutionState::Live { .. }))
    }

    /// Why nothing takes what is ready.
    fn queue_cause(&self, row: &Row<'_>) -> String {
        if self.is_handed_out(row) {
            return FOR_A_SLOT.to_owned();
        }
        if let Some(ix) = self.exec_ix(&row.id)
            && let ExecutionState::Queued { place: Place::Parked, .. } = self.state.exec(ix).state
            && let Some(max) = self.pipeline.at_once(ix.stage)
        {
            return format!("all {max} places of `{}` are taken", self.model(ix.stage).name);
        }
        match self.pipeline.max_parallel {
            Some(max) if self.state.links.live.len() >= max as usize => {
                format!("all {max} places of the run are taken (`max_parallel: {max}`)")
            }
            Some(_) | None => "it waits for its turn".to_owned(),
        }
    }

    /// What the stages that it waits for wait for themselves, nearest first.
    fn causes_above(&self, from: StageIx, told: &mut Explained) {
        let mut open: VecDeque<StageIx> = self.unsettled_above(from).collect();
        let mut seen: BTreeSet<StageIx> = open.iter().copied().collect();
        let mut named = 0;
        while let Some(ix) = open.pop_front() {
            if named == CAUSES {
                break;
            }
            let (id, status, detail) = self.nearest(ix);
            if status == ExecutionStatus::Blocked {
                let above: Vec<StageIx> = self.unsettled_above(ix).collect();
                let waits_for_stages = !above.is_empty();
                open.extend(above.into_iter().filter(|above| seen.insert(*above)));
                if waits_for_stages {
                    continue;
                }
            }
            named += 1;
            let word = status.word().replace('_', " ");
            told.because.push(if detail.is_empty() {
                format!("`{id}` is {word}")
            } else {
                format!("`{id}` is {word}: {detail}")
            });
            for remedy in self.remedy(&id, status) {
                if !told.remedies.contains(&remedy) {
                    told.remedies.push(remedy);
                }
            }
        }
    }

    fn unsettled_above(&self, ix: StageIx) -> impl Iterator<Item = StageIx> {
        let stage = self.model(ix);
        let sources = stage.triggers.iter().flat_map(|triggers| &triggers.sources);
        let above = stage.depends_on.iter().chain(sources).copied();
        above.filter(|above| match self.state.stage(*above).state {
            StageState::Blocked | StageState::Ready(_) | StageState::Fanned { .. } => true,
            StageState::Dormant | StageState::Settled(_) => false,
        })
    }

    /// Of a stage with instances the most urgent one.
    fn nearest(&self, ix: StageIx) -> (ExecutionId, ExecutionStatus, String) {
        let id = ExecutionId::stage(self.model(ix).name.clone());
        let Some(row) = self.row(&id) else { return (id, ExecutionStatus::Blocked, String::new()) };
        let count = row.instances.unwrap_or(0);
        for instance in 1..=count {
            let exec = ExecIx { stage: ix, instance };
            if waits(row.status) && self.execution_status(exec) == row.status {
                let id = self.exec_id(exec);
                let detail = self.row(&id).map(|row| row.detail).unwrap_or_default();
                return (id, row.status, detail);
            }
        }
        (id, row.status, row.detail)
    }

    fn causes_of_run(&self, told: &mut Explained) {
        let name = self.name();
        match &self.state.phase {
            Phase::Pending { .. } => {
                told.because.push(match self.waits_in() {
                    Some(group) => format!("the run waits for its turn in `{group}`"),
                    None => "the run has not started".to_owned(),
                });
            }
            Phase::Active | Phase::Uncreated | Phase::Finished { .. } => {}
        }
        if let Some(pause) = &self.state.pause {
            told.because.push(format!("the run is paused by {}", pause.by));
            told.remedies.push(format!("orchestrate runs resume {name}"));
        }
        if let Some(cancel) = &self.state.cancel {
            told.because.push(format!("the run is being cancelled by {}", cancel.by));
        } else if let Some(halt) = &self.state.halt {
            told.because.push(format!("the run is halting because `{}` failed", halt.cause));
        }
    }

    fn remedy(&self, id: &ExecutionId, status: ExecutionStatus) -> Vec<String> {
        let name = self.name();
        match status {
            ExecutionStatus::WaitingApproval => {
                vec![format!("orchestrate approval list --pending --run {name}")]
            }
            ExecutionStatus::WaitingInput => {
                vec![format!("orchestrate input list --pending --run {name}")]
            }
            ExecutionStatus::Held => {
                vec![format!("orchestrate runs advance {name} --stage {id}")]
            }
            ExecutionStatus::HeldByHuman => {
                vec![format!("orchestrate agent hand-back {name} {id}")]
            }
            ExecutionStatus::Unknown => {
                vec![format!("orchestrate runs resolve {name} {id} retry|succeeded|failed")]
            }
            ExecutionStatus::Stopping
            | ExecutionStatus::Running
            | ExecutionStatus::Retrying
            | ExecutionStatus::WaitingEnvironment
            | ExecutionStatus::Queued
            | ExecutionStatus::Listening
            | ExecutionStatus::Blocked
            | ExecutionStatus::Failed
            | ExecutionStatus::Cancelled
            | ExecutionStatus::NotRun
            | ExecutionStatus::Skipped
            | ExecutionStatus::Succeeded
            | ExecutionStatus::WouldHave => Vec::new(),
        }
    }

    /// `name#n`, or `<task>-<n>`.
    fn name(&self) -> String {
        self.state.head.as_deref().map_or_else(String::new, |head| head.name.clone())
    }

    /// What people are waited for, for the run's own reason; empty when they are not.
    pub(crate) fn people_words(&self) -> String {
        let links = &self.state.links;
        let of_trigger = links.gated.iter().find_map(|ix| {
            Some(format!("`{}` {}", self.model(*ix).name, self.trigger_gate_words(*ix)?))
        });
        let waiting = links.people.iter().find_map(|ix| {
            let ExecutionState::Waiting(wait) = self.state.exec(*ix).state else { return None };
            let verb = if matches!(wait, Wait::Held { .. }) { "is " } else { "" };
            Some(format!("`{}` {verb}{}", self.exec_id(*ix), self.waiting_words(*ix, wait)))
        });
        let taken = links
            .taken
            .first()
            .and_then(|ix| Some(format!("`{}` is {}", self.exec_id(*ix), self.taken_words(*ix)?)));
        let Some(first) = waiting.or(of_trigger).or(taken) else { return String::new() };
        match (links.people.len() + links.gated.len() + links.taken.len()).saturating_sub(1) {
            0 => first,
            more => format!("{first}; and {more} more"),
        }
    }
}

fn waits(status: ExecutionStatus) -> bool {
    match status {
        ExecutionStatus::Unknown
        | ExecutionStatus::WaitingApproval
        | ExecutionStatus::WaitingInput
        | ExecutionStatus::Held
        | ExecutionStatus::HeldByHuman
        | ExecutionStatus::Retrying
        | ExecutionStatus::WaitingEnvironment
        | ExecutionStatus::Queued
        | ExecutionStatus::Listening
        | ExecutionStatus::Blocked => true,
        ExecutionStatus::Stopping
        | ExecutionStatus::Running
        | ExecutionStatus::Failed
        | ExecutionStatus::Cancelled
        | ExecutionStatus::NotRun
        | ExecutionStatus::Skipped
        | ExecutionStatus::Succeeded
        | ExecutionStatus::WouldHave => false,
    }
}
