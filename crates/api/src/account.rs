//! Users, sessions, secrets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/users`
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    pub name: String,
    #[serde(default)]
    pub full_name: String,
    #[serde(default)]
    pub email: String,
    /// Without any: `viewer`.
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub groups: Vec<String>,
    /// Without one they log in by a token or a provider only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password)]
    pub password: Option<String>,
    /// What the provider of `oidc` calls them for itself: their `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// `PATCH /api/users/{name}`: what is not given stays.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Ends all of their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password)]
    pub password: Option<String>,
    /// What the provider of `oidc` calls them for itself: their `sub`; an empty one is none. Another
    /// one ends all of their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Lets them in no more, by whatever they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

impl std::fmt::Debug for CreateUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateUser").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for UpdateUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateUser").field("disabled", &self.disabled).finish_non_exhaustive()
    }
}

/// `GET /api/users`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    pub name: String,
    pub full_name: String,
    pub email: String,
    /// Of the store and of `config.yaml` together, groups as well.
    pub roles: Vec<String>,
    pub groups: Vec<String>,
    /// What these roles give.
    pub rights: Vec<String>,
    /// `store`, `config` (only `config.yaml` lists them) or `oidc`.
    pub origin: String,
    /// Their identity at the provider: its address, a space, and what it calls them.
    pub subject: Option<String>,
    pub has_password: bool,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
}

/// `POST /api/session`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub user: String,
    #[schema(format = Password)]
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    pub id: String,
    pub user: String,
    /// `password`, `link` or `oidc`.
    pub via: String,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    /// When it ends by itself, unless it is used before.
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// `GET /api/session/oidc`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    /// Whether there is a provider to sign in by.
    pub configured: bool,
    /// Its address.
    pub issuer: Option<String>,
    /// Where a browser goes to sign in: `/api/session/oidc/start`, with `?return_to=/..`.
    pub start: Option<String>,
}

/// `POST /api/session/link`
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// Opens once: `/login/<code>`.
    #[schema(format = Password)]
    pub path: String,
    /// The whole of it, where the server listens on TCP.
    #[schema(format = Password)]
    pub url: Option<String>,
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for LinkView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkView").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// `PUT /api/secrets/{name}`: for all, or only for one pipeline or one environment.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    #[schema(format = Password)]
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl std::fmt::Debug for SetSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetSecret").finish_non_exhaustive()
    }
}

/// `GET /api/secrets`: never a value.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    pub name: String,
    pub pipeline: Option<String>,
    pub environment: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub updated_at: Timestamp,
    pub updated_by: String,
}

/// `POST /api/secret-key`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Rekeyed {
    /// How many secrets are sealed with it now.
    pub secrets: u64,
    /// Its name, not itself.
    pub key: String,
}
