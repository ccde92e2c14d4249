//! Conditions with three values. A fact that is not known (a manual run has no changed paths) is
//! *unknown*; the tree with each leaf's value is kept as the reason of a skip.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::expr::Expression;

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

/// Patterns in the order written; a leading `!` excludes what an earlier one matched.
#[derive(Clone, Debug)]
pub struct Globs {
    pub patterns: Vec<String>,
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
