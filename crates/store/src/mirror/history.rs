//! What the journal of a run knows and no row says: how stages failed, when it was rewound.

use std::collections::BTreeMap;

use engine::event::{Event, Outcome};
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::port::EventRow;

/// A fold over the journal, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Of the last event.
    pub(super) seq: u64,
    pub(super) failures: Vec<Failure>,
    pub(super) rewinds: Vec<Rewind>,
    /// The last words of each execution's last attempt.
    tails: BTreeMap<String, String>,
}

#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: Timestamp,
    /// `implement[2]`
    pub(super) execution: String,
    pub(super) reason: Json,
    pub(super) tail: String,
}

#[derive(Debug)]
pub(super) struct Rewind {
    pub(super) at: Timestamp,
    pub(super) executions: Vec<String>,
}

impl History {
    pub(super) fn push(&mut self, row: &EventRow) {
        self.seq = row.seq;
        let at = row.event.at;
        if let Event::AttemptFinished { attempt, tail, .. } = &row.event.event {
            self.tails.insert(attempt.execution.to_string(), tail.clone());
        }
        if let Event::RunRewound { executions } = &row.event.event {
            let executions = executions.iter().map(ToString::to_string).collect();
            self.rewinds.push(Rewind { at, executions });
        }
        if let Event::ExecutionSettled { execution, outcome: Outcome::Failed, reason, .. } =
            &row.event.event
        {
            let execution = execution.to_string();
            let tail = self.tails.get(&execution).cloned().unwrap_or_default();
            let reason = serde_json::to_value(reason).unwrap_or(Json::Null);
            self.failures.push(Failure { at, execution, reason, tail });
        }
    }
}
