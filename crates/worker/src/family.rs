//! A program with all that it starts, for a process that runs others itself: none of them outlives
//! its [`Family`].
//!
//! Whoever leaves its parent is adopted by the caller's process ([`adopt_orphans`]) and found again
//! by its group, by the mark in its environment, or by the pipe that it writes to.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    PidfdFlags, Signal, WaitId, WaitIdOptions, getpid, pidfd_open, set_child_subreaper, waitid,
};
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;

use crate::tree::{self, Process};

/// The variable that every process of a family inherits.
const MARK: &str = "ORCHESTRATE_FAMILY";
/// Pause between rounds of KILL, and how many rounds before what is left is given up.
const KILL_EVERY: Duration = Duration::from_millis(50);
const KILL_ROUNDS: u32 = 100;

/// What to start and how.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The first word is looked for in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    pub working_dir: PathBuf,
    /// Whether it reads from a pipe; else from nothing.
    pub input: bool,
    /// Whether stderr has a pipe of its own; else both go to one, in order.
    pub split: bool,
}

/// Ended and gone with all its descendants when dropped, without courtesy.
#[derive(Debug)]
pub struct Family {
    main: Child,
    /// Its own start, which tells it from a later process of the same number.
    started: u64,
    exit: AsyncFd<OwnedFd>,
    status: Option<ExitStatus>,
    mark: String,
    pipes: Vec<u64>,
    input: Option<pipe::Sender>,
    output: Option<pipe::Receiver>,
    errors: Option<pipe::Receiver>,
    over: bool,
}

/// The main processes of all families, each with its start.
static MAINS: Mutex<BTreeMap<u32, u64>> = Mutex::new(BTreeMap::new());
static SERIAL: AtomicU64 = AtomicU64::new(1);

fn mains() -> MutexGuard<'static, BTreeMap<u32, u64>> {
    MAINS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(deprecated, reason = "its successor is unsafe to call; an `OwnedFd` stays what it is")]
pub(crate) fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}

/// From now on, processes below this one that lose their parent become its children.
pub fn adopt_orphans() -> io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// Whether an environment variable says where things are or how people write, and grants nothing.
pub fn harmless_variable(name: &str) -> bool {
    crate::hands::harmless(name)
}

