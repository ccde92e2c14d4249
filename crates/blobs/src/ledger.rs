//! How much is in use, and how much may be.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::{Blobs, Error, failure, is_digest};

/// Held under its lock. A crash may leave `used` a little wrong: removing counts anew.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
    pub(crate) used: u64,
    quota: Option<u64>,
}

/// What was true a moment ago: enough to stop early.
#[derive(Debug)]
pub(crate) struct Room {
    used: u64,
    quota: Option<u64>,
}

impl Room {
    pub(crate) fn admits(&self, bytes: u64) -> Result<(), Error> {
        match self.quota {
            Some(quota) if self.used.saturating_add(bytes) > quota => {
                Err(Error::Quota { bytes, used: self.used, quota })
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Ledger {
    /// `before` bytes make way for `bytes`.
    pub(crate) fn admit(&mut self, bytes: u64, before: u64) -> Result<(), Error> {
        let others = self.used.saturating_sub(before);
        Room { used: others, quota: self.quota }.admits(bytes)?;
        self.used = others + bytes;
        Ok(())
    }

    pub(crate) fn write(&mut self) -> Result<(), Error> {
        let failed = || failure::io("write down how much is in use", Path::new("ledger"));
        let quota = self.quota.map_or_else(|| "none".to_owned(), |quota| quota.to_string());
        // The lines are of one length, so that no crash leaves half of a longer one.
        let text = format!("used {:>20}\nquota {quota:>20}\n", self.used);
        self.file.rewind().map_err(failed())?;
        self.file.write_all(text.as_bytes()).map_err(failed())
    }
}

impl Blobs {
    /// Bytes that all content takes.
    pub fn used(&self) -> Result<u64, Error> {
        Ok(self.room()?.used)
    }

    /// From now on, for every process that uses this folder. `None`: as much as fits on the disk.
    pub fn set_quota(&self, quota: Option<u64>) -> Result<(), Error> {
        let mut ledger = self.ledger()?;
        if ledger.quota == quota {
            return Ok(());
        }
        ledger.quota = quota;
        ledger.write()
    }

    pub(crate) fn room(&self) -> Result<Room, Error> {
        let Ledger { used, quota, .. } = self.ledger()?;
        Ok(Room { used, quota })
    }

    /// Waits for whoever has it.
    pub(crate) fn ledger(&self) -> Result<Ledger, Error> {
        self.make_folder(&self.root)?;
        let path = self.root.join("ledger");
        let failed = || failure::io("see how much is in use", &path);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed())?;
        flock(&file, FlockOperation::LockExclusive).map_err(|errno| failed()(errno.into()))?;
        let mut text = String::new();
        // What is no text was torn: it is counted anew.
        let _ = file.read_to_string(&mut text);
        let word =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let quota = word("quota ").and_then(|word| word.parse().ok());
        let known = word("used ").and_then(|word| word.parse().ok());
        let mut ledger = Ledger { file, used: known.unwrap_or(0), quota };
        if known.is_none() {
            ledger.used = self.count()?;
            ledger.write()?;
        }
        Ok(ledger)
    }

    /// The bytes of all content, by looking.
    pub(crate) fn count(&self) -> Result<u64, Error> {
        let mut bytes = 0;
        for folder in self.folders()? {
            for entry in fs::read_dir(&folder).map_err(failure::io("list blobs", &folder))? {
                let entry = entry.map_err(failure::io("list blobs", &folder))?;
                if entry.file_name().to_str().is_some_and(is_digest) {
                    bytes += entry.metadata().map_or(0, |file| file.len());
                }
            }
        }
        Ok(bytes)
    }
}
