//! Time inside a harness: the date for what is written down, and clocks that stand still while
//! people are asked.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Of the day, in milliseconds.
pub(crate) fn wall() -> Timestamp {
    // Milliseconds are enough for people; a clock that is beyond all years counts as none.
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or_default()
}

/// Measures what has passed since its last start, without the time in which it was held.
#[derive(Debug)]
pub(crate) struct Clock {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    since: Instant,
    /// So many hold it at the moment, the first of them since then.
    held: u32,
    held_since: Instant,
}

/// The clock stands still until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'a>(&'a Clock);

impl Default for Clock {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State { since: now, held: 0, held_since: now }),
            changed: Notify::new(),
        }
    }
}

impl Clock {
    /// From zero again.
    pub(crate) fn restart(&self) {
        {
            let mut state = self.state();
            state.since = Instant::now();
            state.held_since = state.since;
        }
        self.changed.notify_waiters();
    }

    /// What it shows.
    pub(crate) fn elapsed(&self) -> Duration {
        let state = self.state();
        match state.held {
            0 => state.since.elapsed(),
            _ => state.held_since - state.since,
        }
    }

    pub(crate) fn hold(&self) -> Held<'_> {
        {
            let mut state = self.state();
            if state.held == 0 {
                state.held_since = Instant::now();
            }
            state.held += 1;
        }
        self.changed.notify_waiters();
        Held(self)
    }

    /// Until more than `limit` has passed; `None`: never. The limit is asked again whenever the
    /// clock is started again.
    pub(crate) async fn over(&self, limit: impl Fn() -> Option<Duration>) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on nothing is missed.
            changed.as_mut().enable();
            let end = {
                let state = self.state();
                limit().filter(|_| state.held == 0).map(|limit| state.since + limit)
            };
            match end {
                None => changed.await,
                Some(end) => tokio::select! {
                    () = tokio::time::sleep_until(end) => {
                        let state = self.state();
                        let late = limit().is_some_and(|limit| state.since + limit <= Instant::now());
                        if state.held == 0 && late {
                            return;
                        }
                    }
                    () = &mut changed => {}
                },
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        {
            let mut state = self.0.state();
            state.held = state.held.saturating_sub(1);
            if state.held == 0 {
                let held = state.held_since.elapsed();
                state.since += held;
            }
        }
        self.0.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn time_that_is_spent_waiting_for_people_does_not_count() {
        paused().block_on(async {
            let clock = Clock::default();
            let limit = || Some(Duration::from_millis(50));
            let started = Instant::now();
            let wait = async {
                let held = clock.hold();
                tokio::time::sleep(Duration::from_millis(200)).await;
                drop(held);
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = clock.over(limit) => {}
                () = wait => {}
            }
            assert!(started.elapsed() >= Duration::from_millis(250));
        });
    }

    #[test]
    fn without_a_limit_it_is_never_over() {
        paused().block_on(async {
            let clock = Clock::default();
            let mut over = pin!(clock.over(|| None));
            let short = tokio::time::timeout(Duration::from_millis(20), &mut over).await;
            assert!(short.is_err());
        });
    }
}
