//! Artifacts: files that stages left.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactView {
    pub id: String,
    pub run: String,
    pub run_name: String,
    /// `plan` or `implement[2]`
    pub stage: String,
    pub attempt: u32,
    /// As declared.
    pub name: String,
    pub path: String,
    /// `json md txt html csv py mermaid png jpeg svg binary`
    pub format: String,
    pub bytes: u64,
    /// Hex SHA-256.
    pub digest: String,
    /// `staged promoted superseded dropped`
    #[schema(schema_with = crate::words::artifact_status)]
    pub status: String,
    pub created_at: Timestamp,
}

/// `GET /api/artifacts/{id}/diff?against=ID`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ArtifactDiff {
    pub from: ArtifactView,
    pub to: ArtifactView,
    pub same: bool,
    /// A unified diff; `None` when one of them is no text or larger than 1 MiB.
    pub diff: Option<String>,
}
