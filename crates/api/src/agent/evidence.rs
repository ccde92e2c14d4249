//! What is known at the end of an attempt, and what it came to.

use serde::{Deserialize, Serialize};

/// What is known at the end of an attempt; the verdict is a pure function of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Who ended it, when it was us.
    pub stopped: Option<StoppedBy>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// How the agent's protocol said that it had ended; `None`: it never did.
    pub terminal: Option<Terminal>,
    /// Calls that were refused.
    pub denied: u32,
    /// Whether there is a result; a text counts where no schema asks for more.
    pub has_result: bool,
    /// Why the result does not fit its schema.
    pub result_problems: Vec<String>,
    /// `None`: there is no check.
    pub validated: Option<bool>,
    pub blocked: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    Cancelled,
    WallClock,
    Idle,
    Budget,
    Turns,
    Stuck,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Terminal {
    Completed,
    Error {
        class: ErrorClass,
        message: String,
    },
    /// The model would not.
    Refused {
        message: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    Auth,
    RateLimited,
    /// 5xx, a cut stream, broken JSON.
    Unavailable,
    ContextTooLong,
    OutputLimit,
    Budget,
    /// Any other refusal of the request.
    Invalid,
    /// Nothing that the agent did: files that cannot be written, a part that is not there.
    Harness,
}

/// How an attempt of an agent ended, and whether another one may help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Verdict {
    pub outcome: AgentOutcome,
    pub retryable: bool,
    /// One sentence for people.
    pub says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentOutcome {
    Succeeded,
    /// There is no result, or one that breaks its schema.
    NoResult,
    ValidationFailed,
    /// It said itself that it cannot go on.
    Blocked,
    /// Refused calls left the work undone.
    Denied,
    /// No last word, whatever the exit code.
    Interrupted,
    Refused,
    AuthFailed,
    Unavailable,
    ContextExhausted,
    BudgetExhausted,
    TurnsExhausted,
    Stalled,
    TimedOut,
    Stuck,
    Cancelled,
    /// A loop that gave up, for the reason that `says` names.
    GaveUp,
    Error,
}

impl AgentOutcome {
    pub const ALL: [Self; 18] = [
        Self::Succeeded,
        Self::NoResult,
        Self::ValidationFailed,
        Self::Blocked,
        Self::Denied,
        Self::Interrupted,
        Self::Refused,
        Self::AuthFailed,
        Self::Unavailable,
        Self::ContextExhausted,
        Self::BudgetExhausted,
        Self::TurnsExhausted,
        Self::Stalled,
        Self::TimedOut,
        Self::Stuck,
        Self::Cancelled,
        Self::GaveUp,
        Self::Error,
    ];

    /// What a harness that ended with this code came to; `None`: it was no harness, or was killed.
    pub fn of_exit_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.exit_code() == code)
    }

    /// The exit code of the harness: 0 only for success. Codes from 64 on are not those of an
    /// agent's own program, so that `retry.not_on` can name them.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Succeeded => 0,
            Self::NoResult => 64,
            Self::ValidationFailed => 65,
            Self::Blocked => 66,
            Self::Denied => 67,
            Self::Interrupted => 68,
            Self::Refused => 69,
            Self::AuthFailed => 70,
            Self::Unavailable => 71,
            Self::ContextExhausted => 72,
            Self::BudgetExhausted => 73,
            Self::TurnsExhausted => 74,
            Self::Stalled => 75,
            Self::TimedOut => 76,
            Self::Stuck => 77,
            Self::Cancelled => 78,
            Self::GaveUp => 79,
            Self::Error => 80,
        }
    }
}
