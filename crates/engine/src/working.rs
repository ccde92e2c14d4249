//! Who is busy with a run: its agents, and whoever does a task.

use jiff::Timestamp;
use pipeline::model::{AgentUse, AgentWork, Crew, Stage, Work};

use crate::id::{AttemptId, ExecutionId, RunId};
use crate::run::Run;
use crate::state::{ExecIx, Phase};

/// What goes on in a run that stands in the way of a switch of modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working {
    pub run: RunId,
    /// `TASK-7-3`
    pub name: String,
    pub task: Option<String>,
    /// Of the task; 0 without one.
    pub priority: i64,
    pub created_at: Timestamp,
    /// It belongs to a task, and has begun.
    pub does_task: bool,
    /// The stage that it is at; empty where it is at none.
    pub stage: String,
    /// Since when it is there.
    pub since: Timestamp,
    /// Live attempts of agents, oldest first, also those that wait for a slot.
    pub agents: Vec<AgentAtWork>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAtWork {
    pub attempt: AttemptId,
    /// Its role: the name of the agent, or of the stage where no single one does the work.
    pub role: String,
    /// When it started, or was to.
    pub since: Timestamp,
}

/// What somebody who works at this stage is called; `None`: no agent does.
pub fn role(stage: &Stage) -> Option<&str> {
    match &stage.work {
        Work::Agent(work) => Some(agent(work).unwrap_or(&stage.name)),
        Work::Run { .. }
        | Work::Python { .. }
        | Work::Noop
        | Work::Form
        | Work::Child { .. }
        | Work::Merge(_) => None,
    }
}

fn agent(work: &AgentWork) -> Option<&str> {
    let one = match &work.crew {
        Crew::Single { agent } => agent,
        Crew::Loop { agent: Some(agent), .. } => agent,
        Crew::Loop { agent: None, repeat } => return repeat.agent.as_deref(),
        Crew::Discussion(_) | Crew::Meta(_) => return None,
    };
    match one {
        AgentUse::Named(name) => Some(name),
        AgentUse::Written(spec) if spec.name.is_empty() => spec.extends.as_deref(),
        AgentUse::Written(spec) => Some(&spec.name),
    }
}

impl Run {
    /// `None`: nobody is busy with it. Costs as much as there are live attempts.
    pub fn working(&self) -> Option<Working> {
        // Nobody works who only says what would be done.
        let head = self.state.head.as_deref().filter(|head| !head.mode.is_shadow())?;
        let begun = match self.state.phase {
            Phase::Active => true,
            // A run that is retried waits, and may have attempts that are being stopped.
            Phase::Pending { .. } => false,
            Phase::Uncreated | Phase::Finished { .. } => return None,
        };
        let agents: Vec<AgentAtWork> = self.agents_at_work().collect();
        let does_task = begun && head.task.is_some();
        if agents.is_empty() && !does_task {
            return None;
        }
        let (stage, since) = match self.whereabouts() {
            Some((stage, since)) => (stage.to_string(), since),
            None => (String::new(), None),
        };
        Some(Working {
            run: head.id,
            name: head.name.clone(),
            task: head.task.as_ref().map(|task| task.id.clone()),
            priority: head.task.as_ref().map_or(0, |task| task.priority),
            created_at: head.created_at,
            does_task,
            stage,
            since: since.or(self.state.started_at).unwrap_or(head.created_at),
            agents,
        })
    }

    fn agents_at_work(&self) -> impl Iterator<Item = AgentAtWork> {
        self.state.links.live.values().filter_map(|ix| {
            let role = role(self.model(ix.stage))?.to_owned();
            let since = self.since(*ix)?;
            Some(AgentAtWork { attempt: self.last_attempt(*ix), role, since })
        })
    }

    /// Of an attempt that waits for a slot or runs; `None`: no agent's.
    pub fn role_of(&self, attempt: &AttemptId) -> Option<&str> {
        role(self.model(self.ix(&attempt.execution.stage)?))
    }

    fn since(&self, ix: ExecIx) -> Option<Timestamp> {
        let last = self.state.exec(ix).attempts.last()?;
        Some(last.started.as_ref().map_or(last.scheduled_at, |started| started.at))
    }

    /// Where somebody looks for what it does: what runs, or else what it waits for.
    pub(crate) fn whereabouts(&self) -> Option<(ExecutionId, Option<Timestamp>)> {
        let links = &self.state.links;
        let people = links.people.first().or(links.locked.first());
        let waits = people.or(links.timed.first()).or(links.unknown.first());
        if let Some(ix) = links.live.values().next() {
            return Some((self.exec_id(*ix), self.since(*ix)));
        }
        if let Some(ix) = waits.or(links.ready.values().next()) {
            return Some((self.exec_id(*ix), None));
        }
        let stage = links.gated.first().or(links.listening.first()).or(links.feeding.first())?;
        Some((ExecutionId::stage(self.model(*stage).name.clone()), None))
    }
}
