//! What people are shown must be what the bookkeeper knows.

use engine::Run;
use engine::event::{FinalStatus, Outcome};
use engine::id::ExecutionId;
use engine::view::ExecutionStatus;

use super::people::{Lock, People};
use super::{Broken, Ledger};

impl Ledger<'_> {
    pub(crate) fn shown(&self, run: &Run) -> Result<(), Broken> {
        let (word, wanted) = (run.status().word(), self.status());
        ensure!(word == wanted, "the run is shown as {word}, it is {wanted}");
        for row in run.rows() {
            let at = self.at(&row.id.stage)?;
            let stage = &self.stages[at];
            let whole = row.id.instance.is_none();
            let settled = if whole {
                stage.settled
            } else {
                self.executions.get(&row.id).and_then(|book| book.settled)
            };
            let shown = row.outcome.zip(row.conclusion);
            ensure!(shown == settled, "{} is shown as {shown:?}, it is {settled:?}", row.id);
            if !whole || !self.stage(at).fans() {
                let wanted = self.execution_status(at, &row.id);
                let got = row.status;
                ensure!(got == wanted, "{} is shown as {got:?}, it is {wanted:?}", row.id);
                let attempts = self.executions.get(&row.id).map_or(0, |book| book.numbers);
                ensure!(
                    row.attempts.len() == attempts as usize,
                    "{} is shown with {} attempts, it had {attempts}",
                    row.id,
                    row.attempts.len()
                );
            }
        }
        self.counted(run)
    }

    fn execution_status(&self, at: usize, id: &ExecutionId) -> ExecutionStatus {
        let book = self.executions.get(id);
        let nothing = People::default();
        let people = book.map_or(&nothing, |book| &book.people);
        let (settled, live, waits) = match book {
            Some(book) => (book.settled, book.live.as_ref(), book.waits()),
            None => (None, None, false),
        };
        // A stage that never became ready settled as a whole.
        let settled =
            settled.or(self.stages[at].settled.filter(|_| self.stages[at].items.is_none()));
        match (settled, live) {
            (Some((outcome, _)), _) => outcome.into(),
            (None, Some(live)) if live.unknown => ExecutionStatus::Unknown,
            (None, Some(live)) if live.stopping.is_some() => ExecutionStatus::Stopping,
            (None, Some(_)) if people.gate.is_some() => ExecutionStatus::WaitingApproval,
            (None, Some(_)) if people.taken.is_some() => ExecutionStatus::HeldByHuman,
            (None, Some(live)) if !live.started => ExecutionStatus::Queued,
            (None, Some(_)) => ExecutionStatus::Running,
            (None, None) if waits => ExecutionStatus::Retrying,
            (None, None) if people.gate.is_some() => ExecutionStatus::WaitingApproval,
            (None, None) if people.form.is_some() => ExecutionStatus::WaitingInput,
            (None, None) if people.held.is_some() => ExecutionStatus::Held,
            (None, None) if people.lock == Lock::Waits => ExecutionStatus::WaitingEnvironment,
            (None, None) if self.hearkens(at) && !self.stages[at].ready => {
                ExecutionStatus::Listening
            }
            (None, None) if self.needs(at, id.instance).is_ok_and(|needs| !needs.is_empty()) => {
                ExecutionStatus::Blocked
            }
            (None, None) if self.stages[at].ready && self.started => ExecutionStatus::Queued,
            (None, None) => ExecutionStatus::Blocked,
        }
    }

    fn status(&self) -> &'static str {
        let unknown = |probing: bool| {
            self.executions
                .values()
                .filter_map(|book| book.live.as_ref())
                .any(|live| live.unknown && (live.probing || !probing))
        };
        let waits_live =
            |id: &ExecutionId, people: &People| people.inquires() || self.works_there(id);
        let works = self.executions.iter().any(|(id, book)| {
            let live = book.live.as_ref().is_some_and(|live| !live.unknown);
            live && !waits_live(id, &book.people)
        });
        let busy = works
            || (0..self.nodes.len()).any(|at| self.queued_at(at) && !self.is_full(at))
            || self.executions.values().any(|book| book.waits() && book.settled.is_none());
        let asked =
            self.executions.iter().any(|(id, book)| book.people.asks() || self.works_there(id));
        let asked = asked || (0..self.nodes.len()).any(|at| self.hearkens(at));
        let locked = self.executions.values().any(|book| book.people.lock == Lock::Waits);
        match self.finished {
            Some(FinalStatus::Succeeded) => "succeeded",
            Some(FinalStatus::Failed) => "failed",
            Some(FinalStatus::Cancelled) => "cancelled",
            None if self.paused => "paused",
            None if !self.started => "pending",
            None if self.cancelling => "cancelling",
            None if (unknown(false) || asked) && !unknown(true) && !busy && !locked => "waiting",
            None => "running",
        }
    }

    /// Its instances wait for one of their own, which people may have to let go on.
    fn is_full(&self, at: usize) -> bool {
        let stage = self.stage(at);
        stage.width().is_some_and(|max| self.live_of(Some(&stage.name)) >= max)
    }

    /// Counts of stages and instances.
    fn counted(&self, run: &Run) -> Result<(), Broken> {
        let mut units: Vec<Option<Outcome>> = vec![];
        for (at, stage) in self.stages.iter().enumerate().filter(|(at, _)| !self.dormant(*at)) {
            match stage.items {
                None => units.push(stage.settled.map(|(outcome, _)| outcome).or_else(|| {
                    let alone = self.members(at).pop()?;
                    self.executions.get(&alone)?.settled.map(|(outcome, _)| outcome)
                })),
                Some(0) if self.stage(at).fed().is_some() => {
                    units.push(stage.settled.map(|(outcome, _)| outcome));
                }
                Some(_) => units.extend(
                    self.members(at)
                        .iter()
                        .map(|id| self.executions.get(id)?.settled.map(|(outcome, _)| outcome)),
                ),
            }
        }
        let count = |wanted: Outcome| {
            u32::try_from(units.iter().filter(|one| **one == Some(wanted)).count()).unwrap()
        };
        let waiting = self.executions.values().filter(|book| {
            book.live.as_ref().is_some_and(|live| live.unknown)
                || (book.waits() && book.settled.is_none())
                || book.people.lock == Lock::Waits
                || (book.people.asks()
                    && !book.people.asked_as_a_whole()
                    && !book.people.inquires())
        });
        let progress = run.progress();
        let got = [
            progress.total,
            progress.settled,
            progress.running,
            progress.waiting,
            progress.succeeded,
            progress.failed,
            progress.cancelled,
            progress.skipped,
            progress.not_run,
        ];
        let wanted = [
            u32::try_from(units.len()).unwrap(),
            u32::try_from(units.iter().flatten().count()).unwrap(),
            self.live_of(None),
            u32::try_from(waiting.count()).unwrap(),
            count(Outcome::Succeeded),
            count(Outcome::Failed),
            count(Outcome::Cancelled),
            count(Outcome::Skipped),
            count(Outcome::NotRun),
        ];
        ensure!(
            got == wanted,
            "total, settled, running, waiting, then outcomes: shown {got:?}, counted {wanted:?}"
        );
        Ok(())
    }
}
