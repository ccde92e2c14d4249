//! Whether a process on this machine is the work of one of our stages.
//!
//! Every process that a stage starts stays below the keeper, also one that goes into a session of
//! its own: the keeper is a child subreaper. A process cannot change who its ancestors are, so
//! neither an environment without our variables nor a borrowed token hides where it comes from.
//! Workers on this machine have keepers of their own, in folders of their own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

mod socket;

/// Ancestors that are looked at.
const LEVELS: usize = 256;
const TRIES: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Descent {
    /// Below the keeper of this data folder.
    Stage,
    Other,
    /// The process is gone, or cannot be seen from here.
    Unknown,
}

/// Reads `/proc`; a handful of small files.
pub(crate) fn of(pid: Option<u32>, data: &Path) -> Descent {
    let Some(pid) = pid.filter(|pid| *pid > 0) else { return Descent::Unknown };
    // An ancestor that ends while we look hands its children on: they are looked for again.
    (0..TRIES).find_map(|_| climb(pid, data)).unwrap_or(Descent::Unknown)
}

/// The same for whoever holds the other end of a TCP connection. Another machine, and another user
/// of this one, runs no stage of ours.
pub(crate) fn of_connection(theirs: SocketAddr, ours: SocketAddr, data: &Path) -> Descent {
    if !theirs.ip().to_canonical().is_loopback() && theirs.ip() != ours.ip() {
        return Descent::Other;
    }
    match socket::find(theirs, ours) {
        None => Descent::Unknown,
        Some(found) if found.uid != crate::identity::our_uid() => Descent::Other,
        Some(found) => {
            let holders = socket::holders(found.inode);
            let mut descents = holders.into_iter().map(|pid| of(Some(pid), data));
            // A connection that a stage holds too is a stage's.
            descents
                .try_fold(Descent::Unknown, |_, descent| match descent {
                    Descent::Stage | Descent::Unknown => Err(descent),
                    Descent::Other => Ok(Descent::Other),
                })
                .unwrap_or_else(|found| found)
        }
    }
}

/// `None`: somebody on the way up was gone.
fn climb(mut pid: u32, data: &Path) -> Option<Descent> {
    for _ in 0..LEVELS {
        if pid <= 1 {
            return Some(Descent::Other);
        }
        if is_keeper(pid, data) {
            return Some(Descent::Stage);
        }
        pid = parent(pid)?;
    }
    Some(Descent::Unknown)
}

fn is_keeper(pid: u32, data: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = line.split(|byte| *byte == 0).skip(1);
    if words.next() != Some(b"keeper".as_slice()) || words.next() != Some(b"--data-dir".as_slice())
    {
        return false;
    }
    let theirs = words.next().map(String::from_utf8_lossy);
    let (Some(theirs), Ok(ours)) = (theirs, fs::canonicalize(data)) else { return false };
    // A relative path is relative to where that process is.
    let theirs = Path::new("/proc").join(pid.to_string()).join("cwd").join(&*theirs);
    fs::canonicalize(theirs).is_ok_and(|theirs| theirs == ours || is_worker_of(&theirs, &ours))
}

/// Whether a folder is that of a worker of ours on this machine: below our own, where nobody can take
/// it away from, or anywhere with a word of whose it is.
fn is_worker_of(theirs: &Path, ours: &Path) -> bool {
    theirs.starts_with(ours.join("workers"))
        || fs::read_to_string(theirs.join("server"))
            .is_ok_and(|said| Path::new(said.trim()) == ours)
}

/// The fourth field, behind a name in brackets that may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_is_gone_or_unseen_is_nobody_we_know() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(of(Some(std::process::id()), data.path()), Descent::Other);
        assert_eq!(of(Some(u32::MAX / 2), data.path()), Descent::Unknown);
        assert_eq!(of(None, data.path()), Descent::Unknown);
        assert_eq!(of(Some(0), data.path()), Descent::Unknown);
    }

    #[test]
    fn whatever_runs_below_the_keeper_of_this_folder_is_a_stage() {
        let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = ours.path().to_str().unwrap();
        // A shell that is called what a keeper is called, and a child of it.
        std::fs::write(other.path().join("keeper"), "sleep 1000 & echo $!; wait").unwrap();
        let mut keeper = Command::new("sh")
            .args(["keeper", "--data-dir", folder])
            .current_dir(other.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let child: u32 = line.trim().parse().unwrap();
        assert_eq!(of(Some(child), ours.path()), Descent::Stage);
        assert_eq!(of(Some(child), other.path()), Descent::Other);
        assert!(is_worker_of(&ours.path().join("workers/w1"), ours.path()));
        assert!(!is_worker_of(&ours.path().join("workspaces/w1"), ours.path()));
        assert!(!is_worker_of(other.path(), ours.path()));
        std::fs::write(other.path().join("server"), folder).unwrap();
        assert!(is_worker_of(other.path(), ours.path()));
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap(),
            rustix::process::Signal::KILL,
        )
        .unwrap();
        keeper.wait().unwrap();
    }
}
