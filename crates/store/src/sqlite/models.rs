//! Calls of models.

use engine::id::RunId;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::people::Filter;
use super::row::{self, integer, maybe_time, nanoseconds, time, unsigned};
use crate::port::{
    CallState, CostBy, ModelCall, ModelChange, ModelCosts, ModelEnd, ModelQuery, ModelSum,
    ModelTexts, ModelUsage, Outcome,
};

pub(super) fn apply(connection: &Connection, change: &ModelChange) -> rusqlite::Result<Outcome> {
    match change {
        ModelChange::Begin { call, request } => begin(connection, call, request)?,
        ModelChange::End(end) => self::end(connection, end)?,
        ModelChange::LoseOpen { at } => {
            connection
                .prepare_cached(
                    "UPDATE model_calls SET state = 'lost', ended_at = ?1 WHERE state = 'open'",
                )?
                .execute([nanoseconds(*at)])?;
        }
    }
    Ok(Outcome::Done)
}

fn begin(connection: &Connection, call: &ModelCall, request: &[u8]) -> rusqlite::Result<()> {
    let added = connection
        .prepare_cached(
            "INSERT INTO model_calls (id, run, execution, attempt, turn, digest, member, provider,
             model, path, state, status, detail, input, output, cache_read, cache_write, price,
             source, at, ended_at)
             SELECT ?1, key, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
             ?18, ?19, ?20, ?21 FROM pipeline_runs WHERE id = ?2
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            call.id,
            call.run.0.as_bytes(),
            call.execution,
            call.attempt,
            call.turn,
            call.digest,
            call.member,
            call.provider,
            call.model,
            call.path,
            call.state.word(),
            call.status,
            call.detail,
            integer(call.usage.input),
            integer(call.usage.output),
            integer(call.usage.cache_read),
            integer(call.usage.cache_write),
            call.usage.nano_usd.map(integer),
            call.source,
            nanoseconds(call.at),
            call.ended_at.map(nanoseconds),
        ])?;
    if added == 0 {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO model_texts (call, run, request, kind)
             SELECT id, run, ?2, '' FROM model_calls WHERE id = ?1",
        )?
        .execute(params![call.id, request])?;
    Ok(())
}

fn end(connection: &Connection, end: &ModelEnd) -> rusqlite::Result<()> {
    let changed = connection
        .prepare_cached(
            "UPDATE model_calls SET state = ?2, status = ?3, detail = ?4, model = ?5, input = ?6,
             output = ?7, cache_read = ?8, cache_write = ?9, price = ?10, source = ?11,
             ended_at = ?12 WHERE id = ?1 AND state = 'open'",
        )?
        .execute(params![
            end.id,
            end.state.word(),
            end.status,
            end.detail,
            end.model,
            integer(end.usage.input),
            integer(end.usage.output),
            integer(end.usage.cache_read),
            integer(end.usage.cache_write),
            end.usage.nano_usd.map(integer),
            end.source,
            nanoseconds(end.at),
        ])?;
    if changed == 0 {
        return Ok(());
    }
    connection
        .prepare_cached("UPDATE model_texts SET kind = ?2, answer = ?3 WHERE call = ?1")?
        .execute(params![end.id, end.kind, end.answer])?;
    Ok(())
}

/// What was said in this run is not kept any longer; what it cost is.
pub(super) fn forget_texts(connection: &Connection, run: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM model_texts WHERE run = ?1")?.execute([run])?;
    Ok(())
}

const CALL: &str = "c.id, r.id, c.execution, c.attempt, c.turn, c.digest, c.member, c.provider, \
     c.model, c.path, c.state, c.status, c.detail, c.input, c.output, c.cache_read, \
     c.cache_write, c.price, c.source, c.at, c.ended_at";
const TABLES: &str = "model_calls c JOIN pipeline_runs r ON r.key = c.run";

fn call(line: &Row<'_>) -> rusqlite::Result<ModelCall> {
    let word: String = line.get(10)?;
    let state = CallState::ALL.into_iter().find(|state| state.word() == word);
    Ok(ModelCall {
        id: line.get(0)?,
        run: row::run_id(line, 1)?,
        execution: line.get(2)?,
        attempt: line.get(3)?,
        turn: line.get(4)?,
        digest: line.get(5)?,
        member: line.get(6)?,
        provider: line.get(7)?,
        model: line.get(8)?,
        path: line.get(9)?,
        state: state.ok_or_else(|| {
            let problem = format!("`{word}` is no state of a call").into();
            rusqlite::Error::FromSqlConversionFailure(10, Type::Text, problem)
        })?,
        status: line.get(11)?,
        detail: line.get(12)?,
        usage: usage(line, 13)?,
        source: line.get(18)?,
        at: time(line, 19)?,
        ended_at: maybe_time(line, 20)?,
    })
}

