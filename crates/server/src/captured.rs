//! Reads the captured output of attempts, while it grows and after (`api::capture`).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use api::capture::{Header, INDEX, Layout, Mark, OUTPUT, folder};
use engine::id::RunId;
use jiff::Timestamp;

/// A part of an attempt's output, byte-exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where `bytes` begin: the offset asked for, or the end of the gap when that lay inside it.
    pub(crate) offset: u64,
    /// Never crosses the gap.
    pub(crate) bytes: Vec<u8>,
    /// Written so far, the gap included.
    pub(crate) total: u64,
    /// What the cap dropped; empty when nothing.
    pub(crate) gap: Range<u64>,
    /// Ascending: from this offset on, bytes were captured at this time. The first entry is for
    /// where `bytes` begin. Empty when not recorded.
    pub(crate) times: Vec<(u64, Timestamp)>,
}

/// Whether a reader asks when its bytes were captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Wanted,
    /// [`Chunk::times`] may stay empty.
    Unwanted,
}

/// The name of an attempt's folder, as `engine::Run::task` gives it.
pub(crate) fn key(run: RunId, place: usize, instance: Option<u32>, attempt: u32) -> String {
    format!("{run}-{place}-{}-{attempt}", instance.unwrap_or(0))
}

/// At most `limit` bytes from `offset` on; an empty chunk for an attempt without output.
pub(crate) fn read(
    data: &Path,
    run: &str,
    key: &str,
    offset: u64,
    limit: usize,
    times: Times,
) -> io::Result<Chunk> {
    let Some(folder) = folder(run, key) else { return Ok(Chunk::default()) };
    let folder = data.join(folder);
    let (Some(output), Some(index)) = (open(&folder.join(OUTPUT))?, open(&folder.join(INDEX))?)
    else {
        return Ok(Chunk::default());
    };
    let Some(layout) = layout(&index)? else { return Ok(Chunk::default()) };
    let length = output.metadata()?.len();
    if length < layout.head + layout.tail {
        // Nothing was written over: the file is the stream.
        let chunk = part(&output, layout, length, offset, limit)?;
        if times == Times::Unwanted {
            return Ok(chunk);
        }
        let times = Marks::load(&index)?.times(chunk.offset..chunk.end());
        return Ok(Chunk { times, ..chunk });
    }
    // The writer may overwrite the oldest part of its tail while it is read here: whatever had
    // been dropped by the time the bytes were read is read again.
    loop {
        let marks = Marks::load(&index)?;
        let chunk = part(&output, layout, marks.total(&output)?, offset, limit)?;
        let now = layout.overwritten(Marks::load(&index)?.total(&output)?);
        let overwritten = now.start < chunk.end() && chunk.offset < now.end;
        if !overwritten || chunk.bytes.is_empty() {
            let times = marks.times(chunk.offset..chunk.end());
            return Ok(Chunk { times, ..chunk });
        }
    }
}

/// Where the last lines begin, an open one among them; not further back than [`TAIL`] bytes, nor
/// than what the cap dropped.
pub(crate) fn tail(data: &Path, run: &str, key: &str, lines: u32) -> io::Result<u64> {
    let read = |from, bytes| read(data, run, key, from, bytes, Times::Unwanted);
    let head = read(u64::MAX, 0)?;
    let dropped = if head.gap.is_empty() { 0 } else { head.gap.end };
    let floor = head.total.saturating_sub(TAIL).max(dropped);
    let (mut end, mut left) = (head.total, lines);
    while end > floor {
        let start = end.saturating_sub(STEP).max(floor);
        let chunk = read(start, usize::try_from(end - start).unwrap_or(usize::MAX))?;
        if chunk.offset != start {
            // It was dropped meanwhile.
            return Ok(end.max(chunk.offset));
        }
        for (at, byte) in chunk.bytes.iter().enumerate().rev() {
            let behind = start + at as u64 + 1;
            // The end of the last line ends no line before it.
            if *byte == b'\n' && behind != head.total {
                left = left.saturating_sub(1);
                if left == 0 {
                    return Ok(behind);
                }
            }
        }
        end = start;
    }
    Ok(floor)
}

/// Bytes looked through for the last lines, and at once.
const TAIL: u64 = 8 << 20;
const STEP: u64 = 64 << 10;

fn part(output: &File, layout: Layout, total: u64, offset: u64, limit: usize) -> io::Result<Chunk> {
    let gap = layout.dropped(total);
    let offset = if gap.contains(&offset) { gap.end } else { offset.min(total) };
    let end = if offset < gap.start { gap.start } else { total };
    let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(limit);
    let mut bytes = vec![0; wanted];
    let mut read = 0;
    while read < wanted {
        let (place, run) = layout.place(offset + read as u64);
        let upto = usize::try_from(run).unwrap_or(usize::MAX).min(wanted - read);
        let got = output.read_at(&mut bytes[read..read + upto], place)?;
        if got == 0 {
            break;
        }
        read += got;
    }
    bytes.truncate(read);
    Ok(Chunk { offset, bytes, total, gap, times: Vec::new() })
}

impl Chunk {
    /// Where the bytes end.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

/// `None`: the index is only just being written.
fn layout(index: &File) -> io::Result<Option<Layout>> {
    let mut bytes = [0; 32];
    match index.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(Header::decode(&bytes).map(|header| header.layout)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

struct Marks {
    /// Ascending.
    marks: Vec<Mark>,
}

impl Marks {
    fn load(index: &File) -> io::Result<Self> {
        let length = usize::try_from(index.metadata()?.len()).unwrap_or(0);
        let mut bytes = vec![0; length];
        let mut read = 0;
        while read < length {
            match index.read_at(&mut bytes[read..], read as u64)? {
                0 => break,
                got => read += got,
            }
        }
        bytes.truncate(read);
        let size = usize::try_from(Mark::BYTES).unwrap_or(usize::MAX);
        let start = usize::try_from(Header::BYTES).unwrap_or(usize::MAX).min(bytes.len());
        let mut marks: Vec<Mark> =
            bytes[start..].chunks_exact(size).filter_map(Mark::decode).collect();
        // The newest marks are a ring.
        marks.sort_unstable();
        Ok(Self { marks })
    }

    /// Bytes captured so far. As long as nothing was dropped the file itself says it, up to the
    /// last byte; later the newest mark does.
    fn total(&self, output: &File) -> io::Result<u64> {
        let length = output.metadata()?.len();
        let marked = self.marks.last().map_or(0, |mark| mark.end);
        Ok(length.max(marked))
    }

    /// A mark says when everything up to its end had come: bytes from the end of the mark before
    /// came by then.
    fn times(&self, range: Range<u64>) -> Vec<(u64, Timestamp)> {
        let first = self.marks.partition_point(|mark| mark.end <= range.start);
        let mut start = range.start;
        let mut times = Vec::new();
        for mark in &self.marks[first..] {
            if start >= range.end {
                break;
            }
            let micros = i64::try_from(mark.at_micros).unwrap_or(i64::MAX);
            if let Ok(at) = Timestamp::from_microsecond(micros) {
                times.push((start, at));
            }
            start = mark.end;
        }
        times
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) mod write;

#[cfg(test)]
mod tests;
