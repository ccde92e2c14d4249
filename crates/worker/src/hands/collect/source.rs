//! A file in a working folder that nothing can be trusted about.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use blobs::{Blobs, Error, Staged};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2};
use rustix::io::Errno;

use crate::hands::lay::{beneath, chain};
use crate::mask::{Masks, Search};

/// A plain file below the working folder, as it was when it was opened.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    before: Stat,
}

pub(super) fn root(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, folder, flags, Mode::empty())?)
}

/// Opens it without following a link anywhere on the way, and without waiting for anybody at the
/// other end of a pipe. `None`: there is nothing of this name.
pub(super) fn open(root: &OwnedFd, path: &str) -> Result<Option<Source>, String> {
    let inner = beneath(path).ok_or("is no path below the working folder")?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // Only a hold on it: opening a device can have effects.
    let place = match openat2(root, &inner, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
    {
        Ok(place) => place,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(Errno::LOOP) => {
            return Err("is a link, or lies behind one: links are not followed".into());
        }
        Err(Errno::XDEV) => return Err("leads out of the working folder".into()),
        Err(errno) => return Err(format!("cannot be reached: {errno}")),
    };
    let before = fstat(&place).map_err(|errno| format!("cannot be reached: {errno}"))?;
    let what = match FileType::from_raw_mode(before.st_mode) {
        FileType::RegularFile => None,
        FileType::Directory => Some("a folder"),
        FileType::Symlink => Some("a link"),
        FileType::Fifo => Some("a named pipe"),
        FileType::Socket => Some("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Some("a device"),
        _ => Some("something else"),
    };
    if let Some(what) = what {
        return Err(format!("is no plain file but {what}"));
    }
    // The same file, whatever its name has come to mean since.
    let again = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, again, flags, Mode::empty())
        .map_err(|errno| format!("cannot be read: {errno}"))?;
    Ok(Some(Source { file: File::from(file), before }))
}

impl Source {
    /// Copies all of it: as much as was there when it was opened, and not while it changes.
    pub(super) fn copy(
        &mut self,
        blobs: &Blobs,
        masks: &Masks,
        max_bytes: u64,
    ) -> Result<Staged, String> {
        let size = u64::try_from(self.before.st_size).unwrap_or(0);
        if size > max_bytes {
            return Err(format!("has {size} bytes, and at most {max_bytes} are allowed"));
        }
        let mut searched = Searched { file: &self.file, masks, search: Search::default() };
        // A file that somebody writes to might never end.
        let staged = match blobs.stage(&mut searched, size) {
            Ok(staged) => staged,
            Err(Error::TooLarge { .. }) => return Err("grew while it was read".into()),
            Err(error) => return Err(format!("could not be stored: {}", chain(&error))),
        };
        if searched.search.found() {
            return Err("contains the value of a secret".into());
        }
        let after = fstat(&self.file).map_err(|errno| format!("cannot be read: {errno}"))?;
        let state = |stat: &Stat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
        if staged.bytes() != size || state(&after) != state(&self.before) {
            return Err("was changed while it was read".into());
        }
        Ok(staged)
    }
}

/// Looks at everything that is read.
struct Searched<'a> {
    file: &'a File,
    masks: &'a Masks,
    search: Search,
}

impl Read for Searched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.search.push(self.masks, &buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        blobs: Blobs,
        root: OwnedFd,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::of(folder.path());
        let root = root(folder.path()).unwrap();
        fs::write(folder.path().join("f"), "before").unwrap();
        Place { folder, blobs, root }
    }

    impl Place {
        fn copy(&self, source: &mut Source) -> Result<Vec<u8>, String> {
            let mut staged = source.copy(&self.blobs, &Masks::default(), 100)?;
            let mut bytes = Vec::new();
            staged.content().unwrap().read_to_end(&mut bytes).unwrap();
            Ok(bytes)
        }
    }

    #[test]
    fn a_file_that_grows_or_shrinks_while_it_is_read_is_refused() {
        let place = place();
        let path = place.folder.path().join("f");
        let mut source = open(&place.root, "f").unwrap().unwrap();
        fs::File::options().append(true).open(&path).unwrap().write_all(b" and after").unwrap();
        assert_eq!(place.copy(&mut source).unwrap_err(), "grew while it was read");
        let mut source = open(&place.root, "f").unwrap().unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(3).unwrap();
        assert_eq!(place.copy(&mut source).unwrap_err(), "was changed while it was read");
        assert_eq!(place.blobs.used().unwrap(), 0);
    }

    #[test]
    fn what_takes_its_name_later_is_not_read() {
        let place = place();
        let path = place.folder.path().join("f");
        let mut source = open(&place.root, "f").unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert_eq!(place.copy(&mut source).unwrap(), b"before");
        assert!(open(&place.root, "f").unwrap_err().contains("link"));
    }

    #[test]
    fn nobody_waits_at_a_pipe() {
        let place = place();
        let pipe = place.folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(open(&place.root, "pipe").unwrap_err().ends_with("a named pipe"));
        assert!(open(&place.root, "none").unwrap().is_none());
    }
}
