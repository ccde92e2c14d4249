//! The form on a terminal: finished lines go to the scrollback, a few lines stay pinned below.

use jiff::Timestamp;

use crate::live::board::{Activity, Board, Note};
use crate::terminal::Palette;
use crate::words;

/// The terminal, as large as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    pub columns: usize,
    pub rows: usize,
    pub palette: Palette,
}

/// What the last pinned line offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Nobody reads keys.
    None,
    Usual {
        /// There is an approval to decide.
        decide: bool,
        /// Of a result, whose work can be done again.
        changes: bool,
        /// There is a form to fill in.
        fill: bool,
        /// Something is held.
        advance: bool,
        /// A browser can be led to it.
        page: bool,
    },
    /// Ctrl-C was pressed once.
    Asking,
}

/// `   Succeeded [   4.1s] 1/7 plan              2 outputs`, without a line break.
pub fn note(note: &Note, name_width: usize, screen: Screen) -> String {
    let elapsed = note.elapsed_ms.map_or_else(|| "-".to_owned(), words::duration);
    let lead = format!("[{elapsed:>7}] {}/{} ", note.settled, note.total);
    let name = words::shorten_middle(&note.name, name_width);
    let detail = words::one_line(&note.detail);
    let text = if note.label == "Starting" {
        format!("{}  {detail}", note.name)
    } else if note.is_word() {
        format!("{} {detail}", note.name)
    } else if detail.is_empty() {
        format!("{lead}{name}")
    } else {
        format!("{lead}{} {detail}", words::pad_end(&name, name_width))
    };
    // What has to be read to the end may wrap: it is above what is redrawn.
    let columns = match note.label {
        "Waiting" | "Failed" => usize::MAX,
        _ => screen.columns,
    };
    labelled(note.label, &text, Screen { columns, ..screen })
}

/// `     Running text`, cut at the terminal's edge.
pub fn labelled(label: &str, text: &str, screen: Screen) -> String {
    const LABEL: usize = 12;
    let text = words::shorten_end(text, screen.columns.saturating_sub(LABEL + 2));
    format!("{} {text}", screen.palette.status(label, &format!("{label:>LABEL$}")))
}

/// The pinned lines: at most `min(8, rows - 6)`, none wider than the terminal.
pub fn pinned(board: &Board, now: Timestamp, keys: Keys, screen: Screen) -> Vec<String> {
    let room = screen.rows.saturating_sub(6).clamp(2, 8);
    let rule = "-".repeat(screen.columns.saturating_sub(1).min(92));
    let mut lines = vec![screen.palette.dim(&rule), progress(board, now, screen)];
    let last = offered(keys, board.run.status == "paused");
    let room = room.saturating_sub(lines.len() + usize::from(last.is_some()));
    let activities = board.activities(now);
    let shown = if activities.len() > room { room.saturating_sub(1) } else { activities.len() };
    let width = activities.iter().take(shown).map(|a| words::width(&a.name)).max().unwrap_or(0);
    for activity in activities.iter().take(shown) {
        lines.push(active(activity, width.min(28), screen));
    }
    if activities.len() > shown && room > 0 {
        lines.push(screen.palette.dim(&format!("    and {} more", activities.len() - shown)));
    }
    if let Some(text) = &last {
        let text = words::shorten_end(text, screen.columns.saturating_sub(1));
        lines.push(if keys == Keys::Asking {
            screen.palette.bold(&text)
        } else {
            screen.palette.dim(&text)
        });
    }
    lines
}

fn offered(keys: Keys, paused: bool) -> Option<String> {
    match keys {
        Keys::None => None,
        Keys::Usual { decide, changes, fill, advance, page } => {
            let mut text = String::new();
            for (offered, says) in [
                (decide && !paused, "  a approve  x reject"),
                (changes && !paused, "  r request changes"),
                (fill && !paused, "  f fill in"),
                (advance && !paused, "  g go on"),
                (true, if paused { "  p resume" } else { "  p pause" }),
                (page, "  o open"),
                (true, "  c cancel  d detach"),
            ] {
                if offered {
                    text += says;
                }
            }
            Some(text)
        }
        Keys::Asking => {
            Some("  Ctrl-C: c cancel  d detach, it goes on  Enter keep watching".to_owned())
        }
    }
}

/// `     Running [  00:24] ######---- 2/7, 2 running, 1 waiting`
fn progress(board: &Board, now: Timestamp, screen: Screen) -> String {
    let bar = if screen.columns < 70 { 8 } else { 23 };
    let filled = (board.settled * bar).checked_div(board.total).unwrap_or(0).min(bar);
    let bar = "#".repeat(filled as usize) + &"-".repeat((bar - filled) as usize);
    let (running, waiting) = board.counts();
    let mut text = format!(
        "[{:>7}] {bar} {}/{}",
        words::clock(words::between(board.run.started_at.unwrap_or(board.run.created_at), now)),
        board.settled,
        board.total
    );
    if running > 0 {
        text += &format!(", {running} running");
    }
    if waiting > 0 {
        text += &format!(", {waiting} waiting");
    }
    if running + waiting == 0 && !board.run.reason.is_empty() {
        text += &format!(", {}", board.run.reason);
    }
    labelled(&words::title(&board.run.status), &text, screen)
}

fn active(activity: &Activity, width: usize, screen: Screen) -> String {
    let name = words::pad_end(&words::shorten_middle(&activity.name, width), width);
    let elapsed = activity.elapsed_ms.map_or_else(String::new, words::duration);
    let mut text = format!("  {} {name} {elapsed:>7}", activity.sign);
    if !activity.says.is_empty() {
        text += "  ";
        text += &activity.says;
    }
    if !activity.last_line.is_empty() {
        text += " | ";
        text += &words::one_line(&activity.last_line);
    }
    words::shorten_end(text.trim_end(), screen.columns.saturating_sub(1))
}

/// Escape sequences that replace `previous` pinned lines by scrollback `above` and new ones.
pub fn redraw(previous: usize, above: &[String], pinned: &[String]) -> String {
    let mut out = String::new();
    if previous > 0 {
        out += &format!("\r\u{1b}[{previous}A");
    }
    // From here to the end of the screen.
    out += "\u{1b}[J";
    for line in above.iter().chain(pinned) {
        out += line;
        out += "\r\n";
    }
    out
}
