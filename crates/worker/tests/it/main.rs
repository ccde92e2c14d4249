//! Real processes through a real keeper.

#![expect(clippy::unwrap_used, reason = "what the tests share belongs to the tests")]

mod artifacts;
mod bench;
mod deadlines;
mod ends;
mod fence;
mod output;
mod recovery;
mod refusals;
mod remote;
mod runtimes;
mod surroundings;
mod trees;
mod worktrees;
