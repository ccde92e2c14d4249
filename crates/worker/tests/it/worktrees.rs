//! Attempts that work in a worktree of their own.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use api::link::{Assignment, End, Repository, Stopped, What, Worktree};

use crate::bench::Bench;

fn sh(directory: &Path, script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-e", "-c", script]).current_dir(directory);
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "ana");
        command.env(format!("GIT_{role}_EMAIL"), "ana@example.org");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A script of the stage `owner`, in its worktree.
fn script(bench: &Bench, owner: &str, number: u32, script: &str) -> Assignment {
    let source = bench.dir.path().join("project");
    if !source.exists() {
        fs::create_dir(&source).unwrap();
        sh(&source, "git init -q -b main; echo one > README; git add .; git commit -qm first");
    }
    let path = bench.dir.path().join("worktrees").join(owner).display().to_string();
    let mut assignment = bench.script(&format!("{owner}-{number}"), script);
    assignment.attempt.execution = owner.to_owned();
    assignment.attempt.number = number;
    assignment.working_dir = path.clone();
    assignment.worktree = Some(Worktree {
        repository: Repository {
            home: bench.dir.path().join("git").display().to_string(),
            source: source.display().to_string(),
            base: None,
        },
        run: "p#1".to_owned(),
        owner: owner.to_owned(),
        path,
    });
    assignment
}

#[test]
fn what_an_attempt_did_is_committed_on_a_branch_of_its_own() {
    let bench = Bench::new();
    let work = script(&bench, "a", 1, "cat README; echo two >> README; echo $ORCHESTRATE_BRANCH");
    let exit = bench.run(&work);
    assert_eq!((exit.end, exit.artifacts_error.as_deref()), (End::Code(0), None));
    let committed = exit.committed.unwrap();
    assert_eq!((committed.files, committed.added, committed.removed), (1, 1, 0));
    assert!(exit.tail.contains("one") && exit.tail.contains(&committed.branch), "{}", exit.tail);
    let source = bench.dir.path().join("project");
    assert_eq!(sh(&source, "git status --porcelain; cat README; git branch"), "one\n* main");
    // Told again, it is the same: whoever adopts it commits nothing twice.
    bench.adopt(&work);
    let What::Exited(again) = bench.next().what else { panic!() };
    assert_eq!(again.committed, Some(committed));
}

#[test]
fn the_next_attempt_goes_on_with_what_the_failed_one_left() {
    let bench = Bench::new();
    let exit = bench.run(&script(&bench, "a", 1, "echo half > half; exit 3"));
    assert_eq!((exit.end, exit.committed), (End::Code(3), None));
    let exit = bench.run(&script(&bench, "a", 2, "cat half; echo whole > whole"));
    assert_eq!(exit.end, End::Code(0), "{}", exit.tail);
    assert_eq!(exit.committed.unwrap().files, 2);
}

#[test]
fn a_repository_that_is_not_there_is_told_before_anything_starts() {
    let bench = Bench::new();
    let mut work = script(&bench, "a", 1, "true");
    work.worktree.as_mut().unwrap().repository.source = "/nowhere/at/all".to_owned();
    bench.start(&work);
    let What::NotStarted { message } = bench.next().what else { panic!() };
    assert!(message.starts_with("its worktree could not be made"), "{message}");
    assert!(message.contains("/nowhere/at/all"), "{message}");
}

/// From now on whoever reads the source for the first time waits for [`wait_for_clone`].
fn block_clone(bench: &Bench) {
    let source = bench.dir.path().join("project/.git");
    sh(&source, "cp HEAD HEAD.real; rm HEAD; mkfifo HEAD");
}

/// Returns when a clone waits; it goes on when that is dropped.
struct Waiting(fs::File);

impl Waiting {
    fn wait(bench: &Bench) -> Self {
        let source = bench.dir.path().join("project/.git");
        let gate = fs::OpenOptions::new().write(true).open(source.join("HEAD")).unwrap();
        // Whoever looks again finds what was there before.
        fs::rename(source.join("HEAD.real"), source.join("HEAD")).unwrap();
        Self(gate)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _gone = self.0.write_all(b"ref: refs/heads/main\n");
    }
}

#[test]
fn others_start_while_a_clone_takes_its_time() {
    let bench = Bench::new();
    let slow = script(&bench, "slow", 1, "cat README");
    block_clone(&bench);
    bench.start(&slow);
    let clone = Waiting::wait(&bench);
    // The same order again changes nothing, and asking what became of it is answered by its start.
    bench.start(&slow);
    bench.adopt(&slow);
    let exit = bench.run(&bench.script("quick", "echo quick"));
    assert_eq!((exit.end, exit.tail.trim()), (End::Code(0), "quick"));
    drop(clone);
    bench.started();
    let exit = bench.ended();
    assert_eq!((exit.end, exit.tail.trim()), (End::Code(0), "one"));
}

#[test]
fn what_is_stopped_while_its_clone_takes_its_time_is_never_started() {
    let bench = Bench::new();
    let slow = script(&bench, "slow", 1, "touch ../started");
    let next = script(&bench, "next", 1, "cat README");
    block_clone(&bench);
    bench.start(&slow);
    let clone = Waiting::wait(&bench);
    bench.stop(&slow, Stopped::Cancelled);
    let report = bench.next();
    assert_eq!(report.attempt, slow.attempt);
    assert!(matches!(report.what, What::NeverStarted), "{:?}", report.what);
    // It waits for the same clone, and so for the end of what was stopped.
    bench.start(&next);
    drop(clone);
    bench.started();
    assert_eq!(bench.ended().end, End::Code(0));
    assert!(!bench.dir.path().join("worktrees/started").exists());
}
