//! The harness: one process that carries out an attempt of an agent stage.
//!
//! It reads a [`api::agent::Job`], runs the agent through an adapter, keeps every turn in the memory
//! of the execution, and judges the end by evidence. Why it is a process of its own is written in
//! `docs/decisions/0023-an-agent-runs-in-a-harness.md`.
//!
//! From the outside in: [`run`] sets up a `Room`, a shape (`shape`) seats agents in it, a seat
//! (`seat`) has one conversation through an `Adapter` until there is a result, and whatever the agent
//! wants of the house goes over its `Desk`. A new adapter is one file in `adapter/`, a new shape one
//! in `shape/`.

mod adapter;
mod clock;
mod desk;
mod door;
mod environment;
mod harness;
mod mcp;
mod memory;
mod prompt;
mod proxy;
mod room;
mod seat;
mod shape;
mod tools;
mod transcript;
#[cfg(test)]
mod trial;
mod validate;
mod veil;
mod verdict;

pub use harness::run;
pub use mcp::bridge::{bridge, serve as serve_tools};
pub use mcp::speak::{AtEnd, Calling, Tools, offered as tool, said};
pub use prompt::{Prompt, prompt};
pub use transcript::{first_line, lines as transcript};
pub use verdict::judge;
