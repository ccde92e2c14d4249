//! One execution: a stage without `foreach`, or one instance.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::people::{People, Wait};
use crate::command::{StopReason, Verdict};
use crate::event::{AttemptResult, Conclusion, Intention, Outcome, RunLink, Settled, Usage};
use crate::id::Actor;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Execution {
    pub(crate) state: ExecutionState,
    /// Over all rounds; number `n` is at `n - 1`.
    pub(crate) attempts: Vec<Attempt>,
    /// How many of them belong to earlier rounds.
    pub(crate) past: usize,
    /// Attempts of this round that count for `retry.max_attempts`.
    pub(crate) tries: u32,
    /// Attempts of this round that were lost.
    pub(crate) lost: u32,
    pub(crate) total: Clock,
    /// It is in its environment, which is locked.
    pub(crate) granted: bool,
    /// `None` where nobody had to do with it.
    pub(crate) people: Option<Box<People>>,
    /// Of a shadow run, in this round.
    pub(crate) would: Vec<Intention>,
    /// How many of them were said since it came to its work.
    pub(crate) told: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum ExecutionState {
    /// Its stage is not ready.
    #[default]
    Idle,
    /// For people, or for its environment.
    Waiting(Wait),
    Queued {
        ticket: u64,
        place: Place,
    },
    Live {
        fence: u64,
        stopping: Option<StopReason>,
    },
    /// What follows is decided in the same step.
    Ended(Ending),
    /// Before attempt `number`. Holds nothing.
    Backoff {
        number: u32,
        since: Timestamp,
        due: Timestamp,
    },
    /// Nobody knows what became of its last attempt.
    Unknown {
        probing: bool,
        message: String,
    },
    Settled(Box<ExecutionEnd>),
}

impl ExecutionState {
    /// Whatever waits, for people or for a retry, gives its environment to others.
    pub(super) fn keeps_lock(&self) -> bool {
        match self {
            Self::Queued { .. } | Self::Live { .. } | Self::Ended(_) | Self::Unknown { .. } => true,
            Self::Idle | Self::Waiting(_) | Self::Backoff { .. } | Self::Settled(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A `noop`: waits for nothing.
    Instant,
    Ready,
    /// Waits for a place among the instances of its stage.
    Parked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// See the last attempt's result.
    Result,
    Decided(Verdict),
}

/// The `total_timeout` of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clock {
    #[default]
    Unarmed,
    Running {
        due: Timestamp,
    },
    /// Stands still while a person is asked.
    Held {
        left: SignedDuration,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExecutionEnd {
    /// Of the event that settled it: the order of completion.
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) conclusion: Conclusion,
    pub(crate) reason: Settled,
    /// An object.
    pub(crate) outputs: Json,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    pub(crate) fence: u64,
    /// The number of the first attempt at the same piece of work: a lost or paused attempt's
    /// successor does its work again, a retry after a failure does new work.
    pub(crate) work: u32,
    pub(crate) scheduled_at: Timestamp,
    pub(crate) started: Option<Started>,
    pub(crate) stopping: Option<StopReason>,
    pub(crate) end: Option<Box<AttemptEnd>>,
    pub(crate) doubt: Option<Box<Doubt>>,
    /// A rewind went back behind it.
    pub(crate) superseded: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Started {
    pub(crate) at: Timestamp,
    pub(crate) worker: String,
    pub(crate) pid: Option<u32>,
    /// It is a run of its own.
    pub(crate) child: Option<RunLink>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttemptEnd {
    pub(crate) at: Timestamp,
    pub(crate) result: AttemptResult,
    pub(crate) usage: Usage,
    pub(crate) tail: String,
}

/// Its outcome is or was unknown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Doubt {
    pub(crate) at: Timestamp,
    pub(crate) message: String,
    pub(crate) resolved: Option<(Timestamp, Actor, Verdict)>,
}

impl Execution {
    /// Its last attempt was taken up by the hands.
    pub(crate) fn has_started(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.started.is_some())
    }

    pub(crate) fn end(&self) -> Option<&ExecutionEnd> {
        match &self.state {
            ExecutionState::Settled(end) => Some(end),
            ExecutionState::Idle
            | ExecutionState::Waiting(_)
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. } => None,
        }
    }

    /// The newest attempt of this round.
    pub(crate) fn last(&self) -> Option<&Attempt> {
        self.attempts.get(self.past..).and_then(<[Attempt]>::last)
    }

    /// Of the newest attempt of this round.
    pub(crate) fn last_result(&self) -> Option<&AttemptResult> {
        self.last().and_then(|attempt| attempt.end.as_ref()).map(|end| &end.result)
    }

    /// The number of the next attempt.
    pub(crate) fn next_number(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX - 1) + 1
    }

    /// The number its next attempt's work counts from: see [`Attempt::work`].
    pub(crate) fn next_work(&self) -> u32 {
        let number = self.next_number();
        let Some(last) = self.last() else { return number };
        let again = match (&last.end, &last.doubt) {
            (Some(end), _) => is_done_again(&end.result),
            (None, Some(_)) => true,
            (None, None) => false,
        };
        if again { last.work } else { number }
    }

    /// As if it had never been tried; its attempts stay on record and their numbers go on.
    pub(crate) fn refresh(&mut self) {
        self.state = ExecutionState::Idle;
        self.past = self.attempts.len();
        (self.tries, self.lost) = (0, 0);
        self.total = Clock::Unarmed;
        self.granted = false;
        self.would.clear();
        self.told = 0;
        if let Some(people) = &mut self.people {
            (people.revision, people.feedback, people.values) = (0, None, None);
            people.let_off();
        }
    }

    pub(crate) fn people_mut(&mut self) -> &mut People {
        self.people.get_or_insert_default()
    }
}

/// Whether the same piece of work is begun again after an attempt that ended so, without counting.
pub(crate) fn is_done_again(result: &AttemptResult) -> bool {
    match result {
        AttemptResult::Lost { .. }
        | AttemptResult::Stopped { reason: StopReason::Paused | StopReason::Superseded } => true,
        AttemptResult::Succeeded { .. }
        | AttemptResult::Failed { .. }
        | AttemptResult::Stopped { .. } => false,
    }
}
