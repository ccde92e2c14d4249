//! Where worktrees lie, and what the hands are told of them.

use std::path::{Path, PathBuf};

use api::link::{MergeJob, Repository, Worktree};
use engine::desired::{TaskMerge, TaskRepository, TaskTree};
use engine::id::AttemptId;

/// Clones of repositories, below the data folder.
pub(crate) const CLONES: &str = "git";
/// Worktrees of executions: `worktrees/<run>/<stage>`.
pub(crate) const TREES: &str = "worktrees";
/// Where merge queues look at what would come out: `merges/<run>/<stage>`.
pub(crate) const MERGES: &str = "merges";

fn repository(data_dir: &Path, directory: &Path, of: &TaskRepository) -> Repository {
    let is_address = of.source.contains("://") || is_scp(&of.source);
    let source = if is_address {
        of.source.clone()
    } else {
        let path: PathBuf = directory.join(&of.source).components().collect();
        path.to_string_lossy().into_owned()
    };
    let home = data_dir.join(CLONES).to_string_lossy().into_owned();
    Repository { home, source, base: of.base.clone() }
}

/// `git@host:path`
fn is_scp(source: &str) -> bool {
    let host = source.split_once(':').map(|(host, _)| host);
    host.is_some_and(|host| !host.is_empty() && !host.contains('/'))
}

pub(super) fn worktree(data_dir: &Path, directory: &Path, tree: &TaskTree) -> Worktree {
    let path = data_dir.join(TREES).join(git::part(&tree.run)).join(git::part(&tree.owner));
    Worktree {
        repository: repository(data_dir, directory, &tree.repository),
        run: tree.run.clone(),
        owner: tree.owner.clone(),
        path: path.to_string_lossy().into_owned(),
    }
}

pub(super) fn merge(
    data_dir: &Path,
    directory: &Path,
    task: TaskMerge,
    attempt: &AttemptId,
) -> MergeJob {
    let stage = attempt.execution.to_string();
    let workspace = data_dir.join(MERGES).join(git::part(&task.run)).join(git::part(&stage));
    MergeJob {
        repository: repository(data_dir, directory, &task.repository),
        run: task.run,
        stage,
        attempt: attempt.number,
        from: task.from,
        into: task.into,
        check: task.check,
        workspace: workspace.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_path_below_the_run_or_an_address() {
        let of = |source: &str| {
            let of = TaskRepository { source: source.to_owned(), base: None };
            repository(Path::new("/data"), Path::new("/work/project"), &of).source
        };
        assert_eq!(of("."), "/work/project");
        assert_eq!(of("/srv/x.git"), "/srv/x.git");
        assert_eq!(of("sub/x"), "/work/project/sub/x");
        for address in ["https://forge.example/x.git", "git@forge.example:x.git", "ssh://h/x"] {
            assert_eq!(of(address), address);
        }
    }
}
