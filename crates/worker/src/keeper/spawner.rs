//! The thread that starts children.
//!
//! `vfork` halts the thread that calls it until the child has become its program; this one has
//! nothing else to do. It lives as long as the keeper: the children are its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

use crate::record::{self, Child, Intent};
use crate::tree;
use crate::wire::Spawn;

#[derive(Debug)]
pub(super) struct Spawner {
    jobs: Sender<Job>,
    results: Receiver<(u64, Result<Child, Failure>)>,
    /// Readable when there are results.
    bell: OwnedFd,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) serial: u64,
    pub(super) spawn: Box<Spawn>,
    pub(super) boot: String,
    /// Where stdout and stderr go.
    pub(super) output: OwnedFd,
}

#[derive(Debug)]
pub(super) enum Failure {
    /// Its folder says that it was started before.
    StartedBefore,
    NotStarted(String),
}

impl Spawner {
    pub(super) fn new() -> io::Result<Self> {
        let (jobs, to_do) = channel();
        let (done, results) = channel();
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let ring = bell.try_clone()?;
        thread::Builder::new().name("spawner".into()).spawn(move || work(&to_do, &done, &ring))?;
        Ok(Self { jobs, results, bell })
    }

    pub(super) fn submit(&self, job: Job) {
        // The thread ends only with the process.
        let _ = self.jobs.send(job);
    }

    pub(super) fn results(&self) -> Vec<(u64, Result<Child, Failure>)> {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        self.results.try_iter().collect()
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

fn work(jobs: &Receiver<Job>, done: &Sender<(u64, Result<Child, Failure>)>, bell: &OwnedFd) {
    for job in jobs {
        let serial = job.serial;
        let answer = |result| {
            let _ = done.send((serial, result));
            let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
        };
        start(job, answer);
    }
}

/// Answers as soon as the child exists; what can wait comes after.
fn start(job: Job, answer: impl FnOnce(Result<Child, Failure>)) {
    let Job { spawn, boot, output, .. } = job;
    let intent = Intent { attempt: spawn.attempt.clone(), boot };
    let mut file = match record::begin(&spawn.folder, &intent, spawn.once) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return answer(Err(Failure::StartedBefore));
        }
        Err(error) => {
            let folder = spawn.folder.display();
            let message = format!("could not record the start in `{folder}`: {error}");
            // A torn record would make a start out of what was none.
            let _ = record::not_begun(&spawn.folder);
            return answer(Err(Failure::NotStarted(message)));
        }
    };
    match launch(&spawn, output) {
        Ok(pid) => {
            let child = Child { pid, started: tree::start_time(pid).unwrap_or(0) };
            answer(Ok(child));
            if let Err(error) = record::begun(&mut file, child) {
                // The child is found by its marker instead.
                tracing::warn!(%error, pid, "could not record the process of an attempt");
            }
        }
        Err(error) => {
            if let Err(error) = record::not_begun(&spawn.folder) {
                tracing::warn!(%error, key = spawn.attempt.key, "could not take back a start");
            }
            let program = spawn.program.display();
            let folder = spawn.working_dir.display();
            answer(Err(Failure::NotStarted(format!(
                "could not start `{program}` in `{folder}`: {error}"
            ))));
        }
    }
}

fn launch(spawn: &Spawn, output: OwnedFd) -> io::Result<u32> {
    let errors = output.try_clone()?;
    let mut command = Command::new(&spawn.program);
    if let Some((name, arguments)) = spawn.argv.split_first() {
        command.arg0(name).args(arguments);
    }
    command
        .env_clear()
        .envs(&spawn.env)
        .current_dir(&spawn.working_dir)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    // Dropping the handle neither waits nor kills: the main thread reaps by number.
    Ok(command.spawn()?.id())
}
