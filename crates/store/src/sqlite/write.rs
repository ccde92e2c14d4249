//! The one writer: group commit, and what a failed one means.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use engine::event::Stamped;
use engine::id::RunId;
use rusqlite::Connection;

use super::append::{Batch, Ends, Moves};
use super::failure::{is_full, storage};
use super::{accounts, change, journal, row, tasks, trail};
use crate::port::{Change, Error, Outcome, Write};

/// Frames of the log that wait before they are copied into the database.
const CHECKPOINT_AFTER: i64 = 2_000;

/// Owns the only connection that writes.
pub struct SqliteWriter {
    connection: Connection,
    ends: Ends,
    /// After a failed sync nothing is known about the disk: the process has to end.
    broken: bool,
    /// How long the last `COMMIT` took.
    sync: Option<Duration>,
}

impl std::fmt::Debug for SqliteWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteWriter").field("broken", &self.broken).finish_non_exhaustive()
    }
}

/// An earlier commit failed, and not for want of room.
#[derive(Debug, thiserror::Error)]
#[error("an earlier write failed, so this process cannot know what is on disk: start it again")]
struct Broken;

impl SqliteWriter {
    pub(super) fn new(connection: Connection) -> Result<Self, Error> {
        let journal = journal::head(&connection)?;
        let key = connection
            .query_row("SELECT coalesce(max(key), 0) FROM pipeline_runs", [], |row| row.get(0))
            .map_err(storage("read the end of the journal"))?;
        Ok(Self {
            connection,
            ends: Ends { runs: HashMap::new(), journal, key },
            broken: false,
            sync: None,
        })
    }

    fn usable(&self, operation: &'static str) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Storage { operation, full: false, source: Box::new(Broken) });
        }
        Ok(())
    }

    fn apply(&self, changes: &[Change]) -> Result<(Vec<Outcome>, Moves, Duration), Error> {
        let begin = self.connection.prepare_cached("BEGIN IMMEDIATE");
        begin.and_then(|mut begin| begin.execute([])).map_err(storage("begin a commit"))?;
        let mut batch = Batch::new(&self.connection, &self.ends)?;
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            outcomes.push(match change {
                Change::Append(append) => batch.append(append)?,
                Change::RewindPipeline { .. } | Change::UndoRewind { .. } => {
                    batch.write_runs()?;
                    self.noted(change)?
                }
                Change::SavePipeline { .. }
                | Change::SetEnabled { .. }
                | Change::DeletePipeline { .. }
                | Change::SaveDraft { .. }
                | Change::StoreEvent(_)
                | Change::RouteEvent(_)
                | Change::KeepSchedules(_)
                | Change::Worker(_)
                | Change::MoveNotice(_)
                | Change::RetryNotice { .. }
                | Change::CreateToken { .. }
                | Change::RevokeToken { .. }
                | Change::ReserveAnswer(_)
                | Change::KeepAnswer { .. }
                | Change::DropArtifacts { .. }
                | Change::Account(_)
                | Change::Model(_)
                | Change::Upkeep(_)
                | Change::SaveTask(_)
                | Change::SaveRollout(_) => self.noted(change)?,
            });
        }
        let moves = batch.finish()?;
        let began = Instant::now();
        let commit = self.connection.prepare_cached("COMMIT");
        commit.and_then(|mut commit| commit.execute([])).map_err(storage("commit"))?;
        Ok((outcomes, moves, began.elapsed()))
    }

    /// Applied, with its entry in the trail.
    fn noted(&self, change: &Change) -> Result<Outcome, Error> {
        let before = match change {
            Change::Account(account) => {
                accounts::before(&self.connection, account).map_err(storage("read an account"))?
            }
            _beside_accounts => None,
        };
        let outcome = change::apply(&self.connection, change)?;
        if let Some(entry) = crate::trail::of(change, &outcome, before.as_ref()) {
            trail::push(&self.connection, &entry)?;
        }
        Ok(outcome)
    }

    /// Leaves the connection without a transaction; SQLite has rolled some failures back itself.
    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() && self.connection.execute_batch("ROLLBACK").is_err() {
            self.broken = true;
        }
    }

    /// Copies the log back when it has grown. The commit before it stands whatever happens here.
    fn copy_back(&mut self) {
        let waiting =
            self.connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)").and_then(|mut noop| {
                noop.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
            });
        if !matches!(waiting, Ok(frames) if frames >= CHECKPOINT_AFTER) {
            return;
        }
        let copied = self
            .connection
            .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
            .and_then(|mut checkpoint| checkpoint.query_row([], |_| Ok(())));
        match copied {
            Ok(()) => {}
            // The log keeps everything until there is room.
            Err(error) if is_full(&error) => tracing::warn!("the disk is full: the log grows"),
            Err(error) => {
                tracing::error!(%error, "could not copy the log into the database");
                self.broken = true;
            }
        }
    }
}

impl Drop for SqliteWriter {
    /// Leaves no log behind that the next start would have to read, unless somebody reads it now.
    fn drop(&mut self) {
        let wait = self.connection.busy_timeout(Duration::ZERO);
        let copied = wait.and_then(|()| {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        });
        if let Err(error) = copied {
            tracing::debug!(%error, "the log stays for the next start");
        }
    }
}

impl Write for SqliteWriter {
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>, Error> {
        self.usable("commit")?;
        match self.apply(changes) {
            Ok((outcomes, moves, sync)) => {
                self.sync = Some(sync);
                moves.settle(&mut self.ends);
                self.copy_back();
                Ok(outcomes)
            }
            Err(error) => {
                self.roll_back();
                let harmless = error.is_full() || matches!(error, Error::Corrupt { .. });
                self.broken |= !harmless;
                Err(error)
            }
        }
    }

    fn next_run_number(&mut self, pipeline: &str) -> Result<u64, Error> {
        self.usable("read the numbers of a pipeline")?;
        self.connection
            .prepare_cached(
                "SELECT coalesce(max(number), 0) + 1 FROM pipeline_runs WHERE pipeline = ?1",
            )
            .and_then(|mut statement| {
                statement.query_row([pipeline], |line| row::unsigned(line, 0))
            })
            .map_err(storage("read the numbers of a pipeline"))
    }

    fn next_task_number(&mut self, task: &str) -> Result<u64, Error> {
        self.usable("read the numbers of a task")?;
        tasks::next_number(&self.connection, task).map_err(storage("read the numbers of a task"))
    }

    fn unfinished(&mut self) -> Result<Vec<RunId>, Error> {
        self.usable("list unfinished runs")?;
        self.connection
            .prepare_cached("SELECT id FROM pipeline_runs WHERE finished = 0 ORDER BY id")
            .and_then(|mut statement| {
                statement.query_map([], |line| row::run_id(line, 0))?.collect()
            })
            .map_err(storage("list unfinished runs"))
    }

    fn journal(&mut self, run: RunId) -> Result<Vec<Stamped>, Error> {
        self.usable("read the journal of a run")?;
        journal::verified(&self.connection, run)
    }

    fn last_sync(&self) -> Option<Duration> {
        self.sync
    }
}

#[cfg(test)]
mod tests;
