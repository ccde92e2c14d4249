//! The roll-out as text.

use std::fmt::Write as _;

use api::rollout::{QueuedTask, Queues, RolloutCheck, RolloutView};
use jiff::Timestamp;

use crate::terminal::Palette;
use crate::words;

/// `rollout status`
pub fn page(view: &RolloutView, now: Timestamp, palette: Palette) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<14} {}", words::one_line(value));
    };
    let mut mode = palette.bold(&view.mode);
    if view.mode == "pilot" {
        let tasks = match view.pilot_tasks.as_slice() {
            [] => "no task".to_owned(),
            globs => globs.join(", "),
        };
        mode += &format!(": {tasks}");
    }
    line("mode", &mode);
    let most = match (view.orchestration.as_str(), view.max_tasks) {
        ("hybrid", Some(max)) => format!(", at most {}", words::count(u64::from(max), "task")),
        _ => String::new(),
    };
    line("orchestration", &format!("{}{most}", palette.bold(&view.orchestration)));
    line("scheduler", &view.scheduler);
    if !view.wip.is_empty() {
        let limits: Vec<String> =
            view.wip.iter().map(|(role, limit)| format!("{role} {limit}")).collect();
        line("limits", &limits.join(", "));
    }
    if let Some(at) = view.switched_at {
        let by = view.switched_by.as_deref().unwrap_or("-");
        line("switched", &format!("{} ago by {by}", words::age(words::between(at, now))));
    }
    if let Some(draining) = &view.draining {
        let age = words::age(words::between(draining.since, now));
        line("draining", &format!("{}, asked by {} {age} ago", draining.says, draining.by));
    }
    if view.busy.is_empty() {
        line("busy", "nobody");
        return text;
    }
    line("busy", &view.busy.len().to_string());
    for one in busy(view, now) {
        let _ = writeln!(text, "  {}", words::one_line(&one));
    }
    text
}

/// `implementer works on TASK-7-3 (implement[2]) for 4m`
pub fn busy(view: &RolloutView, now: Timestamp) -> Vec<String> {
    let one = |busy: &api::rollout::Busy| {
        let age = words::age(words::between(busy.since, now));
        match busy.stage.as_str() {
            "" => format!("{} goes on for {age}", busy.run_name),
            stage if stage == busy.who => format!("{} is at {stage} for {age}", busy.run_name),
            stage => format!("{} works on {} ({stage}) for {age}", busy.who, busy.run_name),
        }
    };
    view.busy.iter().map(one).collect()
}

/// `rollout check`
pub fn check(check: &RolloutCheck, palette: Palette) -> String {
    let mut text = String::new();
    let width = check.criteria.iter().map(|one| words::width(&one.name)).max().unwrap_or(0);
    for one in &check.criteria {
        let mark = if one.passed {
            palette.status("succeeded", "ok     ")
        } else {
            palette.error("missing")
        };
        let name = words::pad_end(&one.name, width);
        let (figure, needed) = (words::one_line(&one.figure), words::one_line(&one.needed));
        let _ = writeln!(text, "{mark}  {name}  {figure} (needed: {needed})");
    }
    let (mode, next) = (&check.mode, &check.next);
    let says = match (next, check.passed) {
        (Some(next), true) => format!("{mode}: {next} may be dared"),
        (Some(next), false) => format!("{mode}: not yet {next}"),
        (None, true) => format!("{mode}: all is well"),
        (None, false) => format!("{mode}: not all is well"),
    };
    let _ = writeln!(text, "{says}");
    text
}

/// `rollout queues`
pub fn queues(queues: &Queues, now: Timestamp, palette: Palette) -> String {
    let mut text = format!("{}, by {}\n", palette.bold(&queues.orchestration), queues.scheduler);
    tasks(&mut text, "unassigned", &queues.unassigned, now);
    for role in &queues.roles {
        let limit = role.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
        let (working, waiting) = (role.working.len(), role.waiting.len());
        let _ = writeln!(text, "\n{}: {working}{limit} at work, {waiting} waiting", role.role);
        for busy in &role.working {
            let age = words::age(words::between(busy.since, now));
            let _ = writeln!(text, "  {}  {}  {age}", busy.run_name, busy.stage);
        }
        for one in &role.waiting {
            let age = words::age(words::between(one.since, now));
            let because = words::one_line(&one.because);
            let _ = writeln!(text, "  {}  {}  {age}  waits: {because}", one.run_name, one.stage);
        }
    }
    tasks(&mut text, "blocked", &queues.blocked, now);
    tasks(&mut text, "completed", &queues.completed, now);
    text
}

fn tasks(text: &mut String, name: &str, tasks: &[QueuedTask], now: Timestamp) {
    let _ = match tasks.len() {
        0 => writeln!(text, "\n{name}: none"),
        count => writeln!(text, "\n{name}: {count}"),
    };
    for task in tasks {
        let what = task.run_name.as_deref().unwrap_or(&task.task);
        let age = words::age(words::between(task.since, now));
        let because = words::one_line(&task.because.join("; "));
        let line = format!("  {what}  {age}  {}  {because}", words::one_line(&task.title));
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
