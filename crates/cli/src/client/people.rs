//! Calls about what people are asked: approvals, forms, who they are.

use std::collections::BTreeMap;

use api::Page;
use api::approval::{ApprovalDetail, ApprovalSummary, Approve, DelegateTo, Reject, RequestChanges};
use api::config::SettingView;
use api::flow::{CreateToken, TokenView, Whoami};
use api::input::{InputDetail, InputSummary, SaveDraft, SubmitForm, Upload};
use api::system::Retained;
use api::worker::{QueuedAttempt, WorkerView};
use axum::body::Bytes;
use http::Method;
use serde_json::Value as Json;

use super::{Client, Query, decode, path};
use crate::error::Result;

/// `GET /api/approvals`, `GET /api/inputs`
#[derive(Clone, Debug, Default)]
pub struct AskedQuery {
    pub status: Option<String>,
    pub run: Option<String>,
    pub limit: Option<u32>,
    pub after: Option<String>,
}

impl AskedQuery {
    /// What waits in this run.
    pub fn waiting_in(run: &str, status: &str) -> Self {
        Self { status: Some(status.to_owned()), run: Some(run.to_owned()), ..Self::default() }
    }

    fn text(&self, path: &str) -> String {
        let mut query = Query::new(path);
        query.add_some("status", self.status.as_deref());
        query.add_some("run", self.run.as_deref());
        query.add_some("limit", self.limit.map(|limit| limit.to_string()).as_deref());
        query.add_some("after", self.after.as_deref());
        query.text
    }
}

impl Client {
    /// What went, or would go, by the rules of retention.
    pub async fn retention(&self, dry_run: bool) -> Result<Retained> {
        if dry_run {
            return self.get("/api/retention").await;
        }
        self.post("/api/retention", &serde_json::json!({})).await
    }

    pub async fn settings(&self) -> Result<Page<SettingView>> {
        self.get("/api/config").await
    }

    pub async fn approvals(&self, wanted: &AskedQuery) -> Result<Page<ApprovalSummary>> {
        self.get(&wanted.text("/api/approvals")).await
    }

    pub async fn approval(&self, id: &str) -> Result<ApprovalDetail> {
        self.get(&path(&["api", "approvals", id])).await
    }

    pub async fn approve(&self, id: &str, body: &Approve) -> Result<ApprovalDetail> {
        self.post(&path(&["api", "approvals", id, "approve"]), body).await
    }

    pub async fn reject(&self, id: &str, body: &Reject) -> Result<ApprovalDetail> {
        self.post(&path(&["api", "approvals", id, "reject"]), body).await
    }

    pub async fn request_changes(&self, id: &str, body: &RequestChanges) -> Result<ApprovalDetail> {
        self.post(&path(&["api", "approvals", id, "request-changes"]), body).await
    }

    pub async fn delegate(&self, id: &str, to: &str) -> Result<ApprovalDetail> {
        let body = DelegateTo { to: to.to_owned() };
        self.post(&path(&["api", "approvals", id, "delegate"]), &body).await
    }

    pub async fn revoke(&self, id: &str, to: &str) -> Result<ApprovalDetail> {
        let body = DelegateTo { to: to.to_owned() };
        self.post(&path(&["api", "approvals", id, "revoke"]), &body).await
    }

    pub async fn inputs(&self, wanted: &AskedQuery) -> Result<Page<InputSummary>> {
        self.get(&wanted.text("/api/inputs")).await
    }

    pub async fn input(&self, id: &str) -> Result<InputDetail> {
        self.get(&path(&["api", "inputs", id])).await
    }

    pub async fn save_draft(
        &self,
        id: &str,
        values: BTreeMap<String, Json>,
    ) -> Result<InputDetail> {
        let path = path(&["api", "inputs", id, "draft"]);
        decode(self.send(Method::PUT, &path, &SaveDraft { values }).await?).await
    }

    pub async fn submit(&self, id: &str, body: &SubmitForm) -> Result<InputDetail> {
        self.post(&path(&["api", "inputs", id, "submit"]), body).await
    }

    /// Stores the content of a file for a field of the kind `file`.
    pub async fn upload(&self, name: &str, content: Bytes) -> Result<Upload> {
        let mut query = Query::new("/api/uploads");
        query.add("name", name);
        let kind = "application/octet-stream";
        decode(self.send_bytes(Method::POST, &query.text, kind, content).await?).await
    }

    pub async fn whoami(&self) -> Result<Whoami> {
        self.get("/api/whoami").await
    }

    pub async fn workers(&self) -> Result<Page<WorkerView>> {
        self.get("/api/workers").await
    }

    pub async fn worker(&self, name: &str) -> Result<WorkerView> {
        self.get(&path(&["api", "workers", name])).await
    }

    pub async fn drain_worker(&self, name: &str) -> Result<WorkerView> {
        self.post(&path(&["api", "workers", name, "drain"]), &()).await
    }

    pub async fn resume_worker(&self, name: &str) -> Result<WorkerView> {
        self.post(&path(&["api", "workers", name, "resume"]), &()).await
    }

    pub async fn forget_worker(&self, name: &str) -> Result<()> {
        self.send(Method::DELETE, &path(&["api", "workers", name]), &()).await.map(drop)
    }

    pub async fn queue(&self, limit: u32) -> Result<Page<QueuedAttempt>> {
        self.get(&format!("/api/queue?limit={}", limit.clamp(1, 1000))).await
    }

    pub async fn tokens(&self) -> Result<Page<TokenView>> {
        self.get("/api/tokens").await
    }

    pub async fn create_token(&self, body: &CreateToken) -> Result<TokenView> {
        self.post("/api/tokens", body).await
    }

    pub async fn revoke_token(&self, id: &str) -> Result<()> {
        self.send(Method::DELETE, &path(&["api", "tokens", id]), &()).await.map(drop)
    }
}
