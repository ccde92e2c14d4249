//! Tasks, and the numbers of their runs.

use engine::event::OnActive;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::people::Filter;
use super::row::{self, integer, maybe_time, nanoseconds, time, unsigned};
use crate::port::{Outcome, Refusal, TaskQuery, TaskRow, Wanted};

/// A task as it is to be from now on. Its version has to be the next one.
pub(super) fn save(connection: &Connection, task: &TaskRow) -> rusqlite::Result<Outcome> {
    let current = connection
        .prepare_cached("SELECT version FROM tasks WHERE id = ?1")?
        .query_row([&task.id], |line| unsigned(line, 0))
        .optional()?
        .unwrap_or(0);
    if current + 1 != task.version {
        let (id, expected) = (task.id.clone(), task.version.saturating_sub(1));
        return Ok(Outcome::Refused(Refusal::TaskMoved { id, current, expected }));
    }
    connection
        .prepare_cached(
            "INSERT INTO tasks (id, version, title, description, pipeline, inputs, labels, paths,
                 prerequisites, priority, on_active, wanted, created_at, created_by, updated_at,
                 updated_by, deleted_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (id) DO UPDATE SET version = ?2, title = ?3, description = ?4,
                 pipeline = ?5, inputs = ?6, labels = ?7, paths = ?8, prerequisites = ?9,
                 priority = ?10, on_active = ?11, wanted = ?12, created_at = ?13,
                 created_by = ?14, updated_at = ?15, updated_by = ?16, deleted_at = ?17",
        )?
        .execute(params![
            task.id,
            integer(task.version),
            task.title,
            task.description,
            task.pipeline,
            task.inputs.to_string(),
            list(&task.labels),
            list(&task.paths),
            list(&task.prerequisites),
            task.priority,
            task.on_active.word(),
            task.wanted.word(),
            nanoseconds(task.created_at),
            task.created_by,
            nanoseconds(task.updated_at),
            task.updated_by,
            task.deleted_at.map(nanoseconds),
        ])?;
    Ok(Outcome::Done)
}

fn list(items: &[String]) -> String {
    serde_json::Value::from(items).to_string()
}

const TASK: &str = "id, version, title, description, pipeline, inputs, labels, paths, \
     prerequisites, priority, on_active, wanted, created_at, created_by, updated_at, updated_by, \
     deleted_at";

fn task(line: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: line.get(0)?,
        version: unsigned(line, 1)?,
        title: line.get(2)?,
        description: line.get(3)?,
        pipeline: line.get(4)?,
        inputs: row::json(line, 5)?,
        labels: row::json(line, 6)?,
        paths: row::json(line, 7)?,
        prerequisites: row::json(line, 8)?,
        priority: line.get(9)?,
        on_active: word(line, 10, OnActive::named)?,
        wanted: word(line, 11, Wanted::named)?,
        created_at: time(line, 12)?,
        created_by: line.get(13)?,
        updated_at: time(line, 14)?,
        updated_by: line.get(15)?,
        deleted_at: maybe_time(line, 16)?,
    })
}

pub(super) fn word<T>(
    line: &Row<'_>,
    column: usize,
    named: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let word = line.get_ref(column)?.as_str()?;
    let unknown = || format!("`{word}` is no word that is known here").into();
    named(word)
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, unknown()))
}

pub(super) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<TaskRow>> {
    let sql = format!("SELECT {TASK} FROM tasks WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], task).optional()
}

pub(super) fn find(connection: &Connection, query: &TaskQuery) -> rusqlite::Result<Vec<TaskRow>> {
    let mut filter = Filter::default();
    filter.add("deleted_at IS ?", None::<i64>);
    if let Some(wanted) = query.wanted {
        filter.add("wanted = ?", wanted.word().to_owned());
    }
    if let Some(label) = &query.label {
        let has = "EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?)";
        filter.add(has, label.clone());
    }
    if let Some(before) = &query.before {
        filter.add("number < (SELECT number FROM tasks WHERE id = ?)", before.clone());
    }
    filter.select(connection, (TASK, "tasks", "number DESC"), query.limit, task)
}

/// Tasks that name this one as a prerequisite.
pub(super) fn needing(connection: &Connection, id: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT id FROM tasks WHERE deleted_at IS NULL
             AND EXISTS (SELECT 1 FROM json_each(prerequisites) WHERE value = ?1) ORDER BY number",
        )?
        .query_map([id], |line| line.get(0))?
        .collect()
}

/// The highest number of an id that could have been drawn; deleted ones count.
pub(super) fn last_drawn(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT coalesce(max(CAST(substr(id, 6) AS INTEGER)), 0) FROM tasks
             WHERE id GLOB 'TASK-[1-9]*' AND length(id) <= 14
             AND substr(id, 6) NOT GLOB '*[^0-9]*'",
        )?
        .query_row([], |line| unsigned(line, 0))
}

/// The number that the next run of a task gets.
pub(super) fn next_number(connection: &Connection, id: &str) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT 1 + max(
                 coalesce((SELECT last_run FROM tasks WHERE id = ?1), 0),
                 coalesce((SELECT max(task_number) FROM pipeline_runs WHERE task = ?1), 0))",
        )?
        .query_row([id], |line| unsigned(line, 0))
}

pub(super) fn is_taken(connection: &Connection, id: &str, number: u64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM pipeline_runs WHERE task = ?1 AND task_number = ?2")?
        .exists((id, integer(number)))
}

/// Remembers that this number was given to a run.
pub(super) fn used(connection: &Connection, id: &str, number: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE tasks SET last_run = max(last_run, ?2) WHERE id = ?1")?
        .execute(params![id, integer(number)])
        .map(drop)
}
