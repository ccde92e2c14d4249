//! Notices: what people were told, and how it went.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One notice on its way to one target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NoticeView {
    /// `N-17`
    pub id: String,
    /// What the receiver knows it by: the same for every try.
    pub key: String,
    pub target: String,
    /// `approval.requested`
    pub kind: String,
    /// `waiting delivered given_up`
    pub status: String,
    /// `name#n`
    pub run: String,
    /// The approval or input that it is about: `A-17`.
    pub request: Option<String>,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Tries since it was last asked to be sent.
    pub attempts: u32,
    /// Why the last try failed; of one that was delivered, who did not get it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
    pub created_at: Timestamp,
    /// Of one that waits: not tried before.
    pub next_at: Option<Timestamp>,
    /// Delivered or given up.
    pub settled_at: Option<Timestamp>,
    /// Where it leads; nothing without `public_url`.
    pub url: Option<String>,
    /// The same on a command line.
    pub command: String,
}

/// A target of `config.yaml`, without its secrets, or one that notices still wait for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotifyTarget {
    pub name: String,
    /// `slack webhook smtp command`; empty: `config.yaml` has it no more.
    pub kind: String,
    /// In words: `mail.example.com:587 (starttls)`.
    pub leads_to: String,
    pub allow_private: bool,
    /// The kinds of notices that rules send there.
    pub on: Vec<String>,
    pub waiting: u64,
    pub given_up: u64,
    /// Why the oldest one that waits did not arrive yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

/// `POST /api/notify/test`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestTarget {
    pub target: String,
}

/// What became of a test notice; it was tried once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TargetTested {
    pub target: String,
    pub delivered: bool,
    /// `url dns forbidden connect tls timeout too-large broken http smtp start exit secret address`;
    /// empty when it was delivered.
    pub code: String,
    /// What went wrong, exactly; of one that was delivered, who did not get it.
    pub problem: String,
    pub hints: Vec<String>,
    pub took_ms: u64,
}
