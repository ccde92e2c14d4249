//! The fence: the moment at which everything ends unless the server is heard of again.
//!
//! It is kept here and not by the worker, so that it holds when nobody is left to keep it: what a
//! worker held that was killed does not go on beside the attempt that replaces it elsewhere. The
//! clock goes on while the machine sleeps, as the server's does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use api::link::Stopped;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::FENCED;
use super::events::{Alarm, Keeper};

#[derive(Debug)]
pub(super) struct Fence {
    timer: OwnedFd,
    grace: Duration,
    has_passed: bool,
}

impl Fence {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        Ok(Self { timer, grace: Duration::ZERO, has_passed: false })
    }

    /// Readable when it has passed.
    pub(super) fn timer(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }

    pub(super) fn has_passed(&self) -> bool {
        self.has_passed
    }
}

impl Keeper {
    /// The one before is forgotten. A moment that lies in the past comes at once.
    pub(super) fn set_fence(&mut self, at_ms: u64, grace_ms: u64) {
        self.fence.grace = Duration::from_millis(grace_ms);
        self.fence.has_passed = false;
        // Zero would be no moment at all.
        let at = Duration::from_millis(at_ms.max(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(at.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(at.subsec_nanos()),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let when = Itimerspec { it_interval, it_value };
        let set = timerfd_settime(&self.fence.timer, TimerfdTimerFlags::ABSTIME, &when);
        if let Err(error) = set {
            tracing::error!(%error, "the fence could not be set: everything ends now");
            self.end_everything();
        }
    }

    pub(super) fn fence_rang(&mut self) {
        // Nothing to read: it was set anew in the same moment.
        if rustix::io::read(&self.fence.timer, &mut [0; 8]).is_ok() {
            tracing::warn!(held = self.held.len(), "the fence has passed: everything ends");
            self.end_everything();
        }
    }

    fn end_everything(&mut self) {
        self.fence.has_passed = true;
        let grace = self.fence.grace;
        let all: Vec<u64> = self.held.keys().copied().collect();
        for serial in all {
            let Some(held) = self.held.get_mut(&serial) else { continue };
            if held.unrecorded.is_some() {
                continue;
            }
            held.grace = held.grace.min(grace);
            let is_told = held.stop.is_some();
            if !is_told && !held.has_ended() {
                held.warnings.push(FENCED.to_owned());
            }
            self.stop(serial, Stopped::Halted);
            if is_told {
                // It may have been given longer than there is.
                self.set_alarm(Instant::now() + grace, serial, Alarm::Kill);
            }
        }
    }
}
