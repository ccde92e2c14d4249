//! What a harness and the server say to each other when a person takes the place of its agent.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person took over from the agent of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Taken {
    /// Counts those of the execution from 1.
    pub hold: u32,
    pub by: String,
    /// `null`: it is held.
    #[serde(default)]
    pub back: Option<HandedBack>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandedBack {
    pub by: String,
    #[serde(default)]
    pub note: String,
    /// What lies in the workspace counts as the result, once it was checked as ever.
    #[serde(default)]
    pub accept: bool,
}

impl Taken {
    /// Rises with each taking over and each handing back.
    pub fn stamp(&self) -> u32 {
        self.hold.saturating_mul(2).saturating_sub(u32::from(self.back.is_none()))
    }
}

/// `GET /api/attempt/hold?after=STAMP` answers as soon as there is something newer, or after 25 s
/// with what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holding {
    /// 0: nobody ever took over.
    pub stamp: u32,
    pub taken: Option<Taken>,
}

/// Harness to server, `POST /api/attempt/hold`: its agent has stopped, and a person may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LetGo {
    /// As it was told.
    pub hold: u32,
    #[serde(flatten)]
    pub attach: Attach,
}

/// How a person goes on in the place of an agent. No secret is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attach {
    /// The agent whose place it is.
    pub agent: String,
    /// Where it worked: absolute, on the machine of the attempt.
    pub directory: String,
    /// One line for a shell on that machine.
    pub command: String,
    /// What that line runs: `claude --resume 0b9f...`.
    pub runs: String,
    /// The agent will know what is said and done there: its session goes on. Otherwise its work begins
    /// anew when it is handed back, and is told the note.
    #[serde(default)]
    pub resumes: bool,
}
