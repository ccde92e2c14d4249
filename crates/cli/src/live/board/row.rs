//! One line of the board: a stage or an instance.

use api::run::StageView;
use engine::event::Hold;
use jiff::Timestamp;

use super::attempt_of;

/// A stage or an instance.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) stage: String,
    pub(super) instance: Option<u32>,
    pub(super) instances: Option<u32>,
    pub(super) max_attempts: u32,
    pub(super) attempt: u32,
    pub(super) state: State,
    pub(super) first_start: Option<Timestamp>,
    pub(super) attempt_start: Option<Timestamp>,
    pub(super) last_line: String,
    /// The last lines of the last attempt.
    pub(super) tail: String,
    /// Why the last attempt failed.
    pub(super) last_failure: String,
    pub(super) last_elapsed_ms: u64,
    /// It undoes another stage, and counts among none.
    pub(super) compensates: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// Handed out, not yet started.
    Queued,
    Running,
    Stopping,
    Backoff {
        due: Timestamp,
    },
    Unknown {
        probing: bool,
    },
    /// People decide.
    Gate {
        have: u32,
        needed: u32,
        who: String,
        due: Timestamp,
        since: Timestamp,
    },
    /// A form is open.
    Form {
        due: Option<Timestamp>,
        since: Timestamp,
    },
    /// Until somebody lets it go on.
    Held {
        hold: Hold,
        since: Timestamp,
    },
    /// Somebody works in the place of its agent.
    Taken {
        by: String,
        since: Timestamp,
    },
    /// Another execution is in this environment.
    Environment {
        name: String,
        since: Timestamp,
    },
    Settled,
}

impl Row {
    pub(super) fn new(view: &StageView) -> Self {
        let last = view.attempts.last();
        let state = match view.status.as_str() {
            "queued" => State::Queued,
            "running" if view.instances.is_none() => State::Running,
            "stopping" => State::Stopping,
            "retrying" => State::Backoff { due: Timestamp::UNIX_EPOCH },
            "unknown" => State::Unknown { probing: false },
            // How it stands is listed by the server.
            "waiting_approval" => State::Gate {
                have: 0,
                needed: 1,
                who: "people".to_owned(),
                due: Timestamp::UNIX_EPOCH,
                since: Timestamp::UNIX_EPOCH,
            },
            "waiting_input" => State::Form { due: None, since: Timestamp::UNIX_EPOCH },
            "held_by_human" => {
                State::Taken { by: "somebody".to_owned(), since: Timestamp::UNIX_EPOCH }
            }
            "held" => State::Held { hold: Hold::Advance, since: Timestamp::UNIX_EPOCH },
            _ if view.outcome.is_some() => State::Settled,
            _ => State::Idle,
        };
        // A fanned-out stage only sums its instances up.
        let state = match state {
            State::Settled => State::Settled,
            _ if view.instances.is_some() => State::Idle,
            other => other,
        };
        Self {
            stage: view.stage.clone(),
            instance: view.instance,
            instances: view.instances,
            max_attempts: view.max_attempts,
            attempt: last.map_or(0, |attempt| attempt.number),
            state,
            first_start: view.started_at,
            attempt_start: last.and_then(|attempt| attempt.started_at),
            last_line: String::new(),
            tail: last.map_or_else(String::new, |attempt| attempt.tail.clone()),
            last_failure: last.map_or_else(String::new, |attempt| attempt.detail.clone()),
            last_elapsed_ms: last.and_then(|attempt| attempt.elapsed_ms).unwrap_or(0),
            compensates: view.stage.ends_with(".rollback"),
        }
    }

    pub(super) fn fresh(self) -> Self {
        Self {
            instances: None,
            attempt: 0,
            state: State::Idle,
            first_start: None,
            attempt_start: None,
            last_line: String::new(),
            tail: String::new(),
            last_failure: String::new(),
            last_elapsed_ms: 0,
            ..self
        }
    }

    /// Since when somebody else is waited for.
    pub(super) fn asked_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Gate { since, .. }
            | State::Form { since, .. }
            | State::Held { since, .. }
            | State::Taken { since, .. }
            | State::Environment { since, .. } => {
                // Of a run that is looked at in the middle nobody said since when.
                (since > Timestamp::UNIX_EPOCH).then_some(since)
            }
            State::Idle
            | State::Queued
            | State::Running
            | State::Stopping
            | State::Backoff { .. }
            | State::Unknown { .. }
            | State::Settled => None,
        }
    }

    pub(super) fn tried(&self) -> String {
        attempt_of(self.attempt, self.max_attempts)
    }
}
