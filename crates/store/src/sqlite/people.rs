//! Requests, drafts and artifacts.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde_json::Value as Json;

use super::row::{self, integer, maybe_time, nanoseconds, time, unsigned};
use crate::port::{
    ArtifactQuery, ArtifactRow, DraftRow, Outcome, Refusal, RequestKind, RequestQuery, RequestRow,
};

/// Writes a request of the run with this key; gives its number.
pub(super) fn put_request(
    connection: &Connection,
    key: i64,
    request: &RequestRow,
) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "INSERT INTO requests (run, execution, kind, gate, generation, status, opened_at,
             due_at, closed_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (run, execution, gate, generation) DO UPDATE SET status = ?6,
             due_at = ?8, closed_at = ?9, body = ?10 RETURNING number",
        )?
        .query_row(
            params![
                key,
                request.execution,
                request.kind.word(),
                request.gate,
                request.generation,
                request.status,
                nanoseconds(request.opened_at),
                request.due_at.map(nanoseconds),
                request.closed_at.map(nanoseconds),
                request.body.to_string(),
            ],
            |line| unsigned(line, 0),
        )
}

/// Writes an artifact of the run with this key; gives its number.
pub(super) fn put_artifact(
    connection: &Connection,
    key: i64,
    artifact: &ArtifactRow,
) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "INSERT INTO artifacts (run, execution, attempt, generation, name, path, format,
             bytes, digest, status, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (run, execution, attempt, generation, name)
             DO UPDATE SET status = ?10 RETURNING number",
        )?
        .query_row(
            params![
                key,
                artifact.execution,
                artifact.attempt,
                artifact.generation,
                artifact.name,
                artifact.path,
                artifact.format,
                integer(artifact.bytes),
                artifact.digest,
                artifact.status,
                nanoseconds(artifact.created_at),
            ],
            |line| unsigned(line, 0),
        )
}

pub(super) fn save_draft(
    connection: &Connection,
    (request, seen): (u64, Option<Option<Timestamp>>),
    values: &Json,
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let found = connection
        .prepare_cached("SELECT status, closed_at IS NOT NULL FROM requests WHERE number = ?1")?
        .query_row([integer(request)], |line| Ok((line.get(0)?, line.get(1)?)))
        .optional()?;
    match found {
        None => return Ok(Outcome::Refused(Refusal::NoSuchRequest { number: request })),
        Some((status, true)) => {
            return Ok(Outcome::Refused(Refusal::RequestClosed { number: request, status }));
        }
        Some((_, false)) => {}
    }
    let before = draft(connection, request)?.map(|before| before.at);
    if seen.is_some_and(|seen| seen != before) {
        return Ok(Outcome::Refused(Refusal::DraftMoved { number: request }));
    }
    let at = DraftRow::next(before, at);
    connection
        .prepare_cached("REPLACE INTO drafts (request, by, at, content) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![integer(request), by, nanoseconds(at), values.to_string()])?;
    Ok(Outcome::Done)
}

pub(super) fn drop_artifacts(
    connection: &Connection,
    numbers: &[u64],
) -> rusqlite::Result<Outcome> {
    let mut drop =
        connection.prepare_cached("UPDATE artifacts SET status = ?2 WHERE number = ?1")?;
    for number in numbers {
        drop.execute(params![integer(*number), ArtifactRow::DROPPED])?;
    }
    Ok(Outcome::Done)
}

const REQUEST: &str = "n.number, r.id, n.execution, n.kind, n.gate, n.generation, n.status, \
     n.opened_at, n.due_at, n.closed_at, n.body";

fn request_row(line: &Row<'_>) -> rusqlite::Result<RequestRow> {
    let word: String = line.get(3)?;
    let kind = RequestKind::ALL.into_iter().find(|kind| kind.word() == word);
    Ok(RequestRow {
        number: unsigned(line, 0)?,
        run: row::run_id(line, 1)?,
        execution: line.get(2)?,
        kind: kind.ok_or_else(|| {
            let problem = format!("`{word}` is no kind of request").into();
            rusqlite::Error::FromSqlConversionFailure(3, Type::Text, problem)
        })?,
        gate: line.get(4)?,
        generation: line.get(5)?,
        status: line.get(6)?,
        opened_at: time(line, 7)?,
        due_at: maybe_time(line, 8)?,
        closed_at: maybe_time(line, 9)?,
        body: row::json(line, 10)?,
    })
}

/// Each arm is one equality search in an index, as in [`super::list`].
pub(super) fn requests(
    connection: &Connection,
    query: &RequestQuery,
) -> rusqlite::Result<Vec<RequestRow>> {
    let mut rows = Vec::new();
    for (kind, status) in arms(query) {
        let mut filter = Filter::default();
        if let Some(run) = &query.run {
            filter.add("n.run = (SELECT key FROM pipeline_runs WHERE id = ?)", run.0.into_bytes());
        }
        // Of one run there are few: its index is the better one.
        let plus = if query.run.is_some() { "+" } else { "" };
        if let Some(kind) = kind {
            filter.add(&format!("{plus}n.kind = ?"), kind.word());
        }
        if let Some(status) = status {
            filter.add(&format!("{plus}n.status = ?"), status.to_owned());
        }
        if let Some(before) = query.before {
            filter.add("n.number < ?", integer(before));
        }
        let tables = "requests n JOIN pipeline_runs r ON r.key = n.run";
        rows.extend(filter.select(
            connection,
            (REQUEST, tables, "n.number DESC"),
            query.limit,
            request_row,
        )?);
    }
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.number));
    rows.truncate(query.limit as usize);
    Ok(rows)
}

