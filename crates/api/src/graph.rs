//! A graph of stages with places, as a page draws it: `GET /api/runs/{run}/graph` and
//! `GET /api/pipelines/{name}/graph`.
//!
//! Places follow from the definition alone: whatever happens in a run, nothing moves. They are
//! counted in cells, to be scaled by whoever draws.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Graph {
    pub pipeline: String,
    pub revision: u32,
    /// Of a run: the number of its last event that is shown here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Cells from left to right, and from top to bottom.
    pub width: u32,
    pub height: u32,
    /// In the order of the definition. Stages that only a rollback starts are shown by the stage
    /// that they undo.
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphNode {
    pub name: String,
    /// `run python noop form pipeline`
    pub kind: String,
    pub x: u32,
    pub y: u32,
    /// What a name does not say: `xN [approval 2] [form]`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mark: String,
    /// Of a run, from here on; as in a run's stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// How many there were.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// Of a stage with instances: how many have which status.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instances: BTreeMap<String, u32>,
    /// Status of what undoes it, once that has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

/// From the right side of one node to the left side of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphEdge {
    /// Places in `nodes`.
    pub from: usize,
    pub to: usize,
    /// It waits for an event of the other, not for its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loose: bool,
    /// Cells `[x, y]` that it bends in, from left to right; they are free of nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<[u32; 2]>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}
