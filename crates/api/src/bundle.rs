//! A run in one document, to be looked at elsewhere: `GET /api/runs/{run}/export`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::artifact::ArtifactView;
use crate::run::{EventView, RunDetail};

/// The schema of a [`Bundle`].
pub const SCHEMA: &str = "orchestrate.bundle/v1";

/// Everything that is needed to fold the run again, without the folder it came from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Bundle {
    /// [`SCHEMA`]
    pub schema: String,
    /// As it was when it was exported.
    pub run: RunDetail,
    /// The YAML of its revision.
    pub definition: String,
    /// All of them, from 1, with their hash chain.
    pub events: Vec<EventView>,
    #[serde(default)]
    pub artifacts: Vec<ArtifactView>,
    /// By digest: the content of artifacts that are UTF-8 text of at most 1 MiB.
    #[serde(default)]
    pub contents: BTreeMap<String, String>,
    /// Captured output: the last 64 KiB of each attempt, lossy UTF-8.
    #[serde(default)]
    pub logs: Vec<BundledLog>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BundledLog {
    /// `implement[2]`
    pub stage: String,
    pub attempt: u32,
    /// Bytes before `text` that are left out.
    pub skipped: u64,
    pub text: String,
}
