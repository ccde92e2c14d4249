//! Counts of what waits, and taking away what need not be kept.

use engine::id::RunId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::{self, nanoseconds};
use crate::port::{NoticeStatus, Open, RequestKind, RunRow, Tally, Upkeep, WAITING};

pub(super) fn tally(connection: &Connection) -> rusqlite::Result<Tally> {
    // One snapshot, so that the numbers belong together.
    let snapshot = connection.unchecked_transaction()?;
    let mut tally = Tally {
        runs: snapshot
            .prepare_cached(
                "SELECT status, count(*) FROM pipeline_runs WHERE finished = 0 \
                 GROUP BY status ORDER BY status",
            )?
            .query_map([], |line| Ok((line.get(0)?, row::unsigned(line, 1)?)))?
            .collect::<Result<_, _>>()?,
        ..Tally::default()
    };
    for (kind, status) in WAITING {
        let open = snapshot
            .prepare_cached(
                "SELECT count(*), min(opened_at) FROM requests WHERE kind = ?1 AND status = ?2",
            )?
            .query_row((kind.word(), status), |line| {
                let count = row::unsigned(line, 0)?;
                let oldest = row::maybe_time(line, 1)?;
                Ok(Open { count, oldest })
            })?;
        match kind {
            RequestKind::Approval => tally.approvals = open,
            RequestKind::Input => tally.inputs = open,
        }
    }
    tally.notices = snapshot
        .prepare_cached("SELECT count(*) FROM notices WHERE status = ?1")?
        .query_row([NoticeStatus::Waiting.word()], |line| row::unsigned(line, 0))?;
    Ok(tally)
}

/// How many rows it changed.
pub(super) fn apply(connection: &Connection, upkeep: &Upkeep) -> rusqlite::Result<u64> {
    let changed = match upkeep {
        Upkeep::EmptyRun { run, at, .. } => return empty(connection, *run, nanoseconds(*at)),
        Upkeep::ForgetEvents { before } => {
            let before = nanoseconds(*before);
            connection
                .prepare_cached(
                    "DELETE FROM deliveries WHERE event IN \
                     (SELECT number FROM given_events WHERE at < ?1 AND routed_at IS NOT NULL)",
                )?
                .execute([before])?;
            connection
                .prepare_cached(
                    "UPDATE given_events SET data = 'null', facts = '{}' \
                     WHERE at < ?1 AND routed_at IS NOT NULL AND data <> 'null'",
                )?
                .execute([before])?
        }
        Upkeep::ForgetNotices { before } => connection
            .prepare_cached("DELETE FROM notices WHERE status <> ?1 AND settled_at < ?2")?
            .execute(params![NoticeStatus::Waiting.word(), nanoseconds(*before)])?,
    };
    Ok(changed as u64)
}

fn empty(connection: &Connection, run: RunId, at: i64) -> rusqlite::Result<u64> {
    let key: Option<i64> = connection
        .prepare_cached("SELECT key FROM pipeline_runs WHERE id = ?1 AND finished = 1")?
        .query_row([run.0.as_bytes()], |line| line.get(0))
        .optional()?;
    let Some(key) = key else { return Ok(0) };
    let known =
        connection.prepare_cached("SELECT 1 FROM emptied_runs WHERE run = ?1")?.exists([key])?;
    if known {
        return Ok(0);
    }
    let emptied = connection
        .prepare_cached(
            "UPDATE events SET body = '' WHERE run = ?1 \
             AND position NOT IN (SELECT position FROM decisions WHERE run = ?1)",
        )?
        .execute([key])?;
    super::models::forget_texts(connection, key)?;
    connection
        .prepare_cached("INSERT INTO emptied_runs (run, at, events) VALUES (?1, ?2, ?3)")?
        .execute(params![key, at, row::integer(emptied as u64)])?;
    Ok(emptied as u64)
}

/// When the journal of this run was emptied.
pub(super) fn emptied(connection: &Connection, run: RunId) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT at FROM emptied_runs WHERE run = (SELECT key FROM pipeline_runs WHERE id = ?1)",
        )?
        .query_row([run.0.as_bytes()], |line| row::time(line, 0))
        .optional()
}

pub(super) fn emptiable(
    connection: &Connection,
    before: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<RunRow>> {
    let sql = format!(
        "SELECT {} FROM pipeline_runs WHERE finished = 1 AND finished_at < ?1 \
         AND key NOT IN (SELECT run FROM emptied_runs) ORDER BY id LIMIT ?2",
        row::RUN
    );
    let before = nanoseconds(before);
    connection.prepare_cached(&sql)?.query_map((before, limit), row::run)?.collect()
}

/// Events, notices.
pub(super) fn forgettable(
    connection: &Connection,
    before: Timestamp,
) -> rusqlite::Result<(u64, u64)> {
    let before = nanoseconds(before);
    let events = connection
        .prepare_cached(
            "SELECT count(*) FROM given_events \
             WHERE at < ?1 AND routed_at IS NOT NULL AND data <> 'null'",
        )?
        .query_row([before], |line| row::unsigned(line, 0))?;
    let notices = connection
        .prepare_cached("SELECT count(*) FROM notices WHERE status <> ?1 AND settled_at < ?2")?
        .query_row((NoticeStatus::Waiting.word(), before), |line| row::unsigned(line, 0))?;
    Ok((events, notices))
}
