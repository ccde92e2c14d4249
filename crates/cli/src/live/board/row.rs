//! One line of the board: a stage or an instance.

use api::run::StageView;
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    pub(super) fn tried(&self) -> String {
        attempt_of(self.attempt, self.max_attempts)
    }
}
