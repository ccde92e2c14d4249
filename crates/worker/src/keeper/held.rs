//! One attempt in the keeper's hand.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::link::{AttemptRef, End, Exit, Stopped};
use wait4::ResUse;

use crate::capture::Capture;
use crate::record::{Child, Ended};

/// Of the file that an attempt's outputs are written to, in bytes.
const LARGEST_OUTPUTS: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Held {
    pub(super) attempt: AttemptRef,
    /// Of its run.
    pub(super) run_folder: PathBuf,
    pub(super) outputs: PathBuf,
    pub(super) timeout: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) grace: Duration,
    pub(super) once: bool,
    pub(super) capture: Capture,
    /// `None` once nobody can write to it any more.
    pub(super) pipe: Option<Watched>,
    pub(super) pipe_inode: u64,
    pub(super) main: Main,
    pub(super) since: Instant,
    pub(super) last_output: Instant,
    pub(super) last_report: Option<Instant>,
    pub(super) report_due: bool,
    /// Why it is being stopped; the first reason stands.
    pub(super) stop: Option<Stopped>,
    /// Other processes of its tree whose end is waited for.
    pub(super) others: HashMap<u64, Other>,
    /// What the main child left behind has got its TERM.
    pub(super) leftovers_told: bool,
    pub(super) kill_rounds: u32,
    pub(super) warnings: Vec<String>,
    /// Ended, but not yet on disk.
    pub(super) unrecorded: Option<Box<Ended>>,
    /// Writing the record has failed, and the end was reported without one.
    pub(super) record_failed: bool,
}

/// A descriptor and the number under which its events come.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) token: u64,
    pub(super) fd: OwnedFd,
}

#[derive(Debug)]
pub(super) enum Main {
    Starting,
    Running { child: Child, pidfd: Watched },
    Ended { child: Child, used: Option<ResUse>, elapsed: Duration },
}

#[derive(Debug)]
pub(super) struct Other {
    pub(super) pid: u32,
    pub(super) name: String,
    pub(super) pidfd: OwnedFd,
}

impl Held {
    pub(super) fn child(&self) -> Option<Child> {
        match &self.main {
            Main::Starting => None,
            Main::Running { child, .. } | Main::Ended { child, .. } => Some(*child),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.main, Main::Running { .. })
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.main, Main::Ended { .. })
    }

    /// The account of its life, once its main process has ended.
    pub(super) fn account(&mut self) -> Exit {
        let (used, elapsed) = match &self.main {
            Main::Ended { used, elapsed, .. } => (*used, *elapsed),
            Main::Starting | Main::Running { .. } => (None, self.since.elapsed()),
        };
        let status = used.map(|used| used.status);
        let end = match (self.stop, status) {
            (Some(reason), _) => End::Stopped(reason),
            (None, Some(status)) => match (status.code(), status.signal()) {
                (Some(code), _) => End::Code(code),
                (None, signal) => End::Signal(signal.unwrap_or(9)),
            },
            // It could not be reaped although nobody stopped it; only KILL does that.
            (None, None) => End::Signal(9),
        };
        let (outputs, outputs_error) = match read_outputs(&self.outputs) {
            Ok(text) => (text.map(|text| self.capture.masks().text(&text)), None),
            Err(message) => (None, Some(message)),
        };
        self.warnings.extend(self.capture.problem());
        let rusage = used.map(|used| used.rusage);
        Exit {
            end,
            outputs,
            outputs_error,
            artifacts: Vec::new(),
            committed: None,
            artifacts_error: None,
            elapsed_ms: millis(elapsed),
            user_ms: rusage.map_or(0, |r| millis(r.utime)),
            system_ms: rusage.map_or(0, |r| millis(r.stime)),
            max_rss_bytes: rusage.map_or(0, |r| r.maxrss),
            output_bytes: self.capture.total(),
            tail: self.capture.tail(),
            warnings: std::mem::take(&mut self.warnings),
        }
    }
}

/// `Ok(None)` when there is no such file: most stages have no outputs.
fn read_outputs(path: &Path) -> Result<Option<String>, String> {
    let unreadable = |error| format!("the output file could not be read: {error}");
    // Without waiting: a pipe or device in its place must not hold up the keeper.
    let without_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = match File::options().read(true).custom_flags(without_waiting).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("the output file is not a plain file".into());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_OUTPUTS + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_OUTPUTS {
        let size = metadata.len();
        return Err(format!(
            "the output file is too large: {size} bytes, at most {LARGEST_OUTPUTS}"
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(format!("the output file is not UTF-8: byte {at} is not"))
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
