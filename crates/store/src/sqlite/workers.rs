//! Workers on other machines.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use crate::port::{Outcome, WorkerChange, WorkerRow};

pub(super) fn change(connection: &Connection, change: &WorkerChange) -> rusqlite::Result<Outcome> {
    match change {
        WorkerChange::Put(row) => {
            let facts = serde_json::to_string(row)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
            connection
                .prepare_cached("INSERT OR REPLACE INTO workers (name, facts) VALUES (?1, ?2)")?
                .execute(params![row.name, facts])?;
        }
        WorkerChange::Forget { name } => {
            connection.prepare_cached("DELETE FROM workers WHERE name = ?1")?.execute([name])?;
        }
    }
    Ok(Outcome::Done)
}

pub(super) fn list(connection: &Connection) -> rusqlite::Result<Vec<WorkerRow>> {
    let read = |line: &Row<'_>| {
        let facts: String = line.get(0)?;
        let broken =
            |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error));
        serde_json::from_str(&facts).map_err(broken)
    };
    connection
        .prepare_cached("SELECT facts FROM workers ORDER BY name")?
        .query_map([], read)?
        .collect()
}
