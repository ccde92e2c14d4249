//! What an attempt has printed, piece by piece, as its capture grows (`api::capture`).

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use api::capture::{Header, INDEX, Layout, Mark, OUTPUT};

/// No piece is longer.
const LONGEST: u64 = 256 << 10;
/// What was printed within so many microseconds may travel under one time.
const TOGETHER: u64 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Of the stream.
    pub(super) offset: u64,
    /// When the last of it had been captured (Unix time).
    pub(super) at_micros: u64,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Source {
    folder: PathBuf,
    open: Option<Open>,
    /// Where the next piece begins.
    offset: u64,
}

#[derive(Debug)]
struct Open {
    output: File,
    index: File,
    layout: Layout,
    /// Marks beyond the offset.
    marks: VecDeque<Mark>,
    /// Of the newest mark that was read; it may have grown since.
    ordinal: Option<u64>,
    newest: Mark,
}

impl Source {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: None, offset: 0 }
    }

    /// So much of the stream needs not be given any more.
    pub(super) fn resume(&mut self, stored: u64) {
        if stored < self.offset {
            // Marks are kept only of what is still to be given.
            self.open = None;
        }
        self.offset = stored;
    }

    /// `None`: there is no more than was given, at this moment.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        let Some(open) = self.opened()? else { return Ok(None) };
        open.refresh()?;
        loop {
            let offset = self.offset;
            let Some(open) = &mut self.open else { return Ok(None) };
            let dropped = open.layout.dropped(open.newest.end);
            if dropped.contains(&offset) {
                self.offset = dropped.end;
                continue;
            }
            let Some((end, at_micros)) = open.piece(offset) else { return Ok(None) };
            let bytes = open.read(offset, end)?;
            open.refresh()?;
            // Whoever writes may have come round meanwhile.
            let gone = open.layout.overwritten(open.newest.end);
            if open.newest.end > open.layout.head + open.layout.tail
                && offset < gone.end
                && end > gone.start
            {
                if offset >= gone.start {
                    self.offset = gone.end;
                    continue;
                }
                let kept = usize::try_from(gone.start - offset).unwrap_or(usize::MAX);
                let bytes = bytes[..kept.min(bytes.len())].to_vec();
                self.offset = gone.start;
                return Ok(Some(Chunk { offset, at_micros, bytes }));
            }
            self.offset = end;
            return Ok(Some(Chunk { offset, at_micros, bytes }));
        }
    }

    /// `None`: it has printed nothing.
    fn opened(&mut self) -> io::Result<Option<&mut Open>> {
        if self.open.is_none() {
            let absent = |error: io::Error| match error.kind() {
                io::ErrorKind::NotFound => Ok(None),
                _ => Err(error),
            };
            let index = match File::open(self.folder.join(INDEX)) {
                Ok(index) => index,
                Err(error) => return absent(error),
            };
            let output = match File::open(self.folder.join(OUTPUT)) {
                Ok(output) => output,
                Err(error) => return absent(error),
            };
            let mut header = [0; 32];
            let count = index.read_at(&mut header, 0)?;
            let Some(Header { layout }) = Header::decode(&header[..count]) else { return Ok(None) };
            let newest = Mark { end: 0, at_micros: 0 };
            let marks = VecDeque::new();
            self.open = Some(Open { output, index, layout, marks, ordinal: None, newest });
        }
        Ok(self.open.as_mut())
    }
}

impl Open {
    /// Reads the marks that have come, and how far the newest has grown.
    fn refresh(&mut self) -> io::Result<()> {
        const SIZE: usize = Mark::BYTES as usize;
        let mut block = [0; 256 * SIZE];
        loop {
            let first = self.ordinal.unwrap_or(0);
            // Places follow each other up to the ends of both halves.
            let room = Mark::KEPT - first % Mark::KEPT;
            let wanted = usize::try_from(room).unwrap_or(usize::MAX).min(256) * SIZE;
            let count = self.index.read_at(&mut block[..wanted], Mark::place(first))?;
            let mut read = 0;
            for (ordinal, bytes) in (first..).zip(block[..count].chunks_exact(SIZE)) {
                let Some(mark) = Mark::decode(bytes) else { break };
                let is_same = self.ordinal == Some(ordinal);
                if mark.end < self.newest.end || (mark.end == self.newest.end && !is_same) {
                    return Ok(());
                }
                match self.marks.back_mut() {
                    Some(last) if is_same && last.end == self.newest.end => *last = mark,
                    Some(_) | None if is_same && mark == self.newest => {}
                    Some(_) | None => self.marks.push_back(mark),
                }
                (self.ordinal, self.newest) = (Some(ordinal), mark);
                read += 1;
            }
            // The newest is read again; a block that holds nothing else holds nothing new.
            if read < 2 {
                return self.turn();
            }
        }
    }

