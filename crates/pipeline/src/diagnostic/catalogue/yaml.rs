//! E01: the text is not the YAML that is accepted.

use super::{Entry, Example};
use crate::diagnostic::Code;

const RIGHT: &str = "name: hello\nstages:\n  - name: greet\n    run: echo hello\n";

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::SYNTAX,
        title: "the YAML cannot be read",
        cause: "The text breaks the syntax of YAML, so nothing behind this place could be read; \
                other mistakes may show once it is repaired. Usual causes: a tab in the \
                indentation, a bracket or quote that is not closed, a value that begins with a \
                reserved character or holds `: ` and has no quotes.",
        wrong: Example::Text("name: hello\nstages:\n  - name: greet\n    run: \"echo hello\n"),
        right: RIGHT,
    },
    Entry {
        code: Code::TOO_LARGE,
        title: "the definition is too large",
        cause: "A definition may have 1 MiB. Move long scripts and data into files of their own \
                and run them from there.",
        wrong: Example::Made("A file of 2 MiB", || {
            format!("name: hello\ndescription: {}\n", "x".repeat(2 << 20))
        }),
        right: RIGHT,
    },
    Entry {
        code: Code::CONTROL_CHARACTER,
        title: "a control character",
        cause: "Characters that cannot be seen, such as a NUL or an escape, may not stand in a \
                definition. Where one is meant, write its escape in a double-quoted string; a \
                NUL cannot be handed to a program at all.",
        wrong: Example::Text("name: hello\nstages:\n  - name: greet\n    run: \"echo \\0\"\n"),
        right: "name: hello\nstages:\n  - name: greet\n    run: \"printf '\\\\033[1m'\"\n",
    },
    Entry {
        code: Code::TOO_DEEP,
        title: "lists and maps are nested too deeply",
        cause: "Lists and maps may stand 64 deep inside each other. No pipeline needs more; data \
                of that shape belongs into a file.",
        wrong: Example::Made("A list in a list in a list, a hundred times", || {
            format!("name: hello\nstages: {}{}\n", "[".repeat(100), "]".repeat(100))
        }),
        right: RIGHT,
    },
    Entry {
        code: Code::TAG,
        title: "a tag",
        cause: "Tags such as `!!str` or `!env` are not part of the language: types follow from \
                the values. To make text of something that looks like a number, put it in quotes.",
        wrong: Example::Text(
            "name: hello\nvariables: {port: !!str 80}\nstages:\n  - name: greet\n    run: echo ${port}\n",
        ),
        right: "name: hello\nvariables: {port: \"80\"}\nstages:\n  - name: greet\n    run: echo ${port}\n",
    },
    Entry {
        code: Code::ALIAS_BOMB,
        title: "aliases expand to too many values",
        cause: "Aliases of aliases multiply: a few lines can stand for billions of values. All \
                aliases of a definition together may stand for 100,000.",
        wrong: Example::Made("Ten anchors, each a list of ten times the one before", || {
            use std::fmt::Write as _;
            let mut text = String::from("name: hello\nvariables:\n  a0: &a0 [x, x]\n");
            for n in 1..10 {
                let inner = vec![format!("*a{}", n - 1); 10].join(", ");
                let _ = writeln!(text, "  a{n}: &a{n} [{inner}]");
            }
            text
        }),
        right: "name: hello\nstages:\n  - name: one\n    env: &common {LEVEL: high}\n    run: echo \"$LEVEL\"\n  - name: two\n    env: *common\n    run: echo \"$LEVEL\"\n",
    },
    Entry {
        code: Code::ALIAS,
        title: "an alias without its anchor",
        cause: "An alias `*name` repeats what the anchor `&name` before it marks. The anchor is \
                missing, or the alias stands inside what it would repeat.",
        wrong: Example::Text(
            "name: hello\nstages:\n  - name: greet\n    env: *common\n    run: echo hello\n",
        ),
        right: "name: hello\nenv: &common {LEVEL: high}\nstages:\n  - name: greet\n    env: *common\n    run: echo \"$LEVEL\"\n",
    },
    Entry {
        code: Code::SEVERAL_DOCUMENTS,
        title: "more than one document",
        cause: "A line `---` begins a second document. One file defines one pipeline.",
        wrong: Example::Text(
            "name: hello\nstages:\n  - {name: greet, noop: true}\n---\nname: other\nstages: []\n",
        ),
        right: "---\nname: hello\nstages:\n  - {name: greet, noop: true}\n",
    },
    Entry {
        code: Code::DUPLICATE_KEY,
        title: "a key is given twice",
        cause: "Only one of the two values could count, and YAML readers disagree which. Remove \
                one.",
        wrong: Example::Text(
            "name: hello\nstages:\n  - name: greet\n    run: echo hello\n    run: echo again\n",
        ),
        right: RIGHT,
    },
    Entry {
        code: Code::KEY_NOT_TEXT,
        title: "a key that is not text",
        cause: "Keys are text. A value that begins with `{` and has no quotes is often the cause.",
        wrong: Example::Text(
            "name: hello\nstages:\n  - name: greet\n    env: {{LEVEL: 1}: 2}\n    run: echo hello\n",
        ),
        right: "name: hello\nstages:\n  - name: greet\n    env: {LEVEL: 1}\n    run: echo \"$LEVEL\"\n",
    },
    Entry {
        code: Code::NOT_A_MAP,
        title: "the definition is empty or not a map",
        cause: "A pipeline is a map: at its outermost level stand `name:`, `stages:` and so on.",
        wrong: Example::Text("- name: greet\n  run: echo hello\n"),
        right: RIGHT,
    },
    Entry {
        code: Code::MERGE_KEY,
        title: "a merge key",
        cause: "`<<` belonged to YAML 1.1 and is not part of YAML 1.2. Repeat the keys, alias a \
                whole map, or set what is common at the pipeline: `env`, `error_handling`.",
        wrong: Example::Text(
            "name: hello\nenv: &common {LEVEL: high}\nstages:\n  - name: greet\n    env: {<<: *common}\n    run: echo hello\n",
        ),
        right: "name: hello\nenv: &common {LEVEL: high}\nstages:\n  - name: greet\n    env: *common\n    run: echo hello\n",
    },
];
