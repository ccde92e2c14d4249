//! The keeper: a small process that starts the children of all attempts and outlives the server.
//!
//! One keeper serves one data folder. It holds every child's end of life in its hand: it reads
//! their output, keeps their deadlines, stops their whole trees and writes down how they ended, so
//! a server may die and come back at any moment. It decides nothing.
//!
//! **When the first process of an attempt has ended, the attempt is over**, and what it left behind
//! (background jobs, daemons, also with a session of their own) is ended too: 100 ms to end by
//! itself, then TERM, then, after at most a second, KILL. When the attempt is *stopped*, everything
//! gets TERM at once and the full grace.
//!
//! Two threads: the main one waits for events; a second starts children. That is not for speed
//! alone: children of the second thread are invisible to `waitid(__WNOTHREAD)` of the main one,
//! while orphans of finished attempts are adopted by the main thread. So one cheap call tells
//! whether anything was left behind, and `/proc` is read only when there is.

mod client;
mod ending;
mod events;
mod fence;
mod held;
mod spawner;
mod starting;

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::{getpid, set_child_subreaper, setsid, umask};
use rustix::thread::gettid;

use events::Keeper;

/// What a keeper needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    pub data_dir: PathBuf,
    /// With no child and no worker for so long, the keeper goes away.
    pub linger: Duration,
}

impl Options {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), linger: Duration::from_secs(3) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the keeper has to run on the main thread of its process")]
    NotMainThread,
    #[error("another keeper serves `{}`", .0.display())]
    Another(PathBuf),
    #[error("could not open the data folder `{}`", path.display())]
    DataDir { path: PathBuf, source: io::Error },
    #[error("could not {operation}")]
    System { operation: &'static str, source: io::Error },
}

/// Among the warnings of an attempt that no order has stopped.
pub(crate) const FENCED: &str = "the worker ended it by itself: it had no answer of the server for too long, or was told to stop";
pub(crate) const SOCKET: &str = "keeper.sock";
pub(crate) const LOCK: &str = "keeper.lock";
/// What the keeper says on its stdout when it can be connected to.
pub(crate) const READY: &str = "ready";

/// Serves a data folder until there is nothing left to keep. Call it first thing in a process of
/// its own, on the main thread: it leaves the session, closes inherited descriptors and replaces
/// stdout when it is ready.
pub fn run(options: &Options) -> Result<(), Error> {
    if gettid() != getpid() {
        return Err(Error::NotMainThread);
    }
    close_inherited();
    // Fails only for the leader of a process group, and then a terminal has started us by hand.
    let _ = setsid();
    let data_dir = fs::canonicalize(&options.data_dir)
        .map_err(|source| Error::DataDir { path: options.data_dir.clone(), source })?;
    let folder = File::open(&data_dir)
        .map_err(|source| Error::DataDir { path: data_dir.clone(), source })?;
    let lock = lock_file(&data_dir).map_err(system("open the keeper's lock"))?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::Another(data_dir)),
        Err(errno) => return Err(system("lock the data folder")(errno.into())),
    }
    set_child_subreaper(Some(getpid()))
        .map_err(|errno| system("become the reaper of orphans")(errno.into()))?;
    let listener = listen(&folder).map_err(system("listen on the keeper's socket"))?;
    std::env::set_current_dir("/").map_err(system("leave the working folder"))?;
    let mut keeper = Keeper::new(listener, folder, options.linger)
        .map_err(system("prepare to wait for events"))?;
    announce().map_err(system("say that the keeper is ready"))?;
    tracing::info!(pid = std::process::id(), "keeper ready");
    let served = keeper.serve().map_err(system("wait for events"));
    drop(lock);
    served
}

fn system(operation: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::System { operation, source }
}

/// Opens (and creates) the file whose lock says that a keeper lives.
pub(crate) fn lock_file(data_dir: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(data_dir.join(LOCK))
}

/// The keeper's socket below an open folder: short enough for a socket address, however deep the
/// folder lies.
pub(crate) fn socket(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

fn listen(folder: &File) -> io::Result<UnixListener> {
    let path = socket(folder);
    match fs::remove_file(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The socket is never open to others, not even between its birth and a chmod.
    let before = umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(&path);
    umask(before);
    let listener = listener?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Descriptors that a careless parent left open (a lock of a shell script, say) must not live as
/// long as we do. Whatever this process opened itself is marked close-on-exec and stays.
fn close_inherited() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<i32> =
        entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect();
    for fd in open.into_iter().filter(|&fd| fd > 2) {
        let Ok(info) = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")) else { continue };
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok());
        let close_on_exec = rustix::fs::OFlags::CLOEXEC.bits();
        if flags.is_some_and(|flags| flags & close_on_exec == 0) {
            let _ = nix::unistd::close(fd);
        }
    }
}

fn announce() -> io::Result<()> {
    // Whoever started us may be gone already: then there is nobody to tell.
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{READY}").and_then(|()| stdout.flush());
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}
