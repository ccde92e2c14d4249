//! Where a backup is written: a folder, or one file.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Error, io_error, tar};

/// For us alone: it holds all that the data folder does.
#[derive(Debug)]
pub(super) enum Target {
    Folder(PathBuf),
    Tar { path: PathBuf, out: BufWriter<File> },
}

impl Target {
    /// `….tar` makes one file.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let failed = || io_error("create", path);
        if path.extension().is_some_and(|extension| extension == "tar") {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let out = BufWriter::with_capacity(128 << 10, file.map_err(failed())?);
            return Ok(Self::Tar { path: path.to_owned(), out });
        }
        DirBuilder::new().mode(0o700).create(path).map_err(failed())?;
        Ok(Self::Folder(path.to_owned()))
    }

    pub(super) fn write(
        &mut self,
        name: &str,
        bytes: u64,
        from: &mut dyn Read,
    ) -> Result<(), Error> {
        match self {
            Self::Tar { path, out } => {
                tar::write(out, name, bytes, from).map_err(io_error("write", path))
            }
            Self::Folder(root) => write_file(root, name, bytes, from),
        }
    }

    /// On disk when it returns.
    pub(super) fn finish(self) -> Result<(), Error> {
        match self {
            Self::Tar { path, mut out } => {
                let done = tar::finish(&mut out).and_then(|()| out.flush());
                done.and_then(|()| out.get_ref().sync_all()).map_err(io_error("write", &path))?;
                sync_parent(&path)
            }
            Self::Folder(root) => {
                sync_tree(&root).map_err(io_error("write", &root))?;
                sync_parent(&root)
            }
        }
    }
}

/// A file of its own below `root`, with the folders above it.
pub(super) fn write_file(
    root: &Path,
    name: &str,
    bytes: u64,
    from: &mut dyn Read,
) -> Result<(), Error> {
    let path = root.join(name);
    let failed = || io_error("write", &path);
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed())?;
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed())?;
    let copied = io::copy(&mut from.take(bytes), &mut file).map_err(failed())?;
    if copied != bytes {
        return Err(failed()(io::ErrorKind::UnexpectedEof.into()));
    }
    file.sync_all().map_err(failed())
}

/// The folders: their files are synced one by one.
pub(super) fn sync_tree(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    File::open(root)?.sync_all()
}

pub(super) fn sync_parent(path: &Path) -> Result<(), Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(io_error("sync", parent))
}

/// What was half done.
pub(super) fn remove(path: &Path) {
    let _ = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
}
