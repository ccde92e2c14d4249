use super::*;
use crate::conformance::sample::{append, row, run, settled};
use crate::folder::Folder;
use crate::port::{Append, Read};
use crate::sqlite::SqliteReader;

fn open(place: &tempfile::TempDir) -> (SqliteWriter, SqliteReader) {
    let folder = Folder::open(place.path()).unwrap();
    let lock = folder.lock("test").unwrap();
    crate::sqlite::open(&folder, &lock).unwrap()
}

fn change(n: u64, after: u64, bytes: usize) -> Change {
    let line = row(run(n), "ci", n, "running");
    let events = vec![settled(&"x".repeat(bytes / 2))];
    Change::Append(Append { events, ..append(line, after, 0) })
}

/// A power cut cannot be tried here: that every commit is synced is taken from SQLite's word.
#[test]
fn every_commit_is_synced() {
    let place = tempfile::tempdir().unwrap();
    let (writer, _) = open(&place);
    let ask = |pragma: &str| -> String {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        writer.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((ask("synchronous").as_str(), ask("journal_mode").as_str()), ("2", "wal"));
}

#[test]
fn a_commit_without_room_applies_nothing_and_can_be_tried_again() {
    let place = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&place);
    let limit = |writer: &SqliteWriter, pages: i64| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        writer.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    writer.commit(&[change(1, 0, 10)]).unwrap();
    let pages = limit(&writer, 1);
    let changes = [change(1, 1, 10), change(2, 0, 100_000), change(3, 0, 10)];
    for _ in 0..3 {
        assert!(writer.commit(&changes).unwrap_err().is_full());
        assert_eq!(reader.verify().unwrap().events, 1);
    }
    // What needs no new page still fits.
    writer.commit(&[change(1, 1, 10)]).unwrap();
    limit(&writer, pages + 1_000);
    let outcomes = writer.commit(&changes[1..]).unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Appended { last: 1, .. })));
    assert_eq!(reader.verify().unwrap().events, 4);
}

#[test]
fn the_log_is_copied_back_before_it_grows_large() {
    let place = tempfile::tempdir().unwrap();
    let (mut writer, reader) = open(&place);
    for after in 0..100 {
        writer.commit(&[change(1, after, 200_000)]).unwrap();
    }
    let bytes = |name| std::fs::metadata(place.path().join(name)).unwrap().len();
    let most = (CHECKPOINT_AFTER as u64 + 200) * 4_200;
    assert!(bytes("orchestrate.db") > 14 << 20, "{}", bytes("orchestrate.db"));
    assert!(bytes("orchestrate.db-wal") < most, "{}", bytes("orchestrate.db-wal"));
    assert_eq!(reader.verify().unwrap().events, 100);
}

#[test]
fn finished_runs_leave_no_trace_in_memory() {
    let place = tempfile::tempdir().unwrap();
    let (mut writer, _) = open(&place);
    let line = |n, status| row(run(n), "ci", n, status);
    writer.commit(&[Change::Append(append(line(1, "running"), 0, 1))]).unwrap();
    writer.commit(&[Change::Append(append(line(2, "succeeded"), 0, 1))]).unwrap();
    assert_eq!(writer.ends.runs.len(), 1);
    writer.commit(&[Change::Append(append(line(1, "failed"), 1, 1))]).unwrap();
    assert_eq!(writer.ends.runs.len(), 0);
}
