//! Workers on other machines.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Table `workers`: one that is or was here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRow {
    pub name: String,
    /// Of its program that was heard last.
    pub session: String,
    /// Hex SHA-256 of what proves that it is the same worker after its program was started anew;
    /// empty: it has no such thing.
    pub identity: String,
    pub labels: BTreeSet<String>,
    pub slots: u32,
    pub version: String,
    pub host: String,
    pub platform: String,
    pub cpus: u32,
    pub memory_bytes: u64,
    pub state: WorkerState,
    /// Who had it drained, until it is resumed.
    pub drained_by: Option<String>,
    /// What it was told when it connected.
    pub lease_ms: u64,
    /// When it came into this state.
    pub since: Timestamp,
    /// As far as it is stored: not every sign of life is.
    pub heard_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// Its lease lasts.
    There,
    /// The same, and it takes nothing new.
    Draining,
    /// It left in peace.
    Drained,
    /// Its lease ran out.
    Lost,
}

impl WorkerState {
    /// Whether its lease lasts.
    pub fn is_there(self) -> bool {
        match self {
            Self::There | Self::Draining => true,
            Self::Drained | Self::Lost => false,
        }
    }
}

/// What happens to the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerChange {
    /// As it is from now on.
    Put(Box<WorkerRow>),
    /// Nothing happens when it is not known.
    Forget { name: String },
}
