//! What was committed, to whoever listens.
//!
//! The stream (`api::stream`): `hub` is the bell and knows who listens to what, `channel` is one
//! topic, `source` reads what there is to tell, `feed` is one client.
//!
//! The feed of one run for the command line, here:
//!
//! A subscriber has a bounded queue. One that is too slow loses its queue, not events: it sees the
//! end of the channel, subscribes again and reads what it missed from the journal, by its last
//! sequence number. So memory is bounded and nothing is missed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::run::{EventView, RunSummary};
use engine::id::{AttemptId, RunId};
use tokio::sync::mpsc;

mod channel;
pub(crate) mod feed;
mod frame;
pub(crate) mod hub;
mod lookout;
mod ring;
mod source;
pub(crate) mod topic;

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
    pub(crate) fn subscribe(self: &Arc<Self>, run: RunId) -> Subscription {
        let (sender, notices) = mpsc::channel(QUEUE);
        self.lock().entry(run).or_default().push(sender);
        Subscription { run, notices, broker: Arc::clone(self) }
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

    /// Whoever has gone is forgotten.
    fn prune(&self, run: RunId) {
        // Its answer is of no interest here.
        let _watched = self.is_watched(run);
    }

    /// How many there are.
    pub(crate) fn subscribers(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }

    /// Ends every subscription: the server stops.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Vec<mpsc::Sender<Notice>>>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One subscriber's queue. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Subscription {
    run: RunId,
    notices: mpsc::Receiver<Notice>,
    broker: Arc<Broker>,
}

impl Subscription {
    /// `None`: the queue overflowed and was taken away, or the server stops.
    pub(crate) async fn recv(&mut self) -> Option<Notice> {
        self.notices.recv().await
    }

    /// Until more has happened to the run than that output grew; also when nothing more will be
    /// heard of here. `false`: that.
    pub(crate) async fn changed(&mut self) -> bool {
        loop {
            match self.recv().await {
                Some(Notice::Output { .. }) => {}
                Some(Notice::Events { .. }) => return true,
                None => return false,
            }
        }
    }

    /// Whether nothing more will come.
    pub(crate) fn is_lost(&self) -> bool {
        self.notices.is_closed() && self.notices.is_empty()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.notices.close();
        self.broker.prune(self.run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::id::ExecutionId;
    use uuid::Uuid;

    fn output(bytes: u64) -> Notice {
        let attempt = AttemptId { execution: ExecutionId::stage("a"), number: 1, fence: 1 };
        Notice::Output { attempt: Arc::new(attempt), key: "k".into(), bytes }
    }

    #[tokio::test]
    async fn whoever_falls_behind_loses_the_queue_and_whoever_leaves_is_forgotten() {
        let broker = Arc::new(Broker::default());
        let run = RunId(Uuid::nil());
        let mut slow = broker.subscribe(run);
        let mut quick = broker.subscribe(run);
        for bytes in 0..=QUEUE as u64 {
            broker.publish(run, &output(bytes));
            assert!(quick.recv().await.is_some());
        }
        assert!(!slow.is_lost(), "what it has is still there");
        for _ in 0..QUEUE {
            assert!(slow.recv().await.is_some());
        }
        assert!(slow.is_lost());
        assert!(slow.recv().await.is_none());
        assert!(broker.is_watched(run));
        drop(quick);
        assert!(broker.lock().is_empty());
        drop(slow);
    }
}
