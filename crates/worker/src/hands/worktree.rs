//! The worktree of an attempt: made before it starts, committed when it has ended well.

use std::path::Path;

use api::link::{Assignment, Committed, Repository, Work, Worktree};
use git::{Branch, Failed, Trailers};
use serde::{Deserialize, Serialize};

/// What a commit says of the attempt that it is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Authorship {
    stage: String,
    attempt: u32,
    #[serde(default)]
    agent: String,
}

impl Authorship {
    pub(super) fn of(assignment: &Assignment) -> Self {
        let agent = match &assignment.work {
            Work::Agent { job, .. } => job.shape.names(),
            Work::Command { .. } | Work::Python { .. } | Work::Merge { .. } => String::new(),
        };
        let attempt = &assignment.attempt;
        Self { stage: attempt.execution.clone(), attempt: attempt.number, agent }
    }
}

pub(crate) fn open(of: &Repository) -> Result<git::Repository, Failed> {
    git::Repository::open(Path::new(&of.home), &of.source)
}

/// The name of the branch that everything begins at.
pub(crate) fn base(repository: &git::Repository, of: &Repository) -> Result<String, Failed> {
    of.base.clone().map_or_else(|| repository.default_branch(), Ok)
}

/// Makes it, or takes over what the attempt before left, and holds it against clean-ups.
pub(super) fn prepare(of: &Worktree) -> Result<git::Worktree, Failed> {
    let repository = open(&of.repository)?;
    let branch = Branch::new(&of.run, &of.owner);
    let path = Path::new(&of.path);
    let begins = if repository.tip(&branch)?.is_some() {
        // Where it began is known of it.
        String::new()
    } else {
        repository.fetch()?;
        repository.resolve(&base(&repository, &of.repository)?)?
    };
    let worktree = repository.worktree(path, &branch, &begins)?;
    repository.hold(path, &format!("{} of {}", of.owner, of.run))?;
    Ok(worktree)
}

/// No attempt works in it any more.
pub(super) fn release(of: &Worktree) -> Result<(), Failed> {
    open(&of.repository)?.release(Path::new(&of.path))
}

/// Commits what is there; the same again gives the same.
pub(super) fn commit(of: &Worktree, by: &Authorship) -> Result<Committed, Failed> {
    let repository = open(&of.repository)?;
    let worktree =
        repository.worktree(Path::new(&of.path), &Branch::new(&of.run, &of.owner), "")?;
    let trailers = Trailers {
        run: of.run.clone(),
        stage: by.stage.clone(),
        attempt: by.attempt,
        agent: by.agent.clone(),
    };
    let subject = format!("{}: attempt {} of {}", by.stage, by.attempt, of.run);
    let commit = match repository.commit(&worktree, &subject, &trailers)? {
        Some(commit) => commit,
        None => repository.head_of(&worktree)?,
    };
    repository.release(Path::new(&of.path))?;
    let lines = |pick: fn((u32, u32)) -> u32| {
        commit.files.iter().filter_map(|file| file.lines).map(|both| u64::from(pick(both))).sum()
    };
    Ok(Committed {
        branch: worktree.branch.to_string(),
        base: worktree.base,
        files: u32::try_from(commit.files.len()).unwrap_or(u32::MAX),
        added: lines(|(added, _)| added),
        removed: lines(|(_, removed)| removed),
        commit: commit.id,
    })
}
