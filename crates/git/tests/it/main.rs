//! With real git, real repositories and real processes.

mod merges;
mod place;
mod worktrees;
