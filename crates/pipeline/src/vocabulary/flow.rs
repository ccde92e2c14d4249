//! The keys of how stages start each other, hand data on, and are undone.

use super::agent::AGENT_TYPE;
use super::people::{GATE, TEXTS};
use super::stage::{PYTHON, RETRY_TYPE};
use super::{Key, Object, Type};

pub(super) const TRIGGERS_TYPE: Type =
    Type::Either(&[Type::List(&Type::Object(&TRIGGER)), Type::Object(&TRIGGERS)]);
pub(super) const EMIT_TYPE: Type =
    Type::Either(&[Type::List(&Type::Object(&EMIT)), Type::Object(&EMIT)]);
pub(super) const CHILD_TYPE: Type = Type::Either(&[Type::Name, Type::Object(&CHILD)]);
pub(super) const MAPPING_TYPE: Type =
    Type::Either(&[Type::List(&Type::Object(&MAPPING_FIELD)), Type::Object(&MAPPING)]);
pub(super) const ARTIFACTS_TYPE: Type =
    Type::Map(&Type::Either(&[Type::Text, Type::Object(&ARTIFACT)]));
pub(super) const ROLLBACK_TYPE: Type = Type::Either(&[Type::Template, Type::Object(&ROLLBACK)]);

/// Transforms without an argument; see [`crate::model::Transform`].
pub(crate) const TRANSFORM_WORDS: &[&str] = &[
    "trim",
    "lower",
    "upper",
    "parse_json",
    "to_json",
    "to_text",
    "to_number",
    "to_integer",
    "to_boolean",
    "first",
    "last",
    "length",
    "keys",
    "values",
    "flatten",
    "unique",
    "sort",
];
const TRANSFORM_TYPE: Type =
    Type::Either(&[Type::Choice { words: TRANSFORM_WORDS, later: &[] }, Type::Object(&TRANSFORM)]);
const TRANSFORMS_TYPE: Type = Type::Either(&[
    Type::Choice { words: TRANSFORM_WORDS, later: &[] },
    Type::Object(&TRANSFORM),
    Type::List(&TRANSFORM_TYPE),
]);

/// What an artifact may be.
pub(crate) const FORMATS: &[&str] =
    &["json", "md", "txt", "html", "csv", "py", "mermaid", "png", "jpeg", "svg", "binary"];

pub static TRIGGERS: Object = Object {
    name: "a set of triggers",
    id: "triggers",
    doc: "It has one of `any` and `all`. A list in its place means `any`.",
    keys: &[
        Key::new("any", Type::List(&Type::Object(&TRIGGER)))
            .doc("The first that fires starts the stage.")
            .example("[{completion: test}, {manual: true}]"),
        Key::new("all", Type::List(&Type::Object(&TRIGGER)))
            .doc("All of them have to fire.")
            .example("[{completion: test}, {manual: true}]"),
    ],
    later: &[],
};

pub static TRIGGER: Object = Object {
    name: "a trigger of a stage",
    id: "trigger",
    doc: "It has exactly one of `completion`, `event`, `condition` and `manual`. Where none can \
          fire any more, the stage is skipped.",
    keys: &[
        Key::new("completion", Type::Name)
            .doc("Fires when this stage has settled.")
            .example("test"),
        Key::new("success_only", Type::Boolean)
            .default("true")
            .doc("With `completion`: only if the stage succeeded.")
            .example("false"),
        Key::new("event", Type::Text)
            .doc("Fires on an event of this type: from an `emit`, or from outside.")
            .example("spec.ready"),
        Key::new("filter", Type::Expression)
            .doc("With `event`: must be true of the event, which it sees as `event`.")
            .example("event.ready"),
        Key::new("key", Type::Expression)
            .doc(
                "With `event` and `parallel_instances`: names the instance. A second event with \
                 the same key is dropped.",
            )
            .example("event.id"),
        Key::new("needs", Type::Expression)
            .doc("With `key`: a list of keys whose instances must have succeeded first.")
            .example("event.depends_on"),
        Key::new("lookback", Type::Duration)
            .default("0s")
            .doc("With `event`: how long before the run began an event from outside still counts.")
            .example("5m"),
        Key::new("condition", Type::Expression)
            .doc("Fires when it becomes true; looked at whenever a stage it reads has settled.")
            .example("run.number > 1"),
        Key::new("variables", Type::List(&Type::Text))
            .doc("With `condition`: the inputs and variables that it may read.")
            .example("[]"),
        Key::new("manual", Type::Either(&[Type::True, Type::Object(&MANUAL)]))
            .doc("A person starts it: `runs advance`, or an approval.")
            .example("{approval: true}"),
    ],
    later: &["schedule", "webhook"],
};

