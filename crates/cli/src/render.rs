//! Answers of the API as text. Pure: the clock and the width are arguments.

pub mod events;
pub mod graph;
pub mod logs;
pub mod pipelines;
pub mod plan;
pub mod runs;
pub mod status;
