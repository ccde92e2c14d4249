//! Rollbacks and rewinds as shown: what one did, and what one would do.

use indexmap::IndexMap;
use pipeline::model::{Compensation, PythonSource, StageIx, StageName, Work};
use pipeline::text::{Part, Template};

use super::ExecutionStatus;
use crate::agent::who;
use crate::command::{Rejection, RollBack};
use crate::event::{AttemptResult, RollbackResult};
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::undo::How;

/// The rollback of the present round of a run.
#[derive(Clone, Debug)]
pub struct RollbackView<'r> {
    /// A person, or `on_failure`.
    pub by: &'r str,
    /// The failure that asked for it.
    pub cause: Option<&'r ExecutionId>,
    pub to: &'r StageName,
    pub reason: &'r str,
    pub forced: bool,
    /// In the order in which they are undone.
    pub steps: Vec<RollbackStep<'r>>,
    /// `None` while it goes on.
    pub result: Option<RollbackResult>,
    /// What could not be undone, and why.
    pub problems: &'r IndexMap<StageName, String>,
}

#[derive(Clone, Debug)]
pub struct RollbackStep<'r> {
    /// What is undone.
    pub stage: &'r StageName,
    /// The stage that does it; `None`: nothing is run for it.
    pub compensation: Option<&'r StageName>,
    /// Of the compensation.
    pub status: Option<ExecutionStatus>,
}

/// What a rollback or a rewind would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// `rollback` or `rewind`
    pub verb: &'static str,
    pub to: StageName,
    /// In the order in which it happens.
    pub steps: Vec<ImpactStep>,
    /// Why it would be refused.
    pub refused: Option<Rejection>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImpactStep {
    pub stage: StageName,
    /// In words: `runs "helm rollback"`, `is done again`, `is stopped`, `has no rollback action`.
    pub what: String,
    /// That its last successful attempts left.
    pub artifacts: u32,
}

