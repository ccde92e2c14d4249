//! `@file:path`: files of the workspace, read without leaving it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

/// More of a file is never part of a prompt.
const MAX_BYTES: u64 = 8 << 20;

pub(super) struct Places {
    /// In the order in which they are looked at.
    folders: Vec<PathBuf>,
}

impl Places {
    /// A worktree is made when the attempt starts: until then its files are those of the project.
    pub(super) fn new(directory: &Path, working_dir: &Path) -> Self {
        Self { folders: vec![working_dir.to_owned(), directory.to_owned()] }
    }

    /// The error says, for people, why it cannot be had.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut missing = None;
        for folder in &self.folders {
            match beneath(folder, path) {
                Ok(file) => return all(file, path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missing.get_or_insert(folder);
                }
                Err(error) => return Err(format!("cannot be read: {error}")),
            }
        }
        let folder = missing.unwrap_or(&self.folders[0]);
        Err(format!("there is no such file in `{}`", folder.display()))
    }
}

/// No link leads out of the folder.
fn beneath(folder: &Path, path: &str) -> io::Result<File> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, folder, flags, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    Ok(File::from(openat2(folder, path, flags, Mode::empty(), resolve)?))
}

fn all(file: File, path: &str) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("cannot be read: {error}");
    let known = file.metadata().map_err(failed)?;
    if !known.is_file() {
        return Err(format!("`{path}` is no file"));
    }
    if known.len() > MAX_BYTES {
        return Err(format!("has {} bytes; at most {MAX_BYTES} are read", known.len()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
