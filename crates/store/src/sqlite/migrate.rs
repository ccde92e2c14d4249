//! Numbered changes of the schema, each applied once and for ever.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::audit;
use super::failure::storage;
use crate::chain::Head;
use crate::port::Error;

/// A released migration is never edited; a change of mind is a further one.
const MIGRATIONS: [(&str, &str); 13] = [
    ("journal_and_lists", include_str!("../../migrations/0001_journal_and_lists.sql")),
    ("people_and_versions", include_str!("../../migrations/0002_people_and_versions.sql")),
    ("tasks", include_str!("../../migrations/0003_tasks.sql")),
    ("intake", include_str!("../../migrations/0004_intake.sql")),
    ("notices", include_str!("../../migrations/0005_notices.sql")),
    ("accounts", include_str!("../../migrations/0006_accounts.sql")),
    ("answers", include_str!("../../migrations/0007_answers.sql")),
    ("schedules", include_str!("../../migrations/0008_schedules.sql")),
    ("retention", include_str!("../../migrations/0009_retention.sql")),
    ("model_calls", include_str!("../../migrations/0010_model_calls.sql")),
    ("workers", include_str!("../../migrations/0011_workers.sql")),
    ("rollout", include_str!("../../migrations/0012_rollout.sql")),
    ("rollout_mode", include_str!("../../migrations/0013_rollout_mode.sql")),
];

/// The first schema with the index of decisions.
const WITH_DECISIONS: u32 = 2;

/// The schema that this version writes.
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

const TABLE: &str = "CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

/// 0: nothing has been written yet.
pub(super) fn version(connection: &Connection) -> Result<u32, Error> {
    let failed = || storage("read the version of the database");
    let found = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'", [], |_| Ok(()))
        .optional()
        .map_err(failed())?;
    if found.is_none() {
        return Ok(0);
    }
    connection
        .query_row("SELECT coalesce(max(number), 0) FROM migrations", [], |row| row.get(0))
        .map_err(failed())
}

pub(super) fn refuse_newer(found: u32, path: &Path) -> Result<(), Error> {
    if found > SCHEMA {
        return Err(Error::Newer { path: path.display().to_string(), found, known: SCHEMA });
    }
    Ok(())
}

/// A migration is all or nothing, so tables without a version were never ours.
fn refuse_foreign(connection: &Connection) -> Result<(), Error> {
    let operation = "set up the database";
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(storage(operation))?;
    if tables > 0 {
        let source = "it holds the tables of another program".into();
        return Err(Error::Storage { operation, full: false, source });
    }
    Ok(())
}

/// All or nothing: a crash in between leaves the older version.
pub(super) fn to_latest(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let found = version(connection)?;
    refuse_newer(found, path)?;
    if found == 0 {
        refuse_foreign(connection)?;
    }
    if found < SCHEMA {
        let random = crate::folder::random()?;
        apply(connection, found, random).map_err(storage("migrate the database"))?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, found: u32, random: [u8; 32]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    if found == 0 {
        transaction.execute_batch(TABLE)?;
    }
    for (number, (name, sql)) in (1u32..).zip(MIGRATIONS).skip(found as usize) {
        transaction.execute_batch(sql)?;
        transaction.execute(
            "INSERT INTO migrations VALUES (?1, ?2, unixepoch() * 1000000000)",
            params![number, name],
        )?;
        if number == WITH_DECISIONS {
            audit::index(&transaction)?;
        }
    }
    if found == 0 {
        let epoch = &crate::chain::hex(&random);
        let head = &Head::empty().to_string();
        let facts = params!["epoch", epoch, "head", head];
        transaction.execute("INSERT INTO meta VALUES (?1, ?2), (?3, ?4)", facts)?;
    }
    transaction.commit()
}
