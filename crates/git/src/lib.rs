//! Branches, worktrees and merges of runs, by the user's own `git`.
//!
//! Runs work in a bare clone of their own ([`Repository`]): the user's checkout is never touched, and
//! no branch that somebody has checked out is moved. Every execution has a branch and a worktree
//! ([`Worktree`]); the harness commits, agents do not own history. What goes into a target branch goes
//! through one writer ([`Repository::merge`]): merged as trees, checked on the merged tree, and moved
//! there by compare and swap. Nothing that a run ever committed becomes unreachable: whatever is
//! removed leaves a ref below `refs/orch/` behind.
//!
//! Needs git 2.38 or newer (`merge-tree --write-tree`): see [`version`].

mod branch;
mod call;
mod clone;
mod commit;
mod conflict;
mod merge;
mod sweep;
mod worktree;

pub use branch::{Branch, part};
pub use call::{Failed, version};
pub use clone::Repository;
pub use commit::{Change, Commit, Trailers};
pub use conflict::{Clash, Overlap};
pub use merge::{Check, Merge, Merged, NotMerged};
pub use sweep::{Found, Kept};
pub use worktree::Worktree;
