//! What agents did and said, as text.

use api::agent::{Did, Happening, Usage};
use api::model::ModelUsage;

use super::models;
use crate::terminal::Palette;
use crate::words;

/// Whose talk it is, and how much of it is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    pub execution: &'a str,
    /// Cells of the longest name.
    pub width: usize,
    /// Prompts, thoughts, and what tools were given and gave back, whole.
    pub full: bool,
}

impl Line<'_> {
    /// `build 14:02:21.377 | implementer > bash cargo test`, a line each; may be none.
    pub fn text(&self, happening: &Happening, palette: Palette) -> String {
        let name = words::pad_end(self.execution, self.width);
        let time = happening.at.strftime("%H:%M:%S%.3f");
        let lead = palette.dim(&format!("{name} {time} |"));
        let lines = lines(&happening.who, &happening.what, self.full);
        let shown = lines.iter().map(|line| {
            let line = words::without_escapes(line);
            format!("{lead} {line}").trim_end().to_owned() + "\n"
        });
        shown.collect()
    }
}

fn lines(who: &str, what: &Did, full: bool) -> Vec<String> {
    match what {
        Did::Prompt { system, text } if full => {
            let mut all = vec![format!("{who} is told:")];
            all.extend(whole(system));
            all.push(format!("{who} is asked:"));
            all.extend(whole(text));
            all
        }
        Did::Prompt { text, .. } => {
            let bytes = words::bytes(text.len() as u64);
            vec![format!("{who} is asked ({bytes}): {}", agent::first_line(text))]
        }
        Did::Thinking { text } if full => {
            [format!("{who} thinks:")].into_iter().chain(whole(text)).collect()
        }
        Did::ToolCall { input, .. } if full => {
            let mut all = agent::transcript(who, what);
            all.extend(whole(&format!("{input:#}")));
            all
        }
        Did::ToolResult { output, .. } if full => {
            let mut all = agent::transcript(who, what);
            all.extend(whole(output));
            all
        }
        Did::Result { value } if full => {
            let mut all = agent::transcript(who, what);
            all.extend(whole(&format!("{value:#}")));
            all
        }
        Did::Usage { usage, .. } => vec![format!("{who} used {}", used(usage))],
        Did::Ended { verdict } => vec![format!("ended: {}", verdict.says)],
        Did::Started { .. }
        | Did::Text { .. }
        | Did::Thinking { .. }
        | Did::ToolCall { .. }
        | Did::ToolResult { .. }
        | Did::Denied { .. }
        | Did::Asked { .. }
        | Did::Answered { .. }
        | Did::Note { .. }
        | Did::TakenOver { .. }
        | Did::HandedBack { .. }
        | Did::Retry { .. }
        | Did::Turn { .. }
        | Did::Validated { .. }
        | Did::Result { .. }
        | Did::Warning { .. } => agent::transcript(who, what),
    }
}

fn whole(text: &str) -> impl Iterator<Item = String> + '_ {
    text.trim_end().lines().map(|line| format!("  {line}"))
}

fn used(usage: &Usage) -> String {
    models::brief(&ModelUsage {
        calls: usage.calls.into(),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cache_read_tokens: usage.cache_read_tokens,
        cache_write_tokens: usage.cache_write_tokens,
        nano_usd: usage.nano_usd,
        ..ModelUsage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(what: Did, full: bool) -> String {
        let at = "2026-01-02T14:02:21.377Z".parse().unwrap();
        let happening = Happening { seq: 1, attempt: 1, at, who: "coder".into(), what };
        Line { execution: "build", width: 6, full }.text(&happening, Palette::PLAIN)
    }

    #[test]
    fn a_line_says_who_did_what_and_more_when_it_is_asked_for() {
        let call = Did::ToolCall {
            id: "1".into(),
            kind: None,
            title: "bash cargo test".into(),
            input: json!({"command": "cargo test\u{1b}[2J"}),
        };
        let short = "build  14:02:21.377 | coder > bash cargo test\n";
        assert_eq!(shown(call.clone(), false), short);
        let full = shown(call, true);
        assert!(full.starts_with(short) && full.contains("|   {\n"), "{full}");
        assert!(!full.contains('\u{1b}'), "{full:?}");
        let usage = Usage { calls: 1, input_tokens: 900, output_tokens: 99, ..Usage::default() };
        let usage =
            Did::Usage { usage: Usage { nano_usd: Some(110_000_000), ..usage }, turn: None };
        assert_eq!(
            shown(usage, false),
            "build  14:02:21.377 | coder used 1 call, 999 tokens, $0.11\n"
        );
        assert_eq!(shown(Did::Thinking { text: "hm".into() }, false), "");
        let prompt = Did::Prompt { system: "be".into(), text: "do\nit".into() };
        assert!(shown(prompt, false).ends_with("| coder is asked (5 B): do\n"));
    }
}
