//! What became of the times of schedules.

use rusqlite::{Connection, Row, params};

use super::row::{integer, maybe_time, nanoseconds, time, unsigned};
use crate::port::{KeptSchedules, Outcome, ScheduleRow};

pub(super) fn keep(connection: &Connection, kept: &KeptSchedules) -> rusqlite::Result<Outcome> {
    connection
        .prepare_cached("DELETE FROM schedules WHERE pipeline = ?1")?
        .execute([&kept.pipeline])?;
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO schedules
             (pipeline, trigger, expression, zone, until, next, fired, skipped, skipped_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in &kept.rows {
        insert.execute(params![
            kept.pipeline,
            row.trigger,
            row.expression,
            row.zone,
            nanoseconds(row.until),
            row.next.map(nanoseconds),
            row.fired.map(nanoseconds),
            integer(row.skipped),
            row.skipped_until.map(nanoseconds),
        ])?;
    }
    Ok(Outcome::Done)
}

pub(super) fn list(
    connection: &Connection,
    pipeline: Option<&str>,
) -> rusqlite::Result<Vec<ScheduleRow>> {
    let read = |line: &Row<'_>| {
        Ok(ScheduleRow {
            pipeline: line.get(0)?,
            trigger: line.get(1)?,
            expression: line.get(2)?,
            zone: line.get(3)?,
            until: time(line, 4)?,
            next: maybe_time(line, 5)?,
            fired: maybe_time(line, 6)?,
            skipped: unsigned(line, 7)?,
            skipped_until: maybe_time(line, 8)?,
        })
    };
    connection
        .prepare_cached(
            "SELECT pipeline, trigger, expression, zone, until, next, fired, skipped, skipped_until
             FROM schedules
             WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY pipeline, trigger",
        )?
        .query_map([pipeline], read)?
        .collect()
}
