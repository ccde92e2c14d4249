//! Worktrees of runs that ended: removed, and nothing that was in them is lost. Their branches stay,
//! and what was not committed becomes a commit below `refs/orch/kept/` of the clone.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use git::{Failed, Repository};
use jiff::Timestamp;
use store::port::{Error, Read, RunQuery, RunRow};
use store::retention::{days_before, needed};

use super::Gone;
use super::folders::{below, size};
use crate::conductor::trees::{CLONES, MERGES, TREES};
use crate::config::settings::{self, Settings};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Runs looked at once.
const PAGE: u32 = 500;

pub(super) async fn round(
    shared: &Shared,
    settings: &Settings,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let days = settings.whole(&settings::KEEP_WORKTREES_DAYS);
    let Some(before) = days.and_then(|days| days_before(now, days)) else { return Ok(None) };
    let data = shared.data_dir.clone();
    let found = blocking(move || found(&data)).await?;
    let found =
        found.map_err(|error| Refused::Internal(format!("could not list worktrees: {error}")))?;
    if found.is_empty() {
        return Ok(None);
    }
    let loose = shared.read(move |reader| Ok(loose(reader, found, before)?)).await?;
    let data = shared.data_dir.clone();
    blocking(move || sweep(&data, loose, dry)).await.map(Some)
}

/// Folders of runs, by the name that git gives those.
fn found(data: &Path) -> std::io::Result<HashMap<String, Vec<PathBuf>>> {
    let mut found: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for root in [TREES, MERGES] {
        for folder in below(&data.join(root))? {
            found.entry(folder.name).or_default().push(folder.path);
        }
    }
    Ok(found)
}

/// Those that may go: of runs that ended long ago, and of none that is known.
fn loose(
    reader: &dyn Read,
    mut found: HashMap<String, Vec<PathBuf>>,
    before: Timestamp,
) -> Result<Vec<PathBuf>, Error> {
    let needed = needed(reader)?;
    let may_go = |row: &RunRow| {
        let ended = row.finished_at.filter(|_| row.finished);
        ended.is_some_and(|ended| ended < before) && !needed.contains(&row.id)
    };
    let mut loose = Vec::new();
    let mut query = RunQuery { limit: PAGE, ..RunQuery::default() };
    while !found.is_empty() {
        let rows = reader.runs(&query)?;
        for row in &rows {
            if let Some(paths) = found.remove(&git::part(&row.name()))
                && may_go(row)
            {
                loose.extend(paths);
            }
        }
        query.before = rows.last().map(|row| row.id);
        if rows.len() < PAGE as usize {
            break;
        }
    }
    loose.extend(found.into_values().flatten());
    loose.sort();
    Ok(loose)
}

fn sweep(data: &Path, loose: Vec<PathBuf>, dry: bool) -> Gone {
    let mut gone = Gone::default();
    let clones = match Repository::all(&data.join(CLONES)) {
        Ok(clones) => clones,
        Err(error) => {
            gone.failed.push(error.to_string());
            return gone;
        }
    };
    for folder in loose {
        let bytes = size(&folder);
        if dry {
            gone.count += 1;
            gone.bytes += bytes;
            continue;
        }
        match clones.iter().try_for_each(|clone| clear(clone, &folder)) {
            Ok(()) if fs::remove_dir(&folder).is_ok() => {
                gone.count += 1;
                gone.bytes += bytes;
            }
            // What git does not know of may be anybody's.
            Ok(()) => gone.failed.push(format!(
                "`{}` holds what is no worktree: look at it, and remove it",
                folder.display()
            )),
            Err(error) => gone.failed.push(error.to_string()),
        }
    }
    gone
}

fn clear(clone: &Repository, folder: &Path) -> Result<(), Failed> {
    for stray in clone.strays(folder, &HashSet::new())? {
        let kept = clone.sweep(&stray)?;
        if let Some(commit) = kept.snapshot {
            let folder = kept.path.display();
            tracing::info!(%folder, %commit, "what was not committed is kept as a commit");
        }
    }
    Ok(())
}
