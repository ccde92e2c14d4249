//! What a notice says, as it is stored with the events that it follows from. Everything in it comes
//! from the journal, where no secret ever stands.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is not known, or means nothing for a kind, is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Content {
    /// `name#n`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) run: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) pipeline: String,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) number: u64,
    /// `deploy` or `deploy[2]`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) stage: String,
    /// Who started the run; of a decision, who made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) by: String,
    /// What became of it: `approved rejected changes_requested timed_out void`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) result: String,
    /// Instructions, a reason, a comment.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due: Option<Timestamp>,
    /// What happens then.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) on_timeout: String,
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) have: u32,
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) need: u32,
    /// Who is asked: users, groups or roles as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) people: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent: Option<u8>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) environment: String,
    /// `escalated`, or who passed a slot on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) because: String,
    /// A rule wants those people to be addressed themselves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) addressed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_none(number: &u32) -> bool {
    *number == 0
}
