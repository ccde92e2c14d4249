//! Files that an agent may not change: copied before it works, put back before the check.
//!
//! What it made of them is not thrown away, it lies in the memory.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use api::agent::Job;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::memory::Memory;

const KEPT: &str = "protected";
const DISPLACED: &str = "displaced";
/// Written when all copies are there.
const WHOLE: &str = "protected.whole";

#[derive(Debug)]
pub(crate) struct Protected {
    workspace: PathBuf,
    kept: PathBuf,
    displaced: PathBuf,
    whole: PathBuf,
    globs: GlobSet,
}

type Outcome<T> = Result<T, String>;

impl Protected {
    pub(crate) fn of(job: &Job, memory: &Memory, globs: &[String]) -> Outcome<Self> {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let built = GlobBuilder::new(glob).literal_separator(true).build();
            set.add(built.map_err(|error| format!("`protect`: {error}"))?);
        }
        let folder = memory.folder();
        Ok(Self {
            workspace: job.workspace.clone().into(),
            kept: folder.join(KEPT),
            displaced: folder.join(DISPLACED),
            whole: folder.join(WHOLE),
            globs: set.build().map_err(|error| format!("`protect`: {error}"))?,
        })
    }

    pub(crate) fn remember(&self) -> Outcome<()> {
        if self.whole.exists() {
            return Ok(());
        }
        let copied = || -> io::Result<()> {
            if self.kept.exists() {
                fs::remove_dir_all(&self.kept)?;
            }
            fs::create_dir_all(&self.kept)?;
            for path in self.matching(&self.workspace)? {
                copy(&self.workspace.join(&path), &self.kept.join(&path))?;
            }
            fs::File::create(&self.whole)?.sync_all()
        };
        copied().map_err(|error| format!("protected files cannot be kept: {error}"))
    }

    /// Gives the paths that were not as they had been.
    pub(crate) fn put_back(&self) -> Outcome<Vec<String>> {
        if !self.whole.exists() {
            return Err("the protected files were never kept".to_owned());
        }
        let put = || -> io::Result<Vec<String>> {
            let mut changed = Vec::new();
            let kept = self.matching(&self.kept)?;
            for path in &kept {
                if !same(&self.kept.join(path), &self.workspace.join(path)) {
                    self.clear_way(path)?;
                    copy(&self.kept.join(path), &self.workspace.join(path))?;
                    changed.push(path.display().to_string());
                }
            }
            for path in self.matching(&self.workspace)? {
                if !kept.contains(&path) {
                    self.displace(&path)?;
                    changed.push(path.display().to_string());
                }
            }
            Ok(changed)
        };
        put().map_err(|error| format!("protected files cannot be put back: {error}"))
    }

    /// Whatever stands where the file belongs, or is a link or no folder on the way there, leaves.
    fn clear_way(&self, path: &Path) -> io::Result<()> {
        let mut way = PathBuf::new();
        for part in path.components() {
            way.push(part);
            match fs::symlink_metadata(self.workspace.join(&way)) {
                Ok(found) if found.is_dir() && way != path => {}
                Ok(_) => return self.displace(&way),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn displace(&self, path: &Path) -> io::Result<()> {
        let mut to = self.displaced.join(path);
        let mut number = 1;
        while fs::symlink_metadata(&to).is_ok() {
            number += 1;
            to = self.displaced.join(format!("{}.{number}", path.display()));
        }
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        let from = self.workspace.join(path);
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                if fs::symlink_metadata(&from)?.is_file() {
                    fs::copy(&from, &to)?;
                    return fs::remove_file(&from);
                }
                // A folder or a link has no content of its own that is worth a copy over devices.
                match fs::symlink_metadata(&from)?.is_dir() {
                    true => fs::remove_dir_all(&from),
                    false => fs::remove_file(&from),
                }
            }
            other => other,
        }
    }

    /// Everything below a folder that a glob fits and that is no folder, relative to it, sorted.
    /// Links are not followed, `.git` is not entered.
    fn matching(&self, root: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(root.join(&folder))? {
                let entry = entry?;
                let path: PathBuf = folder
                    .join(entry.file_name())
                    .components()
                    .filter(|part| *part != Component::CurDir)
                    .collect();
                if entry.file_type()?.is_dir() {
                    if entry.file_name() != ".git" {
                        folders.push(path);
                    }
                } else if self.globs.is_match(&path) {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A file with its content and mode, a link as a link.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let kind = fs::symlink_metadata(from)?;
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    if kind.is_file() {
        fs::copy(from, to)?;
        fs::File::open(to)?.sync_all()?;
    }
    Ok(())
}

fn same(one: &Path, other: &Path) -> bool {
    let (Ok(a), Ok(b)) = (fs::symlink_metadata(one), fs::symlink_metadata(other)) else {
        return false;
    };
    if a.is_symlink() || b.is_symlink() {
        return a.is_symlink()
            && b.is_symlink()
            && fs::read_link(one).ok() == fs::read_link(other).ok();
    }
    a.is_file()
        && b.is_file()
        && a.len() == b.len()
        && a.permissions().mode() == b.permissions().mode()
        && matches!((fs::read(one), fs::read(other)), (Ok(a), Ok(b)) if a == b)
}
