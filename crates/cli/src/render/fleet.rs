//! Workers and what waits for them, as text.

use api::worker::{QueuedAttempt, WorkerView};
use jiff::Timestamp;

use crate::error::Result;
use crate::output::table::{Cell, Choice, Table};
use crate::terminal::Palette;
use crate::words;

pub fn workers(workers: &[WorkerView], now: Timestamp) -> Table {
    let headings =
        ["NAME", "STATE", "LABELS", "SLOTS", "CPUS", "MEMORY", "HEARD", "HOST", "VERSION"];
    let mut table = Table::new(&headings);
    for worker in workers {
        table.row(vec![
            worker.name.as_str().into(),
            Cell::status(&worker.state),
            dash(&worker.labels.join(",")).into(),
            format!("{}/{}", worker.used, worker.slots).into(),
            worker.cpus.to_string().into(),
            memory(worker.memory_bytes).into(),
            heard(worker, now).into(),
            dash(&worker.host).into(),
            dash(&worker.version).into(),
        ]);
    }
    table
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

fn heard(worker: &WorkerView, now: Timestamp) -> String {
    worker.heard_at.map_or_else(|| "-".to_owned(), |at| words::age(words::between(at, now)))
}

fn memory(bytes: u64) -> String {
    if bytes == 0 { "-".to_owned() } else { format!("{} GiB", bytes.div_ceil(1 << 30)) }
}

/// What is known of it, and a line for each attempt.
pub fn worker(worker: &WorkerView, now: Timestamp, palette: Palette) -> Result<String> {
    let state = palette.status(&worker.state, &worker.state);
    let since = words::age(words::between(worker.since, now));
    let mut text = format!("{}  {state} for {since}\n", palette.bold(&worker.name));
    let mut line = |key: &str, value: String| {
        text += &format!("  {}  {value}\n", words::pad_end(key, 8));
    };
    line("labels", dash(&worker.labels.join(", ")));
    line("slots", format!("{} of {} in use", worker.used, worker.slots));
    line("host", format!("{}, {}", dash(&worker.host), dash(&worker.platform)));
    line("size", format!("{} CPUs, {}", worker.cpus, memory(worker.memory_bytes)));
    line("version", dash(&worker.version));
    if worker.heard_at.is_some() {
        line("heard", format!("{} ago", heard(worker, now)));
    }
    if worker.attempts.is_empty() {
        return Ok(text);
    }
    let mut table = Table::new(&["RUN", "STAGE", "ATTEMPT", "FOR"]);
    for attempt in &worker.attempts {
        let began = attempt.started_at.map(|at| words::age(words::between(at, now)));
        table.row(vec![
            attempt.run_name.as_str().into(),
            attempt.stage.as_str().into(),
            attempt.attempt.to_string().into(),
            began.unwrap_or_else(|| "-".to_owned()).into(),
        ]);
    }
    let choice = Choice { columns: Vec::new(), no_header: false, width: None, indent: 2 };
    text += "\n";
    text += &table.text(&choice, palette)?;
    Ok(text)
}

pub fn queue(queue: &[QueuedAttempt], now: Timestamp) -> Table {
    let mut table = Table::new(&["RUN", "STAGE", "WAITS", "RUNS ON", "ROLE", "WHY"]);
    for one in queue {
        table.row(vec![
            one.run_name.as_str().into(),
            one.stage.as_str().into(),
            words::age(words::between(one.since, now)).into(),
            dash(&one.runs_on.join(",")).into(),
            dash(one.role.as_deref().unwrap_or_default()).into(),
            one.why.as_str().into(),
        ]);
    }
    table
}
