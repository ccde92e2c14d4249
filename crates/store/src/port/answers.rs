//! Answers kept under the keys of requests that are sent again.

use jiff::{SignedDuration, Timestamp};

/// So long a key means the same request; then it is free again.
pub const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a request that named a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// Of whose request it is: keys of different callers have nothing to do with each other.
    pub caller: String,
    pub key: String,
    /// Of the whole request, so that another one under the same key is told from it.
    pub digest: String,
    /// When it came first.
    pub at: Timestamp,
    /// `None`: it was never answered; what it asked for may have been done.
    pub answer: Option<KeptAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    /// Its content type; empty when it has no body.
    pub kind: String,
    pub body: Vec<u8>,
}
