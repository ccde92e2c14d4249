//! The time of the shell: the wall clock at start plus what has passed since by a clock that is
//! never set. A wall clock that jumps fires nothing early.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// What the wall clock shows: for the ends of credentials and the dates of answers, which no
/// decision of the conductor follows from.
pub(crate) fn wall() -> Timestamp {
    Timestamp::now()
}

/// Where the pure core's `now` comes from.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    wall: Timestamp,
    start: SignedDuration,
    ahead: Ahead,
}

/// How far a clock goes ahead of what it shows otherwise: a test's way to let time pass.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    millis: Arc<AtomicI64>,
}

impl Ahead {
    /// So that the wall clock would show `time` now.
    pub fn at(time: Timestamp) -> Self {
        let ahead = Self::default();
        ahead.pass(time.duration_since(Timestamp::now()));
        ahead
    }

    /// So much time passes at once. Whoever waits for a time has to be woken.
    pub fn pass(&self, time: SignedDuration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(0);
        self.millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// What the environment says, in builds for tests: `ORCHESTRATE_CLOCK=2026-11-21T02:00:00Z` is
    /// the time at which this process begins.
    pub(crate) fn said() -> Self {
        #[cfg(debug_assertions)]
        if let Some(time) = std::env::var("ORCHESTRATE_CLOCK").ok().and_then(|t| t.parse().ok()) {
            return Self::at(time);
        }
        Self::default()
    }

    fn get(&self) -> SignedDuration {
        SignedDuration::from_millis(self.millis.load(Ordering::Relaxed))
    }
}

impl Clock {
    /// Starts at the wall clock's time, or at `newest` when that is later: time in a journal never
    /// runs backwards, also when the clock was set back between two processes.
    pub(crate) fn start(newest: Option<Timestamp>) -> Self {
        Self::start_ahead(newest, Ahead::default())
    }

    pub(crate) fn start_ahead(newest: Option<Timestamp>, ahead: Ahead) -> Self {
        let wall = Timestamp::now();
        let shown = wall.saturating_add(ahead.get()).unwrap_or(wall);
        let behind = newest.map_or(SignedDuration::ZERO, |newest| newest.duration_since(shown));
        let behind = behind.max(SignedDuration::ZERO);
        let wall = wall.saturating_add(behind).unwrap_or(wall);
        Self { wall, start: elapsed(), ahead }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = elapsed() - self.start + self.ahead.get();
        self.wall.saturating_add(passed).unwrap_or(self.wall)
    }
}

/// Since boot, counting time asleep where the system can, so that times shown after a laptop's
/// nap are right.
fn elapsed() -> SignedDuration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let time = clock_gettime(clock);
    SignedDuration::new(time.tv_sec, i32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_runs_behind_what_the_journal_holds() {
        let ahead = Timestamp::now() + SignedDuration::from_hours(1);
        let clock = Clock::start(Some(ahead));
        let first = clock.now();
        assert!(first >= ahead);
        assert!(clock.now() >= first);
        assert!(Clock::start(None).now() < ahead);
    }
}