pub static MANUAL: Object = Object {
    name: "a manual trigger",
    id: "manual",
    doc: "Started by a person.",
    keys: &[Key::new("approval", GATE)
        .aliases(&["approval_required"])
        .default("false")
        .doc("Whether a gate decides, and which.")
        .example("{approvers: [team-lead]}")],
    later: &[],
};

pub static EMIT: Object = Object {
    name: "an event to give",
    id: "emit",
    doc: "Given to the run's own stages when an execution of this stage has succeeded.",
    keys: &[
        Key::new("event", Type::Text)
            .required()
            .doc("Its type: words with dots between them.")
            .example("spec.ready"),
        Key::new("foreach", Type::Either(&[Type::Template, Type::List(&Type::Value)]))
            .doc("One event for each item of a list, which `data` and `when` see as `item`.")
            .example("[a, b]"),
        Key::new("when", Type::Expression)
            .doc("Only if it is true; sees `outputs` and `item`.")
            .example("run.number > 0"),
        Key::new("data", Type::Either(&[Type::Template, Type::Map(&Type::Value)]))
            .default("`{}`")
            .doc("A map: what triggers see as `event.KEY`.")
            .example("{by: \"${run.by}\"}"),
    ],
    later: &["to", "delay"],
};

pub static CHILD: Object = Object {
    name: "a child pipeline",
    id: "child",
    doc: "A run of another pipeline; its outputs are the outputs of this stage.",
    keys: &[
        Key::new("name", Type::Name).required().doc("Which one.").example("other"),
        Key::new("inputs", Type::Map(&Type::Value))
            .doc("The inputs of that run.")
            .example("{level: 3}"),
    ],
    later: &["revision", "wait"],
};

pub static MAPPING: Object = Object {
    name: "a mapping",
    id: "mapping",
    doc: "Fields, then transforms, then the schema of the whole. A list in its place is \
          `mappings`.",
    keys: &[
        Key::new("mappings", Type::List(&Type::Object(&MAPPING_FIELD)))
            .required()
            .doc("The fields.")
            .example("[{from: run.name, to: goal}]"),
        Key::new("transforms", Type::List(&Type::Object(&FIELD_TRANSFORM)))
            .doc("Applied to fields, after their own.")
            .example("[]"),
        Key::new("validation", Type::Schema)
            .aliases(&["schema"])
            .doc("JSON Schema (2020-12) that the resulting object must satisfy.")
            .example("{maxProperties: 9}"),
    ],
    later: &[],
};

pub static MAPPING_FIELD: Object = Object {
    name: "a field of a mapping",
    id: "mapping_field",
    doc: "One value, from where it is to where it goes.",
    keys: &[
        Key::new("from", Type::Either(&[Type::Text, Type::Object(&COMPUTED)]))
            .required()
            .doc(
                "A path: `inputs.goal`, `planning.outputs.plan`, `event.spec`, `form.x`, \
                 `config.x`, `prev.planning.outputs.plan`; of an output mapping, a path into \
                 what the work gave. Or an expression.",
            )
            .example("run.name"),
        Key::new("to", Type::Text)
            .required()
            .doc("The name of the field; `a.b` makes a map `a`.")
            .example("goal"),
        Key::new("required", Type::Boolean)
            .default("true, unless there is a default")
            .doc("Whether it fails the stage when there is no value; else the field is left out.")
            .example("false"),
        Key::new("default", Type::Literal).doc("Used when there is no value.").example("x"),
        Key::new("transforms", TRANSFORMS_TYPE)
            .aliases(&["transform"])
            .doc("What is done to the value, in order; not to the default.")
            .example("[to_text, trim]"),
    ],
    later: &[],
};

