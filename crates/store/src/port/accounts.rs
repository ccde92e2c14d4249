//! Accounts, sessions, secrets, and the server's own trail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Error;

/// Table `users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    pub name: String,
    pub full_name: String,
    pub email: String,
    pub roles: Vec<String>,
    pub groups: Vec<String>,
    /// An argon2id hash in PHC form.
    pub password: Option<String>,
    /// Of a provider of identities: issuer, a space, and its name for them. Unique.
    pub subject: Option<String>,
    pub disabled_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub updated_at: Timestamp,
}

/// Table `sessions`. What the browser holds is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    pub id: String,
    /// Hex SHA-256.
    pub hash: String,
    pub user: String,
    /// May all, whatever the user's roles are.
    pub admin: bool,
    /// `None`: what the user may.
    pub scopes: Option<Vec<String>>,
    /// `password`, `link` or `oidc`.
    pub via: String,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// Table `secrets`. Nothing here can be read without the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRow {
    /// `global`, `pipeline:<name>` or `environment:<name>`.
    pub scope: String,
    pub name: String,
    /// Name of the key that opens it.
    pub key: String,
    /// Nonce and ciphertext.
    pub sealed: Vec<u8>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub updated_at: Timestamp,
    pub updated_by: String,
}

/// Something that changed beside the runs, and who did it. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrailEntry {
    pub at: Timestamp,
    pub by: String,
    /// `token.created`
    pub action: String,
    /// What it was done to: the name of a user, the id of a token.
    pub subject: String,
    /// A map.
    pub detail: Json,
}

/// Table `trail`, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrailRow {
    /// From 1.
    pub number: u64,
    pub entry: TrailEntry,
    /// Hex SHA-256 over the hash before and this entry.
    pub hash: String,
}

#[derive(Clone, Debug, Default)]
pub struct TrailQuery {
    pub by: Option<String>,
    pub action: Option<String>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Numbers below this one.
    pub before: Option<u64>,
    pub limit: u32,
}

/// Changes of accounts and what belongs to them. All but [`AccountChange::Used`] leave an entry in
/// the trail, in the same commit.
#[derive(Clone, Debug)]
pub enum AccountChange {
    /// Creates it, or replaces it but for its origin (`created_at`, `created_by`).
    PutUser {
        user: UserRow,
        create: bool,
        by: String,
    },
    OpenSession {
        session: SessionRow,
    },
    /// Nothing happens when it is over already.
    EndSession {
        id: String,
        by: String,
        at: Timestamp,
    },
    /// Of this user, all that are open.
    EndSessions {
        user: String,
        by: String,
        at: Timestamp,
    },
    /// That these were used. What is not known is passed over.
    Used {
        tokens: Vec<(String, Timestamp)>,
        sessions: Vec<(String, Timestamp)>,
    },
    /// Creates it, or replaces it but for its origin.
    PutSecret {
        secret: SecretRow,
    },
    RemoveSecret {
        scope: String,
        name: String,
        by: String,
        at: Timestamp,
    },
    /// The same secrets under a new key. What is not there is passed over.
    SealAgain {
        secrets: Vec<SecretRow>,
        by: String,
        at: Timestamp,
    },
    /// Something that did not happen in the store was seen.
    Note(TrailEntry),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    #[error("user `{name}` exists already")]
    UserExists { name: String },
    #[error("there is no user `{name}`")]
    NoSuchUser { name: String },
    #[error("another user has this identity at the provider")]
    SubjectTaken { name: String },
    #[error("there is no session `{id}`")]
    NoSuchSession { id: String },
    #[error("session `{id}` exists already")]
    SessionExists { id: String },
    #[error("there is no secret `{name}` ({scope})")]
    NoSuchSecret { scope: String, name: String },
}

/// The reading side.
pub trait ReadAccounts: Send + Sync {
    /// By name.
    fn users(&self) -> Result<Vec<UserRow>, Error>;
    fn user(&self, name: &str) -> Result<Option<UserRow>, Error>;
    fn user_by_subject(&self, subject: &str) -> Result<Option<UserRow>, Error>;
    /// Also one that is over.
    fn session_by_hash(&self, hash: &str) -> Result<Option<SessionRow>, Error>;
    /// Newest first; `None`: of all users.
    fn sessions(&self, user: Option<&str>, limit: u32) -> Result<Vec<SessionRow>, Error>;
    /// By name and scope.
    fn secrets(&self) -> Result<Vec<SecretRow>, Error>;
    /// Of this name, in every scope.
    fn secrets_named(&self, name: &str) -> Result<Vec<SecretRow>, Error>;
    /// Newest first, keyset-paged.
    fn trail(&self, query: &TrailQuery) -> Result<Vec<TrailRow>, Error>;
    /// Checks every hash of the trail; how many entries it has. [`Error::Broken`] names the first
    /// that was changed, or says that some are missing.
    fn verify_trail(&self) -> Result<u64, Error>;
}
