//! Calls about the roll-out.

use api::rollout::{Queues, RolloutCheck, RolloutView, Switch};
use http::Method;

use super::{Client, decode};
use crate::error::Result;

impl Client {
    pub async fn rollout(&self) -> Result<RolloutView> {
        self.get("/api/rollout").await
    }

    pub async fn switch_rollout(&self, body: &Switch) -> Result<RolloutView> {
        self.post("/api/rollout/switch", body).await
    }

    pub async fn give_up_drain(&self) -> Result<RolloutView> {
        decode(self.send(Method::DELETE, "/api/rollout/draining", &()).await?).await
    }

    pub async fn check_rollout(&self) -> Result<RolloutCheck> {
        self.get("/api/rollout/check").await
    }

    pub async fn queues(&self) -> Result<Queues> {
        self.get("/api/queues").await
    }
}
