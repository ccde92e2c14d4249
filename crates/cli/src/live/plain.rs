//! The form without a terminal: lines that are only ever appended, in UTC.

use jiff::Timestamp;

use crate::live::board::{Board, Note};
use crate::terminal::Palette;
use crate::words;

/// Silence after which a heartbeat says that the run is alive.
pub const HEARTBEAT_MS: u64 = 30_000;

/// `14:02:15Z Succeeded  1/7 plan 4.1s`
pub fn note(note: &Note, palette: Palette) -> String {
    let counted = note.label != "Starting" && !note.is_word();
    let count = if counted { format!("{}/{} ", note.settled, note.total) } else { String::new() };
    let elapsed = match note.elapsed_ms {
        Some(ms) => format!(" {}", words::duration(ms)),
        None => String::new(),
    };
    let gap = if note.detail.is_empty() { "" } else { " " };
    line(
        note.at,
        note.label,
        &format!("{count}{}{elapsed}{gap}{}", note.name, words::one_line(&note.detail)),
        palette,
    )
}

/// `14:02:45Z Running    2/7 implement[2/3] 30s, security-scan 29s`
pub fn heartbeat(board: &Board, now: Timestamp, palette: Palette) -> String {
    const NAMED: usize = 5;
    let activities = board.activities(now);
    let mut named: Vec<String> = activities
        .iter()
        .take(NAMED)
        .map(|activity| match activity.elapsed_ms {
            Some(ms) => format!("{} {}", activity.name, words::age(ms)),
            None => format!("{} ({})", activity.name, activity.says),
        })
        .collect();
    if activities.len() > NAMED {
        named.push(format!("{} more", activities.len() - NAMED));
    }
    if named.is_empty() {
        named.push(match board.run.reason.as_str() {
            "" => board.run.status.clone(),
            reason => reason.to_owned(),
        });
    }
    let label = match board.run.status.as_str() {
        "waiting" => "Waiting",
        "paused" => "Paused",
        "pending" => "Pending",
        "cancelling" => "Cancelling",
        _ => "Running",
    };
    let text = format!("{}/{} {}", board.settled, board.total, named.join(", "));
    line(now, label, &text, palette)
}

fn line(at: Timestamp, label: &str, text: &str, palette: Palette) -> String {
    let padded = words::pad_end(label, 10);
    format!("{} {} {text}\n", words::time_of_day(at), palette.status(label, &padded))
}
