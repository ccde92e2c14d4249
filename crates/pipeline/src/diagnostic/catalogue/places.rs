//! E05: where a stage runs.

use super::{Entry, Example};
use crate::diagnostic::Code;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::BAD_LABEL,
        title: "this cannot be a label",
        cause: "`runs_on` names labels of workers, as they were given to `orchestrate worker \
                --label`: 1 to 16 of them, each of 1 to 64 of the characters A-Z a-z 0-9 _ . -. \
                They are taken as they are written: no `${...}` chooses a machine.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: train, run: ./train.sh, runs_on: \"big gpu\"}\n",
        ),
        right: "name: ship\nstages:\n  - {name: train, run: ./train.sh, runs_on: [gpu, linux]}\n",
    },
    Entry {
        code: Code::NOT_FOR_WORKERS,
        title: "a stage that no worker takes",
        cause: "A stage with `runs_on` runs as a process on another machine, in a folder that the \
                worker keeps for the run. What belongs to the server's own machine stays there: \
                agents, merges, forms, runs of other pipelines, worktrees, runtimes and probes. \
                Hand files over with `artifacts` and `context`, values with `outputs`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make, runtime: tmux, runs_on: linux}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, artifacts: {app: app.tar}, runs_on: linux}\n",
    },
];
