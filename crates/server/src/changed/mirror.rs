//! A bare clone of the repository, asked with `git`. The only place where the server starts a
//! process.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::question::Question;
use super::{MOST, Missing};

/// Of one command.
const SLOW: Duration = Duration::from_secs(120);
/// Of what it prints.
const LARGE: u64 = 64 << 20;

/// Two fetches into one mirror would be in each other's way.
static FETCHING: Mutex<()> = Mutex::new(());

/// The files between the revision that both sides come from and the newer one.
pub(super) fn ask(mirror: &Path, question: &Question) -> Result<Vec<String>, Missing> {
    let Some(after) = &question.after else {
        return Err(Missing::Ever("the delivery does not say which revision is new".to_owned()));
    };
    if !mirror.is_dir() {
        return Err(Missing::Now(format!("there is no mirror at `{}`", mirror.display())));
    }
    let has = |revision: &str| {
        let commit = format!("{revision}^{{commit}}");
        git(mirror, &["cat-file", "-e", &commit]).is_ok()
    };
    let missing = |revision: &String| !has(revision);
    if missing(after) || question.before.as_ref().is_some_and(missing) {
        fetch(mirror, question)?;
    }
    // A new branch is held against the one that the repository shows first.
    let before = question.before.as_deref().unwrap_or("HEAD");
    let base = git(mirror, &["merge-base", before, after])?;
    let base = String::from_utf8_lossy(&base).trim().to_owned();
    let changed =
        git(mirror, &["diff-tree", "-r", "-z", "--name-only", "--no-renames", &base, after])?;
    let paths = changed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let paths: Vec<String> = paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    if paths.len() > MOST {
        return Err(Missing::Ever(format!("more than {MOST} files changed")));
    }
    Ok(paths)
}

fn fetch(mirror: &Path, question: &Question) -> Result<(), Missing> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let fetch = ["fetch", "--quiet", "--no-tags", "--no-auto-gc", "origin"];
    let heads = [&fetch[..], &["+refs/heads/*:refs/heads/*"]].concat();
    let fetched = git(mirror, &heads);
    if let Some(number) = question.number {
        // Forges keep what is asked to be pulled under names of their own; which one this is, it
        // is not asked.
        for place in ["pull", "merge-requests", "pull-requests"] {
            let name = format!("+refs/{place}/{number}/head:refs/{place}/{number}/head");
            if git(mirror, &[&fetch[..], &[name.as_str()]].concat()).is_ok() {
                break;
            }
        }
    }
    fetched.map(drop)
}

/// What it prints.
fn git(mirror: &Path, arguments: &[&str]) -> Result<Vec<u8>, Missing> {
    let failed = |problem: String| {
        let verb = arguments.first().copied().unwrap_or_default();
        Missing::Now(format!("`git {verb}` in `{}`: {problem}", mirror.display()))
    };
    let child = Command::new("git")
        .arg("--git-dir")
        .arg(mirror)
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let (status, out, errors) = finish(child).map_err(failed)?;
    if status {
        return Ok(out);
    }
    let said = String::from_utf8_lossy(&errors);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed");
    Err(failed(first.chars().take(300).collect()))
}

/// Whether it succeeded, what it printed and what it complained about; killed when it is slow.
fn finish(mut child: Child) -> Result<(bool, Vec<u8>, Vec<u8>), String> {
    let (out, errors) = (child.stdout.take(), child.stderr.take());
    let (done, ended) = channel::<()>();
    std::thread::scope(|scope| {
        let complaints = scope.spawn(|| gather(errors, 64 << 10));
        let watched = scope.spawn(move || {
            let slow = ended.recv_timeout(SLOW) == Err(RecvTimeoutError::Timeout);
            if slow {
                let _gone = child.kill();
            }
            (slow, child.wait())
        });
        let printed = gather(out, LARGE);
        drop(done);
        let (slow, status) = watched.join().map_err(|_| "its watch panicked".to_owned())?;
        let complaints = complaints.join().unwrap_or_default();
        if slow {
            return Err(format!("it took longer than {} s", SLOW.as_secs()));
        }
        if printed.len() as u64 >= LARGE {
            return Err("it printed too much".to_owned());
        }
        let status = status.map_err(|error| error.to_string())?;
        Ok((status.success(), printed, complaints))
    })
}

/// At most so much; the rest is read and thrown away, so that nobody waits for room.
fn gather(from: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        let _broken = from.by_ref().take(most).read_to_end(&mut bytes);
        let _broken = std::io::copy(&mut from, &mut std::io::sink());
    }
    bytes
}
