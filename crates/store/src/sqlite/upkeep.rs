//! Counts of what waits.

use rusqlite::Connection;

use super::row;
use crate::port::{NoticeStatus, Open, RequestKind, Tally, WAITING};

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
