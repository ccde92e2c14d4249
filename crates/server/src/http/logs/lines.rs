//! Cuts captured output into lines, each with its place and time.

use std::ops::Range;

use api::feed::Captured;
use axum::body::Bytes;
use jiff::Timestamp;

use crate::captured::Chunk;

/// A longer line comes in parts.
const LONGEST: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The line that has not ended yet, where it began and when.
    open: Vec<u8>,
    offset: u64,
    at: Option<Timestamp>,
    /// Records not yet taken.
    ready: Vec<u8>,
}

impl Lines {
    pub(super) fn push(&mut self, chunk: &Chunk) {
        let mut start = chunk.offset;
        for piece in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.open.is_empty() {
                self.offset = start;
                self.at = time(chunk, start);
            }
            self.open.extend_from_slice(piece);
            start += piece.len() as u64;
            if piece.ends_with(b"\n") || self.open.len() >= LONGEST {
                self.flush();
            }
        }
    }

    /// These bytes were dropped; the line before them has ended.
    pub(super) fn gap(&mut self, gap: Range<u64>) {
        self.flush();
        self.record(&Captured::Gap { start: gap.start, end: gap.end });
    }

    /// The open line ends here.
    pub(super) fn flush(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.open);
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line).into_owned();
        let record = Captured::Line { offset: self.offset, at: self.at, text };
        self.record(&record);
    }

    fn record(&mut self, record: &Captured) {
        if serde_json::to_writer(&mut self.ready, record).is_ok() {
            self.ready.push(b'\n');
        }
    }

    /// The records made since the last call.
    pub(super) fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.ready).into()
    }
}

fn time(chunk: &Chunk, offset: u64) -> Option<Timestamp> {
    let after = chunk.times.partition_point(|(start, _)| *start <= offset);
    chunk.times.get(after.checked_sub(1)?).map(|(_, at)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).unwrap()
    }

    fn records(lines: &mut Lines) -> Vec<Captured> {
        let bytes = lines.take();
        let text = std::str::from_utf8(&bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn line(offset: u64, at: i64, text: &str) -> Captured {
        Captured::Line { offset, at: Some(second(at)), text: text.to_owned() }
    }

    #[test]
    fn a_line_may_come_in_pieces_and_has_the_time_of_its_first_byte() {
        let mut lines = Lines::default();
        let times = vec![(0, second(1)), (4, second(2))];
        let bytes = b"one\r\ntw".to_vec();
        lines.push(&Chunk { bytes, times, ..Chunk::default() });
        assert_eq!(records(&mut lines), [line(0, 1, "one")]);
        let times = vec![(7, second(3))];
        lines.push(&Chunk { offset: 7, bytes: b"o\n\nx".to_vec(), times, ..Chunk::default() });
        assert_eq!(records(&mut lines), [line(5, 2, "two"), line(9, 3, "")]);
        lines.gap(11..20);
        assert_eq!(records(&mut lines), [line(10, 3, "x"), Captured::Gap { start: 11, end: 20 }]);
        lines.flush();
        assert!(records(&mut lines).is_empty());
    }
}
