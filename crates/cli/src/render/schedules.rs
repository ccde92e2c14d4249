//! What is due when, as text.

use api::trigger::{ScheduleView, TriggerOutline};
use jiff::Timestamp;

use crate::output::table::{Cell, Table};
use crate::words;

/// `trigger schedule`
pub fn table(schedules: &[ScheduleView], now: Timestamp) -> Table {
    let mut table = Table::new(&[
        "PIPELINE", "TRIGGER", "SCHEDULE", "TIMEZONE", "NEXT", "IN", "LAST", "SKIPPED",
    ]);
    for of in schedules {
        let dash = || Cell::from("-");
        table.row(vec![
            of.pipeline.as_str().into(),
            of.trigger.as_str().into(),
            of.schedule.as_str().into(),
            of.timezone.as_str().into(),
            match (of.next, of.enabled) {
                (Some(next), _) => moment(next).into(),
                (None, true) => dash(),
                (None, false) => "disabled".into(),
            },
            of.next.map_or_else(dash, |next| until(next, now).into()),
            of.last.map_or_else(dash, |last| moment(last).into()),
            of.skipped.to_string().into(),
        ]);
    }
    table
}

/// One line each: `schedule  0 2 * * * UTC, catch_up skip  in 4h 2m`.
pub fn lines(triggers: &[TriggerOutline], now: Timestamp) -> String {
    let line = |of: &TriggerOutline| {
        let mut line = format!("starts by {}: {}", of.kind, of.says);
        if of.name != of.kind && !of.says.starts_with(&of.name) {
            line += &format!(" ({})", of.name);
        }
        if let Some(next) = of.next {
            line += &format!(", next {} (in {})", moment(next), until(next, now));
        }
        line + "\n"
    };
    triggers.iter().map(line).collect()
}

/// `4h 2m`
pub fn until(next: Timestamp, now: Timestamp) -> String {
    words::duration(words::between(now, next))
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
