//! Taking content away that nobody needs.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::{Blobs, Error, failure, is_digest};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub blobs: u64,
    pub bytes: u64,
}

impl Blobs {
    /// Removes what was last put before `older_than` and is not `referenced`, and what was left
    /// half written before it. Counts anew how much is in use.
    ///
    /// Content is stored before anything refers to it, so `older_than` has to lie well in the past
    /// (a day), and reports that are still on their way have to be heard first.
    pub fn remove_unreferenced(
        &self,
        older_than: SystemTime,
        referenced: impl Fn(&str) -> bool,
    ) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        let is_old = |entry: &fs::DirEntry| {
            entry.metadata().and_then(|file| file.modified()).is_ok_and(|at| at < older_than)
        };
        for folder in self.folders()? {
            // A folder at a time: those who put wait for it.
            let mut ledger = self.ledger()?;
            let failed = || failure::io("remove blobs", &folder);
            for entry in fs::read_dir(&folder).map_err(failed())? {
                let entry = entry.map_err(failed())?;
                let name = entry.file_name();
                let Some(digest) = name.to_str().filter(|name| is_digest(name)) else { continue };
                if referenced(digest) || !is_old(&entry) {
                    continue;
                }
                let bytes = entry.metadata().map_or(0, |file| file.len());
                fs::remove_file(entry.path()).map_err(failed())?;
                ledger.used = ledger.used.saturating_sub(bytes);
                removed.blobs += 1;
                removed.bytes += bytes;
            }
            ledger.write()?;
        }
        if let Ok(entries) = fs::read_dir(self.temporary()) {
            for entry in entries.flatten().filter(is_old) {
                let _ = fs::remove_file(entry.path());
            }
        }
        let mut ledger = self.ledger()?;
        ledger.used = self.count()?;
        ledger.write()?;
        Ok(removed)
    }

    /// The folders that content lies in.
    pub(crate) fn folders(&self) -> Result<Vec<PathBuf>, Error> {
        let failed = || failure::io("list blobs", &self.root);
        let entries = match fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed()(error)),
        };
        let mut folders = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed())?;
            let name = entry.file_name();
            let ours = |name: &str| name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit());
            if name.to_str().is_some_and(ours) {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    }
}
