//! Queues, derived from tasks, their runs and who works.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use api::rollout::{Busy, QueuedTask, Queues, RoleQueue, WaitingAttempt};
use engine::admission::Order;
use jiff::Timestamp;
use store::port::{Read, RunRow, TaskQuery, TaskRow, Wanted};

use crate::conductor::desk::Ask;
use crate::conductor::rollout::Standing;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view::task::{Standing as Done, blocked_by};

/// Tasks that are looked at, the newest.
const TASKS: u32 = 1000;
/// Those shown that are done.
const COMPLETED: usize = 20;

pub(super) async fn queues(shared: &Shared) -> Result<Queues, Refused> {
    let Standing { agents, pending } = shared.desk.ask(|reply| Ask::Standing { reply }).await?;
    let view = shared.board.read();
    let mut queues = shared.read(|reader| of_tasks(reader)).await?;
    queues.orchestration.clone_from(&view.orchestration);
    queues.scheduler.clone_from(&view.scheduler);
    let limited = view.orchestration != "sequential";
    let limits = if limited { view.wip.clone() } else { BTreeMap::new() };
    queues.roles = roles(agents, limits);
    for run in pending {
        queues.blocked.push(QueuedTask {
            title: title(shared, &run.task).await?,
            task: run.task,
            priority: run.priority,
            run_name: Some(run.name),
            since: run.since,
            because: vec![run.because],
        });
    }
    let order = Order::named(&view.scheduler).unwrap_or_default();
    queues.unassigned.sort_by_key(|task| rank(task, order));
    queues.blocked.sort_by_key(|task| rank(task, order));
    queues.completed.sort_by_key(|task| Reverse(task.since));
    queues.completed.truncate(COMPLETED);
    Ok(queues)
}

fn rank(task: &QueuedTask, order: Order) -> (i64, Timestamp, String) {
    let urgency = match order {
        Order::Priority => task.priority.saturating_neg(),
        Order::Fifo => 0,
    };
    (urgency, task.since, task.task.clone())
}

async fn title(shared: &Shared, task: &str) -> Result<String, Refused> {
    let task = task.to_owned();
    let row = shared.read(move |reader| Ok(reader.task(&task)?)).await?;
    Ok(row.map_or_else(String::new, |row| row.title))
}

/// Tasks of which no run goes on.
fn of_tasks(reader: &dyn Read) -> Result<Queues, Refused> {
    let mut queues = Queues {
        orchestration: String::new(),
        scheduler: String::new(),
        unassigned: Vec::new(),
        roles: Vec::new(),
        blocked: Vec::new(),
        completed: Vec::new(),
    };
    for row in reader.tasks(&TaskQuery { limit: TASKS, ..TaskQuery::default() })? {
        let standing = Done::of(reader, &row.id)?;
        if standing.is_done(row.wanted) {
            let ended = standing.last.as_ref().and_then(|run| run.finished_at);
            queues.completed.push(queued(&row, standing.last.as_ref(), ended, Vec::new()));
            continue;
        }
        let waits = match row.wanted {
            Wanted::Todo => standing.active.is_empty(),
            Wanted::InProgress | Wanted::Done | Wanted::Cancelled => false,
        };
        if !waits {
            continue;
        }
        let missing = blocked_by(reader, &row)?;
        let because: Vec<String> = missing.iter().map(|id| format!("needs {id}")).collect();
        let queue = if because.is_empty() { &mut queues.unassigned } else { &mut queues.blocked };
        queue.push(queued(&row, standing.last.as_ref(), Some(row.created_at), because));
    }
    Ok(queues)
}

fn queued(
    row: &TaskRow,
    run: Option<&RunRow>,
    since: Option<Timestamp>,
    because: Vec<String>,
) -> QueuedTask {
    QueuedTask {
        task: row.id.clone(),
        title: row.title.clone(),
        priority: row.priority,
        run_name: run.map(RunRow::name),
        since: since.unwrap_or(row.updated_at),
        because,
    }
}

fn roles(
    agents: Vec<(String, Busy, Option<String>)>,
    limits: BTreeMap<String, u32>,
) -> Vec<RoleQueue> {
    let empty = |role: &str, limit| RoleQueue {
        role: role.to_owned(),
        limit,
        working: Vec::new(),
        waiting: Vec::new(),
    };
    let mut roles: BTreeMap<String, RoleQueue> =
        limits.iter().map(|(role, limit)| (role.clone(), empty(role, Some(*limit)))).collect();
    for (role, busy, waits) in agents {
        let queue = roles.entry(role.clone()).or_insert_with(|| empty(&role, None));
        match waits {
            None => queue.working.push(busy),
            Some(because) => {
                let Busy { run, run_name, task, stage, since, who: _ } = busy;
                let one = WaitingAttempt { run, run_name, task, stage, since, because };
                queue.waiting.push(one);
            }
        }
    }
    let mut roles: Vec<RoleQueue> = roles.into_values().collect();
    for role in &mut roles {
        role.working.sort_by_key(|one| one.since);
        role.waiting.sort_by_key(|one| one.since);
    }
    roles
}