impl Family {
    /// # Errors
    /// When there is no such program or folder, or no process can be made.
    pub fn start(start: &Start) -> io::Result<Self> {
        let Some((program, arguments)) = start.argv.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no command"));
        };
        let mark = format!("{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        let (output, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        let (errors, error_writer) = match start.split {
            true => {
                let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
                (Some(reader), writer)
            }
            false => (None, writer.try_clone()?),
        };
        let (stdin, input) = match start.input {
            true => {
                let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
                (Stdio::from(reader), Some(writer))
            }
            false => (Stdio::null(), None),
        };
        let inode = |fd: &OwnedFd| rustix::fs::fstat(fd).map(|stat| stat.st_ino);
        let mut pipes = vec![inode(&output)?];
        if let Some(errors) = &errors {
            pipes.push(inode(errors)?);
        }
        let main = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(&start.env)
            .env(MARK, &mark)
            .current_dir(&start.working_dir)
            .stdin(stdin)
            .stdout(writer)
            .stderr(error_writer)
            .process_group(0)
            .spawn()?;
        let exit = tree::number(main.id())
            .ok_or(rustix::io::Errno::INVAL)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK))
            .map_err(io::Error::from)
            .and_then(watched);
        let started = tree::start_time(main.id()).unwrap_or(0);
        mains().insert(main.id(), started);
        match exit {
            Ok(exit) => Ok(Self {
                main,
                started,
                exit,
                status: None,
                mark,
                pipes,
                input: input.map(pipe::Sender::from_owned_fd).transpose()?,
                output: Some(pipe::Receiver::from_owned_fd(output)?),
                errors: errors.map(pipe::Receiver::from_owned_fd).transpose()?,
                over: false,
            }),
            Err(error) => {
                // Nobody could watch over it.
                let mut main = main;
                let _ = main.kill();
                let _ = main.wait();
                mains().remove(&main.id());
                Err(error)
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.main.id()
    }

    /// Its standard input, once; closed when dropped.
    pub fn input(&mut self) -> Option<pipe::Sender> {
        self.input.take()
    }

    /// Its standard output, once.
    pub fn output(&mut self) -> Option<pipe::Receiver> {
        self.output.take()
    }

    /// Its standard error, once, when that is split off.
    pub fn errors(&mut self) -> Option<pipe::Receiver> {
        self.errors.take()
    }

    /// Until the program itself has ended; others of the family may go on. May be dropped and called
    /// again.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.status {
                return Ok(status);
            }
            // The descriptor stays readable once the process has ended.
            let _ready = self.exit.readable().await?;
            self.reap_main()?;
        }
    }

    /// A signal to the program itself.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            tree::signal(self.exit.get_ref(), signal);
        }
    }

    /// TERM to all, KILL to what is left of them after the grace. Says who was left behind by a
    /// program that had ended by itself, as `name (pid)`.
    pub async fn end(mut self, grace: Duration) -> Vec<String> {
        let had_ended = self.reap_main().is_ok() && self.status.is_some();
        let found = self.gather();
        let names = found.iter().map(|(process, _)| format!("{} ({})", process.name, process.pid));
        let left: Vec<String> = if had_ended { names.collect() } else { Vec::new() };
        for (_, pidfd) in &found {
            tree::signal(pidfd, Signal::TERM);
            // One that was halted would not see it.
            tree::signal(pidfd, Signal::CONT);
        }
        let all_gone = async {
            for (_, pidfd) in found {
                if let Ok(pidfd) = watched(pidfd) {
                    let _ = pidfd.readable().await;
                }
            }
        };
        let _ = tokio::time::timeout(grace, all_gone).await;
        let rest = tokio::task::spawn_blocking(move || self.kill()).await;
        match rest {
            Ok(given_up) if !given_up.is_empty() => {
                tracing::error!(given_up, "processes could not be killed");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "could not kill a family"),
        }
        left
    }

    /// KILL, again and again until nothing is left: who forks faster is caught in the next round.
    /// Says whom it had to give up.
    fn kill(&mut self) -> String {
        self.over = true;
        let mut alive = Vec::new();
        for _ in 0..KILL_ROUNDS {
            let _ = self.reap_main();
            alive = self.gather();
            if alive.is_empty() {
                break;
            }
            for (_, pidfd) in &alive {
                tree::signal(pidfd, Signal::KILL);
            }
            wait_for_all(&alive);
            reap(&alive);
        }
        let _ = self.reap_main();
        mains().remove(&self.main.id());
        alive.iter().fold(String::new(), |mut names, (process, _)| {
            let _ = write!(names, "{} ({}) ", process.name, process.pid);
            names
        })
    }

    fn reap_main(&mut self) -> io::Result<()> {
        if self.status.is_none() {
            self.status = self.main.try_wait()?;
        }
        Ok(())
    }

    /// All living processes of the family, each held fast. Reads `/proc`.
    fn gather(&self) -> Vec<(Process, OwnedFd)> {
        let all = tree::snapshot();
        let own = std::process::id();
        let main = self.status.is_none().then_some(self.main.id());
        let families = mains().clone();
        let orphans = all
            .iter()
            .filter(|p| p.parent == own && !families.contains_key(&p.pid))
            .filter(|p| self.owns(p, &families))
            .map(|p| p.pid);
        let roots: HashSet<u32> = orphans.chain(main).collect();
        tree::with_descendants(&all, roots)
            .into_iter()
            .filter_map(|process| Some((process.clone(), tree::hold(process)?)))
            .collect()
    }

    /// An orphan that has shed every sign belongs to whoever may have started it and asks first.
    fn owns(&self, orphan: &Process, families: &BTreeMap<u32, u64>) -> bool {
        let main = self.main.id();
        if orphan.group == main || orphan.session == main {
            return true;
        }
        if families.contains_key(&orphan.group) || families.contains_key(&orphan.session) {
            return false;
        }
        if let Some(mark) = tree::variable(orphan.pid, MARK) {
            return mark == self.mark;
        }
        if self.pipes.iter().any(|&pipe| tree::writes_to(orphan.pid, pipe)) {
            return true;
        }
        let other = families.iter().any(|(&pid, &at)| pid != main && at <= orphan.started);
        !other && self.started <= orphan.started
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        if !self.over {
            let given_up = self.kill();
            if !given_up.is_empty() {
                tracing::error!(given_up, "processes could not be killed");
            }
        }
    }
}

/// Until they have ended, at most for the pause between two rounds.
fn wait_for_all(processes: &[(Process, OwnedFd)]) {
    let pause = Timespec { tv_sec: 0, tv_nsec: KILL_EVERY.subsec_nanos().into() };
    for (_, pidfd) in processes {
        let mut wanted = [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)];
        let _ = poll(&mut wanted, Some(&pause));
    }
}

/// Clears away those that are children of ours by adoption.
fn reap(processes: &[(Process, OwnedFd)]) {
    let own = std::process::id();
    let families = mains().clone();
    for (process, pidfd) in processes {
        // Whose parent ended in the same round has become ours meanwhile.
        let ours = process.parent == own || !families.contains_key(&process.pid);
        if ours && !families.contains_key(&process.pid) {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
            let _ = waitid(WaitId::PidFd(pidfd.as_fd()), options);
        }
    }
}

/// KILL to everything below this process: the last thing that it does.
pub fn kill_descendants() {
    for _ in 0..KILL_ROUNDS {
        let all = tree::snapshot();
        let own = std::process::id();
        let alive: Vec<(Process, OwnedFd)> = tree::with_descendants(&all, [own])
            .into_iter()
            .filter(|process| process.pid != own)
            .filter_map(|process| Some((process.clone(), tree::hold(process)?)))
            .collect();
        if alive.is_empty() {
            return;
        }
        for (_, pidfd) in &alive {
            tree::signal(pidfd, Signal::KILL);
        }
        wait_for_all(&alive);
        reap(&alive);
    }
}
