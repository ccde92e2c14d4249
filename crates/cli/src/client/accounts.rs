//! Users, sessions, secrets.

use api::Page;
use api::account::{CreateUser, LinkView, Rekeyed, SecretView, SetSecret, UpdateUser, UserView};
use http::Method;

use super::{Client, Query, decode, path};
use crate::error::Result;

impl Client {
    pub async fn users(&self) -> Result<Page<UserView>> {
        self.get("/api/users").await
    }

    pub async fn user(&self, name: &str) -> Result<UserView> {
        self.get(&path(&["api", "users", name])).await
    }

    pub async fn create_user(&self, body: &CreateUser) -> Result<UserView> {
        self.post("/api/users", body).await
    }

    pub async fn update_user(&self, name: &str, body: &UpdateUser) -> Result<UserView> {
        decode(self.send(Method::PATCH, &path(&["api", "users", name]), body).await?).await
    }

    pub async fn session_link(&self) -> Result<LinkView> {
        self.post("/api/session/link", &serde_json::json!({})).await
    }

    pub async fn secrets(&self) -> Result<Page<SecretView>> {
        self.get("/api/secrets").await
    }

    pub async fn set_secret(&self, name: &str, body: &SetSecret) -> Result<SecretView> {
        decode(self.send(Method::PUT, &path(&["api", "secrets", name]), body).await?).await
    }

    pub async fn remove_secret(
        &self,
        name: &str,
        pipeline: Option<&str>,
        environment: Option<&str>,
    ) -> Result<()> {
        let mut query = Query::new(&path(&["api", "secrets", name]));
        query.add_some("pipeline", pipeline);
        query.add_some("environment", environment);
        self.send(Method::DELETE, &query.text, &()).await.map(drop)
    }

    pub async fn rekey(&self) -> Result<Rekeyed> {
        self.post("/api/secret-key", &serde_json::json!({})).await
    }
}
