//! From the server's paths to those of this machine.

use std::path::{Component, Path, PathBuf};

use api::link::{Assignment, Python, Work};

/// Paths below the server's data folder lie below the worker's own; all others mean the same on both
/// machines. The error says, to the author of the stage, what no other machine can do.
pub(super) fn moved(
    assignment: Box<Assignment>,
    server: &Path,
    own: &Path,
) -> Result<Box<Assignment>, String> {
    let place = |path: &str| shown(&place(Path::new(path), server, own));
    // All fields by name: a new one is to be thought about here.
    let Assignment {
        attempt,
        work,
        env,
        effect_key,
        working_dir,
        timeout_ms,
        idle_ms,
        grace_ms,
        once,
        environment,
        artifacts,
        context,
        input,
        form,
        feedback,
        revision,
        worktree,
        runtime,
    } = *assignment;
    let only = |what: &str| {
        Err(format!("{what} run only on the server's own machine: leave `runs_on` out"))
    };
    let work = match work {
        Work::Command { argv } => Work::Command { argv },
        Work::Python { program: Python::Code(code), parameters } => {
            Work::Python { program: Python::Code(code), parameters }
        }
        Work::Python { program: Python::File(file), parameters } => {
            let file = if Path::new(&file).is_absolute() { place(&file) } else { file };
            Work::Python { program: Python::File(file), parameters }
        }
        Work::Agent { .. } => return only("agents"),
        Work::Merge { .. } => return only("merges"),
    };
    if worktree.is_some() {
        return only("stages with a worktree of a repository");
    }
    if let Some(runtime) = runtime {
        return only(&format!("stages with `runtime: {}`", runtime.place.word()));
    }
    Ok(Box::new(Assignment {
        attempt,
        work,
        env,
        effect_key,
        working_dir: place(&working_dir),
        timeout_ms,
        idle_ms,
        grace_ms,
        once,
        environment,
        artifacts,
        context,
        input,
        form,
        feedback,
        revision,
        worktree: None,
        runtime: None,
    }))
}

/// The folder of a run that is made when its first stage comes here: the run itself has one, and
/// what lies deeper its stages make.
pub(super) fn workspace(working_dir: &Path, own: &Path) -> Option<PathBuf> {
    let all = own.join("workspaces");
    let run = working_dir.strip_prefix(&all).ok()?.components().next()?;
    matches!(run, Component::Normal(_)).then(|| all.join(run))
}

fn place(path: &Path, server: &Path, own: &Path) -> PathBuf {
    match path.strip_prefix(server) {
        Ok(rest) if rest.as_os_str().is_empty() => own.to_owned(),
        Ok(rest) if rest.components().all(|part| matches!(part, Component::Normal(_))) => {
            own.join(rest)
        }
        Ok(_) | Err(_) => path.to_owned(),
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use api::link::{AttemptRef, MergeJob, Repository, Worktree};
    use api::runtime::{Place, Runtime};

    use super::*;

    fn assignment(working_dir: &str) -> Box<Assignment> {
        let key = "k".to_owned();
        Box::new(Assignment {
            attempt: AttemptRef {
                run: "r".into(),
                execution: "a".into(),
                number: 1,
                fence: 1,
                key,
            },
            work: Work::Command { argv: vec!["true".into()] },
            env: BTreeMap::new(),
            effect_key: None,
            working_dir: working_dir.to_owned(),
            timeout_ms: None,
            idle_ms: None,
            grace_ms: 1,
            once: false,
            environment: None,
            artifacts: Vec::new(),
            context: Vec::new(),
            input: None,
            form: None,
            feedback: None,
            revision: 0,
            worktree: None,
            runtime: None,
        })
    }

    fn go(assignment: Box<Assignment>) -> Result<Box<Assignment>, String> {
        moved(assignment, Path::new("/srv/data"), Path::new("/home/w"))
    }

    #[test]
    fn what_lies_in_the_servers_folder_lies_in_our_own() {
        for (theirs, ours) in [
            ("/srv/data/workspaces/r1", "/home/w/workspaces/r1"),
            ("/srv/data/workspaces/r1/sub/x", "/home/w/workspaces/r1/sub/x"),
            ("/srv/data", "/home/w"),
            ("/srv/database/r1", "/srv/database/r1"),
            ("/srv/data/../etc", "/srv/data/../etc"),
            ("/home/ana/project", "/home/ana/project"),
            ("relative", "relative"),
        ] {
            assert_eq!(go(assignment(theirs)).unwrap().working_dir, ours, "{theirs}");
            let mut python = assignment("/x");
            let program = Python::File(theirs.to_owned());
            python.work = Work::Python { program, parameters: serde_json::json!({}) };
            let Work::Python { program: Python::File(file), .. } = go(python).unwrap().work else {
                panic!("it is another program")
            };
            assert_eq!(file, ours, "{theirs}");
        }
    }

    #[test]
    fn only_the_folder_of_the_run_is_made() {
        let own = Path::new("/home/w");
        let of = |path: &str| workspace(Path::new(path), own);
        let run = Some(PathBuf::from("/home/w/workspaces/r1"));
        assert_eq!(of("/home/w/workspaces/r1"), run);
        assert_eq!(of("/home/w/workspaces/r1/sub"), run);
        for other in ["/home/w/workspaces", "/home/w", "/srv/x", "/home/w/workspaces/../x"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn what_needs_the_servers_machine_is_refused_in_words() {
        let repository =
            Repository { home: "/srv/data/repositories".into(), source: "/x".into(), base: None };
        let mut worktree = assignment("/x");
        worktree.worktree = Some(Worktree {
            repository: repository.clone(),
            run: "r#1".into(),
            owner: "a".into(),
            path: "/srv/data/x".into(),
        });
        let mut merge = assignment("/x");
        merge.work = Work::Merge {
            job: Box::new(MergeJob {
                repository,
                run: "r#1".into(),
                stage: "m".into(),
                attempt: 1,
                from: Vec::new(),
                into: None,
                check: None,
                workspace: "/x".into(),
            }),
        };
        let mut carried = assignment("/x");
        let place = Place::Tmux { program: "tmux".into() };
        carried.runtime = Some(Runtime { called: "r#1".into(), place });
        for (refused, says) in
            [(worktree, "worktree"), (merge, "merges"), (carried, "`runtime: tmux`")]
        {
            let problem = go(refused).unwrap_err();
            assert!(problem.contains(says) && problem.contains("runs_on"), "{problem}");
        }
    }
}
