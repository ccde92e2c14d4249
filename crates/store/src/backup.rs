//! Copies of a data folder: taken while it is in use, checked, and made into a folder again.
//!
//! ```text
//! orchestrate.db        one moment of the memory, compact
//! config.yaml
//! blobs/<2 hex>/<hex>   the content that this moment refers to, each checked against its name
//! attempts/...          captured output, and how attempts began and ended
//! manifest.json         written last: what there is, with sizes and digests
//! ```
//!
//! The memory comes first, everything else after it: content is stored before anything refers to
//! it, so what the memory names is there. Left out: sockets, locks, the folders for people (made
//! anew from the memory), workspaces, and, unless they are asked for, all that opens doors: the
//! admin token, the key of stored secrets, and the files of `secrets/`.

mod restore;
mod source;
mod tar;
mod target;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use blobs::Blobs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::restore::{Restored, restore};
pub use self::source::check;

use self::target::Target;
use crate::chain;
use crate::folder::Folder;
use crate::port::{ArtifactQuery, ArtifactRow, Error as StoreError, Read as _, Verified};
use crate::retention;
use crate::sqlite::{SCHEMA, SqliteReader};

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "orchestrate.db";
/// What opens doors, in the data folder.
const KEYS: [&str; 3] = ["secret.key", "token", "secrets"];
/// How attempts began and ended: one in each folder of a run.
const RECORDS: &str = "records.jsonl";

/// Why no copy was made, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {operation} `{path}`")]
    Io {
        operation: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the memory could not be copied")]
    Store(#[source] StoreError),
    #[error("`{path}` exists already")]
    Exists { path: String },
    #[error("`{path}` is no backup: {problem}")]
    NoBackup { path: String, problem: String },
    #[error("the backup is damaged: {problem}")]
    Damaged { problem: String },
    #[error("the backup was made by a newer version (schema {found}, this version knows {known})")]
    Newer { found: u32, known: u32 },
    #[error("`{path}` is not empty: a backup is restored into a folder of its own")]
    NotEmpty { path: String },
}

impl From<StoreError> for Error {
    fn from(source: StoreError) -> Self {
        Self::Store(source)
    }
}

fn io_error(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { operation, path, source }
}

/// What there is in a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub made_at: Timestamp,
    /// Of the program that made it.
    pub version: String,
    pub schema: u32,
    /// Of the database that it was taken from.
    pub epoch: String,
    pub runs: u64,
    pub events: u64,
    /// The end of the chain over all events.
    pub head: String,
    /// Whether what opens doors is in it.
    pub keys: bool,
    /// Digests of content that the memory names and that was not there.
    #[serde(default)]
    pub missing: Vec<String>,
    pub files: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Relative, with `/`.
    pub path: String,
    pub bytes: u64,
    /// Hex SHA-256.
    pub digest: String,
}

impl Manifest {
    /// Of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub at: Timestamp,
    pub version: String,
    /// Put what opens doors into it, too.
    pub keys: bool,
}

/// Makes a backup at `to`, a new file `….tar` or a new folder, and reads it back. What is
/// half done when it fails is removed again.
pub fn make(folder: &Folder, to: &Path, wanted: &Wanted) -> Result<Manifest, Error> {
    if to.symlink_metadata().is_ok() {
        return Err(Error::Exists { path: to.display().to_string() });
    }
    let copy = beside(to, "db");
    let made = fill(folder, to, &copy, wanted);
    drop(fs::remove_file(&copy));
    let manifest = match made {
        Ok(manifest) => manifest,
        Err(error) => {
            target::remove(to);
            return Err(error);
        }
    };
    let found = check(to)?;
    if found != manifest {
        return Err(Error::Damaged { problem: "what was read back is something else".to_owned() });
    }
    Ok(manifest)
}

