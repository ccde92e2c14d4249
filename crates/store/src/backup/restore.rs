//! From a backup to a data folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde_json::Value as Json;

use super::{Error, Manifest, RECORDS, beside, io_error, source, target};
use crate::folder::Folder;
use crate::port::{Read as _, RunQuery};
use crate::sqlite;

/// What no boot of a machine is called: nothing that ran when the backup was made is taken for
/// something that runs now.
const OTHER_BOOT: &str = "restored";

/// What became of it.
#[derive(Clone, Debug)]
pub struct Restored {
    pub manifest: Manifest,
    /// Runs that go on once somebody drives the folder.
    pub unfinished: u64,
    /// Of the new database.
    pub epoch: String,
}

/// Makes the data folder `to`, which has to be empty or not there. It appears as a whole: unpacked
/// beside it, checked, and then given its name. The epoch is a new one, so that whoever followed
/// the old one notices.
pub fn restore(from: &Path, to: &Path) -> Result<Restored, Error> {
    match fs::read_dir(to) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::NotEmpty { path: to.display().to_string() });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error("open", to)(error)),
    }
    let draft = beside(to, "restore");
    let restored = unpack(from, &draft).and_then(|restored| {
        if to.is_dir() {
            fs::remove_dir(to).map_err(io_error("replace", to))?;
        }
        fs::rename(&draft, to).map_err(io_error("create", to))?;
        target::sync_parent(to)?;
        Ok(restored)
    });
    if restored.is_err() {
        target::remove(&draft);
    }
    restored
}

fn unpack(from: &Path, draft: &Path) -> Result<Restored, Error> {
    if let Some(parent) = draft.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    DirBuilder::new().mode(0o700).create(draft).map_err(io_error("create", draft))?;
    let manifest =
        source::each(from, |name, bytes, content| target::write_file(draft, name, bytes, content))?;
    forget_boots(&draft.join("attempts"))?;
    let folder = Folder::open(draft)?;
    let epoch = sqlite::renew_epoch(&folder.database())?;
    let lock = folder.lock("restore")?;
    let (writer, reader) = sqlite::open(&folder, &lock)?;
    let verified = reader.verify()?;
    if verified.head != manifest.head {
        let problem = "its journal is not the one that was copied".to_owned();
        return Err(Error::Damaged { problem });
    }
    let query = RunQuery { finished: Some(false), limit: u32::MAX, ..RunQuery::default() };
    let unfinished = reader.runs(&query)?.len() as u64;
    drop((writer, reader, lock));
    target::sync_tree(draft).map_err(io_error("write", draft))?;
    Ok(Restored { manifest, unfinished, epoch })
}

/// Attempts that were under way belong to a machine that went on without us: they count as lost,
/// and are neither adopted nor, should their effects matter, silently started again.
fn forget_boots(attempts: &Path) -> Result<(), Error> {
    let runs = match fs::read_dir(attempts) {
        Ok(runs) => runs,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error("list", attempts)(error)),
    };
    for run in runs {
        let path = run.map_err(io_error("list", attempts))?.path().join(RECORDS);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let lines: String = text.lines().map(|line| without_boot(line) + "\n").collect();
        let draft = beside(&path, "draft");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let written = file.as_mut().map_err(|error| io::Error::from(error.kind()));
        written
            .and_then(|file| file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&draft, &path))
            .map_err(io_error("write", &path))?;
    }
    Ok(())
}

/// A line that was cut short stays as it is: whoever reads it passes it over.
fn without_boot(line: &str) -> String {
    match serde_json::from_str::<Json>(line) {
        Ok(Json::Object(mut fields)) if fields.contains_key("boot") => {
            fields.insert("boot".to_owned(), Json::from(OTHER_BOOT));
            Json::Object(fields).to_string()
        }
        Ok(_) | Err(_) => line.to_owned(),
    }
}
