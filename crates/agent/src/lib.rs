//! The harness: one process that carries out an attempt of an agent stage.
//!
//! It reads a [`api::agent::Job`], runs the agent through an adapter, keeps every turn in the memory
//! of the execution, and judges the end by evidence. Why it is a process of its own is written in
//! `docs/decisions/0023-an-agent-runs-in-a-harness.md`.

mod run;
mod verdict;

pub use run::run;
pub use verdict::judge;
