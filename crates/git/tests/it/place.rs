//! A repository of somebody's, and one of ours beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use git::{Branch, Repository, Trailers, Worktree};
use tempfile::TempDir;

pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) repository: Repository,
}

pub(crate) fn sh(directory: &Path, script: &str) -> String {
    let output = Command::new("sh")
        .args(["-e", "-c", script])
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "ana")
        .env("GIT_AUTHOR_EMAIL", "ana@example.org")
        .env("GIT_COMMITTER_NAME", "ana")
        .env("GIT_COMMITTER_EMAIL", "ana@example.org")
        .output()
        .unwrap();
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {says}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with `main`, whose working tree has another branch checked out.
pub(crate) fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("project");
    fs::create_dir(&source).unwrap();
    let lines = "seq 1 200 > numbers; echo one > README; mkdir src; echo 'fn main' > src/main";
    sh(
        &source,
        &format!(
            "git init -q -b main; {lines}; git add .; git commit -qm first; git checkout -q -b mine"
        ),
    );
    let home = folder.path().join("git");
    let repository = Repository::open(&home, source.to_str().unwrap()).unwrap();
    Place { folder, repository }
}

impl Place {
    pub(crate) fn source(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("worktrees")
    }

    pub(crate) fn worktree(&self, run: &str, stage: &str) -> Worktree {
        let base = self.repository.resolve("main").unwrap();
        let path = self.home().join(git::part(run)).join(git::part(stage));
        self.repository.worktree(&path, &Branch::new(run, stage), &base).unwrap()
    }

    pub(crate) fn commit(&self, worktree: &Worktree, script: &str) -> String {
        sh(&worktree.path, script);
        self.repository.commit(worktree, "work", &trailers()).unwrap().unwrap().id
    }
}

pub(crate) fn trailers() -> Trailers {
    Trailers { run: "p#1".into(), stage: "work".into(), attempt: 1, agent: "implementer".into() }
}
