//! A backup, read and checked.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path};

use sha2::{Digest as _, Sha256};

use super::{Entry, Error, FORMAT, Hashing, MANIFEST, Manifest, io_error, open_plain, tar};
use crate::chain;
use crate::sqlite::SCHEMA;

/// Larger ones are not ours: 200 bytes a file, some millions of files.
const MAX_MANIFEST: u64 = 1 << 30;

/// Reads all of it and compares it with its manifest.
pub fn check(path: &Path) -> Result<Manifest, Error> {
    each(path, |_, _, content| io::copy(content, &mut io::sink()).map(drop).map_err(read(path)))
}

fn read(path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| io_error("read", path)(error)
}

/// Gives every file but the manifest to `take`, in no order, and then compares with the manifest.
/// Names are relative and stay inside. `take` has to read all that it is given.
pub(super) fn each(
    path: &Path,
    mut take: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), Error>,
) -> Result<Manifest, Error> {
    let mut found: HashMap<String, Entry> = HashMap::new();
    let mut manifest: Option<Vec<u8>> = None;
    let mut visit = |name: &str, bytes: u64, content: &mut dyn Read| -> Result<(), Failed> {
        if !is_inside(name) {
            let problem = format!("the name `{name}` leads out of it");
            return Err(Failed(Error::Damaged { problem }));
        }
        if name == MANIFEST {
            let mut text = Vec::new();
            content.take(MAX_MANIFEST).read_to_end(&mut text)?;
            manifest = Some(text);
            return Ok(());
        }
        let mut hashing = Hashing { from: content, hasher: Sha256::new() };
        take(name, bytes, &mut hashing).map_err(Failed)?;
        let digest = chain::hex(&hashing.hasher.finalize());
        let entry = Entry { path: name.to_owned(), bytes, digest };
        if found.insert(name.to_owned(), entry).is_some() {
            let problem = format!("`{name}` is there twice");
            return Err(Failed(Error::Damaged { problem }));
        }
        Ok(())
    };
    let kind = fs::metadata(path).map_err(io_error("read", path))?;
    if kind.is_dir() {
        walk(path, "", &mut visit).map_err(|failed| failed.0)?;
    } else {
        let file = File::open(path).map_err(io_error("read", path))?;
        let file = BufReader::with_capacity(128 << 10, file);
        tar::each(file, &mut visit).map_err(|failed: Failed| match failed.0 {
            Error::Io { source, .. } => no_backup(path, &source.to_string()),
            error => error,
        })?;
    }
    let text = manifest.ok_or_else(|| no_backup(path, "it has no manifest"))?;
    compare(path, &text, found)
}

/// An error of reading, or of whoever was given something.
struct Failed(Error);

impl From<io::Error> for Failed {
    fn from(source: io::Error) -> Self {
        Self(Error::Io { operation: "read", path: "the backup".to_owned(), source })
    }
}

fn no_backup(path: &Path, problem: &str) -> Error {
    Error::NoBackup { path: path.display().to_string(), problem: problem.to_owned() }
}

fn walk(
    folder: &Path,
    prefix: &str,
    visit: &mut impl FnMut(&str, u64, &mut dyn Read) -> Result<(), Failed>,
) -> Result<(), Failed> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            let problem = "a name is no text".to_owned();
            return Err(Failed(Error::Damaged { problem }));
        };
        let name = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{name}/"), visit)?;
            continue;
        }
        let Some(mut file) = open_plain(&entry.path()).map_err(Failed)? else {
            let problem = format!("`{name}` is no plain file");
            return Err(Failed(Error::Damaged { problem }));
        };
        let bytes = file.metadata()?.len();
        visit(&name, bytes, &mut file)?;
    }
    Ok(())
}

fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    !name.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn compare(path: &Path, text: &[u8], mut found: HashMap<String, Entry>) -> Result<Manifest, Error> {
    let said: serde_json::Value = serde_json::from_slice(text)
        .map_err(|error| no_backup(path, &format!("its manifest cannot be read: {error}")))?;
    let (format, schema) = (said["format"].as_u64(), said["schema"].as_u64());
    if format != Some(u64::from(FORMAT)) || schema.is_none_or(|found| found > u64::from(SCHEMA)) {
        let found = schema.and_then(|found| u32::try_from(found).ok()).unwrap_or(u32::MAX);
        return Err(Error::Newer { found, known: SCHEMA });
    }
    let manifest: Manifest = serde_json::from_value(said)
        .map_err(|error| no_backup(path, &format!("its manifest cannot be read: {error}")))?;
    for wanted in &manifest.files {
        let name = &wanted.path;
        match found.remove(name) {
            Some(entry) if entry == *wanted => {}
            Some(_) => return Err(Error::Damaged { problem: format!("`{name}` was changed") }),
            None => return Err(Error::Damaged { problem: format!("`{name}` is missing") }),
        }
    }
    if let Some(name) = found.into_keys().min() {
        return Err(Error::Damaged { problem: format!("`{name}` does not belong to it") });
    }
    Ok(manifest)
}
