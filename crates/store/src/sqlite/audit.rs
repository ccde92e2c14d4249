//! The trail of decisions: an index into the journal.

use engine::event::Stamped;
use rusqlite::{Connection, Row, Rows, Transaction, params};

use super::failure::storage;
use super::people::Filter;
use super::row::{self, integer, nanoseconds, unsigned};
use crate::audit::decided_by;
use crate::chain::{self, Hash};
use crate::port::{AuditQuery, AuditRow, Error, run_name};

/// Notes the event at this position of the journal, if it is a decision.
pub(super) fn note(
    connection: &Connection,
    position: i64,
    run: i64,
    event: &Stamped,
) -> rusqlite::Result<()> {
    let Some(by) = decided_by(&event.event) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO decisions (position, run, at, by, action) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![position, run, nanoseconds(event.at), by, event.event.name()])
        .map(drop)
}

/// Makes the index from a journal that was written without one.
pub(super) fn index(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("SELECT position, run, body FROM events ORDER BY position")?;
    let mut rows = statement.query([])?;
    while let Some(line) = rows.next()? {
        // What cannot be understood is found by verifying, and no reason not to start.
        let event = line.get_ref(2)?.as_bytes().map(serde_json::from_slice::<Stamped>);
        if let Ok(Ok(event)) = event {
            note(transaction, line.get(0)?, line.get(1)?, &event)?;
        }
    }
    Ok(())
}

/// For [`Listed`].
pub(super) const LISTED: &str =
    "SELECT position, run, at, by, action FROM decisions ORDER BY position";

/// The whole index, walked beside the journal.
pub(super) struct Listed<'a> {
    rows: Rows<'a>,
    next: Option<Line>,
    begun: bool,
}

#[derive(PartialEq)]
struct Line {
    position: u64,
    run: i64,
    at: i64,
    by: String,
    action: String,
}

impl<'a> Listed<'a> {
    pub(super) fn new(rows: Rows<'a>) -> Self {
        Self { rows, next: None, begun: false }
    }

    /// Whether it is right about the next event of the journal.
    pub(super) fn has(
        &mut self,
        position: u64,
        run: i64,
        event: &Stamped,
    ) -> rusqlite::Result<bool> {
        if !self.begun {
            self.begun = true;
            self.step()?;
        }
        // Of an event that is gone: the journal itself tells of that.
        while self.next.as_ref().is_some_and(|line| line.position < position) {
            self.step()?;
        }
        let is_here = self.next.as_ref().is_some_and(|line| line.position == position);
        let Some(by) = decided_by(&event.event) else { return Ok(!is_here) };
        let at = nanoseconds(event.at);
        let line = Line { position, run, at, by: by.into(), action: event.event.name().into() };
        let right = self.next.as_ref() == Some(&line);
        if right {
            self.step()?;
        }
        Ok(right)
    }

    /// Whether it has something at this position.
    pub(super) fn names(&mut self, position: u64) -> rusqlite::Result<bool> {
        if !self.begun {
            self.begun = true;
            self.step()?;
        }
        while self.next.as_ref().is_some_and(|line| line.position < position) {
            self.step()?;
        }
        Ok(self.next.as_ref().is_some_and(|line| line.position == position))
    }

    pub(super) fn is_over(&mut self) -> rusqlite::Result<bool> {
        if !self.begun {
            self.step()?;
        }
        Ok(self.next.is_none())
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        self.next = match self.rows.next()? {
            None => None,
            Some(line) => Some(Line {
                position: unsigned(line, 0)?,
                run: line.get(1)?,
                at: line.get(2)?,
                by: line.get(3)?,
                action: line.get(4)?,
            }),
        };
        Ok(())
    }
}

/// What a line holds, before its event is read.
struct Found {
    row: (u64, engine::id::RunId, String, u64),
    by: String,
    action: String,
    body: Vec<u8>,
    hash: Hash,
}

pub(super) fn list(connection: &Connection, query: &AuditQuery) -> Result<Vec<AuditRow>, Error> {
    let found = select(connection, query).map_err(storage("list decisions"))?;
    found.into_iter().map(understand).collect()
}

fn select(connection: &Connection, query: &AuditQuery) -> rusqlite::Result<Vec<Found>> {
    let mut filter = Filter::default();
    // One index serves; `+` keeps the others out of its way. The rarest is taken.
    let (run, action) = (query.run.is_some(), query.action.is_some());
    if let Some(run) = &query.run {
        filter.add("d.run = (SELECT key FROM pipeline_runs WHERE id = ?)", run.0.into_bytes());
    }
    if let Some(by) = &query.by {
        filter.add(if run { "+d.by = ?" } else { "d.by = ?" }, by.clone());
    }
    if let Some(word) = &query.action {
        let plain = !run && query.by.is_none() && action;
        filter.add(if plain { "d.action = ?" } else { "+d.action = ?" }, word.clone());
    }
    if let Some(since) = query.since.map(nanoseconds) {
        // Times are nearly in the order of positions: this is where the search may end. `+` makes
        // SQLite walk the index of times, of which a recent one leaves little.
        let first =
            "d.position >= (SELECT coalesce(min(+position), 0) FROM decisions WHERE at >= ?)";
        filter.add(first, since);
        filter.add("+d.at >= ?", since);
    }
    if let Some(until) = query.until.map(nanoseconds) {
        let last = "d.position <= (SELECT coalesce(max(+position), 0) FROM decisions WHERE at < ?)";
        filter.add(last, until);
        filter.add("+d.at < ?", until);
    }
    if let Some(before) = query.before {
        filter.add("d.position < ?", integer(before));
    }
    let columns = "d.position, r.id, r.pipeline, r.number, e.seq, d.by, d.action, e.body, e.hash, \
         r.task, r.task_number";
    let tables = "decisions d CROSS JOIN events e ON e.position = d.position \
         CROSS JOIN pipeline_runs r ON r.key = d.run";
    filter.select(connection, (columns, tables, "d.position DESC"), query.limit, read)
}

fn read(line: &Row<'_>) -> rusqlite::Result<Found> {
    let (pipeline, number): (String, u64) = (line.get(2)?, unsigned(line, 3)?);
    Ok(Found {
        row: (
            unsigned(line, 0)?,
            row::run_id(line, 1)?,
            run_name(&pipeline, number, row::task_of(line, 9)?.as_ref()),
            unsigned(line, 4)?,
        ),
        by: line.get(5)?,
        action: line.get(6)?,
        body: line.get_ref(7)?.as_bytes()?.to_vec(),
        hash: line.get(8)?,
    })
}

fn understand(found: Found) -> Result<AuditRow, Error> {
    let Found { row: (position, run, run_name, seq), by, action, body, hash } = found;
    let event = serde_json::from_slice(&body).map_err(|error| Error::Corrupt {
        run: run.to_string(),
        problem: format!("event {seq} cannot be understood: {error}"),
    })?;
    Ok(AuditRow { position, run, run_name, seq, by, action, event, hash: chain::hex(&hash) })
}
