use rusqlite::Connection;
use store::port::{Error, Read};
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
