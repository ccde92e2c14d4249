//! The two small files that tell what became of an attempt when nobody is left to ask.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use api::capture::{EXIT, START};
use api::link::{AttemptRef, Exit};
use serde::{Deserialize, Serialize};

/// The first line of `start.json`, on disk before the child exists.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) attempt: AttemptRef,
    /// Of the machine's kernel: after another boot no process of this attempt lives.
    pub(crate) boot: String,
}

/// The second line, once the child exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Child {
    pub(crate) pid: u32,
    /// In clock ticks since boot: tells it from a later process of the same number.
    pub(crate) started: u64,
}

#[derive(Debug)]
pub(crate) struct Start {
    /// `None` when the file was torn by a crash: it was about to be started, more is not known.
    pub(crate) intent: Option<Intent>,
    pub(crate) child: Option<Child>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) attempt: AttemptRef,
    pub(crate) exit: Exit,
}

/// Writes the intent. `AlreadyExists` when there is one; with `durable`, it is on disk for good.
pub(crate) fn begin(folder: &Path, intent: &Intent, durable: bool) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(folder.join(START))?;
    let mut line = serde_json::to_vec(intent)?;
    line.push(b'\n');
    file.write_all(&line)?;
    if durable {
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// Adds the child to what [`begin`] has written.
pub(crate) fn begun(file: &mut File, child: Child) -> io::Result<()> {
    let mut line = serde_json::to_vec(&child)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// Takes the intent back: the child never came to be.
pub(crate) fn not_begun(folder: &Path) -> io::Result<()> {
    fs::remove_file(folder.join(START))
}

pub(crate) fn started(folder: &Path) -> io::Result<Option<Start>> {
    let text = match fs::read(folder.join(START)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = text.lines();
    Ok(Some(Start {
        intent: lines.next().and_then(|line| serde_json::from_str(line).ok()),
        child: lines.next().and_then(|line| serde_json::from_str(line).ok()),
    }))
}

/// Writes the end, whole or not at all.
pub(crate) fn end(folder: &Path, ended: &Ended, durable: bool) -> io::Result<()> {
    let unfinished = folder.join("exit.json.tmp");
    let mut file = File::create(&unfinished)?;
    file.write_all(&serde_json::to_vec(ended)?)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(&unfinished, folder.join(EXIT))?;
    if durable {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// `None` when it has not ended, as far as the files know.
pub(crate) fn ended(folder: &Path) -> io::Result<Option<Ended>> {
    match fs::read(folder.join(EXIT)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which boot of the machine this is.
pub(crate) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}
