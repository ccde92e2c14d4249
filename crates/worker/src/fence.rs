//! Until when a worker may go on without an answer of its server.
//!
//! Moments are told by the clock of this boot of the machine, which no process has to itself and
//! which goes on while the machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// What the hands hold ends then, unless they are told another moment before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// By [`now`].
    pub at: Duration,
    /// From TERM to KILL, at most.
    pub grace: Duration,
}

/// Since this machine was started.
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}
