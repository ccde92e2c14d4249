//! Whether a run does its work, or only says what it would do.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::ExecutionId;

/// What a run really does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything is decided as ever, and nothing touches the world.
    Shadow,
    #[default]
    Production,
}

/// The mode of the installation when a run was created; the bolder the later.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rollout {
    Shadow,
    /// Tasks that match run as in production, all else as in shadow.
    Pilot,
    #[default]
    Production,
}

impl Mode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Production => "production",
        }
    }

    pub fn is_shadow(self) -> bool {
        self == Self::Shadow
    }

    pub(crate) fn is_production(&self) -> bool {
        *self == Self::Production
    }
}

impl Rollout {
    pub const ALL: [Self; 3] = [Self::Shadow, Self::Pilot, Self::Production];

    pub fn word(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Pilot => "pilot",
            Self::Production => "production",
        }
    }

    pub(crate) fn is_production(&self) -> bool {
        *self == Self::Production
    }
}

impl FromStr for Rollout {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|mode| mode.word() == word);
        found.ok_or_else(|| format!("`{word}` is no mode: write shadow, pilot or production"))
    }
}

/// What a stage of a shadow run would have done to the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WouldHave {
    /// `None`: the run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionId>,
    #[serde(flatten)]
    pub intention: Intention,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intention {
    pub kind: Deed,
    /// In words: `would run ./deploy.sh in staging`.
    pub says: String,
    /// All that is known about it; secrets by name.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub details: Json,
    /// Values that stand in it as `<name>`, because nothing ran that would have given them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// Kinds of what touches the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A script or a Python program.
    Run,
    Agent,
    /// A run of its own.
    Start,
    Merge,
    /// People: an approval, a form, or leave to go on.
    Ask,
    Notify,
    /// Events to others.
    Emit,
    /// An environment that only one may be in.
    Lock,
    /// For something that only happens in earnest: an event, or somebody who starts the stage.
    Wait,
    /// An instance for each item of a list that nobody knows.
    Each,
}

impl Deed {
    pub const ALL: [Self; 10] = [
        Self::Run,
        Self::Agent,
        Self::Start,
        Self::Merge,
        Self::Ask,
        Self::Notify,
        Self::Emit,
        Self::Lock,
        Self::Wait,
        Self::Each,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Agent => "agent",
            Self::Start => "start",
            Self::Merge => "merge",
            Self::Ask => "ask",
            Self::Notify => "notify",
            Self::Emit => "emit",
            Self::Lock => "lock",
            Self::Wait => "wait",
            Self::Each => "each",
        }
    }
}
