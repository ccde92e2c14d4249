//! The time of the shell: the wall clock at start plus what has passed since by a clock that is
//! never set. A wall clock that jumps fires nothing early.

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// Where the pure core's `now` comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: Timestamp,
    start: SignedDuration,
}

impl Clock {
    /// Starts at the wall clock's time, or at `newest` when that is later: time in a journal never
    /// runs backwards, also when the clock was set back between two processes.
    pub(crate) fn start(newest: Option<Timestamp>) -> Self {
        let wall = Timestamp::now();
        Self { wall: newest.map_or(wall, |newest| newest.max(wall)), start: elapsed() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = elapsed() - self.start;
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
