//! What an iteration is told of those before it.

use super::Repeat;
use super::journal::Iteration;
use crate::prompt::Before;
use crate::shape::after_failure;
use crate::tools::output::ends;

/// Of all notes together, in bytes; the last ones say most.
const NOTES: usize = 6000;
/// Of the difference, in bytes from each end.
const DIFF: usize = 4000;
/// So many changed files are named.
const FILES: usize = 50;
/// In one line.
const FEW: usize = 5;

impl Repeat<'_> {
    pub(super) async fn told(&self, now: Option<&str>) -> Before {
        let past = self.journal.past();
        let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let (entries, chars) =
            (count(self.rounds.progress_entries), count(self.rounds.progress_chars));
        let shown = past.len().saturating_sub(entries);
        let progress: Vec<String> = past[shown..].iter().map(|it| entry(it, chars)).collect();
        let note = |it: &Iteration| {
            let number = it.number;
            it.notes.iter().map(|note| format!("- ({number}) {note}")).collect::<Vec<_>>()
        };
        let notes = past.iter().flat_map(note).collect::<Vec<_>>().join("\n");
        let base = past.first().and_then(|first| first.before.as_deref());
        let (git_status, git_diff) = match (&self.trees, base, now) {
            (Some(trees), Some(base), Some(now)) if base != now => {
                let files = trees.changed(base, now).await.unwrap_or_default();
                (listed(&files, FILES, "\n"), trees.diff(base, now).await.unwrap_or_default())
            }
            _ => (String::new(), String::new()),
        };
        Before {
            progress: progress.join("\n\n"),
            previous_errors: past.last().map_or_else(
                || after_failure(self.room.memory.past()).unwrap_or_default(),
                |last| last.errors.clone(),
            ),
            notes: match notes.len() > NOTES {
                true => format!("[...]{}", ends(&notes, NOTES).1),
                false => notes,
            },
            git_status,
            git_diff: middle(&self.room.veil.text(&git_diff)),
        }
    }
}

fn entry(iteration: &Iteration, chars: usize) -> String {
    let head = format!("Iteration {}: {}.", iteration.number, outcome(iteration));
    match cut(iteration.text.trim(), chars) {
        text if text.is_empty() => head,
        text => format!("{head}\n{text}"),
    }
}

/// In a few words: `the check failed, 2 files changed (M a.rs, A b.rs)`.
pub(super) fn outcome(iteration: &Iteration) -> String {
    let check = match (iteration.passed, iteration.errors.is_empty()) {
        (Some(true), true) => "the check passed",
        (Some(true), false) => "the check passed, but it is not done",
        (Some(false), _) => "the check failed",
        (None, true) => "it ended well",
        (None, false) => "it came to no good end",
    };
    let files = match iteration.changed.len() {
        0 if iteration.tree.is_none() => return check.to_owned(),
        0 => "no file changed".to_owned(),
        1 => format!("1 file changed ({})", iteration.changed[0]),
        n => format!("{n} files changed ({})", listed(&iteration.changed, FEW, ", ")),
    };
    format!("{check}, {files}")
}

pub(super) fn of_check(command: &str, tail: &str, before: &str) -> String {
    let check = format!("`{command}` said:\n{tail}");
    if before.is_empty() { check } else { format!("{before}\n{check}") }
}

pub(super) fn of_protected(files: &[String], before: &str) -> String {
    let files = listed(files, FILES, ", ");
    let said = format!("These files are protected; what was changed there was put back: {files}");
    if before.is_empty() { said } else { format!("{before}\n{said}") }
}

fn listed(all: &[String], most: usize, between: &str) -> String {
    let mut text = all.iter().take(most).cloned().collect::<Vec<_>>().join(between);
    if all.len() > most {
        text.push_str(&format!("{between}and {} more", all.len() - most));
    }
    text
}

pub(super) fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

fn middle(text: &str) -> String {
    if text.len() <= 2 * DIFF {
        return text.to_owned();
    }
    let (head, tail) = ends(text, DIFF);
    format!("{head}\n[...]\n{tail}")
}
