//! The keys of a stage, and of the maps inside it.

use super::agent::{
    AGENT_TYPE, BUDGET, DISCUSSION, LOOP_TYPE, META_TYPE, PERMISSIONS_TYPE, STAGE_ADAPTER_TYPE,
    TEMPERATURE, TOOLS_TYPE, VALIDATE_TYPE,
};
use super::flow::{
    ARTIFACTS_TYPE, CHILD_TYPE, EMIT_TYPE, MAPPING_TYPE, ROLLBACK_TYPE, TRIGGERS_TYPE,
};
use super::people::{FORM, GATE, ON_TIMEOUT, QUORUM, REMINDERS, TEXTS};
use super::runtime::RUNTIME_TYPE;
use super::values::{OUTPUT, OUTPUT_TYPES};
use super::{Key, Object, Type};

/// Told apart by the key `parallel`.
pub(super) const STAGE_OR_GROUP: Type = Type::Either(&[Type::Object(&STAGE), Type::Object(&GROUP)]);
pub(super) const BACKOFF_TYPE: Type =
    Type::Either(&[Type::Choice { words: BACKOFFS, later: &[] }, Type::Object(&BACKOFF)]);
pub(super) const RETRY_TYPE: Type = Type::Either(&[ATTEMPTS, Type::Object(&RETRY)]);
pub(super) const NOT_ON: Type = Type::List(&Type::Integer { min: 1, max: 255 });

const BACKOFFS: &[&str] = &["exponential", "linear", "constant"];
const ATTEMPTS: Type = Type::Integer { min: 1, max: 1000 };
const PARALLEL: Type = Type::Integer { min: 1, max: 10_000 };
const NAMES: Type = Type::Either(&[Type::Name, Type::List(&Type::Name)]);
/// One of these, or more about them.
pub(super) const LABELS_TYPE: Type =
    Type::Either(&[Type::Text, Type::List(&Type::Text), Type::Object(&LABELS)]);
const GLOBS: Type = Type::Either(&[Type::Glob, Type::List(&Type::Glob)]);

/// The rules of [`crate::model::Rule`], as they are written.
pub(super) const RULES: &[&str] = &[
    "none_failed_min_one_success",
    "all_success",
    "none_failed",
    "all_done",
    "one_success",
    "one_failed",
    "all_failed",
    "always",
];

pub static GROUP: Object = Object {
    name: "a parallel group",
    id: "group",
    doc: "Stages that run side by side: each has the dependencies of the first.",
    keys: &[Key::new("parallel", Type::List(&Type::Object(&STAGE)))
        .required()
        .doc("The stages of the group.")
        .example("[{name: lint, noop: true}, {name: test, noop: true}]")],
    later: &[],
};

