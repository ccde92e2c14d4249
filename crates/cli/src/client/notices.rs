//! Calls about notices and their targets.

use api::Page;
use api::notice::{NoticeView, NotifyTarget, TargetTested, TestTarget};

use super::{Client, Query, path};
use crate::error::Result;

/// `GET /api/notices`
#[derive(Clone, Debug, Default)]
pub struct NoticesQuery {
    pub target: Option<String>,
    /// Words with commas.
    pub status: Option<String>,
    pub run: Option<String>,
    pub limit: u32,
    pub after: Option<String>,
}

impl Client {
    pub async fn notices(&self, wanted: &NoticesQuery) -> Result<Page<NoticeView>> {
        let mut query = Query::new("/api/notices");
        query.add_some("target", wanted.target.as_deref());
        query.add_some("status", wanted.status.as_deref());
        query.add_some("run", wanted.run.as_deref());
        query.add("limit", &wanted.limit.to_string());
        query.add_some("after", wanted.after.as_deref());
        self.get(&query.text).await
    }

    pub async fn notice(&self, id: &str) -> Result<NoticeView> {
        self.get(&path(&["api", "notices", id])).await
    }

    pub async fn retry_notice(&self, id: &str) -> Result<NoticeView> {
        self.post(&path(&["api", "notices", id, "retry"]), &serde_json::json!({})).await
    }

    pub async fn notify_targets(&self) -> Result<Page<NotifyTarget>> {
        self.get("/api/notify/targets").await
    }

    pub async fn test_target(&self, target: &str) -> Result<TargetTested> {
        self.post("/api/notify/test", &TestTarget { target: target.to_owned() }).await
    }
}
