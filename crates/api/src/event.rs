//! Events from outside, and what they start.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a delivery: all of it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Delivered {
    pub events: Vec<DeliveredEvent>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeliveredEvent {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// It was there already; nothing happened.
    pub duplicate: bool,
}
