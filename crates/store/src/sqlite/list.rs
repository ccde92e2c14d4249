//! Lists: every page is a search in an index, never a scan of what the filter rejects. Runs in
//! another order than the usual one are the exception: all that are asked for are looked at.

use rusqlite::{Connection, ToSql};

use super::row;
use crate::port::{PipelineQuery, PipelineRow, RunOrder, RunQuery, RunRow, RunSort};

pub(super) fn pipelines(
    connection: &Connection,
    query: &PipelineQuery,
) -> rusqlite::Result<Vec<PipelineRow>> {
    let sql = format!(
        "SELECT {} FROM pipelines WHERE name > ?1 AND deleted_at IS NULL ORDER BY name LIMIT ?2",
        row::PIPELINE
    );
    // Names are not empty.
    let after = query.after.as_deref().unwrap_or("");
    connection.prepare_cached(&sql)?.query_map((after, query.limit), row::pipeline)?.collect()
}

/// One equality search. A list is the merge of a few.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arm<'a> {
    pipeline: Option<&'a str>,
    task: Option<&'a str>,
    status: Option<&'a str>,
    finished: Option<bool>,
    mode: Option<&'a str>,
}

/// No index gives "any of these words, by id" in order, but one for each word does.
pub(super) fn arms(query: &RunQuery) -> Vec<Arm<'_>> {
    let (pipeline, task) = (query.pipeline.as_deref(), query.task.as_deref());
    let mode = query.mode.as_deref();
    let base = Arm { pipeline, task, status: None, finished: query.finished, mode };
    if !query.statuses.is_empty() {
        let mut words: Vec<&str> = query.statuses.iter().map(String::as_str).collect();
        words.sort_unstable();
        words.dedup();
        return words.into_iter().map(|word| Arm { status: Some(word), ..base }).collect();
    }
    if base.task.is_some() {
        return vec![base];
    }
    match (base.pipeline, base.finished) {
        (Some(_), None) => [false, true].map(|is| Arm { finished: Some(is), ..base }).into(),
        (None, _) | (Some(_), Some(_)) => vec![base],
    }
}

/// The statement of an arm and its parameters, in order.
pub(super) fn select<'a>(
    arm: &'a Arm<'a>,
    before: Option<&'a [u8; 16]>,
    limit: &'a u32,
) -> (String, Vec<&'a dyn ToSql>) {
    let mut conditions = Vec::new();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    // A task has few runs: whatever else is asked is looked at in each. `+` keeps other indexes
    // out.
    let few = arm.task.is_some();
    if let Some(task) = &arm.task {
        conditions.push("task = ?");
        values.push(task);
    }
    if let Some(pipeline) = &arm.pipeline {
        conditions.push(if few { "+pipeline = ?" } else { "pipeline = ?" });
        values.push(pipeline);
    }
    if let Some(status) = &arm.status {
        conditions.push(if few { "+status = ?" } else { "status = ?" });
        values.push(status);
    }
    if let Some(finished) = &arm.finished {
        // With a status the index of the status is the better one: `+` keeps the other out.
        conditions.push(if few || arm.status.is_some() { "+finished = ?" } else { "finished = ?" });
        values.push(finished);
    }
    if let Some(mode) = &arm.mode {
        // Most runs are of one mode: any other index is the better one.
        let alone = conditions.is_empty();
        conditions.push(if alone { "mode = ?" } else { "+mode = ?" });
        values.push(mode);
    }
    if let Some(before) = before {
        conditions.push("id < ?");
        values.push(before);
    }
    values.push(limit);
    let filter = if conditions.is_empty() { "" } else { " WHERE " };
    let sql = format!(
        "SELECT {} FROM pipeline_runs{filter}{} ORDER BY id DESC LIMIT ?",
        row::RUN,
        conditions.join(" AND ")
    );
    (sql, values)
}

pub(super) fn runs(connection: &Connection, query: &RunQuery) -> rusqlite::Result<Vec<RunRow>> {
    if !query.order.is_usual() {
        return sorted(connection, query);
    }
    let before = query.before.map(|id| id.0.into_bytes());
    let arms = arms(query);
    let mut rows: Vec<RunRow> = Vec::new();
    for arm in &arms {
        let (sql, values) = select(arm, before.as_ref(), &query.limit);
        let mut statement = connection.prepare_cached(&sql)?;
        for row in statement.query_map(values.as_slice(), row::run)? {
            rows.push(row?);
        }
    }
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    rows.truncate(query.limit as usize);
    Ok(rows)
}

/// Two columns by which runs are compared, as [`RunOrder::key`] does it.
fn columns(by: RunSort) -> [&'static str; 2] {
    match by {
        // A number alone would be the place of a column.
        RunSort::Created => ["''", "0 + 0"],
        RunSort::Duration => ["''", "coalesce(max(finished_at - started_at, 0) + 1, 0)"],
        RunSort::Name => ["coalesce(task, pipeline)", "coalesce(task_number, number)"],
        RunSort::Status => ["status", "0 + 0"],
    }
}

fn sorted(connection: &Connection, query: &RunQuery) -> rusqlite::Result<Vec<RunRow>> {
    let mut conditions = Vec::new();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    if let Some(pipeline) = &query.pipeline {
        conditions.push("pipeline = ?".to_owned());
        values.push(pipeline);
    }
    if let Some(task) = &query.task {
        conditions.push("task = ?".to_owned());
        values.push(task);
    }
    if !query.statuses.is_empty() {
        let marks = vec!["?"; query.statuses.len()].join(", ");
        conditions.push(format!("status IN ({marks})"));
        values.extend(query.statuses.iter().map(|word| word as &dyn ToSql));
    }
    if let Some(finished) = &query.finished {
        conditions.push("finished = ?".to_owned());
        values.push(finished);
    }
    if let Some(mode) = &query.mode {
        conditions.push("mode = ?".to_owned());
        values.push(mode);
    }
    let RunOrder { by, descending } = query.order;
    let (direction, behind) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    let [text, number] = columns(by);
    let before = query.before.map(|id| id.0.into_bytes());
    if let Some(before) = &before {
        let place = format!("SELECT {text}, {number}, id FROM pipeline_runs WHERE id = ?");
        conditions.push(format!("({text}, {number}, id) {behind} ({place})"));
        values.push(before);
    }
    values.push(&query.limit);
    let filter = if conditions.is_empty() { "" } else { " WHERE " };
    let sql = format!(
        "SELECT {} FROM pipeline_runs{filter}{} \
         ORDER BY {text} {direction}, {number} {direction}, id {direction} LIMIT ?",
        row::RUN,
        conditions.join(" AND ")
    );
    connection.prepare_cached(&sql)?.query_map(values.as_slice(), row::run)?.collect()
}

#[cfg(test)]
mod tests;
