//! Conditions with three values. A fact that is not known (a manual run has no changed paths) is
//! *unknown*; the tree with each leaf's value is kept as the reason of a skip.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::expr::Expression;

mod evaluate;
mod globs;
#[cfg(test)]
mod tests;

pub(crate) use evaluate::{leaf, list, quoted, tree};
pub use globs::{GlobError, Globs};

/// `when:` and `if:` of a stage, parsed.
#[derive(Clone, Debug)]
pub struct Condition {
    pub test: Test,
    /// What an unknown result counts as.
    pub on_unknown: OnUnknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    Run,
    Skip,
}

#[derive(Clone, Debug)]
pub enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Branch(Globs),
    /// At least one changed path matches.
    Paths(Globs),
    /// Each list that is not empty must hold.
    Labels {
        any: Vec<String>,
        all: Vec<String>,
        none: Vec<String>,
    },
    /// The variable or input has one of the values.
    Variable {
        name: String,
        values: Vec<Json>,
    },
    Environment(Globs),
    Expression(Expression),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    True,
    False,
    Unknown,
}

/// Why a condition came out as it did: the tree, each node with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub truth: Truth,
    /// In words: `paths ["docs/**"]: 0 of 14 changed files match`.
    pub says: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Reason>,
}

/// What a condition is judged on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub branch: Option<String>,
    /// The complete changed set; `None` when not known.
    pub paths: Option<Vec<String>>,
    pub labels: Option<Vec<String>>,
    pub environment: Option<String>,
}

impl Condition {
    /// Whether the stage runs, given what [`Condition::evaluate`] found.
    pub fn holds(&self, reason: &Reason) -> bool {
        match (reason.truth, self.on_unknown) {
            (Truth::True, OnUnknown::Run | OnUnknown::Skip) | (Truth::Unknown, OnUnknown::Run) => {
                true
            }
            (Truth::False, OnUnknown::Run | OnUnknown::Skip)
            | (Truth::Unknown, OnUnknown::Skip) => false,
        }
    }
}

impl Truth {
    /// Kleene's `and` over all; true for none.
    pub fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
        truths.into_iter().fold(Truth::True, |left, right| match (left, right) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
            (Truth::True, Truth::True) => Truth::True,
        })
    }

    /// Kleene's `or` over all; false for none.
    pub fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
        !Truth::all(truths.into_iter().map(std::ops::Not::not))
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Truth::True } else { Truth::False }
    }
}
