//! A log file that is put aside when it is full or the day ends.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Of one file.
    pub(super) bytes: u64,
    /// With the one in use.
    pub(super) files: u64,
    /// Since they were last written.
    pub(super) days: u64,
}

/// `server.log`, and beside it `server.log.20261121T100405Z`.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    keep: Keep,
    file: File,
    bytes: u64,
    day: Date,
    now: fn() -> Timestamp,
    again: Again,
}

/// Asks a log to be opened again: somebody else has put its file aside.
#[derive(Clone, Debug, Default)]
pub(super) struct Again(Arc<AtomicBool>);

impl Again {
    /// Before the next line is written.
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_asked(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Rotating {
    pub(super) fn open(path: PathBuf, keep: Keep) -> io::Result<Self> {
        Self::with_clock(path, keep, Timestamp::now)
    }

    pub(super) fn again(&self) -> Again {
        self.again.clone()
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.file = append(&self.path)?;
        self.bytes = self.file.metadata()?.len();
        Ok(())
    }

    fn with_clock(path: PathBuf, keep: Keep, now: fn() -> Timestamp) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        let day = now().to_zoned(TimeZone::UTC).date();
        Ok(Self { path, keep, file, bytes, day, now, again: Again::default() })
    }

    fn turn(&mut self, now: Timestamp) -> io::Result<()> {
        let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let free = |n: u32| {
            let end = if n == 0 { stamp.clone() } else { format!("{stamp}-{n}") };
            let aside = beside(&self.path, &end);
            (!aside.exists()).then_some(aside)
        };
        if let Some(aside) = (0..1000).find_map(free) {
            fs::rename(&self.path, aside)?;
        }
        self.reopen()?;
        self.day = now.to_zoned(TimeZone::UTC).date();
        self.tidy()
    }

    /// Removes those that are too many or too old.
    fn tidy(&self) -> io::Result<()> {
        let mut old = aside(&self.path)?;
        old.sort();
        let too_many = old.len().saturating_sub(
            usize::try_from(self.keep.files).unwrap_or(usize::MAX).saturating_sub(1),
        );
        let oldest = u32::try_from(self.keep.days)
            .ok()
            .and_then(|days| SystemTime::now().checked_sub(DAY * days));
        for (place, path) in old.into_iter().enumerate() {
            let changed = fs::metadata(&path).and_then(|file| file.modified());
            let is_old = changed.is_ok_and(|at| oldest.is_some_and(|oldest| at < oldest));
            if place < too_many || is_old {
                // It comes up again with the next turn.
                drop(fs::remove_file(path));
            }
        }
        Ok(())
    }
}

impl Write for Rotating {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.again.is_asked() {
            // One that cannot be opened leaves the old one, which is better than none.
            drop(self.reopen());
        }
        let now = (self.now)();
        let full =
            self.bytes > 0 && self.bytes.saturating_add(buffer.len() as u64) > self.keep.bytes;
        if full || now.to_zoned(TimeZone::UTC).date() != self.day {
            // Without room for another file the old one goes on.
            drop(self.turn(now));
        }
        let count = self.file.write(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

/// Those that were put aside: by their names, so that nothing else is ever removed.
fn aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Ok(Vec::new());
    };
    let prefix = format!("{name}.");
    let is_stamp = |end: &str| {
        let (time, again) = end.split_once('-').unwrap_or((end, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        time.len() == 16
            && time.ends_with('Z')
            && time.get(8..9) == Some("T")
            && time.get(..8).is_some_and(digits)
            && time.get(9..15).is_some_and(digits)
            && digits(again)
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let own = entry.file_name().to_str().and_then(|n| n.strip_prefix(&prefix).map(is_stamp));
        if own == Some(true) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NOW: Cell<i64> = const { Cell::new(1_763_000_000) };
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW.get()).unwrap()
    }

    #[test]
    fn a_full_file_and_a_new_day_put_it_aside_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/server.log");
        let keep = Keep { bytes: 10, files: 3, days: 30 };
        let mut log = Rotating::with_clock(path.clone(), keep, now).unwrap();
        let others = folder.path().join("logs/server.log.important");
        fs::write(&others, "not ours").unwrap();
        let aside = || {
            let mut found = aside(&path).unwrap();
            found.sort();
            found.into_iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
        };
        log.write_all(b"12345").unwrap();
        log.write_all(b"67890").unwrap();
        assert!(aside().is_empty());
        log.write_all(b"a line that is longer").unwrap();
        assert_eq!(aside(), ["1234567890"]);
        NOW.set(NOW.get() + 1);
        log.write_all(b"b").unwrap();
        assert_eq!(aside(), ["1234567890", "a line that is longer"]);
        NOW.set(NOW.get() + 24 * 3600);
        log.write_all(b"next day").unwrap();
        assert_eq!(aside(), ["a line that is longer", "b"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "next day");
        // Opened again it goes on where it was.
        drop(log);
        let mut log = Rotating::with_clock(path.clone(), keep, now).unwrap();
        log.write_all(b"!").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "next day!");
        assert_eq!(fs::read_to_string(&others).unwrap(), "not ours");
    }
}
