//! Approvals: gates that wait, or waited, for people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::artifact::ArtifactView;

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalSummary {
    /// `A-17`
    pub id: String,
    /// Id of the run.
    pub run: String,
    /// `name#n`
    pub run_name: String,
    pub pipeline: String,
    /// `deploy` or `deploy[2]`
    pub stage: String,
    /// `start complete trigger permission question`: the last two are asked by a live attempt
    #[schema(schema_with = crate::words::gate_kind)]
    pub kind: String,
    /// `pending approved rejected changes_requested timed_out void`
    #[schema(schema_with = crate::words::approval_status)]
    pub status: String,
    /// Why it was resolved as it was; may be empty.
    pub reason: String,
    /// What a live attempt asks; empty at the other gates.
    #[serde(default)]
    pub question: String,
    /// Slots that are filled.
    pub have: u32,
    /// Slots that have to be filled.
    pub need: u32,
    /// The slots that are open, as written.
    pub missing: Vec<String>,
    pub opened_at: Timestamp,
    /// Moves by paused time.
    pub due_at: Option<Timestamp>,
    /// `reject approve escalate skip fail`
    pub on_timeout: String,
    pub resolved_at: Option<Timestamp>,
    pub environment: Option<String>,
    /// What the caller may do: `can approve`, `voted`, `delegated to bo`, or why not.
    pub you: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApprovalDetail {
    #[serde(flatten)]
    pub summary: ApprovalSummary,
    pub instructions: String,
    /// Of `shown`: a decision that names another one is refused.
    pub digest: String,
    /// What is to be approved: the resolved task, outputs, artifacts, the revision.
    pub shown: Json,
    pub artifacts: Vec<ArtifactView>,
    pub slots: Vec<SlotView>,
    pub votes: Vec<VoteView>,
    pub delegations: Vec<DelegationView>,
    pub allow_self: bool,
    pub escalate_to: Vec<String>,
    /// Percent of the time after which reminders were due.
    pub reminded: Vec<u8>,
    /// Of work that was sent back; missing: it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_back: Option<SentBack>,
}

/// Work that people had changes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentBack {
    /// How often.
    pub revision: u32,
    pub max_revisions: u32,
    /// What was said last.
    pub feedback: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SlotView {
    /// A user, group or role as written; empty: anybody.
    pub entry: String,
    pub filled_by: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct VoteView {
    pub at: Timestamp,
    pub by: String,
    /// `approve reject request_changes`
    #[schema(schema_with = crate::words::decision)]
    pub decision: String,
    pub comment: String,
    /// The voter decided otherwise later.
    pub replaced: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DelegationView {
    pub at: Timestamp,
    /// From 0.
    pub slot: u32,
    pub from: String,
    pub to: String,
    pub revoked_at: Option<Timestamp>,
}

/// `POST /api/approvals/{id}/approve`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    #[serde(default)]
    pub comment: String,
    #[serde(default)]
    pub digest: Option<String>,
}

/// `POST /api/approvals/{id}/reject`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub digest: Option<String>,
}

/// `POST /api/approvals/{id}/request-changes`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestChanges {
    #[serde(default)]
    pub feedback: String,
    #[serde(default)]
    pub digest: Option<String>,
}

/// `POST /api/approvals/{id}/delegate` and `.../revoke`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegateTo {
    pub to: String,
}
