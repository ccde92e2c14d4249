//! Tasks as text.

use std::fmt::Write as _;

use api::task::TaskView;
use jiff::Timestamp;

use crate::output::table::{Cell, Table};
use crate::terminal::Palette;
use crate::words;

/// `task list`
pub fn table(tasks: &[TaskView], now: Timestamp) -> Table {
    let mut table =
        Table::new(&["TASK", "WANTED", "STATUS", "LAST RUN", "PIPELINE", "AGE", "TITLE"]);
    for task in tasks {
        let last = task.last_run.as_ref().map_or("-", |run| &run.name);
        let age = words::age(words::between(task.created_at, now));
        table.row(vec![
            task.id.as_str().into(),
            task.status.wanted.as_str().into(),
            Cell::status(&task.status.derived),
            last.into(),
            task.pipeline.as_deref().unwrap_or("-").into(),
            age.into(),
            task.title.as_str().into(),
        ]);
    }
    table
}

/// `task show`
pub fn page(task: &TaskView, palette: Palette) -> String {
    let mut text = String::new();
    let derived = palette.status(&task.status.derived, &words::title(&task.status.derived));
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{}  {derived}  {}", task.id, task.title);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {name:<10} {value}");
        }
    };
    line("status", &task.status.says);
    line("pipeline", task.pipeline.as_deref().unwrap_or_default());
    let inputs: Vec<String> =
        task.inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    line("inputs", &inputs.join(" "));
    line("labels", &task.labels.join(", "));
    line("paths", &task.paths.join(", "));
    line("needs", &task.prerequisites.join(", "));
    if task.priority != 0 {
        line("priority", &task.priority.to_string());
    }
    line("on active", &task.on_active);
    line("active", &task.active.join(", "));
    line("last run", task.last_run.as_ref().map_or("", |run| &run.name));
    line("version", &task.version.to_string());
    if !task.description.is_empty() {
        let _ = writeln!(text);
        for part in task.description.lines() {
            let _ = writeln!(text, "  {part}");
        }
    }
    text
}
