//! What the engine and the store know, as the wire shows it.

pub(crate) mod alias;
pub(crate) mod artifact;
pub(crate) mod audit;
pub(crate) mod event;
pub(crate) mod fleet;
pub(crate) mod graph;
pub(crate) mod model;
pub(crate) mod pipeline;
pub(crate) mod request;
pub(crate) mod rollout;
pub(crate) mod run;
pub(crate) mod setting;
pub(crate) mod stage;
pub(crate) mod task;
pub(crate) mod trigger;
pub(crate) mod words;
