//! What people say to gates, forms and holds.

use indexmap::IndexMap;
use pipeline::model::StageName;
use serde_json::Value as Json;

use crate::event::{ArtifactRef, Attach, Decision, GateId, GateKind, Person};
use crate::id::{Actor, AttemptId, ExecutionId};

#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    pub gate: GateId,
    pub by: Person,
    pub decision: Decision,
    /// The reason of a rejection and the feedback of a request for changes must not be blank.
    pub comment: String,
    /// Of what the voter was shown; `None`: of what there is to see now.
    pub digest: Option<String>,
    /// There is no second user: whoever started the run may decide.
    pub alone: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Inquire {
    pub attempt: AttemptId,
    /// [`GateKind::Permission`] or [`GateKind::Question`].
    pub kind: GateKind,
    pub key: String,
    pub question: String,
    pub choices: Vec<String>,
    pub detail: Json,
}

/// Only of an agent that works alone, or in a loop.
#[derive(Clone, Debug, PartialEq)]
pub struct TakeOver {
    pub execution: ExecutionId,
    pub by: Person,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LetGo {
    pub attempt: AttemptId,
    /// As it was told.
    pub hold: u32,
    pub attach: Attach,
}

/// By whoever holds it, or an administrator.
#[derive(Clone, Debug, PartialEq)]
pub struct HandBack {
    pub execution: ExecutionId,
    pub by: Person,
    /// What the agent is told; may be empty.
    pub note: String,
    /// What lies in the workspace counts as the result, once it was checked as ever.
    pub accept: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delegate {
    pub gate: GateId,
    pub by: Person,
    pub to: Person,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Revoke {
    pub gate: GateId,
    pub by: Person,
    /// Whose delegation ends.
    pub to: Actor,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Submit {
    pub execution: ExecutionId,
    /// `None`: the form that is open now.
    pub generation: Option<u32>,
    pub by: Person,
    pub values: IndexMap<String, Json>,
    /// The artifact that the form is saved as, and uploaded files; stored already.
    pub artifacts: Vec<ArtifactRef>,
}

/// Lets what is held go on: a hold, or a manual trigger without approval.
#[derive(Clone, Debug, PartialEq)]
pub struct Advance {
    pub by: Person,
    /// `None`: the only one that is held, or, while stepping, the first.
    pub execution: Option<ExecutionId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Breakpoints {
    pub by: Actor,
    /// All of them, in place of those there were.
    pub stages: Vec<StageName>,
    /// Every execution is held before it starts.
    pub step: bool,
}
