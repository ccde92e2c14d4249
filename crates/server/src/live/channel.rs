//! A topic that somebody listens to: its source, its newest frames, and its listeners.
//!
//! The bell only marks; a task of the channel's own reads what there is to tell, at most every
//! [`BEAT`], writes the frame once, and wakes the listeners. They take it at their own pace: a slow
//! one holds up nobody, and what it has not taken lies in the ring, not with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::hub::Hub;
use super::ring::{At, Ring};
use super::source::{Advance, Key, Rung, Source};
use super::topic::Topic;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Between two frames of a topic.
const BEAT: Duration = Duration::from_millis(100);
/// A topic is followed so much longer than anybody listens, so that whoever lost a connection finds
/// what was told meanwhile.
const LINGER: Duration = Duration::from_secs(60);
/// Things of a list marked between two frames; more void what was told.
const MARKS: usize = 4096;

/// Who is woken.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// Subscriptions with something to take.
    ready: Mutex<BTreeSet<usize>>,
    bell: Notify,
}

impl Listener {
    pub(super) fn wake(&self, slot: usize) {
        self.lock().insert(slot);
        self.bell.notify_one();
    }

    /// The next one after `last`, around.
    pub(super) fn take(&self, last: usize) -> Option<usize> {
        let mut ready = self.lock();
        let next = ready.range(last + 1..).next().or_else(|| ready.iter().next()).copied()?;
        ready.remove(&next);
        Some(next)
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.lock().is_empty()
    }

