//! The server's own trail, and its proof.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::storage;
use super::people::Filter;
use super::row::{integer, nanoseconds, unsigned};
use crate::chain::{self, Hash, Head};
use crate::port::{Error, TrailEntry, TrailQuery, TrailRow};
use crate::trail;

const OPERATION: &str = "write the trail";

/// Adds an entry, inside the transaction of what it tells of.
pub(super) fn push(connection: &Connection, entry: &TrailEntry) -> Result<(), Error> {
    let mut head = head(connection)?;
    let body = serde_json::to_string(entry).map_err(|error| Error::Storage {
        operation: OPERATION,
        full: false,
        source: Box::new(error),
    })?;
    let hash = trail::link(&head, body.as_bytes());
    head = Head { events: head.events + 1, hash };
    write(connection, entry, &body, &head).map_err(storage(OPERATION))
}

fn write(
    connection: &Connection,
    entry: &TrailEntry,
    body: &str,
    head: &Head,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO trail (number, at, by, action, body, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            integer(head.events),
            nanoseconds(entry.at),
            entry.by,
            entry.action,
            body,
            head.hash
        ])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('trail', ?1)")?
        .execute([head.to_string()])
        .map(drop)
}

/// The end of the chain.
fn head(connection: &Connection) -> Result<Head, Error> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = 'trail'")
        .and_then(|mut statement| statement.query_row([], |line| line.get(0)).optional())
        .map_err(storage(OPERATION))?;
    let Some(text) = text else { return Ok(trail::empty()) };
    text.parse().map_err(|()| Error::Broken { problem: format!("the trail's head reads `{text}`") })
}

pub(super) fn list(connection: &Connection, query: &TrailQuery) -> Result<Vec<TrailRow>, Error> {
    let found = select(connection, query).map_err(storage("list the trail"))?;
    found
        .into_iter()
        .map(|(number, body, hash)| {
            let entry = serde_json::from_str(&body).map_err(|error| Error::Broken {
                problem: format!("entry {number} of the trail cannot be understood: {error}"),
            })?;
            Ok(TrailRow { number, entry, hash: chain::hex(&hash) })
        })
        .collect()
}

type Found = (u64, String, Hash);

fn select(connection: &Connection, query: &TrailQuery) -> rusqlite::Result<Vec<Found>> {
    let mut filter = Filter::default();
    if let Some(by) = &query.by {
        filter.add("by = ?", by.clone());
    }
    if let Some(action) = &query.action {
        filter.add(if query.by.is_some() { "+action = ?" } else { "action = ?" }, action.clone());
    }
    if let Some(since) = query.since.map(nanoseconds) {
        filter.add("at >= ?", since);
    }
    if let Some(until) = query.until.map(nanoseconds) {
        filter.add("at < ?", until);
    }
    if let Some(before) = query.before {
        filter.add("number < ?", integer(before));
    }
    filter.select(connection, ("number, body, hash", "trail", "number DESC"), query.limit, read)
}

fn read(line: &Row<'_>) -> rusqlite::Result<Found> {
    Ok((unsigned(line, 0)?, line.get(1)?, line.get(2)?))
}

pub(super) fn verify(connection: &Connection) -> Result<u64, Error> {
    let failed = || storage("verify the trail");
    let broken = |problem: String| Error::Broken { problem };
    let snapshot = connection.unchecked_transaction().map_err(failed())?;
    let recorded = head(&snapshot)?;
    let mut reached = trail::empty();
    let mut statement = snapshot
        .prepare("SELECT number, at, by, action, body, hash FROM trail ORDER BY number")
        .map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    while let Some(line) = rows.next().map_err(failed())? {
        let number = unsigned(line, 0).map_err(failed())?;
        if number != reached.events + 1 {
            return Err(broken(format!("entry {} of the trail is missing", reached.events + 1)));
        }
        let body: String = line.get(4).map_err(failed())?;
        let stored: Hash = line.get(5).map_err(failed())?;
        let hash = trail::link(&reached, body.as_bytes());
        let changed = || broken(format!("entry {number} of the trail does not match its hash"));
        if hash != stored {
            return Err(changed());
        }
        // What it is listed by has to say what it says.
        let entry: TrailEntry = serde_json::from_str(&body).map_err(|_| changed())?;
        let (at, by, action): (i64, String, String) = listed(line).map_err(failed())?;
        if (at, &by, &action) != (nanoseconds(entry.at), &entry.by, &entry.action) {
            return Err(changed());
        }
        reached = Head { events: number, hash };
    }
    if reached != recorded {
        let problem =
            format!("the trail ends after entry {}, not {}", reached.events, recorded.events);
        return Err(broken(problem));
    }
    Ok(reached.events)
}

fn listed(line: &Row<'_>) -> rusqlite::Result<(i64, String, String)> {
    Ok((line.get(1)?, line.get(2)?, line.get(3)?))
}
