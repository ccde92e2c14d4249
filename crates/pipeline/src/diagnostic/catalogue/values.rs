//! E03: types and values.

use super::{Entry, Example};
use crate::diagnostic::Code;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::WRONG_TYPE,
        title: "a value of the wrong type",
        cause: "The key takes another kind of value. Only `true` and `false` are booleans: \
                `yes`, `no`, `on` and `off` are text in YAML 1.2. A key without a value is \
                nothing, not an empty text.",
        wrong: Example::Text(
            "name: ship\ninputs: {fast: {type: boolean, required: no}}\nstages:\n  - {name: test, if: inputs.fast, run: make test}\n",
        ),
        right: "name: ship\ninputs: {fast: {type: boolean, required: false}}\nstages:\n  - {name: test, if: inputs.fast, run: make test}\n",
    },
    Entry {
        code: Code::BAD_DURATION,
        title: "not a duration",
        cause: "A duration is a whole number with a unit: `500ms`, `30s`, `5m`, `1h`, `2d`, or a \
                sum in falling order such as `2h30m`. At most a year, and most keys need more \
                than zero.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make test, timeout: 90}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, run: make test, timeout: 90s}\n",
    },
    Entry {
        code: Code::OUT_OF_RANGE,
        title: "a number out of range",
        cause: "The number is too small or too large for its key. `max_attempts` counts the \
                first try, so it is at least 1.",
        wrong: Example::Text("name: ship\nstages:\n  - {name: test, run: make test, retry: 0}\n"),
        right: "name: ship\nstages:\n  - {name: test, run: make test, retry: 1}\n",
    },
    Entry {
        code: Code::NOT_A_CHOICE,
        title: "a word that the key does not know",
        cause: "The key takes one of a few words; the message lists them.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make test, on_failure: ignore}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, run: make test, on_failure: continue}\n",
    },
    Entry {
        code: Code::BAD_SCHEMA,
        title: "not a JSON Schema",
        cause: "`schema` is a JSON Schema of draft 2020-12. Nothing is ever fetched, so a `$ref` \
                must stay within the schema, and patterns may not look around.",
        wrong: Example::Text(
            "name: ship\ninputs: {count: {type: integer, schema: {minimum: many}}}\nstages:\n  - {name: test, run: \"make ${count}\"}\n",
        ),
        right: "name: ship\ninputs: {count: {type: integer, schema: {minimum: 1}}}\nstages:\n  - {name: test, run: \"make ${count}\"}\n",
    },
    Entry {
        code: Code::BAD_DEFAULT,
        title: "a default that does not fit",
        cause: "The default, or a value of `enum`, breaks the input's own type or schema.",
        wrong: Example::Text(
            "name: ship\ninputs: {version: {type: string, default: 1.4}}\nstages:\n  - {name: test, run: \"make ${version}\"}\n",
        ),
        right: "name: ship\ninputs: {version: {type: string, default: \"1.4\"}}\nstages:\n  - {name: test, run: \"make ${version}\"}\n",
    },
    Entry {
        code: Code::BAD_PATH,
        title: "a path that leaves its directory",
        cause: "`working_dir` is a path below the directory of the run, and the path of an \
                artifact one below the working directory: not absolute, and without `..`. An \
                artifact's path is written out, and names a file.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, working_dir: ../other, run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, working_dir: packages/app, run: make test}\n",
    },
    Entry {
        code: Code::BAD_FORM,
        title: "a form that nobody could fill in",
        cause: "A rule stands at a field of a type it means nothing for, two rules contradict \
                each other, or the default breaks them. Lengths and `pattern` are rules of text, \
                `min` and `max` of numbers, `options` of a `select`, `earliest` and `latest` of \
                dates, `max_bytes` of files.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: ask, form: {fields: {count: {type: number, min: 5, max: 1}}}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: ask, form: {fields: {count: {type: number, min: 1, max: 5}}}}\n",
    },
    Entry {
        code: Code::BAD_APPROVAL,
        title: "an approval that could never come",
        cause: "Each entry of `approvers` is one slot, so a quorum is at most as large as the \
                list. `on_timeout: escalate` needs `escalate_to`, which says who decides then, \
                and the other way round. Reminders are percent of the time, rising.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: deploy, run: make deploy, requires_approval: {approvers: [ana, bo], quorum: 3}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: deploy, run: make deploy, requires_approval: {approvers: [ana, bo], quorum: 2}}\n",
    },
    Entry {
        code: Code::BAD_SCHEDULE,
        title: "a schedule that is never due",
        cause: "`schedule` is minute, hour, day of the month, month and day of the week, as cron \
                writes them, or a word such as `@daily`. `timezone` is a name of the time zone \
                database. A day that no month has is never due.",
        wrong: Example::Text(
            "name: nightly\ntriggers:\n  - {schedule: \"0 2 30 2 *\"}\nstages:\n  - {name: build, run: make}\n",
        ),
        right: "name: nightly\ntriggers:\n  - {schedule: \"0 2 28 2 *\", timezone: Europe/Berlin}\nstages:\n  - {name: build, run: make}\n",
    },
];
