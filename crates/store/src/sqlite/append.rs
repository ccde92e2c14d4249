//! One batch of appends inside a transaction.
//!
//! Appends are judged against heads in memory, which only the sole writer moves, so that a refused
//! append never touches the disk and needs no savepoint. The read tables are written once per row
//! and batch, however often the row changed in between.

use std::collections::{HashMap, HashSet};

use engine::event::{Event, Stamped};
use engine::id::RunId;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params};

use super::failure::{is_damage, storage};
use super::row::{self, integer, nanoseconds};
use super::{audit, given, notices, people, tasks};
use crate::chain::{self, Hash, Head};
use crate::port::{Append, Appended, Error, Outcome, Refusal, RunRow, StageRow};

/// Where the journal of a run ends.
#[derive(Clone, Debug)]
pub(super) struct RunHead {
    key: i64,
    sequence: u64,
    hash: Hash,
    /// The indexed words of its line: `None` before it has one.
    stored: Option<(String, bool)>,
}

/// What a committed batch leaves to the next one.
#[derive(Debug)]
pub(super) struct Ends {
    /// Of runs that have not finished, as far as they were touched.
    pub(super) runs: HashMap<RunId, RunHead>,
    pub(super) journal: Head,
    /// The highest key of a run.
    pub(super) key: i64,
}

/// A run that this batch moves.
struct Moved<'a> {
    head: RunHead,
    /// The line it is created with.
    first: Option<&'a RunRow>,
    last: &'a RunRow,
}

pub(super) struct Batch<'a> {
    connection: &'a Connection,
    ends: &'a Ends,
    insert: CachedStatement<'a>,
    moved: HashMap<RunId, Moved<'a>>,
    numbers: HashSet<(&'a str, u64)>,
    task_numbers: HashSet<&'a (String, u64)>,
    stages: Vec<(i64, &'a StageRow)>,
    journal: Head,
    key: i64,
    body: Vec<u8>,
}

/// What [`Batch::finish`] hands over to [`Moves::settle`] once the commit has succeeded.
pub(super) struct Moves {
    runs: Vec<(RunId, RunHead)>,
    journal: Head,
    key: i64,
}

impl Moves {
    pub(super) fn settle(self, ends: &mut Ends) {
        ends.journal = self.journal;
        ends.key = self.key;
        for (run, head) in self.runs {
            // A finished run rests; should it go on, its head is read again.
            if head.stored.as_ref().is_some_and(|(_, finished)| *finished) {
                ends.runs.remove(&run);
            } else {
                ends.runs.insert(run, head);
            }
        }
    }
}

const INSERT_EVENT: &str =
    "INSERT INTO events (position, run, seq, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)";

const INSERT_RUN: &str = "INSERT INTO pipeline_runs (id, pipeline, number, revision, status, \
     finished, reason, by, trigger, created_at, started_at, finished_at, progress, sequence, hash, \
     key, extends, parent, task, task_number, mode, rollout) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
     ?19, ?20, ?21, ?22)";

/// Leaves every index alone.
const UPDATE_RUN: &str = "UPDATE pipeline_runs SET reason = ?2, started_at = ?3, finished_at = ?4, \
     progress = ?5, sequence = ?6, hash = ?7 WHERE key = ?1";

const UPDATE_STATUS: &str = "UPDATE pipeline_runs SET status = ?2, finished = ?3 WHERE key = ?1";

const REPLACE_STAGE: &str = "REPLACE INTO pipeline_stages (run, stage, instance, status, outcome, \
     conclusion, attempts, started_at, finished_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

impl<'a> Batch<'a> {
    pub(super) fn new(connection: &'a Connection, ends: &'a Ends) -> Result<Self, Error> {
        let insert = connection.prepare_cached(INSERT_EVENT).map_err(storage("append events"))?;
        Ok(Self {
            connection,
            ends,
            insert,
            moved: HashMap::new(),
            numbers: HashSet::new(),
            task_numbers: HashSet::new(),
            stages: Vec::new(),
            journal: ends.journal,
            key: ends.key,
            body: Vec::new(),
        })
    }

