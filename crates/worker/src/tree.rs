//! Processes as `/proc` shows them: who descends from whom, and signals that cannot hit a stranger.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable that every process of an attempt inherits.
pub(crate) const KEY: &str = "ORCHESTRATE_ATTEMPT_ID";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// In clock ticks since boot.
    pub(crate) started: u64,
    pub(crate) name: String,
    /// Only its number is left, until its parent takes note.
    pub(crate) ended: bool,
}

/// So often is `/proc` read at most for one consistent view.
const SCANS: u32 = 10;

/// All that are there now.
///
/// Reading takes a while, and a process whose parent ends meanwhile may be seen under a parent that
/// is not seen: then it is read again.
pub(crate) fn snapshot() -> Vec<Process> {
    let mut all = Vec::new();
    for _ in 0..SCANS {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        all = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(process)
            .collect();
        let pids: HashSet<u32> = all.iter().map(|process| process.pid).collect();
        if all.iter().all(|p| p.parent == 0 || pids.contains(&p.parent)) {
            break;
        }
    }
    all
}

/// When this process began, also of a zombie.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    Some(process(pid)?.started)
}

/// `None` when there is no such process.
fn process(pid: u32) -> Option<Process> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(&String::from_utf8_lossy(&bytes))
}

fn parse(text: &str) -> Option<Process> {
    // The name stands in parentheses and may hold parentheses and spaces itself.
    let (pid, rest) = text.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |n: usize| fields.get(n)?.parse::<u32>().ok();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
        name: name.to_owned(),
        ended: fields.first()?.starts_with(['Z', 'X']),
    })
}

/// Those of `roots` and of all that descends from them that have not ended.
pub(crate) fn with_descendants(
    all: &[Process],
    roots: impl IntoIterator<Item = u32>,
) -> Vec<&Process> {
    let mut wanted: HashSet<u32> = roots.into_iter().collect();
    loop {
        let before = wanted.len();
        let found = all.iter().filter(|p| wanted.contains(&p.parent)).map(|p| p.pid);
        let found: Vec<u32> = found.collect();
        wanted.extend(found);
        if wanted.len() == before {
            return all.iter().filter(|p| wanted.contains(&p.pid) && !p.ended).collect();
        }
    }
}

/// The attempt that a process was born into, as its environment says it.
pub(crate) fn marker(pid: u32) -> Option<String> {
    variable(pid, KEY)
}

/// A variable of the environment that a process was born with.
pub(crate) fn variable(pid: u32, name: &str) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = environ
        .split(|&b| b == 0)
        .find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

/// Whether stdout or stderr of this process is the pipe of that inode.
pub(crate) fn writes_to(pid: u32, pipe: u64) -> bool {
    let pipe = format!("pipe:[{pipe}]");
    [1, 2].into_iter().any(|fd| {
        fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|to| to.as_os_str() == &*pipe)
    })
}

/// A hold on exactly this process; `None` when it is gone, whoever has its number now.
pub(crate) fn hold(process: &Process) -> Option<OwnedFd> {
    let pidfd = pidfd_open(number(process.pid)?, PidfdFlags::empty()).ok()?;
    (start_time(process.pid)? == process.started).then_some(pidfd)
}

/// It may have ended: then nothing happens.
pub(crate) fn signal(pidfd: &OwnedFd, signal: Signal) {
    if let Err(error) = pidfd_send_signal(pidfd, signal)
        && error != rustix::io::Errno::SRCH
    {
        tracing::warn!(%error, ?signal, "could not signal a process");
    }
}

pub(crate) fn number(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let text = "12 (a) b (c) S 3 4 5 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987 1 2 3\n";
        let process = parse(text).unwrap();
        assert_eq!((process.pid, process.parent, process.group, process.session), (12, 3, 4, 5));
        assert_eq!((process.started, process.name.as_str()), (987, "a) b (c"));
        assert!(!process.ended);
    }

    #[test]
    fn descendants_are_found_in_any_order() {
        let process = |pid, parent| Process {
            pid,
            parent,
            group: 0,
            session: 0,
            started: 0,
            name: String::new(),
            ended: false,
        };
        let all = [process(9, 7), process(7, 5), process(5, 1), process(6, 1), process(8, 6)];
        let pids: Vec<u32> = with_descendants(&all, [5]).iter().map(|p| p.pid).collect();
        assert_eq!(pids, [9, 7, 5]);
    }

    #[test]
    fn this_process_is_seen() {
        let own = process(std::process::id()).unwrap();
        assert!(snapshot().contains(&own));
        assert!(hold(&own).is_some());
        assert!(hold(&Process { started: own.started + 1, ..own }).is_none());
    }
}
