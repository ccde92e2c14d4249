//! Notices and their targets as text.

use api::notice::{NoticeView, NotifyTarget};
use jiff::Timestamp;

use crate::output::table::{Cell, Table};
use crate::words;

/// `notify list`
pub fn table(notices: &[NoticeView], now: Timestamp) -> Table {
    let mut table = Table::new(&["ID", "STATUS", "TARGET", "WHAT", "AGE", "TRIES", "PROBLEM"]);
    for notice in notices {
        table.row(vec![
            notice.id.as_str().into(),
            Cell::status(&notice.status),
            notice.target.as_str().into(),
            words::shorten_end(&words::one_line(&notice.title), 80).into(),
            words::age(words::between(notice.created_at, now)).into(),
            notice.attempts.to_string().into(),
            words::shorten_end(&words::one_line(&notice.problem), 60).into(),
        ]);
    }
    table
}

/// `notify targets`
pub fn targets(targets: &[NotifyTarget]) -> Table {
    let mut table =
        Table::new(&["TARGET", "KIND", "LEADS TO", "ON", "WAITING", "GIVEN UP", "PROBLEM"]);
    for target in targets {
        let kind = match target.kind.as_str() {
            "" => "gone",
            kind => kind,
        };
        table.row(vec![
            target.name.as_str().into(),
            kind.into(),
            target.leads_to.as_str().into(),
            target.on.join(", ").into(),
            target.waiting.to_string().into(),
            target.given_up.to_string().into(),
            words::shorten_end(&words::one_line(&target.problem), 60).into(),
        ]);
    }
    table
}

/// `notify show`
pub fn detail(notice: &NoticeView, now: Timestamp) -> String {
    let mut text = format!("{}  {}\n", notice.id, words::one_line(&notice.title));
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {label:<10}{}\n", words::one_line(value)));
        }
    };
    line("status", &notice.status);
    line("kind", &notice.kind);
    line("target", &notice.target);
    line("run", &notice.run);
    line("request", notice.request.as_deref().unwrap_or_default());
    line("made", &words::minute(notice.created_at));
    line("tries", &notice.attempts.to_string());
    line("problem", &notice.problem);
    if let Some(next) = notice.next_at {
        line("next try", &words::due(next, now));
    }
    if let Some(settled) = notice.settled_at {
        line(&notice.status.replace('_', " "), &words::minute(settled));
    }
    line("key", &notice.key);
    line("link", notice.url.as_deref().unwrap_or_default());
    line("see", &notice.command);
    if !notice.text.is_empty() {
        text.push_str(&format!("\n{}\n", words::without_escapes_in_lines(&notice.text)));
    }
    text
}
