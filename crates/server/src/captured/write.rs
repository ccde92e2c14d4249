//! Writes output that was captured on another machine, as if it had been captured here
//! (`api::capture`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use api::capture::{Header, INDEX, Layout, Mark, OUTPUT, folder};

use super::{Marks, layout, open};

/// Bytes of the stream from `offset` on, captured at this time (Unix time). What is stored already is
/// passed over; where `offset` lies beyond what is stored, what is between was dropped. Without
/// bytes nothing is written. Says how far the stream is stored. One call at a time for an attempt.
pub(crate) fn write(
    data: &Path,
    run: &str,
    key: &str,
    offset: u64,
    at_micros: u64,
    bytes: &[u8],
) -> io::Result<u64> {
    let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "no attempt is called so");
    let folder = data.join(folder(run, key).ok_or_else(unfit)?);
    let mut files = Files::open(&folder)?;
    let total = match &files {
        Some(files) => files.total,
        None => 0,
    };
    let known = usize::try_from(total.saturating_sub(offset)).unwrap_or(usize::MAX);
    let Some(fresh) = bytes.get(known..).filter(|fresh| !fresh.is_empty()) else {
        return Ok(total);
    };
    if files.is_none() {
        files = Some(Files::create(&folder)?);
    }
    let Some(mut files) = files else { return Ok(total) };
    files.append(offset.max(total), fresh, at_micros)?;
    Ok(files.total)
}

struct Files {
    output: File,
    index: File,
    layout: Layout,
    /// Of the stream.
    total: u64,
    /// Marks so far.
    marks: u64,
}

impl Files {
    fn open(folder: &Path) -> io::Result<Option<Self>> {
        let (Some(_), Some(index)) = (open(&folder.join(OUTPUT))?, open(&folder.join(INDEX))?)
        else {
            return Ok(None);
        };
        let Some(layout) = layout(&index)? else { return Ok(None) };
        let known = Marks::load(&index)?;
        let total = known.marks.last().map_or(0, |mark| mark.end);
        // The newest marks are a ring: how often it was gone round does not matter, only where the
        // next one goes.
        let marks = match known.marks.last() {
            None => 0,
            Some(newest) => 1 + place_of(&index, newest, known.marks.len())?,
        };
        let write = |name: &str| File::options().read(true).write(true).open(folder.join(name));
        Ok(Some(Self { output: write(OUTPUT)?, index: write(INDEX)?, layout, total, marks }))
    }

    fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let layout = Layout::default();
        let index = File::create(folder.join(INDEX))?;
        index.write_all_at(&Header { layout }.encode(), 0)?;
        let output = File::create(folder.join(OUTPUT))?;
        Ok(Self { output, index, layout, total: 0, marks: 0 })
    }

    fn append(&mut self, offset: u64, bytes: &[u8], at_micros: u64) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        if offset > self.total && end > self.layout.head {
            // Readers take a file that is shorter for the whole stream.
            let whole = self.layout.head + self.layout.tail;
            if self.output.metadata()?.len() < whole {
                self.output.set_len(whole)?;
            }
        }
        let step = usize::try_from(self.layout.step().max(1)).unwrap_or(usize::MAX);
        let mut offset = offset;
        for piece in bytes.chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                let (place, room) = self.layout.place(offset);
                let here = rest.len().min(usize::try_from(room).unwrap_or(usize::MAX));
                self.output.write_all_at(&rest[..here], place)?;
                rest = &rest[here..];
                offset += here as u64;
            }
            self.total = offset;
            let mark = Mark { end: self.total, at_micros };
            self.index.write_all_at(&mark.encode(), Mark::place(self.marks))?;
            self.marks += 1;
        }
        Ok(())
    }
}

/// The ordinal of the newest mark, as far as it says where the next one goes.
fn place_of(index: &File, newest: &Mark, count: usize) -> io::Result<u64> {
    let count = count as u64;
    if count < 2 * Mark::KEPT {
        return Ok(count.saturating_sub(1));
    }
    for ordinal in Mark::KEPT..2 * Mark::KEPT {
        let mut bytes = [0; 16];
        index.read_exact_at(&mut bytes, Mark::place(ordinal))?;
        if Mark::decode(&bytes).as_ref() == Some(newest) {
            return Ok(ordinal);
        }
    }
    Ok(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::super::{Times, read};
    use super::*;

    #[test]
    fn what_came_twice_stands_once_and_a_gap_is_one() {
        let data = tempfile::tempdir().unwrap();
        let put = |offset: u64, at: u64, bytes: &[u8]| {
            write(data.path(), "r", "r-0-0-1", offset, at, bytes).unwrap()
        };
        let get = |offset: u64| {
            read(data.path(), "r", "r-0-0-1", offset, 1 << 20, Times::Wanted).unwrap()
        };
        assert_eq!(put(0, 1, b""), 0);
        assert!(!data.path().join("attempts").exists(), "nothing was said");
        assert_eq!(put(0, 1_000_000, b"one\n"), 4);
        assert_eq!(put(0, 2_000_000, b"one\ntwo\n"), 8, "what is known is passed over");
        assert_eq!(put(3, 3_000_000, b"\n"), 8);
        assert_eq!(put(0, 3_000_000, b""), 8, "asked where to go on");
        let chunk = get(0);
        assert_eq!((&*chunk.bytes, chunk.total), (&b"one\ntwo\n"[..], 8));
        let times: Vec<_> = chunk.times.iter().map(|(at, time)| (*at, time.as_second())).collect();
        assert_eq!(times, [(0, 1), (4, 2)]);
        let layout = Layout::default();
        let far = layout.head + 3 * layout.tail;
        let large = vec![b'x'; usize::try_from(layout.tail).unwrap()];
        let total = put(far, 4_000_000, &large);
        assert_eq!(total, far + layout.tail);
        let chunk = get(far + 10);
        assert_eq!((chunk.total, chunk.bytes.first()), (total, Some(&b'x')));
        assert!(chunk.gap.contains(&layout.head) && chunk.gap.contains(&far), "{:?}", chunk.gap);
        assert_eq!(&get(0).bytes[..8], b"one\ntwo\n");
    }
}
