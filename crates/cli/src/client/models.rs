//! Calls about models: what they were asked, what it cost, and who answers.

use api::Page;
use api::model::{
    CostView, ModelCallDetail, ModelCallView, ModelProvider, ModelTested, RunCost, TestModel,
};

use super::{Client, Query, path};
use crate::error::Result;

/// `GET /api/runs/{run}/model-calls`
#[derive(Clone, Debug, Default)]
pub struct ModelCallsQuery {
    pub stage: Option<String>,
    pub limit: u32,
    pub after: Option<String>,
}

impl Client {
    pub async fn run_cost(&self, run: &str) -> Result<RunCost> {
        self.get(&path(&["api", "runs", run, "cost"])).await
    }

    pub async fn model_calls(
        &self,
        run: &str,
        wanted: &ModelCallsQuery,
    ) -> Result<Page<ModelCallView>> {
        let mut query = Query::new(&path(&["api", "runs", run, "model-calls"]));
        query.add_some("stage", wanted.stage.as_deref());
        query.add("limit", &wanted.limit.to_string());
        query.add_some("after", wanted.after.as_deref());
        self.get(&query.text).await
    }

    pub async fn model_call(&self, run: &str, id: &str) -> Result<ModelCallDetail> {
        self.get(&path(&["api", "runs", run, "model-calls", id])).await
    }

    pub async fn model_costs(
        &self,
        by: &str,
        days: Option<u16>,
        limit: u32,
    ) -> Result<Page<CostView>> {
        let mut query = Query::new("/api/costs");
        query.add("by", by);
        query.add_some("days", days.map(|days| days.to_string()).as_deref());
        query.add("limit", &limit.to_string());
        self.get(&query.text).await
    }

    pub async fn models(&self) -> Result<Page<ModelProvider>> {
        self.get("/api/models").await
    }

    pub async fn test_model(&self, provider: &str, body: &TestModel) -> Result<ModelTested> {
        self.post(&path(&["api", "models", provider, "test"]), body).await
    }
}
