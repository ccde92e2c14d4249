//! How attempts begin.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use api::link::AttemptRef;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{PidfdFlags, Signal, WaitOptions, kill_process_group, pidfd_open, waitpid};

use super::events::{Alarm, Keeper, Watch};
use super::held::{Held, Main, Watched};
use super::spawner::{Failure, Job};
use crate::capture::Capture;
use crate::mask::Masks;
use crate::record::Child;
use crate::tree;
use crate::wire::{FromKeeper, Spawn};

impl Keeper {
    /// The attempt of this key, if it is the same generation of it.
    pub(super) fn serial(&self, attempt: &AttemptRef) -> Option<u64> {
        let serial = *self.keys.get(&attempt.key)?;
        (self.held.get(&serial)?.attempt == *attempt).then_some(serial)
    }

    pub(super) fn spawn(&mut self, spawn: Box<Spawn>) {
        let attempt = spawn.attempt.clone();
        if self.serial(&attempt).is_some() {
            return;
        }
        if let Some(fence) = self.newer_fence(&attempt) {
            let stale = attempt.fence;
            let message = format!("fence {stale} is stale: the stage has been given fence {fence}");
            return self.tell(&FromKeeper::NotStarted { attempt, message });
        }
        if self.fence.has_passed() {
            let message = "the worker has had no answer of the server for too long".to_owned();
            return self.tell(&FromKeeper::NotStarted { attempt, message });
        }
        let pipe = pipe_with(PipeFlags::CLOEXEC).and_then(|(reader, writer)| {
            // Only our end: the child's own must behave as every pipe does.
            rustix::io::ioctl_fionbio(&reader, true)?;
            let inode = rustix::fs::fstat(&reader)?.st_ino;
            Ok((reader, writer, inode))
        });
        let (reader, writer, inode) = match pipe {
            Ok(pipe) => pipe,
            Err(errno) => {
                let message = format!("could not make a pipe for its output: {errno}");
                return self.tell(&FromKeeper::NotStarted { attempt, message });
            }
        };
        let serial = self.token();
        let now = Instant::now();
        let masks = Masks::new(spawn.secrets.iter().map(String::as_str));
        let held = Held {
            attempt,
            run_folder: spawn.run_folder.clone(),
            outputs: spawn.outputs.clone(),
            timeout: spawn.timeout_ms.map(Duration::from_millis),
            idle: spawn.idle_ms.map(Duration::from_millis),
            grace: Duration::from_millis(spawn.grace_ms),
            once: spawn.once,
            capture: Capture::new(&spawn.folder, spawn.layout, masks),
            pipe: Some(Watched { token: 0, fd: reader }),
            pipe_inode: inode,
            main: Main::Starting,
            since: now,
            last_output: now,
            last_report: None,
            report_due: false,
            stop: None,
            others: HashMap::new(),
            leftovers_told: false,
            kill_rounds: 0,
            warnings: Vec::new(),
            unrecorded: None,
            record_failed: false,
        };
        self.keys.insert(held.attempt.key.clone(), serial);
        self.held.insert(serial, held);
        self.spawner.submit(Job { serial, spawn, boot: self.boot.clone(), output: writer });
    }

    /// The fence of a newer attempt of the same execution, or of this key.
    fn newer_fence(&self, attempt: &AttemptRef) -> Option<u64> {
        self.held
            .values()
            .map(|held| &held.attempt)
            .filter(|held| {
                held.key == attempt.key
                    || (held.run == attempt.run && held.execution == attempt.execution)
            })
            .map(|held| held.fence)
            .filter(|&fence| fence > attempt.fence)
            .max()
    }

    pub(super) fn spawned(&mut self, serial: u64, result: Result<Child, Failure>) {
        let Some(held) = self.held.get(&serial) else { return };
        let attempt = held.attempt.clone();
        match result {
            Ok(child) => {
                if let Err(error) = self.take_up(serial, child) {
                    return self.give_up(serial, child, &error);
                }
                self.tell(&FromKeeper::Started { attempt, pid: child.pid });
                if let Some(reason) = self.held.get_mut(&serial).and_then(|held| held.stop.take()) {
                    self.stop(serial, reason);
                }
            }
            Err(Failure::NotStarted(message)) => {
                self.forget(serial);
                self.tell(&FromKeeper::NotStarted { attempt, message });
            }
            Err(Failure::StartedBefore) => {
                self.forget(serial);
                self.tell(&FromKeeper::Unknown { attempt });
            }
        }
    }

    fn take_up(&mut self, serial: u64, child: Child) -> io::Result<()> {
        // Its number cannot be taken by another: only we reap it.
        let number = tree::number(child.pid).ok_or(Errno::INVAL)?;
        let pidfd = pidfd_open(number, PidfdFlags::empty())?;
        let token = self.watch(&pidfd, Watch::Main(serial))?;
        let pipe = self.held.get_mut(&serial).and_then(|held| held.pipe.take());
        let pipe = match pipe {
            Some(Watched { fd, .. }) => {
                Some(Watched { token: self.watch(&fd, Watch::Pipe(serial))?, fd })
            }
            None => None,
        };
        let now = Instant::now();
        let Some(held) = self.held.get_mut(&serial) else { return Ok(()) };
        held.main = Main::Running { child, pidfd: Watched { token, fd: pidfd } };
        held.pipe = pipe;
        held.since = now;
        held.last_output = now;
        let (timeout, idle) = (held.timeout, held.idle);
        if let Some(timeout) = timeout {
            self.set_alarm(now + timeout, serial, Alarm::Timeout);
        }
        if let Some(idle) = idle {
            self.set_alarm(now + idle, serial, Alarm::Idle);
        }
        Ok(())
    }

    /// Nobody could watch over this child (no descriptor is left, say): it must not go on alone.
    /// It has been there, though, and its record stays to say so.
    fn give_up(&mut self, serial: u64, child: Child, error: &io::Error) {
        tracing::error!(%error, pid = child.pid, "could not watch over a child and killed it");
        if let Some(number) = tree::number(child.pid) {
            let _ = kill_process_group(number, Signal::KILL);
            let _ = waitpid(Some(number), WaitOptions::empty());
        }
        let Some(held) = self.held.get(&serial) else { return };
        let attempt = held.attempt.clone();
        self.forget(serial);
        self.tell(&FromKeeper::Unknown { attempt });
    }
}
