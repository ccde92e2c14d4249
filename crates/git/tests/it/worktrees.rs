//! Directories in which executions work.

use std::collections::HashSet;
use std::fs;

use git::{Branch, Change, Failed};

use crate::place::{place, sh, trailers};

#[test]
fn a_worktree_has_the_files_and_the_source_sees_nothing_of_it() {
    let place = place();
    let worktree = place.worktree("TASK-7-3", "implement");
    assert_eq!(fs::read_to_string(worktree.path.join("README")).unwrap(), "one\n");
    fs::write(worktree.path.join("README"), "two\n").unwrap();
    let commit = place.repository.commit(&worktree, "say two", &trailers()).unwrap().unwrap();
    let change = Change { path: "README".to_owned(), lines: Some((1, 1)) };
    assert_eq!(commit.files, [change]);
    assert!(sh(&worktree.path, "git log -1 --format=%B").contains("Orch-Run: p#1\n"));
    assert_eq!(sh(&place.source(), "git branch --format='%(refname:short)'"), "main\nmine");
    assert_eq!(sh(&place.source(), "git status --porcelain"), "");
    assert_eq!(place.repository.commit(&worktree, "again", &trailers()).unwrap(), None);
}

#[test]
fn what_the_product_lays_there_is_nobodys_work() {
    let place = place();
    let worktree = place.worktree("p#1", "implement");
    let lay = "mkdir -p .orchestrate/context .orchestrate/agents .pipeline; touch .orchestrate/context/a .orchestrate/agents/b.md .pipeline/c";
    sh(&worktree.path, lay);
    let commit = place.repository.commit(&worktree, "x", &trailers()).unwrap().unwrap();
    let paths: Vec<&str> = commit.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".orchestrate/agents/b.md"]);
}

#[test]
fn the_next_attempt_finds_what_the_one_before_it_left() {
    let place = place();
    let first = place.worktree("p#1", "implement");
    place.commit(&first, "echo half > half");
    fs::write(first.path.join("draft"), "not committed").unwrap();
    let again = place.worktree("p#1", "implement");
    assert_eq!(again, first);
    assert_eq!(fs::read_to_string(again.path.join("draft")).unwrap(), "not committed");
    // Also when somebody deleted the directory: its commits are on its branch.
    fs::remove_dir_all(&first.path).unwrap();
    let again = place.worktree("p#1", "implement");
    assert_eq!(again, first);
    assert_eq!(fs::read_to_string(again.path.join("half")).unwrap(), "half\n");
}

#[test]
fn hooks_and_settings_of_the_user_do_not_run() {
    let place = place();
    let hooks = place.repository.directory().join("hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::write(hooks.join("pre-commit"), "#!/bin/sh\nexit 1\n").unwrap();
    sh(&hooks, "chmod +x pre-commit");
    let worktree = place.worktree("p#1", "implement");
    place.commit(&worktree, "echo x > x");
}

#[test]
fn a_snapshot_touches_neither_index_nor_branch_nor_files() {
    let place = place();
    let worktree = place.worktree("p#1", "implement");
    sh(&worktree.path, "echo new > new; echo staged > staged; git add staged; rm README");
    let before = sh(&worktree.path, "git status --porcelain; git rev-parse HEAD");
    let snapshot = place.repository.snapshot(&worktree.path, "seen").unwrap().unwrap();
    assert_eq!(sh(&worktree.path, "git status --porcelain; git rev-parse HEAD"), before);
    let files = sh(&worktree.path, &format!("git ls-tree -r --name-only {snapshot}"));
    assert_eq!(files, "new\nnumbers\nsrc/main\nstaged");
}

/// 12 of the failures others are known for.
#[test]
fn removing_worktrees_loses_no_object_of_any_run() {
    let place = place();
    let done = place.worktree("p#1", "implement");
    let other = place.worktree("p#2", "implement");
    let kept = place.commit(&done, "echo done > done");
    let theirs = place.commit(&other, "echo theirs > theirs");
    fs::write(done.path.join("draft"), "never committed").unwrap();
    let snapshot = place.repository.remove(&done).unwrap().unwrap();
    assert!(!done.path.exists());
    // No branch of a run is ever deleted or moved back: the next attempt goes on from it.
    assert_eq!(place.repository.tip(&done.branch).unwrap().as_ref(), Some(&kept));
    sh(place.repository.directory(), "git reflog expire --expire=now --all; git gc -q --prune=now");
    for commit in [&kept, &theirs, &snapshot] {
        sh(place.repository.directory(), &format!("git cat-file -e {commit}^{{tree}}"));
    }
    let draft = sh(place.repository.directory(), &format!("git show {snapshot}:draft"));
    assert_eq!(draft, "never committed");
    assert_eq!(fs::read_to_string(other.path.join("theirs")).unwrap(), "theirs\n");
}

#[test]
fn what_an_attempt_works_in_is_not_swept_away() {
    let place = place();
    let live = place.worktree("p#1", "live");
    let stray = place.worktree("p#1", "stray");
    let gone = place.worktree("p#1", "gone");
    place.repository.hold(&live.path, "attempt 1").unwrap();
    place.repository.hold(&live.path, "attempt 1").unwrap();
    fs::remove_dir_all(&gone.path).unwrap();
    fs::write(stray.path.join("draft"), "x").unwrap();

    let known = HashSet::from([live.path.clone()]);
    let strays = place.repository.strays(&place.home(), &known).unwrap();
    let names: Vec<_> = strays.iter().map(|stray| (stray.path.clone(), stray.gone)).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names.contains(&(stray.path.clone(), false)) && names.contains(&(gone.path, true)));
    for stray in &strays {
        let kept = place.repository.sweep(stray).unwrap();
        assert_eq!(kept.snapshot.is_some(), !stray.gone);
    }
    // Even when the books say that nobody lives there, the lock does.
    let all = place.repository.strays(&place.home(), &HashSet::new()).unwrap();
    assert_eq!(all.len(), 1);
    assert!(place.repository.sweep(&all[0]).is_err());
    assert!(live.path.exists());
    place.repository.release(&live.path).unwrap();
    place.repository.release(&live.path).unwrap();
    place.repository.sweep(&all[0]).unwrap();
    assert!(!live.path.exists());
}

#[test]
fn names_that_mean_nothing_are_refused_by_name() {
    let place = place();
    for name in ["nowhere", "", "-q", "--all", "main..mine", "main^{tree}x"] {
        let refused = place.repository.resolve(name).unwrap_err();
        assert!(matches!(&refused, Failed::NoBranch(said) if said == name), "{name}: {refused}");
    }
    assert_eq!(Branch::new("feature#41", "implement[2]").name().split('/').count(), 3);
}

#[test]
fn twenty_four_worktrees_at_once() {
    let place = place();
    let base = place.repository.resolve("main").unwrap();
    std::thread::scope(|scope| {
        for n in 0..24 {
            let (place, base) = (&place, &base);
            scope.spawn(move || {
                let stage = format!("work[{n}]");
                let path = place.home().join(git::part(&stage));
                let branch = Branch::new("p#1", &stage);
                let worktree = place.repository.worktree(&path, &branch, base).unwrap();
                for round in 0..3 {
                    place.commit(&worktree, &format!("echo {round} > file-{n}-{round}"));
                }
            });
        }
    });
    let counted = sh(
        place.repository.directory(),
        "git rev-list --count --branches='orch/*' ^refs/remotes/origin/main",
    );
    assert_eq!(counted, "72");
    sh(place.repository.directory(), "git fsck --no-dangling --strict");
}
