//! A directory in which one execution works, on a branch of its own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::branch::Branch;
use crate::call::{Failed, Git};
use crate::clone::Repository;

/// One worktree. Locked while an attempt uses it, so that no clean-up takes it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    pub path: PathBuf,
    pub branch: Branch,
    /// What its branch began at.
    pub base: String,
}

/// Held by whoever reads or changes the list of worktrees: git reads entries that another git is
/// still writing, and fails.
pub(crate) const BOOKS: &str = "worktrees";

impl Repository {
    /// The worktree at `path`, on `branch`, which begins at `base` (a commit) when there is none
    /// yet. What is there already is taken over as it is, uncommitted files and all: the next
    /// attempt goes on where the one before it stopped.
    ///
    /// # Errors
    /// When the path holds something else, or the branch is checked out elsewhere.
    pub fn worktree(&self, path: &Path, branch: &Branch, base: &str) -> Result<Worktree, Failed> {
        let start = format!("refs/orch/base/{}", branch.name());
        let place = path.display().to_string();
        let _alone = self.lock(BOOKS)?;
        if self.is_worktree(path, branch)? {
            let base = self.reference(&start)?.unwrap_or_else(|| base.to_owned());
            return Ok(Worktree { path: path.to_owned(), branch: branch.clone(), base });
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Failed::file(parent))?;
        }
        // A directory that somebody deleted by hand is still in the books.
        self.git().run(&["worktree", "prune"])?;
        let git = self.git();
        if self.tip(branch)?.is_some() {
            git.run(&["worktree", "add", "--quiet", &place, branch.name()])?;
        } else {
            git.run(&["update-ref", &start, base])?;
            let add = ["worktree", "add", "--quiet", "--no-track", "-b", branch.name()];
            git.run(&[&add[..], &[&place, base]].concat())?;
        }
        let base = self.reference(&start)?.unwrap_or_else(|| base.to_owned());
        Ok(Worktree { path: path.to_owned(), branch: branch.clone(), base })
    }

    fn is_worktree(&self, path: &Path, branch: &Branch) -> Result<bool, Failed> {
        if !path.join(".git").exists() {
            return Ok(false);
        }
        let Ok(own) = fs::canonicalize(path) else { return Ok(false) };
        let all = self.worktrees()?;
        let same = all.iter().find(|(found, _)| fs::canonicalize(found).is_ok_and(|f| f == own));
        Ok(same.is_some_and(|(_, found)| found.as_deref() == Some(&branch.full())))
    }

    /// Each with the full name of its branch; `None`: detached. Needs [`BOOKS`].
    pub(crate) fn worktrees(&self) -> Result<Vec<(PathBuf, Option<String>)>, Failed> {
        let listed = self.git().run(&["worktree", "list", "--porcelain", "-z"])?;
        let mut found: Vec<(PathBuf, Option<String>)> = Vec::new();
        let mut bare = false;
        for line in listed.split('\0') {
            if let Some(path) = line.strip_prefix("worktree ") {
                found.push((PathBuf::from(path), None));
            } else if let Some(branch) = line.strip_prefix("branch ") {
                if let Some(last) = found.last_mut() {
                    last.1 = Some(branch.to_owned());
                }
            } else if line == "bare" && !bare {
                bare = true;
                found.pop();
            }
        }
        Ok(found)
    }

    /// Keeps clean-ups away while an attempt works in it.
    ///
    /// # Errors
    /// When it is no worktree of this repository.
    pub fn hold(&self, path: &Path, why: &str) -> Result<(), Failed> {
        let place = path.display().to_string();
        let _alone = self.lock(BOOKS)?;
        let ended = self.git().ended(&["worktree", "lock", "--reason", why, &place])?;
        let already = ended.stderr.contains("already locked");
        if ended.code == Some(0) || already {
            return Ok(());
        }
        Err(Git::odd(&["worktree", "lock", &place], &ended.stderr))
    }

    /// The end of [`Repository::hold`].
    ///
    /// # Errors
    /// When git fails.
    pub fn release(&self, path: &Path) -> Result<(), Failed> {
        let place = path.display().to_string();
        let _alone = self.lock(BOOKS)?;
        let ended = self.git().ended(&["worktree", "unlock", &place])?;
        let never =
            ended.stderr.contains("is not locked") || ended.stderr.contains("not a working tree");
        if ended.code == Some(0) || never {
            return Ok(());
        }
        Err(Git::odd(&["worktree", "unlock", &place], &ended.stderr))
    }

    /// Removes a worktree. Its branch stays; what was not committed is kept as a commit below
    /// `refs/orch/kept/` first. Nothing happens to one that is held.
    ///
    /// # Errors
    /// When it is held, or files cannot be removed.
    pub fn remove(&self, worktree: &Worktree) -> Result<Option<String>, Failed> {
        let kept = self.keep(worktree)?;
        let place = worktree.path.display().to_string();
        let _alone = self.lock(BOOKS)?;
        self.git().run(&["worktree", "remove", "--force", &place])?;
        Ok(kept)
    }

    /// Everything in the worktree that is in no commit, as a commit under a ref of its own.
    fn keep(&self, worktree: &Worktree) -> Result<Option<String>, Failed> {
        if !worktree.path.join(".git").exists() {
            return Ok(None);
        }
        let Some(snapshot) = self.snapshot(&worktree.path, "what was not committed")? else {
            return Ok(None);
        };
        let name = format!("refs/orch/kept/{}/{snapshot}", worktree.branch.name());
        self.git().run(&["update-ref", &name, &snapshot])?;
        Ok(Some(snapshot))
    }
}
