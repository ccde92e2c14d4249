//! From an order to start to a message for the keeper.
//!
//! What takes no time is prepared where orders are carried out. A worktree is not: cloning a large
//! repository may take minutes, and a source that does not answer for ever, and meanwhile others
//! start and this one can be stopped.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;

use api::link::{Assignment, AttemptRef, What};

use super::{Hands, Live, prepare};
use crate::wire::{Spawn, ToKeeper};

/// Attempts whose worktrees are being made, by their keys.
pub(super) type Preparing = HashMap<String, Prepared>;

#[derive(Debug)]
pub(super) struct Prepared {
    attempt: AttemptRef,
    /// Nobody wants it any more.
    withdrawn: Arc<AtomicBool>,
}

impl Hands {
    pub(super) fn start(self: &Arc<Self>, assignment: Box<Assignment>) {
        let attempt = assignment.attempt.clone();
        let known = self.live().get(&attempt.key).map(|live| live.attempt.clone());
        let known = known.or_else(|| self.preparing().get(&attempt.key).map(|p| p.attempt.clone()));
        match known {
            Some(known) if known == attempt => return,
            Some(known) if known.fence > attempt.fence => {
                let (stale, fence) = (attempt.fence, known.fence);
                let message = format!("fence {stale} is stale: it is held under fence {fence}");
                return self.report(attempt, What::NotStarted { message });
            }
            Some(_) | None => {}
        }
        if assignment.worktree.is_none() {
            let prepared = prepare::prepare(&self.options, &assignment);
            return self.begin(assignment, prepared);
        }
        let withdrawn = Arc::new(AtomicBool::new(false));
        let entry = Prepared { attempt: attempt.clone(), withdrawn: Arc::clone(&withdrawn) };
        if let Some(before) = self.preparing().insert(attempt.key.clone(), entry) {
            before.withdrawn.store(true, Ordering::Relaxed);
        }
        let hands = Arc::clone(self);
        let work = move || hands.prepare_aside(assignment, &withdrawn);
        if let Err(error) = thread::Builder::new().name("prepare".into()).spawn(work) {
            self.withdraw(&attempt);
            let message = format!("its worktree could not be made: no thread: {error}");
            self.report(attempt, What::NotStarted { message });
        }
    }

    fn prepare_aside(self: &Arc<Self>, assignment: Box<Assignment>, withdrawn: &AtomicBool) {
        let prepare = || prepare::prepare(&self.options, &assignment);
        let prepared = panic::catch_unwind(AssertUnwindSafe(prepare))
            .unwrap_or_else(|_| Err(prepare::Problem::Worktree("see the log".into())));
        // Held until the keeper has been told, so that nobody stops it in between.
        let mut preparing = self.preparing();
        if withdrawn.load(Ordering::Relaxed) {
            return;
        }
        preparing.remove(&assignment.attempt.key);
        // Whoever owns this data folder next finds that it was never started.
        if !self.door().was_closed() {
            self.begin(assignment, prepared);
        }
    }

    /// Whether it was only being prepared: then it will not be started.
    pub(super) fn withdraw(&self, attempt: &AttemptRef) -> bool {
        let mut preparing = self.preparing();
        if preparing.get(&attempt.key).is_none_or(|prepared| prepared.attempt != *attempt) {
            return false;
        }
        if let Some(prepared) = preparing.remove(&attempt.key) {
            prepared.withdrawn.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Whether its worktree is being made: what comes of that is still to be told.
    pub(super) fn is_preparing(&self, attempt: &AttemptRef) -> bool {
        self.preparing().get(&attempt.key).is_some_and(|prepared| prepared.attempt == *attempt)
    }

    fn begin(
        self: &Arc<Self>,
        assignment: Box<Assignment>,
        prepared: Result<Spawn, prepare::Problem>,
    ) {
        let attempt = assignment.attempt.clone();
        let spawn = match prepared {
            Ok(spawn) => spawn,
            Err(problem) => {
                let message = problem.to_string();
                return self.report(attempt, What::NotStarted { message });
            }
        };
        let sent = self.send(&ToKeeper::Spawn(Box::new(spawn)), true, |connection| {
            let attempt = attempt.clone();
            Some(Live { attempt, connection, assignment: Some(assignment) })
        });
        if let Err(error) = sent {
            self.live().remove(&attempt.key);
            let message = format!("the keeper could not be started: {error}");
            self.report(attempt, What::NotStarted { message });
        }
    }

    fn preparing(&self) -> MutexGuard<'_, Preparing> {
        self.preparing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
