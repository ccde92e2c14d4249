//! E02: names, keys and the graph.

use super::{Entry, Example};
use crate::diagnostic::Code;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::UNKNOWN_STAGE,
        title: "an unknown stage",
        cause: "A dependency or a reference names a stage that the definition does not have. \
                Names are compared exactly, also in their capitals.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, depends_on: [], run: make test}\n  - {name: deploy, depends_on: [tests], run: make deploy}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, depends_on: [], run: make test}\n  - {name: deploy, depends_on: [test], run: make deploy}\n",
    },
    Entry {
        code: Code::DUPLICATE_STAGE,
        title: "two stages with one name",
        cause: "A name addresses one stage: in dependencies, references, logs and commands. \
                Stages in `finally` and in groups count too.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make unit}\n  - {name: test, run: make e2e}\n",
        ),
        right: "name: ship\nstages:\n  - {name: unit, run: make unit}\n  - {name: e2e, run: make e2e}\n",
    },
    Entry {
        code: Code::BAD_NAME,
        title: "a name that is not allowed",
        cause: "Names of pipelines and stages become parts of commands, folders and addresses: \
                1 to 64 of the characters `a-z A-Z 0-9 _ -`, starting with a letter or a digit. \
                Names of inputs, variables and outputs start with a letter or `_`; environment \
                variables and secrets have no `-`.",
        wrong: Example::Text("name: ship\nstages:\n  - {name: ../../etc, run: make test}\n"),
        right: "name: ship\nstages:\n  - {name: etc, run: make test}\n",
    },
    Entry {
        code: Code::UNKNOWN_KEY,
        title: "an unknown key",
        cause: "The language has no such key here. It is refused rather than ignored, because a \
                misspelt `timeout` that nobody notices is worse than an error.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make test, time_out: 5m}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, run: make test, timeout: 5m}\n",
    },
    Entry {
        code: Code::MISSING_KEY,
        title: "a key is missing",
        cause: "Some keys have no sensible default: every pipeline and every stage needs a \
                `name`, a pipeline needs `stages`.",
        wrong: Example::Text("stages:\n  - {name: test, run: make test}\n"),
        right: "name: ship\nstages:\n  - {name: test, run: make test}\n",
    },
    Entry {
        code: Code::NO_KIND,
        title: "a stage that does nothing",
        cause: "A stage needs exactly one of `run` (a shell script), `python` (a program) and \
                `noop: true` (a join, a milestone).",
        wrong: Example::Text("name: ship\nstages:\n  - {name: test, timeout: 5m}\n"),
        right: "name: ship\nstages:\n  - {name: test, timeout: 5m, run: make test}\n",
    },
    Entry {
        code: Code::SEVERAL_KINDS,
        title: "a stage that does two things",
        cause: "A stage does one thing, so that its outcome, its retries and its log have one \
                meaning. Make it two stages.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make test, python: report.py}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, run: make test}\n  - {name: report, python: report.py}\n",
    },
    Entry {
        code: Code::NO_STAGES,
        title: "a pipeline without stages",
        cause: "There is nothing to run.",
        wrong: Example::Text("name: ship\nstages: []\n"),
        right: "name: ship\nstages:\n  - {name: nothing-yet, noop: true}\n",
    },
    Entry {
        code: Code::CYCLE,
        title: "a dependency cycle",
        cause: "Each stage of the cycle waits for the next, so none of them could ever start. \
                Remove one of the dependencies. `parallel_with` takes over the dependencies of \
                the other stage, and can close a cycle too.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: review, depends_on: [implement], run: make review}\n  - {name: implement, depends_on: [review], run: make}\n",
        ),
        right: "name: ship\nstages:\n  - {name: review, depends_on: [implement], run: make review}\n  - {name: implement, depends_on: [], run: make}\n",
    },
    Entry {
        code: Code::RESERVED_NAME,
        title: "a reserved name",
        cause: "`inputs variables stages event run item secrets` are the roots of references, so \
                no input or variable can be called so. Environment variables that Orchestrate \
                sets itself, such as `ORCHESTRATE_OUTPUT`, cannot be set.",
        wrong: Example::Text(
            "name: ship\nvariables: {item: shop}\nstages:\n  - {name: test, run: make test}\n",
        ),
        right: "name: ship\nvariables: {service: shop}\nstages:\n  - {name: test, run: \"make ${service}\"}\n",
    },
    Entry {
        code: Code::SELF_DEPENDENCY,
        title: "a stage that waits for itself",
        cause: "A stage cannot depend on itself or be parallel with itself.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, depends_on: [test], run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, depends_on: [], run: make test}\n",
    },
    Entry {
        code: Code::FINALLY_DEPENDENCY,
        title: "a dependency across `finally`",
        cause: "`finally` stages run after all others have settled. So nothing outside can wait \
                for one, and one need not wait for anything outside: test what came of a stage \
                with `if:`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make test}\nfinally:\n  - {name: report, depends_on: [test], run: make report}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, run: make test}\nfinally:\n  - {name: report, if: 'stages.test.outcome == \"failed\"', run: make report}\n",
    },
    Entry {
        code: Code::BAD_GROUP,
        title: "a group that is not one",
        cause: "An entry `- parallel: [...]` is a group: it holds at least one stage, nothing \
                beside `parallel`, and no further group. Keys belong to its stages.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - timeout: 5m\n    parallel:\n      - {name: lint, run: make lint}\n      - {name: test, run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - parallel:\n      - {name: lint, run: make lint, timeout: 5m}\n      - {name: test, run: make test, timeout: 5m}\n",
    },
    Entry {
        code: Code::CONFLICTING_KEYS,
        title: "keys that exclude each other",
        cause: "Two keys say the same thing twice, or one needs another that is not there: two \
                spellings of one key, `max_parallel` without `foreach`, `shell` without `run`, \
                `required: true` with a default.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, run: make test, max_parallel: 2}\n",
        ),
        right: "name: ship\nmax_parallel: 2\nstages:\n  - {name: test, run: make test}\n",
    },
    Entry {
        code: Code::CALLS_ITSELF,
        title: "a pipeline that runs itself",
        cause: "A stage runs the pipeline it belongs to: each run would start another, without \
                end. A circle through other pipelines is stopped when it is eight deep.",
        wrong: Example::Text("name: ship\nstages:\n  - {name: again, pipeline: ship}\n"),
        right: "name: ship\nstages:\n  - {name: build, pipeline: build-all}\n",
    },
    Entry {
        code: Code::BAD_TRIGGER,
        title: "triggers that cannot start the stage",
        cause: "A trigger waits for one thing: a `completion`, an `event`, a `condition` or a \
                person (`manual`), and the other keys belong to one of these. With \
                `parallel_instances` each matching event makes an instance, so there is one \
                trigger with `event`, and `key` and `needs` name the instances.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: plan, depends_on: [], run: make plan, emit: {event: spec.ready}}\n  - {name: build, run: make, parallel_instances: 3, triggers: [{event: spec.ready, needs: event.after}]}\n",
        ),
        right: "name: ship\nstages:\n  - {name: plan, depends_on: [], run: make plan, emit: {event: spec.ready}}\n  - {name: build, run: make, parallel_instances: 3, triggers: [{event: spec.ready, key: event.id, needs: event.after}]}\n",
    },
    Entry {
        code: Code::DUPLICATE_ARTIFACT,
        title: "two artifacts with one name",
        cause: "An artifact is addressed by its stage and its name. The values of a form, saved \
                with `save_as`, are an artifact too.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make, human: {fields: {why: text}, save_as: notes.md}, artifacts: {notes.md: out/notes.md}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, human: {fields: {why: text}, save_as: answers.md}, artifacts: {notes.md: out/notes.md}}\n",
    },
    Entry {
        code: Code::BAD_START,
        title: "a trigger that could never start a run, or starts too much",
        cause: "A trigger of a pipeline waits for one thing: an `event`, a `schedule`, the \
                `completion` of another pipeline, or `files`; the other keys belong to one of \
                these. Its `inputs` are inputs that the pipeline declares, and give each of them \
                that is required. A pipeline does not wait for its own completion.",
        wrong: Example::Text(
            "name: ship\ninputs: {version: string}\ntriggers:\n  - {event: release.published}\nstages:\n  - {name: build, env: {V: \"${version}\"}, run: make}\n",
        ),
        right: "name: ship\ninputs: {version: string}\ntriggers:\n  - {event: release.published, inputs: {version: \"${event.release.tag_name}\"}}\nstages:\n  - {name: build, env: {V: \"${version}\"}, run: make}\n",
    },
    Entry {
        code: Code::BAD_AGENT,
        title: "an agent stage that does not fit together",
        cause: "An agent stage says who (`agent`, `loop`, `discussion` or `meta_agent`) and what \
                (`task`). `model`, `tools`, `permissions`, `budget` and `validate` belong to one. \
                An agent that is written out has a `prompt`, or `extends` another; an adapter that \
                starts a program has a `command`.",
        wrong: Example::Text("name: ship\nstages:\n  - {name: build, run: make, model: large}\n"),
        right: "name: ship\nstages:\n  - {name: build, agent: implementer, task: Make it build, model: large}\n",
    },
    Entry {
        code: Code::BAD_DISCUSSION,
        title: "a discussion that cannot be held",
        cause: "A discussion has 2 to 8 `members`. `rounds` belong to `debate` and `sequential`, \
                `combine` to `parallel`, `chair` to all but `sequential`; the chair of a council is \
                none of its members.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: weigh, task: Which of both?, discussion: {mode: council, members: [architect, tester], rounds: 3}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: weigh, task: Which of both?, discussion: {mode: debate, members: [architect, tester], rounds: 3}}\n",
    },
    Entry {
        code: Code::BAD_RUNTIME,
        title: "a runtime that does not fit",
        cause: "`runtime` says where a `run` or `python` stage runs. A `plugin` is named; each kind has \
                settings of its own. Agents, forms, merges and runs of other pipelines stay where \
                they are: the default of the pipeline does not concern them.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make, runtime: {kind: tmux, plugin: kube}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, runtime: {kind: plugin, plugin: kube}}\n",
    },
];
