//! The keys of a pipeline.

use super::agent::{AGENT, BUDGET, LOOP};
use super::runtime::RUNTIME_TYPE;
use super::stage::{BACKOFF_TYPE, NOT_ON, RETRY, STAGE_OR_GROUP};
use super::start::START_TRIGGERS;
use super::values::{INPUT, OUTPUT_TYPES};
use super::{Key, Object, Type};

pub static PIPELINE: Object = Object {
    name: "a pipeline",
    id: "pipeline",
    doc: "The whole definition: what may be given, and the stages.",
    keys: &[
        Key::new("name", Type::Name)
            .required()
            .doc("Names the pipeline; its runs are `name#1`, `name#2`, ...")
            .example("feature-complete"),
        Key::new("description", Type::Text).doc("For people.").example("Checks, then deploys"),
        Key::new("version", Type::Integer { min: 1, max: 1 })
            .default("1")
            .doc("Version of the language.")
            .example("1"),
        Key::new("inputs", Type::Map(&Type::Either(&[OUTPUT_TYPES, Type::Object(&INPUT)])))
            .doc("Values that a start may or must give: a type, or more about each.")
            .example("{goal: string, retries: {type: integer, default: 3}}"),
        Key::new("variables", Type::Map(&Type::Value))
            .doc("Values that the author fixes. An input of the same name wins.")
            .example("{region: eu-1}"),
        Key::new("config", Type::Map(&Type::Literal))
            .aliases(&["global_config"])
            .doc(
                "Settings of the lowest precedence: an input, a variable, or a variable of the \
                 environment of the same name wins. `${config.NAME}` also finds those of the \
                 installation.",
            )
            .example("{workspace: /tmp/x}"),
        Key::new("env", Type::Map(&Type::Template))
            .doc("Environment variables of every stage; a stage's own win.")
            .example("{CI: \"true\"}"),
        Key::new("working_dir", Type::Template)
            .default("the directory of the run")
            .doc("Where stages run, below the directory of the run.")
            .example("app"),
        Key::new("secrets", Type::List(&Type::Text))
            .doc("Names of the secrets that `${secrets.NAME}` may use.")
            .example("[]"),
        Key::new("concurrency", Type::Either(&[Type::Template, Type::Object(&CONCURRENCY)]))
            .doc("Runs that must not be live together: the name of a group, or more about it.")
            .example("{group: deploy, limit: 1}"),
        Key::new("max_parallel", Type::Integer { min: 1, max: 10_000 })
            .default("as many as the worker has slots")
            .doc("At most so many live attempts in one run.")
            .example("4"),
        Key::new("agents", Type::Map(&Type::Object(&AGENT)))
            .doc("Agents of this pipeline, by name; they win over those of files.")
            .example("{critic: {prompt: You look for what is missing.}}"),
        Key::new("loop_types", Type::Map(&Type::Object(&LOOP)))
            .doc("Loop types of this pipeline, by name; they win over those of files.")
            .example("{careful: {extends: ralph, max_iterations: 5}}"),
        Key::new("budget", Type::Object(&BUDGET))
            .doc("What all agents of a run may spend together.")
            .example("{usd: 20}"),
        Key::new("error_handling", Type::Object(&ERROR_HANDLING))
            .doc("The default of every stage's `retry`.")
            .example("{strategy: retry, max_attempts: 3}"),
        Key::new("halt_mode", Type::Choice { words: &["finish", "cancel"], later: &[] })
            .default("`finish`")
            .doc("What happens to running stages when a failure halts the run.")
            .example("cancel"),
        Key::new("success", Type::Expression)
            .default("every stage's conclusion decides")
            .doc("A run whose stages allow success still fails when this is not true.")
            .example("'true'"),
        Key::new("outputs", Type::Map(&Type::Value))
            .doc("What the run as a whole gives: to a parent run, and to whoever asks.")
            .example("{by: \"${run.by}\"}"),
        Key::new("auto_advance", Type::Boolean)
            .default("true")
            .doc("`false`: each stage that follows another waits until a person lets it go on.")
            .example("false"),
        Key::new("triggers", START_TRIGGERS)
            .doc("What starts runs by itself; without any, only people and other runs do.")
            .example("[{schedule: \"0 2 * * *\"}, pull_request.merged]"),
        Key::new("repository", Type::Either(&[Type::Template, Type::Object(&REPOSITORY)]))
            .doc(
                "What stages with a `worktree` and merges work on, in a clone of their own: a path \
                 relative to the run's directory, an address, or more about it.",
            )
            .example("."),
        Key::new("runtime", RUNTIME_TYPE)
            .default("`process`")
            .doc("Where `run` and `python` stages run that do not say it themselves.")
            .example("tmux"),
        Key::new("stages", Type::List(&STAGE_OR_GROUP))
            .required()
            .doc("The stages, and `parallel:` groups of them.")
            .example("[{name: a, noop: true}]"),
        Key::new("finally", Type::List(&STAGE_OR_GROUP))
            .doc("Stages that run after all others have settled, also after a failure or a cancel.")
            .example("[{name: clean-up, noop: true}]"),
    ],
    later: &[
        "notify",
        "container",
        "image",
        "agent",
        "artifacts",
        "rollback",
        "on_failure",
        "approvers",
        "quorum",
        "mode",
        "rollout",
        "on_active",
        "global",
        "extends",
        "templates",
        "labels",
    ],
};

pub static REPOSITORY: Object = Object {
    name: "a repository",
    id: "repository",
    doc: "Whoever has it checked out is not disturbed: runs work in a bare clone.",
    keys: &[
        Key::new("source", Type::Template)
            .required()
            .doc("A path, relative to the run's directory, or an address that git understands.")
            .example("."),
        Key::new("base", Type::Template)
            .default("the branch that it shows first")
            .doc("What branches begin at, and what merges go into.")
            .example("main"),
    ],
    later: &[],
};

pub static CONCURRENCY: Object = Object {
    name: "a concurrency group",
    id: "concurrency",
    doc: "Runs of the same group, of whatever pipeline, share a limit.",
    keys: &[
        Key::new("group", Type::Template)
            .required()
            .doc("Runs with the same text here belong together.")
            .example("deploy"),
        Key::new("limit", Type::Integer { min: 1, max: 10_000 })
            .default("1")
            .doc("At most so many live runs.")
            .example("2"),
        Key::new(
            "on_conflict",
            Type::Choice { words: &["queue", "cancel_running", "cancel_new"], later: &[] },
        )
        .default("`queue`")
        .doc("What happens to a run that finds the group full.")
        .example("cancel_new"),
    ],
    later: &[],
};

pub static ERROR_HANDLING: Object = Object {
    name: "error handling",
    id: "error_handling",
    doc: "The default of every stage's `retry`; a stage's own keys win one by one.",
    keys: &[
        Key::new("strategy", Type::Choice { words: &["retry"], later: &["rollback"] })
            .doc("`retry`, with the keys below.")
            .example("retry"),
        Key::new("max_attempts", Type::Integer { min: 1, max: 1000 })
            .default("1")
            .doc("Counts the first try.")
            .example("3"),
        Key::new("backoff", BACKOFF_TYPE)
            .default("exponential from 1 s up to 60 s")
            .doc("How long to wait before the next try.")
            .example("exponential"),
        Key::new("not_on", NOT_ON).doc("Exit codes that are never retried.").example("[2]"),
        Key::new("retry", Type::Object(&RETRY))
            .doc("The same keys, in a map of their own.")
            .example("{max_attempts: 3}"),
    ],
    later: &["notify", "rollback", "fallback"],
};
