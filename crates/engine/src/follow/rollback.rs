//! A rollback's beginning and end, and what it came to.

use indexmap::IndexMap;
use pipeline::model::{StageIx, StageName};
use serde_json::Value as Json;

use crate::event::{Event, Outcome, RollbackResult};
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::undo::{How, Rollback, Step};
use crate::words;

impl Run {
    /// The rollback that is wanted, once nothing but `finally` stages is open.
    pub(super) fn begin_rollback(&self) -> Option<Event> {
        let wanted = self.state.undo.wanted.as_ref()?;
        if self.state.open_main > 0 {
            return None;
        }
        // What was undone, and not done since, is left out; what was done since is named, so that
        // the result says that it was passed over.
        let all = self.undoable(wanted.to).into_iter();
        let stages = all.filter(|ix| wanted.forced || !self.state.is_undone(*ix));
        Some(Event::RollbackStarted {
            by: wanted.by.clone(),
            cause: wanted.cause.clone(),
            to: self.model(wanted.to).name.clone(),
            reason: wanted.reason.clone(),
            stages: stages.map(|ix| self.model(ix).name.clone()).collect(),
            forced: wanted.forced,
        })
    }

    /// The end of the rollback that is under way, once its last step is over.
    pub(super) fn end_rollback(&self) -> Option<Event> {
        let rollback = self.state.undo.under_way()?;
        if rollback.next < rollback.steps.len() {
            return None;
        }
        let (result, problems) = self.rolled_back(rollback);
        Some(Event::RollbackFinished { result, problems })
    }

    fn rolled_back(&self, rollback: &Rollback) -> (RollbackResult, IndexMap<StageName, String>) {
        let mut problems = IndexMap::new();
        let (mut undone, mut broken) = (false, false);
        for step in &rollback.steps {
            let problem = match step.how {
                How::Nothing => None,
                How::Missing => Some("it has no rollback action".to_owned()),
                How::Before => Some("it was rolled back before in this run".to_owned()),
                How::By(compensation) => {
                    undone |= !self.succeeded(compensation).is_empty();
                    let problem = self.trouble(compensation);
                    broken |= problem.is_some();
                    problem
                }
            };
            if let Some(problem) = problem {
                problems.insert(self.model(step.stage).name.clone(), problem);
            }
        }
        let result = match (problems.is_empty(), undone, broken) {
            (true, _, _) => RollbackResult::Succeeded,
            (false, false, true) => RollbackResult::Failed,
            (false, true, _) | (false, false, false) => RollbackResult::Partial,
        };
        (result, problems)
    }

    /// Why a compensation that is over did not do its work.
    fn trouble(&self, compensation: StageIx) -> Option<String> {
        let end = self.state.stage(compensation).end()?;
        match end.outcome {
            Outcome::Succeeded | Outcome::Skipped | Outcome::WouldHave => None,
            Outcome::Failed | Outcome::Cancelled | Outcome::NotRun => {
                let name = &self.model(compensation).name;
                Some(format!("`{name}`: {}", words::settled(&end.reason)))
            }
        }
    }

    /// The items of a compensation: those of the instances that it undoes, in that order.
    pub(super) fn items_to_undo(&self, compensation: StageIx) -> Vec<Json> {
        let rollback = self.state.undo.rollback.as_ref();
        let Some(Step { stage, instances, .. }) = rollback.and_then(|r| r.step_of(compensation))
        else {
            return Vec::new();
        };
        let item = |&instance| self.item(ExecIx { stage: *stage, instance }).cloned();
        instances.iter().map(|instance| item(instance).unwrap_or(Json::Null)).collect()
    }

    /// What the run's end says of the rollback of this round; empty without one.
    pub(super) fn rollback_words(&self) -> String {
        let Some(rollback) = &self.state.undo.rollback else { return String::new() };
        let to = &self.model(rollback.to).name;
        let result = rollback.result.map_or("unfinished", RollbackResult::word);
        let by = match rollback.cause {
            Some(_) => String::new(),
            None => format!(" by {}", rollback.by),
        };
        format!("rollback to `{to}`{by}: {result}")
    }
}