pub static COMPUTED: Object = Object {
    name: "a computed value",
    id: "computed",
    doc: "The source of a field that is no path.",
    keys: &[Key::new("cel", Type::Expression)
        .required()
        .doc("An expression; of an output mapping it sees what the work gave as `outputs`.")
        .example("run.number + 1")],
    later: &[],
};

pub static FIELD_TRANSFORM: Object = Object {
    name: "a transform of a field",
    id: "field_transform",
    doc: "What is done to a field.",
    keys: &[
        Key::new("field", Type::Text).required().doc("Its `to`.").example("goal"),
        Key::new("apply", TRANSFORMS_TYPE).required().doc("In order.").example("trim"),
    ],
    later: &[],
};

pub static TRANSFORM: Object = Object {
    name: "a transform",
    id: "transform",
    doc: "It has exactly one key. Those without an argument are written as a word: `trim`.",
    keys: &[
        Key::new("split", Type::Text).doc("Text to a list, at each of these.").example("\",\""),
        Key::new("join", Type::Text).doc("A list to text, with this between.").example("\", \""),
        Key::new("cel", Type::Expression)
            .doc("An expression that sees the value as `value`.")
            .example("value + 1"),
    ],
    later: &[],
};

pub static ARTIFACT: Object = Object {
    name: "an artifact",
    id: "artifact",
    doc: "A file that a stage leaves below its working directory; a text in its place is its \
          path.",
    keys: &[
        Key::new("path", Type::Text)
            .required()
            .doc("Where it is, below the working directory; links are not followed.")
            .example("out/report.json"),
        Key::new("description", Type::Text).doc("For people.").example("Findings"),
        Key::new("format", Type::Choice { words: FORMATS, later: &[] })
            .default("by the ending of the path, else `binary`")
            .doc("What it is; `json` must be JSON, and text must be UTF-8.")
            .example("json"),
        Key::new("required", Type::Boolean)
            .default("true")
            .doc("Whether an attempt that does not leave it fails.")
            .example("false"),
        Key::new("schema", Type::Schema)
            .doc("JSON Schema (2020-12) that a `json` artifact must satisfy.")
            .example("{type: object}"),
        Key::new("max_bytes", Type::Integer { min: 1, max: 4_294_967_295 })
            .default("100 MiB")
            .doc("A larger file fails the attempt.")
            .example("1000000"),
    ],
    later: &["retention", "glob"],
};

pub static ROLLBACK: Object = Object {
    name: "an action that undoes",
    id: "rollback",
    doc: "Undoes a stage that succeeded: it has one of `run`, `python` and `agent`. A text in its place \
          is the script, and `none` says that there is nothing to undo. It sees the outputs of \
          what it undoes as `${outputs.KEY}`.",
    keys: &[
        Key::new("run", Type::Template).doc("A shell script.").example("./undo.sh"),
        Key::new("python", Type::Either(&[Type::Template, Type::Object(&PYTHON)]))
            .doc("A Python program: a file, or more about it.")
            .example("undo.py"),
        Key::new("agent", AGENT_TYPE)
            .doc("An agent does it: its name, or what it is.")
            .example("implementer"),
        Key::new("task", Type::Template)
            .doc("With `agent`: what it has to do.")
            .example("Take back what was done"),
        Key::new("shell", TEXTS).default("`sh`").doc("As at a stage.").example("bash"),
        Key::new("env", Type::Map(&Type::Template))
            .doc("Environment variables; those of the stage are not inherited.")
            .example("{LEVEL: high}"),
        Key::new("working_dir", Type::Template)
            .default("the stage's")
            .doc("Where it runs.")
            .example("app"),
        Key::new("timeout", Type::Duration).default("30m").doc("For one attempt.").example("5m"),
        Key::new("retry", RETRY_TYPE)
            .default("the pipeline's `error_handling`, else no retry")
            .doc("Further attempts after a failure.")
            .example("3"),
    ],
    later: &[],
};
