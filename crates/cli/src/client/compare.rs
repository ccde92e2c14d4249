//! Calls that look at runs without changing them.

use api::compare::{Comparison, LiveStatus};

use super::{Client, Query, path};
use crate::error::Result;

impl Client {
    /// What is recorded of a run, and what the hands say now.
    pub async fn live_status(&self, run: &str) -> Result<LiveStatus> {
        self.get(&path(&["api", "runs", run, "status"])).await
    }

    pub async fn compare(&self, a: &str, b: &str) -> Result<Comparison> {
        let mut query = Query::new("/api/runs/compare");
        query.add("a", a);
        query.add("b", b);
        self.get(&query.text).await
    }
}
