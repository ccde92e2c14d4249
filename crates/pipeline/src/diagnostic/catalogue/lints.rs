//! W01: accepted, but probably not what was meant.

use super::{Entry, Example};
use crate::diagnostic::Code;

pub(super) static ENTRIES: &[Entry] = &[
    Entry {
        code: Code::NO_DEPENDS_ON,
        title: "a stage without `depends_on` among stages that have it",
        cause: "As soon as one stage names its dependencies, the order of the list means nothing, \
                and a stage that names none starts at once. Say so with `depends_on: []`, or \
                name what it waits for.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make}\n  - {name: test, depends_on: [build], run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, depends_on: [], run: make}\n  - {name: test, depends_on: [build], run: make test}\n",
    },
    Entry {
        code: Code::UNUSED,
        title: "an input, variable or secret that nothing uses",
        cause: "It is declared, and no reference or condition reads it: perhaps a typing error \
                elsewhere, perhaps a remainder.",
        wrong: Example::Text(
            "name: ship\nvariables: {service: shop}\nstages:\n  - {name: build, run: make}\n",
        ),
        right: "name: ship\nvariables: {service: shop}\nstages:\n  - {name: build, run: \"make ${service}\"}\n",
    },
    Entry {
        code: Code::RULE_WITHOUT_DEPENDENCIES,
        title: "a rule without dependencies",
        cause: "`rule` judges what the dependencies of a stage came to. This stage has none.",
        wrong: Example::Text("name: ship\nstages:\n  - {name: build, rule: all_done, run: make}\n"),
        right: "name: ship\nstages:\n  - {name: build, run: make}\n  - {name: report, rule: all_done, run: make report}\n",
    },
    Entry {
        code: Code::DUPLICATE_DEPENDENCY,
        title: "a dependency that is named twice",
        cause: "The second mention means nothing; perhaps another stage was meant.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, depends_on: [], run: make}\n  - {name: test, depends_on: [build, build], run: make test}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, depends_on: [], run: make}\n  - {name: test, depends_on: [build], run: make test}\n",
    },
    Entry {
        code: Code::NO_ROLLBACK_TARGET,
        title: "a rollback that does not say how far",
        cause: "`on_failure: rollback` undoes what succeeded from `rollback_to` on. Without it \
                the stage itself is meant: nothing before it is undone.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: deploy, run: make deploy, rollback: make undeploy}\n  - {name: smoke, run: make smoke, on_failure: rollback}\n",
        ),
        right: "name: ship\nstages:\n  - {name: deploy, run: make deploy, rollback: make undeploy}\n  - {name: smoke, run: make smoke, on_failure: rollback, rollback_to: deploy}\n",
    },
    Entry {
        code: Code::LIMIT_WITHOUT_EFFECT,
        title: "a limit that can never be reached",
        cause: "`timeout` limits one attempt, `idle_timeout` its silence, `total_timeout` all \
                attempts. An idle limit that is not shorter than the attempt's, or a total that \
                is shorter, leaves one of them without effect.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: build, run: make, timeout: 5m, idle_timeout: 10m}\n",
        ),
        right: "name: ship\nstages:\n  - {name: build, run: make, timeout: 10m, idle_timeout: 5m}\n",
    },
    Entry {
        code: Code::PROBE_WITHOUT_EFFECT,
        title: "a probe that is never asked",
        cause: "`probe` decides what became of a `once` stage after a crash. With other effects \
                the stage is simply started again.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: publish, run: make publish, probe: test -e done}\n",
        ),
        right: "name: ship\nstages:\n  - {name: publish, run: make publish, effects: once, probe: test -e done}\n",
    },
    Entry {
        code: Code::NO_ROLLBACK_ACTION,
        title: "a stage in reach of a rollback that says not how it is undone",
        cause: "A failure would go back over this stage, and there is no action that undoes it: \
                the rollback would only be partial. Where there is nothing to undo, say so with \
                `rollback: none`.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: deploy, run: make deploy}\n  - {name: smoke, run: make smoke, on_failure: rollback, rollback_to: deploy}\n",
        ),
        right: "name: ship\nstages:\n  - {name: deploy, run: make deploy, rollback: make undeploy}\n  - {name: smoke, run: make smoke, on_failure: rollback, rollback_to: deploy}\n",
    },
    Entry {
        code: Code::DUPLICATE_START,
        title: "two triggers that start two runs at once",
        cause: "Each trigger that fires starts a run of its own. Where one trigger takes \
                everything that another takes, there are two runs each time.",
        wrong: Example::Text(
            "name: check\ntriggers:\n  - push\n  - {event: push, branches: [main]}\nstages:\n  - {name: build, run: make}\n",
        ),
        right: "name: check\ntriggers:\n  - {event: push, branches_ignore: [main]}\n  - {event: push, branches: [main]}\nstages:\n  - {name: build, run: make}\n",
    },
    Entry {
        code: Code::UNKNOWN_AGENT,
        title: "an agent or a loop type that nobody knows here",
        cause: "A name is looked for when its stage starts: in `agents` and `loop_types` of the \
                pipeline, in the files of the project that it runs in, in the data folder, and \
                among those that are built in. So a file may still be there by then. `orchestrate \
                validate` looks where a run that is started from this directory would; a server \
                that checks a definition does not know in which project it will run.",
        wrong: Example::Text(
            "name: ship\nstages:\n  - {name: review, agent: reviever, task: Judge the change}\n",
        ),
        right: "name: ship\nstages:\n  - {name: review, agent: reviewer, task: Judge the change}\n",
    },
];
