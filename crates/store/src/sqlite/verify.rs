//! `audit verify`: every hash of every run, that nothing is missing between or after them, and that
//! the list of decisions names all of them and no other.

use std::collections::HashMap;

use engine::id::RunId;
use rusqlite::Connection;

use super::failure::storage;
use super::{audit, journal, row, trail};
use crate::chain::{self, Hash, Head};
use crate::port::{Error, TrailQuery, Verified};
use crate::trail::EMPTIED;

struct Run {
    id: RunId,
    /// Where its own line says that it ends.
    sequence: u64,
    hash: Hash,
    /// How far the events have come.
    seen: u64,
    reached: Hash,
    /// How many of its events were emptied, as it was written down.
    emptied: Option<u64>,
    /// How many have no content.
    blank: u64,
}

pub(super) fn verify(connection: &Connection) -> Result<Verified, Error> {
    let failed = || storage("verify the journal");
    let snapshot = connection.unchecked_transaction().map_err(failed())?;
    let recorded = journal::head(&snapshot)?;
    emptied_by_us(&snapshot)?;
    let mut runs = load(&snapshot).map_err(failed())?;
    let walked = walk(&snapshot, &mut runs)?;

    let mut ends: Vec<&Run> = runs.values().collect();
    ends.sort_unstable_by_key(|run| run.id);
    for run in ends {
        if run.emptied.unwrap_or(0) != run.blank {
            let emptied = run.emptied.unwrap_or(0);
            let problem = format!("{emptied} of its events were emptied, and {} are", run.blank);
            return Err(corrupt(run.id, problem));
        }
        if run.seen != run.sequence || run.reached != run.hash {
            let problem = format!("it ends after event {}, not {}", run.seen, run.sequence);
            return Err(corrupt(run.id, problem));
        }
    }
    let Walked { head, gap } = walked;
    let written = recorded.events;
    let problem = match gap {
        Some(position) => format!("the event at position {position} is missing"),
        None if head.events != written => {
            format!("{written} events were written, and {} are there", head.events)
        }
        None if head.hash != recorded.hash => "events were exchanged for others".to_owned(),
        None => {
            let head = chain::hex(&head.hash);
            return Ok(Verified { runs: runs.len() as u64, events: written, head });
        }
    };
    Err(Error::Broken { problem })
}

fn load(connection: &Connection) -> rusqlite::Result<HashMap<i64, Run>> {
    connection
        .prepare(
            "SELECT r.key, r.id, r.sequence, r.hash, e.events FROM pipeline_runs r \
             LEFT JOIN emptied_runs e ON e.run = r.key",
        )?
        .query_map([], |line| {
            let id = row::run_id(line, 1)?;
            let sequence = row::unsigned(line, 2)?;
            let emptied: Option<i64> = line.get(4)?;
            let run = Run {
                id,
                sequence,
                hash: line.get(3)?,
                seen: 0,
                reached: chain::origin(id),
                emptied: emptied.map(|_| row::unsigned(line, 4)).transpose()?,
                blank: 0,
            };
            Ok((line.get(0)?, run))
        })?
        .collect()
}

struct Walked {
    head: Head,
    /// The first position without an event. Usually one run can be blamed for it.
    gap: Option<u64>,
}

fn walk(connection: &Connection, runs: &mut HashMap<i64, Run>) -> Result<Walked, Error> {
    let failed = || storage("verify the journal");
    let (mut head, mut gap) = (Head::empty(), None);
    let mut statement = connection
        .prepare("SELECT position, run, seq, body, hash FROM events ORDER BY position")
        .map_err(failed())?;
    let mut rows = statement.query([]).map_err(failed())?;
    let mut listed = connection.prepare(audit::LISTED).map_err(failed())?;
    let mut listed = audit::Listed::new(listed.query([]).map_err(failed())?);
    while let Some(line) = rows.next().map_err(failed())? {
        let position = row::unsigned(line, 0).map_err(failed())?;
        let key: i64 = line.get(1).map_err(failed())?;
        let seq = row::unsigned(line, 2).map_err(failed())?;
        let Some(run) = runs.get_mut(&key) else {
            let problem = format!("the event at position {position} belongs to no run");
            return Err(Error::Broken { problem });
        };
        if seq != run.seen + 1 {
            let problem = format!("event {} is missing: {seq} comes instead", run.seen + 1);
            return Err(corrupt(run.id, problem));
        }
        let body = line.get_ref(3).and_then(|body| Ok(body.as_bytes()?)).map_err(failed())?;
        let stored = line.get_ref(4).and_then(|hash| Ok(hash.as_bytes()?)).map_err(failed())?;
        run.seen = seq;
        if body.is_empty() && run.emptied.is_some() {
            // Its hash stands for it: the chain over all runs, and the next event, hang on it.
            run.reached = stored
                .try_into()
                .map_err(|_| corrupt(run.id, format!("the hash of event {seq} is none")))?;
            run.blank += 1;
            if listed.names(position).map_err(failed())? {
                return Err(corrupt(run.id, format!("event {seq} is a decision without content")));
            }
            head.push(&run.reached);
            if position != head.events {
                gap = gap.or(Some(head.events));
            }
            continue;
        }
        run.reached = chain::link(&run.reached, body);
        if stored != run.reached {
            return Err(corrupt(run.id, format!("event {seq} does not match its hash")));
        }
        let event = serde_json::from_slice(body).map_err(|error| {
            corrupt(run.id, format!("event {seq} cannot be understood: {error}"))
        })?;
        if !listed.has(position, key, &event).map_err(failed())? {
            let name = &run.id;
            let problem = format!("the list of decisions is wrong about event {seq} of run {name}");
            return Err(Error::Broken { problem });
        }
        head.push(&run.reached);
        if position != head.events {
            gap = gap.or(Some(head.events));
        }
    }
    // One of an event that is gone is told by the gap that it leaves.
    if gap.is_none() && !listed.is_over().map_err(failed())? {
        let problem = "the list of decisions has more than there are".to_owned();
        return Err(Error::Broken { problem });
    }
    Ok(Walked { head, gap })
}

fn corrupt(run: RunId, problem: String) -> Error {
    Error::Corrupt { run: run.to_string(), problem }
}

/// Every run that was emptied has its entry in the trail, with as many events.
fn emptied_by_us(connection: &Connection) -> Result<(), Error> {
    let failed = || storage("verify the journal");
    let said: HashMap<String, u64> = trail::list(
        connection,
        &TrailQuery { action: Some(EMPTIED.to_owned()), limit: u32::MAX, ..TrailQuery::default() },
    )?
    .into_iter()
    .map(|row| (row.entry.subject, row.entry.detail["events"].as_u64().unwrap_or(0)))
    .collect();
    let mut statement = connection
        .prepare("SELECT r.id, e.events FROM emptied_runs e JOIN pipeline_runs r ON r.key = e.run")
        .map_err(failed())?;
    let found = statement
        .query_map([], |line| Ok((row::run_id(line, 0)?, row::unsigned(line, 1)?)))
        .map_err(failed())?;
    for line in found {
        let (run, events) = line.map_err(failed())?;
        if said.get(&run.to_string()) != Some(&events) {
            return Err(corrupt(run, "it was emptied, and the trail does not say so".to_owned()));
        }
    }
    Ok(())
}
