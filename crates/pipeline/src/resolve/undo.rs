//! Actions that undo a stage, and how far a failure goes back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::agent::Whose;
use super::build::{
    AGENT_IDLE, AGENT_TIMEOUT, Defaults, GRACE, TIMEOUT, merge, stage_ix, unplaced, work,
};
use super::graph::find;
use super::references::Checker;
use super::site::Site;
use super::upstream::Why;
use crate::authored::{Action, AuthoredRetry, AuthoredRollback, AuthoredWork, Named};
use crate::model::{
    Compensation, Effects, HaltMode, Limits, OnFailure, PythonSource, Rule, Stage, StageIx, Work,
};
use crate::text::Template;

impl Checker<'_, '_, '_> {
    pub(super) fn undoing(&mut self, ix: usize) {
        let stage = &self.authored.stages[ix];
        if let Some(to) = &stage.rollback_to {
            let stages = &self.authored.stages;
            let names = &self.graph.names;
            let target = find(&to.value, to.span, "rollback_to", stages, names, self.reader);
            if let Some(target) = target.filter(|target| *target != ix) {
                self.need(ix, target, to.span, to.value.clone(), Why::GoesBack);
            }
        }
        match stage.rollback.as_ref().map(|rollback| &rollback.value) {
            Some(AuthoredRollback::Action(action)) => self.action(action, ix),
            Some(AuthoredRollback::None) | None => {}
        }
    }

    fn action(&mut self, action: &Action, ix: usize) {
        match &action.work {
            AuthoredWork::Run { script, .. } => self.template(script, Some(ix), Site::UndoScript),
            AuthoredWork::Python { source, parameters } => {
                if let PythonSource::File(file) = source {
                    self.template(file, Some(ix), Site::UndoValue);
                }
                for (_, value) in parameters {
                    self.value(value, Some(ix), Site::UndoValue);
                }
            }
            AuthoredWork::Agent(work) => self.agent_work(work, ix, true),
            AuthoredWork::Noop
            | AuthoredWork::Form
            | AuthoredWork::Child { .. }
            | AuthoredWork::Merge(_) => {}
        }
        for (_, template) in &action.env {
            self.template(template, Some(ix), Site::UndoEnv);
        }
        if let Some(template) = &action.working_dir {
            self.template(template, Some(ix), Site::UndoValue);
        }
    }
}

/// What an action says beside its work.
#[derive(Default)]
struct Asked {
    env: Named<Template>,
    working_dir: Option<Template>,
    timeout: Option<Duration>,
    retry: AuthoredRetry,
}

/// The actions that were taken out of their stages, as stages of their own.
pub(super) struct Undoing<'d> {
    pub(super) defaults: Defaults<'d>,
    /// Where the first of them will stand.
    pub(super) first: usize,
    pub(super) stages: Vec<Stage>,
}

impl Undoing<'_> {
    /// How `stage` is undone; an action becomes a stage. Forms and milestones leave nothing.
    pub(super) fn of(
        &mut self,
        rollback: Option<AuthoredRollback>,
        stage: &Stage,
        ix: StageIx,
    ) -> Compensation {
        match (rollback, &stage.work) {
            (Some(AuthoredRollback::None), _) => Compensation::None,
            (Some(AuthoredRollback::Action(action)), _) => {
                let Action { work: written, env, working_dir, timeout, retry } = *action;
                let names = HashMap::new();
                let whose = Whose {
                    stage: &stage.name,
                    mapped: Vec::new(),
                    free_text: true,
                    names: &names,
                };
                let work = work(written, &whose);
                let asked = Asked { env, working_dir, timeout, retry };
                self.push(|undoing| undoing.made(work, asked, stage, ix))
            }
            (None, Work::Noop | Work::Form) => Compensation::None,
            (None, Work::Agent(done)) => {
                let work = Work::Agent(Box::new(super::agent::undoing(stage, done)));
                self.push(|undoing| undoing.made(work, Asked::default(), stage, ix))
            }
            (
                None,
                Work::Run { .. } | Work::Python { .. } | Work::Child { .. } | Work::Merge(_),
            ) => Compensation::Missing,
        }
    }

    fn push(&mut self, make: impl FnOnce(&Self) -> Stage) -> Compensation {
        let own = stage_ix(self.first + self.stages.len());
        let made = make(self);
        self.stages.push(made);
        Compensation::Stage(own)
    }

    fn made(&self, work: Work, action: Asked, of: &Stage, ix: StageIx) -> Stage {
        let (timeout, idle) = match work {
            Work::Agent(_) => (AGENT_TIMEOUT, Some(AGENT_IDLE)),
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Noop
            | Work::Form
            | Work::Child { .. }
            | Work::Merge(_) => (TIMEOUT, None),
        };
        let runs_on = match work {
            Work::Run { .. } | Work::Python { .. } => of.runs_on.clone(),
            Work::Noop | Work::Form | Work::Child { .. } | Work::Merge(_) | Work::Agent(_) => {
                Vec::new()
            }
        };
        Stage {
            name: Arc::from(format!("{}.rollback", of.name)),
            description: format!("Undoes `{}`", of.name),
            work,
            rule: Rule::Always,
            compensation: Compensation::None,
            compensates: Some(ix),
            env: unplaced(action.env),
            worktree: of.worktree,
            runs_on,
            working_dir: action.working_dir.or_else(|| of.working_dir.clone()),
            limits: Limits {
                timeout: Some(action.timeout.unwrap_or(timeout)),
                total: None::<Duration>,
                idle,
                grace: GRACE,
            },
            retry: merge(&action.retry, self.defaults.retry),
            // Whatever became of it, the others are tried too.
            on_failure: OnFailure::Continue,
            halt_mode: HaltMode::Finish,
            effects: Effects::Once,
            environment: of.environment.clone(),
            ..super::build::bare_stage()
        }
    }
}
