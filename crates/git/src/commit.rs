//! Commits: the harness makes them, with trailers that say of what.

use std::fs;
use std::path::Path;

use crate::call::{Failed, Git};
use crate::clone::Repository;
use crate::worktree::Worktree;

/// Which attempt a commit is of; each a trailer of its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    pub run: String,
    pub stage: String,
    pub attempt: u32,
    /// Empty where no agent did it.
    pub agent: String,
}

/// What was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    pub tree: String,
    /// What differs from the branch's base.
    pub files: Vec<Change>,
}

/// A file that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    /// Added and removed; `None`: it is no text.
    pub lines: Option<(u32, u32)>,
}

/// Who commits.
const NAME: &str = "Orchestrate";
const MAIL: &str = "orchestrate@localhost";

impl Repository {
    /// Commits everything in the worktree, ignored files aside. `None`: nothing has changed.
    ///
    /// # Errors
    /// When git fails; the files are as they were.
    pub fn commit(
        &self,
        worktree: &Worktree,
        subject: &str,
        trailers: &Trailers,
    ) -> Result<Option<Commit>, Failed> {
        let git = signed(Git::at(&worktree.path));
        git.run(&["add", "--all"])?;
        let changed = git.ended(&["diff", "--cached", "--quiet"])?;
        if changed.code == Some(0) {
            return Ok(None);
        }
        let message = message(subject, trailers);
        git.run(&["commit", "--quiet", "--no-verify", "--allow-empty-message", "-m", &message])?;
        self.head_of(worktree).map(Some)
    }

    /// The tip of the worktree's branch, and what it changed since its base.
    ///
    /// # Errors
    /// When git fails.
    pub fn head_of(&self, worktree: &Worktree) -> Result<Commit, Failed> {
        let git = Git::at(&worktree.path);
        let id = git.run(&["rev-parse", "HEAD"])?;
        let tree = git.run(&["rev-parse", "HEAD^{tree}"])?;
        let files = self.changes(&worktree.base, &id)?;
        Ok(Commit { id, tree, files })
    }

    /// Files that differ between two commits.
    ///
    /// # Errors
    /// When one of them is no commit.
    pub fn changes(&self, from: &str, to: &str) -> Result<Vec<Change>, Failed> {
        let args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", from, to];
        let listed = self.git().run(&args)?;
        let mut files = Vec::new();
        for line in listed.split('\0').filter(|line| !line.is_empty()) {
            let mut parts = line.splitn(3, '\t');
            let (Some(added), Some(removed), Some(path)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Err(Git::odd(&args, line));
            };
            let lines = added.parse().ok().zip(removed.parse().ok());
            files.push(Change { path: path.to_owned(), lines });
        }
        Ok(files)
    }

    /// Everything in a worktree as a commit on its HEAD, without touching index, branch or files;
    /// `None`: nothing differs from HEAD. The commit is under no ref yet.
    ///
    /// # Errors
    /// When git fails.
    pub fn snapshot(&self, path: &Path, subject: &str) -> Result<Option<String>, Failed> {
        let inside = Git::at(path);
        let own = inside.run(&["rev-parse", "--absolute-git-dir"])?;
        let own = Path::new(&own);
        let index = own.join(format!("snapshot-{}.index", std::process::id()));
        let real = own.join("index");
        if real.exists() {
            fs::copy(&real, &index).map_err(Failed::file(&index))?;
        }
        let tree = Git::at(path).with("GIT_INDEX_FILE", index.display().to_string());
        let tree = tree.run(&["add", "--all"]).and_then(|_| tree.run(&["write-tree"]));
        let _ = fs::remove_file(&index);
        let tree = tree?;
        if tree == inside.run(&["rev-parse", "HEAD^{tree}"])? {
            return Ok(None);
        }
        let commit = ["commit-tree", "-p", "HEAD", "-m", subject, &tree];
        signed(Git::at(path)).run(&commit).map(Some)
    }
}

pub(crate) fn signed(git: Git<'_>) -> Git<'_> {
    git.with("GIT_AUTHOR_NAME", NAME)
        .with("GIT_AUTHOR_EMAIL", MAIL)
        .with("GIT_COMMITTER_NAME", NAME)
        .with("GIT_COMMITTER_EMAIL", MAIL)
}

pub(crate) fn message(subject: &str, trailers: &Trailers) -> String {
    let Trailers { run, stage, attempt, agent } = trailers;
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut message = format!("{}\n\nOrch-Run: {}\n", one_line(subject), one_line(run));
    message += &format!("Orch-Stage: {}\nOrch-Attempt: {attempt}\n", one_line(stage));
    if !agent.is_empty() {
        message += &format!("Orch-Agent: {}\n", one_line(agent));
    }
    message
}
