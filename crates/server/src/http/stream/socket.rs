//! One WebSocket: what the client says changes what it hears.

use std::sync::Arc;
use std::time::Duration;

use api::stream::{Say, Subscribe};
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use super::{PING, STUCK, TOPICS, failed, resolve, too_many};
use crate::http::caller::Pass;
use crate::http::problem::Fault;
use crate::live::feed::{Feed, Item, Subscription};
use crate::shared::Shared;

/// Bytes of a message.
const MESSAGE: usize = 64 << 10;
/// One that is longer is read to its end up to here, so that the client hears why it was wrong.
const READ: usize = 256 << 10;
/// Bytes kept per connection to read into, and to write from in small pieces.
const BUFFER: usize = 4 << 10;
/// A client that is silent for so long, although pinged, is gone.
const GONE: Duration = Duration::from_secs(60);
/// Messages that mean nothing, and then it is over.
const FAULTS: u32 = 16;
/// Messages of one [`SPELL`].
const MESSAGES: u32 = 200;
const SPELL: Duration = Duration::from_secs(10);
/// The caller is not let in, or no longer.
const NOT_LET_IN: u16 = 4401;

pub(super) fn limits(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .max_message_size(READ)
        .max_frame_size(READ)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
}

/// Until one of the two has enough.
pub(super) async fn talk(
    socket: WebSocket,
    shared: Arc<Shared>,
    pass: Option<Pass>,
    denied: Option<Fault>,
) {
    let now = Instant::now();
    let feed = Feed::new(&shared);
    let talk = Talk {
        socket,
        shared,
        feed,
        pass,
        heard: now,
        told: now,
        checked: now,
        faults: 0,
        spell: (now, 0),
    };
    talk.run(denied).await;
}

struct Talk {
    socket: WebSocket,
    shared: Arc<Shared>,
    feed: Feed,
    pass: Option<Pass>,
    /// When the client said something, and was told something, last.
    heard: Instant,
    told: Instant,
    /// When it was last asked whether the caller is let in.
    checked: Instant,
    faults: u32,
    /// Messages since then.
    spell: (Instant, u32),
}

enum Next {
    Said(Option<Result<Message, axum::Error>>),
    /// There is something to take.
    Ready,
    /// Nothing was said for a while.
    Silence,
    /// Somebody may have lost a right.
    Rights,
    Stop,
}

