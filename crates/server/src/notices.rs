//! Notices: people are told what waits for them and what became of runs.
//!
//! The conductor derives them from events and stores them in the same commit
//! (`conductor::notices`); from there each goes to its target, in order (`outbox`).

mod command;
pub(crate) mod content;
mod delivery;
pub(crate) mod fault;
mod kind;
mod letter;
pub(crate) mod outbox;
mod slack;
pub(crate) mod smtp;
mod webhook;

use std::time::Duration;

use jiff::Timestamp;
use store::port::NoticeRow;

use crate::config::notify::{Notify, Target};
use crate::shared::Shared;
use content::Content;
use fault::Fault;
pub(crate) use kind::Kind;
use letter::Letter;
pub(crate) use letter::{id, segment};

/// A notice in words, as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) run: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) url: Option<String>,
    pub(crate) command: String,
}

pub(crate) fn told(row: &NoticeRow, notify: &Notify) -> Told {
    let content: Content = serde_json::from_value(row.content.clone()).unwrap_or_default();
    let letter = Letter::new(row, notify.public_url.as_deref(), Vec::new());
    let Letter { title, text, url, command, .. } = letter;
    Told { run: content.run, title, text, url, command }
}

/// Users, groups and roles that are to be addressed themselves.
fn addressed(row: &NoticeRow) -> Option<Vec<String>> {
    let content: Content = serde_json::from_value(row.content.clone()).unwrap_or_default();
    content.addressed.then_some(content.people)
}

/// Sends one that says nothing, past the outbox. How long it took.
pub(crate) async fn test(
    shared: &Shared,
    target: &Target,
    by: &str,
    at: Timestamp,
    public_url: Option<&str>,
) -> (Duration, Result<String, Fault>) {
    let key = uuid::Uuid::now_v7().simple().to_string();
    let letter = Letter::test(key, by, at, public_url);
    let begun = std::time::Instant::now();
    let tried = delivery::deliver(shared, target, &letter).await;
    (begun.elapsed(), tried)
}
