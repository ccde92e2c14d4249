//! The thread that starts children.
//!
//! `vfork` halts the thread that calls it until the child has become its program; this one has
//! nothing else to do. It lives as long as the keeper: the children are its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

use crate::record::{Child, Records};
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
    /// Its records say that it was started before.
    StartedBefore,
    NotStarted(String),
}

impl Spawner {
    pub(super) fn new(records: Arc<Records>) -> io::Result<Self> {
        let (jobs, to_do) = channel();
        let (done, results) = channel();
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let ring = bell.try_clone()?;
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || work(&to_do, &records, &done, &ring))?;
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

fn work(
    jobs: &Receiver<Job>,
    records: &Records,
    done: &Sender<(u64, Result<Child, Failure>)>,
    bell: &OwnedFd,
) {
    for job in jobs {
        let serial = job.serial;
        let answer = |result| {
            let _ = done.send((serial, result));
            let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
        };
        start(job, records, answer);
    }
}

/// Answers as soon as the child exists; what can wait comes after.
fn start(job: Job, records: &Records, answer: impl FnOnce(Result<Child, Failure>)) {
    let Job { spawn, boot, output, .. } = job;
    let (folder, key) = (&*spawn.run_folder, &*spawn.attempt.key);
    match records.starting(folder, &spawn.attempt, &boot, spawn.once) {
        Ok(true) => {}
        Ok(false) => return answer(Err(Failure::StartedBefore)),
        Err(error) => {
            let folder = folder.display();
            let message = format!("its start could not be recorded in `{folder}`: {error}");
            return answer(Err(Failure::NotStarted(message)));
        }
    }
    match launch(&spawn, output) {
        Ok(pid) => {
            let child = Child { pid, started: tree::start_time(pid).unwrap_or(0) };
            answer(Ok(child));
            if let Err(error) = records.started(folder, key, child) {
                // The child is found by its mark instead.
                tracing::warn!(%error, pid, "could not record the process of an attempt");
            }
        }
        Err(error) => {
            if let Err(error) = records.not_started(folder, key) {
                tracing::warn!(%error, key, "could not take back a start");
            }
            let (program, folder) = (spawn.program.display(), spawn.working_dir.display());
            let message = format!("`{program}` could not be started in `{folder}`: {error}");
            answer(Err(Failure::NotStarted(message)));
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
