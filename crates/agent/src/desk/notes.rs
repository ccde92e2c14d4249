//! What the next attempt has to know of a session, whoever led it: what was said to the agent, what
//! it handed in.

use std::sync::PoisonError;

use api::agent::{Did, Terminal};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Desk;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// The message of this number goes to the agent.
    Asked {
        number: u32,
        system: String,
        text: String,
    },
    /// The agent has done what it wanted to do about the message, and said so.
    Rested {
        number: u32,
        text: String,
        native: Option<Json>,
        terminal: Terminal,
    },
    Submitted {
        value: Json,
    },
    Blocked {
        reason: String,
    },
    /// For whoever comes after it.
    Noted {
        text: String,
    },
    Denied,
    /// A person took over while the agent was at the message of this number, and handed back.
    HandedBack {
        number: u32,
        hold: u32,
        by: String,
        note: String,
        accept: bool,
    },
}

impl Desk {
    pub(super) fn remember(&self, past: &[Entry]) {
        let mut state = self.state();
        for entry in past {
            match entry {
                // What was handed in for one message does not answer the next.
                Entry::Asked { .. } => state.submitted = None,
                Entry::Rested { .. } => {}
                Entry::HandedBack { hold, .. } => self.room.dealt_with(*hold),
                Entry::Submitted { value } => state.submitted = Some(value.clone()),
                Entry::Blocked { reason } => state.blocked = Some(reason.clone()),
                Entry::Noted { text } => state.notes.push(text.clone()),
                Entry::Denied => state.denied += 1,
            }
        }
    }

    /// On disk when this returns, with all that happened before.
    pub(crate) fn keep(&self, entry: Entry) {
        self.room.sync();
        let kept = {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.keep(&entry)
        };
        self.room.kept(kept);
        self.remember(std::slice::from_ref(&entry));
    }

    /// The agent hands in its result.
    ///
    /// # Errors
    /// What does not fit the schema; it may try again.
    pub(crate) fn submit(&self, value: Json) -> Result<(), Vec<String>> {
        if let Some(schema) = &self.schema {
            let problems = schema.problems(&value);
            if !problems.is_empty() {
                self.alive();
                return Err(problems);
            }
        }
        self.record(Did::Result { value: value.clone() });
        self.keep(Entry::Submitted { value });
        Ok(())
    }

    pub(crate) fn report_blocked(&self, reason: &str) {
        let reason = reason.trim();
        let reason = if reason.is_empty() { "it gave no reason" } else { reason };
        self.record(Did::Note { text: format!("blocked: {reason}") });
        self.keep(Entry::Blocked { reason: reason.to_owned() });
    }

    pub(crate) fn note(&self, text: &str) {
        self.record(Did::Note { text: text.to_owned() });
        self.keep(Entry::Noted { text: self.room.veil.text(text) });
    }
}
