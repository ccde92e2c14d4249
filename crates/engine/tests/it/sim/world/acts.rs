//! People, strays and mishaps: what one act does.

use engine::command::{Command, TimerId, TimerKind};
use engine::desired::Desired;
use engine::event::GateKind;
use engine::id::{AttemptId, ExecutionId};

use super::{Answer, Death, World, any_report, create, instant, replay};
use crate::sim::faults::{Act, What};
use crate::sim::invariants::Broken;
use crate::sim::rng::Rng;
use crate::sim::spec::SECOND;

impl World<'_> {
    pub(super) fn perform(&mut self, act: &Act, desired: &Desired) -> Result<(), Broken> {
        let by = || "sim".to_owned();
        let mut rng = Rng::new(act.pick);
        self.told.push(format!("{:>12} {:?}", self.now, act.what));
        let command = match act.what {
            What::Create => create(&self.case.spec),
            What::Admit => Command::Admit,
            What::Pause => Command::Pause { by: by(), now: false },
            What::PauseNow => Command::Pause { by: by(), now: true },
            What::Resume => Command::Resume { by: by() },
            What::Cancel => Command::Cancel { by: by(), reason: "enough".into() },
            What::RetryAll => Command::Retry { by: by(), from: None },
            What::RetryFrom => Command::Retry { by: by(), from: Some(self.any(&mut rng)) },
            What::Resolve(verdict) => {
                Command::Resolve { by: by(), execution: self.unknown(&mut rng), verdict }
            }
            What::StaleReport => {
                let attempt = self.old_attempt(&mut rng);
                Command::Report { attempt, report: any_report(&mut rng) }
            }
            What::WrongFence => {
                let mut attempt = self.live_attempt(&mut rng);
                match rng.below(3) {
                    0 => attempt.fence += 1,
                    1 => attempt.fence = attempt.fence.wrapping_sub(1),
                    _ => attempt.number += 1,
                }
                Command::Report { attempt, report: any_report(&mut rng) }
            }
            What::ForeignTimer => {
                let kind = rng.pick(&[
                    TimerKind::Retry,
                    TimerKind::Total,
                    TimerKind::Form,
                    TimerKind::Gate(GateKind::Start),
                    TimerKind::Gate(GateKind::Complete),
                    TimerKind::Remind(GateKind::Start, 50),
                ]);
                let generation = u32::try_from(rng.below(4)).unwrap();
                let timer = TimerId { execution: self.any(&mut rng), kind, generation };
                return self.fire(timer, desired).map(|_| ());
            }
            What::EarlyTimer => match desired.timers.first() {
                Some(timer) => return self.fire(timer.id.clone(), desired).map(|_| ()),
                None => return Ok(()),
            },
            What::OldTimer => match self.old_timers.last().cloned() {
                Some(timer) => return self.fire(timer, desired).map(|_| ()),
                None => return Ok(()),
            },
            What::Vote
            | What::Inquire
            | What::TakeOver
            | What::LetGo
            | What::HandBack
            | What::Delegate
            | What::Revoke
            | What::Submit
            | What::Advance
            | What::Breakpoints
            | What::Grant
            | What::Deliver
            | What::RollBack
            | What::Rewind
            | What::UndoRewind => match self.meddle(act.what, &mut rng) {
                Some(command) => command,
                None => return Ok(()),
            },
            other => {
                self.suffer(other, &mut rng, act.pick);
                return Ok(());
            }
        };
        self.submit(command)?;
        Ok(())
    }

    pub(super) fn suffer(&mut self, what: What, rng: &mut Rng, pick: u64) {
        match what {
            What::Lose => self.hands.lose(&self.case.spec, self.now, pick),
            What::Duplicate => self.hands.duplicate_next = true,
            What::Delay => self.hands.delay_next = rng.range(1, 20 * SECOND),
            What::DieBeforeAppend => self.death = Some(Death::BeforeAppend),
            What::DieAfterAppend => self.death = Some(Death::AfterAppend),
            What::DieBetween => {
                self.run = replay(&self.pipeline, &self.journal);
                self.hands.restart();
            }
            What::Reboot => {
                self.hands.reboot(self.now);
                self.run = replay(&self.pipeline, &self.journal);
            }
            What::ClockBack => {
                self.run = replay(&self.pipeline, &self.journal);
                self.hands.restart();
                self.behind = rng.range(1, 90 * SECOND);
            }
            What::Jump => self.now += rng.range(1, 90 * SECOND),
            What::Create
            | What::Admit
            | What::Pause
            | What::PauseNow
            | What::Resume
            | What::Cancel
            | What::RetryAll
            | What::RetryFrom
            | What::Resolve(_)
            | What::StaleReport
            | What::WrongFence
            | What::ForeignTimer
            | What::EarlyTimer
            | What::OldTimer
            | What::Vote
            | What::Inquire
            | What::TakeOver
            | What::LetGo
            | What::HandBack
            | What::Delegate
            | What::Revoke
            | What::Submit
            | What::Advance
            | What::Breakpoints
            | What::Grant
            | What::Deliver
            | What::RollBack
            | What::Rewind
            | What::UndoRewind => unreachable!("a command is not suffered"),
        }
    }

    /// A timer acts only while it is armed, for its generation, and when it is due.
    pub(super) fn fire(&mut self, timer: TimerId, desired: &Desired) -> Result<Answer, Broken> {
        let armed = desired.timers.iter().find(|one| one.id == timer);
        let may = armed.is_some_and(|one| one.due <= instant(self.now));
        let answer = self.submit(Command::Fire { timer: timer.clone() })?;
        ensure!(answer != Answer::Accepted || may, "{timer:?} acted: it is not armed or not due");
        ensure!(answer != Answer::Refused || !may, "{timer:?} is due and was refused");
        Ok(answer)
    }

    pub(super) fn any(&self, rng: &mut Rng) -> ExecutionId {
        let stages: Vec<_> = self.case.spec.all().map(|stage| stage.name.as_str()).collect();
        let name = stages[rng.index(stages.len())];
        if self.case.spec.stage(name).foreach.is_some() && rng.chance(60) {
            ExecutionId::instance(name, u32::try_from(rng.range(1, 4)).unwrap())
        } else {
            ExecutionId::stage(name)
        }
    }

    pub(super) fn unknown(&self, rng: &mut Rng) -> ExecutionId {
        let unknown = self
            .ledger
            .executions
            .iter()
            .find(|(_, book)| book.live.as_ref().is_some_and(|live| live.unknown));
        unknown.map_or_else(|| self.any(rng), |(id, _)| id.clone())
    }

    pub(super) fn live_attempt(&self, rng: &mut Rng) -> AttemptId {
        let live = self.ledger.live_attempts();
        if live.is_empty() {
            return AttemptId { execution: self.any(rng), number: 1, fence: 1 };
        }
        live[rng.index(live.len())].clone()
    }

    pub(super) fn old_attempt(&self, rng: &mut Rng) -> AttemptId {
        let live = self.ledger.live_attempts();
        let old: Vec<_> = self.past.iter().filter(|one| !live.contains(one)).collect();
        if old.is_empty() {
            return AttemptId { execution: self.any(rng), number: 9, fence: 0 };
        }
        old[rng.index(old.len())].clone()
    }
}
