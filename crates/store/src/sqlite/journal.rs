//! Journals, read back and checked.

use engine::event::Stamped;
use engine::id::RunId;
use rusqlite::{Connection, OptionalExtension};

use super::failure::{is_damage, storage};
use super::row;
use super::upkeep;
use crate::chain::{self, Hash, Head};
use crate::port::{Error, EventRow};

/// Differs for every database.
pub(super) fn epoch(connection: &Connection) -> Result<String, Error> {
    meta(connection, "epoch")
}

/// The end of the chain over all events.
pub(super) fn head(connection: &Connection) -> Result<Head, Error> {
    let text = meta(connection, "head")?;
    text.parse().map_err(|()| Error::Broken { problem: format!("its head reads `{text}`") })
}

fn meta(connection: &Connection, key: &'static str) -> Result<String, Error> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")
        .and_then(|mut statement| statement.query_row([key], |row| row.get(0)))
        .map_err(storage("read what the database says about itself"))
}

/// A run's own line: where its journal has to end.
struct End {
    key: i64,
    sequence: u64,
    hash: Hash,
}

fn end(connection: &Connection, run: RunId) -> rusqlite::Result<Option<End>> {
    connection
        .prepare_cached("SELECT key, sequence, hash FROM pipeline_runs WHERE id = ?1")?
        .query_row([run.0.as_bytes()], |line| {
            Ok(End { key: line.get(0)?, sequence: row::unsigned(line, 1)?, hash: line.get(2)? })
        })
        .optional()
}

pub(super) fn verified(connection: &Connection, run: RunId) -> Result<Vec<Stamped>, Error> {
    let corrupt = |problem: String| Error::Corrupt { run: run.to_string(), problem };
    let unreadable = |error: rusqlite::Error| match is_damage(&error) {
        true => corrupt(format!("the database cannot be read there: {error}")),
        false => storage("read the journal of a run")(error),
    };
    // One snapshot: the run's line and its events belong together.
    let snapshot = connection.unchecked_transaction().map_err(unreadable)?;
    let Some(end) = end(&snapshot, run).map_err(unreadable)? else { return Ok(Vec::new()) };
    if let Some(at) = upkeep::emptied(&snapshot, run).map_err(unreadable)? {
        return Err(Error::Emptied { run: run.to_string(), at });
    }
    let mut statement = snapshot
        .prepare_cached("SELECT seq, body, hash FROM events WHERE run = ?1 ORDER BY seq")
        .map_err(unreadable)?;
    let mut rows = statement.query([end.key]).map_err(unreadable)?;
    let mut events = Vec::new();
    let mut hash = chain::origin(run);
    while let Some(line) = rows.next().map_err(unreadable)? {
        let seq = events.len() as u64 + 1;
        let found = row::unsigned(line, 0).map_err(unreadable)?;
        if found != seq {
            return Err(corrupt(format!("event {seq} is missing")));
        }
        let body = line.get_ref(1).and_then(|body| Ok(body.as_bytes()?)).map_err(unreadable)?;
        hash = chain::link(&hash, body);
        let stored = line.get_ref(2).and_then(|hash| Ok(hash.as_bytes()?)).map_err(unreadable)?;
        if stored != hash {
            return Err(corrupt(format!("event {seq} does not match its hash")));
        }
        let event = serde_json::from_slice(body)
            .map_err(|error| corrupt(format!("event {seq} cannot be understood: {error}")))?;
        events.push(event);
    }
    if events.len() as u64 != end.sequence || hash != end.hash {
        let problem = format!("it ends after event {}, not {}", events.len(), end.sequence);
        return Err(corrupt(problem));
    }
    Ok(events)
}

/// Events with `seq > after`, as they stand.
pub(super) fn events(
    connection: &Connection,
    run: RunId,
    after: u64,
    limit: u32,
) -> Result<Vec<EventRow>, Error> {
    let failed = || storage("read events of a run");
    let mut statement = connection
        .prepare_cached(
            "SELECT seq, body, hash FROM events
             WHERE run = (SELECT key FROM pipeline_runs WHERE id = ?1) AND seq > ?2
             AND body <> '' ORDER BY seq LIMIT ?3",
        )
        .map_err(failed())?;
    let mut rows =
        statement.query((run.0.as_bytes(), row::integer(after), limit)).map_err(failed())?;
    let mut events = Vec::new();
    while let Some(line) = rows.next().map_err(failed())? {
        let seq = row::unsigned(line, 0).map_err(failed())?;
        let body = line.get_ref(1).and_then(|body| Ok(body.as_bytes()?)).map_err(failed())?;
        let event = serde_json::from_slice(body).map_err(|error| Error::Corrupt {
            run: run.to_string(),
            problem: format!("event {seq} cannot be understood: {error}"),
        })?;
        let hash: Hash = line.get(2).map_err(failed())?;
        events.push(EventRow { run, seq, event, hash: chain::hex(&hash) });
    }
    Ok(events)
}

/// Events of all runs after this place, in the order of arrival, as they stand.
pub(super) fn arrivals(
    connection: &Connection,
    after: u64,
    limit: u32,
) -> Result<Vec<(u64, EventRow)>, Error> {
    let failed = || storage("read events of all runs");
    let mut statement = connection
        .prepare_cached(
            "SELECT position, id, seq, body, events.hash FROM events
             JOIN pipeline_runs ON pipeline_runs.key = events.run
             WHERE position > ?1 AND body <> '' ORDER BY position LIMIT ?2",
        )
        .map_err(failed())?;
    let mut rows = statement.query((row::integer(after), limit)).map_err(failed())?;
    let mut events = Vec::new();
    while let Some(line) = rows.next().map_err(failed())? {
        let position = row::unsigned(line, 0).map_err(failed())?;
        let run = row::run_id(line, 1).map_err(failed())?;
        let seq = row::unsigned(line, 2).map_err(failed())?;
        let body = line.get_ref(3).and_then(|body| Ok(body.as_bytes()?)).map_err(failed())?;
        let Ok(event) = serde_json::from_slice(body) else {
            tracing::warn!(%run, seq, "an event cannot be understood, and is passed over");
            continue;
        };
        let hash: Hash = line.get(4).map_err(failed())?;
        events.push((position, EventRow { run, seq, event, hash: chain::hex(&hash) }));
    }
    Ok(events)
}
