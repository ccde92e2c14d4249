//! Makes folders be what a tree says, touching only what differs.
//!
//! The folders belong to people, too: a link that somebody put there is removed and never followed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use blobs::Blobs;

use super::name::safe;
use super::tree::{Content, Tree};
use crate::folder::failed;
use crate::port::Error;

pub(super) struct Writer {
    root: PathBuf,
    blobs: Blobs,
}

/// The parts of a pipeline's folder that are ours.
const OURS: [&str; 3] = ["runs", ".archived", ".errored"];

impl Writer {
    pub(super) fn new(root: PathBuf, blobs: Blobs) -> Self {
        Self { root, blobs }
    }

    /// Removes everything that an update could have made.
    pub(super) fn clear(&self) -> Result<(), Error> {
        let failed = || failed("clear the people's folders");
        for pipeline in entries(&self.root).map_err(failed())? {
            let folder = self.root.join(pipeline);
            if !is_folder(&folder) {
                continue;
            }
            for part in OURS {
                remove(&folder.join(part)).map_err(failed())?;
            }
            // Whatever else is in there was put there by somebody.
            let _ = fs::remove_dir(&folder);
        }
        Ok(())
    }

    pub(super) fn latest(&self, pipeline: &str, number: Option<u64>) -> Result<(), Error> {
        let runs = self.root.join(safe(pipeline)).join("runs");
        let link = runs.join("latest");
        let done = match number.map(|number| format!("v{number}")) {
            Some(goal) if is_folder(&runs.join(&goal)) => self.point(&link, &goal),
            Some(_) | None => remove(&link),
        };
        done.map_err(failed("point at the latest run"))
    }

    fn point(&self, link: &Path, goal: &str) -> io::Result<()> {
        if fs::read_link(link).is_ok_and(|now| now == Path::new(goal)) {
            return Ok(());
        }
        if is_folder(link) {
            remove(link)?;
        }
        let draft = link.with_extension("part");
        remove(&draft)?;
        symlink(goal, &draft)?;
        fs::rename(draft, link)
    }

    /// All that is shown of one run.
    pub(super) fn run(&self, pipeline: &str, number: u64, tree: Tree) -> Result<(), Error> {
        let folder = self.root.join(safe(pipeline));
        self.make(&folder, number, &tree).map_err(failed("write the folders of a run"))
    }

    fn make(&self, folder: &Path, number: u64, tree: &Tree) -> io::Result<()> {
        let wanted: BTreeSet<PathBuf> = tree.keys().filter_map(|path| unit(path)).collect();
        for known in units(folder, number)? {
            if !wanted.contains(&known) {
                remove(&folder.join(&known))?;
                // The folder of a rewind goes with the last run in it.
                if let Some(parent) = folder.join(&known).parent() {
                    let _ = fs::remove_dir(parent);
                }
            }
        }
        for unit in &wanted {
            self.make_unit(folder, unit, tree)?;
        }
        Ok(())
    }

    fn make_unit(&self, folder: &Path, unit: &Path, tree: &Tree) -> io::Result<()> {
        make_folder(&self.root, &folder.join(unit))?;
        let inner: Vec<(PathBuf, &Content)> = tree
            .iter()
            .filter_map(|(path, content)| {
                Some((Path::new(path).strip_prefix(unit).ok()?.to_owned(), content))
            })
            .collect();
        let place = folder.join(unit);
        let paths: BTreeSet<&Path> = inner.iter().map(|(path, _)| path.as_path()).collect();
        sweep(&place, Path::new(""), &paths)?;
        for (path, content) in &inner {
            let file = place.join(path);
            make_folder(&self.root, file.parent().unwrap_or(&place))?;
            self.make_file(&file, content)?;
        }
        Ok(())
    }

    fn make_file(&self, path: &Path, content: &Content) -> io::Result<()> {
        let found = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
        if found.is_none() {
            remove(path)?;
        }
        let draft = path.with_file_name(".part");
        remove(&draft)?;
        match content {
            Content::Text(text) => {
                if found.is_some() && fs::read(path).is_ok_and(|now| now == text.as_bytes()) {
                    return Ok(());
                }
                fs::write(&draft, text)?;
            }
            Content::Blob { digest, bytes, at } => {
                let at = SystemTime::from(*at);
                let same = |file: &fs::Metadata| {
                    file.len() == *bytes && file.modified().is_ok_and(|time| time == at)
                };
                if found.as_ref().is_some_and(same) {
                    return Ok(());
                }
                if let Err(error) = self.blobs.copy_to(digest, &draft) {
                    tracing::warn!(%error, path = %path.display(), "an artifact cannot be shown");
                    return remove(path);
                }
                File::open(&draft)?.set_modified(at)?;
            }
        }
        fs::rename(&draft, path)
    }
}

/// The folder that is made as a whole: `runs/v1`, `.archived/rewind_v1_x`, `.archived/rewind_to_v1_x/v2`.
fn unit(path: &str) -> Option<PathBuf> {
    let mut parts = path.split('/');
    let mut unit = PathBuf::from(parts.next()?);
    let second = parts.next()?;
    unit.push(second);
    if second.starts_with("rewind_to_") {
        unit.push(parts.next()?);
    }
    Some(unit)
}

/// Those of a run that are there.
fn units(folder: &Path, number: u64) -> io::Result<Vec<PathBuf>> {
    let own = format!("v{number}");
    let mut found = Vec::new();
    let archived = Path::new(".archived");
    for name in entries(&folder.join(archived))? {
        let inner = archived.join(&name);
        let of_it = [format!("rewind_{own}_"), format!("replaced_{own}_")];
        if of_it.iter().any(|start| name.starts_with(start)) {
            found.push(inner);
        } else if name.starts_with("rewind_to_") && exists(&folder.join(&inner).join(&own)) {
            found.push(inner.join(&own));
        }
    }
    for name in entries(&folder.join(".errored"))? {
        if name.starts_with(&format!("{own}_")) {
            found.push(Path::new(".errored").join(name));
        }
    }
    let run = Path::new("runs").join(&own);
    if exists(&folder.join(&run)) {
        found.push(run);
    }
    Ok(found)
}

/// Removes what is not among the paths, and links and files where folders have to be.
fn sweep(place: &Path, inner: &Path, paths: &BTreeSet<&Path>) -> io::Result<()> {
    for name in entries(&place.join(inner))? {
        let path = inner.join(name);
        let whole = place.join(&path);
        let leads = paths.iter().any(|wanted| wanted.starts_with(&path) && *wanted != path);
        if leads && is_folder(&whole) {
            sweep(place, &path, paths)?;
        } else if leads || !paths.contains(path.as_path()) {
            remove(&whole)?;
        }
    }
    Ok(())
}

/// Makes it and what is missing above it, down from `root`.
fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    if is_folder(folder) && folder == root {
        return Ok(());
    }
    if folder != root
        && let Some(parent) = folder.parent()
    {
        make_folder(root, parent)?;
    }
    if !is_folder(folder) {
        remove(folder)?;
        fs::create_dir(folder)?;
    }
    Ok(())
}

/// Not a link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Names in a folder; none when it is not there or is none. Those that are no text are not ours.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    if !is_folder(folder) {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whatever it is; a link itself, not what it leads to.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
