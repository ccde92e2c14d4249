//! E04: references, expressions and patterns.

use super::{Entry, Example};
use crate::diagnostic::Code;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::TEMPLATE_SYNTAX,
        title: "a reference that cannot be read",
        cause: "`${` begins a reference: `${name}`, `${stages.build.outputs.version}`, \
                `${event.title ?? \"none\"}`. To write `${` itself, write `$${`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, env: {WHO: \"${run.by\"}, run: 'echo \"$WHO\"'}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, env: {WHO: \"${run.by}\"}, run: 'echo \"$WHO\"'}\n",
    },
    Entry {
        code: Code::UNDEFINED_VARIABLE,
        title: "an undefined variable",
        cause: "`${name}` is an input or a variable of the pipeline, and there is none of this \
                name. In a script, `${HOME}` is read as such a reference: write `$HOME`, or \
                `$${HOME}` to leave the braces to the shell.",
        wrong: Example::Text("name: ship\nstages:\n  - {name: test, run: \"ls ${HOME}\"}\n"),
        right: "name: ship\nstages:\n  - {name: test, run: \"ls $HOME\"}\n",
    },
    Entry {
        code: Code::UNKNOWN_OUTPUT,
        title: "an output that the stage does not declare",
        cause: "References to outputs are checked before anything runs, so an output must be \
                declared where it is made. A `foreach` stage has one: `items`, the list of its \
                instances' outputs.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make}\n  - name: tell\n    env: {V: \"${stages.build.outputs.version}\"}\n    run: echo \"$V\"\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, outputs: {version: string}}\n  - name: tell\n    env: {V: \"${stages.build.outputs.version}\"}\n    run: echo \"$V\"\n",
    },
    Entry {
        code: Code::NOT_UPSTREAM,
        title: "a stage that is not upstream",
        cause: "A stage can use what another came to only if that one has settled by then: it \
                must be a dependency, or a dependency of one.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, depends_on: [], run: make, outputs: {version: string}}\n  - name: tell\n    depends_on: []\n    env: {V: \"${stages.build.outputs.version}\"}\n    run: echo \"$V\"\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, depends_on: [], run: make, outputs: {version: string}}\n  - name: tell\n    depends_on: [build]\n    env: {V: \"${stages.build.outputs.version}\"}\n    run: echo \"$V\"\n",
    },
    Entry {
        code: Code::TAINT,
        title: "text from outside in a script",
        cause: "An event's title, another stage's text, an item of a computed list or a secret \
                can hold anything, also `\"; rm -rf / #`. Written into a script it would be \
                executed. Pass it by environment, where it stays a value, and use it in quotes.",
        wrong: Example::Text(
            "name: greet\nstages:\n  - name: greet\n    run: echo \"${event.title}\"\n",
        ),
        right: "name: greet\nstages:\n  - name: greet\n    env: {TITLE: \"${event.title}\"}\n    run: echo \"$TITLE\"\n",
    },
    Entry {
        code: Code::NO_ITEM,
        title: "`item` outside a fan-out",
        cause: "`${item}` is the item of one instance of a `foreach` stage. Other stages have \
                none, and neither has the list itself or the condition, which is judged once for \
                the whole stage.",
        wrong: Example::Text(
            "name: check\nstages:\n  - {name: check, env: {FILE: \"${item}\"}, run: 'test -e \"$FILE\"'}\n",
        ),
        right: "name: check\nstages:\n  - {name: check, foreach: [a, b], env: {FILE: \"${item}\"}, run: 'test -e \"$FILE\"'}\n",
    },
    Entry {
        code: Code::UNDECLARED_SECRET,
        title: "a secret that is not declared",
        cause: "`secrets` lists what the pipeline may read, so that it can be seen at a glance \
                and checked before a run.",
        wrong: Example::Text(
            "name: call\nstages:\n  - {name: call, env: {TOKEN: \"${secrets.API}\"}, run: ./call}\n",
        ),
        right: "name: call\nsecrets: [API]\nstages:\n  - {name: call, env: {TOKEN: \"${secrets.API}\"}, run: ./call}\n",
    },
    Entry {
        code: Code::EXPRESSION_SYNTAX,
        title: "an expression that cannot be read",
        cause: "`if` and `success` are expressions in CEL: `inputs.fast && run.number > 1`. Text \
                stands in quotes, and comparing is `==`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, if: run.number >, run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, if: run.number > 1, run: make test}\n",
    },
    Entry {
        code: Code::EXPRESSION_TOO_LARGE,
        title: "an expression that is too large",
        cause: "So that judging a condition always ends at once, an expression has at most 4 KiB, \
                512 parts, 64 levels and two comprehensions (`all`, `exists`, `map`, `filter`) \
                inside each other. Compute in a stage, and test its output.",
        wrong: Example::Made("A chain of two thousand comparisons", || {
            let terms = vec!["1 == 1"; 2000].join(" && ");
            format!("name: ship\nstages:\n  - {{name: test, if: {terms}, run: make test}}\n")
        }),
        right: "name: ship\nstages:\n  - {name: test, if: 1 == 1, run: make test}\n",
    },
    Entry {
        code: Code::EXPRESSION_NAME,
        title: "an unknown name in an expression",
        cause: "An expression knows `inputs`, `variables`, `stages`, `event`, `run` and the bare \
                names of inputs and variables. Text stands in quotes.",
        wrong: Example::Text(
            "name: ship\ninputs: {target: string}\nstages:\n  - {name: test, if: target == staging, run: make test}\n",
        ),
        right: "name: ship\ninputs: {target: string}\nstages:\n  - {name: test, if: target == \"staging\", run: make test}\n",
    },
    Entry {
        code: Code::BAD_GLOB,
        title: "a pattern that cannot be read",
        cause: "In a pattern `*` stays within a segment, `**` crosses segments, `[a-z]` and \
                `{a,b}` choose, a leading `!` excludes.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: test, when: {paths: [\"src/[a-\"]}, run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - {name: test, when: {paths: [\"src/[a-z]*\"]}, run: make test}\n",
    },
    Entry {
        code: Code::NOT_AVAILABLE_HERE,
        title: "a reference that cannot be used here",
        cause: "What belongs to the run as a whole is completed before any stage has run, so it \
                cannot use outputs. A variable cannot be made of another variable, because \
                references are never resolved twice. A secret reaches a stage only through `env`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make, outputs: {dir: string}}\n  - {name: test, run: make test}\nenv: {DIR: \"${stages.build.outputs.dir}\"}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, outputs: {dir: string}}\n  - {name: test, env: {DIR: \"${stages.build.outputs.dir}\"}, run: make test}\n",
    },
    Entry {
        code: Code::UNKNOWN_FIELD,
        title: "an unknown field of a form, an input or outputs",
        cause: "`form` has the fields of the stage's own form, `input` those that its \
                `input_mapping` makes, `outputs` the stage's own outputs. Those of another stage \
                are `stages.NAME.outputs.KEY`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make, human: {fields: {version: text}}, env: {V: \"${form.versoin}\"}}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, human: {fields: {version: text}}, env: {V: \"${form.version}\"}}\n",
    },
    Entry {
        code: Code::BAD_MAPPING,
        title: "a mapping that cannot be read",
        cause: "Each field has a source (`from`: a path, or `{cel: ...}`), a name of its own \
                (`to`), and perhaps transforms: a word such as `trim`, or `{split: \",\"}`, \
                `{join: \",\"}`, `{cel: ...}`. A field with a default is not required.",
        wrong: Example::Text(
            "name: ship\ninputs: {goal: string}\nstages:\n  - {name: plan, run: make plan, input_mapping: [{from: inputs.goal, to: goal}, {from: run.name, to: goal}]}\n",
        ),
        right: "name: ship\ninputs: {goal: string}\nstages:\n  - {name: plan, run: make plan, input_mapping: [{from: inputs.goal, to: goal}, {from: run.name, to: run}]}\n",
    },
    Entry {
        code: Code::BAD_CONTEXT,
        title: "no artifacts are named so",
        cause: "`context` names artifacts of others: `@stage` of this run, `@prev` and \
                `@prev/stage` of the run that this one extends (the nearest that finished it), \
                `@v2/stage` of that run of the same pipeline.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: plan, run: make plan}\n  - {name: build, run: make, context: [plan]}\n",
        ),
        right: "name: ship\nstages:\n  - {name: plan, run: make plan}\n  - {name: build, run: make, context: [\"@plan\", \"@prev\"]}\n",
    },
    Entry {
        code: Code::BAD_MENTION,
        title: "an `@` that names nothing",
        cause: "In a task, `@` gives the agent something to read: `@stage` (its outputs and \
                artifacts), `@stage.output`, `@stage/artifact`, `@prev/stage` and `@v2/stage` (of \
                runs that this one extends), `@input.name`, `@file:path`, `@feedback`. Only what \
                is known by then can be named. For the sign itself write `@@`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: plan, agent: architect, task: Plan it}\n  - {name: build, agent: implementer, task: Follow @plan/plan.md}\n",
        ),
        right: "name: ship\nstages:\n  - {name: plan, agent: architect, task: Plan it, artifacts: {plan: plan.md}}\n  - {name: build, agent: implementer, task: Follow @plan/plan.md}\n",
    },
];
