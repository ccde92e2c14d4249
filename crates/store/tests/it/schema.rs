use rusqlite::Connection;
use store::conformance::sample::{append, event, paused, row, run};
use store::port::{Append, AuditQuery, Change, Error, Read, Write};
use store::sqlite::{SCHEMA, SqliteReader};

use crate::place::Place;

fn schema(connection: &Connection) -> String {
    let sql =
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name";
    let mut statement = connection.prepare(sql).unwrap();
    let parts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    parts.map(|part| part.unwrap() + ";\n").collect::<Vec<_>>().join("\n")
}

/// `schema.sql` is what the migrations together make. To renew it, delete it and run this test.
#[test]
fn from_empty_to_latest_is_the_committed_schema() {
    let place = Place::new();
    drop(place.open());
    let found = schema(&place.raw());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.sql");
    if !std::fs::exists(path).unwrap() {
        std::fs::write(path, &found).unwrap();
        panic!("`{path}` was missing and is there now: look at it and commit it");
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
}

#[test]
fn opening_again_changes_nothing() {
    let place = Place::new();
    let first = place.open().reader.health().unwrap();
    let applied = |place: &Place| -> Vec<(u32, i64)> {
        let raw = place.raw();
        let mut statement = raw.prepare("SELECT number, applied_at FROM migrations").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let before = applied(&place);
    let again = place.open().reader.health().unwrap();
    assert_eq!((first.schema, &first.epoch), (SCHEMA, &again.epoch));
    assert_eq!(before, applied(&place));
    assert_ne!(first.epoch, Place::new().open().reader.health().unwrap().epoch);
}

#[test]
fn data_of_a_newer_version_is_refused() {
    let place = Place::new();
    drop(place.open());
    let newer = SCHEMA + 2;
    place.raw().execute("INSERT INTO migrations VALUES (?1, 'future', 0)", [newer]).unwrap();
    let is_newer = |error: Error| match error {
        Error::Newer { found, known, .. } => (found, known) == (newer, SCHEMA),
        Error::Storage { .. }
        | Error::Corrupt { .. }
        | Error::Broken { .. }
        | Error::Emptied { .. }
        | Error::Vanished { .. }
        | Error::InUse { .. } => false,
    };
    let lock = place.folder.lock("test").unwrap();
    assert!(is_newer(store::sqlite::open(&place.folder, &lock).unwrap_err()));
    assert!(is_newer(SqliteReader::open(&place.folder.database()).unwrap_err()));
    let left: u32 =
        place.raw().query_row("SELECT max(number) FROM migrations", [], |row| row.get(0)).unwrap();
    assert_eq!(left, newer, "refused data is left as it is");
}

#[test]
fn the_database_of_something_else_is_refused() {
    let place = Place::new();
    place.raw().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let lock = place.folder.lock("test").unwrap();
    store::sqlite::open(&place.folder, &lock).unwrap_err();
    assert_eq!(schema(&place.raw()), "CREATE TABLE bookmarks (url TEXT);\n");
    std::fs::write(place.folder.database(), "this is a letter, not a database\n".repeat(99))
        .unwrap();
    store::sqlite::open(&place.folder, &lock).unwrap_err();
    assert!(!place.folder.witness().exists());
}

/// A folder of the first release, written by its own statements.
#[test]
fn a_folder_of_the_first_release_is_taken_along() {
    let place = Place::new();
    drop(place.open());
    let first = include_str!("../../migrations/0001_journal_and_lists.sql");
    std::fs::remove_file(place.folder.database()).unwrap();
    let raw = place.raw();
    raw.execute_batch(first).unwrap();
    raw.execute_batch(
        "CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;
         INSERT INTO migrations VALUES (1, 'journal_and_lists', 0);",
    )
    .unwrap();
    // Its events are made by this release, in its place; the form of both is the same.
    let other = Place::new();
    let events = vec![event(1), paused("ana", 20), event(3)];
    let line = row(run(1), "ci", 1, "running");
    let mut opened = other.open();
    opened.writer.commit(&[Change::Append(Append { events, ..append(line, 0, 0) })]).unwrap();
    drop(opened);
    let columns = "key, id, pipeline, number, revision, status, finished, reason, by, trigger,
        created_at, started_at, finished_at, progress, sequence, hash";
    raw.execute_batch(&format!(
        "ATTACH '{}' AS other;
         INSERT INTO meta SELECT * FROM other.meta;
         INSERT INTO events SELECT * FROM other.events;
         INSERT INTO pipeline_runs ({columns}) SELECT {columns} FROM other.pipeline_runs;",
        other.folder.database().display()
    ))
    .unwrap();
    drop(raw);

    let mut opened = place.open();
    assert_eq!(opened.reader.health().unwrap().schema, SCHEMA);
    assert_eq!(opened.reader.verify().unwrap().events, 3);
    let decisions = opened.reader.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).unwrap();
    let seen: Vec<_> = decisions.iter().map(|row| (row.seq, row.by.as_str())).collect();
    assert_eq!(seen, [(2, "ana")]);
    let line = opened.reader.run(run(1)).unwrap().unwrap();
    assert_eq!((line.extends, line.parent, line.superseded), (None, None, false));
    let more = append(row(run(1), "ci", 1, "failed"), 3, 2);
    opened.writer.commit(&[Change::Append(more)]).unwrap();
    assert_eq!(opened.reader.verify().unwrap().events, 5);
    drop(opened);
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.sql"));
    assert_eq!(schema(&place.raw()), committed.unwrap());
}
