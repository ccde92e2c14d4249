//! Events from outside, and who took them.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::people::Filter;
use super::row::{self, integer, nanoseconds, time, unsigned};
use crate::port::{
    Delivery, GivenEvent, GivenQuery, GivenRow, Match, Outcome, Routed, Taker, run_name,
};

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
            "INSERT INTO given_events (id, kind, data, source, at, only_run, also, facts, tag, target,
                 by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING number",
        )?
        .query_row(
            params![
                event.id,
                event.kind,
                event.data.to_string(),
                event.source,
                nanoseconds(event.at),
                event.run.map(|run| run.0.into_bytes()),
                text(&event.also)?,
                text(&event.facts)?,
                event.tag,
                event.target.as_ref().map(text).transpose()?,
                event.by,
            ],
            |line| unsigned(line, 0),
        )?;
    for kind in &event.also {
        connection
            .prepare_cached("INSERT OR IGNORE INTO event_kinds (kind, event) VALUES (?1, ?2)")?
            .execute(params![kind, integer(number)])?;
    }
    if let Some(delivery) = &event.delivery {
        connection
            .prepare_cached("INSERT INTO deliveries (event, headers, body) VALUES (?1, ?2, ?3)")?
            .execute(params![integer(number), text(&delivery.headers)?, delivery.body])?;
    }
    Ok(Outcome::Given { number, created: true })
}

pub(super) fn route(connection: &Connection, routed: &Routed) -> rusqlite::Result<Outcome> {
    let number = connection
        .prepare_cached(
            "UPDATE given_events SET routed_at = ?2, problem = ?3
             WHERE id = ?1 AND routed_at IS NULL RETURNING number",
        )?
        .query_row(params![routed.id, nanoseconds(routed.at), routed.problem], |line| {
            unsigned(line, 0)
        })
        .optional()?;
    let Some(number) = number else { return Ok(Outcome::Done) };
    if let Some(paths) = &routed.paths {
        connection
            .prepare_cached(
                "UPDATE given_events SET facts = json_set(facts, '$.paths', json(?2))
                 WHERE number = ?1",
            )?
            .execute(params![integer(number), text(paths)?])?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO event_matches (event, place, pipeline, trigger, run, problem)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (found, place) in routed.matches.iter().zip(0i64..) {
        let run = found.run.map(|run| run.0.into_bytes());
        let Match { pipeline, trigger, problem, .. } = found;
        insert.execute(params![integer(number), place, pipeline, trigger, run, problem])?;
    }
    Ok(Outcome::Done)
}

/// Of a list or a map.
fn text(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
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

const GIVEN: &str = "number, id, g.kind, data, source, at, only_run, also, facts, tag, target, by, \
     routed_at, problem";

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
            also: row::json(line, 7)?,
            facts: row::json(line, 8)?,
            tag: line.get(9)?,
            target: match line.get_ref(10)? {
                ValueRef::Null => None,
                _ => Some(row::json(line, 10)?),
            },
            by: line.get(11)?,
            delivery: None,
        },
        taken_by: Vec::new(),
        routed_at: row::maybe_time(line, 12)?,
        problem: line.get(13)?,
        matches: Vec::new(),
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
        rows.extend(page(connection, query, &PLAIN, kind)?);
        if kind.is_some() {
            rows.extend(page(connection, query, &BROADER, kind)?);
        }
    }
    rows.sort_unstable_by_key(|row: &GivenRow| row.number);
    rows.dedup_by_key(|row| row.number);
    if !query.oldest_first {
        rows.reverse();
    }
    rows.truncate(query.limit as usize);
    if query.deliveries {
        with_deliveries(connection, &mut rows)?;
    }
    with_matches(connection, &mut rows)?;
    with_takers(connection, rows)
}
/// Where events are looked for: tables, the column of their numbers, the condition of a type.
struct Place {
    tables: &'static str,
    number: &'static str,
    kind: &'static str,
}

const PLAIN: Place = Place { tables: "given_events g", number: "number", kind: "g.kind = ?" };

/// By one of their broader types.
const BROADER: Place = Place {
    tables: "event_kinds k JOIN given_events g ON g.number = k.event",
    number: "k.event",
    kind: "k.kind = ?",
};

fn page(
    connection: &Connection,
    query: &GivenQuery,
    place: &Place,
    kind: Option<&str>,
) -> rusqlite::Result<Vec<GivenRow>> {
    let mut filter = Filter::default();
    if let Some(kind) = kind {
        filter.add(place.kind, kind.to_owned());
    }
    if query.unrouted {
        // With a parameter, like every other condition.
        filter.add("routed_at IS NULL AND ?", true);
    }
    if let Some(since) = query.since {
        filter.add("at >= ?", nanoseconds(since));
    }
    let number = place.number;
    if let Some(after) = query.after {
        filter.add(&format!("{number} > ?"), integer(after));
    }
    if let Some(before) = query.before {
        filter.add(&format!("{number} < ?"), integer(before));
    }
    let order = if query.oldest_first { number.to_owned() } else { format!("{number} DESC") };
    let what = (GIVEN, place.tables, order.as_str());
    filter.select(connection, what, query.limit, given_row)
}

pub(super) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<GivenRow>> {
    let sql = format!("SELECT {GIVEN} FROM given_events g WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id], given_row).optional()?;
    let mut rows: Vec<GivenRow> = found.into_iter().collect();
    with_deliveries(connection, &mut rows)?;
    with_matches(connection, &mut rows)?;
    Ok(with_takers(connection, rows)?.pop())
}

fn with_deliveries(connection: &Connection, rows: &mut [GivenRow]) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT headers, body FROM deliveries WHERE event = ?1")?;
    for row in rows {
        let delivery =
            |line: &Row<'_>| Ok(Delivery { headers: row::json(line, 0)?, body: line.get(1)? });
        row.event.delivery = statement.query_row([integer(row.number)], delivery).optional()?;
    }
    Ok(())
}

fn with_matches(connection: &Connection, rows: &mut [GivenRow]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT pipeline, trigger, run, problem FROM event_matches WHERE event = ?1
         ORDER BY place",
    )?;
    let found = |line: &Row<'_>| {
        Ok(Match {
            pipeline: line.get(0)?,
            trigger: line.get(1)?,
            run: row::maybe_run_id(line, 2)?,
            problem: line.get(3)?,
        })
    };
    for row in rows {
        row.matches =
            statement.query_map([integer(row.number)], found)?.collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn with_takers(
    connection: &Connection,
    mut rows: Vec<GivenRow>,
) -> rusqlite::Result<Vec<GivenRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT r.id, r.pipeline, r.number, r.task, r.task_number FROM taken_events t
         JOIN pipeline_runs r ON r.key = t.run WHERE t.event = ?1 ORDER BY t.position",
    )?;
    let taker = |line: &Row<'_>| {
        let (pipeline, number): (String, u64) = (line.get(1)?, unsigned(line, 2)?);
        let name = run_name(&pipeline, number, row::task_of(line, 3)?.as_ref());
        Ok(Taker { run: row::run_id(line, 0)?, name })
    };
    for row in &mut rows {
        row.taken_by =
            statement.query_map([integer(row.number)], taker)?.collect::<Result<_, _>>()?;
    }
    Ok(rows)
}
