//! Answers kept under keys.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row::{nanoseconds, time};
use crate::port::{ANSWERS_KEPT, AnswerRow, KeptAnswer, Outcome};

/// Forgets what is too old, notes the request unless it is known, and says what is known.
pub(super) fn reserve(connection: &Connection, request: &AnswerRow) -> rusqlite::Result<Outcome> {
    let oldest = request.at.saturating_sub(ANSWERS_KEPT).unwrap_or(request.at);
    connection
        .prepare_cached("DELETE FROM answers WHERE at <= ?1")?
        .execute([nanoseconds(oldest)])?;
    connection
        .prepare_cached(
            "INSERT INTO answers (caller, key, digest, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![request.caller, request.key, request.digest, nanoseconds(request.at)])?;
    let row = find(connection, &request.caller, &request.key)?;
    Ok(row.map_or(Outcome::Done, |row| Outcome::Reserved(Box::new(row))))
}

pub(super) fn keep(
    connection: &Connection,
    caller: &str,
    key: &str,
    answer: &KeptAnswer,
) -> rusqlite::Result<Outcome> {
    connection
        .prepare_cached(
            "UPDATE answers SET status = ?3, kind = ?4, body = ?5
             WHERE caller = ?1 AND key = ?2 AND status IS NULL",
        )?
        .execute(params![caller, key, answer.status, answer.kind, answer.body])?;
    Ok(Outcome::Done)
}

pub(super) fn find(
    connection: &Connection,
    caller: &str,
    key: &str,
) -> rusqlite::Result<Option<AnswerRow>> {
    connection
        .prepare_cached(
            "SELECT caller, key, digest, at, status, kind, body FROM answers
             WHERE caller = ?1 AND key = ?2",
        )?
        .query_row([caller, key], row)
        .optional()
}

fn row(line: &Row<'_>) -> rusqlite::Result<AnswerRow> {
    let status: Option<u16> = line.get(4)?;
    let answer = match status {
        Some(status) => Some(KeptAnswer { status, kind: line.get(5)?, body: line.get(6)? }),
        None => None,
    };
    Ok(AnswerRow {
        caller: line.get(0)?,
        key: line.get(1)?,
        digest: line.get(2)?,
        at: time(line, 3)?,
        answer,
    })
}
