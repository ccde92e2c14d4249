//! A data folder that goes when the test goes, and tests that run in a process of their own.

use std::path::PathBuf;
use std::process::Command;

use store::folder::{Folder, Lock};
use store::sqlite::{SqliteReader, SqliteWriter};
use tempfile::TempDir;

pub(crate) struct Place {
    pub(crate) folder: Folder,
    _kept: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let folder = Folder::open(&kept.path().join("data")).unwrap();
        Self { folder, _kept: kept }
    }

    pub(crate) fn open(&self) -> Opened {
        let lock = self.folder.lock("test").unwrap();
        let (writer, reader) = store::sqlite::open(&self.folder, &lock).unwrap();
        Opened { writer, reader, _lock: lock }
    }

    /// Past everything that guards it.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.database()).unwrap()
    }
}

pub(crate) struct Opened {
    pub(crate) writer: SqliteWriter,
    pub(crate) reader: SqliteReader,
    _lock: Lock,
}

const FOLDER: &str = "STORE_TEST_FOLDER";

/// Runs an ignored test of this binary in a process of its own, through `shell` code that ends in
/// `"$@"`.
pub(crate) fn child(test: &str, folder: &std::path::Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(FOLDER, folder);
    command
}

/// In such a process: its folder.
pub(crate) fn given() -> PathBuf {
    std::env::var_os(FOLDER).expect("started by another test").into()
}
