//! The live feed: what was committed, to whoever watches a run.
//!
//! A subscriber has a bounded queue. One that is too slow loses its queue, not events: it sees the
//! end of the channel, subscribes again and reads what it missed from the journal, by its last
//! sequence number. So memory is bounded and nothing is missed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::run::{EventView, RunSummary};
use engine::id::{AttemptId, RunId};
use tokio::sync::mpsc;

/// Notices that one subscriber may be behind.
const QUEUE: usize = 256;

#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// Events of one commit, and the run after them.
    Events { events: Arc<[EventView]>, summary: Arc<RunSummary>, finished: bool },
    /// An attempt's output grew to so many bytes.
    Output { attempt: Arc<AttemptId>, key: Arc<str>, bytes: u64 },
}

#[derive(Debug, Default)]
pub(crate) struct Broker {
    subscribers: Mutex<HashMap<RunId, Vec<mpsc::Sender<Notice>>>>,
}

impl Broker {
    /// Everything published from now on. The channel ends when the subscriber fell behind, or the
    /// server stops.
    pub(crate) fn subscribe(&self, run: RunId) -> mpsc::Receiver<Notice> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.lock().entry(run).or_default().push(sender);
        receiver
    }

    /// Whether a notice for this run would reach anybody.
    pub(crate) fn is_watched(&self, run: RunId) -> bool {
        let mut all = self.lock();
        let Some(senders) = all.get_mut(&run) else { return false };
        senders.retain(|sender| !sender.is_closed());
        if senders.is_empty() {
            all.remove(&run);
            return false;
        }
        true
    }

    pub(crate) fn publish(&self, run: RunId, notice: &Notice) {
        let mut all = self.lock();
        let Some(senders) = all.get_mut(&run) else { return };
        senders.retain(|sender| sender.try_send(notice.clone()).is_ok());
        if senders.is_empty() {
            all.remove(&run);
        }
    }

    /// Ends every subscription: the server stops.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Vec<mpsc::Sender<Notice>>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
