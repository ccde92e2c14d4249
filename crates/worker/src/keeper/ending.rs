//! How attempts end: by themselves, or stopped, and never with a process left over.

use std::time::{Duration, Instant};

use api::link::Stopped;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::events::{Alarm, Keeper, Watch};
use super::held::{Main, Other, Watched};
use crate::record::{Child, Ended};
use crate::tree::{self, Process};
use crate::wire::FromKeeper;

/// What an attempt has left behind may end by itself for so long (the `tee` of a pipeline, say).
const COURTESY: Duration = Duration::from_millis(100);
/// After which it gets TERM, and KILL after at most so long.
const LEFTOVER_GRACE: Duration = Duration::from_secs(1);
/// Pause between rounds of KILL, and how many rounds before the keeper gives up.
const KILL_EVERY: Duration = Duration::from_millis(100);
const KILL_ROUNDS: u32 = 100;
const RECORD_EVERY: Duration = Duration::from_secs(1);
/// At the end at most so much is still read: no pipe holds more, but somebody outside the tree
/// might go on writing.
const LAST_READS: u32 = 64;

/// `waitid` flag of Linux: only children of the calling thread.
const NO_THREAD: WaitIdOptions = WaitIdOptions::from_bits_retain(0x2000_0000);

/// `/proc` is read so often before an orphan that the system knows of is given up, and when there
/// are orphans of other attempts, before none is taken to be left of this one.
const SCANS: u32 = 50;
const SCANS_BESIDE_OTHERS: u32 = 2;

/// What [`Keeper::gather`] found.
#[derive(Debug, Default)]
struct Found {
    new: Vec<u64>,
    orphans_of_others: bool,
}