fn fill(folder: &Folder, to: &Path, copy: &Path, wanted: &Wanted) -> Result<Manifest, Error> {
    SqliteReader::open(&folder.database())?.copy_to(copy)?;
    let memory = SqliteReader::open(copy)?;
    let Verified { runs, events, head, .. } = memory.verify()?;
    let epoch = memory.health()?.epoch;
    let mut manifest = Manifest {
        format: FORMAT,
        made_at: wanted.at,
        version: wanted.version.clone(),
        schema: SCHEMA,
        epoch,
        runs,
        events,
        head,
        keys: wanted.keys,
        missing: Vec::new(),
        files: Vec::new(),
    };
    let mut target = Target::create(to)?;
    let mut out = Out { target: &mut target, files: Vec::new() };
    out.file(DATABASE, copy)?;
    out.file_if_there("config.yaml", &folder.root().join("config.yaml"))?;
    if wanted.keys {
        for name in KEYS {
            out.tree(name, &folder.root().join(name))?;
        }
    }
    let blobs = Blobs::of(folder.root());
    let mut digests: Vec<String> = retention::references(&memory)?.into_iter().collect();
    digests.sort_unstable();
    for digest in digests {
        let Ok(path) = blobs.path(&digest) else { continue };
        let name = format!("blobs/{}/{digest}", &digest[..2]);
        if !out.file_if_there(&name, &path)? {
            // Not every digest in a journal is one of content: only an artifact's counts.
            let query = ArtifactQuery {
                digest: Some(digest.clone()),
                limit: u32::MAX,
                ..ArtifactQuery::default()
            };
            if memory.artifacts(&query)?.iter().any(|row| row.status != ArtifactRow::DROPPED) {
                manifest.missing.push(digest);
            }
        } else if out.files.last().is_some_and(|entry| entry.digest != digest) {
            return Err(Error::Damaged { problem: format!("content {digest} is something else") });
        }
    }
    out.tree("attempts", &folder.attempts())?;
    manifest.files = out.files;
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Error::Damaged {
        problem: format!("its manifest cannot be written: {error}"),
    })?;
    target.write(MANIFEST, text.len() as u64, &mut text.as_slice())?;
    target.finish()?;
    Ok(manifest)
}

/// A name next to `path` that nobody else uses.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{what}", std::process::id()));
    PathBuf::from(name)
}

/// Files on their way into a backup.
struct Out<'t> {
    target: &'t mut Target,
    files: Vec<Entry>,
}

impl Out<'_> {
    fn file(&mut self, name: &str, path: &Path) -> Result<(), Error> {
        match self.file_if_there(name, path)? {
            true => Ok(()),
            false => Err(io_error("read", path)(io::ErrorKind::NotFound.into())),
        }
    }

    /// As much as the file has when it is opened: output may grow while it is copied. `false`:
    /// there is no such file.
    fn file_if_there(&mut self, name: &str, path: &Path) -> Result<bool, Error> {
        let Some(file) = open_plain(path)? else { return Ok(false) };
        let bytes = file.metadata().map_err(io_error("read", path))?.len();
        let mut hashing = Hashing { from: file.take(bytes), hasher: Sha256::new() };
        self.target.write(name, bytes, &mut hashing)?;
        let digest = chain::hex(&hashing.hasher.finalize());
        self.files.push(Entry { path: name.to_owned(), bytes, digest });
        Ok(true)
    }

    /// Every plain file below; links and what has no readable name are left out.
    fn tree(&mut self, name: &str, path: &Path) -> Result<(), Error> {
        let Ok(found) = path.symlink_metadata() else { return Ok(()) };
        if found.is_file() {
            return self.file_if_there(name, path).map(drop);
        }
        if !found.is_dir() {
            return Ok(());
        }
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(io_error("list", path))? {
            let entry = entry.map_err(io_error("list", path))?;
            names.extend(entry.file_name().into_string());
        }
        names.sort_unstable();
        for inner in names {
            self.tree(&format!("{name}/{inner}"), &path.join(&inner))?;
        }
        Ok(())
    }
}

/// `None`: it is not there, or no plain file. Never follows a link, never waits for a pipe.
fn open_plain(path: &Path) -> Result<Option<File>, Error> {
    const NOFOLLOW: i32 = 0o400_000;
    const NONBLOCK: i32 = 0o4_000;
    match OpenOptions::new().read(true).custom_flags(NOFOLLOW | NONBLOCK).open(path) {
        Ok(file) => {
            let plain = file.metadata().map_err(io_error("read", path))?.is_file();
            Ok(plain.then_some(file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // A link.
        Err(error) if error.raw_os_error() == Some(40) => Ok(None),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

struct Hashing<R> {
    from: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}
