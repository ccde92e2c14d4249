//! Calls about versions, undoing, artifacts, events and why nothing happens.

use api::Page;
use api::artifact::{ArtifactDiff, ArtifactView};
use api::event::{EventDetail, Judged, ReplayEvent, TestTriggers, TriggerView};
use api::flow::{
    Advance, AuditEntry, Breakpoints, Explained, Extend, GiveEvent, GivenEvent, Impact, Rewind,
    RewindPipeline, RollBack, Undoing, Verified,
};
use api::run::{RunDetail, RunSummary};
use api::trigger::ScheduleView;
use axum::body::Body;
use http::Method;

use super::{Client, Query, decode, path};
use crate::error::Result;

/// `GET /api/artifacts`
#[derive(Clone, Debug, Default)]
pub struct ArtifactsQuery {
    pub run: Option<String>,
    pub stage: Option<String>,
    pub limit: Option<u32>,
    pub after: Option<String>,
}

/// `GET /api/audit`
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub run: Option<String>,
    pub by: Option<String>,
    pub action: Option<String>,
    pub limit: Option<u32>,
    pub after: Option<String>,
}

impl Client {
    /// The run as it was after its `at`th event.
    pub async fn run_at(&self, run: &str, at: u64) -> Result<RunDetail> {
        let mut query = Query::new(&path(&["api", "runs", run]));
        query.add("at", &at.to_string());
        self.get(&query.text).await
    }

    pub async fn extend(&self, run: &str, body: &Extend) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "extend"]), body).await
    }

    pub async fn rollback_impact(&self, run: &str, to: &str) -> Result<Impact> {
        let mut query = Query::new(&path(&["api", "runs", run, "rollback"]));
        query.add("to", to);
        self.get(&query.text).await
    }

    pub async fn roll_back(&self, run: &str, body: &RollBack) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "rollback"]), body).await
    }

    pub async fn rewind_impact(&self, run: &str, to: &str, inclusive: bool) -> Result<Impact> {
        let mut query = Query::new(&path(&["api", "runs", run, "rewind"]));
        query.add("to", to);
        query.add("inclusive", if inclusive { "true" } else { "false" });
        self.get(&query.text).await
    }

    pub async fn rewind(&self, run: &str, body: &Rewind) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "rewind"]), body).await
    }

    pub async fn undo_rewind(&self, run: &str) -> Result<RunSummary> {
        let path = path(&["api", "runs", run, "rewind", "undo"]);
        self.post(&path, &serde_json::json!({})).await
    }

    pub async fn rewind_pipeline(&self, name: &str, to: u64) -> Result<Undoing> {
        self.post(&path(&["api", "pipelines", name, "rewind"]), &RewindPipeline { to }).await
    }

    pub async fn undo_rewind_of_pipeline(&self, name: &str) -> Result<Undoing> {
        let path = path(&["api", "pipelines", name, "rewind", "undo"]);
        self.post(&path, &serde_json::json!({})).await
    }

    pub async fn undoings(&self, run: &str) -> Result<Page<Undoing>> {
        self.get(&path(&["api", "runs", run, "undoings"])).await
    }

    pub async fn undoings_of_pipeline(&self, name: &str) -> Result<Page<Undoing>> {
        self.get(&path(&["api", "pipelines", name, "undoings"])).await
    }

    pub async fn advance(&self, run: &str, stage: Option<String>) -> Result<RunSummary> {
        self.post(&path(&["api", "runs", run, "advance"]), &Advance { stage }).await
    }

    pub async fn set_breakpoints(&self, run: &str, body: &Breakpoints) -> Result<RunSummary> {
        let path = path(&["api", "runs", run, "breakpoints"]);
        decode(self.send(Method::PUT, &path, body).await?).await
    }

    pub async fn explain(&self, run: &str) -> Result<Page<Explained>> {
        self.get(&path(&["api", "runs", run, "explain"])).await
    }

    /// All of a run in one document.
    pub async fn export(&self, run: &str) -> Result<Body> {
        let path = path(&["api", "runs", run, "export"]);
        Ok(self.send(Method::GET, &path, &()).await?.into_body())
    }

    pub async fn artifacts(&self, wanted: &ArtifactsQuery) -> Result<Page<ArtifactView>> {
        let mut query = Query::new("/api/artifacts");
        query.add_some("run", wanted.run.as_deref());
        query.add_some("stage", wanted.stage.as_deref());
        query.add_some("limit", wanted.limit.map(|limit| limit.to_string()).as_deref());
        query.add_some("after", wanted.after.as_deref());
        self.get(&query.text).await
    }

    pub async fn artifact(&self, id: &str) -> Result<ArtifactView> {
        self.get(&path(&["api", "artifacts", id])).await
    }

    pub async fn artifact_content(&self, id: &str) -> Result<Body> {
        let path = path(&["api", "artifacts", id, "content"]);
        Ok(self.send(Method::GET, &path, &()).await?.into_body())
    }

    pub async fn artifact_diff(&self, id: &str, against: &str) -> Result<ArtifactDiff> {
        let mut query = Query::new(&path(&["api", "artifacts", id, "diff"]));
        query.add("against", against);
        self.get(&query.text).await
    }

    pub async fn give_event(&self, event: &GiveEvent) -> Result<GivenEvent> {
        self.post("/api/events", event).await
    }

    pub async fn given_events(&self, limit: u32, after: Option<&str>) -> Result<Page<GivenEvent>> {
        let mut query = Query::new("/api/events");
        query.add("limit", &limit.to_string());
        query.add_some("after", after);
        self.get(&query.text).await
    }

    pub async fn event(&self, id: &str) -> Result<EventDetail> {
        self.get(&path(&["api", "events", id])).await
    }

    pub async fn event_matches(&self, id: &str) -> Result<Judged> {
        self.get(&path(&["api", "events", id, "matches"])).await
    }

    pub async fn replay(&self, id: &str, body: &ReplayEvent) -> Result<GivenEvent> {
        self.post(&path(&["api", "events", id, "replay"]), body).await
    }

    /// Of a body that asks for a dry run.
    pub async fn replay_dry(&self, id: &str, body: &ReplayEvent) -> Result<Judged> {
        self.post(&path(&["api", "events", id, "replay"]), body).await
    }

    pub async fn triggers(&self, pipeline: Option<&str>) -> Result<Page<TriggerView>> {
        let mut query = Query::new("/api/triggers");
        query.add_some("pipeline", pipeline);
        self.get(&query.text).await
    }

    pub async fn test_triggers(&self, body: &TestTriggers) -> Result<Judged> {
        self.post("/api/triggers/test", body).await
    }

    pub async fn schedules(
        &self,
        pipeline: Option<&str>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page<ScheduleView>> {
        let mut query = Query::new("/api/schedules");
        query.add("limit", &limit.to_string());
        query.add_some("pipeline", pipeline);
        query.add_some("after", after);
        self.get(&query.text).await
    }

    pub async fn audit(&self, wanted: &AuditQuery) -> Result<Page<AuditEntry>> {
        let mut query = Query::new("/api/audit");
        query.add_some("run", wanted.run.as_deref());
        query.add_some("by", wanted.by.as_deref());
        query.add_some("action", wanted.action.as_deref());
        query.add_some("limit", wanted.limit.map(|limit| limit.to_string()).as_deref());
        query.add_some("after", wanted.after.as_deref());
        self.get(&query.text).await
    }

    pub async fn verify_audit(&self) -> Result<Verified> {
        self.get("/api/audit/verify").await
    }
}
