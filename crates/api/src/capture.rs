//! How the files of attempts lie on disk: written by the hands, read by the memory. Pure
//! arithmetic.
//!
//! ```text
//! attempts/<run>/records.jsonl     how its attempts began and ended, a line each
//! attempts/<run>/<key>.outputs     $ORCHESTRATE_OUTPUT, if the attempt wrote it
//! attempts/<run>/<key>/output.log  what it said, if anything, and output.idx: when
//! ```
//!
//! Making a file costs more than the rest of an attempt together (beside fork and exec), so an
//! attempt that says nothing makes none.
//!
//! `output.log` holds the captured stream byte for byte: its first `head` bytes at their own
//! offsets, then a ring of `tail` bytes, so a stream of up to `head + tail` bytes is a plain file
//! and a longer one loses only its middle. `output.idx` is a header and marks: how far the stream
//! had come at what time.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The captured stdout and stderr, in the order in which they were written.
pub const OUTPUT: &str = "output.log";
/// [`Header`], then [`Mark`]s. Neither file exists before the first byte of output.
pub const INDEX: &str = "output.idx";
/// In the folder of a run: starts (written before the child exists) and ends (written before they
/// are reported) of all its attempts.
pub const RECORDS: &str = "records.jsonl";

/// The folder of an attempt, relative to the data folder. `None` when a part is unfit for a path.
pub fn folder(run: &str, key: &str) -> Option<String> {
    let fit = |part: &str| {
        !part.is_empty()
            && part.len() <= 200
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    (fit(run) && fit(key)).then(|| format!("attempts/{run}/{key}"))
}

/// What is kept of a stream, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub head: u64,
    /// At least 1.
    pub tail: u64,
}

impl Default for Layout {
    fn default() -> Self {
        Self { head: 8 << 20, tail: 8 << 20 }
    }
}

impl Layout {
    /// Where in `output.log` the stream's byte `offset` lies (as long as it is kept), and how many
    /// bytes follow it there without a seam.
    pub fn place(&self, offset: u64) -> (u64, u64) {
        if offset < self.head {
            return (offset, self.head - offset);
        }
        let turned = (offset - self.head) % self.tail;
        (self.head + turned, self.tail - turned)
    }

    /// The part of a stream of `total` bytes that is gone; empty when everything is kept.
    ///
    /// The oldest eighth of the ring counts as gone as soon as anything does, so that a reader can
    /// read at leisure what a fast writer is about to write over.
    pub fn dropped(&self, total: u64) -> Range<u64> {
        if total <= self.head + self.tail {
            let end = self.head.min(total);
            return end..end;
        }
        self.head..total - (self.tail - self.tail / 8)
    }

    /// What cannot be trusted although it was just read, when the newest mark now says `total`:
    /// the writer may have come one [`Layout::step`] further. Empty unless something is dropped.
    pub fn overwritten(&self, total: u64) -> Range<u64> {
        self.head..(total + self.step()).saturating_sub(self.tail).max(self.head)
    }

    /// The writer never writes more than so many bytes between two marks.
    pub fn step(&self) -> u64 {
        (self.tail / 16).min(64 << 10)
    }
}

/// The first 32 bytes of `output.idx`: magic, head, tail, zero (little-endian words).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub layout: Layout,
}

const MAGIC: u64 = u64::from_le_bytes(*b"orchidx1");

impl Header {
    pub const BYTES: u64 = 32;

    pub fn encode(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0..8].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.layout.head.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.layout.tail.to_le_bytes());
        bytes
    }

    /// `None` when these are not the first bytes of an index.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let layout = Layout { head: word(bytes, 8)?, tail: word(bytes, 16)? };
        (word(bytes, 0)? == MAGIC && layout.tail > 0).then_some(Self { layout })
    }
}

/// The first `end` bytes of the stream had been captured at `at_micros` (Unix time). The newest
/// mark is written over while it is young.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub end: u64,
    pub at_micros: u64,
}

impl Mark {
    pub const BYTES: u64 = 16;
    /// So many marks are kept from the start, and as many of the newest in a ring behind them:
    /// the index never outgrows 1 MiB.
    pub const KEPT: u64 = 32_752;

    /// Where the mark of this ordinal (from 0) lies in `output.idx`.
    pub fn place(ordinal: u64) -> u64 {
        let slot = if ordinal < Self::KEPT {
            ordinal
        } else {
            Self::KEPT + (ordinal - Self::KEPT) % Self::KEPT
        };
        Header::BYTES + slot * Self::BYTES
    }

    pub fn encode(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[0..8].copy_from_slice(&self.end.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at_micros.to_le_bytes());
        bytes
    }

    /// `None` when there are fewer than 16 bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Some(Self { end: word(bytes, 0)?, at_micros: word(bytes, 8)? })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_stream_is_a_plain_file() {
        let layout = Layout { head: 10, tail: 6 };
        assert_eq!(layout.place(0), (0, 10));
        assert_eq!(layout.place(9), (9, 1));
        assert_eq!(layout.place(10), (10, 6));
        assert_eq!(layout.place(15), (15, 1));
        assert_eq!(layout.dropped(16), 10..10);
    }

    #[test]
    fn a_long_stream_loses_its_middle() {
        let layout = Layout { head: 10, tail: 6 };
        assert_eq!(layout.place(16), (10, 6));
        assert_eq!(layout.place(21), (15, 1));
        assert_eq!(layout.dropped(17), 10..11);
        assert_eq!(layout.dropped(100), 10..94);
        let layout = Layout::default();
        assert!(layout.dropped(16 << 20).is_empty());
        assert_eq!(layout.dropped((16 << 20) + 1), 8 << 20..(9 << 20) + 1);
        assert_eq!(layout.overwritten(16 << 20), 8 << 20..(8 << 20) + (64 << 10));
        assert_eq!(layout.overwritten(100), 8 << 20..8 << 20);
    }

    #[test]
    fn records_survive_the_trip() {
        let header = Header { layout: Layout { head: 7, tail: 9 } };
        assert_eq!(Header::decode(&header.encode()), Some(header));
        assert_eq!(Header::decode(&[0; 32]), None);
        let mark = Mark { end: 12, at_micros: 34 };
        assert_eq!(Mark::decode(&mark.encode()), Some(mark));
        assert_eq!(Mark::decode(&[0; 15]), None);
    }

    #[test]
    fn a_path_takes_only_plain_names() {
        assert_eq!(folder("0af", "0af-1-2").as_deref(), Some("attempts/0af/0af-1-2"));
        for bad in ["", ".", "..", "a/b", "a b", "../x"] {
            assert_eq!(folder("run", bad), None, "{bad}");
        }
    }
}
