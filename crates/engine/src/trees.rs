//! Worktrees and merges, as they are handed out.

use pipeline::model::{MergeWork, Stage, TreeOf};

use crate::desired::{TaskMerge, TaskRepository, TaskTree};
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::ExecIx;
use crate::task::text;

impl Run {
    /// The worktree that an execution works in; `None`: in the run's directory.
    pub(crate) fn tree(
        &self,
        ix: ExecIx,
        stage: &Stage,
        scope: &RunScope<'_>,
    ) -> Result<Option<TaskTree>, String> {
        let owner = match stage.worktree {
            None => return Ok(None),
            // What undoes works where what it undoes did.
            Some(TreeOf::Own) => ExecIx { stage: stage.compensates.unwrap_or(ix.stage), ..ix },
            Some(TreeOf::Stage(of)) if self.pipeline.fanned(of) => ExecIx { stage: of, ..ix },
            Some(TreeOf::Stage(of)) => ExecIx { stage: of, instance: 0 },
        };
        Ok(Some(TaskTree {
            repository: self.repository(scope)?,
            run: self.called(),
            owner: self.exec_id(owner).to_string(),
        }))
    }

    /// What a merge brings together. The failure: nothing that it wants has succeeded.
    pub(crate) fn merge_task(
        &self,
        work: &MergeWork,
        scope: &RunScope<'_>,
    ) -> Result<TaskMerge, String> {
        let mut from = Vec::new();
        for &stage in &work.from {
            let count = self.state.stage(stage).items().map_or(0, <[_]>::len);
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let all = if self.pipeline.fanned(stage) { 1..=count } else { 0..=0 };
            let all = all.map(|instance| ExecIx { stage, instance });
            let done = all.filter(|ix| {
                let end = self.state.exec(*ix).end();
                end.is_some_and(|end| end.outcome.is_good())
            });
            from.extend(done.map(|ix| self.exec_id(ix).to_string()));
        }
        if from.is_empty() {
            return Err(
                "merge: none of the stages that it brings together has succeeded".to_owned()
            );
        }
        let into = work.into.as_ref().map(|into| text(into, scope)).transpose();
        let check = work.check.as_ref().map(|check| check.splice(scope)).transpose();
        Ok(TaskMerge {
            repository: self.repository(scope)?,
            run: self.called(),
            from,
            into: into.map_err(|e| format!("into: {e}"))?,
            check: check.map_err(|e| format!("check: {e}"))?,
        })
    }

    fn repository(&self, scope: &RunScope<'_>) -> Result<TaskRepository, String> {
        let of = self.pipeline.repository.as_ref().ok_or("the pipeline names no repository")?;
        let source = text(&of.source, scope).map_err(|e| format!("repository: {e}"))?;
        let base = of.base.as_ref().map(|base| text(base, scope)).transpose();
        Ok(TaskRepository { source, base: base.map_err(|e| format!("base: {e}"))? })
    }

    fn called(&self) -> String {
        self.state.head.as_deref().map(|head| head.name.clone()).unwrap_or_default()
    }
}