pub static STAGE: Object = Object {
    name: "a stage",
    id: "stage",
    doc: "One node of the pipeline. It has exactly one of `run`, `python`, `agent`, `loop`, \
          `discussion`, `meta_agent`, `form`, `pipeline` and `noop`; `loop` also beside `agent`.",
    keys: &[
        Key::new("name", Type::Name)
            .required()
            .doc("1 to 64 of `a-z A-Z 0-9 _ -`, starting with a letter or digit; unique.")
            .example("build"),
        Key::new("description", Type::Text).doc("For people.").example("Compiles everything"),
        Key::new("run", Type::Template)
            .doc(
                "A shell script. Text from outside (events, outputs, secrets) cannot be written \
                 into it: pass it by `env`.",
            )
            .example("make all"),
        Key::new("python", Type::Either(&[Type::Template, Type::Object(&PYTHON)]))
            .doc("A Python program: a file, or more about it.")
            .example("{code: \"print(1)\"}"),
        Key::new("agent", AGENT_TYPE)
            .doc("An agent does it: its name, or what it is.")
            .example("implementer"),
        Key::new("task", Type::Template)
            .doc(
                "What the agents have to do. `@stage`, `@stage.output`, `@stage/artifact`, \
                 `@prev/stage`, `@v2/stage`, `@input.name`, `@file:path` and `@feedback` give them \
                 what that is, marked as data; `@@` is an `@`.",
            )
            .example("Write the tests"),
        Key::new("loop", LOOP_TYPE)
            .doc("The agent works again and again until it is done: a type, or more about it.")
            .example("ralph"),
        Key::new("discussion", Type::Object(&DISCUSSION))
            .doc("Several agents come to one answer.")
            .example("{members: [architect, tester]}"),
        Key::new("meta_agent", META_TYPE)
            .doc("A planner draws up the team that does it: its name, or more about it.")
            .example("architect"),
        Key::new("adapter", STAGE_ADAPTER_TYPE)
            .default("that of the agent")
            .doc(
                "The program or protocol behind the agents: a kind, a reference to the word of one \
                 (`${agent}`), or more about it. A bare word leaves what an agent of that kind says.",
            )
            .example("mock"),
        Key::new("model", Type::Text)
            .default("that of the agent")
            .doc("As its provider calls it.")
            .example("large"),
        Key::new("temperature", TEMPERATURE)
            .default("that of the agent")
            .doc("0 to 2.")
            .example("0.2"),
        Key::new("tools", TOOLS_TYPE)
            .default("those of the agent")
            .doc("Kinds of tools that its agents may have at most.")
            .example("[read, search, edit]"),
        Key::new("permissions", PERMISSIONS_TYPE)
            .doc("Rules that stand before those of the agent; the first that fits decides.")
            .example("[{tool: execute, command: make, decision: allow}]"),
        Key::new("budget", Type::Object(&BUDGET))
            .doc("What its agents may spend, over all attempts.")
            .example("{usd: 2, turns: 40}"),
        Key::new("validate", VALIDATE_TYPE)
            .doc("A check of the work that Orchestrate runs itself: a script, or more about it.")
            .example("make check"),
        Key::new("form", Type::Object(&FORM))
            .doc("A person answers; the values are the outputs.")
            .example("{fields: {version: text}}"),
        Key::new("pipeline", CHILD_TYPE)
            .doc("A run of another pipeline: its name, or more about it.")
            .example("other"),
        Key::new("merge", MERGE_TYPE)
            .doc(
                "Merges the branches of stages into a branch of the repository, through its queue: \
                 the stages, or more about it. Its outputs are `commit`, `before`, `delivered` and \
                 `empty`.",
            )
            .example("work"),
        Key::new("noop", Type::True).doc("Does nothing: a join, a milestone.").example("true"),
        Key::new("shell", Type::Either(&[Type::Text, Type::List(&Type::Text)]))
            .default("`sh`")
            .doc(
                "`sh` (`sh -e -c`), `bash` (`bash -e -o pipefail -c`), or a list of words that \
                 the script is appended to.",
            )
            .example("bash"),
        Key::new("depends_on", NAMES)
            .doc(
                "Stages that must have settled first. If no stage has this key, stages run in \
                 the order written; if any has, a stage without it starts at once.",
            )
            .example("[]"),
        Key::new("parallel_with", Type::Name)
            .doc("Gives this stage the dependencies of another, so that both run side by side.")
            .example("test"),
        Key::new("rule", Type::Choice { words: RULES, later: &[] })
            .aliases(&["trigger_rule"])
            .default(
                "`none_failed_min_one_success`; `none_failed` in list order; `all_done` in \
                 `finally`",
            )
            .doc("What the dependencies must have come to for this stage to run.")
            .example("all_done"),
        Key::new("when", Type::Object(&WHEN))
            .doc("Facts that must hold for this stage to run; else it is skipped.")
            .example("{branch: main}"),
        Key::new("if", Type::Expression)
            .doc("A CEL expression that must hold for this stage to run; else it is skipped.")
            .example("run.number > 1"),
        Key::new("on_unknown", Type::Choice { words: &["run", "skip"], later: &[] })
            .default("`run`")
            .doc("What to do when a condition asks for a fact that is not known.")
            .example("skip"),
        Key::new(
            "foreach",
            Type::Either(&[Type::Template, Type::List(&Type::Value), Type::Object(&FOREACH)]),
        )
        .doc("One instance for each item of a list; `${item}` is its item.")
        .example("[a, b]"),
        Key::new("max_parallel", PARALLEL)
            .doc("At most so many live instances of a `foreach` stage.")
            .example("2"),
        Key::new("triggers", TRIGGERS_TYPE)
            .doc(
                "What starts the stage, beside its dependencies: a list of which any fires, or \
                 `{all: [...]}`. A pipeline with one of these is a graph, as with `depends_on`.",
            )
            .example("[{completion: test}]"),
        Key::new("parallel_instances", PARALLEL)
            .doc("With an event trigger: one instance for each event, at most so many at once.")
            .example("10"),
        Key::new("expect", Type::Integer { min: 1, max: 1_000_000 })
            .default("until every stage that can emit the event has settled; else 1")
            .doc("With `parallel_instances`: no more events are taken after so many.")
            .example("12"),
        Key::new("human", Type::Object(&FORM))
            .doc("Asked of a person before the work, which sees the answers as `${form.NAME}`.")
            .example("{fields: {version: text}}"),
        Key::new("requires_approval", GATE)
            .default("false")
            .doc("A gate before it starts: after `when`, before it is queued.")
            .example("true"),
        Key::new("approve_complete", GATE)
            .default("false")
            .doc("A gate at its end: its outputs are valid and not yet handed on.")
            .example("true"),
        Key::new("approvers", TEXTS)
            .doc("Of every gate of the stage that names none itself.")
            .example("[team-lead, devops]"),
        Key::new("quorum", QUORUM).default("`all`").doc("Likewise.").example("any"),
        Key::new("allow_self", Type::Boolean).default("false").doc("Likewise.").example("true"),
        Key::new("approval_timeout", Type::Duration)
            .default("7d")
            .doc("Likewise: the `timeout` of its gates.")
            .example("2d"),
        Key::new("on_timeout", ON_TIMEOUT).default("`reject`").doc("Likewise.").example("fail"),
        Key::new("escalate_to", TEXTS).doc("Likewise.").example("[head-of-engineering]"),
        Key::new("reminders", REMINDERS).default("`[50, 90]`").doc("Likewise.").example("[80]"),
        Key::new("max_revisions", Type::Integer { min: 0, max: 1000 })
            .default("3")
            .doc("With `approve_complete`: how often changes may be requested.")
            .example("2"),
        Key::new("auto_advance", Type::Boolean)
            .default("the pipeline's")
            .doc("`false`: waits until a person lets it go on.")
            .example("false"),
        Key::new("input_mapping", MAPPING_TYPE)
            .doc(
                "What it takes from others: `${input.NAME}`, and the file named by \
                 `$ORCHESTRATE_INPUT`.",
            )
            .example("[{from: run.name, to: goal}]"),
        Key::new("output_mapping", MAPPING_TYPE)
            .doc("What of the outputs that the work gave becomes the outputs of the stage.")
            .example("[{from: plan, to: plan}]"),
        Key::new("artifacts", ARTIFACTS_TYPE)
            .doc("Files it leaves: names to paths, or more about each.")
            .example("{report: out/report.json}"),
        Key::new("context", TEXTS)
            .doc(
                "Artifacts of others, laid into the folder named by `$ORCHESTRATE_CONTEXT`: \
                 `@stage` of this run, `@prev` and `@prev/stage` of the run that it extends, \
                 `@v2/stage` of that run.",
            )
            .example("[\"@prev\", \"@test\"]"),
        Key::new("emit", EMIT_TYPE)
            .doc("Events that it gives when it has succeeded.")
            .example("{event: spec.ready}"),
        Key::new("rollback", ROLLBACK_TYPE)
            .doc("Undoes it: a script, more about it, or `none` where there is nothing to undo.")
            .example("./undo.sh"),
        Key::new("rollback_to", Type::Name)
            .doc(
                "With `on_failure: rollback`: what succeeded from here on is undone, in reverse \
                 order; this stage too.",
            )
            .example("test"),
        Key::new("env", Type::Map(&Type::Template))
            .doc("Environment variables; the way to hand a value to a script.")
            .example("{LEVEL: high}"),
        Key::new("working_dir", Type::Template)
            .default("the pipeline's")
            .doc("Where the stage runs, below the directory of the run.")
            .example("app"),
        Key::new("outputs", Type::Map(&Type::Either(&[OUTPUT_TYPES, Type::Object(&OUTPUT)])))
            .doc(
                "Values the stage writes to the file named by `$ORCHESTRATE_OUTPUT`; of an agent, \
                 what it has to hand in. An agent stage without any has the output `text`.",
            )
            .example("{count: integer}"),
        Key::new("timeout", Type::Duration)
            .default("30m; 1h of an agent; 6h of a loop")
            .doc("For one attempt. Waiting for people does not count.")
            .example("10m"),
        Key::new("total_timeout", Type::Duration)
            .doc("For all attempts and the waits between them.")
            .example("2h"),
        Key::new("idle_timeout", Type::Duration)
            .default("none; 10m of an agent")
            .doc("For an attempt that prints nothing.")
            .example("5m"),
        Key::new("grace", Type::Duration)
            .default("10s")
            .doc("Between asking a stage to end (TERM) and ending it (KILL).")
            .example("30s"),
        Key::new("retry", RETRY_TYPE)
            .default("the pipeline's `error_handling`, else no retry")
            .doc("Further attempts after a failure: how many in all, or more about them.")
            .example("{max_attempts: 3, backoff: {initial: 2s}}"),
        Key::new(
            "on_failure",
            Type::Choice { words: &["halt", "continue", "isolate", "rollback"], later: &[] },
        )
        .default("`halt`")
        .doc("What a failure of this stage does to the run.")
        .example("continue"),
        Key::new("halt_mode", Type::Choice { words: &["finish", "cancel"], later: &[] })
            .default("the pipeline's")
            .doc("What happens to running stages when this one halts the run.")
            .example("cancel"),
        Key::new("effects", Type::Choice { words: &["idempotent", "once", "keyed"], later: &[] })
            .default("`idempotent`; `once` where `environment` is set")
            .doc("What may happen after a crash that leaves the outcome unknown.")
            .example("once"),
        Key::new("probe", Type::Template)
            .doc(
                "A shell script that says whether the work of a `once` stage was done: exit 0 \
                 yes, 1 no, anything else leaves it to a person.",
            )
            .example("test -e done.txt"),
        Key::new("worktree", Type::Either(&[Type::Boolean, Type::Name]))
            .default("`false`: in the run's directory")
            .doc(
                "`true`: it works in a worktree of the repository, on a branch of its own, and what \
                 it did is committed; its outputs `branch`, `commit`, `base` and `changes` say \
                 where. The name of a stage: in that stage's worktree.",
            )
            .example("true"),
        Key::new("runtime", RUNTIME_TYPE)
            .default("the pipeline's, else `process`")
            .doc("Where `run` and `python` stages run: a kind, or more about it.")
            .example("tmux"),
        Key::new("runs_on", TEXTS)
            .default("the server's own machine, where the directory of the run is")
            .doc(
                "Labels that a worker on another machine has to have, all of them; the stage runs \
                 there, in a folder that the worker keeps for the run. Of `run` and `python` stages.",
            )
            .example("[gpu, linux]"),
        Key::new("environment", Type::Text)
            .doc("The environment this stage works on: a label, and a fact for `when`.")
            .example("staging"),
    ],
    later: LATER,
};

