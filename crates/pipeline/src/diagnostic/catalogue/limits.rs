//! E09: limits, and what is yet to come.

use super::{Entry, Example};
use crate::diagnostic::Code;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::NOT_SUPPORTED_YET,
        title: "not supported yet",
        cause: "The key is part of the language's plan, but this version does not execute it. \
                It is refused rather than ignored: work that nobody does would be worse.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: review, run: make review, container: {image: alpine}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: review, run: make review}\n",
    },
    Entry {
        code: Code::LIMIT,
        title: "too many of something",
        cause: "A pipeline may have a million dependencies in all: they multiply where one large \
                group follows another, or where many stages share the dependencies of one; put a \
                `noop` stage between them. It may have 500 schemas with 100 patterns, and 500 \
                patterns in one list of a condition.",
        wrong: Example::Made("Two groups of 1,100 stages, one after the other", || {
            use std::fmt::Write as _;
            let mut text = String::from("name: wide\nstages:\n");
            for group in ["a", "b"] {
                text.push_str("  - parallel:\n");
                for n in 0..1100 {
                    let _ = writeln!(text, "      - {{name: {group}{n}, noop: true}}");
                }
            }
            text
        }),
        right: "name: wide\nstages:\n  - parallel:\n      - {name: a1, noop: true}\n      - {name: a2, noop: true}\n  - {name: all-of-a, noop: true}\n  - parallel:\n      - {name: b1, noop: true}\n      - {name: b2, noop: true}\n",
    },
];
