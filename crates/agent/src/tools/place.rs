//! The workspace as a place that no path leads out of: neither `..` nor a link that was planted.
//!
//! The kernel resolves each path beneath the folder (`openat2`), so nothing can be swapped between a
//! look and the deed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2};
use rustix::io::Errno;

/// Files of the house, which no commit should hold.
const HOUSE: &str = ".orchestrate";
/// No text file that is read or searched is larger.
pub(super) const MAX_FILE: u64 = 10 << 20;
/// A tree is not walked deeper, nor are more files looked at.
const MAX_DEPTH: usize = 64;
const MAX_FILES: usize = 50_000;

#[derive(Debug)]
pub(crate) struct Place {
    root: OwnedFd,
    path: PathBuf,
}

impl Place {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let root =
            openat(CWD, &path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { root, path })
    }

    /// The path relative to the workspace with every link in it followed, also of a file that is not
    /// there yet; `None`: it leads out. One that cannot be followed for another reason stays as it is:
    /// nothing can be done with it.
    pub(crate) fn real(&self, path: &str) -> Option<String> {
        let wanted = self.relative(path).ok()?;
        let mut missing = Vec::new();
        let mut there: &Path = &wanted;
        loop {
            match self.resolve(there, OFlags::PATH) {
                Ok(found) => {
                    let link = format!("/proc/self/fd/{}", found.as_raw_fd());
                    let real = std::fs::read_link(link).ok()?;
                    let mut real = real.strip_prefix(&self.path).ok()?.to_owned();
                    real.extend(missing.iter().rev());
                    return Some(real.to_string_lossy().into_owned());
                }
                Err(Errno::NOENT) => {
                    missing.push(there.file_name()?);
                    there = match there.parent()? {
                        parent if parent.as_os_str().is_empty() => Path::new("."),
                        parent => parent,
                    };
                }
                Err(Errno::XDEV) => return None,
                Err(_) => return Some(wanted.to_string_lossy().into_owned()),
            }
        }
    }

    /// # Errors
    /// In words for whoever gave the path.
    pub(crate) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let file = self.file(path)?;
        let size = file.metadata().map_err(|error| said(path, &error))?.len();
        if size > MAX_FILE {
            return Err(format!("`{path}` has {size} bytes; at most {MAX_FILE} are read"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes).map_err(|error| said(path, &error))?;
        Ok(bytes)
    }

    fn file(&self, path: &str) -> Result<File, String> {
        let relative = self.relative(path)?;
        // A pipe that nobody writes to must not hold us up.
        let found = self
            .resolve(&relative, OFlags::RDONLY | OFlags::NONBLOCK)
            .map_err(|error| refused(path, error))?;
        regular(path, &found)?;
        Ok(File::from(found))
    }

    /// Replaces or makes a file and the folders above it. Says whether there was one.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Result<bool, String> {
        let relative = self.relative(path)?;
        if let Some(parent) = relative.parent() {
            self.folders(parent).map_err(|error| refused(path, error))?;
        }
        if relative.starts_with(HOUSE) {
            self.hide_house();
        }
        let existed = self.resolve(&relative, OFlags::PATH).is_ok();
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK;
        let found = self.resolve(&relative, how).map_err(|error| refused(path, error))?;
        regular(path, &found)?;
        let mut file = File::from(found);
        file.set_len(0)
            .and_then(|()| file.write_all(content))
            .map_err(|error| said(path, &error))?;
        Ok(existed)
    }

    /// Names in a folder, those of folders with a `/`, sorted.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let relative = self.relative(path)?;
        let mut names: Vec<String> = self
            .entries(&relative)
            .map_err(|error| refused(path, error))?
            .into_iter()
            .map(|(name, kind)| if kind == FileType::Directory { name + "/" } else { name })
            .collect();
        names.sort();
        Ok(names)
    }

    /// All regular files below a folder, relative to the workspace, sorted; links are not followed.
    /// `.git` and the files of the house are passed over. The flag says that there are more.
    pub(crate) fn walk(&self, path: &str) -> Result<(Vec<String>, bool), String> {
        let start = self.relative(path)?;
        let mut found = Vec::new();
        let mut folders = vec![(start, 0)];
        while let Some((folder, depth)) = folders.pop() {
            let entries = match self.entries(&folder) {
                Ok(entries) => entries,
                Err(error) if depth == 0 => return Err(refused(path, error)),
                // Somebody removed it meanwhile, or nobody may look.
                Err(_) => continue,
            };
            for (name, kind) in entries {
                let entry = clean(&folder.join(&name));
                match kind {
                    FileType::Directory if name == ".git" || name == HOUSE => {}
                    FileType::Directory if depth < MAX_DEPTH => folders.push((entry, depth + 1)),
                    FileType::RegularFile if found.len() >= MAX_FILES => {
                        found.sort();
                        return Ok((found, true));
                    }
                    FileType::RegularFile => found.push(entry.to_string_lossy().into_owned()),
                    _ => {}
                }
            }
        }
        found.sort();
        Ok((found, false))
    }

    fn entries(&self, relative: &Path) -> Result<Vec<(String, FileType)>, Errno> {
        let folder = self.resolve(relative, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for entry in Dir::new(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                entries.push((name, entry.file_type()));
            }
        }
        Ok(entries)
    }

    fn folders(&self, path: &Path) -> Result<(), Errno> {
        let mut whole = PathBuf::new();
        for part in path.components() {
            let parent = if whole.as_os_str().is_empty() { Path::new(".") } else { &whole };
            if let Component::Normal(name) = part {
                let parent = self.resolve(parent, OFlags::PATH | OFlags::DIRECTORY)?;
                match mkdirat(&parent, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error),
                }
            }
            whole.push(part);
        }
        Ok(())
    }

    /// What the house leaves here is for the agent, not for a repository.
    fn hide_house(&self) {
        let ignore = Path::new(HOUSE).join(".gitignore");
        let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        if let Ok(file) = self.resolve(&ignore, how) {
            let _ = File::from(file).write_all(b"*\n");
        }
    }

    /// Relative to the workspace, as it was written.
    fn relative(&self, path: &str) -> Result<PathBuf, String> {
        if path.contains('\0') {
            return Err("a path holds no NUL".to_owned());
        }
        let given = Path::new(path);
        let relative = match given.strip_prefix(&self.path) {
            Ok(inside) => inside,
            Err(_) if given.is_absolute() => return Err(outside(path)),
            Err(_) => given,
        };
        Ok(match relative.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => relative.to_owned(),
        })
    }

    fn resolve(&self, path: &Path, how: OFlags) -> Result<OwnedFd, Errno> {
        let mode = match how.contains(OFlags::CREATE) {
            true => Mode::from_raw_mode(0o666),
            false => Mode::empty(),
        };
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        loop {
            // A rename beside us makes the kernel give up now and then.
            match openat2(&self.root, path, how | OFlags::CLOEXEC, mode, beneath) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }
}

fn clean(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

fn regular(path: &str, file: &OwnedFd) -> Result<(), String> {
    let stat = fstat(file).map_err(|error| refused(path, error))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(format!("`{path}` is a folder")),
        _ => Err(format!("`{path}` is no regular file")),
    }
}

fn outside(path: &str) -> String {
    format!("`{path}` leads out of the working directory; only paths below it can be used")
}

fn refused(path: &str, error: Errno) -> String {
    match error {
        Errno::XDEV => outside(path),
        Errno::NOENT => format!("`{path}` does not exist"),
        Errno::NOTDIR => format!("`{path}`: a part of the path is no folder"),
        Errno::ISDIR => format!("`{path}` is a folder"),
        Errno::LOOP => format!("`{path}` leads over a link that cannot be followed"),
        other => format!("`{path}`: {}", io::Error::from(other)),
    }
}

fn said(path: &str, error: &io::Error) -> String {
    format!("`{path}`: {error}")
}
