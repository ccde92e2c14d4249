//! The conversation, as it is kept: every answer of the model is on disk before anything is done
//! about it, so that no attempt asks for it again.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::wire::{Answer, Turn};
use crate::memory::{Log, Problem};
use crate::tools::Output;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A message of the seat, by its number there, or a word of the loop itself (0).
    User { message: u32, text: String },
    /// Turns count the calls of the model, from 1.
    Answer { turn: u32, answer: Answer },
    /// Of all calls of the answer before, by the provider's ids.
    Results { results: Vec<(String, Output)> },
    /// The turn gave nothing that can be used, and is not asked for again.
    Spoiled { turn: u32, why: String },
    /// The results of the tools before this are left out from here on.
    Cleared,
    /// All before this is left out from here on; the text stands for it.
    Summary { turn: u32, text: String },
    /// The provider takes no schema for its last words.
    Plain,
}

/// What is left to do about the last entry.
#[derive(Debug, PartialEq)]
pub(super) enum Due<'a> {
    Model,
    Calls(u32, &'a Answer),
    /// The model has said all that it wanted to say.
    Nothing(&'a Answer),
}

#[derive(Debug)]
pub(super) struct Talk {
    log: Log<Entry>,
    entries: Vec<Entry>,
}

/// So many of the last answers keep the results of their tools.
const KEPT: usize = 3;

impl Talk {
    pub(super) fn open(folder: &Path) -> Result<Self, Problem> {
        let (log, entries) = Log::open(&folder.join("talk.ndjson"))?;
        Ok(Self { log, entries })
    }

    /// On disk when this returns.
    pub(super) fn keep(&mut self, entry: Entry) -> Result<(), Problem> {
        self.log.keep(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    pub(super) fn has_message(&self, number: u32) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry, Entry::User { message, .. } if *message == number))
    }

    /// The number of the next call of the model.
    pub(super) fn next_turn(&self) -> u32 {
        let turn = |entry: &Entry| match entry {
            Entry::Answer { turn, .. }
            | Entry::Spoiled { turn, .. }
            | Entry::Summary { turn, .. } => Some(*turn),
            Entry::User { .. } | Entry::Results { .. } | Entry::Cleared | Entry::Plain => None,
        };
        self.entries.iter().filter_map(turn).max().unwrap_or(0) + 1
    }

    pub(super) fn due(&self) -> Due<'_> {
        let last = self.entries.iter().rev().find(|entry| {
            matches!(
                entry,
                Entry::User { .. }
                    | Entry::Answer { .. }
                    | Entry::Results { .. }
                    | Entry::Summary { .. }
            )
        });
        match last {
            Some(Entry::Answer { turn, answer }) if !answer.calls.is_empty() => {
                Due::Calls(*turn, answer)
            }
            Some(Entry::Answer { answer, .. }) => Due::Nothing(answer),
            _ => Due::Model,
        }
    }

    pub(super) fn ends_with_results(&self) -> bool {
        matches!(self.entries.last(), Some(Entry::Results { .. }))
    }

    /// What the model said last.
    pub(super) fn last_text(&self) -> String {
        let text = |entry: &Entry| match entry {
            Entry::Answer { answer, .. } => Some(answer.text.clone()),
            Entry::User { .. }
            | Entry::Results { .. }
            | Entry::Spoiled { .. }
            | Entry::Cleared
            | Entry::Summary { .. }
            | Entry::Plain => None,
        };
        self.entries.iter().rev().find_map(text).unwrap_or_default()
    }

    pub(super) fn is_plain(&self) -> bool {
        self.entries.contains(&Entry::Plain)
    }

    pub(super) fn was_summarised(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry, Entry::Summary { .. }))
    }

    /// Whether clearing would leave anything out that is still sent.
    pub(super) fn can_clear(&self) -> bool {
        let since = self.entries.iter().rposition(|entry| *entry == Entry::Cleared);
        let fresh = &self.entries[since.map_or(0, |at| at + 1)..];
        fresh.iter().filter(|entry| matches!(entry, Entry::Results { .. })).count() > KEPT
    }

    /// How often the loop itself has said this.
    pub(super) fn said(&self, words: &str) -> usize {
        self.entries
            .iter()
            .filter(|entry| matches!(entry, Entry::User { message: 0, text } if text == words))
            .count()
    }

    /// The conversation as it is sent now.
    pub(super) fn turns(&self) -> Vec<Turn> {
        let summary = self.entries.iter().rposition(|e| matches!(e, Entry::Summary { .. }));
        let results: Vec<usize> = (0..self.entries.len())
            .filter(|&at| matches!(self.entries[at], Entry::Results { .. }))
            .collect();
        let cleared = self.entries.iter().rposition(|entry| *entry == Entry::Cleared);
        // Those before the mark, but the last few.
        let before = cleared.map_or(0, |mark| results.iter().filter(|&&at| at < mark).count());
        let emptied = &results[..before.saturating_sub(KEPT)];
        let mut turns = Vec::new();
        let user = |turns: &mut Vec<Turn>, text: &str| match turns.last_mut() {
            Some(Turn::User(before)) => {
                before.push_str("\n\n");
                before.push_str(text);
            }
            _ => turns.push(Turn::User(text.to_owned())),
        };
        for (at, entry) in self.entries.iter().enumerate() {
            let first = at == 0;
            if summary.is_some_and(|summary| at < summary) && !first {
                continue;
            }
            match entry {
                Entry::User { text, .. } => user(&mut turns, text),
                Entry::Answer { answer, .. } if answer.echo.is_null() => {}
                Entry::Answer { answer, .. } => turns.push(Turn::Model(answer.echo.clone())),
                Entry::Results { results } if emptied.contains(&at) => {
                    turns.push(Turn::Results(results.iter().map(empty).collect()));
                }
                Entry::Results { results } => turns.push(Turn::Results(results.clone())),
                Entry::Summary { text, .. } => user(
                    &mut turns,
                    &format!(
                        "The conversation until here was too long and is left out. You wrote down what \
                     matters of it:\n\n{text}"
                    ),
                ),
                Entry::Spoiled { .. } | Entry::Cleared | Entry::Plain => {}
            }
        }
        turns
    }
}

