//! What a harness asks people through the server.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// Harness to server, `POST /api/attempt/asks`: somebody has to say something before it goes on.
/// Answered by [`Asked`]; asking again with the same `key` gives the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskPerson {
    /// Unique in the execution, stable over attempts: `tool-<call id>`, `question-3`.
    pub key: String,
    pub kind: AskKind,
    pub question: String,
    /// Empty: any text.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Of a permission: what would be done.
    #[serde(default)]
    pub detail: Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// May it do this? Answered by approving or rejecting.
    Permission,
    /// Answered by a text.
    Question,
}

/// `GET /api/attempt/asks/{key}` answers when there is an answer, or after 25 s with `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    pub key: String,
    pub answer: Option<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    Allowed {
        by: String,
        comment: String,
    },
    Refused {
        by: String,
        comment: String,
    },
    Said {
        by: String,
        text: String,
    },
    /// Nobody answered in time.
    Expired,
}
