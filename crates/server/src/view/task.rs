//! A task, with what is derived from its runs.

use api::task::{TaskStatus, TaskView};
use serde_json::Value as Json;
use store::port::{PRODUCTION, Read, RunQuery, RunRow, TaskRow, Wanted};

use super::run;
use crate::refused::Refused;

/// Runs of one task that are looked for among those that have not ended.
const ACTIVE: u32 = 1000;

/// How a task stands, by its runs.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Oldest first.
    pub(crate) active: Vec<RunRow>,
    pub(crate) last: Option<RunRow>,
}

impl Standing {
    pub(crate) fn of(reader: &dyn Read, task: &str) -> Result<Self, Refused> {
        let of = |finished, limit| RunQuery {
            task: Some(task.to_owned()),
            // What was only said changes nothing about the task.
            mode: Some(PRODUCTION.to_owned()),
            finished,
            limit,
            ..RunQuery::default()
        };
        let mut active = reader.runs(&of(Some(false), ACTIVE))?;
        active.reverse();
        Ok(Self { active, last: reader.runs(&of(None, 1))?.pop() })
    }

    pub(crate) fn derived(&self, wanted: Wanted) -> &str {
        if let Some(newest) = self.active.last() {
            return &newest.status;
        }
        match self.last.as_ref().map(|last| last.status.as_str()) {
            Some("succeeded") => Wanted::Done.word(),
            Some(status) => status,
            None => match wanted {
                Wanted::Todo | Wanted::InProgress => Wanted::Todo.word(),
                Wanted::Done | Wanted::Cancelled => wanted.word(),
            },
        }
    }

    /// Whether those that need it may start.
    pub(crate) fn is_done(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Done => true,
            Wanted::InProgress => self.derived(wanted) == Wanted::Done.word(),
            Wanted::Todo | Wanted::Cancelled => false,
        }
    }
}

/// Prerequisites that are not done, in the order in which they are named.
pub(crate) fn blocked_by(reader: &dyn Read, task: &TaskRow) -> Result<Vec<String>, Refused> {
    let mut missing = Vec::new();
    for id in &task.prerequisites {
        let row = reader.task(id)?.filter(|row| row.deleted_at.is_none());
        let done = match row {
            Some(row) => Standing::of(reader, id)?.is_done(row.wanted),
            // What is gone is waited for no longer.
            None => true,
        };
        if !done {
            missing.push(id.clone());
        }
    }
    Ok(missing)
}

pub(crate) fn view(reader: &dyn Read, row: TaskRow) -> Result<TaskView, Refused> {
    let standing = Standing::of(reader, &row.id)?;
    let blocked_by = blocked_by(reader, &row)?;
    let status = TaskStatus {
        wanted: row.wanted.word().to_owned(),
        derived: standing.derived(row.wanted).to_owned(),
        says: says(&row, &standing, &blocked_by),
        blocked_by,
    };
    let inputs = match row.inputs {
        Json::Object(inputs) => inputs.into_iter().collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Default::default()
        }
    };
    Ok(TaskView {
        id: row.id,
        version: row.version,
        title: row.title,
        description: row.description,
        pipeline: row.pipeline,
        inputs,
        labels: row.labels,
        paths: row.paths,
        prerequisites: row.prerequisites,
        priority: row.priority,
        on_active: row.on_active.word().to_owned(),
        status,
        active: standing.active.iter().map(RunRow::name).collect(),
        last_run: standing.last.as_ref().map(run::summary),
        created_at: row.created_at,
        created_by: row.created_by,
        updated_at: row.updated_at,
        updated_by: row.updated_by,
    })
}

fn says(row: &TaskRow, standing: &Standing, blocked_by: &[String]) -> String {
    let ended = || match &standing.last {
        Some(last) => format!("{} has {}", last.name(), ended_word(&last.status)),
        None => "it has not been started".to_owned(),
    };
    let runs = match standing.active.last() {
        Some(newest) => format!("{} is {}", newest.name(), newest.status),
        None => ended(),
    };
    let wanted = match row.wanted {
        Wanted::Todo => "to do",
        Wanted::InProgress => "in progress",
        Wanted::Done => "done",
        Wanted::Cancelled => "cancelled",
    };
    if blocked_by.is_empty() {
        return format!("{wanted}: {runs}");
    }
    format!("{wanted}: {runs}; needs {}", blocked_by.join(", "))
}

fn ended_word(status: &str) -> String {
    match status {
        "cancelled" => "been cancelled".to_owned(),
        other => other.to_owned(),
    }
}