fn arms(query: &RequestQuery) -> Vec<(Option<RequestKind>, Option<&str>)> {
    let mut words: Vec<&str> = query.statuses.iter().map(String::as_str).collect();
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return vec![(query.kind, None)];
    }
    let kinds = query.kind.map_or_else(|| RequestKind::ALL.to_vec(), |kind| vec![kind]);
    kinds
        .into_iter()
        .flat_map(|kind| words.iter().map(move |word| (Some(kind), Some(*word))))
        .collect()
}

pub(super) fn request(
    connection: &Connection,
    number: u64,
) -> rusqlite::Result<Option<RequestRow>> {
    let sql = format!(
        "SELECT {REQUEST} FROM requests n JOIN pipeline_runs r ON r.key = n.run WHERE n.number = ?1"
    );
    connection.prepare_cached(&sql)?.query_row([integer(number)], request_row).optional()
}

pub(super) fn draft(connection: &Connection, request: u64) -> rusqlite::Result<Option<DraftRow>> {
    connection
        .prepare_cached("SELECT by, at, content FROM drafts WHERE request = ?1")?
        .query_row([integer(request)], |line| {
            let (by, at, values) = (line.get(0)?, time(line, 1)?, row::json(line, 2)?);
            Ok(DraftRow { request, by, at, values })
        })
        .optional()
}

const ARTIFACT: &str = "n.number, r.id, n.execution, n.attempt, n.generation, n.name, n.path, \
     n.format, n.bytes, n.digest, n.status, n.created_at";

fn artifact_row(line: &Row<'_>) -> rusqlite::Result<ArtifactRow> {
    Ok(ArtifactRow {
        number: unsigned(line, 0)?,
        run: row::run_id(line, 1)?,
        execution: line.get(2)?,
        attempt: line.get(3)?,
        generation: line.get(4)?,
        name: line.get(5)?,
        path: line.get(6)?,
        format: line.get(7)?,
        bytes: unsigned(line, 8)?,
        digest: line.get(9)?,
        status: line.get(10)?,
        created_at: time(line, 11)?,
    })
}

pub(super) fn artifacts(
    connection: &Connection,
    query: &ArtifactQuery,
) -> rusqlite::Result<Vec<ArtifactRow>> {
    let mut filter = Filter::default();
    if let Some(run) = &query.run {
        filter.add("n.run = (SELECT key FROM pipeline_runs WHERE id = ?)", run.0.into_bytes());
    }
    if let Some(digest) = &query.digest {
        let plus = if query.run.is_some() { "+" } else { "" };
        filter.add(&format!("{plus}n.digest = ?"), digest.clone());
    }
    if let Some(stage) = &query.stage {
        // Up to the bracket of an instance.
        let name = "substr(n.execution, 1, instr(n.execution || '[', '[') - 1)";
        filter.add(&format!("{name} = ?"), stage.clone());
    }
    if !query.statuses.is_empty() {
        let words = Json::from(query.statuses.clone()).to_string();
        filter.add("n.status IN (SELECT value FROM json_each(?))", words);
    }
    if let Some(before) = query.before {
        filter.add("n.number < ?", integer(before));
    }
    let tables = "artifacts n JOIN pipeline_runs r ON r.key = n.run";
    filter.select(connection, (ARTIFACT, tables, "n.number DESC"), query.limit, artifact_row)
}

pub(super) fn artifact(
    connection: &Connection,
    number: u64,
) -> rusqlite::Result<Option<ArtifactRow>> {
    let sql = format!(
        "SELECT {ARTIFACT} FROM artifacts n JOIN pipeline_runs r ON r.key = n.run
         WHERE n.number = ?1"
    );
    connection.prepare_cached(&sql)?.query_row([integer(number)], artifact_row).optional()
}

/// Conditions of a list and their parameters, in order.
#[derive(Default)]
pub(super) struct Filter {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Filter {
    pub(super) fn add(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.conditions.push(condition.to_owned());
        self.values.push(Box::new(value));
    }

    /// `what`: columns, tables, order.
    pub(super) fn select<T>(
        &self,
        connection: &Connection,
        what: (&str, &str, &str),
        limit: u32,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let sql = self.sql(what);
        #[cfg(test)]
        tests::SEEN.with_borrow_mut(|seen| seen.push(sql.clone()));
        let mut values: Vec<&dyn ToSql> = self.values.iter().map(AsRef::as_ref).collect();
        values.push(&limit);
        connection.prepare_cached(&sql)?.query_map(values.as_slice(), read)?.collect()
    }

    fn sql(&self, (columns, tables, order): (&str, &str, &str)) -> String {
        let conditions = self.conditions.join(" AND ");
        let filter = if conditions.is_empty() { "" } else { " WHERE " };
        format!("SELECT {columns} FROM {tables}{filter}{conditions} ORDER BY {order} LIMIT ?")
    }
}

#[cfg(test)]
mod tests;
