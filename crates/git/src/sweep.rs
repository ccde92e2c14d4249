//! Cleaning up: what nobody works in is removed, and nothing that was committed is lost.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::branch::Branch;
use crate::call::Failed;
use crate::clone::Repository;
use crate::worktree::{BOOKS, Worktree};

/// A worktree that belongs to no live attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// `None`: detached, or the directory is gone.
    pub branch: Option<String>,
    /// The directory was deleted by hand.
    pub gone: bool,
}

/// What a clean-up left of a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub path: PathBuf,
    /// The commit of what was not committed.
    pub snapshot: Option<String>,
}

impl Repository {
    /// Worktrees below `home` that no live attempt uses.
    ///
    /// # Errors
    /// When git fails.
    pub fn strays(&self, home: &Path, live: &HashSet<PathBuf>) -> Result<Vec<Found>, Failed> {
        let mut strays = Vec::new();
        let _alone = self.lock(BOOKS)?;
        for (path, branch) in self.worktrees()? {
            if live.contains(&path) || !path.starts_with(home) {
                continue;
            }
            strays.push(Found { gone: !path.exists(), path, branch });
        }
        Ok(strays)
    }

    /// Removes such a worktree; the branch stays, uncommitted work becomes a commit under
    /// `refs/orch/kept/`.
    ///
    /// # Errors
    /// When it is held by an attempt after all.
    pub fn sweep(&self, stray: &Found) -> Result<Kept, Failed> {
        if stray.gone {
            let _alone = self.lock(BOOKS)?;
            self.git().run(&["worktree", "prune"])?;
            return Ok(Kept { path: stray.path.clone(), snapshot: None });
        }
        let name = stray.branch.as_deref().unwrap_or_default();
        let name = name.trim_start_matches("refs/heads/orch/");
        let (run, stage) = name.split_once('/').unwrap_or((name, "detached"));
        let branch = Branch::new(run, stage);
        let worktree = Worktree { path: stray.path.clone(), branch, base: String::new() };
        let snapshot = self.remove(&worktree)?;
        Ok(Kept { path: stray.path.clone(), snapshot })
    }
}
