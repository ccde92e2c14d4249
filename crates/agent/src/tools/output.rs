//! What a tool says to the model: never more than fits, never a secret.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::veil::Veil;

/// Of the beginning and of the end, in bytes.
pub(crate) const SIDE: usize = 15_000;
/// Of what is kept beside it in a file.
pub(crate) const KEPT: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) ok: bool,
    pub(crate) text: String,
}

impl Output {
    pub(crate) fn done(text: String) -> Self {
        Self { ok: true, text }
    }

    pub(crate) fn failed(text: String) -> Self {
        Self { ok: false, text }
    }

    /// Masked, and cut in the middle when it is long; then the whole lies in the workspace.
    pub(super) async fn shown(self, veil: &Veil, place: &Arc<Place>, id: &str) -> Self {
        let text = veil.text(&self.text);
        if text.len() <= 2 * SIDE {
            return Self { ok: self.ok, text };
        }
        let path = format!(".orchestrate/output/{}.txt", file_name(id));
        let (head, tail) = ends(&text, SIDE);
        let left_out = text.len() - head.len() - tail.len();
        let (head, tail) = (head.to_owned(), tail.to_owned());
        let saved = {
            let (place, path) = (Arc::clone(place), path.clone());
            let task = move || place.write(&path, text.as_bytes()).map(drop);
            tokio::task::spawn_blocking(task).await.is_ok_and(|saved| saved.is_ok())
        };
        let whole = if saved { format!("; all of it: {path}") } else { String::new() };
        let text = format!("{head}\n[... {left_out} bytes left out{whole} ...]\n{tail}");
        Self { ok: self.ok, text }
    }
}

/// The first and the last bytes of a text, at most so many of each, in whole characters.
pub(crate) fn ends(text: &str, side: usize) -> (&str, &str) {
    let mut head = side.min(text.len());
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = text.len().saturating_sub(side).max(head);
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    (&text[..head], &text[tail..])
}

fn file_name(id: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    id.chars().map(fit).take(80).collect()
}

/// Keeps the beginning and the end of what flows through, whatever its length.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    head: Vec<u8>,
    tail: std::collections::VecDeque<u8>,
    left_out: u64,
}

impl Ends {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let fits = (KEPT / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..fits]);
        self.tail.extend(&bytes[fits..]);
        let over = self.tail.len().saturating_sub(KEPT / 2);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    pub(crate) fn text(mut self) -> String {
        let tail = self.tail.make_contiguous();
        match self.left_out {
            0 => {
                self.head.extend_from_slice(tail);
                String::from_utf8_lossy(&self.head).into_owned()
            }
            left_out => format!(
                "{}\n[... {left_out} bytes were dropped ...]\n{}",
                String::from_utf8_lossy(&self.head),
                String::from_utf8_lossy(tail)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_whole_characters_and_never_overlap() {
        assert_eq!(ends("abcdef", 2), ("ab", "ef"));
        assert_eq!(ends("aä€b", 2), ("a", "b"));
        assert_eq!(ends("abc", 2), ("ab", "c"));
        assert_eq!(ends("abc", 9), ("abc", ""));
    }

    #[test]
    fn what_flows_by_for_ever_takes_no_more_room() {
        let mut ends = Ends::default();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            ends.push(&piece);
        }
        ends.push(b"the end");
        let text = ends.text();
        assert!(text.len() < KEPT + 100 && text.ends_with("the end") && text.contains("dropped"));
    }
}
