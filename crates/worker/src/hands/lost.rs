//! What became of an attempt that no keeper answers for.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use api::link::{AttemptRef, What};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::time::Timespec;

use crate::keeper::{lock_file, socket};
use crate::record::{self, Child, Ended};
use crate::tree::{self, Process};

/// So long is it tried to kill what an attempt has left running.
const PATIENCE: Duration = Duration::from_secs(10);
const ROUND: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Reads the records of an attempt. When it was started and its end is unknown, whatever still runs
/// of it is killed first: no child runs under a settled parent.
pub(super) fn verdict(data_dir: &Path, run_folder: &Path, attempt: &AttemptRef) -> What {
    match judge(data_dir, run_folder, attempt) {
        Ok(what) => what,
        Err(error) => What::Lost { message: format!("its records cannot be read: {error}") },
    }
}

fn judge(data_dir: &Path, run_folder: &Path, attempt: &AttemptRef) -> io::Result<What> {
    let account = record::account(run_folder, &attempt.key)?;
    if let Some(ended) = account.ended {
        return Ok(ended_as(ended, attempt));
    }
    let Some((started, boot)) = account.starting else { return Ok(What::NeverStarted) };
    if started != *attempt {
        return Ok(stale(attempt, &started));
    }
    if boot != record::boot() {
        return Ok(What::Lost { message: "the machine was restarted while it ran".into() });
    }
    wait_for_keeper(data_dir)?;
    let killed = kill_tree(&attempt.key, account.child)?;
    // The keeper's last act may have been to write the end down.
    if let Some(ended) = record::account(run_folder, &attempt.key)?.ended {
        return Ok(ended_as(ended, attempt));
    }
    let message = match killed {
        0 => "the keeper that held it is gone, and so are its processes".to_owned(),
        1 => "the keeper that held it is gone; its process still ran and was killed".to_owned(),
        n => format!("the keeper that held it is gone; {n} processes still ran and were killed"),
    };
    Ok(What::Lost { message })
}

fn ended_as(ended: Ended, attempt: &AttemptRef) -> What {
    if ended.attempt == *attempt {
        What::Exited(Box::new(ended.exit))
    } else {
        stale(attempt, &ended.attempt)
    }
}

fn stale(asked: &AttemptRef, known: &AttemptRef) -> What {
    let (asked, known) = (asked.fence, known.fence);
    What::Lost { message: format!("fence {asked} is stale: it was started under fence {known}") }
}

/// Until every keeper that died has let go of its lock. One that died in the act of starting a
/// child may have left it before it became its program, and so without its mark; until it has, it
/// holds the lock.
fn wait_for_keeper(data_dir: &Path) -> io::Result<()> {
    let lock = lock_file(data_dir)?;
    let folder = File::open(data_dir)?;
    loop {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(errno.into()),
        }
        // A keeper that listens has taken the lock after its predecessor had let go of it.
        if UnixStream::connect(socket(&folder)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills whatever bears the mark of this attempt, and what descends from it; says how many.
fn kill_tree(key: &str, child: Option<Child>) -> io::Result<usize> {
    let give_up = Instant::now() + PATIENCE;
    let mut killed = 0;
    loop {
        let all = tree::snapshot();
        let is_of_it = |process: &&Process| {
            let main = Child { pid: process.pid, started: process.started };
            child == Some(main) || tree::marker(process.pid).as_deref() == Some(key)
        };
        let roots: Vec<u32> = all.iter().filter(is_of_it).map(|process| process.pid).collect();
        let held: Vec<OwnedFd> =
            tree::with_descendants(&all, roots).into_iter().filter_map(tree::hold).collect();
        if held.is_empty() {
            return Ok(killed);
        }
        for pidfd in &held {
            tree::signal(pidfd, Signal::KILL);
        }
        for pidfd in &held {
            let ended = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&ROUND))?;
            killed += ended;
        }
        if Instant::now() > give_up {
            return Err(io::Error::other("a process of it cannot be killed"));
        }
    }
}