/// Five columns from this one on.
fn usage(line: &Row<'_>, from: usize) -> rusqlite::Result<ModelUsage> {
    let price: Option<i64> = line.get(from + 4)?;
    Ok(ModelUsage {
        input: unsigned(line, from)?,
        output: unsigned(line, from + 1)?,
        cache_read: unsigned(line, from + 2)?,
        cache_write: unsigned(line, from + 3)?,
        nano_usd: price.and_then(|price| u64::try_from(price).ok()),
    })
}

pub(super) fn list(
    connection: &Connection,
    query: &ModelQuery,
) -> rusqlite::Result<Vec<ModelCall>> {
    let mut filter = Filter::default();
    if let Some(run) = &query.run {
        filter.add("c.run = (SELECT key FROM pipeline_runs WHERE id = ?)", run.0.into_bytes());
    }
    if let Some(execution) = &query.execution {
        filter.add("+c.execution = ?", execution.clone());
    }
    if let Some(before) = &query.before {
        filter.add("c.id < ?", before.clone());
    }
    filter.select(connection, (CALL, TABLES, "c.id DESC"), query.limit, call)
}

pub(super) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<ModelCall>> {
    let sql = format!("SELECT {CALL} FROM {TABLES} WHERE c.id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], call).optional()
}

pub(super) fn texts(connection: &Connection, id: &str) -> rusqlite::Result<Option<ModelTexts>> {
    connection
        .prepare_cached("SELECT request, kind, answer FROM model_texts WHERE call = ?1")?
        .query_row([id], |line| {
            Ok(ModelTexts { request: line.get(0)?, kind: line.get(1)?, answer: line.get(2)? })
        })
        .optional()
}

pub(super) fn answer(
    connection: &Connection,
    run: RunId,
    (execution, turn, digest): (&str, &str, &str),
) -> rusqlite::Result<Option<ModelCall>> {
    let sql = format!(
        "SELECT {CALL} FROM {TABLES} WHERE c.run = (SELECT key FROM pipeline_runs WHERE id = ?1)
         AND c.execution = ?2 AND c.turn = ?3 AND c.digest = ?4 AND c.state = 'answered'
         ORDER BY c.id LIMIT 1"
    );
    connection
        .prepare_cached(&sql)?
        .query_row(params![run.0.as_bytes(), execution, turn, digest], call)
        .optional()
}

const SUM: &str = "coalesce(sum(state <> 'refused'), 0), \
     coalesce(sum(price IS NULL AND input + output + cache_read + cache_write > 0), 0), \
     coalesce(max(source = 'estimate' AND input + output > 0), 0), coalesce(sum(input), 0), \
     coalesce(sum(output), 0), coalesce(sum(cache_read), 0), coalesce(sum(cache_write), 0), \
     sum(price)";

fn sum(line: &Row<'_>) -> rusqlite::Result<ModelSum> {
    Ok(ModelSum {
        calls: unsigned(line, 0)?,
        unpriced: unsigned(line, 1)?,
        estimated: line.get(2)?,
        usage: usage(line, 3)?,
        ..ModelSum::default()
    })
}

pub(super) fn sums(connection: &Connection, run: RunId) -> rusqlite::Result<Vec<ModelSum>> {
    let sql = format!(
        "SELECT {SUM}, execution, member, provider, model FROM model_calls
         WHERE run = (SELECT key FROM pipeline_runs WHERE id = ?1)
         GROUP BY execution, member, provider, model
         ORDER BY execution, member, provider, model"
    );
    connection
        .prepare_cached(&sql)?
        .query_map([run.0.as_bytes()], |line| {
            Ok(ModelSum {
                execution: line.get(8)?,
                member: line.get(9)?,
                provider: line.get(10)?,
                model: line.get(11)?,
                ..sum(line)?
            })
        })?
        .collect()
}

pub(super) fn sum_since(connection: &Connection, since: Timestamp) -> rusqlite::Result<ModelSum> {
    let sql = format!("SELECT {SUM} FROM model_calls WHERE at >= ?1");
    connection.prepare_cached(&sql)?.query_row([nanoseconds(since)], sum)
}

pub(super) fn costs(
    connection: &Connection,
    by: CostBy,
    since: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<ModelCosts>> {
    // `run_name` says the same of a run.
    let (name, whose) = match by {
        CostBy::Run => (
            "CASE WHEN r.task IS NULL THEN r.pipeline || '#' || r.number
             ELSE r.task || '-' || r.task_number END",
            "r.key",
        ),
        CostBy::Task => ("r.task", "r.task"),
        CostBy::Pipeline => ("r.pipeline", "r.pipeline"),
    };
    let sql = format!(
        "SELECT {SUM}, {name} AS name, count(DISTINCT c.run) FROM model_calls c
         JOIN pipeline_runs r ON r.key = c.run WHERE c.at >= ?1 AND {whose} IS NOT NULL
         GROUP BY {whose}
         ORDER BY coalesce(sum(price), 0) DESC,
         sum(input) + sum(output) + sum(cache_read) + sum(cache_write) DESC, name LIMIT ?2"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(params![nanoseconds(since), limit], |line| {
            Ok(ModelCosts { name: line.get(8)?, runs: unsigned(line, 9)?, sum: sum(line)? })
        })?
        .collect()
}
