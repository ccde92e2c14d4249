//! Calls about tasks.

use api::Page;
use api::run::RunSummary;
use api::task::{ChangeTask, CreateTask, StartTask, StopTask, TaskView};
use http::Method;

use super::{Client, Query, decode, path};
use crate::error::Result;

/// `GET /api/tasks`
#[derive(Clone, Debug, Default)]
pub struct TasksQuery {
    pub status: Option<String>,
    pub label: Option<String>,
    pub limit: u32,
    pub after: Option<String>,
}

impl Client {
    pub async fn tasks(&self, wanted: &TasksQuery) -> Result<Page<TaskView>> {
        let mut query = Query::new("/api/tasks");
        query.add("limit", &wanted.limit.to_string());
        query.add_some("status", wanted.status.as_deref());
        query.add_some("label", wanted.label.as_deref());
        query.add_some("after", wanted.after.as_deref());
        self.get(&query.text).await
    }

    pub async fn task(&self, id: &str) -> Result<TaskView> {
        self.get(&path(&["api", "tasks", id])).await
    }

    pub async fn create_task(&self, body: &CreateTask) -> Result<TaskView> {
        self.post("/api/tasks", body).await
    }

    pub async fn change_task(&self, id: &str, body: &ChangeTask) -> Result<TaskView> {
        decode(self.send(Method::PATCH, &path(&["api", "tasks", id]), body).await?).await
    }

    pub async fn delete_task(&self, id: &str) -> Result<()> {
        self.send(Method::DELETE, &path(&["api", "tasks", id]), &()).await.map(drop)
    }

    pub async fn start_task(&self, id: &str, body: &StartTask) -> Result<RunSummary> {
        self.post(&path(&["api", "tasks", id, "start"]), body).await
    }

    pub async fn stop_task(&self, id: &str, body: &StopTask) -> Result<TaskView> {
        self.post(&path(&["api", "tasks", id, "stop"]), body).await
    }

    pub async fn runs_of_task(
        &self,
        id: &str,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page<RunSummary>> {
        let mut query = Query::new(&path(&["api", "tasks", id, "runs"]));
        query.add("limit", &limit.to_string());
        query.add_some("after", after);
        self.get(&query.text).await
    }
}
