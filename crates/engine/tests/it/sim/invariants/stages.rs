//! Stages: what may be entered about them.

use engine::event::{Conclusion, Outcome, Settled};
use engine::id::ExecutionId;
use pipeline::model::Rule;

use super::people::Ended;
use super::{Broken, Ledger, counts_as};
use crate::sim::oracle::{self, Verdict as RuleSays};

impl Ledger<'_> {
    pub(super) fn ready(&mut self, stage: &str) -> Result<(), Broken> {
        let at = self.at(stage)?;
        self.admits(at)?;
        ensure!(!self.stages[at].ready, "{stage} is ready twice");
        ensure!(self.stages[at].settled.is_none(), "{stage} is ready after it settled");
        let Some(concluded) = self.concluded(at) else {
            return Err(format!("{stage} is ready before its dependencies settled"));
        };
        let says = oracle::rule(self.nodes[at].rule, &concluded);
        ensure!(says == RuleSays::Run, "{stage} is ready, its rule says {says:?} of {concluded:?}");
        self.in_turn(at)?;
        ensure!(self.satisfied(at), "{stage} is ready before its triggers fired");
        self.stages[at].ready = true;
        if self.stage(at).fed().is_some() {
            self.stages[at].items = Some(0);
        }
        Ok(())
    }

    pub(super) fn expanded(&mut self, stage: &str, items: usize) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(self.stage(at).foreach.is_some(), "{stage} expanded but has no foreach");
        ensure!(self.stages[at].ready, "{stage} expanded before it was ready");
        ensure!(self.stages[at].items.is_none(), "{stage} expanded twice");
        self.stages[at].items = Some(u32::try_from(items).unwrap());
        Ok(())
    }

    pub(super) fn stage_settled(
        &mut self,
        stage: &str,
        outcome: Outcome,
        conclusion: Conclusion,
        reason: &Settled,
        silent: bool,
    ) -> Result<(), Broken> {
        let at = self.at(stage)?;
        ensure!(self.stages[at].settled.is_none(), "{stage} settled twice");
        ensure!(
            self.executions.iter().all(|(id, book)| *id.stage != *stage || book.live.is_none()),
            "{stage} settled while it runs"
        );
        let spec = self.stage(at);
        let open = spec.fed().is_some() && self.stages[at].ready && !self.stages[at].feed.closed;
        ensure!(!open || self.barred(at), "{stage} settled while it takes events");
        counts_as(spec, outcome, conclusion).map_err(|says| format!("{stage}: {says}"))?;
        ensure!(
            silent || outcome == Outcome::Succeeded || spec.fans(),
            "{stage} has outputs although it is {outcome:?}"
        );
        if self.stages[at].ready && self.stages[at].items != Some(0) {
            self.instances_agree(at, outcome)?;
        } else {
            let said_no = self.people_of(&ExecutionId::stage(stage)).is_some_and(|people| {
                matches!(people.ended, Some(Ended::Rejected | Ended::Failed))
            });
            let idle = !matches!(outcome, Outcome::Succeeded | Outcome::Failed) || said_no;
            ensure!(idle || spec.fans(), "{stage} is {outcome:?} but was never ready");
        }
        match reason {
            Settled::Halted { cause } => {
                ensure!(self.halts.contains(cause), "{stage}: {cause} did not halt it");
                let exempt = self.nodes[at].finally || self.nodes[at].rule == Rule::Always;
                ensure!(!exempt, "{stage} may run while the run is halting");
            }
            Settled::Cancelled => {
                ensure!(self.cancelling, "{stage} is cancelled by nobody");
                let spared = self.nodes[at].finally && !self.forced;
                ensure!(!spared, "{stage} of finally does not run after a cancel");
            }
            Settled::Done
            | Settled::Failed { .. }
            | Settled::InstancesFailed { .. }
            | Settled::Condition { .. }
            | Settled::AllSkipped
            | Settled::NoItems
            | Settled::NotTriggered { .. }
            | Settled::TimedOut
            | Settled::Needs { .. }
            | Settled::RollingBack { .. }
            | Settled::Rule { .. } => {}
            Settled::WouldHave => return Err(format!("{stage} was only said")),
            Settled::Unstartable { .. } => return Err(format!("{stage} cannot start")),
        }
        if let (Settled::Rule { .. } | Settled::AllSkipped | Settled::Condition { .. }, false) =
            (reason, self.stages[at].ready)
        {
            self.judged(at, outcome, reason)?;
        }
        self.settlings += 1;
        self.stages[at].sequence = self.settlings;
        self.stages[at].settled = Some((outcome, conclusion));
        Ok(())
    }

    /// A stage that did not run says so because of what its dependencies came to.
    pub(super) fn judged(
        &self,
        at: usize,
        outcome: Outcome,
        reason: &Settled,
    ) -> Result<(), Broken> {
        let name = &self.nodes[at].name;
        let Some(concluded) = self.concluded(at) else {
            return Err(format!("{name} is judged before its dependencies settled"));
        };
        let says = oracle::rule(self.nodes[at].rule, &concluded);
        let fits = match (&says, reason) {
            (RuleSays::Run, Settled::Condition { .. }) | (RuleSays::Skip, _) => {
                outcome == Outcome::Skipped
            }
            (RuleSays::NotRun, Settled::Rule { causes, .. }) => {
                outcome == Outcome::NotRun && !causes.is_empty()
            }
            (RuleSays::Run | RuleSays::NotRun, _) => false,
        };
        ensure!(
            fits,
            "{name} is {outcome:?} ({reason:?}), its rule says {says:?} of {concluded:?}"
        );
        Ok(())
    }

    pub(super) fn instances_agree(&self, at: usize, outcome: Outcome) -> Result<(), Broken> {
        let name = &self.nodes[at].name;
        if self.stage(at).fans() && self.stages[at].items.is_none() {
            return Ok(());
        }
        let mut outcomes = vec![];
        for id in self.members(at) {
            let settled = self.executions.get(&id).and_then(|book| book.settled);
            let Some((one, _)) = settled else {
                return Err(format!("{name} settled before {id}"));
            };
            outcomes.push(one);
        }
        let lacking = self
            .members(at)
            .iter()
            .any(|id| self.executions.get(id).is_some_and(|book| book.lacked));
        let wanted = match oracle::together(&outcomes) {
            Outcome::NotRun | Outcome::Succeeded | Outcome::Skipped if lacking => Outcome::Failed,
            together => together,
        };
        ensure!(outcome == wanted, "{name} is {outcome:?}, its executions are {outcomes:?}");
        Ok(())
    }
}