    pub(super) async fn woken(&self) {
        while !self.is_ready() {
            self.bell.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Channel {
    pub(super) topic: Topic,
    pub(super) epoch: String,
    bell: Notify,
    /// The bell rang since it was heard last.
    rung: AtomicBool,
    marks: Mutex<Rung>,
    state: Mutex<State>,
    /// Opened by whoever needs it first.
    source: Arc<tokio::sync::Mutex<Option<Source>>>,
}

struct State {
    ring: Ring,
    listeners: HashMap<u64, (Arc<Listener>, usize)>,
    /// Counts listeners.
    next: u64,
    /// Since when nobody listens.
    idle: Instant,
    /// It can be followed no longer.
    failed: bool,
}

impl Channel {
    pub(super) fn new(topic: Topic, epoch: String, total: Arc<AtomicUsize>) -> Self {
        Self {
            topic,
            epoch,
            bell: Notify::new(),
            rung: AtomicBool::new(false),
            marks: Mutex::default(),
            state: Mutex::new(State {
                ring: Ring::new(total),
                listeners: HashMap::new(),
                next: 0,
                idle: Instant::now(),
                failed: false,
            }),
            source: Arc::default(),
        }
    }

    /// Something happened. Never waits.
    pub(super) fn ring(&self, key: Option<Key>) {
        if let Some(key) = key {
            let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
            if marks.keys.len() < MARKS {
                marks.keys.insert(key);
            } else {
                marks.overflowed = !marks.keys.contains(&key) || marks.overflowed;
            }
        }
        self.rung.store(true, Ordering::Release);
        self.bell.notify_one();
    }

    /// What rang since it was heard last. Whoever rings meanwhile waits for nobody: the lock is
    /// gone before anything is looked up, for which the conductor may be asked, who rings.
    fn heard(&self) -> Rung {
        std::mem::take(&mut *self.marks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn join(&self, listener: Arc<Listener>, slot: usize) -> u64 {
        let mut state = self.lock();
        state.next += 1;
        let place = state.next;
        state.listeners.insert(place, (listener, slot));
        place
    }

    pub(super) fn leave(&self, place: u64) {
        let mut state = self.lock();
        state.listeners.remove(&place);
        if state.listeners.is_empty() {
            state.idle = Instant::now();
            drop(state);
            // It may be the time to end.
            self.bell.notify_one();
        }
    }

    /// Nobody listens.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().listeners.is_empty()
    }

    pub(super) fn at(&self, place: u64) -> Result<At, Refused> {
        let state = self.lock();
        if state.failed {
            let says = format!("`{}` can be followed no longer; the log says why", self.topic);
            return Err(Refused::Internal(says));
        }
        Ok(state.ring.at(place))
    }

    /// The first frame, and the place behind it, for a listener that knows what was told up to
    /// `after`. `None`: there is no way from there, a snapshot is needed.
    pub(super) async fn resume(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        after: u64,
    ) -> Result<Option<Given>, Refused> {
        self.work(shared, move |channel, source, shared| {
            if source.begins_with_snapshot() && after <= source.last() {
                return channel.begin(source, shared, Some(after)).map(Some);
            }
            if let Some(place) = channel.lock().ring.following(after)
                && let Source::List(list) = source
            {
                let text = list.level(after);
                return Ok(Some(Given { text, seq: after, place: Some(place) }));
            }
            channel.given(source, shared, after, true)
        })
        .await
    }

    /// The same in the middle of listening.
    pub(super) async fn since(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        after: u64,
    ) -> Result<Option<Given>, Refused> {
        self.work(shared, move |channel, source, shared| {
            channel.given(source, shared, after, false)
        })
        .await
    }

    pub(super) async fn snapshot(self: &Arc<Self>, shared: &Arc<Shared>) -> Result<Given, Refused> {
        self.work(shared, |channel, source, shared| channel.begin(source, shared, None)).await
    }

    fn begin(
        &self,
        source: &mut Source,
        shared: &Shared,
        from: Option<u64>,
    ) -> Result<Given, Refused> {
        let (text, seq) = source.snapshot(shared, from)?;
        Ok(Given { text, seq, place: self.place(source, seq) })
    }

    fn given(
        &self,
        source: &mut Source,
        shared: &Shared,
        after: u64,
        answer: bool,
    ) -> Result<Option<Given>, Refused> {
        let found = source.since(shared, after, answer)?;
        Ok(found.map(|(text, seq)| Given { text, seq, place: self.place(source, seq) }))
    }

    /// `None`: there is more to be read before the ring helps.
    fn place(&self, source: &Source, seq: u64) -> Option<u64> {
        (seq == source.last()).then(|| self.lock().ring.end())
    }

    /// Does something with the source, alone and where it may block.
    async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        work: impl FnOnce(&Self, &mut Source, &Shared) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let mut source = Arc::clone(&self.source).lock_owned().await;
        let _turn = shared.hub.turn().await?;
        let (channel, shared) = (Arc::clone(self), Arc::clone(shared));
        blocking(move || {
            let source = match &mut *source {
                Some(source) => source,
                none @ None => {
                    // It is a part of the channel, which must be able to end.
                    let bell = Arc::downgrade(&channel);
                    let ring = move || {
                        if let Some(channel) = bell.upgrade() {
                            channel.ring(None);
                        }
                    };
                    none.insert(Source::open(&shared, &channel.topic, &channel.epoch, ring)?)
                }
            };
            work(&channel, source, &shared)
        })
        .await?
    }

    /// Tells until the server stops, or nobody has listened for a while.
    pub(super) async fn follow(self: Arc<Self>, hub: Arc<Hub>, shared: Arc<Shared>) {
        let mut stopped = std::pin::pin!(shared.stopped());
        loop {
            let idle = self.is_idle().then(|| self.lock().idle + LINGER);
            let heard = async {
                match idle {
                    Some(end) => tokio::time::timeout_at(end, self.bell.notified()).await.is_ok(),
                    None => {
                        self.bell.notified().await;
                        true
                    }
                }
            };
            let heard = tokio::select! {
                heard = heard => heard,
                () = &mut stopped => return,
            };
            if !heard && hub.forget(&self) {
                return;
            }
            if !self.rung.swap(false, Ordering::Acquire) {
                continue;
            }
            let next = Instant::now() + BEAT;
            if let Err(refused) = self.tell(&shared).await {
                tracing::warn!(topic = %self.topic, cause = %refused, "a topic is told no longer");
                self.fail();
                hub.drop_failed(&self);
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = &mut stopped => return,
            }
        }
    }

    async fn tell(self: &Arc<Self>, shared: &Arc<Shared>) -> Result<(), Refused> {
        self.work(shared, |channel, source, shared| {
            let rung = channel.heard();
            let Advance { told, reset, more } = source.advance(shared, rung)?;
            shared.hub.told(told.len());
            channel.publish(told, reset);
            if more {
                channel.ring(None);
            }
            Ok(())
        })
        .await
    }

    fn publish(&self, told: Vec<super::ring::Told>, reset: bool) {
        if told.is_empty() && !reset {
            return;
        }
        let mut state = self.lock();
        if reset {
            state.ring.reset();
        }
        for told in told {
            state.ring.push(told);
        }
        for (listener, slot) in state.listeners.values() {
            listener.wake(*slot);
        }
    }

    fn fail(&self) {
        let mut state = self.lock();
        state.failed = true;
        for (listener, slot) in state.listeners.values() {
            listener.wake(*slot);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A frame for one listener, and where it goes on.
pub(super) struct Given {
    pub(super) text: Utf8Bytes,
    pub(super) seq: u64,
    /// In the ring; `None`: behind it.
    pub(super) place: Option<u64>,
}