const LATER: &[&str] = &[
    "agents",
    "fields",
    "request_revision",
    "trigger",
    "events",
    "event",
    "max_iterations",
    "inputs",
    "notify",
    "container",
    "image",
    "resources",
    "labels",
    "queue_timeout",
    "type",
];

const MERGE_TYPE: Type = Type::Either(&[Type::Name, Type::List(&Type::Name), Type::Object(&MERGE)]);

pub static MERGE: Object = Object {
    name: "a merge",
    id: "merge",
    doc: "One writer for each target: merged as trees, checked on the merged tree, then moved.",
    keys: &[
        Key::new("from", Type::Either(&[Type::Name, Type::List(&Type::Name)]))
            .required()
            .doc("Stages with a worktree of their own; of a fan-out all instances that succeeded.")
            .example("[work]"),
        Key::new("into", Type::Template)
            .default("the repository's base")
            .doc(
                "A branch of the repository. One that is checked out there is not moved: the \
                  result lies beside it as `orch/<run>/integration`.",
            )
            .example("main"),
        Key::new("check", Type::Template)
            .default("merging without a conflict is enough")
            .doc("A shell script, run on the merged tree before anything moves.")
            .example("make test"),
    ],
    later: &[],
};

pub static PYTHON: Object = Object {
    name: "a Python program",
    id: "python",
    doc: "It has exactly one of `file` and `code`.",
    keys: &[
        Key::new("file", Type::Template)
            .doc("A path, relative to the working directory.")
            .example("report.py"),
        Key::new("code", Type::Text)
            .doc("The program itself; `${...}` means nothing in it.")
            .example("print(1)"),
        Key::new("parameters", Type::Map(&Type::Value))
            .doc("Arrive as the JSON file named by `$ORCHESTRATE_PARAMETERS`.")
            .example("{level: 3}"),
    ],
    later: &["requirements", "venv", "interpreter"],
};

