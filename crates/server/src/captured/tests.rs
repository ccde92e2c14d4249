use super::*;

/// Writes `stream` as the hands do, with a mark after each piece.
fn capture(data: &Path, head: u64, tail: u64, pieces: &[&[u8]]) {
    let folder = data.join(folder("r", "k").unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    let output = File::create(folder.join(OUTPUT)).unwrap();
    let index = File::create(folder.join(INDEX)).unwrap();
    let layout = Layout { head, tail };
    index.write_all_at(&Header { layout }.encode(), 0).unwrap();
    let mut end = 0;
    for (ordinal, piece) in pieces.iter().enumerate() {
        for byte in *piece {
            output.write_all_at(&[*byte], layout.place(end).0).unwrap();
            end += 1;
        }
        let mark = Mark { end, at_micros: 1_000_000 * (ordinal as u64 + 1) };
        index.write_all_at(&mark.encode(), Mark::place(ordinal as u64)).unwrap();
    }
}

fn read(data: &Path, run: &str, key: &str, offset: u64, limit: usize) -> io::Result<Chunk> {
    super::read(data, run, key, offset, limit, Times::Wanted)
}

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).unwrap()
}

#[test]
fn an_attempt_without_output_is_empty() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!(read(data.path(), "r", "k", 0, 10).unwrap(), Chunk::default());
    assert_eq!(read(data.path(), "../r", "k", 0, 10).unwrap(), Chunk::default());
}

#[test]
fn a_short_stream_is_read_in_parts_with_its_times() {
    let data = tempfile::tempdir().unwrap();
    capture(data.path(), 100, 10, &[b"hello ", b"world"]);
    let all = read(data.path(), "r", "k", 0, 100).unwrap();
    assert_eq!(all.bytes, b"hello world");
    assert_eq!(all.total, 11);
    assert!(all.gap.is_empty());
    assert_eq!(all.times, [(0, second(1)), (6, second(2))]);
    let part = read(data.path(), "r", "k", 4, 4).unwrap();
    assert_eq!((part.offset, part.bytes.as_slice()), (4, b"o wo".as_slice()));
    assert_eq!(part.times, [(4, second(1)), (6, second(2))]);
    let past = read(data.path(), "r", "k", 50, 4).unwrap();
    assert_eq!((past.offset, past.bytes.len()), (11, 0));
}

#[test]
fn a_long_stream_is_read_around_its_gap() {
    let data = tempfile::tempdir().unwrap();
    capture(data.path(), 4, 6, &[b"0123", b"456789", b"abcde"]);
    let head = read(data.path(), "r", "k", 0, 100).unwrap();
    assert_eq!(head.bytes, b"0123");
    assert_eq!(head.gap, 4..9);
    assert_eq!(head.total, 15);
    let tail = read(data.path(), "r", "k", 4, 100).unwrap();
    assert_eq!(tail.offset, 9);
    assert_eq!(tail.bytes, b"9abcde");
    assert_eq!(tail.times, [(9, second(2)), (10, second(3))]);
}

#[test]
fn the_last_lines_are_found_from_the_end() {
    let data = tempfile::tempdir().unwrap();
    let last = |lines| tail(data.path(), "r", "k", lines).unwrap();
    assert_eq!(last(3), 0, "nothing is there");
    capture(data.path(), 1000, 100, &[b"one\ntwo\n", b"\nfour"]);
    assert_eq!([last(1), last(2), last(3), last(4), last(99)], [9, 8, 4, 0, 0]);
    capture(data.path(), 1000, 100, &[b"one\ntwo\n"]);
    assert_eq!([last(1), last(2), last(3)], [4, 0, 0]);
    // Longer than what is read at once.
    let long: Vec<u8> = (0..30_000).flat_map(|n| format!("{n:05}\n").into_bytes()).collect();
    let folder = data.path().join(folder("r", "k").unwrap());
    std::fs::write(folder.join(OUTPUT), &long).unwrap();
    let index = File::options().write(true).open(folder.join(INDEX)).unwrap();
    index.write_all_at(&Header { layout: Layout::default() }.encode(), 0).unwrap();
    assert_eq!(last(20_000), 10_000 * 6);
    // Not before the hole.
    capture(data.path(), 4, 6, &[b"0\n2\n", b"4\n6\n8\n", b"a\nc\ne"]);
    assert_eq!(last(99), read(data.path(), "r", "k", 4, 9).unwrap().offset);
}
