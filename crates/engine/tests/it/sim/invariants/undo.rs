//! Undoing: what may be undone, by whom, in which order, and how often.

use std::collections::BTreeMap;

use engine::event::{Outcome, RollbackResult};
use engine::id::ExecutionId;
use pipeline::model::{OnFailure, StageName};

use super::{Book, Broken, Ledger, StageBook};
use crate::sim::oracle;
use crate::sim::spec::UndoSpec;

#[derive(Clone, Debug, Default)]
pub(crate) struct Undo {
    /// A person asked for it while the run went on.
    pub(super) wanted: bool,
    pub(super) rolling: Option<Rolling>,
    /// A failure has begun one.
    automatic: bool,
    /// Which completion of a stage was undone last.
    pub(super) undone: BTreeMap<usize, u64>,
    /// One of this round has ended.
    pub(super) over: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Rolling {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    stage: usize,
    how: How,
    completion: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    By(usize),
    Nothing,
    Missing,
    Before,
}

impl Ledger<'_> {
    /// A compensation that no rollback asks for: it is not there.
    pub(super) fn dormant(&self, at: usize) -> bool {
        self.nodes[at].compensates.is_some()
            && !self.awake().any(|awake| awake == at)
            && self.stages[at].settled.is_none()
    }

    fn awake(&self) -> impl Iterator<Item = usize> + '_ {
        let steps = self.undo.rolling.iter().flat_map(|rolling| &rolling.steps);
        steps.filter_map(|step| match step.how {
            How::By(at) => Some(at),
            How::Nothing | How::Missing | How::Before => None,
        })
    }

    /// `finally` waits for it.
    pub(super) fn undoing(&self) -> bool {
        self.undo.wanted || self.undo.rolling.is_some()
    }

    pub(super) fn rollback_requested(&mut self, to: &str) -> Result<(), Broken> {
        let at = self.at(to)?;
        ensure!(!self.cancelling && !self.paused && self.started, "{to} is asked for too early");
        ensure!(!self.undoing(), "{to} is asked for twice");
        ensure!(!self.nodes[at].finally, "{to} of finally is rolled back");
        ensure!(!self.main_settled(), "{to} is asked for while nothing but finally runs");
        self.undo.wanted = true;
        Ok(())
    }

    /// Stages from there on that did something, the last to settle first.
    fn undoable(&self, to: usize) -> Vec<usize> {
        let mut found = oracle::descendants(self.nodes, to);
        found.push(to);
        found.retain(|at| {
            let node = &self.nodes[*at];
            let spec = self.stage(*at);
            let idle = !spec.kind.works();
            let done = self.members(*at).iter().any(|id| {
                let settled = self.executions.get(id).and_then(|book| book.settled);
                settled.is_some_and(|(outcome, _)| outcome == Outcome::Succeeded)
            });
            done && !idle && !node.finally && node.compensates.is_none()
        });
        found.sort_by_key(|at| std::cmp::Reverse(self.stages[*at].sequence));
        found
    }

    pub(super) fn rollback_started(
        &mut self,
        cause: Option<&ExecutionId>,
        to: &str,
        stages: &[StageName],
        forced: bool,
    ) -> Result<(), Broken> {
        let target = self.at(to)?;
        ensure!(self.undo.rolling.is_none(), "a rollback begins in a rollback");
        ensure!(self.main_settled(), "a rollback begins before everything has settled");
        ensure!(!self.cancelling || self.finished.is_some(), "a cancelled run rolls back");
        let mut wanted = self.undoable(target);
        let is_undone = |at: &usize| self.undo.undone.get(at) == Some(&self.stages[*at].sequence);
        if !forced {
            wanted.retain(|at| !is_undone(at));
        }
        let names: Vec<&str> = wanted.iter().map(|at| self.nodes[*at].name.as_str()).collect();
        let got: Vec<&str> = stages.iter().map(|name| &**name).collect();
        ensure!(names == got, "back to {to} undoes {got:?}, ought to undo {names:?}");
        match cause {
            Some(id) => {
                ensure!(!self.undo.automatic, "{id} rolls back, and it is not the first");
                let at = self.at(&id.stage)?;
                let stage = self.stage(at);
                let asks = stage.on_failure == Some(OnFailure::Rollback);
                ensure!(asks, "{id} rolls back although nobody wrote so");
                ensure!(stage.flow.rollback_to.as_deref() == Some(to), "{id} goes back to {to}");
                self.undo.automatic = true;
            }
            None => ensure!(
                self.undo.wanted || self.finished.is_some(),
                "{to} is rolled back and nobody asked for it"
            ),
        }
        let steps: Vec<Step> = wanted
            .into_iter()
            .map(|at| {
                let before = !forced && self.undo.undone.contains_key(&at);
                let by = self.nodes.iter().position(|node| node.compensates == Some(at));
                let how = match (self.stage(at).flow.undo, by) {
                    (UndoSpec::Unneeded, _) => How::Nothing,
                    (UndoSpec::Run { .. }, Some(_)) if before => How::Before,
                    (UndoSpec::Run { .. }, Some(by)) => How::By(by),
                    (UndoSpec::Missing | UndoSpec::Run { .. }, _) => How::Missing,
                };
                Step { stage: at, how, completion: self.stages[at].sequence }
            })
            .collect();
        for step in &steps {
            if let How::By(at) = step.how {
                self.renew(at);
            }
        }
        self.undo.wanted = false;
        self.undo.over = false;
        self.undo.rolling = Some(Rolling { steps });
        if self.finished.take().is_some() {
            (self.cancelling, self.forced, self.started) = (false, false, false);
            self.round += 1;
            for at in (0..self.nodes.len()).filter(|at| self.nodes[*at].finally) {
                self.renew(at);
            }
        }
        Ok(())
    }

    /// A stage as if nothing of it had ever been tried, but for what is on record.
    pub(super) fn renew(&mut self, at: usize) {
        self.stages[at] = StageBook::default();
        for (id, book) in &mut self.executions {
            if *id.stage == *self.nodes[at].name {
                *book = Book::fresh(book);
            }
        }
    }

    /// It is its turn: everything before it has been undone.
    pub(super) fn in_turn(&mut self, at: usize) -> Result<(), Broken> {
        if self.nodes[at].compensates.is_none() {
            return Ok(());
        }
        let name = &self.nodes[at].name;
        let Some(rolling) = &self.undo.rolling else {
            return Err(format!("{name} is ready and nothing is rolled back"));
        };
        for step in &rolling.steps {
            match step.how {
                How::By(one) if one == at => {
                    self.undo.undone.insert(step.stage, step.completion);
                    return Ok(());
                }
                How::By(one) => {
                    let over = self.stages[one].settled.is_some();
                    ensure!(over, "{name} is ready before {}", self.nodes[one].name);
                }
                How::Nothing | How::Missing | How::Before => {}
            }
        }
        Err(format!("{name} is ready and nobody asked for it"))
    }

    /// Whether it could go on with its rollback.
    pub(super) fn turn(&self, at: usize) -> bool {
        let first = self.awake().find(|one| self.stages[*one].settled.is_none());
        first == Some(at)
    }

    pub(super) fn rollback_finished(
        &mut self,
        result: RollbackResult,
        problems: Vec<&str>,
    ) -> Result<(), Broken> {
        let Some(rolling) = self.undo.rolling.take() else {
            return Err("a rollback ends that never began".into());
        };
        let (mut wanted, mut undone, mut broken) = (vec![], false, false);
        for step in &rolling.steps {
            let name = self.nodes[step.stage].name.as_str();
            match step.how {
                How::Nothing => {}
                How::Missing | How::Before => wanted.push(name),
                How::By(at) => {
                    let Some((outcome, _)) = self.stages[at].settled else {
                        return Err(format!("the rollback ends before {name} was undone"));
                    };
                    let worked = self.members(at).iter().any(|id| {
                        let settled = self.executions.get(id).and_then(|book| book.settled);
                        settled.is_some_and(|(one, _)| one == Outcome::Succeeded)
                    });
                    undone |= worked;
                    match outcome {
                        Outcome::Succeeded | Outcome::Skipped | Outcome::WouldHave => {}
                        Outcome::Failed | Outcome::Cancelled | Outcome::NotRun => {
                            broken = true;
                            wanted.push(name);
                        }
                    }
                }
            }
        }
        ensure!(problems == wanted, "problems are {problems:?}, ought to be {wanted:?}");
        let right = match (wanted.is_empty(), undone, broken) {
            (true, _, _) => RollbackResult::Succeeded,
            (false, false, true) => RollbackResult::Failed,
            (false, _, _) => RollbackResult::Partial,
        };
        ensure!(result == right, "the rollback came to {result:?}, ought to be {right:?}");
        self.undo.over = true;
        Ok(())
    }

    /// Once everything is undone the rollback is over.
    pub(super) fn nothing_half_undone(&self) -> Result<(), Broken> {
        if self.undo.rolling.is_some() {
            let open = self.awake().any(|at| self.stages[at].settled.is_none());
            ensure!(open, "everything is undone and the rollback is not over");
        }
        ensure!(
            !(self.undo.wanted && self.main_settled()),
            "everything has settled and the rollback does not begin"
        );
        Ok(())
    }
}
