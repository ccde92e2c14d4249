//! Names of things inside the engine. None of them is drawn here: ids are arguments.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pipeline::model::StageName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A run, for ever. Version 7, so ids sort by time of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// One stage in one run, or one instance of a fanned-out stage. Instances count from 1 and are
/// shown as `implement[2]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ExecutionId {
    pub stage: StageName,
    pub instance: Option<u32>,
}

impl ExecutionId {
    pub fn stage(stage: impl Into<Arc<str>>) -> Self {
        Self { stage: stage.into(), instance: None }
    }

    pub fn instance(stage: impl Into<Arc<str>>, instance: u32) -> Self {
        Self { stage: stage.into(), instance: Some(instance) }
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instance {
            None => f.write_str(&self.stage),
            Some(n) => write!(f, "{}[{n}]", self.stage),
        }
    }
}

impl From<ExecutionId> for String {
    fn from(id: ExecutionId) -> Self {
        id.to_string()
    }
}

/// The text is not `stage` or `stage[n]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a stage or `stage[n]`")]
pub struct BadExecution(String);

impl FromStr for ExecutionId {
    type Err = BadExecution;

    fn from_str(text: &str) -> Result<Self, BadExecution> {
        let bad = || BadExecution(text.to_owned());
        let Some((stage, rest)) = text.split_once('[') else {
            return if text.is_empty() { Err(bad()) } else { Ok(Self::stage(text)) };
        };
        let instance = rest.strip_suffix(']').and_then(|n| n.parse().ok()).ok_or_else(bad)?;
        if stage.is_empty() || instance == 0 {
            return Err(bad());
        }
        Ok(Self::instance(stage, instance))
    }
}

impl TryFrom<String> for ExecutionId {
    type Error = BadExecution;

    fn try_from(text: String) -> Result<Self, BadExecution> {
        text.parse()
    }
}

/// One try of an execution. `number` counts from 1 over the whole run and is never reused, also
/// after `runs retry`. The fence rises with every attempt of the run: whatever carries an older
/// fence than the execution's live attempt is stale.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId {
    pub execution: ExecutionId,
    pub number: u32,
    pub fence: u64,
}

/// Who asked: a person's name, or the product itself (`schedule`, `recovery`).
pub type Actor = String;
