//! One stage or instance, as shown.

use jiff::Timestamp;
use pipeline::model::{StageIx, StageName};
use pipeline::when::Reason;
use serde_json::Value as Json;

use super::AttemptView;
use crate::command::StopReason;
use crate::event::{Conclusion, Deed, Intention, Outcome, Settled};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::execution::{Execution, ExecutionState};
use crate::state::people::Wait;
use crate::state::stage::StageState;
use crate::words;

/// Ordered by urgency, the most urgent first, up to `Blocked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExecutionStatus {
    Unknown,
    /// A gate is open.
    WaitingApproval,
    /// A form is open.
    WaitingInput,
    /// Until a person lets it go on.
    Held,
    /// A person works in the place of its agent.
    HeldByHuman,
    Stopping,
    Running,
    Retrying,
    /// Somebody else is in its environment.
    WaitingEnvironment,
    Queued,
    /// Its dependencies have settled; it waits for its triggers, or for more events.
    Listening,
    Blocked,
    Failed,
    Cancelled,
    NotRun,
    Skipped,
    Succeeded,
    /// In a shadow run: it was said what would have happened.
    WouldHave,
}

impl ExecutionStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WaitingApproval => "waiting_approval",
            Self::WaitingInput => "waiting_input",
            Self::Held => "held",
            Self::HeldByHuman => "held_by_human",
            Self::WaitingEnvironment => "waiting_environment",
            Self::Stopping => "stopping",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Queued => "queued",
            Self::Listening => "listening",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::NotRun => "not_run",
            Self::Skipped => "skipped",
            Self::Succeeded => "succeeded",
            Self::WouldHave => "would_have",
        }
    }
}

impl From<Outcome> for ExecutionStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::Failed => Self::Failed,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Skipped => Self::Skipped,
            Outcome::NotRun => Self::NotRun,
            Outcome::WouldHave => Self::WouldHave,
        }
    }
}

/// A stage, or one instance of a fanned-out one.
#[derive(Clone, Debug)]
pub struct Row<'r> {
    pub id: ExecutionId,
    /// Its definition.
    pub stage: &'r pipeline::model::Stage,
    pub ix: StageIx,
    /// Of a fanned-out stage that was expanded.
    pub instances: Option<u32>,
    pub status: ExecutionStatus,
    pub outcome: Option<Outcome>,
    pub conclusion: Option<Conclusion>,
    /// In words: why skipped, why failed, what it waits for.
    pub detail: String,
    pub settled: Option<&'r Settled>,
    /// The judged condition of a stage that ran; of a skipped one it is in `settled`.
    pub condition: Option<&'r Reason>,
    /// An object, once it settled.
    pub outputs: Option<&'r Json>,
    /// Of an instance.
    pub item: Option<&'r Json>,
    /// Of an instance that an event gave.
    pub key: Option<&'r str>,
    /// The keys of other instances that have to succeed first.
    pub needs: &'r [String],
    pub attempts: Vec<AttemptView<'r>>,
    /// Of a shadow run: what it would have done, in order.
    pub would: Vec<&'r Intention>,
    /// Of its first attempt in the present round, or of a stage with instances when it was ready.
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

