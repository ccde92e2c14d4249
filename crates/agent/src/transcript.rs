//! What happened, as people read it on the attempt's log: who, and a line for each call of a tool.

use std::io::Write as _;

use api::agent::Did;

/// Longer text of a tool is not for the log; it stands in the events.
const SHOWN_CHARS: usize = 200;

/// Lines of text; none for what nobody reads there.
pub fn lines(who: &str, what: &Did) -> Vec<String> {
    let one = |text: String| vec![format!("{who}{text}")];
    match what {
        Did::Started { resumed: true, .. } => one(" goes on where it was".into()),
        Did::Started { resumed: false, .. } => one(" begins".into()),
        Did::Prompt { .. } | Did::Thinking { .. } | Did::Usage { .. } | Did::Ended { .. } => {
            Vec::new()
        }
        Did::Text { text } => {
            text.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("{who}: {l}")).collect()
        }
        Did::ToolCall { title, .. } => one(format!(" > {}", first_line(title))),
        Did::ToolResult { ok: true, .. } => Vec::new(),
        Did::ToolResult { output, .. } => one(format!(" ! {}", first_line(output))),
        Did::Denied { title, reason, .. } => {
            one(format!(" ! refused: {} ({})", first_line(title), first_line(reason)))
        }
        Did::Asked { question, .. } => one(format!(" ? {}", first_line(question))),
        Did::Answered { answer, .. } => one(format!(" < {}", first_line(answer))),
        Did::TakenOver { by, .. } => vec![format!("== {by} took over from {who}")],
        Did::HandedBack { by, note, accept, .. } => {
            let result = if *accept { ", as the result" } else { "" };
            let note = if note.is_empty() { String::new() } else { format!(": {note}") };
            vec![format!("== {by} handed back to {who}{result}{}", first_line(&note))]
        }
        Did::Note { text } => one(format!(" notes: {}", first_line(text))),
        Did::Retry { wait_ms, reason, .. } => {
            one(format!(" tries again in {wait_ms} ms: {}", first_line(reason)))
        }
        // Who takes part in a discussion is told apart by name; what all came to is nobody's.
        Did::Turn { says, .. } if who.is_empty() => vec![format!("== {}", first_line(says))],
        Did::Turn { says, .. } => vec![format!("== {who}: {}", first_line(says))],
        Did::Validated { passed: true, .. } => vec!["check passed".into()],
        Did::Validated { code, tail, .. } => {
            let code = code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
            let mut all = vec![format!("check failed ({code})")];
            all.extend(tail.lines().map(|line| format!("  {line}")));
            all
        }
        Did::Result { .. } => one(" hands in the result".into()),
        Did::Warning { text } => vec![format!("warning: {}", first_line(text))],
    }
}

/// Without waiting for anybody to read it; nobody may be there.
pub(crate) fn say(lines: &[String]) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

/// The first line that says something, cut where it is too long.
pub fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    match line.char_indices().nth(SHOWN_CHARS) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}
