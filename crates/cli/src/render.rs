//! Answers of the API as text. Pure: the clock and the width are arguments.

pub mod agents;
pub mod approvals;
pub mod artifacts;
pub mod compare;
pub mod events;
pub mod fleet;
pub mod flow;
pub mod graph;
pub mod inputs;
pub mod logs;
pub mod models;
pub mod notices;
pub mod pipelines;
pub mod plan;
pub mod rollout;
pub mod runs;
pub mod schedules;
pub mod status;
pub mod talk;
pub mod tasks;
pub mod triggers;
pub mod tryout;
