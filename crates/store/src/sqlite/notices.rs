//! Notices on their way.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::people::Filter;
use super::row::{self, integer, maybe_time, nanoseconds, time, unsigned};
use crate::port::{
    NewNotice, NoticeMove, NoticeQuery, NoticeRow, NoticeStatus, OpenNotices, Outcome, Refusal,
};

/// Stores a notice of the run with this key, after the requests of the same append.
pub(super) fn put(connection: &Connection, run: i64, notice: &NewNotice) -> rusqlite::Result<()> {
    let request = match &notice.about {
        None => None,
        Some(about) => connection
            .prepare_cached(
                "SELECT number FROM requests
                 WHERE run = ?1 AND execution = ?2 AND gate = ?3 AND generation = ?4",
            )?
            .query_row(params![run, about.execution, about.gate, about.generation], |line| {
                line.get::<_, i64>(0)
            })
            .optional()?,
    };
    let at = nanoseconds(notice.at);
    connection
        .prepare_cached(
            "INSERT INTO notices (key, target, kind, run, request, content, status, attempts,
             problem, created_at, since, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, '', ?8, ?8,
             ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            notice.key,
            notice.target,
            notice.kind,
            run,
            request,
            notice.content.to_string(),
            NoticeStatus::Waiting.word(),
            at,
        ])?;
    Ok(())
}

/// Of one that does not wait any more nothing changes.
pub(super) fn settle(connection: &Connection, moved: &NoticeMove) -> rusqlite::Result<Outcome> {
    let settled = (moved.status != NoticeStatus::Waiting).then(|| nanoseconds(moved.at));
    connection
        .prepare_cached(
            "UPDATE notices SET status = ?2, attempts = attempts + 1, problem = ?3, due_at = ?4,
             settled_at = ?5 WHERE number = ?1 AND status = 'waiting'",
        )?
        .execute(params![
            integer(moved.number),
            moved.status.word(),
            moved.problem,
            nanoseconds(moved.due_at),
            settled,
        ])?;
    Ok(Outcome::Done)
}

pub(super) fn again(
    connection: &Connection,
    number: u64,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let status: Option<String> = connection
        .prepare_cached("SELECT status FROM notices WHERE number = ?1")?
        .query_row([integer(number)], |line| line.get(0))
        .optional()?;
    match status.as_deref() {
        None => return Ok(Outcome::Refused(Refusal::NoSuchNotice { number })),
        Some("delivered") => return Ok(Outcome::Refused(Refusal::NoticeDelivered { number })),
        Some(_) => {}
    }
    connection
        .prepare_cached(
            "UPDATE notices SET status = 'waiting', attempts = 0, since = ?2, due_at = ?2,
             settled_at = NULL WHERE number = ?1",
        )?
        .execute(params![integer(number), nanoseconds(at)])?;
    Ok(Outcome::Done)
}

const NOTICE: &str = "n.number, n.key, n.target, n.kind, r.id, n.request, n.content, n.status, \
     n.attempts, n.problem, n.created_at, n.since, n.due_at, n.settled_at";

const TABLES: &str = "notices n JOIN pipeline_runs r ON r.key = n.run";

fn notice_row(line: &Row<'_>) -> rusqlite::Result<NoticeRow> {
    let word: String = line.get(7)?;
    let status = NoticeStatus::ALL.into_iter().find(|status| status.word() == word);
    let request: Option<i64> = line.get(5)?;
    Ok(NoticeRow {
        number: unsigned(line, 0)?,
        key: line.get(1)?,
        target: line.get(2)?,
        kind: line.get(3)?,
        run: row::run_id(line, 4)?,
        request: request.and_then(|number| u64::try_from(number).ok()),
        content: row::json(line, 6)?,
        status: status.ok_or_else(|| {
            let problem = format!("`{word}` is no status of a notice").into();
            rusqlite::Error::FromSqlConversionFailure(7, Type::Text, problem)
        })?,
        attempts: line.get(8)?,
        problem: line.get(9)?,
        created_at: time(line, 10)?,
        since: time(line, 11)?,
        due_at: time(line, 12)?,
        settled_at: maybe_time(line, 13)?,
    })
}

/// One equality search in an index for each status, as in [`super::list`].
pub(super) fn list(
    connection: &Connection,
    query: &NoticeQuery,
) -> rusqlite::Result<Vec<NoticeRow>> {
    let mut statuses: Vec<Option<NoticeStatus>> =
        query.statuses.iter().copied().map(Some).collect();
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.is_empty() {
        statuses.push(None);
    }
    let order = if query.oldest_first { "n.number" } else { "n.number DESC" };
    let mut rows = Vec::new();
    for status in statuses {
        let mut filter = Filter::default();
        if let Some(run) = &query.run {
            filter.add("n.run = (SELECT key FROM pipeline_runs WHERE id = ?)", run.0.into_bytes());
        }
        if let Some(target) = &query.target {
            let plus = if query.run.is_some() { "+" } else { "" };
            filter.add(&format!("{plus}n.target = ?"), target.clone());
        }
        if let Some(status) = status {
            // In the words of the index of open ones, which is found by them.
            let open = match status {
                NoticeStatus::Waiting | NoticeStatus::GivenUp => "n.status <> 'delivered' AND ",
                NoticeStatus::Delivered => "",
            };
            filter.add(&format!("{open}n.status = ?"), status.word());
        }
        if let Some(before) = query.before {
            filter.add("n.number < ?", integer(before));
        }
        rows.extend(filter.select(connection, (NOTICE, TABLES, order), query.limit, notice_row)?);
    }
    match query.oldest_first {
        true => rows.sort_unstable_by_key(|row: &NoticeRow| row.number),
        false => rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.number)),
    }
    rows.truncate(query.limit as usize);
    Ok(rows)
}

pub(super) fn one(connection: &Connection, number: u64) -> rusqlite::Result<Option<NoticeRow>> {
    let sql = format!("SELECT {NOTICE} FROM {TABLES} WHERE n.number = ?1");
    connection.prepare_cached(&sql)?.query_row([integer(number)], notice_row).optional()
}

pub(super) fn open(connection: &Connection) -> rusqlite::Result<Vec<OpenNotices>> {
    connection
        .prepare_cached(
            "SELECT target, sum(status = 'waiting'), sum(status = 'given_up') FROM notices
             WHERE status <> 'delivered' GROUP BY target ORDER BY target",
        )?
        .query_map([], |line| {
            Ok(OpenNotices {
                target: line.get(0)?,
                waiting: unsigned(line, 1)?,
                given_up: unsigned(line, 2)?,
            })
        })?
        .collect()
}
