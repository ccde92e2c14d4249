//! Calls of models: what each used, and what was said.

use engine::id::RunId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Error;

/// How far a call of a model has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Its figures are what was reserved for it.
    Open,
    /// Whole; the answer is kept.
    Answered,
    /// The provider refused it, or could not be reached.
    Failed,
    /// The answer broke off. It cost something all the same.
    Broken,
    /// Never sent: a budget did not allow it. It counts as no call.
    Refused,
    /// The server ended in the middle of it: what it cost is an estimate.
    Lost,
}

impl CallState {
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Answered, Self::Failed, Self::Broken, Self::Refused, Self::Lost];

    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Broken => "broken",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

/// What a call used, or all of a sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// Without what came from the provider's cache.
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    /// In billionths of a US dollar; `None`: the price is not known.
    pub nano_usd: Option<u64>,
}

impl ModelUsage {
    /// Everything that was read or written.
    pub fn tokens(&self) -> u64 {
        [self.input, self.output, self.cache_read, self.cache_write]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// Table `model_calls`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCall {
    /// Drawn by the server; ids sort by time.
    pub id: String,
    pub run: RunId,
    pub execution: String,
    pub attempt: u32,
    /// As the harness names it; empty: it does not.
    pub turn: String,
    /// Hex SHA-256 of the request.
    pub digest: String,
    /// Empty: the only agent of its stage.
    pub member: String,
    pub provider: String,
    pub model: String,
    /// `chat/completions`
    pub path: String,
    pub state: CallState,
    /// Of the provider's answer.
    pub status: Option<u16>,
    /// Why it failed, broke off or was refused.
    pub detail: String,
    pub usage: ModelUsage,
    /// Whose figures these are: `gateway` or `estimate`.
    pub source: String,
    pub at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// What was said, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTexts {
    pub request: Vec<u8>,
    /// Media type of the answer.
    pub kind: String,
    /// Of a call that was answered.
    pub answer: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChange {
    /// Nothing happens when its run is not known.
    Begin { call: Box<ModelCall>, request: Vec<u8> },
    /// Of one that is not open nothing changes.
    End(Box<ModelEnd>),
    /// No call is under way: all that are open were lost.
    LoseOpen { at: Timestamp },
}

/// What became of an open call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEnd {
    pub id: String,
    /// Of the call: who watches it is told.
    pub run: RunId,
    pub state: CallState,
    pub status: Option<u16>,
    pub detail: String,
    pub model: String,
    pub usage: ModelUsage,
    pub source: String,
    pub at: Timestamp,
    pub kind: String,
    pub answer: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
pub struct ModelQuery {
    pub run: Option<RunId>,
    pub execution: Option<String>,
    /// Ids below this one.
    pub before: Option<String>,
    pub limit: u32,
}

/// Calls that have these in common, together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelSum {
    pub execution: String,
    pub member: String,
    pub provider: String,
    pub model: String,
    /// Refused ones are none.
    pub calls: u64,
    /// Calls that used tokens of which nobody knows the price.
    pub unpriced: u64,
    /// Some of it is an estimate.
    pub estimated: bool,
    /// Money: of calls whose price is known; `None` where there is none.
    pub usage: ModelUsage,
}

/// Whose calls are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostBy {
    Run,
    /// Of runs that belong to one.
    Task,
    Pipeline,
}

/// What somebody's calls came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelCosts {
    /// `ci#4` or `TASK-7-3`, `TASK-7`, `ci`
    pub name: String,
    /// Runs that asked a model.
    pub runs: u64,
    /// Without names.
    pub sum: ModelSum,
}

/// The reading side.
pub trait ReadModels: Send + Sync {
    /// Newest first, keyset-paged.
    fn model_calls(&self, query: &ModelQuery) -> Result<Vec<ModelCall>, Error>;
    fn model_call(&self, id: &str) -> Result<Option<ModelCall>, Error>;
    /// `None`: there is no such call, or what was said is not kept any more.
    fn model_texts(&self, id: &str) -> Result<Option<ModelTexts>, Error>;
    /// The first call that was answered under this turn to this very request.
    fn model_answer(
        &self,
        run: RunId,
        execution: &str,
        turn: &str,
        digest: &str,
    ) -> Result<Option<ModelCall>, Error>;
    /// Of a run, by execution, member, provider and model.
    fn model_sums(&self, run: RunId) -> Result<Vec<ModelSum>, Error>;
    /// Of all calls that began at this time or later, as one sum without names.
    fn model_sum_since(&self, since: Timestamp) -> Result<ModelSum, Error>;
    /// Of the calls that began at this time or later: what is known to have cost most first, then
    /// by tokens, then by name; at most so many.
    fn model_costs(
        &self,
        by: CostBy,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ModelCosts>, Error>;
}
