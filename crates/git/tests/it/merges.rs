//! Into a target branch, through one writer.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use git::{Branch, Clash, Merge, Merged, NotMerged};

use crate::place::{Place, place, sh, trailers};

fn merge(place: &Place, branches: &[Branch]) -> Result<Merged, NotMerged> {
    merge_with(place, branches, &mut |_| Ok(true))
}

fn merge_with(
    place: &Place,
    branches: &[Branch],
    check: &mut git::Check<'_>,
) -> Result<Merged, NotMerged> {
    let workspace = place.folder.path().join("queue");
    let trailers = trailers();
    let wanted = Merge { branches, target: "main", trailers: &trailers, workspace: &workspace };
    place.repository.merge(&wanted, check)
}

#[test]
fn what_passes_its_check_moves_the_target() {
    let place = place();
    let one = place.worktree("p#1", "one");
    let two = place.worktree("p#1", "two");
    place.commit(&one, "sed -i 's/^10$/ten/' numbers");
    place.commit(&two, "sed -i 's/^100$/hundred/' numbers");
    let mut seen = String::new();
    let merged = merge_with(&place, &[one.branch, two.branch], &mut |tree: &Path| {
        seen = std::fs::read_to_string(tree.join("numbers"))?;
        Ok(true)
    })
    .unwrap();
    assert!(seen.contains("ten\n") && seen.contains("hundred\n"));
    assert_eq!(merged.delivered, "main");
    assert_eq!(sh(&place.source(), "git rev-parse main"), merged.commit);
    assert_eq!(sh(&place.source(), "git rev-list --count main"), "5");
    // The user's checkout is as it was.
    assert_eq!(sh(&place.source(), "git status --porcelain; git branch --show-current"), "mine");
}

#[test]
fn a_conflict_is_told_with_its_files_and_the_target_stays() {
    let place = place();
    let one = place.worktree("p#1", "one");
    let two = place.worktree("p#1", "two");
    let ours = place.commit(&one, "sed -i 's/^10$/ten/' numbers");
    let theirs = place.commit(&two, "sed -i 's/^10$/X/' numbers; echo ok > other");
    let before = sh(&place.source(), "git rev-parse main");
    let refused = merge(&place, &[one.branch, two.branch.clone()]).unwrap_err();
    let NotMerged::Conflict { branch, files, .. } = refused else { panic!("{refused}") };
    assert_eq!((branch, files), (two.branch, vec!["numbers".to_owned()]));
    assert_eq!(sh(&place.source(), "git rev-parse main"), before);
    let overlap = place.repository.overlap(&ours, &theirs).unwrap();
    assert_eq!(overlap.clash, Clash::Files(vec!["numbers".to_owned()]));
    assert!(place.repository.overlap(&ours, "nowhere").is_err(), "no commit is no conflict");
}

#[test]
fn what_merges_as_text_and_does_not_hold_moves_nothing() {
    let place = place();
    let one = place.worktree("p#1", "one");
    let two = place.worktree("p#1", "two");
    place.commit(&one, "git mv src/main src/start");
    place.commit(&two, "echo 'uses src/main' > user");
    let before = sh(&place.source(), "git rev-parse main");
    let check =
        &mut |tree: &Path| Ok(!tree.join("user").exists() || tree.join("src/main").exists());
    let refused = merge_with(&place, &[one.branch, two.branch], check).unwrap_err();
    let NotMerged::Invalid { commit, .. } = refused else { panic!("{refused}") };
    assert_eq!(sh(&place.source(), "git rev-parse main"), before);
    // It is kept, so that somebody can look at it.
    sh(place.repository.directory(), &format!("git gc -q --prune=now; git cat-file -e {commit}"));
}

#[test]
fn a_target_that_moved_meanwhile_is_merged_with_and_checked_again() {
    let place = place();
    let one = place.worktree("p#1", "one");
    place.commit(&one, "echo ours > ours");
    let checks = AtomicUsize::new(0);
    let source = place.source();
    let merged = merge_with(&place, &[one.branch], &mut |tree: &Path| {
        if checks.fetch_add(1, Ordering::Relaxed) == 0 {
            let blob = "git hash-object -w --stdin < /dev/null";
            sh(&source, &format!(
                "b=$({blob}); t=$( (git ls-tree main; printf '100644 blob %s\\ttheirs\\n' $b) | git mktree); \
                 c=$(git commit-tree -p main -m theirs $t); git update-ref refs/heads/main $c"
            ));
        }
        Ok(tree.join("ours").exists())
    })
    .unwrap();
    assert_eq!(checks.load(Ordering::Relaxed), 2);
    let files = sh(&place.source(), "git ls-tree -r --name-only main");
    assert_eq!(files, "README\nnumbers\nours\nsrc/main\ntheirs");
    assert_eq!(sh(&place.source(), "git rev-parse main"), merged.commit);
}

#[test]
fn a_branch_that_somebody_has_checked_out_is_not_moved_under_them() {
    let place = place();
    sh(&place.source(), "git checkout -q main; echo mine >> README");
    let one = place.worktree("p#1", "one");
    place.commit(&one, "echo ours > ours");
    let before = sh(&place.source(), "git rev-parse main; git status --porcelain; git diff");
    let merged = merge(&place, &[one.branch]).unwrap();
    assert_eq!(sh(&place.source(), "git rev-parse main; git status --porcelain; git diff"), before);
    assert_eq!(merged.delivered, Branch::integration("p#1").name());
    sh(&place.source(), &format!("git merge -q --ff-only {}", merged.delivered));
    assert_eq!(sh(&place.source(), "git rev-parse main"), merged.commit);
}

#[test]
fn a_branch_without_anything_new_is_named_and_moves_nothing() {
    let place = place();
    let one = place.worktree("p#1", "one");
    let merged = merge(&place, std::slice::from_ref(&one.branch)).unwrap();
    assert_eq!((merged.commit, merged.empty), (merged.before, vec![one.branch]));
}

/// 24 branches, of which every third changes the same line: the target gets all that fit, each
/// conflict is told, and at no moment does the target fail its check.
#[test]
fn twenty_four_runs_merge_at_once_or_are_told_why_not() {
    let place = place();
    let worktrees: Vec<_> = (0..24).map(|n| place.worktree(&format!("p#{n}"), "work")).collect();
    for (n, worktree) in worktrees.iter().enumerate() {
        let change = if n % 3 == 0 {
            format!("sed -i 's/^50$/fifty by {n}/' numbers")
        } else {
            format!("echo {n} > file-{n}")
        };
        place.commit(worktree, &change);
    }
    let merged = AtomicUsize::new(0);
    let conflicts = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worktree in &worktrees {
            scope.spawn(|| {
                let branches = [worktree.branch.clone()];
                let holds = &mut |tree: &Path| Ok(tree.join("numbers").exists());
                match merge_with(&place, &branches, holds) {
                    Ok(_) => merged.fetch_add(1, Ordering::Relaxed),
                    Err(NotMerged::Conflict { files, .. }) => {
                        assert_eq!(files, ["numbers"]);
                        conflicts.fetch_add(1, Ordering::Relaxed)
                    }
                    Err(other) => panic!("{other}"),
                };
            });
        }
    });
    // One of the eight that change the same line comes first.
    assert_eq!((merged.into_inner(), conflicts.into_inner()), (17, 7));
    let files = sh(&place.source(), "git ls-tree -r --name-only main | grep -c file-");
    assert_eq!(files, "16");
    for worktree in &worktrees {
        assert!(place.repository.tip(&worktree.branch).unwrap().is_some());
    }
    sh(place.repository.directory(), "git fsck --no-dangling --strict");
}
