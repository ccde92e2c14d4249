//! The one row of the roll-out.

use engine::admission::{Orchestration, Order};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row::{self, integer, maybe_time, nanoseconds, unsigned};
use super::tasks::word;
use crate::port::{Outcome, Refusal, RolloutMode, RolloutRow};

/// The row as it is to be from now on. Its version has to be the next one.
pub(super) fn save(connection: &Connection, row: &RolloutRow) -> rusqlite::Result<Outcome> {
    let current = read(connection)?.version;
    if current + 1 != row.version {
        let expected = row.version.saturating_sub(1);
        return Ok(Outcome::Refused(Refusal::RolloutMoved { current, expected }));
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO rollout (one, version, mode, pilot_tasks, orchestration,
                 max_tasks, scheduler, wip, switched_at, switched_by, mode_since, draining)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            integer(row.version),
            row.mode.word(),
            serde_json::json!(row.pilot_tasks).to_string(),
            row.orchestration.word(),
            row.max_tasks,
            row.scheduler.word(),
            serde_json::json!(row.wip).to_string(),
            row.switched_at.map(nanoseconds),
            row.switched_by,
            row.mode_since.map(nanoseconds),
            row.draining.as_ref().map(|draining| serde_json::json!(draining).to_string()),
        ])?;
    Ok(Outcome::Done)
}

pub(super) fn read(connection: &Connection) -> rusqlite::Result<RolloutRow> {
    let found = connection
        .prepare_cached(
            "SELECT version, mode, pilot_tasks, orchestration, max_tasks, scheduler, wip,
                 switched_at, switched_by, mode_since, draining
             FROM rollout",
        )?
        .query_row([], rollout)
        .optional()?;
    Ok(found.unwrap_or_default())
}

fn rollout(line: &Row<'_>) -> rusqlite::Result<RolloutRow> {
    let drains = line.get_ref(10)? != rusqlite::types::ValueRef::Null;
    Ok(RolloutRow {
        version: unsigned(line, 0)?,
        mode: word(line, 1, RolloutMode::named)?,
        pilot_tasks: row::json(line, 2)?,
        orchestration: word(line, 3, Orchestration::named)?,
        max_tasks: line.get(4)?,
        scheduler: word(line, 5, Order::named)?,
        wip: row::json(line, 6)?,
        switched_at: maybe_time(line, 7)?,
        switched_by: line.get(8)?,
        mode_since: maybe_time(line, 9)?,
        draining: if drains { Some(row::json(line, 10)?) } else { None },
    })
}
