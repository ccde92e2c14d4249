//! Writes the output of one attempt as `api::capture` describes it.
//!
//! A disk that is full or broken never stops the child: what cannot be stored is counted, and the
//! end of the attempt says from where on it is missing.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use api::capture::{Header, INDEX, Layout, Mark, OUTPUT};

use crate::mask::{Masks, Stream};

/// Marks of the time index are at least so far apart.
const MARK_EVERY: Duration = Duration::from_millis(10);
const TAIL_BYTES: usize = 4096;
const TAIL_LINES: usize = 20;

#[derive(Debug)]
pub(crate) struct Capture {
    folder: PathBuf,
    layout: Layout,
    masks: Masks,
    stream: Stream,
    files: Option<Files>,
    /// Bytes of the stream so far, masked.
    total: u64,
    /// Marks that are written over no more.
    marks: u64,
    /// When the newest mark was begun.
    marking_since: Option<Instant>,
    /// The newest bytes, a little more than the tail needs.
    newest: VecDeque<u8>,
    broken: Option<Broken>,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Files {
    output: File,
    index: File,
}

#[derive(Debug)]
struct Broken {
    from: u64,
    cause: String,
}

impl Capture {
    pub(crate) fn new(folder: &Path, layout: Layout, masks: Masks) -> Self {
        Self {
            folder: folder.to_owned(),
            layout,
            masks,
            stream: Stream::default(),
            files: None,
            total: 0,
            marks: 0,
            marking_since: None,
            newest: VecDeque::new(),
            broken: None,
            scratch: Vec::new(),
        }
    }

    /// Stores what the child wrote. Never fails: see [`Capture::problem`].
    pub(crate) fn push(&mut self, bytes: &[u8], now: Instant) {
        if self.masks.is_empty() {
            self.store(bytes, now);
        } else {
            let mut clean = std::mem::take(&mut self.scratch);
            clean.clear();
            self.stream.push(&self.masks, bytes, &mut clean);
            self.store(&clean, now);
            self.scratch = clean;
        }
    }

    /// No more output follows.
    pub(crate) fn finish(&mut self, now: Instant) {
        let mut rest = Vec::new();
        self.stream.finish(&mut rest);
        self.store(&rest, now);
        self.files = None;
    }

    /// Bytes of the stream so far.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn masks(&self) -> &Masks {
        &self.masks
    }

    /// What could not be stored, in words.
    pub(crate) fn problem(&self) -> Option<String> {
        let broken = self.broken.as_ref()?;
        let (from, cause) = (broken.from, &broken.cause);
        Some(format!("output from byte {from} on could not be stored: {cause}"))
    }

    /// The last lines, at most 20 and 4 KiB; whole lines unless the last one alone is longer.
    pub(crate) fn tail(&self) -> String {
        let bytes: Vec<u8> = self.newest.iter().copied().collect();
        let start = bytes.len().saturating_sub(TAIL_BYTES);
        let mut kept = &bytes[start..];
        if start > 0
            && bytes[start - 1] != b'\n'
            && let Some(newline) = kept[..kept.len() - 1].iter().position(|&b| b == b'\n')
        {
            kept = &kept[newline + 1..];
        }
        let text = String::from_utf8_lossy(kept);
        // A byte that is not UTF-8 takes three when it is shown.
        let surplus = text.len().saturating_sub(TAIL_BYTES);
        let lines: Vec<&str> = text[text.ceil_char_boundary(surplus)..].lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    fn store(&mut self, bytes: &[u8], now: Instant) {
        if bytes.is_empty() {
            return;
        }
        let newest = &bytes[bytes.len().saturating_sub(TAIL_BYTES + 1)..];
        self.newest.extend(newest);
        let surplus = self.newest.len().saturating_sub(TAIL_BYTES + 1);
        self.newest.drain(..surplus);
        let step = usize::try_from(self.layout.step().max(1)).unwrap_or(usize::MAX);
        for piece in bytes.chunks(step) {
            let from = self.total;
            self.total += piece.len() as u64;
            if self.broken.is_none()
                && let Err(error) = self.write(piece, from).and_then(|()| self.mark(now))
            {
                self.broken = Some(Broken { from, cause: error.to_string() });
            }
        }
    }

    fn write(&mut self, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        if self.files.is_none() {
            self.files = Some(self.create()?);
        }
        let Some(files) = &self.files else { return Ok(()) };
        while !bytes.is_empty() {
            let (place, room) = self.layout.place(offset);
            let here = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            files.output.write_all_at(&bytes[..here], place)?;
            bytes = &bytes[here..];
            offset += here as u64;
        }
        Ok(())
    }

    /// Makes the index say how far the stream has come.
    fn mark(&mut self, now: Instant) -> io::Result<()> {
        let Some(files) = &self.files else { return Ok(()) };
        match self.marking_since {
            Some(since) if now - since < MARK_EVERY => {}
            Some(_) => {
                self.marks += 1;
                self.marking_since = Some(now);
            }
            None => self.marking_since = Some(now),
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at_micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let mark = Mark { end: self.total, at_micros };
        files.index.write_all_at(&mark.encode(), Mark::place(self.marks))
    }

    fn create(&self) -> io::Result<Files> {
        match std::fs::create_dir(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let index = File::create(self.folder.join(INDEX))?;
        index.write_all_at(&Header { layout: self.layout }.encode(), 0)?;
        Ok(Files { output: File::create(self.folder.join(OUTPUT))?, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(folder: &Path, head: u64, tail: u64) -> Capture {
        Capture::new(folder, Layout { head, tail }, Masks::default())
    }

    #[test]
    fn the_middle_of_a_long_stream_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut capture = capture(folder.path(), 4, 6);
        for chunk in ["abc", "defghijk", "lmnopqrstuvwxyz"] {
            capture.push(chunk.as_bytes(), Instant::now());
        }
        capture.finish(Instant::now());
        assert_eq!(capture.total(), 26);
        let file = std::fs::read_to_string(folder.path().join(OUTPUT)).unwrap();
        // 26 = 4 + 22, and 22 % 6 = 4: the ring's oldest byte lies at 4 + 4.
        assert_eq!(file, "abcdwxyzuv");
        assert_eq!(capture.problem(), None);
    }

    #[test]
    fn a_full_disk_is_counted_and_said() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(OUTPUT)).unwrap();
        let mut capture = capture(folder.path(), 100, 100);
        capture.push(b"lost\n", Instant::now());
        capture.push(b"lost too\n", Instant::now());
        capture.finish(Instant::now());
        assert_eq!(capture.total(), 14);
        assert_eq!(capture.tail(), "lost\nlost too");
        let problem = capture.problem().unwrap();
        assert!(problem.starts_with("output from byte 0 on could not be stored: No space left"));
    }

    #[test]
    fn the_tail_keeps_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut capture = capture(folder.path(), 1 << 20, 1 << 20);
        for n in 0..1000 {
            capture.push(format!("line {n}\n").as_bytes(), Instant::now());
        }
        let tail = capture.tail();
        assert_eq!(tail.lines().count(), 20);
        assert!(tail.starts_with("line 980\n") && tail.ends_with("line 999"));
        capture.push(&[b'x'; 10_000], Instant::now());
        assert_eq!(capture.tail().len(), TAIL_BYTES);
        capture.push(&[0xff; 100], Instant::now());
        assert!(capture.tail().ends_with('\u{fffd}'));
    }

    #[test]
    fn a_silent_attempt_leaves_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut capture = capture(folder.path(), 1, 1);
        capture.finish(Instant::now());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
