//! One answer: what there is to tell, or what happens next.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::http::problem::Fault;
use crate::live::feed::{Feed, Item};
use crate::shared::Shared;

/// Waited when not said, and at most.
const WAIT: u64 = 25;
const WAIT_MAX: u64 = 55;
/// An answer that is longer takes no more frames; nor does one with so many.
const LONG: usize = 1 << 20;
const MANY: usize = 256;

pub(super) async fn answer(
    shared: &Arc<Shared>,
    mut feed: Feed,
    slots: &[usize],
    wait: Option<u64>,
) -> impl IntoResponse + use<> {
    let wait = Duration::from_secs(wait.unwrap_or(WAIT).min(WAIT_MAX));
    let end = tokio::time::Instant::now() + wait;
    let asked = feed.cursor(slots);
    let mut frames = collect(&mut feed).await;
    // Of each topic it is said where it goes on, also where nothing has happened since.
    let mut is_news = feed.cursor(slots) != asked || !frames.iter().all(|frame| goes_on(frame));
    while !is_news {
        tokio::select! {
            () = feed.ready() => {
                let more = collect(&mut feed).await;
                is_news = !more.is_empty();
                frames.extend(more);
            }
            () = tokio::time::sleep_until(end) => break,
            () = shared.stopped() => break,
        }
    }
    let body =
        format!("{{\"cursor\":\"{}\",\"frames\":[{}]}}", feed.cursor(slots), frames.join(","));
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body)
}

/// Whether a frame tells of no event.
fn goes_on(frame: &str) -> bool {
    frame.contains(r#""ev":[]"#)
}

async fn collect(feed: &mut Feed) -> Vec<String> {
    let (mut frames, mut bytes) = (Vec::new(), 0);
    while bytes < LONG && frames.len() < MANY {
        let text = match feed.take().await {
            None => break,
            Some(Item::Frame(text, _room)) => text.as_str().to_owned(),
            Some(Item::Ended(topic, refused)) => super::failed(&Fault::from(refused), Some(topic)),
        };
        bytes += text.len();
        frames.push(text);
    }
    frames
}
