//! The data folder: what lies where, and who owns it.
//!
//! ```text
//! .gitignore        *
//! orchestrate.db    the memory
//! lock              held by the one process that drives; says who it is
//! witness           says that `orchestrate.db` held data
//! token             lets its readers in over TCP
//! attempts/ secrets/ workspaces/
//! blobs/            content of artifacts and uploads
//! pipelines/        the artifacts as folders for people
//! ```
//!
//! Folders are 0700 and files 0600: whoever can read this folder knows everything.

mod lock;
mod socket;
pub(crate) mod witness;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use self::lock::{Holder, Lock};
use crate::port::Error;

/// What a data folder is called.
pub const NAME: &str = ".orchestrate";

/// A data folder that exists.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// The nearest data folder from here upward.
pub fn nearest(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(NAME)).find(|folder| folder.is_dir())
}

impl Folder {
    /// Creates what is missing, and takes away what others may do in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = || failed("create the data folder");
        private_folder(path).map_err(failed())?;
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed())?;
        let folder = Self { root: path.canonicalize().map_err(failed())? };
        for inner in [folder.attempts(), folder.secrets(), folder.workspaces()] {
            private_folder(&inner).map_err(failed())?;
        }
        let ignore = folder.root.join(".gitignore");
        if !ignore.exists() {
            fs::write(ignore, "*\n").map_err(failed())?;
        }
        Ok(folder)
    }

    /// Absolute and without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn database(&self) -> PathBuf {
        self.root.join("orchestrate.db")
    }

    pub fn witness(&self) -> PathBuf {
        self.root.join("witness")
    }

    /// `<run>/<key>/` with everything of one attempt.
    pub fn attempts(&self) -> PathBuf {
        self.root.join("attempts")
    }

    /// One file a secret.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// Directories of runs that were started without one.
    pub fn workspaces(&self) -> PathBuf {
        self.root.join("workspaces")
    }

    /// Where a unix socket of this folder lies: the same for every process, and short enough to
    /// be bound.
    pub fn socket(&self, name: &str) -> Result<PathBuf, Error> {
        socket::place(&self.root, name).map_err(failed("find a place for a socket"))
    }

    /// Becomes the one process that drives this folder.
    ///
    /// `role` is what others are told: `serve`, `run`, `drive`. [`Error::InUse`] says who does it
    /// already.
    pub fn lock(&self, role: &str) -> Result<Lock, Error> {
        Lock::acquire(&self.root.join("lock"), role)
    }

    /// Who drives this folder now.
    pub fn holder(&self) -> Result<Option<Holder>, Error> {
        lock::holder(&self.root.join("lock"))
    }

    /// The secret that opens the TCP door; drawn when it is asked for first.
    pub fn token(&self) -> Result<String, Error> {
        let failed = || failed("read the token");
        let path = self.root.join("token");
        if !path.try_exists().map_err(failed())? {
            let token = crate::chain::hex(&random()?);
            create(&path, &token).map_err(failed())?;
        }
        let token = fs::read_to_string(&path).map_err(failed())?.trim().to_owned();
        if token.is_empty() {
            let problem = format!("`{}` is empty: delete it", path.display());
            return Err(failed()(io::Error::new(io::ErrorKind::InvalidData, problem)));
        }
        Ok(token)
    }
}

pub(crate) fn failed(operation: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Storage {
        operation,
        full: matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded),
        source: Box::new(error),
    }
}

/// Enough to be unguessable.
pub(crate) fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(failed("draw random bytes"))?;
    Ok(bytes)
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// An empty file for us alone, or what is there already. SQLite gives its other files its mode.
pub(crate) fn create_private(path: &Path) -> Result<(), Error> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .and_then(|file| file.set_permissions(Permissions::from_mode(0o600)))
        .map_err(failed("create the database"))
}

/// Writes a file as a whole, for us alone, and on disk when it returns. The first one to do so
/// wins: a file that is there stays.
fn create(path: &Path, text: &str) -> io::Result<()> {
    static DRAFTS: AtomicU32 = AtomicU32::new(0);
    let (process, draft) = (std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed));
    let draft = path.with_extension(format!("{process}-{draft}.draft"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
