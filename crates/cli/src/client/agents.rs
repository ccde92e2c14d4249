//! Calls about agents.

use api::Page;
use api::agent::Happening;
use api::agents::{
    AgentDetail, AgentPreview, AgentSummary, AgentTest, HandBack, PreviewAgents, Takeover,
    TestAgent,
};
use api::stream::Polled;

use super::{Client, Query, path};
use crate::error::Result;

/// Whose definitions count, beside those of the installation.
#[derive(Clone, Debug, Default)]
pub struct Around {
    pub pipeline: Option<String>,
    pub directory: Option<String>,
}

impl Around {
    fn query(&self, path: &str) -> String {
        let mut query = Query::new(path);
        for (name, value) in [("pipeline", &self.pipeline), ("directory", &self.directory)] {
            if let Some(value) = value {
                query.add(name, value);
            }
        }
        query.text
    }
}

impl Client {
    pub async fn agents(&self, around: &Around) -> Result<Page<AgentSummary>> {
        self.get(&around.query("/api/agents")).await
    }

    pub async fn agent(&self, name: &str, around: &Around) -> Result<AgentDetail> {
        self.get(&around.query(&path(&["api", "agents", name]))).await
    }

    pub async fn preview_agents(&self, body: &PreviewAgents) -> Result<AgentPreview> {
        self.post("/api/agents/preview", body).await
    }

    /// Starts the run that tries it, where nothing is missing.
    pub async fn test_agent(&self, name: &str, body: &TestAgent) -> Result<AgentTest> {
        self.post(&path(&["api", "agents", name, "test"]), body).await
    }

    /// What the agents of an execution did after this number.
    pub async fn talk(&self, run: &str, execution: &str, after: u64) -> Result<Page<Happening>> {
        let mut query = Query::new(&path(&["api", "runs", run, "talk", execution]));
        query.add("after", &after.to_string());
        query.add("limit", "1000");
        self.get(&query.text).await
    }

    pub async fn take_over(&self, run: &str, execution: &str) -> Result<Takeover> {
        let body = serde_json::json!({});
        self.post(&path(&["api", "runs", run, "takeover", execution]), &body).await
    }

    /// Waits a while for the agent to let go.
    pub async fn takeover(&self, run: &str, execution: &str) -> Result<Takeover> {
        self.get(&path(&["api", "runs", run, "takeover", execution])).await
    }

    pub async fn hand_back(&self, run: &str, execution: &str, body: &HandBack) -> Result<Takeover> {
        self.post(&path(&["api", "runs", run, "takeover", execution, "handback"]), body).await
    }

    /// What there is to tell of these topics, or what happens next, within half a minute.
    pub async fn poll(&self, topics: &[String], cursor: Option<&str>) -> Result<Polled> {
        let mut query = Query::new("/api/v1/stream/poll");
        query.add("topics", &topics.join(","));
        query.add_some("cursor", cursor);
        self.get(&query.text).await
    }
}
