//! Versions of a pipeline that went back to an earlier run.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value as Json;

use super::row::{self, integer, maybe_time, nanoseconds, time, unsigned};
use crate::port::{Outcome, Refusal, RewindRow};

pub(super) fn rewind(
    connection: &Connection,
    pipeline: &str,
    to: u64,
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let goal = connection
        .prepare_cached("SELECT superseded FROM pipeline_runs WHERE pipeline = ?1 AND number = ?2")?
        .query_row(params![pipeline, integer(to)], |line| line.get::<_, bool>(0))
        .optional()?;
    let named = || (pipeline.to_owned(), to);
    let Some(revived) = goal else {
        let (pipeline, number) = named();
        return Ok(Outcome::Refused(Refusal::NoSuchRun { pipeline, number }));
    };
    let runs: Vec<u64> = connection
        .prepare_cached(
            "UPDATE pipeline_runs SET superseded = 1
             WHERE pipeline = ?1 AND number > ?2 AND superseded = 0 RETURNING number",
        )?
        .query_map(params![pipeline, integer(to)], |line| unsigned(line, 0))?
        .collect::<Result<_, _>>()?;
    if runs.is_empty() && !revived {
        let (pipeline, number) = named();
        return Ok(Outcome::Refused(Refusal::LatestAlready { pipeline, number }));
    }
    mark(connection, pipeline, &[to], false)?;
    let runs = sorted(runs);
    connection
        .prepare_cached(
            "INSERT INTO rewinds (pipeline, goal, by, at, newest, superseded, revived)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            pipeline,
            integer(to),
            by,
            nanoseconds(at),
            integer(newest(connection, pipeline)?),
            Json::from(runs.clone()).to_string(),
            revived
        ])?;
    Ok(Outcome::Rewound { runs })
}

pub(super) fn undo(
    connection: &Connection,
    pipeline: &str,
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let last = connection
        .prepare_cached(
            "SELECT number, goal, newest, superseded, revived FROM rewinds
             WHERE pipeline = ?1 AND undone_at IS NULL ORDER BY number DESC LIMIT 1",
        )?
        .query_row([pipeline], |line| {
            let runs: Vec<u64> = row::json(line, 3)?;
            Ok((unsigned(line, 0)?, unsigned(line, 1)?, unsigned(line, 2)?, runs, line.get(4)?))
        })
        .optional()?;
    let Some((rewind, goal, before, runs, revived)) = last else {
        return Ok(Outcome::Refused(Refusal::NoRewind { pipeline: pipeline.to_owned() }));
    };
    let number = newest(connection, pipeline)?;
    if number != before {
        let pipeline = pipeline.to_owned();
        return Ok(Outcome::Refused(Refusal::RewindOver { pipeline, number }));
    }
    mark(connection, pipeline, &runs, false)?;
    if revived {
        mark(connection, pipeline, &[goal], true)?;
    }
    connection
        .prepare_cached("UPDATE rewinds SET undone_by = ?2, undone_at = ?3 WHERE number = ?1")?
        .execute(params![integer(rewind), by, nanoseconds(at)])?;
    Ok(Outcome::Rewound { runs })
}

fn mark(
    connection: &Connection,
    pipeline: &str,
    runs: &[u64],
    superseded: bool,
) -> rusqlite::Result<()> {
    let mut mark = connection.prepare_cached(
        "UPDATE pipeline_runs SET superseded = ?3 WHERE pipeline = ?1 AND number = ?2",
    )?;
    for number in runs {
        mark.execute(params![pipeline, integer(*number), superseded])?;
    }
    Ok(())
}

fn newest(connection: &Connection, pipeline: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(number), 0) FROM pipeline_runs WHERE pipeline = ?1")?
        .query_row([pipeline], |line| unsigned(line, 0))
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

pub(super) fn list(
    connection: &Connection,
    pipeline: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<RewindRow>> {
    let filter = if pipeline.is_some() { "pipeline = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT number, pipeline, goal, by, at, superseded, undone_by, undone_at FROM rewinds
         WHERE {filter} ORDER BY number DESC LIMIT ?2"
    );
    let read = |line: &Row<'_>| {
        Ok(RewindRow {
            number: unsigned(line, 0)?,
            pipeline: line.get(1)?,
            to: unsigned(line, 2)?,
            by: line.get(3)?,
            at: time(line, 4)?,
            superseded: row::json(line, 5)?,
            undone_by: line.get(6)?,
            undone_at: maybe_time(line, 7)?,
        })
    };
    connection.prepare_cached(&sql)?.query_map(params![pipeline, limit], read)?.collect()
}
