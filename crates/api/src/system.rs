//! The server about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::RunSummary;

/// `GET /api/status`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    pub version: String,
    pub pid: u32,
    /// `serve`, `run` (a foreground run) or `drive` (a background driver).
    pub role: String,
    pub data_dir: String,
    pub address: Option<String>,
    pub uptime_ms: u64,
    pub slots: Slots,
    /// Runs that have not finished, oldest first.
    pub live: Vec<RunSummary>,
    /// The newest finished runs.
    pub recent: Vec<RunSummary>,
    pub storage: Storage,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Slots {
    pub total: u32,
    pub used: u32,
    pub queued: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Storage {
    pub ok: bool,
    /// Why writes are refused; empty when they are not.
    pub problem: String,
    pub schema: u32,
    pub bytes: u64,
}
