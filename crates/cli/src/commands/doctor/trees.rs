//! Worktrees of runs, as `doctor` looks at them.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use git::{Failed, Repository};

use super::Check;
use super::checks::{ok, warn};
use crate::words;

/// What git knows of them, and what lies there.
struct Looked {
    known: BTreeSet<PathBuf>,
    /// Known, and deleted by hand.
    gone: u64,
}

/// Those that lead nowhere, and folders that no clone knows of.
pub(super) fn check(data: &Path) -> Check {
    const NAME: &str = "worktrees";
    let home = data.join("worktrees");
    let looked = match look(data, &home) {
        Ok(looked) => looked,
        Err(error) => return warn(NAME, error.to_string(), "see what `git` says of data/git"),
    };
    let strays: Vec<PathBuf> =
        folders(&home).into_iter().filter(|folder| !looked.known.contains(folder)).collect();
    let count = words::count(looked.known.len() as u64, "worktree");
    if let Some(stray) = strays.first() {
        let others = match strays.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let found = format!("{count}; no clone knows of {}{others}", stray.display());
        return warn(NAME, found, "look at it, and remove it: nothing is lost with it but itself");
    }
    if looked.gone > 0 {
        let found = format!("{count}, {} of them deleted by hand", looked.gone);
        return warn(NAME, found, "nothing needs to be done: the next retention forgets them");
    }
    ok(NAME, count)
}

fn look(data: &Path, home: &Path) -> Result<Looked, Failed> {
    let mut looked = Looked { known: BTreeSet::new(), gone: 0 };
    for clone in Repository::all(&data.join("git"))? {
        for found in clone.strays(home, &HashSet::new())? {
            looked.gone += u64::from(found.gone);
            looked.known.insert(found.path);
        }
    }
    Ok(looked)
}

/// `worktrees/<run>/<stage>`
fn folders(home: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|entry| entry.path())
            .collect();
        found.sort();
        found
    };
    below(home).iter().flat_map(|run| below(run)).collect()
}
