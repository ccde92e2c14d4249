//! With real git, real repositories and real processes.

#![expect(clippy::unwrap_used, reason = "what the tests share belongs to the tests")]

mod merges;
mod place;
mod worktrees;
