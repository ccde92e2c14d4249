//! How far the exporter has come: a file of its own, so that nobody waits for it and the journal
//! need not know. When it is lost, what was committed before the start is not exported again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const NAME: &str = "traces.json";

/// A place in the events of all runs.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    /// Of the database in which the place was: in another one it says nothing.
    epoch: String,
    exported: u64,
}

#[derive(Clone, Debug)]
pub(super) struct PlaceFile {
    path: PathBuf,
    epoch: String,
}

impl PlaceFile {
    pub(super) fn of(data_dir: &Path, epoch: String) -> Self {
        Self { path: data_dir.join(NAME), epoch }
    }

    /// `None`: there is none, or not of this database.
    pub(super) fn read(&self) -> Option<u64> {
        let text = fs::read(&self.path).ok()?;
        let place: Place = serde_json::from_slice(&text).ok()?;
        (place.epoch == self.epoch).then_some(place.exported)
    }

    /// Blocks until it is on disk. The file is the old one or the new one, never a part.
    pub(super) fn write(&self, exported: u64) -> std::io::Result<()> {
        let place = Place { epoch: self.epoch.clone(), exported };
        let text = serde_json::to_vec(&place)?;
        let fresh = self.path.with_extension("json.new");
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)
    }
}

/// Nobody exports any more: when somebody does again, it is from then on.
pub(super) fn forget(data_dir: &Path) {
    match fs::remove_file(data_dir.join(NAME)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "the place of the exporter of traces could not be removed");
        }
        Ok(()) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_of_one_database() {
        let folder = tempfile::tempdir().unwrap();
        let place = PlaceFile::of(folder.path(), "a".into());
        assert_eq!(place.read(), None);
        place.write(7).unwrap();
        place.write(9).unwrap();
        assert_eq!(place.read(), Some(9));
        assert_eq!(PlaceFile::of(folder.path(), "b".into()).read(), None);
        fs::write(folder.path().join(NAME), "{\"epoch\": \"a\"").unwrap();
        assert_eq!(place.read(), None, "half a file is none");
        forget(folder.path());
        forget(folder.path());
        assert_eq!(place.read(), None);
    }
}
