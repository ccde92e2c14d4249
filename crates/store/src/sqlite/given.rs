//! Events from outside, and who took them.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::people::Filter;
use super::row::{self, integer, nanoseconds, time, unsigned};
use crate::port::{GivenEvent, GivenQuery, GivenRow, Outcome, Taker};

pub(super) fn store(connection: &Connection, event: &GivenEvent) -> rusqlite::Result<Outcome> {
    let known = connection
        .prepare_cached("SELECT number FROM given_events WHERE id = ?1")?
        .query_row([&event.id], |line| unsigned(line, 0))
        .optional()?;
    if let Some(number) = known {
        return Ok(Outcome::Given { number, created: false });
    }
    let number = connection
        .prepare_cached(
            "INSERT INTO given_events (id, kind, data, source, at, only_run)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING number",
        )?
        .query_row(
            params![
                event.id,
                event.kind,
                event.data.to_string(),
                event.source,
                nanoseconds(event.at),
                event.run.map(|run| run.0.into_bytes()),
            ],
            |line| unsigned(line, 0),
        )?;
    Ok(Outcome::Given { number, created: true })
}

/// A run's journal says so, at this position. Events that came from elsewhere are passed over.
pub(super) fn taken(
    connection: &Connection,
    id: &str,
    position: i64,
    run: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO taken_events (event, position, run)
             SELECT number, ?2, ?3 FROM given_events WHERE id = ?1",
        )?
        .execute(params![id, position, run])
        .map(drop)
}

const GIVEN: &str = "number, id, kind, data, source, at, only_run";

fn given_row(line: &Row<'_>) -> rusqlite::Result<GivenRow> {
    Ok(GivenRow {
        number: unsigned(line, 0)?,
        event: GivenEvent {
            id: line.get(1)?,
            kind: line.get(2)?,
            data: row::json(line, 3)?,
            source: line.get(4)?,
            at: time(line, 5)?,
            run: row::maybe_run_id(line, 6)?,
        },
        taken_by: Vec::new(),
    })
}

pub(super) fn list(connection: &Connection, query: &GivenQuery) -> rusqlite::Result<Vec<GivenRow>> {
    let mut rows = Vec::new();
    let mut kinds: Vec<Option<&str>> = query.kinds.iter().map(|kind| Some(&**kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        kinds.push(None);
    }
    for kind in kinds {
        let mut filter = Filter::default();
        if let Some(kind) = kind {
            filter.add("kind = ?", kind.to_owned());
        }
        if let Some(since) = query.since {
            filter.add("at >= ?", nanoseconds(since));
        }
        if let Some(after) = query.after {
            filter.add("number > ?", integer(after));
        }
        if let Some(before) = query.before {
            filter.add("number < ?", integer(before));
        }
        let order = if query.oldest_first { "number" } else { "number DESC" };
        let what = (GIVEN, "given_events", order);
        rows.extend(filter.select(connection, what, query.limit, given_row)?);
    }
    rows.sort_unstable_by_key(|row: &GivenRow| row.number);
    if !query.oldest_first {
        rows.reverse();
    }
    rows.truncate(query.limit as usize);
    with_takers(connection, rows)
}

pub(super) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<GivenRow>> {
    let sql = format!("SELECT {GIVEN} FROM given_events WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id], given_row).optional()?;
    Ok(with_takers(connection, found.into_iter().collect())?.pop())
}

fn with_takers(
    connection: &Connection,
    mut rows: Vec<GivenRow>,
) -> rusqlite::Result<Vec<GivenRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT r.id, r.pipeline, r.number FROM taken_events t
         JOIN pipeline_runs r ON r.key = t.run WHERE t.event = ?1 ORDER BY t.position",
    )?;
    let taker = |line: &Row<'_>| {
        let (pipeline, number): (String, u64) = (line.get(1)?, unsigned(line, 2)?);
        Ok(Taker { run: row::run_id(line, 0)?, name: format!("{pipeline}#{number}") })
    };
    for row in &mut rows {
        row.taken_by =
            statement.query_map([integer(row.number)], taker)?.collect::<Result<_, _>>()?;
    }
    Ok(rows)
}