fn empty((id, output): &(String, Output)) -> (String, Output) {
    let text = match output.text.len() {
        // The words that stand for it would save nothing.
        ..=200 => output.text.clone(),
        bytes => format!("[{bytes} bytes left out to save room; call again if you need them]"),
    };
    (id.clone(), Output { ok: output.ok, text })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::wire::{Stop, Tokens, Wanted};
    use super::*;

    fn answer(turn: u32, calls: usize) -> Entry {
        let call = |n| Wanted { id: format!("c{n}"), name: "read".into(), arguments: "{}".into() };
        let answer = Answer {
            echo: json!(turn),
            text: String::new(),
            thinking: String::new(),
            calls: (0..calls).map(call).collect(),
            stop: Stop::End,
            tokens: Tokens::default(),
        };
        Entry::Answer { turn, answer }
    }

    fn results(length: usize) -> Entry {
        Entry::Results { results: vec![("c0".into(), Output::done("x".repeat(length)))] }
    }

    fn talk(entries: Vec<Entry>) -> (tempfile::TempDir, Talk) {
        let folder = tempfile::tempdir().unwrap();
        let mut talk = Talk::open(folder.path()).unwrap();
        entries.into_iter().for_each(|entry| talk.keep(entry).unwrap());
        (folder, talk)
    }

    #[test]
    fn what_is_due_follows_from_what_was_kept() {
        let user = || Entry::User { message: 1, text: "go".into() };
        let due = |entries| match talk(entries).1.due() {
            Due::Model => "model",
            Due::Calls(..) => "calls",
            Due::Nothing(_) => "nothing",
        };
        assert_eq!(due(vec![user()]), "model");
        assert_eq!(due(vec![user(), answer(1, 1)]), "calls");
        assert_eq!(due(vec![user(), answer(1, 1), results(1)]), "model");
        assert_eq!(due(vec![user(), answer(1, 0)]), "nothing");
        let spoiled = Entry::Spoiled { turn: 1, why: String::new() };
        let (_folder, talk) = talk(vec![user(), spoiled]);
        assert_eq!((talk.due(), talk.next_turn()), (Due::Model, 2));
    }

    #[test]
    fn old_results_are_left_out_first_and_then_everything_but_the_task() {
        let mut entries = vec![Entry::User { message: 1, text: "the task".into() }];
        for turn in 1..=5 {
            entries.extend([answer(turn, 1), results(1000)]);
        }
        entries.push(Entry::Cleared);
        let (folder, mut talk) = talk(entries);
        let emptied = talk
            .turns()
            .iter()
            .filter(|turn| matches!(turn, Turn::Results(r) if r[0].1.text.contains("left out")))
            .count();
        assert_eq!(emptied, 2);
        assert!(!talk.can_clear());
        talk.keep(Entry::Summary { turn: 6, text: "so far".into() }).unwrap();
        talk.keep(answer(7, 0)).unwrap();
        let turns = Talk::open(folder.path()).unwrap().turns();
        let [Turn::User(text), Turn::Model(echo)] = &turns[..] else { panic!("{turns:?}") };
        assert!(text.starts_with("the task\n\n") && text.ends_with("so far"), "{text}");
        assert_eq!(*echo, json!(7));
    }
}