impl Keeper {
    /// TERM to the whole tree now, KILL to what is left of it after the grace.
    pub(super) fn stop(&mut self, serial: u64, reason: Stopped) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        let group = match &held.main {
            // As soon as it exists.
            Main::Starting => {
                held.stop.get_or_insert(reason);
                return;
            }
            Main::Running { child, .. } => {
                if held.stop.is_some() {
                    return;
                }
                held.stop = Some(reason);
                tree::number(child.pid)
            }
            // It ended by itself before; what it left behind needs no courtesy any more.
            Main::Ended { .. } => return self.end_leftovers(serial),
        };
        let grace = held.grace;
        // Those of other groups are sought before anybody begins to clean up.
        let found = self.gather(serial, group);
        // The number is still the group's: its leader is not reaped.
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::TERM);
            let _ = kill_process_group(group, Signal::CONT);
        }
        self.terminate(serial, &found.new);
        self.set_alarm(Instant::now() + grace, serial, Alarm::Kill);
    }

    pub(super) fn main_ended(&mut self, serial: u64) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        let Main::Running { child, .. } = &held.main else { return };
        let child = *child;
        let used = match wait4::try_wait4_pid(child.pid) {
            Ok(Some(used)) => Some(used),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, pid = child.pid, "could not reap a child");
                None
            }
        };
        let elapsed = held.since.elapsed();
        let ended = Main::Ended { child, used, elapsed };
        if let Main::Running { pidfd, .. } = std::mem::replace(&mut held.main, ended) {
            self.unwatch(pidfd.token, &pidfd.fd);
        }
        self.settle(serial);
        let Some(held) = self.held.get(&serial) else { return };
        if held.stop.is_none() && held.unrecorded.is_none() {
            self.set_alarm(Instant::now() + COURTESY, serial, Alarm::Courtesy);
        }
    }

    pub(super) fn other_ended(&mut self, serial: u64, token: u64) {
        let other = self.held.get_mut(&serial).and_then(|held| held.others.remove(&token));
        if let Some(other) = other {
            self.unwatch(token, &other.pidfd);
        }
        let waits = |held: &super::held::Held| held.has_ended() && held.others.is_empty();
        if self.held.get(&serial).is_some_and(waits) {
            self.settle(serial);
        }
    }

    /// The main child has ended: if its whole tree has, so has the attempt.
    fn settle(&mut self, serial: u64) {
        // Whoever had a living parent has been adopted by us in this instant. One that forks and
        // ends while `/proc` is read can be missed there, but not by the system.
        let mut scans = 0;
        while self.reap_orphans() {
            let found = self.gather(serial, None);
            scans += 1;
            let Some(held) = self.held.get(&serial) else { return };
            if !held.others.is_empty() {
                // Those that were born after TERM may be cleaning up: they have the grace, too.
                return;
            }
            if found.orphans_of_others && scans >= SCANS_BESIDE_OTHERS || scans >= SCANS {
                break;
            }
        }
        if self.held.get(&serial).is_some_and(|held| held.others.is_empty()) {
            self.conclude(serial);
        }
    }

    /// TERM for what an ended attempt has left behind.
    pub(super) fn end_leftovers(&mut self, serial: u64) {
        let Some(held) = self.held.get(&serial) else { return };
        if !held.has_ended() || held.unrecorded.is_some() || held.leftovers_told {
            return;
        }
        let grace = held.grace.min(LEFTOVER_GRACE);
        self.gather(serial, None);
        let Some(held) = self.held.get_mut(&serial) else { return };
        held.leftovers_told = true;
        let mut names: Vec<String> =
            held.others.values().map(|other| format!("{} ({})", other.name, other.pid)).collect();
        names.sort();
        if !names.is_empty() {
            let names = names.join(", ");
            held.warnings.push(format!("processes were left behind and were ended: {names}"));
        }
        let all: Vec<u64> = held.others.keys().copied().collect();
        self.terminate(serial, &all);
        self.set_alarm(Instant::now() + grace, serial, Alarm::Kill);
    }

    /// KILL, again and again until nothing is left: who forks faster is caught in the next round.
    pub(super) fn kill(&mut self, serial: u64) {
        let Some(held) = self.held.get(&serial) else { return };
        if held.unrecorded.is_some() {
            return;
        }
        if let Main::Running { child, .. } = &held.main
            && let Some(group) = tree::number(child.pid)
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.gather(serial, None);
        let Some(held) = self.held.get_mut(&serial) else { return };
        for other in held.others.values() {
            tree::signal(&other.pidfd, Signal::KILL);
        }
        held.kill_rounds += 1;
        if held.kill_rounds < KILL_ROUNDS {
            return self.set_alarm(Instant::now() + KILL_EVERY, serial, Alarm::Kill);
        }
        let main = held.child().filter(|_| held.is_running()).map(|child| child.pid);
        let alive: Vec<String> =
            held.others.values().map(|o| o.pid).chain(main).map(|pid| pid.to_string()).collect();
        let alive = alive.join(", ");
        held.warnings.push(format!("processes could not be killed and were given up: {alive}"));
        self.conclude(serial);
    }

    fn terminate(&self, serial: u64, others: &[u64]) {
        let Some(held) = self.held.get(&serial) else { return };
        for other in others.iter().filter_map(|token| held.others.get(token)) {
            tree::signal(&other.pidfd, Signal::TERM);
            // One that was halted would not see it.
            tree::signal(&other.pidfd, Signal::CONT);
        }
    }

    /// Takes hold of all processes of an attempt but its main one. `but_group` are not given as
    /// new. Reads `/proc`.
    fn gather(&mut self, serial: u64, but_group: Option<Pid>) -> Found {
        let all = tree::snapshot();
        let own = std::process::id();
        let Some(held) = self.held.get(&serial) else { return Found::default() };
        let main = held.child().filter(|_| held.is_running()).map(|child| child.pid);
        let mains: Vec<u32> =
            self.held.values().filter_map(|held| Some(held.child()?.pid)).collect();
        let (orphans, of_others): (Vec<&Process>, Vec<&Process>) = all
            .iter()
            .filter(|p| p.parent == own && !p.ended && !mains.contains(&p.pid))
            .partition(|p| self.owner(p, serial) == Some(serial));
        let roots: Vec<u32> = orphans.into_iter().map(|p| p.pid).chain(main).collect();
        let mut found = Found { new: Vec::new(), orphans_of_others: !of_others.is_empty() };
        let known: Vec<u32> = held.others.values().map(|other| other.pid).collect();
        let new: Vec<&Process> = tree::with_descendants(&all, roots)
            .into_iter()
            .filter(|p| Some(p.pid) != main && !known.contains(&p.pid))
            .collect();
        for process in new {
            let Some(pidfd) = tree::hold(process) else { continue };
            let Ok(token) = self.watch(&pidfd, Watch::Other(serial)) else { continue };
            if let Some(held) = self.held.get_mut(&serial) {
                let name = process.name.clone();
                held.others.insert(token, Other { pid: process.pid, name, pidfd });
            }
            if but_group.is_none_or(|group| tree::number(process.group) != Some(group)) {
                found.new.push(token);
            }
        }
        found
    }

    /// Whose orphan this is: told by its group or session, by the mark in its environment, or by
    /// the pipe that it writes to. One that has shed all of these belongs to `asking` as soon as no
    /// other attempt lives that was there before it.
    fn owner(&self, orphan: &Process, asking: u64) -> Option<u64> {
        let by_group = self.held.iter().find(|(_, held)| {
            held.child().is_some_and(|c| c.pid == orphan.group || c.pid == orphan.session)
        });
        if let Some((&serial, _)) = by_group {
            return Some(serial);
        }
        if let Some(key) = tree::marker(orphan.pid)
            && let Some((&serial, _)) = self.held.iter().find(|(_, held)| held.attempt.key == key)
        {
            return Some(serial);
        }
        let by_pipe =
            self.held.iter().find(|(_, held)| tree::writes_to(orphan.pid, held.pipe_inode));
        if let Some((&serial, _)) = by_pipe {
            return Some(serial);
        }
        let older = self.held.iter().any(|(&serial, held)| {
            serial != asking && held.child().is_some_and(|child| child.started <= orphan.started)
        });
        (!older).then_some(asking)
    }

    /// Clears away orphans that have ended. Says whether others live: only these are children of
    /// this thread, those of the attempts belong to the thread that started them.
    pub(super) fn reap_orphans(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | NO_THREAD;
        loop {
            match waitid(WaitId::All, options) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// The attempt is over. Reads what is left of its output and writes the account.
    fn conclude(&mut self, serial: u64) {
        self.read_last_output(serial);
        self.close_pipe(serial);
        let Some(held) = self.held.get_mut(&serial) else { return };
        held.capture.finish(Instant::now());
        let exit = held.account();
        held.unrecorded = Some(Box::new(Ended { attempt: held.attempt.clone(), exit }));
        let others: Vec<(u64, Other)> = held.others.drain().collect();
        if held.is_running() {
            let child = held.child().unwrap_or(Child { pid: 0, started: 0 });
            let elapsed = held.since.elapsed();
            let main =
                std::mem::replace(&mut held.main, Main::Ended { child, used: None, elapsed });
            if let Main::Running { child, pidfd } = main {
                self.watches.insert(pidfd.token, Watch::Abandoned);
                self.abandoned.insert(pidfd.token, (child.pid, pidfd.fd));
            }
        }
        for (token, other) in others {
            self.unwatch(token, &other.pidfd);
        }
        self.record(serial);
    }

    /// Writes the account down, and only then reports it. When the disk does not take it, it is
    /// reported all the same and tried again: the server may be able to keep it.
    pub(super) fn record(&mut self, serial: u64) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        let Some(mut ended) = held.unrecorded.take() else { return };
        let again = held.record_failed;
        match self.records.ended(&held.run_folder, &ended, held.once) {
            Ok(()) => {
                // What is recorded of it has no secrets any more, the file itself may.
                let _ = std::fs::remove_file(&held.outputs);
                self.forget(serial);
            }
            Err(error) => {
                tracing::error!(%error, key = held.attempt.key, "could not write an exit record");
                if !again {
                    ended.exit.warnings.push(format!("its end could not be recorded: {error}"));
                }
                held.record_failed = true;
                held.unrecorded = Some(ended.clone());
                self.set_alarm(Instant::now() + RECORD_EVERY, serial, Alarm::Record);
            }
        }
        if !again {
            let Ended { attempt, exit } = *ended;
            self.tell(&FromKeeper::Ended { attempt, exit: Box::new(exit) });
        }
    }

    fn read_last_output(&mut self, serial: u64) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        let Some(Watched { fd, .. }) = &held.pipe else { return };
        for _ in 0..LAST_READS {
            match rustix::io::read(fd, &mut *self.buffer) {
                Ok(0) => break,
                Ok(count) => held.capture.push(&self.buffer[..count], Instant::now()),
                Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
    }
}
