//! Tasks, and the numbers of their runs.

use super::State;
use crate::port::{Outcome, Refusal, TaskQuery, TaskRow, tasks::drawn};

impl State {
    pub(super) fn save_task(&mut self, task: &TaskRow) -> Result<Outcome, Refusal> {
        let place = self.tasks.iter().position(|known| known.id == task.id);
        let current = place.map_or(0, |at| self.tasks[at].version);
        if current + 1 != task.version {
            let (id, expected) = (task.id.clone(), task.version.saturating_sub(1));
            return Err(Refusal::TaskMoved { id, current, expected });
        }
        match place {
            Some(at) => self.tasks[at] = task.clone(),
            None => self.tasks.push(task.clone()),
        }
        Ok(Outcome::Done)
    }

    pub(super) fn tasks(&self, query: &TaskQuery) -> Vec<TaskRow> {
        let place = |id: &String| self.tasks.iter().position(|task| task.id == *id);
        let older = match &query.before {
            None => &self.tasks[..],
            Some(before) => &self.tasks[..place(before).unwrap_or(0)],
        };
        let wanted = |task: &&TaskRow| {
            task.deleted_at.is_none()
                && query.wanted.is_none_or(|wanted| task.wanted == wanted)
                && query.label.as_ref().is_none_or(|label| task.labels.contains(label))
        };
        older.iter().rev().filter(wanted).take(query.limit as usize).cloned().collect()
    }

    pub(super) fn tasks_needing(&self, id: &str) -> Vec<String> {
        let needs = |task: &&TaskRow| {
            task.deleted_at.is_none() && task.prerequisites.iter().any(|needed| needed == id)
        };
        self.tasks.iter().filter(needs).map(|task| task.id.clone()).collect()
    }

    pub(super) fn last_drawn(&self) -> u64 {
        self.tasks.iter().filter_map(|task| drawn(&task.id)).max().unwrap_or(0)
    }

    pub(super) fn last_task_number(&self, id: &str) -> u64 {
        let of = self.task_numbers.iter().filter(|(task, _)| task == id);
        of.map(|(_, number)| *number).max().unwrap_or(0)
    }
}