    /// Writes the events; the rows follow in [`Self::finish`].
    pub(super) fn append(&mut self, append: &'a Append) -> Result<Outcome, Error> {
        let known = self.head(append.run)?;
        let current = known.as_ref().map_or(0, |(head, _)| head.sequence);
        if current != append.after {
            let expected = append.after;
            return Ok(Outcome::Refused(Refusal::SequenceMoved { current, expected }));
        }
        let (mut head, first) = match known {
            Some(known) => known,
            None => match self.create(append)? {
                Ok(head) => (head, Some(&append.row)),
                Err(refusal) => return Ok(Outcome::Refused(refusal)),
            },
        };
        let mut rows = Vec::with_capacity(append.events.len());
        for event in &append.events {
            self.write(&mut head, event)?;
            rows.push(Appended { seq: head.sequence, hash: chain::hex(&head.hash) });
        }
        self.stages.extend(append.stages.iter().map(|stage| (head.key, stage)));
        let (last, key) = (head.sequence, head.key);
        self.moved.insert(append.run, Moved { head, first, last: &append.row });
        let numbered = || storage("number what people are asked and given");
        let requests = append.requests.iter();
        let requests = requests.map(|request| people::put_request(self.connection, key, request));
        let requests = requests.collect::<Result<_, _>>().map_err(numbered())?;
        let artifacts = append.artifacts.iter();
        let artifacts = artifacts.map(|row| people::put_artifact(self.connection, key, row));
        let artifacts = artifacts.collect::<Result<_, _>>().map_err(numbered())?;
        for notice in &append.notices {
            notices::put(self.connection, key, notice).map_err(storage("store a notice"))?;
        }
        Ok(Outcome::Appended { last, rows, requests, artifacts })
    }

    /// With the line it gets in this batch, if it has none on disk yet.
    fn head(&self, run: RunId) -> Result<Option<(RunHead, Option<&'a RunRow>)>, Error> {
        if let Some(moved) = self.moved.get(&run) {
            return Ok(Some((moved.head.clone(), moved.first)));
        }
        if let Some(head) = self.ends.runs.get(&run) {
            return Ok(Some((head.clone(), None)));
        }
        Ok(load(self.connection, run)?.map(|head| (head, None)))
    }

    fn create(&mut self, append: &'a Append) -> Result<Result<RunHead, Refusal>, Error> {
        let RunRow { pipeline, number, .. } = &append.row;
        let taken = !self.numbers.insert((pipeline, *number))
            || is_taken(self.connection, pipeline, *number)
                .map_err(storage("read the numbers of a pipeline"))?;
        if taken {
            let (pipeline, number) = (pipeline.clone(), *number);
            return Ok(Err(Refusal::NumberTaken { pipeline, number }));
        }
        if let Some(of) = &append.row.task {
            let (task, number) = of;
            let taken = !self.task_numbers.insert(of)
                || tasks::is_taken(self.connection, task, *number)
                    .map_err(storage("read the numbers of a task"))?;
            if taken {
                let (task, number) = of.clone();
                return Ok(Err(Refusal::TaskNumberTaken { task, number }));
            }
        }
        self.key += 1;
        let hash = chain::origin(append.run);
        Ok(Ok(RunHead { key: self.key, sequence: 0, hash, stored: None }))
    }

    fn write(&mut self, head: &mut RunHead, event: &Stamped) -> Result<(), Error> {
        self.body.clear();
        serde_json::to_writer(&mut self.body, event).map_err(|error| Error::Storage {
            operation: "write an event as JSON",
            full: false,
            source: Box::new(error),
        })?;
        head.sequence += 1;
        head.hash = chain::link(&head.hash, &self.body);
        self.journal.push(&head.hash);
        let position = integer(self.journal.events);
        let sequence = integer(head.sequence);
        let body = Text(&self.body);
        self.insert
            .execute(params![position, head.key, sequence, body, head.hash.as_slice()])
            .map_err(storage("append events"))?;
        audit::note(self.connection, position, head.key, event)
            .map_err(storage("note a decision"))?;
        if let Event::EventReceived { occurrence } = &event.event {
            given::taken(self.connection, &occurrence.id, position, head.key)
                .map_err(storage("note who took an event"))?;
        }
        Ok(())
    }

