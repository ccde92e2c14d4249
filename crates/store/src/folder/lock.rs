//! Who drives a data folder: an advisory lock that the kernel gives back when the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failed;
use crate::port::Error;

/// What the process that holds the lock says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// 0: it has not said yet.
    pub pid: u32,
    /// `serve`, `run` or `drive`.
    pub role: String,
    /// Where it listens besides its socket: `127.0.0.1:7070`.
    #[serde(default)]
    pub address: Option<String>,
}

/// Held as long as this lives; `kill -9` gives it back, too.
#[derive(Debug)]
pub struct Lock {
    file: File,
    holder: Holder,
}

/// Somebody who only looks holds the lock for an instant: that is waited out.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(2);

impl Lock {
    pub(super) fn acquire(path: &Path, role: &str) -> Result<Self, Error> {
        let failed = || failed("lock the data folder");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed())?;
        for left in (0..TRIES).rev() {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if left > 0 => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let Holder { pid, role, .. } = read(&file);
                    return Err(Error::InUse { path: path.display().to_string(), pid, role });
                }
                Err(TryLockError::Error(error)) => return Err(failed()(error)),
            }
        }
        let pid = std::process::id();
        let mut lock = Self { file, holder: Holder { pid, role: role.to_owned(), address: None } };
        lock.tell().map_err(failed())?;
        Ok(lock)
    }

    /// Tells others where this process listens.
    pub fn announce(&mut self, address: &str) -> Result<(), Error> {
        self.holder.address = Some(address.to_owned());
        self.tell().map_err(failed("announce an address"))
    }

    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    fn tell(&mut self) -> io::Result<()> {
        let text = serde_json::to_vec(&self.holder)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Cosmetic: the next reader looks at the lock itself first.
        let _ = self.file.set_len(0);
    }
}

pub(super) fn holder(path: &Path) -> Result<Option<Holder>, Error> {
    let failed = || failed("see who uses the data folder");
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed()(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(read(&file))),
        Err(TryLockError::Error(error)) => Err(failed()(error)),
    }
}

fn read(mut file: &File) -> Holder {
    let mut text = String::new();
    // A holder between locking and writing is a holder nevertheless.
    let _ = file.rewind();
    let _ = file.read_to_string(&mut text);
    serde_json::from_str(&text).unwrap_or_else(|_| Holder {
        pid: 0,
        role: "starting".into(),
        address: None,
    })
}
