//! What a worker keeps in its folder beside what the hands and the keeper keep there: who it is, and
//! which attempts it holds whose ends the server has not stored.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use api::link::AttemptRef;
use rustix::fs::{FlockOperation, flock};

const IDENTITY: &str = "identity";
/// Where the server of this worker keeps its data. Its server knows by it, on the same machine, who
/// is a stage.
pub const SERVER: &str = "server";
const HELD: &str = "held";
const LOCK: &str = "worker.lock";

/// The folder, which nobody else works in as long as this lives.
#[derive(Debug)]
pub(super) struct Shelf {
    folder: PathBuf,
    _lock: File,
}

impl Shelf {
    /// Makes the folder, for this user alone. `Ok(None)`: another worker works in it.
    pub(super) fn open(folder: &Path) -> io::Result<Option<Self>> {
        let held = folder.join(HELD);
        DirBuilder::new().recursive(true).mode(0o700).create(&held)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(folder.join(LOCK))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { folder: folder.canonicalize()?, _lock: lock })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same whenever it is asked.
    pub(super) fn identity(&self) -> io::Result<String> {
        let path = self.folder.join(IDENTITY);
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let drawn = drawn()?;
        self.write(IDENTITY, drawn.as_bytes())?;
        Ok(drawn)
    }

    pub(super) fn serves(&self, data_dir: &str) -> io::Result<()> {
        self.write(SERVER, data_dir.as_bytes())
    }

    /// For good, before it starts.
    pub(super) fn hold(&self, attempt: &AttemptRef) -> io::Result<()> {
        self.write(&format!("{HELD}/{}", fit(&attempt.key)?), &serde_json::to_vec(attempt)?)
    }

    pub(super) fn forget(&self, attempt: &AttemptRef) -> io::Result<()> {
        match fs::remove_file(self.folder.join(HELD).join(fit(&attempt.key)?)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Also those of a worker before this one.
    pub(super) fn held(&self) -> io::Result<Vec<AttemptRef>> {
        let mut held = Vec::new();
        for entry in fs::read_dir(self.folder.join(HELD))? {
            let path = entry?.path();
            // One that was never written whole was never started.
            match serde_json::from_slice::<AttemptRef>(&fs::read(&path)?) {
                Ok(attempt) => held.push(attempt),
                Err(_) => fs::remove_file(path)?,
            }
        }
        Ok(held)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.folder.join(name);
        let draft = path.with_extension("draft");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(draft, &path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

/// 128 bits of chance.
pub(super) fn drawn() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn fit(key: &str) -> io::Result<&str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if key.is_empty() || key.len() > 200 || !key.chars().all(fits) {
        return Err(io::Error::other("the attempt has no fit name"));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(key: &str) -> AttemptRef {
        AttemptRef { run: "r".into(), execution: "a".into(), number: 1, fence: 1, key: key.into() }
    }

    #[test]
    fn a_worker_that_comes_again_is_the_same_and_holds_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("w");
        let shelf = Shelf::open(&place).unwrap().unwrap();
        assert!(Shelf::open(&place).unwrap().is_none(), "one at a time");
        let identity = shelf.identity().unwrap();
        assert_eq!(identity.len(), 32);
        shelf.hold(&attempt("k-1")).unwrap();
        shelf.hold(&attempt("k-2")).unwrap();
        shelf.forget(&attempt("k-1")).unwrap();
        shelf.forget(&attempt("k-1")).unwrap();
        fs::write(place.join("held/torn.draft"), "{").unwrap();
        drop(shelf);
        let again = Shelf::open(&place).unwrap().unwrap();
        assert_eq!(again.identity().unwrap(), identity);
        assert_eq!(again.held().unwrap(), [attempt("k-2")]);
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
        let file = fs::metadata(place.join(IDENTITY)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        assert!(again.hold(&attempt("../x")).is_err());
    }
}
