//! The server about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rollout::RolloutView;
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
    /// `None`: a server that knows no modes.
    #[serde(default)]
    pub rollout: Option<RolloutView>,
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

/// `GET /api/retention` (what would go now), `POST /api/retention` (what went).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Retained {
    /// Nothing was removed.
    pub dry_run: bool,
    pub at: jiff::Timestamp,
    /// Only kinds for which there is a rule.
    pub items: Vec<RetentionItem>,
    /// What could not be let go, and why.
    pub problems: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RetentionItem {
    /// `runs`, `output`, `workspaces`, `events`, `notices` or `artifacts`.
    pub kind: String,
    pub count: u64,
    /// Of files; what lies in the database is not weighed.
    pub bytes: u64,
}