    /// At the end of a half the next mark lies elsewhere.
    fn turn(&mut self) -> io::Result<()> {
        let Some(ordinal) = self.ordinal else { return Ok(()) };
        let mut bytes = [0; Mark::BYTES as usize];
        let count = self.index.read_at(&mut bytes, Mark::place(ordinal + 1))?;
        let next = Mark::decode(&bytes[..count]).filter(|mark| mark.end > self.newest.end);
        let Some(mark) = next else { return Ok(()) };
        self.marks.push_back(mark);
        (self.ordinal, self.newest) = (Some(ordinal + 1), mark);
        self.refresh()
    }

    /// Where the next piece ends, and its time.
    fn piece(&mut self, offset: u64) -> Option<(u64, u64)> {
        while self.marks.front().is_some_and(|mark| mark.end <= offset) {
            self.marks.pop_front();
        }
        let first = *self.marks.front()?;
        let last = self
            .marks
            .iter()
            .take_while(|mark| {
                mark.end - offset <= LONGEST && mark.at_micros <= first.at_micros + TOGETHER
            })
            .last()
            .unwrap_or(&first);
        let end = last.end.min(offset + LONGEST);
        // What was dropped is no part of a piece.
        let dropped = self.layout.dropped(self.newest.end);
        let end = if offset < dropped.start && !dropped.is_empty() {
            end.min(dropped.start)
        } else {
            end
        };
        Some((end, last.at_micros))
    }

    fn read(&self, mut offset: u64, end: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while offset < end {
            let (place, room) = self.layout.place(offset);
            let count = room.min(end - offset);
            let from = bytes.len();
            bytes.resize(from + usize::try_from(count).unwrap_or(usize::MAX), 0);
            self.output.read_exact_at(&mut bytes[from..], place)?;
            offset += count;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::capture::Capture;
    use crate::mask::Masks;

    fn all(source: &mut Source) -> Vec<(u64, String)> {
        let next = || source.next().unwrap();
        std::iter::from_fn(next)
            .map(|chunk| (chunk.offset, String::from_utf8(chunk.bytes).unwrap()))
            .collect()
    }

    #[test]
    fn it_is_given_as_it_grows_and_again_from_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = Source::new(folder.path());
        assert_eq!(source.next().unwrap(), None, "nothing was printed");
        let mut capture = Capture::new(folder.path(), Layout::default(), Masks::default());
        let begin = Instant::now();
        capture.push(b"one\n", begin);
        assert_eq!(all(&mut source), [(0, "one\n".into())]);
        assert_eq!(all(&mut source), []);
        // The mark is young, and grows.
        capture.push(b"two\n", begin);
        assert_eq!(all(&mut source), [(4, "two\n".into())]);
        capture.push(b"three\n", begin + Duration::from_millis(20));
        capture.push(b"four\n", begin + Duration::from_millis(40));
        assert_eq!(all(&mut source), [(8, "three\nfour\n".into())]);
        let mut again = Source::new(folder.path());
        again.resume(6);
        assert_eq!(all(&mut again), [(6, "o\nthree\nfour\n".into())]);
        again.resume(2);
        assert_eq!(all(&mut again), [(2, "e\ntwo\nthree\nfour\n".into())]);
    }

    #[test]
    fn what_was_dropped_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut capture =
            Capture::new(folder.path(), Layout { head: 10, tail: 64 }, Masks::default());
        let text: String = ('a'..='z').cycle().take(200).collect();
        capture.push(text.as_bytes(), Instant::now());
        let pieces = all(&mut Source::new(folder.path()));
        let (first, rest) = pieces.split_first().unwrap();
        assert_eq!(*first, (0, text[..10].to_owned()));
        let mut at = usize::try_from(rest[0].0).unwrap();
        assert!((136..=150).contains(&at), "{at}");
        for (offset, bytes) in rest {
            assert_eq!(usize::try_from(*offset).unwrap(), at);
            assert_eq!(*bytes, text[at..at + bytes.len()]);
            at += bytes.len();
        }
        assert_eq!(at, 200);
    }

    #[test]
    fn times_are_kept_and_pieces_stay_small() {
        let folder = tempfile::tempdir().unwrap();
        let begin = Instant::now();
        let mut capture = Capture::new(folder.path(), Layout::default(), Masks::default());
        for n in 0..40_000_u32 {
            capture.push(&[b'x'; 20], begin + Duration::from_millis(20) * n);
        }
        let mut source = Source::new(folder.path());
        let (mut total, mut last) = (0, 0);
        while let Some(chunk) = source.next().unwrap() {
            assert_eq!(chunk.offset, total);
            assert!(chunk.bytes.len() as u64 <= LONGEST && chunk.at_micros >= last);
            (total, last) = (total + chunk.bytes.len() as u64, chunk.at_micros);
        }
        assert_eq!(total, 800_000, "also beyond what is kept of the oldest marks");
    }
}
