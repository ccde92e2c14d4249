//! Server-sent events: a body that is written frame by frame.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout};

use super::{PING, STUCK, failed};
use crate::http::caller::Pass;
use crate::http::problem::Fault;
use crate::live::feed::{Feed, Item};
use crate::shared::Shared;

/// A client waits so long before it connects again.
const RETRY: &str = "retry: 1000\n\n";

pub(super) fn answer(
    shared: Arc<Shared>,
    feed: Feed,
    slots: Vec<usize>,
    pass: Option<Pass>,
    room: OwnedSemaphorePermit,
) -> Response {
    // One frame waits for the network, not more.
    let (out, pieces) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let _room = room;
        Sender { shared, feed, slots, pass, out }.send_all().await;
    });
    let body = futures_util::stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((Ok::<_, Infallible>(piece), pieces))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // Proxies are asked not to hold it back.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

struct Sender {
    shared: Arc<Shared>,
    feed: Feed,
    slots: Vec<usize>,
    pass: Option<Pass>,
    out: mpsc::Sender<Bytes>,
}

impl Sender {
    async fn send_all(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut rights = shared.hub.rights();
        let mut stopped = std::pin::pin!(shared.stopped());
        let mut checked = Instant::now();
        if !self.send(RETRY.into()).await {
            return;
        }
        loop {
            if rights.has_changed().unwrap_or(false) || checked.elapsed() > PING {
                rights.mark_unchanged();
                checked = Instant::now();
                if !self.is_let_in().await {
                    return;
                }
            }
            if let Some(item) = self.feed.take().await {
                if !self.tell(item).await || shared.is_stopping() {
                    return;
                }
                continue;
            }
            if self.feed.len() == 0 {
                return;
            }
            tokio::select! {
                () = self.feed.ready() => {}
                _changed = rights.changed() => rights.mark_changed(),
                () = self.out.closed() => return,
                () = &mut stopped => return,
                () = tokio::time::sleep(PING) => {
                    if !self.is_let_in().await || !self.send(": ping\n\n".into()).await {
                        return;
                    }
                }
            }
        }
    }

    async fn tell(&mut self, item: Item) -> bool {
        let cursor = self.feed.cursor(&self.slots);
        match item {
            // Its room is given back when it is taken, or the client is cut.
            Item::Frame(text, _room) => {
                self.send(format!("id: {cursor}\ndata: {text}\n\n").into()).await
            }
            Item::Ended(topic, refused) => {
                let frame = failed(&Fault::from(refused), Some(topic));
                self.send(format!("id: {cursor}\ndata: {frame}\n\n").into()).await
            }
        }
    }

    async fn is_let_in(&self) -> bool {
        let Some(pass) = &self.pass else { return true };
        match pass.check(&self.shared).await {
            Ok(()) => true,
            Err(fault) => {
                self.send(format!("data: {}\n\n", failed(&fault, None)).into()).await;
                false
            }
        }
    }

    /// `false`: nobody takes it.
    async fn send(&self, piece: Bytes) -> bool {
        matches!(timeout(STUCK, self.out.send(piece)).await, Ok(Ok(())))
    }
}
