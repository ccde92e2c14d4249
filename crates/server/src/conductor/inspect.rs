//! What the hands say of a run at this moment, beside what is recorded of it.
//!
//! They are asked as after a restart, so whatever they answer that is not recorded yet is dealt
//! with like any other report: looking at a drift ends it.

use std::collections::HashSet;

use api::link::What;
use api::runtime::Seen;
use engine::id::RunId;
use jiff::Timestamp;

use super::Conductor;
use super::desk::Reply;
use super::reports::Whose;

/// Somebody waits for the answers of the hands.
pub(crate) struct Inspection {
    run: RunId,
    waits: HashSet<Whose>,
    seen: Inspected,
    reply: Reply<Inspected>,
}

/// A run as it is recorded and as the hands see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inspected {
    /// The run's status; `None`: it is at rest, and nothing of it runs.
    pub(crate) recorded: Option<&'static str>,
    pub(crate) attempts: Vec<SeenAttempt>,
}

#[derive(Clone, Debug)]
pub(crate) struct SeenAttempt {
    pub(crate) whose: Whose,
    /// The attempt's status.
    pub(crate) recorded: &'static str,
    pub(crate) live: Alive,
    pub(crate) at: Option<Timestamp>,
}

/// What the hands answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Alive {
    /// Nothing yet.
    Unanswered,
    Running {
        pid: u32,
    },
    /// It has ended, and how is on its way into the journal.
    Ended,
    NeverStarted,
    Lost {
        message: String,
    },
    /// What its runtime says, where that is not the hands themselves.
    Elsewhere(Box<Seen>),
}

impl Conductor {
    /// Asks the hands about everything they hold of a run.
    pub(super) fn inspect(&mut self, run: RunId, reply: Reply<Inspected>) {
        self.inspections.retain(|open| !open.reply.is_gone());
        let Some(live) = self.runs.get(&run) else {
            return reply.send(Ok(Inspected::default()));
        };
        let held = self.hands.running(run);
        let recorded = |whose: &Whose| {
            let row = live.run.row(&whose.attempt.execution)?;
            let of = row.attempts.iter().find(|of| of.number == whose.attempt.number)?;
            Some(of.status.word())
        };
        let seen = |whose: &Whose| SeenAttempt {
            whose: whose.clone(),
            recorded: recorded(whose).unwrap_or("queued"),
            live: Alive::Unanswered,
            at: None,
        };
        let attempts = held.iter().map(seen).collect();
        let seen = Inspected { recorded: Some(live.run.status().word()), attempts };
        if held.is_empty() {
            return reply.send(Ok(seen));
        }
        self.hands.ask_about(&held);
        let waits = held.into_iter().collect();
        self.inspections.push(Inspection { run, waits, seen, reply });
    }

    /// Whoever waits for this answer has one more of them.
    pub(super) fn note_seen(&mut self, whose: &Whose, what: &What) {
        let live = match what {
            What::Started { pid } => Alive::Running { pid: *pid },
            What::Exited(_) => Alive::Ended,
            What::NeverStarted | What::NotStarted { .. } => Alive::NeverStarted,
            What::Lost { message } => Alive::Lost { message: message.clone() },
            What::Seen(seen) => Alive::Elsewhere(seen.clone()),
            What::Output { .. } => return,
        };
        let now = self.clock.now();
        for open in self.inspections.iter_mut().filter(|open| open.run == whose.run) {
            if !open.waits.remove(whose) {
                continue;
            }
            if let Some(seen) = open.seen.attempts.iter_mut().find(|seen| seen.whose == *whose) {
                (seen.live, seen.at) = (live.clone(), Some(now));
            }
        }
        for open in self.inspections.extract_if(.., |open| open.waits.is_empty()) {
            open.reply.send(Ok(open.seen));
        }
    }
}