    /// Writes the lines of the runs as they are now, for a change that looks at them.
    pub(super) fn write_runs(&mut self) -> Result<(), Error> {
        let mut runs: Vec<(RunId, &mut Moved<'_>)> =
            self.moved.iter_mut().map(|(run, moved)| (*run, moved)).collect();
        runs.sort_unstable_by_key(|(_, moved)| moved.head.key);
        for (run, moved) in runs {
            write_run(self.connection, run, moved).map_err(storage("write the line of a run"))?;
            moved.first = None;
            moved.head.stored = Some((moved.last.status.clone(), moved.last.finished));
        }
        Ok(())
    }

    /// Writes the rows and the end of the chain.
    pub(super) fn finish(mut self) -> Result<Moves, Error> {
        self.write_runs()?;
        let moved = self.moved.drain().map(|(run, moved)| (run, moved.head)).collect();
        self.write_stages().map_err(storage("write the lines of stages"))?;
        if self.journal != self.ends.journal {
            self.write_head().map_err(storage("write the end of the journal"))?;
        }
        Ok(Moves { runs: moved, journal: self.journal, key: self.key })
    }

    fn write_stages(&mut self) -> rusqlite::Result<()> {
        if self.stages.is_empty() {
            return Ok(());
        }
        let name = |(run, row): &(i64, &'a StageRow)| (*run, row.stage.as_str(), row.instance);
        // Stable, so the last of equals is the newest. In order, neighbours share pages.
        self.stages.sort_by(|one, other| name(one).cmp(&name(other)));
        let mut replace = self.connection.prepare_cached(REPLACE_STAGE)?;
        let mut rows = self.stages.iter().peekable();
        while let Some(row) = rows.next() {
            if rows.peek().is_some_and(|next| name(next) == name(row)) {
                continue;
            }
            let (run, stage) = row;
            replace.execute(params![
                run,
                stage.stage,
                stage.instance,
                stage.status,
                stage.outcome,
                stage.conclusion,
                stage.attempts,
                stage.started_at.map(nanoseconds),
                stage.finished_at.map(nanoseconds)
            ])?;
        }
        Ok(())
    }

    fn write_head(&self) -> rusqlite::Result<()> {
        let text = self.journal.to_string();
        self.connection
            .prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'head'")?
            .execute([text])
            .map(drop)
    }
}

fn write_run(connection: &Connection, run: RunId, moved: &Moved<'_>) -> rusqlite::Result<()> {
    let Moved { head, first, last } = moved;
    let progress = last.progress.to_string();
    let started = last.started_at.map(nanoseconds);
    let finished = last.finished_at.map(nanoseconds);
    let sequence = integer(head.sequence);
    if let Some(first) = first {
        let values = params![
            run.0.as_bytes(),
            first.pipeline,
            integer(first.number),
            first.revision,
            last.status,
            last.finished,
            last.reason,
            first.by,
            first.trigger,
            nanoseconds(first.created_at),
            started,
            finished,
            progress,
            sequence,
            head.hash,
            head.key,
            first.extends.map(|run| run.0.into_bytes()),
            first.parent.map(|run| run.0.into_bytes()),
            first.task.as_ref().map(|(task, _)| task),
            first.task.as_ref().map(|(_, number)| integer(*number)),
            first.mode,
            first.rollout
        ];
        connection.prepare_cached(INSERT_RUN)?.execute(values)?;
        return match &first.task {
            Some((task, number)) => tasks::used(connection, task, *number),
            None => Ok(()),
        };
    }
    let values = params![head.key, last.reason, started, finished, progress, sequence, head.hash];
    connection.prepare_cached(UPDATE_RUN)?.execute(values)?;
    let same =
        |(status, finished): &(String, bool)| *status == last.status && *finished == last.finished;
    if !head.stored.as_ref().is_some_and(same) {
        let values = params![head.key, last.status, last.finished];
        connection.prepare_cached(UPDATE_STATUS)?.execute(values)?;
    }
    Ok(())
}

/// From the run's line, if its journal ends where the line says: nothing is appended to a journal
/// that was cut or grew behind our back.
fn load(connection: &Connection, run: RunId) -> Result<Option<RunHead>, Error> {
    let corrupt = |problem: String| Error::Corrupt { run: run.to_string(), problem };
    let unreadable = |error: rusqlite::Error| match is_damage(&error) {
        true => corrupt(format!("its end cannot be read: {error}")),
        false => storage("read the end of a run")(error),
    };
    let line = connection
        .prepare_cached(
            "SELECT key, sequence, hash, status, finished FROM pipeline_runs WHERE id = ?1",
        )
        .and_then(|mut statement| statement.query_row([run.0.as_bytes()], head).optional())
        .map_err(unreadable)?;
    let Some(head) = line else { return Ok(None) };
    let last: Option<(u64, Hash)> = connection
        .prepare_cached("SELECT seq, hash FROM events WHERE run = ?1 ORDER BY seq DESC LIMIT 1")
        .and_then(|mut statement| {
            let last = |line: &Row<'_>| Ok((row::unsigned(line, 0)?, line.get(1)?));
            statement.query_row([head.key], last).optional()
        })
        .map_err(unreadable)?;
    let (sequence, hash) = last.unwrap_or_else(|| (0, chain::origin(run)));
    if (sequence, hash) != (head.sequence, head.hash) {
        return Err(corrupt(format!("it ends after event {sequence}, not {}", head.sequence)));
    }
    Ok(Some(head))
}

fn head(line: &Row<'_>) -> rusqlite::Result<RunHead> {
    let stored = Some((line.get(3)?, line.get(4)?));
    let sequence = row::unsigned(line, 1)?;
    Ok(RunHead { key: line.get(0)?, sequence, hash: line.get(2)?, stored })
}

fn is_taken(connection: &Connection, pipeline: &str, number: u64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM pipeline_runs WHERE pipeline = ?1 AND number = ?2")?
        .exists((pipeline, integer(number)))
}

/// Bytes of JSON, stored as text without copying or checking them again.
struct Text<'a>(&'a [u8]);

impl ToSql for Text<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0)))
    }
}
