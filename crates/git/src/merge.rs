//! The merge queue: one writer for each target branch.

use std::fs;
use std::path::{Path, PathBuf};

use crate::branch::Branch;
use crate::call::{Failed, Git};
use crate::clone::Repository;
use crate::commit::{Trailers, message, signed};
use crate::conflict::Clash;
use crate::worktree::BOOKS;

/// What is to go where.
#[derive(Clone, Debug)]
pub struct Merge<'m> {
    /// In this order; each has to merge with what came before it.
    pub branches: &'m [Branch],
    /// A branch of the source: `main`.
    pub target: &'m str,
    pub trailers: &'m Trailers,
    /// Where the merged tree is checked out to be looked at; the queue's own.
    pub workspace: &'m Path,
}

/// Looks at a merged tree that is checked out: `Ok(false)` when it does not hold.
pub type Check<'c> = dyn FnMut(&Path) -> std::io::Result<bool> + 'c;

/// The target has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    pub commit: String,
    /// What the target was before.
    pub before: String,
    /// Where it is now: in the source itself, or, where somebody has the target checked out there,
    /// a branch beside it that they can take over with `git merge --ff-only`.
    pub delivered: String,
    /// Branches that had nothing the target had not.
    pub empty: Vec<Branch>,
}

#[derive(Debug, thiserror::Error)]
pub enum NotMerged {
    #[error("`{branch}` does not merge into `{target}`: {}", .files.join(", "))]
    Conflict { branch: Branch, target: String, files: Vec<String> },
    /// Merging went without conflict, and what came out does not hold. The commit is kept.
    #[error("what `{target}` would become does not pass its check ({commit})")]
    Invalid { target: String, commit: String },
    #[error("the check could not be run: {0}")]
    Check(std::io::Error),
    #[error(transparent)]
    Git(#[from] Failed),
}

/// How often the target may move under a merge before it gives up.
const TRIES: u32 = 5;

impl Repository {
    /// Merges branches into a target, checks the merged tree, and moves the target by compare and
    /// swap; begins again when the target moved meanwhile. Whoever comes second waits for the first.
    ///
    /// # Errors
    /// [`NotMerged`]; the target is as it was, and nothing is lost.
    pub fn merge(&self, merge: &Merge<'_>, check: &mut Check<'_>) -> Result<Merged, NotMerged> {
        let queue = format!("merge-{}", crate::branch::part(merge.target));
        let _alone = self.lock(&queue)?;
        let mut last = None;
        for _ in 0..TRIES {
            self.fetch()?;
            let before = self.resolve(merge.target)?;
            let (commit, empty) = self.combine(merge, &before)?;
            if commit == before {
                let delivered = merge.target.to_owned();
                return Ok(Merged { commit, before, delivered, empty });
            }
            self.validate(merge, &commit, check)?;
            match self.deliver(merge, &commit, &before) {
                Ok(delivered) => return Ok(Merged { commit, before, delivered, empty }),
                // Somebody else was quicker: what was checked is not what would come out now.
                Err(moved) => last = Some(moved),
            }
        }
        let moving = || Git::odd(&["push"], "the target moves all the time");
        Err(NotMerged::Git(last.unwrap_or_else(moving)))
    }

    /// One merge commit for each branch, on top of the target.
    fn combine(&self, merge: &Merge<'_>, target: &str) -> Result<(String, Vec<Branch>), NotMerged> {
        let mut tip = target.to_owned();
        let mut empty = Vec::new();
        for branch in merge.branches {
            let Some(theirs) = self.tip(branch)? else {
                return Err(Failed::NoBranch(branch.to_string()).into());
            };
            if self.contains(&tip, &theirs)? {
                empty.push(branch.clone());
                continue;
            }
            match self.overlap(&tip, &theirs)?.clash {
                Clash::Clean { tree } => {
                    let subject = format!("Merge {branch} into {}", merge.target);
                    let message = message(&subject, merge.trailers);
                    let commit = ["commit-tree", "-p", &tip, "-p", &theirs, "-m", &message, &tree];
                    tip = signed(self.git()).run(&commit)?;
                }
                Clash::Files(files) => {
                    let (branch, target) = (branch.clone(), merge.target.to_owned());
                    return Err(NotMerged::Conflict { branch, target, files });
                }
            }
        }
        Ok((tip, empty))
    }

    /// On the merged tree, in a directory of the queue's own: what merges as text need not hold
    /// together.
    fn validate(
        &self,
        merge: &Merge<'_>,
        commit: &str,
        check: &mut Check<'_>,
    ) -> Result<(), NotMerged> {
        // What does not hold is still there to be looked at.
        self.git().run(&["update-ref", &format!("refs/orch/merge/{commit}"), commit])?;
        let place = merge.workspace.display().to_string();
        if merge.workspace.join(".git").exists() {
            let git = Git::at(merge.workspace);
            git.run(&["checkout", "--quiet", "--force", "--detach", commit])?;
            git.run(&["clean", "-fdq"])?;
        } else {
            let _alone = self.lock(BOOKS)?;
            self.git().run(&["worktree", "prune"])?;
            if let Some(parent) = merge.workspace.parent() {
                fs::create_dir_all(parent).map_err(Failed::file(parent))?;
            }
            let add = ["worktree", "add", "--quiet", "--force", "--detach", &place, commit];
            self.git().run(&add)?;
        }
        if check(merge.workspace).map_err(NotMerged::Check)? {
            return Ok(());
        }
        let target = merge.target.to_owned();
        Err(NotMerged::Invalid { target, commit: commit.to_owned() })
    }

    /// Into the source. A branch that somebody has checked out there is not moved under them: it
    /// goes to `orch/<run>/integration` beside it.
    fn deliver(&self, merge: &Merge<'_>, commit: &str, before: &str) -> Result<String, Failed> {
        let target = format!("refs/heads/{}", merge.target);
        let (place, lease) = if self.is_checked_out(&target)? {
            // Only what an earlier merge of the same run left there is replaced.
            (Branch::integration(&merge.trailers.run).full(), "--force".to_owned())
        } else {
            let lease = format!("--force-with-lease={target}:{before}");
            (target, lease)
        };
        let spec = format!("{commit}:{place}");
        self.git().run(&["push", "--quiet", "--no-verify", &lease, "origin", &spec])?;
        Ok(place.trim_start_matches("refs/heads/").to_owned())
    }

    /// Whether a local source has this branch in a working tree.
    fn is_checked_out(&self, full: &str) -> Result<bool, Failed> {
        let source = PathBuf::from(self.source());
        if !source.is_dir() {
            return Ok(false);
        }
        let listed = Git::at(&source).run(&["worktree", "list", "--porcelain", "-z"])?;
        let wanted = format!("branch {full}");
        Ok(listed.split("\0\0").any(|entry| {
            let lines: Vec<&str> = entry.split('\0').collect();
            lines.contains(&wanted.as_str()) && !lines.contains(&"bare")
        }))
    }
}