pub static FOREACH: Object = Object {
    name: "a fan-out",
    id: "foreach",
    doc: "One instance for each item.",
    keys: &[
        Key::new("items", Type::Either(&[Type::Template, Type::List(&Type::Value)]))
            .required()
            .doc("A list, or a reference to one.")
            .example("[a, b]"),
        Key::new("max_parallel", PARALLEL).doc("At most so many live instances.").example("2"),
    ],
    later: &["event", "expect"],
};

pub static RETRY: Object = Object {
    name: "a retry policy",
    id: "retry",
    doc: "Further attempts after a failure.",
    keys: &[
        Key::new("max_attempts", ATTEMPTS).default("1").doc("Counts the first try.").example("3"),
        Key::new("backoff", BACKOFF_TYPE)
            .default("exponential from 1 s up to 60 s")
            .doc("How long to wait before the next try: a kind, or more about it.")
            .example("{initial: 2s, max: 1m}"),
        Key::new("not_on", NOT_ON).doc("Exit codes that are never retried.").example("[2, 64]"),
    ],
    later: &["on"],
};

pub static BACKOFF: Object = Object {
    name: "a backoff",
    id: "backoff",
    doc: "The wait before the next try.",
    keys: &[
        Key::new("kind", Type::Choice { words: BACKOFFS, later: &[] })
            .default("`exponential`")
            .doc("How the wait grows: doubled each time, by the same step, or not at all.")
            .example("linear"),
        Key::new("initial", Type::Duration).default("1s").doc("The first wait.").example("2s"),
        Key::new("max", Type::Duration).default("60s").doc("The longest wait.").example("5m"),
        Key::new("jitter", Type::Boolean)
            .default("true")
            .doc("The wait is drawn evenly between zero and what is due.")
            .example("false"),
    ],
    later: &[],
};

