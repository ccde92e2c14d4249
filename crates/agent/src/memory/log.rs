//! A file of JSON lines that only grows.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;

#[derive(Debug)]
pub(crate) struct Log<T> {
    path: PathBuf,
    file: File,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Log<T> {
    /// Opens or makes it, and gives what it holds. A last line that a crash cut off is removed: what
    /// it was to say did not happen. A line of another version is passed over and stays.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<T>), Problem> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .map_err(Problem::at(path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Problem::at(path))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(Problem::at(path))?;
            file.seek(SeekFrom::End(0)).map_err(Problem::at(path))?;
        }
        let mut held = Vec::new();
        for line in bytes[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) => held.push(entry),
                Err(error) => {
                    tracing::warn!(%error, path = %path.display(), "passed over a line");
                }
            }
        }
        Ok((Self { path: path.to_owned(), file, of: PhantomData }, held))
    }

    pub(crate) fn append(&mut self, entry: &T) -> Result<(), Problem> {
        let mut line = serde_json::to_vec(entry)
            .map_err(|error| Problem::at(&self.path)(std::io::Error::other(error)))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(Problem::at(&self.path))
    }

    pub(crate) fn sync(&mut self) -> Result<(), Problem> {
        self.file.sync_data().map_err(Problem::at(&self.path))
    }

    /// On disk when this returns.
    pub(crate) fn keep(&mut self, entry: &T) -> Result<(), Problem> {
        self.append(entry)?;
        self.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_is_as_if_it_had_not_been_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut log, held) = Log::<Vec<u32>>::open(&path).unwrap();
        assert!(held.is_empty());
        log.keep(&vec![1]).unwrap();
        log.keep(&vec![2, 3]).unwrap();
        std::fs::write(&path, [std::fs::read(&path).unwrap(), b"[4,".to_vec()].concat()).unwrap();
        let (mut log, held) = Log::<Vec<u32>>::open(&path).unwrap();
        assert_eq!(held, [vec![1], vec![2, 3]]);
        log.keep(&vec![5]).unwrap();
        assert_eq!(Log::<Vec<u32>>::open(&path).unwrap().1, [vec![1], vec![2, 3], vec![5]]);
    }
}
