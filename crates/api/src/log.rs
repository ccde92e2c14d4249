//! Captured output, searched: `GET /api/runs/{run}/logs/{stage}/search`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    pub attempt: u32,
    /// Hits in all that was searched, on whatever page.
    pub total: u64,
    /// In the order of the log.
    pub hits: Vec<Hit>,
    /// Goes back as `?after=` for the hits that follow.
    pub next: Option<u64>,
    /// Bytes from the beginning that were searched, and that there are.
    pub searched: u64,
    pub bytes: u64,
    /// Lines that were searched.
    pub lines: u64,
    /// Everything was searched; otherwise time ran out at `searched`.
    pub complete: bool,
    /// Bytes `[start, end)` that the cap on captured output dropped. Lines behind it count on from
    /// those before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<[u64; 2]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// From 1.
    pub line: u64,
    /// Of the hit's first byte in the attempt's output.
    pub offset: u64,
    /// Of the line, as much as is worth showing; lossy UTF-8.
    pub before: String,
    pub found: String,
    pub after: String,
}
