//! What one client listens to. It takes frame by frame, at its own pace; nothing waits for it but
//! a place in each topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::channel::{Channel, Given, Listener};
use super::frame;
use super::ring::At;
use super::topic::Topic;
use crate::refused::Refused;
use crate::shared::Shared;

/// A frame that is longer needs room among the large ones.
const LARGE: usize = 64 << 10;

/// What a client asked for.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) topic: Topic,
    /// As the client called it.
    pub(crate) asked: String,
    pub(crate) epoch: Option<String>,
    pub(crate) after: Option<u64>,
}

/// What a client gets next.
#[derive(Debug)]
pub(crate) enum Item {
    /// Holds its room until it is sent.
    Frame(Utf8Bytes, Option<OwnedSemaphorePermit>),
    /// A subscription that ended, by the client's name for it.
    Ended(String, Refused),
}

pub(crate) struct Feed {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
    heard: BTreeMap<usize, Heard>,
    next: usize,
    /// The one that was served last.
    last: usize,
}

/// One subscription.
struct Heard {
    channel: Arc<Channel>,
    /// Among the channel's listeners.
    place: u64,
    asked: String,
    /// Everything up to this was taken; `None`: nothing yet.
    seq: Option<u64>,
    goes_on: GoesOn,
}

enum GoesOn {
    /// After this number, if the epoch is the one it counts in.
    After {
        epoch: Option<String>,
        after: u64,
    },
    WithSnapshot,
    /// What it needs is not in the ring, or not any more.
    Behind(u64),
    /// At this place of the ring.
    Level {
        place: u64,
        seq: u64,
    },
}

impl Feed {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            listener: Arc::default(),
            heard: BTreeMap::new(),
            next: 1,
            last: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.heard.len()
    }

    /// Listens; to a topic that it listens to already, anew. The number of the subscription.
    pub(crate) async fn subscribe(&mut self, to: Subscription) -> Result<usize, Refused> {
        let hub = Arc::clone(&self.shared.hub);
        let store = hub.store(&self.shared).await?;
        self.unsubscribe(&to.topic.to_string());
        let slot = self.next;
        self.next += 1;
        let listener = Arc::clone(&self.listener);
        let epoch = || hub.epoch(store, &to.topic);
        let (channel, place) = hub.listen(&self.shared, &to.topic, epoch, listener, slot)?;
        let goes_on = match to.after {
            Some(after) => GoesOn::After { epoch: to.epoch, after },
            None => GoesOn::WithSnapshot,
        };
        self.heard.insert(slot, Heard { channel, place, asked: to.asked, seq: None, goes_on });
        self.listener.wake(slot);
        Ok(slot)
    }

    /// By the topic's name or the client's name for it.
    pub(crate) fn unsubscribe(&mut self, name: &str) {
        self.heard
            .retain(|_, heard| heard.asked != name && heard.channel.topic.to_string() != name);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.listener.is_ready()
    }

    /// Resolves when there may be something to take.
    pub(crate) async fn ready(&self) {
        self.listener.woken().await;
    }

    /// The next frame; topics take turns. `None`: nothing more for now.
    pub(crate) async fn take(&mut self) -> Option<Item> {
        while let Some(slot) = self.listener.take(self.last) {
            self.last = slot;
            let Some(heard) = self.heard.get_mut(&slot) else { continue };
            match heard.take(&self.shared).await {
                Ok(Some(text)) => {
                    // There may be more.
                    self.listener.wake(slot);
                    let large = text.len() > LARGE;
                    let room =
                        if large { self.shared.hub.under_way(text.len()).await } else { None };
                    return Some(Item::Frame(text, room));
                }
                Ok(None) => {}
                Err(refused) => {
                    let heard = self.heard.remove(&slot)?;
                    return Some(Item::Ended(heard.asked.clone(), refused));
                }
            }
        }
        None
    }

    /// Where these subscriptions stand: `epoch:seq`, or `-`.
    pub(crate) fn cursor(&self, slots: &[usize]) -> String {
        let place = |slot| self.heard.get(slot).map_or_else(|| "-".to_owned(), Heard::cursor);
        slots.iter().map(place).collect::<Vec<_>>().join(",")
    }
}

impl Heard {
    async fn take(&mut self, shared: &Arc<Shared>) -> Result<Option<Utf8Bytes>, Refused> {
        loop {
            match &self.goes_on {
                GoesOn::After { epoch, after } => {
                    let after = *after;
                    let known = match (epoch, &self.channel.topic) {
                        (Some(epoch), _) => *epoch == self.channel.epoch,
                        // Their numbers are also found elsewhere in the API, without an epoch.
                        (None, Topic::Run(_) | Topic::Log(_) | Topic::Talk(_)) => true,
                        (None, _) => false,
                    };
                    let given =
                        if known { self.channel.resume(shared, after).await? } else { None };
                    return Ok(Some(match given {
                        Some(given) => self.answer(given),
                        None => self.gap(shared),
                    }));
                }
                GoesOn::WithSnapshot => {
                    let given = self.channel.snapshot(shared).await?;
                    return Ok(Some(self.answer(given)));
                }
                GoesOn::Behind(seq) => {
                    let given = self.channel.since(shared, *seq).await?;
                    return Ok(Some(match given {
                        Some(given) => self.advance(given),
                        None => self.gap(shared),
                    }));
                }
                GoesOn::Level { place, seq } => match self.channel.at(*place)? {
                    At::Frame(told) => {
                        self.seq = Some(told.last);
                        self.goes_on = GoesOn::Level { place: place + 1, seq: told.last };
                        return Ok(Some(told.text));
                    }
                    At::Level => return Ok(None),
                    At::Lost => self.goes_on = GoesOn::Behind(*seq),
                },
            }
        }
    }

    fn advance(&mut self, given: Given) -> Utf8Bytes {
        let Given { text, seq, place } = given;
        self.seq = Some(seq);
        self.goes_on = match place {
            Some(place) => GoesOn::Level { place, seq },
            None => GoesOn::Behind(seq),
        };
        text
    }

    /// The first frame says what the client called the topic.
    fn answer(&mut self, given: Given) -> Utf8Bytes {
        let text = self.advance(given);
        if self.asked == self.channel.topic.to_string() {
            return text;
        }
        frame::called(&text, &self.asked).into()
    }

    fn gap(&mut self, shared: &Shared) -> Utf8Bytes {
        shared.hub.told_a_gap();
        self.seq = None;
        self.goes_on = GoesOn::WithSnapshot;
        frame::gap(&self.channel.topic.to_string()).into()
    }

    fn cursor(&self) -> String {
        match (self.seq, &self.goes_on) {
            (Some(seq), _) => format!("{}:{seq}", self.channel.epoch),
            // What it came with is still to be looked at.
            (None, GoesOn::After { epoch: Some(epoch), after }) => format!("{epoch}:{after}"),
            (
                None,
                GoesOn::After { epoch: None, .. }
                | GoesOn::WithSnapshot
                | GoesOn::Behind(_)
                | GoesOn::Level { .. },
            ) => "-".to_owned(),
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.channel.leave(self.place);
    }
}
