//! Live messages: newline-delimited JSON of `GET /api/runs/{run}/feed?after=SEQ`.
//!
//! The server sends a `snapshot`, then every change after it in order; the stream ends after the
//! run has finished. A dropped connection resumes with `after` and misses nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::{EventView, RunDetail, RunSummary};

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    Snapshot {
        run: Box<RunDetail>,
    },
    /// Events of one commit, and the run's summary after them.
    Events {
        events: Vec<EventView>,
        summary: Box<RunSummary>,
    },
    /// Captured output grew: total bytes so far.
    Output {
        stage: String,
        attempt: u32,
        bytes: u64,
        last_line: String,
    },
    /// Nothing happened for 15 s.
    Ping,
}

/// One record of `GET /api/runs/{run}/logs/{stage}?format=lines`, newline-delimited JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Captured {
    /// A line without its end; lossy UTF-8. A longer line than 64 KiB comes in parts.
    Line {
        /// Of its first byte in the attempt's output.
        offset: u64,
        /// When its first byte was captured.
        at: Option<Timestamp>,
        text: String,
    },
    /// Bytes `start..end` were dropped by the cap on captured output.
    Gap { start: u64, end: u64 },
}
