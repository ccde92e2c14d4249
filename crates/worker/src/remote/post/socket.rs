//! What the connection to the server does and says.

use std::time::Duration;

use api::worker::{Bye, ByeWhy, FromWorker, Hello, ToWorker, Welcome};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::super::line::{self, Heard};
use super::super::patience::jittered;
use super::super::trouble::Trouble;
use super::super::{Ending, Event};
use super::{Leaving, LineState, Post};
use crate::fence::{self, Fence};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What was said last has so long to leave.
const LAST_WORD: Duration = Duration::from_secs(2);

impl Post<'_> {
    pub(super) fn dial(&mut self) {
        self.line.number += 1;
        let number = self.line.number;
        let lines = self.inner.lines.0.clone();
        let tell = move |heard| {
            let _gone = lines.send((number, heard));
        };
        // The clock of the lease begins to run when the server is greeted, not before.
        self.asked.clear();
        self.asked.push_back(fence::now());
        let (server, token) = (self.setup.server.clone(), self.setup.token.clone());
        let task = tokio::spawn(line::hold(server, token, self.hello(), tell));
        self.line.state = LineState::Dialling { task };
    }

    fn hello(&self) -> Hello {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Hello {
            name: self.setup.name.clone(),
            session: self.session.clone(),
            identity: self.identity.clone(),
            labels: self.setup.labels.clone(),
            slots: self.setup.slots,
            version: self.setup.version.clone(),
            host: read("/proc/sys/kernel/hostname").trim().to_owned(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpus: u32::try_from(cpus).unwrap_or(u32::MAX),
            memory_bytes: memory(&read("/proc/meminfo")),
            held: self.held.values().map(|held| held.attempt.clone()).collect(),
        }
    }

    pub(super) fn heard(&mut self, heard: Heard) -> Option<Ending> {
        match heard {
            Heard::Up(out) => self.greeted(out),
            Heard::Message(ToWorker::Welcome(terms)) => self.welcomed(terms),
            Heard::Message(ToWorker::Order { order }) => self.ordered(*order),
            Heard::Message(ToWorker::Stored { seq }) => self.stored(seq),
            Heard::Message(ToWorker::Beat) => self.answered(),
            Heard::Message(ToWorker::Bye(bye)) => return self.dismissed(bye),
            Heard::Down(Trouble::Refused { status, message, hints }) => {
                let status = (status != 0).then_some(status);
                return Some(Ending::Refused { status, message, hints });
            }
            Heard::Down(trouble @ (Trouble::Away(_) | Trouble::NotHeld(_) | Trouble::Here(_))) => {
                self.lost(&trouble.to_string());
            }
        }
        None
    }

    fn greeted(&mut self, out: UnboundedSender<FromWorker>) {
        let before = std::mem::replace(&mut self.line.state, now());
        self.line.state = match before {
            LineState::Dialling { task } => LineState::Greeting { task, out },
            other
            @ (LineState::Down { .. } | LineState::Greeting { .. } | LineState::Up { .. }) => other,
        };
    }

    fn welcomed(&mut self, terms: Welcome) {
        let before = std::mem::replace(&mut self.line.state, now());
        self.line.state = match before {
            LineState::Greeting { task, out } => LineState::Up { task, out, adopted: false },
            other
            @ (LineState::Down { .. } | LineState::Dialling { .. } | LineState::Up { .. }) => other,
        };
        if let Err(error) = self.shelf.serves(&terms.data_dir) {
            tracing::warn!(%error, "whose worker this is could not be written down");
        }
        self.line.failures = 0;
        (self.sent, self.acknowledged) = (0, 0);
        self.next_beat = Some(Instant::now() + renewal(&terms));
        self.terms = Some(terms);
        self.answered();
        self.say(Event::Connected { again: self.line.was_up });
        self.line.was_up = true;
        if self.leaving != Leaving::No {
            self.put(FromWorker::Draining);
        }
    }

    /// The server has heard of us since we asked: the lease runs from there on at the earliest.
    fn answered(&mut self) {
        let (Some(asked), Some(terms)) = (self.asked.pop_front(), &self.terms) else { return };
        // What its own user has stopped is not put off.
        if self.leaving == Leaving::Stopping {
            return;
        }
        let spare = terms.lease_ms.saturating_sub(terms.fence_ms);
        let grace = Duration::from_millis(spare / 2);
        self.hands.fence(Fence { at: asked + Duration::from_millis(terms.fence_ms), grace });
    }

    /// A beat without an answer until the next one means that nobody is there.
    pub(super) fn beat(&mut self) {
        if !self.asked.is_empty() {
            return self.lost("the server does not answer");
        }
        let Some(terms) = &self.terms else { return };
        self.next_beat = Some(Instant::now() + renewal(terms));
        self.asked.push_back(fence::now());
        self.put(FromWorker::Beat);
    }

    /// The connection has ended, or is given up.
    fn lost(&mut self, why: &str) {
        self.hang_up();
        let pause = FIRST_PAUSE.saturating_mul(1 << self.line.failures.min(10));
        // A server that comes back has to be found while the fence stands.
        let fence = self.terms.as_ref().map(|terms| Duration::from_millis(terms.fence_ms / 8));
        let pause = pause.min(fence.unwrap_or(LONGEST_PAUSE)).min(LONGEST_PAUSE);
        self.line.state = LineState::Down { until: Instant::now() + jittered(pause) };
        // Once, and not at every try.
        if self.line.failures == 0 {
            self.say(Event::Away { why: why.to_owned() });
        }
        self.line.failures = self.line.failures.saturating_add(1);
    }

    pub(super) fn hang_up(&mut self) {
        match std::mem::replace(&mut self.line.state, now()) {
            LineState::Dialling { task } | LineState::Greeting { task, .. } => task.abort(),
            // It ends when its messages do, if the other side still reads them.
            LineState::Up { task, out, .. } => {
                drop(out);
                tokio::spawn(async move {
                    let ending = task.abort_handle();
                    if tokio::time::timeout(LAST_WORD, task).await.is_err() {
                        ending.abort();
                    }
                });
            }
            LineState::Down { .. } => {}
        }
        self.line.number += 1;
        self.link.send_replace(false);
        self.next_beat = None;
    }

    fn dismissed(&mut self, Bye { why, message }: Bye) -> Option<Ending> {
        match why {
            ByeWhy::Refused => Some(Ending::Refused { status: None, message, hints: Vec::new() }),
            ByeWhy::Drained if self.leaving == Leaving::Stopping => Some(Ending::Stopped),
            ByeWhy::Drained => Some(Ending::Drained),
            ByeWhy::Stopping => {
                self.lost(if message.is_empty() { "the server stops" } else { &message });
                None
            }
        }
    }

    /// Sent if there is somebody to send it to.
    pub(super) fn put(&self, message: FromWorker) {
        if let LineState::Up { out, .. } = &self.line.state {
            let _gone = out.send(message);
        }
    }
}

fn now() -> LineState {
    LineState::Down { until: Instant::now() }
}

fn renewal(terms: &Welcome) -> Duration {
    Duration::from_millis(terms.renew_ms.max(1))
}

/// In bytes.
fn memory(meminfo: &str) -> u64 {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::memory;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(memory("MemTotal:       16318304 kB\nMemFree: 1 kB\n"), 16_318_304 * 1024);
        assert_eq!(memory(""), 0);
    }
}