pub static WHEN: Object = Object {
    name: "a condition",
    id: "when",
    doc: "All keys must hold; a list inside a key means any of it.",
    keys: &[
        Key::new("branch", GLOBS)
            .aliases(&["branches"])
            .doc("The branch matches. `*` stays in a segment, `**` crosses, `!` excludes.")
            .example("[main, \"release/*\"]"),
        Key::new("paths", GLOBS)
            .aliases(&["path"])
            .doc("At least one changed file matches.")
            .example("[\"docs/**\"]"),
        Key::new("labels", LABELS_TYPE)
            .aliases(&["label"])
            .doc("One of the labels is there, or more about them.")
            .example("[urgent]"),
        Key::new(
            "variables",
            Type::Map(&Type::Either(&[Type::Literal, Type::List(&Type::Literal)])),
        )
        .aliases(&["variable"])
        .doc("Each named input or variable has the value, or one of the values.")
        .example("{}"),
        Key::new("environment", GLOBS)
            .doc("The stage's environment matches.")
            .example("production"),
        Key::new("and", Type::Either(&[Type::Object(&WHEN), Type::List(&Type::Object(&WHEN))]))
            .doc("These must hold as well.")
            .example("{branch: main}"),
        Key::new("or", Type::Either(&[Type::Object(&WHEN), Type::List(&Type::Object(&WHEN))]))
            .doc("The keys beside this one hold, or one of these does.")
            .example("{branch: main}"),
        Key::new("not", Type::Either(&[Type::Object(&WHEN), Type::List(&Type::Object(&WHEN))]))
            .doc("None of these holds.")
            .example("{branch: main}"),
    ],
    later: &["event", "status", "schedule"],
};

pub static LABELS: Object = Object {
    name: "a condition on labels",
    id: "labels",
    doc: "All keys must hold.",
    keys: &[
        Key::new("any", TEXTS).doc("One of these is there.").example("[urgent]"),
        Key::new("all", TEXTS).doc("All of these are there.").example("[ready]"),
        Key::new("none", TEXTS).doc("None of these is there.").example("[wip]"),
    ],
    later: &[],
};
