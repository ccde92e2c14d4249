//! The file, read when it differs from what was read last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::{Config, read};

const NAME: &str = "config.yaml";

/// More than any policy needs; what is larger is something else.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    last: Mutex<Option<Seen>>,
}

#[derive(Debug)]
struct Seen {
    /// `None`: there was no file.
    stamp: Option<(SystemTime, u64)>,
    config: Result<Arc<Config>, String>,
}

impl ConfigFile {
    pub(crate) fn in_folder(data: &Path) -> Self {
        Self { path: data.join(NAME), last: Mutex::new(None) }
    }

    /// What the file says now. The error says everything that is wrong, each with its place.
    pub(crate) fn current(&self) -> Result<Arc<Config>, String> {
        let stamp = self.stamp()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = &*last
            && seen.stamp == stamp
        {
            return seen.config.clone();
        }
        let config = match stamp {
            None => Ok(Arc::default()),
            Some((_, bytes)) if bytes > MAX_BYTES => {
                Err(format!("{NAME} is larger than {MAX_BYTES} bytes"))
            }
            Some(_) => fs::read_to_string(&self.path)
                .map_err(|error| self.unreadable(&error))
                .and_then(|text| read::config(NAME, &text).map(Arc::new)),
        };
        *last = Some(Seen { stamp, config: config.clone() });
        config
    }

    fn stamp(&self) -> Result<Option<(SystemTime, u64)>, String> {
        match fs::metadata(&self.path) {
            Ok(found) => {
                let changed = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                Ok(Some((changed, found.len())))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn unreadable(&self, error: &io::Error) -> String {
        format!("`{}` cannot be read: {error}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_at_the_next_use_and_a_slip_is_never_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = ConfigFile::in_folder(folder.path());
        assert_eq!(*file.current().unwrap(), Config::default());
        fs::write(folder.path().join(NAME), "users: {bo: {groups: [devops]}}\n").unwrap();
        let person = file.current().unwrap().directory.person("bo");
        assert_eq!(person.groups, ["devops"]);
        fs::write(folder.path().join(NAME), "users: {bo: {grups: [devops]}}\n").unwrap();
        let problem = file.current().unwrap_err();
        assert!(problem.starts_with("config.yaml:1:"), "{problem}");
        fs::remove_file(folder.path().join(NAME)).unwrap();
        assert_eq!(*file.current().unwrap(), Config::default());
    }
}
