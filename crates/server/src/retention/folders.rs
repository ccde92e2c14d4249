//! Folders of runs in the data folder: captured output, and workspaces.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use engine::id::RunId;
use jiff::Timestamp;
use store::port::{Error, Read, RunRow};
use store::retention::needed;
use uuid::Uuid;

use super::Gone;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Which ones go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Of runs that ended before.
    pub(super) before: Option<Timestamp>,
    /// All together, in bytes; above it the oldest go first.
    pub(super) most: Option<u64>,
}

/// A folder that may be of a run.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

/// One that may go.
struct Loose {
    path: PathBuf,
    ended: Timestamp,
    bytes: u64,
}

/// Lets go of folders below `name`. What is not named by a run that finished, or is needed by one
/// that has not, is left alone.
pub(super) async fn let_go(
    shared: &Shared,
    name: &'static str,
    rule: Rule,
    dry: bool,
) -> Result<Gone, Refused> {
    let root = shared.data_dir.join(name);
    let found = blocking(move || below(&root)).await?;
    let found =
        found.map_err(|error| Refused::Internal(format!("could not list {name}: {error}")))?;
    let (loose, total) = shared
        .read(move |reader| {
            let needed = needed(reader)?;
            let (mut loose, mut total) = (Vec::new(), 0);
            for Found { path, name } in found {
                let Some(row) = named(reader, &name)? else { continue };
                let ended = row.finished_at.filter(|_| row.finished);
                // Walking costs more than asking: only where it counts.
                let may_go = ended.filter(|_| !needed.contains(&row.id));
                let old = may_go.zip(rule.before).is_some_and(|(ended, before)| ended < before);
                if !old && rule.most.is_none() {
                    continue;
                }
                let bytes = size(&path);
                total += bytes;
                if let Some(ended) = may_go {
                    loose.push(Loose { path, ended, bytes });
                }
            }
            Ok((loose, total))
        })
        .await?;
    blocking(move || remove(loose, total, rule, dry)).await
}

fn remove(mut loose: Vec<Loose>, mut total: u64, rule: Rule, dry: bool) -> Gone {
    loose.sort_by_key(|folder| folder.ended);
    let mut gone = Gone::default();
    for Loose { path, ended, bytes } in loose {
        let old = rule.before.is_some_and(|before| ended < before);
        if !old && rule.most.is_none_or(|most| total <= most) {
            continue;
        }
        // Never follows a link, whatever is exchanged while it works.
        if !dry && let Err(error) = fs::remove_dir_all(&path) {
            gone.failed.push(format!("`{}` could not be removed: {error}", path.display()));
            continue;
        }
        gone.count += 1;
        gone.bytes += bytes;
        total = total.saturating_sub(bytes);
    }
    gone
}

/// The run that a folder belongs to: by its id, or by its name among the runs of a task.
fn named(reader: &dyn Read, name: &str) -> Result<Option<RunRow>, Error> {
    if let Ok(id) = name.parse::<Uuid>()
        && RunId(id).to_string() == name
    {
        return reader.run(RunId(id));
    }
    let Some((task, number)) = name.rsplit_once('-') else { return Ok(None) };
    let Ok(number) = number.parse() else { return Ok(None) };
    let row = reader.run_by_task(task, number)?;
    // `TASK-1-01` is nobody's.
    Ok(row.filter(|row| row.name() == name))
}

pub(super) fn below(root: &Path) -> io::Result<Vec<Found>> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            found.push(Found { path: entry.path(), name });
        }
    }
    Ok(found)
}

/// Of all files below; what cannot be read counts as nothing. Follows no link.
pub(super) fn size(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() => bytes += size(&entry.path()),
            Ok(found) => bytes += found.len(),
            Err(_) => {}
        }
    }
    bytes
}
