//! What runs inside a pane of tmux: it starts the attempt at the terminal, and says what it prints
//! to the terminal and to the carrier, byte by byte.
//!
//! Terminals change line ends and may be closed; the pipe to the carrier is what counts.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use api::link::End;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, getpgrp, kill_process_group, pidfd_open};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::time::Instant;

use super::carry::{Asked, Term};
use super::job::{Job, write};
use crate::family::watched;
use crate::tree;

/// The last word of the arguments of a carrier that is in a pane.
pub(super) const FLAG: &str = "--pane";
/// What it left behind may still print for so long.
const COURTESY: Duration = Duration::from_millis(100);
/// When the terminal goes, the reason may be that the keeper ends all of it: its word follows.
const SETTLE: Duration = Duration::from_millis(500);
/// Its session ends with it: nothing that the terminal sends may end it before.
const SHIELD: &str = "trap '' HUP; exec \"$@\"";

pub(super) fn pipe(folder: &Path) -> PathBuf {
    folder.join("runtime.pipe")
}

/// How the attempt ended, once it has.
pub(super) fn status(folder: &Path) -> PathBuf {
    folder.join("runtime.status.json")
}

/// Its exit code is of no account: how the attempt ended stands in the folder, or nobody knows.
pub(super) async fn run(job: &Job) -> i32 {
    if let Err(error) = inside(job).await {
        // The terminal is all that is left to say it to.
        let _gone = writeln!(std::io::stderr(), "orchestrate: {error}");
        return 1;
    }
    0
}

async fn inside(job: &Job) -> std::io::Result<()> {
    let mut term = Term::new()?;
    // Waits until it is listened to: what is said before is lost.
    let carrier = File::options().write(true).open(pipe(&job.folder))?;
    let mut carrier = pipe::Sender::from_file(carrier)?;
    let (sender, mut output) = tokio::net::unix::pipe::pipe()?;
    let out = sender.into_blocking_fd()?;
    let mut command = Command::new("sh");
    command
        .args(["-c", SHIELD, "sh"])
        .args(&job.argv)
        .current_dir(&job.working_dir)
        .stdin(Stdio::inherit())
        .stdout(out.try_clone()?)
        .stderr(out);
    let mut child = command.spawn()?;
    // It held the writing ends too.
    drop(command);
    let number = tree::number(child.id()).ok_or(Errno::INVAL)?;
    let ended = watched(pidfd_open(number, PidfdFlags::NONBLOCK)?)?;
    let mut buffer = vec![0; 64 << 10];
    let mut status = None;
    let mut closing = Closing::default();
    loop {
        tokio::select! {
            biased;
            read = output.read(&mut buffer) => match read? {
                0 => break,
                count => pass_on(&buffer[..count], &mut carrier).await?,
            },
            // Stays readable once it has ended.
            ready = ended.readable(), if status.is_none() => {
                drop(ready?);
                status = child.try_wait()?;
            }
            () = tokio::time::sleep(COURTESY), if status.is_some() => break,
            asked = term.next() => closing.asked(asked, Duration::from_millis(job.grace_ms)),
            () = closing.due() => closing.go_on(),
        }
    }
    let status = match status {
        Some(status) => status,
        None => {
            drop(ended.readable().await?);
            child.wait()?
        }
    };
    if closing.by_terminal {
        // Somebody took its session away; that is no end of its own.
        return Ok(());
    }
    let end = match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, signal) => End::Signal(signal.unwrap_or(9)),
    };
    // Before the pipe is closed, by which the carrier hears of it.
    write(&self::status(&job.folder), &serde_json::to_vec(&end)?)
}

/// What is done when the terminal goes away.
#[derive(Debug, Default)]
struct Closing {
    by_terminal: bool,
    /// TERM has come from the keeper, which does the rest.
    stopped: bool,
    next: Option<(Instant, Signal, Duration)>,
}

impl Closing {
    fn asked(&mut self, asked: Asked, grace: Duration) {
        match asked {
            Asked::Interrupt => {}
            // Our own.
            Asked::Term if self.stopped => {}
            Asked::Term => (self.stopped, self.by_terminal, self.next) = (true, false, None),
            Asked::Hangup if self.stopped || self.by_terminal => {}
            Asked::Hangup => {
                self.by_terminal = true;
                self.next = Some((Instant::now() + SETTLE, Signal::TERM, grace));
            }
        }
    }

    async fn due(&self) {
        match self.next {
            Some((at, _, _)) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// To all in the pane, this program among them: TERM, which it hears as its own, and KILL.
    fn go_on(&mut self) {
        let Some((_, signal, grace)) = self.next.take() else { return };
        self.stopped = true;
        if signal == Signal::TERM {
            self.next = Some((Instant::now() + grace, Signal::KILL, grace));
        }
        let _gone = kill_process_group(getpgrp(), signal);
    }
}

async fn pass_on(bytes: &[u8], carrier: &mut pipe::Sender) -> std::io::Result<()> {
    // Nobody may look.
    let mut terminal = std::io::stdout();
    let _closed = terminal.write_all(bytes).and_then(|()| terminal.flush());
    carrier.write_all(bytes).await
}
