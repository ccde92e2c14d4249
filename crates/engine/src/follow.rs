//! What follows by itself: the next event that the state calls for, until there is none.
//!
//! Every branch reads a work list that the answer to it empties, so one step costs what it changes
//! and never a look at all stages.

mod emit;
mod end;
mod feed;
mod judge;
mod people;
mod rewind;
mod rollback;
mod shadow;
mod trigger;

pub(crate) use trigger::Look;

use jiff::Timestamp;

use crate::event::Event;
use crate::run::Run;
use crate::state::Phase;

pub use people::NOBODY;

/// Losses of one execution (in one round) that end it: it is started again after fewer.
pub const LOST_LIMIT: u32 = 3;

/// Most items that a `foreach` may resolve to.
pub const MAX_ITEMS: usize = 10_000;

impl Run {
    pub(crate) fn follow(&self, now: Timestamp) -> Option<Event> {
        match self.state.phase {
            Phase::Uncreated | Phase::Finished { .. } => return None,
            Phase::Pending { .. } | Phase::Active => {}
        }
        if let Some(event) = self.void_inquiry().or_else(|| self.go_back()) {
            return Some(event);
        }
        let links = &self.state.links;
        let mut ended = links.ended.iter();
        if let Some(&ix) = ended.find(|ix| !self.state.undo.supersedes(**ix)) {
            return Some(self.after_attempt(ix, now));
        }
        if let Some(&ix) = links.answered.first() {
            return Some(self.after_people(ix));
        }
        if let Some(&ix) = links.complete.first() {
            return Some(self.completed(ix));
        }
        if let Some(&ix) = links.close.first() {
            return Some(self.close_feed(ix));
        }
        if let Some(cause) = &links.halt_by {
            return Some(Event::RunHalted { cause: cause.clone() });
        }
        if let Some((&ix, &reason)) = links.stop.first_key_value() {
            return Some(Event::AttemptStopping { attempt: self.last_attempt(ix), reason });
        }
        if let Some(&ix) = links.abandon.first() {
            return Some(self.give_up(ix));
        }
        if let Some(void) = links.gate_void.first().and_then(|ix| self.void_trigger(*ix)) {
            return Some(void);
        }
        if let Some(&ix) = links.needless.first() {
            return Some(self.needless(ix));
        }
        if let Some(event) = self.end_rollback() {
            return Some(event);
        }
        if self.state.open == 0 && self.state.undo.wanted.is_none() {
            let end = self.finish();
            return Some(self.would_notify(&end).unwrap_or(end));
        }
        if self.state.pause.is_some() || self.state.undo.rewind.is_some() {
            return None;
        }
        if let Some(event) = self.begin_rollback() {
            return Some(event);
        }
        if let Some(&ix) = links.expand.first() {
            return Some(self.expand(ix));
        }
        if let Some(&ix) = links.gate_answered.first() {
            return Some(self.after_trigger_gate(ix));
        }
        if let Some(&ix) = links.listen.first() {
            return Some(self.listen(ix));
        }
        if let Some(&ix) = links.judge.first() {
            return Some(self.judge(ix));
        }
        if let Some(&ix) = links.gate_due.first() {
            return Some(self.ask_trigger(ix, now));
        }
        if matches!(self.state.phase, Phase::Pending { .. }) {
            let admitted =
                self.state.head.as_ref().is_some_and(|head| !head.is_admitted_by_others());
            return admitted.then_some(Event::RunStarted);
        }
        if let Some(&ix) = links.caught.first() {
            return Some(self.hold(ix));
        }
        if let Some(&ix) = links.asks.first() {
            return Some(self.ask(ix, now));
        }
        if let Some(&ix) = links.instant.first() {
            let shadow = self.state.is_shadow();
            return Some(if shadow { self.foretell(ix, now) } else { self.worked(ix, now) });
        }
        self.dispatch()
    }

    /// The next attempt in the queue, while there is a place for it.
    fn dispatch(&self) -> Option<Event> {
        let links = &self.state.links;
        let full = self.pipeline.max_parallel.is_some_and(|max| links.live.len() >= max as usize);
        if full {
            return None;
        }
        let (_, &ix) = links.ready.first_key_value()?;
        let attempt = self.next_attempt(ix);
        // Resolved here and again when it is handed out, so that what cannot be resolved fails
        // before it reaches the hands. Values never change, so both come to the same.
        Some(match self.prepare(ix, &attempt) {
            Ok(_) => Event::AttemptScheduled { attempt },
            Err(failure) => self.failed(ix, failure),
        })
    }
}