/// Why a connection ends. `None`: nobody is there to be told.
type Over = Option<(u16, &'static str)>;

impl Talk {
    async fn run(mut self, denied: Option<Fault>) {
        let shared = Arc::clone(&self.shared);
        let over = match (denied, shared.hub.admit()) {
            (Some(fault), _) => self.refuse(&fault, (NOT_LET_IN, "not let in")).await,
            (None, Err(refused)) => {
                self.refuse(&refused.into(), (close_code::AGAIN, "too many streams")).await
            }
            (None, Ok(_room)) => self.follow().await,
        };
        if let Some((code, reason)) = over {
            self.close(code, reason).await;
        }
    }

    async fn follow(&mut self) -> Over {
        let shared = Arc::clone(&self.shared);
        let mut rights = shared.hub.rights();
        let mut stopped = std::pin::pin!(shared.stopped());
        loop {
            let next = if self.feed.is_ready() {
                if shared.is_stopping() {
                    Next::Stop
                } else if rights.has_changed().unwrap_or(false) || self.checked.elapsed() > PING {
                    rights.mark_unchanged();
                    Next::Rights
                } else {
                    // What the client says comes first: it may be that it has enough.
                    self.socket.recv().now_or_never().map_or(Next::Ready, Next::Said)
                }
            } else {
                tokio::select! {
                    said = self.socket.recv() => Next::Said(said),
                    () = self.feed.ready() => Next::Ready,
                    _changed = rights.changed() => Next::Rights,
                    () = tokio::time::sleep_until(self.told + PING) => Next::Silence,
                    () = &mut stopped => Next::Stop,
                }
            };
            let done = match next {
                Next::Said(said) => self.hear(said).await,
                Next::Ready => self.tell().await,
                Next::Silence => self.ping().await,
                Next::Rights => self.check().await,
                Next::Stop => Err(Some((close_code::AWAY, "the server is stopping"))),
            };
            if let Err(over) = done {
                return over;
            }
        }
    }

    async fn tell(&mut self) -> Result<(), Over> {
        match self.feed.take().await {
            None => Ok(()),
            // Its room is given back when it is sent.
            Some(Item::Frame(text, _room)) => self.send(text).await,
            Some(Item::Ended(topic, refused)) => {
                let frame = failed(&Fault::from(refused), Some(topic));
                self.send(frame.into()).await
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Over> {
        if self.heard.elapsed() > GONE {
            return Err(Some((close_code::AWAY, "nothing was heard")));
        }
        self.check().await?;
        // The first for those who only see messages, the second makes the other end answer.
        self.send("{\"ping\":true}".into()).await?;
        self.put(Message::Ping(axum::body::Bytes::new())).await
    }

    /// Whether the caller is still let in.
    async fn check(&mut self) -> Result<(), Over> {
        self.checked = Instant::now();
        let Some(pass) = &self.pass else { return Ok(()) };
        match pass.check(&self.shared).await {
            Ok(()) => Ok(()),
            Err(fault) => Err(self.refuse(&fault, (NOT_LET_IN, "not let in any more")).await),
        }
    }

    async fn hear(&mut self, said: Option<Result<Message, axum::Error>>) -> Result<(), Over> {
        self.heard = Instant::now();
        let text = match said {
            None | Some(Ok(Message::Close(_))) => return Err(None),
            Some(Ok(Message::Text(text))) if text.len() > MESSAGE => {
                let fault = Fault::too_large(format!("a message has at most {MESSAGE} bytes"));
                return Err(self.refuse(&fault, (close_code::SIZE, "too large")).await);
            }
            Some(Err(error)) => {
                let fault = Fault::bad_request(format!("this is no message: {error}"));
                return Err(self.refuse(&fault, (close_code::PROTOCOL, "no message")).await);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return self.count(),
            Some(Ok(Message::Binary(_))) => {
                return self.blame(&Fault::bad_request("messages are JSON in text frames")).await;
            }
            Some(Ok(Message::Text(text))) => text,
        };
        self.count()?;
        match serde_json::from_str::<Say>(&text) {
            Ok(Say { sub, unsub }) => {
                for topic in unsub {
                    self.feed.unsubscribe(&topic);
                }
                for wanted in sub {
                    self.subscribe(wanted).await?;
                }
                Ok(())
            }
            Err(error) => {
                let form = r#"{"sub": [{"topic": "runs"}]}"#;
                let fault = Fault::bad_request(format!("this message means nothing: {error}"));
                self.blame(&fault.hint(format!("subscribe with {form}"))).await
            }
        }
    }

    async fn subscribe(&mut self, wanted: Subscribe) -> Result<(), Over> {
        let Subscribe { topic: asked, epoch, after } = wanted;
        let listened = match resolve(&self.shared, &asked).await {
            Ok(_) if self.feed.len() >= TOPICS => Err(too_many()),
            Ok(topic) => {
                let to = Subscription { topic, asked: asked.clone(), epoch, after };
                self.feed.subscribe(to).await.map(|_slot| ()).map_err(Fault::from)
            }
            Err(fault) => Err(fault),
        };
        match listened {
            Ok(()) => Ok(()),
            Err(fault) => self.send(failed(&fault, Some(shown(asked))).into()).await,
        }
    }

    /// Whoever says more than a person or a page would is cut.
    fn count(&mut self) -> Result<(), Over> {
        let (begun, messages) = &mut self.spell;
        if begun.elapsed() > SPELL {
            (*begun, *messages) = (Instant::now(), 0);
        }
        *messages += 1;
        if *messages > MESSAGES {
            return Err(Some((close_code::POLICY, "too many messages")));
        }
        Ok(())
    }

    /// Says what was wrong; too often is once too often.
    async fn blame(&mut self, fault: &Fault) -> Result<(), Over> {
        self.faults += 1;
        if self.faults > FAULTS {
            return Err(Some((close_code::POLICY, "too many messages that mean nothing")));
        }
        self.send(failed(fault, None).into()).await
    }

    /// The last word, and why.
    async fn refuse(&mut self, fault: &Fault, over: (u16, &'static str)) -> Over {
        self.send(failed(fault, None).into()).await.ok().map(|()| over)
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Over> {
        self.told = Instant::now();
        self.put(Message::Text(text)).await
    }

    /// Whoever takes nothing is cut: nobody is there to be told why.
    async fn put(&mut self, message: Message) -> Result<(), Over> {
        match timeout(STUCK, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }

    /// Says goodbye, and hears it answered.
    async fn close(mut self, code: u16, reason: &'static str) {
        let goodbye = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let heard = async {
            if self.socket.send(goodbye).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        // A client that does not answer is left alone.
        let _answered = timeout(Duration::from_secs(2), heard).await;
    }
}

/// As much of a name as is worth saying again.
fn shown(mut asked: String) -> String {
    let end = (0..=asked.len().min(64)).rev().find(|at| asked.is_char_boundary(*at));
    asked.truncate(end.unwrap_or(0));
    asked
}
