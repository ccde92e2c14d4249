//! How much of what runs decide is really done, and how tasks pass through the roles.

use std::collections::BTreeMap;

use engine::admission::{Orchestration, Order};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::TrailEntry;

/// Table `rollout`; its default is what holds before anybody has switched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutRow {
    /// One more with each change; 0: nobody has changed anything.
    pub version: u64,
    pub mode: RolloutMode,
    /// Globs over ids of tasks.
    pub pilot_tasks: Vec<String>,
    pub orchestration: Orchestration,
    /// Tasks at once in `hybrid`.
    pub max_tasks: Option<u32>,
    pub scheduler: Order,
    /// Attempts at once of each role, by its name.
    pub wip: BTreeMap<String, u32>,
    /// When one of the modes was changed last.
    pub switched_at: Option<Timestamp>,
    pub switched_by: Option<String>,
    /// Since when its mode holds; `None`: since ever.
    pub mode_since: Option<Timestamp>,
    /// A switch that waits until nobody is busy.
    pub draining: Option<DrainingRow>,
}

/// What runs do that are created now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutMode {
    Shadow,
    Pilot,
    #[default]
    Production,
}

impl RolloutMode {
    pub const ALL: [Self; 3] = [Self::Shadow, Self::Pilot, Self::Production];

    pub fn word(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Pilot => "pilot",
            Self::Production => "production",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The one that dares more.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Shadow => Some(Self::Pilot),
            Self::Pilot => Some(Self::Production),
            Self::Production => None,
        }
    }
}

/// What is to be different: what is given changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutWish {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RolloutMode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pilot_tasks: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestration: Option<Orchestration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tasks: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Order>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wip: Option<BTreeMap<String, u32>>,
}

/// A switch that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainingRow {
    pub to: RolloutWish,
    pub by: String,
    pub since: Timestamp,
    /// Why, as whoever asked for it says; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// The row as it is to be from now on, and what the trail says of it.
#[derive(Clone, Debug)]
pub struct RolloutChange {
    pub row: RolloutRow,
    pub entry: TrailEntry,
}

impl RolloutRow {
    /// As it is after this, without a wait; its version is the same.
    pub fn with(&self, wish: &RolloutWish) -> Self {
        let wish = wish.clone();
        Self {
            mode: wish.mode.unwrap_or(self.mode),
            pilot_tasks: wish.pilot_tasks.unwrap_or_else(|| self.pilot_tasks.clone()),
            orchestration: wish.orchestration.unwrap_or(self.orchestration),
            max_tasks: wish.max_tasks.or(self.max_tasks),
            scheduler: wish.scheduler.unwrap_or(self.scheduler),
            wip: wish.wip.unwrap_or_else(|| self.wip.clone()),
            draining: None,
            ..self.clone()
        }
    }

    /// Whether one of the two modes is another one.
    pub fn differs_in_mode(&self, other: &Self) -> bool {
        (self.mode, self.orchestration) != (other.mode, other.orchestration)
    }
}