impl Run {
    /// Every stage in the order of the definition, each followed by its instances. Compensations
    /// come last, and only those that a rollback has asked for.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let all =
            (0..self.pipeline.stages.len()).map(|n| StageIx(u32::try_from(n).unwrap_or(u32::MAX)));
        let awake = all.filter(|ix| self.state.stage(*ix).state != StageState::Dormant);
        awake.flat_map(move |ix| {
            let count = self.state.stage(ix).items().map_or(0, <[_]>::len);
            let instances = (1..=u32::try_from(count).unwrap_or(u32::MAX))
                .map(move |instance| self.instance_row(ExecIx { stage: ix, instance }));
            std::iter::once(self.stage_row(ix)).chain(instances)
        })
    }

    /// One of them; `None` when it does not exist (yet). Also a compensation or an instance of an
    /// earlier round that the present one has not.
    pub fn row(&self, id: &ExecutionId) -> Option<Row<'_>> {
        match id.instance {
            None => {
                let ix = self.ix(&id.stage)?;
                let stage = self.state.stage(ix);
                let tried = stage.executions.iter().any(|execution| !execution.attempts.is_empty());
                (stage.state != StageState::Dormant || tried).then(|| self.stage_row(ix))
            }
            Some(instance) => {
                let stage = self.ix(&id.stage)?;
                let known = self.past_instances(&id.stage);
                let exists = self.exec_ix(id).is_some() || (1..=known).contains(&instance);
                exists.then(|| self.instance_row(ExecIx { stage, instance }))
            }
        }
    }

    /// The number of an execution's first attempt in the present round, scheduled or not.
    pub fn first_attempt(&self, id: &ExecutionId) -> Option<u32> {
        let execution = self.state.exec(self.exec_ix(id)?);
        Some(u32::try_from(execution.past).unwrap_or(u32::MAX - 1) + 1)
    }

    /// How many instances of a stage there ever were, over all rounds; 0 of one without.
    pub fn past_instances(&self, stage: &str) -> u32 {
        let fanned = self.ix(stage).filter(|ix| self.pipeline.fanned(*ix));
        let executions = fanned.map_or(0, |ix| self.state.stage(ix).executions.len());
        u32::try_from(executions).unwrap_or(u32::MAX)
    }

    /// Names of all stages that a run of this pipeline has, in the order of the definition, without
    /// compensations.
    pub fn stage_names(&self) -> impl Iterator<Item = &StageName> {
        let own = self.pipeline.stages.iter().filter(|stage| stage.compensates.is_none());
        own.map(|stage| &stage.name)
    }

    pub(crate) fn execution_status(&self, ix: ExecIx) -> ExecutionStatus {
        match &self.state.exec(ix).state {
            ExecutionState::Idle => ExecutionStatus::Blocked,
            ExecutionState::Waiting(wait) => waiting(*wait),
            ExecutionState::Queued { .. } | ExecutionState::Ended(_) => ExecutionStatus::Queued,
            ExecutionState::Live { stopping: Some(_), .. } => ExecutionStatus::Stopping,
            ExecutionState::Live { stopping: None, .. }
                if self.state.links.inquired.contains(&ix) =>
            {
                ExecutionStatus::WaitingApproval
            }
            ExecutionState::Live { stopping: None, .. } if self.state.links.taken.contains(&ix) => {
                ExecutionStatus::HeldByHuman
            }
            // It was handed out, and waits for a slot.
            ExecutionState::Live { stopping: None, .. } if !self.state.exec(ix).has_started() => {
                ExecutionStatus::Queued
            }
            ExecutionState::Live { stopping: None, .. } => ExecutionStatus::Running,
            ExecutionState::Backoff { .. } => ExecutionStatus::Retrying,
            ExecutionState::Unknown { .. } => ExecutionStatus::Unknown,
            ExecutionState::Settled(end) => end.outcome.into(),
        }
    }

    pub(crate) fn stage_status(&self, ix: StageIx) -> ExecutionStatus {
        let fanned = self.pipeline.fanned(ix);
        let single = ExecIx { stage: ix, instance: 0 };
        match &self.state.stage(ix).state {
            StageState::Blocked if self.state.links.gated.contains(&ix) => {
                ExecutionStatus::WaitingApproval
            }
            StageState::Blocked if self.state.links.listening.contains(&ix) => {
                ExecutionStatus::Listening
            }
            StageState::Dormant | StageState::Blocked => ExecutionStatus::Blocked,
            StageState::Ready(_) if fanned => ExecutionStatus::Queued,
            StageState::Ready(_) => self.execution_status(single),
            StageState::Fanned { .. }
                if self.state.links.inquired.iter().any(|asks| asks.stage == ix) =>
            {
                ExecutionStatus::WaitingApproval
            }
            StageState::Fanned { .. } if self.state.holds_one_of(ix) => {
                ExecutionStatus::HeldByHuman
            }
            StageState::Fanned { fan, .. } => fan.most_urgent().unwrap_or(if fan.grows() {
                ExecutionStatus::Listening
            } else {
                ExecutionStatus::Queued
            }),
            StageState::Settled(end) => end.outcome.into(),
        }
    }

    fn stage_row(&self, ix: StageIx) -> Row<'_> {
        let (model, stage) = (self.model(ix), self.state.stage(ix));
        let fanned = self.pipeline.fanned(ix);
        let single = ExecIx { stage: ix, instance: 0 };
        let end = stage.end();
        let detail = match &stage.state {
            StageState::Dormant => "only a rollback starts it".to_owned(),
            StageState::Blocked => {
                self.trigger_gate_words(ix).unwrap_or_else(|| self.waits_for(ix))
            }
            StageState::Settled(end) => {
                match stage.would.last().filter(|_| foretold(&end.reason)) {
                    Some(said) => said.says.clone(),
                    None if foretold(&end.reason) => self.foretold_words(&stage.executions),
                    None => words::settled(&end.reason),
                }
            }
            StageState::Ready(_) if !fanned => self.detail(single),
            StageState::Fanned { .. } => self.listens_to(ix),
            StageState::Ready(_) => String::new(),
        };
        let execution = if fanned { None } else { stage.executions.first() };
        let begun = execution.map_or_else(|| stage.ready().map(|ready| ready.at), began);
        Row {
            id: ExecutionId::stage(model.name.clone()),
            stage: model,
            ix,
            instances: stage.items().map(|items| u32::try_from(items.len()).unwrap_or(u32::MAX)),
            status: self.stage_status(ix),
            outcome: end.map(|end| end.outcome),
            conclusion: end.map(|end| end.conclusion),
            detail,
            settled: end.map(|end| &end.reason),
            condition: stage.ready().and_then(|ready| ready.reason.as_ref()),
            outputs: end.map(|end| &end.outputs),
            item: None,
            key: None,
            needs: &[],
            attempts: execution.map(attempts).unwrap_or_default(),
            would: stage
                .would
                .iter()
                .chain(execution.into_iter().flat_map(|of| &of.would))
                .collect(),
            started_at: begun,
            finished_at: end.map(|end| end.at),
        }
    }

    fn instance_row(&self, ix: ExecIx) -> Row<'_> {
        let execution = self.state.exec(ix);
        let fed = self.state.stage(ix.stage).fed();
        let given = fed.and_then(|fed| fed.given(ix.instance));
        let end = execution.end();
        Row {
            id: self.exec_id(ix),
            stage: self.model(ix.stage),
            ix: ix.stage,
            instances: None,
            status: self.execution_status(ix),
            outcome: end.map(|end| end.outcome),
            conclusion: end.map(|end| end.conclusion),
            detail: self.detail(ix),
            settled: end.map(|end| &end.reason),
            condition: None,
            outputs: end.map(|end| &end.outputs),
            item: self.item(ix),
            key: given.and_then(|given| given.key.as_deref()),
            needs: given.map_or(&[], |given| &given.needs),
            attempts: attempts(execution),
            would: execution.would.iter().collect(),
            started_at: began(execution),
            finished_at: end.map(|end| end.at),
        }
    }

    fn detail(&self, ix: ExecIx) -> String {
        let execution = self.state.exec(ix);
        let model = self.model(ix.stage);
        match &execution.state {
            ExecutionState::Idle => self.needed(ix),
            ExecutionState::Ended(_) => String::new(),
            ExecutionState::Waiting(wait) => self.waiting_words(ix, *wait),
            ExecutionState::Queued { .. } if self.state.pause.is_some() => {
                "waits until the run is resumed".to_owned()
            }
            ExecutionState::Queued { .. } => "waits for a free place".to_owned(),
            ExecutionState::Live { stopping: Some(reason), .. } => match reason {
                StopReason::Timeout
                | StopReason::IdleTimeout
                | StopReason::TotalTimeout
                | StopReason::Cancelled
                | StopReason::Paused
                | StopReason::Halted
                | StopReason::Superseded => words::stopped(*reason).replace("stopped", "stopping"),
            },
            ExecutionState::Live { stopping: None, .. }
                if !execution.has_started() && !self.state.links.taken.contains(&ix) =>
            {
                crate::explain::WAITS_FOR_A_SLOT.to_owned()
            }
            ExecutionState::Live { stopping: None, .. } => {
                self.inquiry_words(ix).or_else(|| self.taken_words(ix)).unwrap_or_default()
            }
            ExecutionState::Backoff { number, .. } => {
                let why = execution.last_result().map(words::result).unwrap_or_default();
                let (next, max) = (execution.tries + 1, model.retry.max_attempts);
                format!("{why}; try {next} of {max} (attempt {number}) waits")
            }
            ExecutionState::Unknown { probing: true, message } => {
                format!("{message}; its probe is asked")
            }
            ExecutionState::Unknown { probing: false, message } => {
                format!("{message}; it needs a decision")
            }
            ExecutionState::Settled(end) if foretold(&end.reason) => {
                self.foretold_words(std::slice::from_ref(execution))
            }
            ExecutionState::Settled(end) => words::settled(&end.reason),
        }
    }

    /// The deed of those who only said it; of several the first one's.
    fn foretold_words(&self, executions: &[Execution]) -> String {
        let said: Vec<&Intention> = executions.iter().flat_map(|of| &of.would).collect();
        let deed = said.iter().find(|said| match said.kind {
            Deed::Run | Deed::Agent | Deed::Start | Deed::Merge => true,
            Deed::Ask | Deed::Notify | Deed::Emit | Deed::Lock | Deed::Wait | Deed::Each => false,
        });
        let found = deed.or(said.first()).map(|said| said.says.clone());
        found.unwrap_or_else(|| words::settled(&Settled::WouldHave))
    }

    /// What a blocked stage waits for.
    fn waits_for(&self, ix: StageIx) -> String {
        let model = self.model(ix);
        let open: Vec<String> = model
            .depends_on
            .iter()
            .filter(|dep| self.state.stage(**dep).end().is_none())
            .take(5)
            .map(|dep| format!("`{}`", self.model(*dep).name))
            .collect();
        let more = (self.state.stage(ix).waits_for as usize).saturating_sub(open.len());
        match (open.is_empty(), more) {
            (true, _) if model.finally => "waits for every other stage".to_owned(),
            (true, _) => self.listens_to(ix),
            (false, 0) => format!("waits for {}", open.join(", ")),
            (false, more) => format!("waits for {} and {more} more", open.join(", ")),
        }
    }
}

fn foretold(reason: &Settled) -> bool {
    matches!(reason, Settled::WouldHave)
}

fn waiting(wait: Wait) -> ExecutionStatus {
    match wait {
        Wait::Held { .. } => ExecutionStatus::Held,
        Wait::Gate(_) => ExecutionStatus::WaitingApproval,
        Wait::Form => ExecutionStatus::WaitingInput,
        Wait::Environment { .. } => ExecutionStatus::WaitingEnvironment,
        Wait::Due(_) | Wait::Answered(_) | Wait::Void(_) => ExecutionStatus::Queued,
    }
}

fn attempts(execution: &Execution) -> Vec<AttemptView<'_>> {
    execution.attempts.iter().map(AttemptView::of).collect()
}

fn began(execution: &Execution) -> Option<Timestamp> {
    let first = execution.attempts.get(execution.past)?;
    first.started.as_ref().map(|started| started.at).or(Some(first.scheduled_at))
}
