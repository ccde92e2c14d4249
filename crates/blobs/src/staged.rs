//! Content on its way in.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Timestamps, UTIME_NOW, UTIME_OMIT, futimens};
use rustix::time::Timespec;
use sha2::{Digest as _, Sha256};

use crate::{Blobs, CHUNK, Error, Stored, failure, hex, sync_folder};

/// A whole copy that has no name yet. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    blobs: Blobs,
    path: PathBuf,
    file: File,
    stored: Stored,
}

impl Staged {
    pub(crate) fn fill(blobs: Blobs, from: impl Read, max_bytes: u64) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = blobs.temporary();
        blobs.make_folder(&folder)?;
        let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(format!("{process}-{count}"));
        // One of this name was left behind by a process that had our number before.
        let _ = fs::remove_file(&path);
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failure::io("store content", &path))?;
        let stored = Stored { digest: String::new(), bytes: 0 };
        let mut staged = Self { blobs, path, file, stored };
        staged.copy(from, max_bytes)?;
        Ok(staged)
    }

    fn copy(&mut self, mut from: impl Read, max_bytes: u64) -> Result<(), Error> {
        let room = self.blobs.room()?;
        let (mut hasher, mut bytes) = (Sha256::new(), 0_u64);
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Error::Source { source }),
            };
            bytes += count as u64;
            if bytes > max_bytes {
                return Err(Error::TooLarge { max_bytes });
            }
            room.admits(bytes)?;
            hasher.update(&chunk[..count]);
            self.file
                .write_all(&chunk[..count])
                .map_err(failure::io("store content", &self.path))?;
        }
        self.stored = Stored { digest: hex(&hasher.finalize()), bytes };
        Ok(())
    }

    pub fn digest(&self) -> &str {
        &self.stored.digest
    }

    pub fn bytes(&self) -> u64 {
        self.stored.bytes
    }

    /// What was copied, from its beginning: nobody else can change it.
    pub fn content(&mut self) -> io::Result<&File> {
        self.file.rewind()?;
        Ok(&self.file)
    }

    /// Gives it its name, for good.
    pub fn keep(self) -> Result<Stored, Error> {
        let goal = self.blobs.path(&self.stored.digest)?;
        let folder = goal.parent().unwrap_or(&self.blobs.root).to_owned();
        self.blobs.make_folder(&folder)?;
        let failed = || failure::io("store content", &goal);
        let known = |stored: &Stored| {
            fs::symlink_metadata(&goal).is_ok_and(|m| m.is_file() && m.len() == stored.bytes)
        };
        if !known(&self.stored) {
            self.file.set_permissions(Permissions::from_mode(0o400)).map_err(failed())?;
            self.file.sync_all().map_err(failed())?;
        }
        let mut ledger = self.blobs.ledger()?;
        // Whoever removes holds the same lock, and spares what is young.
        if known(&self.stored) {
            let times = Timestamps {
                last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
                last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            };
            let touched = File::open(&goal).and_then(|file| Ok(futimens(&file, &times)?));
            touched.map_err(failed())?;
        } else {
            let before = fs::symlink_metadata(&goal).map_or(0, |file| file.len());
            ledger.admit(self.stored.bytes, before)?;
            fs::rename(&self.path, &goal).map_err(failed())?;
            ledger.write()?;
        }
        drop(ledger);
        sync_folder(&folder)?;
        Ok(self.stored.clone())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
