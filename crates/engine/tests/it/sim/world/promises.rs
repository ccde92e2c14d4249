//! What every command, task and end of a run must keep.

use engine::command::{Command, End, Rejection, Report, TimerId, TimerKind, Verdict};
use engine::desired::Desired;
use engine::event::{AttemptResult, Event, Failure};
use engine::id::AttemptId;

use super::{World, create, instant, replay, stray};
use crate::sim::faults::{Weather, What};
use crate::sim::invariants::people::Lock;
use crate::sim::invariants::{Broken, LOST_LIMIT};
use crate::sim::oracle::{self, Node};
use crate::sim::rng::Rng;
use crate::sim::spec::Kind;

impl World<'_> {
    pub(super) fn last_words(&mut self, nodes: &[Node]) -> Result<(), Broken> {
        ensure!(self.ledger.live_attempts().is_empty(), "attempts outlive the run");
        let again = replay(&self.pipeline, &self.journal);
        ensure!(again == self.run, "the journal does not fold to the state of the run");
        let desired = self.run.desired();
        ensure!(desired == Desired::default(), "a finished run desires {desired:?}");
        self.absorbs()?;
        if matches!(self.case.weather, Weather::Storm) {
            return Ok(());
        }
        let Some(wanted) = oracle::predict(&self.case.spec, nodes) else { return Ok(()) };
        if wanted.halted && self.case.weather != Weather::Calm {
            return Ok(());
        }
        self.coverage.predicted += 1;
        let outcomes = self.ledger.outcomes();
        for (node, (wanted, got)) in nodes.iter().zip(wanted.outcomes.iter().zip(&outcomes)) {
            ensure!(
                *got == Some(*wanted),
                "oracle: {} ended {got:?}, must end {wanted:?}",
                node.name
            );
        }
        let status = self.ledger.finished;
        ensure!(
            status == Some(wanted.status),
            "oracle: the run ended {status:?}, must end {:?}",
            wanted.status
        );
        if let (Weather::Calm, Some(end)) = (self.case.weather, wanted.end) {
            let ended = self.journal.last().unwrap().at;
            ensure!(
                ended == instant(end),
                "oracle: the run ended at {ended}, must end at {}",
                instant(end)
            );
        }
        Ok(())
    }

    /// Whatever comes after the end changes nothing.
    pub(super) fn absorbs(&mut self) -> Result<(), Broken> {
        let by = || "sim".to_owned();
        let mut rng = Rng::of(self.case.seed, "afterwards");
        let execution = self.any(&mut rng);
        let attempt = self.old_attempt(&mut rng);
        let timer = TimerId { execution: execution.clone(), kind: TimerKind::Retry, generation: 2 };
        let verdict = Verdict::Retry;
        let mut late = vec![
            create(&self.case.spec),
            Command::Admit,
            Command::Pause { by: by(), now: rng.chance(50) },
            Command::Resume { by: by() },
            Command::Cancel { by: by(), reason: String::new() },
            Command::Resolve { by: by(), execution, verdict },
            Command::Fire { timer },
        ];
        let taking = [What::Inquire, What::TakeOver, What::LetGo, What::HandBack];
        late.extend(taking.into_iter().filter_map(|what| self.meddle(what, &mut rng)));
        let reports = (0..8).map(stray);
        late.extend(reports.map(|report| Command::Report { attempt: attempt.clone(), report }));
        let before = self.journal.len();
        for command in late {
            self.submit(command)?;
        }
        ensure!(self.journal.len() == before, "a finished run has moved");
        Ok(())
    }

    /// Every attempt has a key of its own; what it hands to a remote API is the same exactly when
    /// it does the same piece of work again.
    pub(super) fn check_task(&mut self, attempt: &AttemptId) -> Result<(), Broken> {
        let task = self.run.task(attempt);
        let Some(task) = task else { return Err(format!("{attempt:?} has no task")) };
        ensure!(task.attempt == *attempt, "{attempt:?} has the task of {:?}", task.attempt);
        let owner = self.keys.entry(task.key).or_insert_with(|| attempt.clone());
        ensure!(owner == attempt, "{attempt:?} has the key of {owner:?}");
        let work = (attempt.execution.clone(), self.ledger.executions[&attempt.execution].work());
        let known = self.effects.entry(task.effect_key.clone()).or_insert_with(|| work.clone());
        ensure!(*known == work, "{attempt:?} does {work:?} with the effect key of {known:?}");
        let keys = self.effects.iter().filter(|(_, one)| **one == work).count();
        ensure!(keys == 1, "{attempt:?} does {work:?} with a second effect key");
        Ok(())
    }

    /// What a person, a probe or a child said is what was written down.
    pub(super) fn taken_at_its_word(&self, command: &Command, event: &Event) -> Result<(), Broken> {
        let fits = match (command, event) {
            (Command::Resolve { verdict, by, .. }, event) => {
                matches!(event, Event::AttemptResolved { verdict: kept, by: who, .. }
                    if kept == verdict && who == by)
            }
            (Command::Report { attempt, report: Report::Probed { exit_code } }, event) => {
                let lost = self.ledger.executions[&attempt.execution].lost;
                match (exit_code, event) {
                    // Outputs that nobody can know any more.
                    (Some(0), Event::AttemptUnknown { probing, .. }) => {
                        self.case.spec.stage(&attempt.execution.stage).outputs && !probing
                    }
                    (Some(0), Event::AttemptResolved { verdict, .. }) => {
                        *verdict == Verdict::Succeeded
                    }
                    (Some(1), Event::AttemptResolved { verdict, .. }) => {
                        let out = lost >= LOST_LIMIT;
                        *verdict == if out { Verdict::Failed } else { Verdict::Retry }
                    }
                    (Some(0 | 1), _) => false,
                    (_, event) => matches!(event, Event::AttemptUnknown { probing: false, .. }),
                }
            }
            (Command::Report { report: Report::Exited(exit), .. }, event) => {
                match (exit.end, event) {
                    (End::Code(0), Event::AttemptFinished { result, .. }) => matches!(
                        result,
                        AttemptResult::Succeeded { .. }
                            | AttemptResult::Failed { failure: Failure::InvalidOutput { .. } }
                    ),
                    (End::Code(code), Event::AttemptFinished { attempt, result, .. }) => {
                        let stage = self.case.spec.stage(&attempt.execution.stage);
                        let named = stage.kind == Kind::Agent && (64..=80).contains(&code);
                        match result {
                            AttemptResult::Failed { failure: Failure::ExitCode { code: said } } => {
                                *said == code && !named
                            }
                            AttemptResult::Failed {
                                failure: Failure::Agent { code: said, .. },
                            } => *said == code && named,
                            _ => false,
                        }
                    }
                    (End::Signal(signal), event) => self.killed(signal, event),
                    (
                        End::Stopped(_),
                        Event::AttemptFinished { .. } | Event::AttemptUnknown { .. },
                    ) => true,
                    _ => false,
                }
            }
            _ => true,
        };
        if fits { Ok(()) } else { Err(format!("{command:?} became {event:?}")) }
    }

    /// A signal fails an attempt, unless somebody is in the middle of it: then it is lost.
    fn killed(&self, signal: i32, event: &Event) -> bool {
        match event {
            Event::AttemptFinished { attempt, result, .. } => {
                let held = self.ledger.works_there(&attempt.execution);
                match result {
                    AttemptResult::Lost { .. } => held,
                    AttemptResult::Failed { failure } => {
                        !held && *failure == Failure::Signal { signal }
                    }
                    AttemptResult::Succeeded { .. } | AttemptResult::Stopped { .. } => false,
                }
            }
            Event::AttemptUnknown { attempt, .. } => self.ledger.works_there(&attempt.execution),
            _ => false,
        }
    }

    /// Must it be accepted? `None`: the page of semantics leaves it open.
    pub(super) fn must(&self, command: &Command) -> Option<bool> {
        let ledger = &self.ledger;
        let settled = ledger.finished.is_some();
        if !ledger.created {
            return Some(matches!(command, Command::Create(_)));
        }
        match command {
            Command::Create(_) => Some(false),
            Command::Admit => {
                Some(!ledger.started && !settled && !ledger.cancelling && !ledger.paused)
            }
            Command::Pause { .. } if settled || ledger.cancelling || ledger.paused => Some(false),
            Command::Pause { .. } => Some(true),
            Command::Resume { .. } => Some(ledger.paused),
            Command::Cancel { .. } if settled || ledger.forced => Some(false),
            Command::Cancel { .. } => (!ledger.cancelling).then_some(true),
            Command::Retry { .. } if !settled => Some(false),
            Command::Retry { from: Some(id), .. } => (id.instance.is_none()).then_some(true),
            Command::Retry { from: None, .. } => Some(ledger.anything_to_retry()),
            Command::Resolve { execution, .. } => {
                let book = ledger.executions.get(execution);
                let live = book.and_then(|book| book.live.as_ref());
                let unknown = live.is_some_and(|live| live.unknown);
                // Human actions wait until the run is resumed.
                Some(unknown && !ledger.paused)
            }
            Command::Report { attempt, report } => {
                let book = ledger.executions.get(&attempt.execution);
                let live = book.and_then(|book| book.live.as_ref());
                let live = live.filter(|live| live.id == *attempt);
                match report {
                    Report::Probed { .. } => {
                        if live.is_some_and(|live| live.unknown) {
                            None
                        } else {
                            Some(false)
                        }
                    }
                    Report::Started { .. } | Report::ChildStarted { .. } => {
                        if live.is_some_and(|live| !live.unknown) { None } else { Some(false) }
                    }
                    Report::Exited(_)
                    | Report::ChildEnded { .. }
                    | Report::ChildRefused { .. }
                    | Report::NotStarted { .. }
                    | Report::Lost { .. } => match live {
                        Some(live) if live.unknown => None,
                        Some(_) => Some(true),
                        None => Some(false),
                    },
                }
            }
            Command::Fire { .. } => None,
            Command::Inquire(asked) => Some(ledger.must_inquire(asked)),
            Command::TakeOver(asked) => Some(ledger.must_take_over(asked)),
            Command::LetGo(said) => Some(ledger.must_let_go(said)),
            Command::HandBack(asked) => Some(ledger.must_hand_back(asked)),
            Command::Vote(vote) => ledger.must_vote(vote),
            Command::Delegate(delegate) => ledger.must_delegate(delegate),
            Command::Revoke(revoke) => ledger.must_revoke(revoke),
            Command::Submit(submit) => ledger.must_submit(submit),
            Command::Advance(advance) => ledger.must_advance(advance),
            Command::SetBreakpoints(_) => settled.then_some(false),
            Command::Grant { execution } => {
                let lock = ledger.people_of(execution).map(|people| people.lock);
                match lock {
                    Some(Lock::Waits) if !ledger.paused && !settled => Some(true),
                    Some(Lock::Waits) => None,
                    Some(Lock::None | Lock::Granted) | None => Some(false),
                }
            }
            Command::RollBack(_) | Command::Rewind(_) | Command::UndoRewind { .. } => None,
            Command::Deliver { occurrence } => {
                let heard = self.case.spec.listens(&occurrence.kind);
                if settled || !heard { Some(false) } else { None }
            }
        }
    }

    /// A refusal says what is the matter.
    pub(super) fn expected(&self, command: &Command, rejection: &Rejection) -> Result<(), Broken> {
        let fits = match (command, rejection) {
            (Command::Report { .. }, Rejection::Stale { .. }) => true,
            (Command::Report { .. }, _) => !self.ledger.created || self.ledger.finished.is_some(),
            (Command::Inquire(_) | Command::LetGo(_), Rejection::Stale { .. }) => true,
            (Command::Fire { .. }, Rejection::StaleTimer | Rejection::NotDue { .. }) => true,
            (Command::Fire { .. }, _) => !self.ledger.created || self.ledger.finished.is_some(),
            (_, Rejection::Stale { .. } | Rejection::StaleTimer | Rejection::NotDue { .. }) => {
                false
            }
            _ => true,
        };
        ensure!(fits, "{command:?} is refused because {rejection}");
        Ok(())
    }
}
