//! Content, stored once under the digest of what it is.
//!
//! ```text
//! blobs/<first 2 hex>/<hex SHA-256>    read-only, never changed
//! blobs/tmp/                           what is being written
//! blobs/ledger                         bytes in use and the quota; locked by whoever changes either
//! ```
//!
//! What [`Blobs::put`] has answered survives a power cut: the file is synced before it gets its
//! name, and its folder after. So an event that names a digest is stored after the content.
//!
//! Any number of threads and processes may use one folder at once.

mod failure;
mod ledger;
mod removal;
mod staged;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use self::failure::Error;
pub use self::removal::Removed;
pub use self::staged::Staged;

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Hex SHA-256.
    pub digest: String,
    pub bytes: u64,
}

/// The blobs of one data folder. Cheap to clone; calls block.
#[derive(Clone, Debug)]
pub struct Blobs {
    root: PathBuf,
}

/// Of a copy, read and hashed at once.
const CHUNK: usize = 128 << 10;

impl Blobs {
    /// Nothing is made before something is put.
    pub fn of(data_dir: &Path) -> Self {
        Self { root: data_dir.join("blobs") }
    }

    /// Stores everything that `from` gives; at most `max_bytes`. The same content twice is stored
    /// once. On disk when it returns.
    pub fn put(&self, from: impl Read, max_bytes: u64) -> Result<Stored, Error> {
        self.stage(from, max_bytes)?.keep()
    }

    /// Copies everything that `from` gives, at most `max_bytes`, to where it can be looked at
    /// before it is kept or dropped.
    pub fn stage(&self, from: impl Read, max_bytes: u64) -> Result<Staged, Error> {
        Staged::fill(self.clone(), from, max_bytes)
    }

    /// Its place; [`Error::NoDigest`] for anything but 64 small hex digits.
    pub fn path(&self, digest: &str) -> Result<PathBuf, Error> {
        if !is_digest(digest) {
            return Err(Error::NoDigest { given: digest.chars().take(80).collect() });
        }
        Ok(self.root.join(&digest[..2]).join(digest))
    }

    /// To be read. What is there is not checked: [`Self::verify`] and [`Self::copy_to`] do.
    pub fn open(&self, digest: &str) -> Result<File, Error> {
        File::open(self.path(digest)?).map_err(|error| missing(digest, error))
    }

    /// Reads all of it; its size in bytes, or [`Error::Damaged`].
    pub fn verify(&self, digest: &str) -> Result<u64, Error> {
        self.pour(digest, |_| Ok(()))
    }

    /// Makes a new file with this content, of mode 0444. What is damaged is not handed out, and no
    /// later change of the copy touches the original. A file that is there is an error.
    pub fn copy_to(&self, digest: &str, path: &Path) -> Result<u64, Error> {
        use io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let failed = || failure::io("copy a blob", path);
        let mut copy =
            File::options().write(true).create_new(true).mode(0o444).open(path).map_err(failed())?;
        let poured = self.pour(digest, |chunk| copy.write_all(chunk).map_err(failed()));
        if poured.is_err() {
            let _ = fs::remove_file(path);
        }
        poured
    }

    fn pour(
        &self,
        digest: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<u64, Error> {
        let mut file = self.open(digest)?;
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(missing(digest, error)),
            };
            hasher.update(&chunk[..count]);
            take(&chunk[..count])?;
            bytes += count as u64;
        }
        let found = hex(&hasher.finalize());
        if found != digest {
            return Err(Error::Damaged { digest: digest.to_owned(), found });
        }
        Ok(bytes)
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Makes a folder of ours, for good.
    fn make_folder(&self, folder: &Path) -> Result<(), Error> {
        if folder.is_dir() {
            return Ok(());
        }
        let failed = || failure::io("make a folder for blobs", folder);
        if folder != self.root {
            self.make_folder(&self.root)?;
        }
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed()(error)),
        }
        match folder.parent() {
            Some(parent) => sync_folder(parent),
            None => Ok(()),
        }
    }
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failure::io("sync a folder of blobs", folder))
}

fn missing(digest: &str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::Missing { digest: digest.to_owned() },
        _ => failure::io("read a blob", Path::new(digest))(error),
    }
}

/// 64 small hex digits.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
