//! Rows of the read tables, in and out.

use engine::id::RunId;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::port::{PipelineRow, RevisionRow, RunRow, StageRow};

pub(super) const PIPELINE: &str = "name, description, enabled, revision, created_at, updated_at";

pub(super) const REVISION: &str = "pipeline, number, digest, text, created_at, created_by";

pub(super) const RUN: &str = "id, pipeline, number, revision, status, finished, reason, by, \
     trigger, created_at, started_at, finished_at, progress, extends, parent, superseded, \
     task, task_number, mode, rollout";

pub(super) const STAGE: &str =
    "stage, instance, status, outcome, conclusion, attempts, started_at, finished_at";

pub(super) fn pipeline(row: &Row<'_>) -> rusqlite::Result<PipelineRow> {
    Ok(PipelineRow {
        name: row.get(0)?,
        description: row.get(1)?,
        enabled: row.get(2)?,
        revision: row.get(3)?,
        created_at: time(row, 4)?,
        updated_at: time(row, 5)?,
    })
}

pub(super) fn revision(row: &Row<'_>) -> rusqlite::Result<RevisionRow> {
    Ok(RevisionRow {
        pipeline: row.get(0)?,
        number: row.get(1)?,
        digest: row.get(2)?,
        text: row.get(3)?,
        created_at: time(row, 4)?,
        created_by: row.get(5)?,
    })
}

pub(super) fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: run_id(row, 0)?,
        pipeline: row.get(1)?,
        number: unsigned(row, 2)?,
        revision: row.get(3)?,
        status: row.get(4)?,
        finished: row.get(5)?,
        reason: row.get(6)?,
        by: row.get(7)?,
        trigger: row.get(8)?,
        created_at: time(row, 9)?,
        started_at: maybe_time(row, 10)?,
        finished_at: maybe_time(row, 11)?,
        progress: json(row, 12)?,
        extends: maybe_run_id(row, 13)?,
        parent: maybe_run_id(row, 14)?,
        superseded: row.get(15)?,
        task: task_of(row, 16)?,
        mode: row.get(18)?,
        rollout: row.get(19)?,
    })
}

/// The task of a run and its number there, from two columns.
pub(super) fn task_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<(String, u64)>> {
    let task: Option<String> = row.get(column)?;
    task.map(|task| Ok((task, unsigned(row, column + 1)?))).transpose()
}

pub(super) fn stage(row: &Row<'_>) -> rusqlite::Result<StageRow> {
    Ok(StageRow {
        stage: row.get(0)?,
        instance: row.get(1)?,
        status: row.get(2)?,
        outcome: row.get(3)?,
        conclusion: row.get(4)?,
        attempts: row.get(5)?,
        started_at: maybe_time(row, 6)?,
        finished_at: maybe_time(row, 7)?,
    })
}

pub(super) fn run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    let bytes = row.get(column)?;
    Ok(RunId(Uuid::from_bytes(bytes)))
}

pub(super) fn maybe_run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RunId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(|bytes| RunId(Uuid::from_bytes(bytes))))
}

/// Whatever was written as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    match maybe_time(row, column)? {
        Some(time) => Ok(time),
        None => Err(FromSqlError::InvalidType.into()),
    }
}

pub(super) fn maybe_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let stored: Option<i64> = row.get(column)?;
    stored
        .map(|nanoseconds| {
            Timestamp::from_nanosecond(i128::from(nanoseconds))
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, nanoseconds))
        })
        .transpose()
}

/// Since 1970; the ends of the range (1677 and 2262) stand for everything beyond.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    let exact = time.as_nanosecond();
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}

/// Counters of ours never come near the end of the range.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
