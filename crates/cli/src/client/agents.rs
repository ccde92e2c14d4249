//! Calls about agents.

use api::Page;
use api::agents::{AgentDetail, AgentPreview, AgentSummary, PreviewAgents};

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
}