impl Run {
    /// Of the present round: a run that was retried or went back has none until the next.
    pub fn rollback(&self) -> Option<RollbackView<'_>> {
        let rollback = self.state.undo.rollback.as_ref()?;
        let steps = rollback.steps.iter().map(|step| {
            let compensation = match step.how {
                How::By(ix) => Some(ix),
                How::Nothing | How::Missing | How::Before => None,
            };
            RollbackStep {
                stage: &self.model(step.stage).name,
                compensation: compensation.map(|ix| &self.model(ix).name),
                status: compensation.map(|ix| self.stage_status(ix)),
            }
        });
        Some(RollbackView {
            by: &rollback.by,
            cause: rollback.cause.as_ref(),
            to: &self.model(rollback.to).name,
            reason: &rollback.reason,
            forced: rollback.forced,
            steps: steps.collect(),
            result: rollback.result,
            problems: &rollback.problems,
        })
    }

    /// What [`crate::Command::RollBack`] to this stage would do now. Of a run that goes on: to what
    /// has succeeded so far. Where only `force` is missing, the steps are those of a forced one.
    pub fn rollback_impact(&self, to: &str) -> Impact {
        let to: StageName = to.into();
        let ask =
            |force| RollBack { by: String::new(), to: to.clone(), reason: String::new(), force };
        let refused = self.roll_back(ask(false)).err();
        let possible = refused.is_none() || self.roll_back(ask(true)).is_ok();
        let target = self.ix(&to).filter(|_| possible);
        let stages = target.map(|ix| {
            self.to_undo(ix, false).or_else(|_| self.to_undo(ix, true)).unwrap_or_default()
        });
        let steps = stages.unwrap_or_default().into_iter().map(|ix| ImpactStep {
            stage: self.model(ix).name.clone(),
            what: self.undoing_words(ix),
            artifacts: self.artifacts_of(ix),
        });
        Impact { verb: "rollback", steps: steps.collect(), to, refused }
    }

    fn undoing_words(&self, ix: StageIx) -> String {
        let compensation = match self.model(ix).compensation {
            Compensation::None => return "needs no rollback".to_owned(),
            Compensation::Missing => return "has no rollback action".to_owned(),
            Compensation::Stage(compensation) => self.model(compensation),
        };
        let what = match &compensation.work {
            Work::Run { script, .. } => format!("runs \"{}\"", first_line(&written(script))),
            Work::Python { source: PythonSource::File(path), .. } => {
                format!("runs python \"{}\"", written(path))
            }
            Work::Python { source: PythonSource::Code(code), .. } => {
                format!("runs python \"{}\"", first_line(code))
            }
            Work::Child { pipeline, .. } => format!("runs the pipeline {pipeline}"),
            Work::Merge(_) => "merges branches".to_owned(),
            Work::Agent(work) => format!("asks {}", who(work)),
            Work::Noop | Work::Form => format!("runs {}", compensation.name),
        };
        match self.pipeline.fanned(ix) {
            true => format!("{what}, {} times", self.succeeded(ix).len()),
            false => what,
        }
    }

    /// What [`crate::Command::Rewind`] to this stage would do now.
    pub fn rewind_impact(&self, to: &str, inclusive: bool) -> Impact {
        let to: StageName = to.into();
        let (steps, refused) = match self.rewind_plan(&to, inclusive) {
            Ok(plan) => {
                let named = self.listed(&plan).into_iter();
                (named.filter_map(|id| self.superseding(&id)).collect(), None)
            }
            Err(refused) => (Vec::new(), Some(refused)),
        };
        Impact { verb: "rewind", to, steps, refused }
    }

    /// What is being undone; `None`: nothing is.
    pub(crate) fn undoing_now(&self) -> Option<String> {
        let undo = &self.state.undo;
        if undo.rewind.is_some() {
            return Some("goes back when what is superseded has stopped".to_owned());
        }
        let name = |ix| &self.model(ix).name;
        match (undo.under_way(), &undo.wanted) {
            (Some(rollback), _) => Some(format!("rolls back to `{}`", name(rollback.to))),
            (None, Some(wanted)) => {
                Some(format!("rolls back to `{}` when what runs has ended", name(wanted.to)))
            }
            (None, None) => None,
        }
    }

    /// Whether [`crate::Command::UndoRewind`] would be accepted now.
    pub fn can_undo_rewind(&self) -> bool {
        self.state.undo.before.is_some()
    }

    fn superseding(&self, id: &ExecutionId) -> Option<ImpactStep> {
        let ix = self.ix(&id.stage)?;
        let status = match id.instance {
            None => self.stage_status(ix),
            Some(_) => self.execution_status(self.exec_ix(id)?),
        };
        let is_live = self.state.links.live.values().any(|live| {
            live.stage == ix && id.instance.is_none_or(|instance| live.instance == instance)
        });
        let what = match status {
            ExecutionStatus::Queued if is_live => "is stopped and done again",
            ExecutionStatus::Running | ExecutionStatus::HeldByHuman | ExecutionStatus::Stopping => {
                "is stopped and done again"
            }
            ExecutionStatus::WaitingApproval | ExecutionStatus::WaitingInput => "is asked again",
            ExecutionStatus::Succeeded | ExecutionStatus::Unknown => "is done again",
            ExecutionStatus::WouldHave => "is said again",
            ExecutionStatus::Failed | ExecutionStatus::Cancelled => "is tried again",
            ExecutionStatus::Retrying
            | ExecutionStatus::Queued
            | ExecutionStatus::Held
            | ExecutionStatus::WaitingEnvironment
            | ExecutionStatus::Listening
            | ExecutionStatus::Blocked
            | ExecutionStatus::NotRun
            | ExecutionStatus::Skipped => "is judged again",
        };
        let what = match id.instance {
            Some(_) => format!("{id} {what}"),
            None => what.to_owned(),
        };
        Some(ImpactStep { stage: id.stage.clone(), what, artifacts: self.artifacts_of(ix) })
    }

    /// How many artifacts the last successful attempts of a stage left.
    pub(crate) fn artifacts_of(&self, ix: StageIx) -> u32 {
        let stage = self.state.stage(ix);
        let count = stage.items().map_or(1, <[_]>::len);
        let left = stage.executions.iter().take(count).map(|execution| {
            let attempts = execution.attempts.iter().skip(execution.past).rev();
            let mut results = attempts.filter_map(|attempt| attempt.end.as_ref());
            let artifacts = results.find_map(|end| match &end.result {
                AttemptResult::Succeeded { artifacts, .. } => Some(artifacts.len()),
                AttemptResult::Failed { .. }
                | AttemptResult::Stopped { .. }
                | AttemptResult::Lost { .. } => None,
            });
            u32::try_from(artifacts.unwrap_or(0)).unwrap_or(u32::MAX)
        });
        left.sum()
    }
}

/// As its author wrote it.
fn written(template: &Template) -> String {
    let parts = template.parts.iter().map(|part| match part {
        Part::Literal(text) => text.clone(),
        Part::Reference(reference) => format!("${{{}}}", reference.source),
    });
    parts.collect()
}

fn first_line(script: &str) -> String {
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let short: String = first.chars().take(60).collect();
    if short.len() < first.len() || lines.next().is_some() { format!("{short} …") } else { short }
}
