//! One turn of a merge queue, as a process of its own under the keeper: what it says is captured, it
//! can be stopped, and it goes on when the server does not.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use api::link::MergeJob;
use git::{Branch, Merge, Merged, NotMerged, Trailers};
use serde_json::json;

use crate::hands::{Options, worktree};

/// In the attempt's folder.
const FILE: &str = "merge.json";

/// The exit codes of a turn that did not merge.
const CONFLICT: i32 = 81;
const INVALID: i32 = 82;
const BROKEN: i32 = 83;

pub(crate) fn words(options: &Options, job: &MergeJob, folder: &Path) -> io::Result<Vec<String>> {
    fs::write(folder.join(FILE), serde_json::to_vec(job)?)?;
    let program = &options.merge;
    let text = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
    let args = program.args.iter().map(|word| text(word));
    let first = text(program.program.as_os_str());
    Ok([first].into_iter().chain(args).chain([text(folder.as_os_str())]).collect())
}

/// Carries out the turn that is written down in an attempt's folder. 0: the target has moved, and the
/// outputs `commit`, `before`, `delivered` and `empty` say how; 81: a conflict; 82: the merged tree
/// does not pass its check; 83: git failed.
pub fn run(folder: &Path) -> i32 {
    let job = fs::read(folder.join(FILE)).map_err(|error| error.to_string());
    let job = job.and_then(|text| {
        serde_json::from_slice::<MergeJob>(&text).map_err(|error| error.to_string())
    });
    let ended = match job {
        Ok(job) => turn(&job),
        Err(problem) => Err((BROKEN, format!("the job cannot be read: {problem}"))),
    };
    match ended {
        Ok(()) => 0,
        Err((code, says)) => {
            say(&mut io::stderr(), &says);
            code
        }
    }
}

fn turn(job: &MergeJob) -> Result<(), (i32, String)> {
    let broken = |error: git::Failed| (BROKEN, error.to_string());
    let repository = worktree::open(&job.repository).map_err(broken)?;
    let base = worktree::base(&repository, &job.repository).map_err(broken)?;
    let target = job.into.as_deref().unwrap_or(&base);
    let branches: Vec<Branch> = job.from.iter().map(|stage| Branch::new(&job.run, stage)).collect();
    let names: Vec<&str> = branches.iter().map(Branch::name).collect();
    say(&mut io::stdout(), &format!("merging {} into {target}", names.join(", ")));
    let trailers = Trailers {
        run: job.run.clone(),
        stage: job.stage.clone(),
        attempt: job.attempt,
        agent: String::new(),
    };
    let workspace = Path::new(&job.workspace);
    let merge = Merge { branches: &branches, target, trailers: &trailers, workspace };
    let merged = repository.merge(&merge, &mut |tree| check(job, tree));
    match merged {
        Ok(merged) => report(target, &merged).map_err(|error| (BROKEN, error.to_string())),
        Err(refused) => {
            let code = match &refused {
                NotMerged::Conflict { .. } => CONFLICT,
                NotMerged::Invalid { .. } => INVALID,
                NotMerged::Check(_) | NotMerged::Git(_) => BROKEN,
            };
            Err((code, refused.to_string()))
        }
    }
}

/// The command sees the merged tree, and what it prints is what the stage prints.
fn check(job: &MergeJob, tree: &Path) -> io::Result<bool> {
    let Some(command) = &job.check else { return Ok(true) };
    say(&mut io::stdout(), &format!("checking what it would become: {}", command.trim()));
    let mut check = Command::new("sh");
    check.args(["-e", "-c", command]).current_dir(tree).stdin(Stdio::null());
    Ok(check.status()?.success())
}

fn report(target: &str, merged: &Merged) -> io::Result<()> {
    let Merged { commit, before, delivered, empty } = merged;
    let empty: Vec<&str> = empty.iter().map(Branch::name).collect();
    let mut out = io::stdout();
    if commit == before {
        say(&mut out, &format!("there is nothing that {target} has not"));
    } else if delivered == target {
        say(&mut out, &format!("{target} is at {commit} now"));
    } else {
        say(&mut out, &format!("{target} is checked out in the repository, and was not moved"));
        say(&mut out, &format!("take it over there: git merge --ff-only {delivered}"));
    }
    let outputs =
        json!({"commit": commit, "before": before, "delivered": delivered, "empty": empty});
    let Some(place) = std::env::var_os("ORCHESTRATE_OUTPUT") else { return Ok(()) };
    fs::write(place, outputs.to_string())
}

/// Whoever reads it may be gone.
fn say(out: &mut impl io::Write, text: &str) {
    let _gone = writeln!(out, "{text}");
}
