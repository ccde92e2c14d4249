//! A text as lines, and the blocks that they make by their indentation.

use std::ops::Range;

pub(super) struct Lines<'a> {
    text: &'a str,
    /// Where each line begins, and the end of the text.
    starts: Vec<usize>,
}

/// Lines of something: comments directly above it, itself, up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) head: usize,
    pub(super) first: usize,
    pub(super) end: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Self { text, starts }
    }

    pub(super) fn whole(&self) -> String {
        self.text.to_owned()
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    pub(super) fn text(&self, lines: Range<usize>) -> &'a str {
        &self.text[self.starts[lines.start]..self.starts[lines.end]]
    }

    fn line(&self, line: usize) -> &'a str {
        if line < self.count() { self.text(line..line + 1) } else { "" }
    }

    /// The line of a byte.
    pub(super) fn at(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// What stands before a byte in its line.
    pub(super) fn before(&self, line: usize, byte: usize) -> &'a str {
        &self.text[self.starts[line]..byte]
    }

    pub(super) fn column(&self, byte: usize) -> usize {
        byte - self.starts[self.at(byte)]
    }

    pub(super) fn indent(&self, line: usize) -> usize {
        let line = self.line(line);
        line.len() - line.trim_start_matches(' ').len()
    }

    pub(super) fn is_blank(&self, line: usize) -> bool {
        line < self.count() && self.line(line).trim().is_empty()
    }

    fn is_comment(&self, line: usize) -> bool {
        self.line(line).trim_start().starts_with('#')
    }

    /// As the text ends its lines.
    pub(super) fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// An item of a list whose dash stands in this column of this line.
    pub(super) fn block(&self, first: usize, column: usize) -> Block {
        let mut head = first;
        while head > 0 && self.is_comment(head - 1) && self.indent(head - 1) == column {
            head -= 1;
        }
        let end = self.end(first, |line| self.indent(line) > column);
        Block { head, first, end }
    }

    /// A key in this column. A list may begin in the same column as its key.
    pub(super) fn entry(&self, first: usize, column: usize) -> Block {
        let belongs = |line: usize| {
            let indent = self.indent(line);
            let rest = self.line(line).trim_start_matches(' ').trim_end();
            indent > column || (indent == column && (rest == "-" || rest.starts_with("- ")))
        };
        Block { head: first, first, end: self.end(first, belongs) }
    }

    /// After the last line that belongs to what begins here; empty lines at its end do not.
    fn end(&self, first: usize, belongs: impl Fn(usize) -> bool) -> usize {
        let mut end = first + 1;
        for line in first + 1..self.count() {
            if self.is_blank(line) {
                continue;
            }
            if !belongs(line) {
                break;
            }
            end = line + 1;
        }
        end
    }

    /// The text with these lines replaced.
    pub(super) fn replaced(&self, lines: Range<usize>, new: &str) -> String {
        let (before, after) = (self.starts[lines.start], self.starts[lines.end.min(self.count())]);
        let mut text = self.text[..before].to_owned();
        if !new.is_empty() {
            self.end_line(&mut text);
        }
        text.push_str(new);
        text.push_str(&self.text[after..]);
        text
    }

    /// The text with the block `blocks[n]` where `places[n]` is; what is between them stays.
    pub(super) fn permuted(&self, places: &[Block], blocks: &[Block]) -> String {
        let mut text = String::with_capacity(self.text.len() + 2);
        let mut at = 0;
        for (place, block) in places.iter().zip(blocks) {
            text.push_str(self.text(at..place.head));
            text.push_str(self.text(block.head..block.end));
            self.end_line(&mut text);
            at = place.end;
        }
        let rest = self.text(at..self.count());
        if rest.is_empty() && !self.text.ends_with('\n') {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text + rest
    }

    /// The last line of a text may lack its end.
    fn end_line(&self, text: &mut String) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(self.newline());
        }
    }
}
