//! The keys of what people are asked: gates and forms.

use super::{Key, Object, Type};

pub(super) const TEXTS: Type = Type::Either(&[Type::Text, Type::List(&Type::Text)]);
pub(super) const GATE: Type = Type::Either(&[Type::Boolean, Type::Object(&APPROVAL)]);
pub(super) const QUORUM: Type = Type::Either(&[
    Type::Integer { min: 1, max: 1000 },
    Type::Choice { words: &["all", "any"], later: &[] },
]);
pub(super) const ON_TIMEOUT: Type =
    Type::Choice { words: &["reject", "approve", "escalate", "skip", "fail"], later: &[] };
pub(super) const REMINDERS: Type = Type::List(&Type::Integer { min: 1, max: 99 });

const FIELD_KINDS: Type = Type::Choice {
    words: &["text", "number", "boolean", "file", "multiline_text", "select", "date"],
    later: &[],
};
const LENGTH: Type = Type::Integer { min: 0, max: 1_000_000 };
/// 25 MiB: what an upload may have.
const FILE_BYTES: Type = Type::Integer { min: 1, max: 25 * 1024 * 1024 };

pub static APPROVAL: Object = Object {
    name: "an approval",
    id: "approval",
    doc: "A wait for people: who decides, how many of them, and what happens when nobody does. \
          The policy of the stage's environment, where it has one, wins.",
    keys: &[
        Key::new("approvers", TEXTS)
            .default("anybody")
            .doc("Names of users, groups or roles. Each is one slot; a person fills at most one.")
            .example("[team-lead, devops]"),
        Key::new("quorum", QUORUM)
            .default("`all`")
            .doc("How many slots have to be filled; without `approvers`, how many people.")
            .example("any"),
        Key::new("allow_self", Type::Boolean)
            .default("false")
            .doc("Whether the one who started the run may decide although others could.")
            .example("true"),
        Key::new("timeout", Type::Duration)
            .default("7d")
            .doc("How long to wait. Paused time does not count.")
            .example("2d"),
        Key::new("on_timeout", ON_TIMEOUT)
            .default("`reject`")
            .doc("What happens when nobody decided in time.")
            .example("fail"),
        Key::new("escalate_to", TEXTS)
            .doc(
                "With `on_timeout: escalate`: who decides then. The time starts anew, and after \
                 it the request is rejected.",
            )
            .example("[head-of-engineering]"),
        Key::new("reminders", REMINDERS)
            .default("`[50, 90]`")
            .doc("When to remind, in percent of `timeout`, rising.")
            .example("[80]"),
        Key::new("instructions", Type::Template)
            .doc("For people: what to look at.")
            .example("Look at the report first"),
    ],
    later: &["notify", "channel", "delegates"],
};

pub static FORM: Object = Object {
    name: "a form",
    id: "form",
    doc: "What a person is asked. `form` is the whole work of a stage, and the values are its \
          outputs; `human` is asked before the work of a stage, which sees `${form.NAME}`.",
    keys: &[
        Key::new("instructions", Type::Template)
            .doc("For people, in Markdown.")
            .example("Which version is it?"),
        Key::new("fields", Type::Map(&Type::Either(&[FIELD_KINDS, Type::Object(&FIELD)])))
            .default("none: a person only says that it is done")
            .doc("What to ask: a kind, or more about each.")
            .example("{version: {type: text, required: true}, notes: multiline_text}"),
        Key::new("ask", Type::Choice { words: &["always", "missing"], later: &[] })
            .default("`always`")
            .doc("`missing`: nobody is asked when every required field has a valid value already.")
            .example("missing"),
        Key::new("assignees", TEXTS)
            .default("anybody")
            .doc("Users, groups or roles that may submit.")
            .example("[devops]"),
        Key::new("timeout", Type::Duration)
            .default("none: people are waited for")
            .doc("How long to wait. Paused time does not count.")
            .example("3d"),
        Key::new("on_timeout", Type::Choice { words: &["fail", "skip", "submit"], later: &[] })
            .default("`fail`")
            .doc("After `timeout`; `submit` takes the values it has, if they are complete.")
            .example("skip"),
        Key::new("save_as", Type::Either(&[Type::Text, Type::Object(&SAVE_AS)]))
            .doc("Keeps the values as an artifact of the stage: its name, or more about it.")
            .example("answers.md"),
    ],
    later: &["notify", "pages"],
};

pub static SAVE_AS: Object = Object {
    name: "a saved form",
    id: "save_as",
    doc: "The values of a form as an artifact.",
    keys: &[
        Key::new("artifact", Type::Text)
            .required()
            .doc("Name of the artifact, a file name.")
            .example("answers.json"),
        Key::new("format", Type::Choice { words: &["json", "md"], later: &[] })
            .default("by the ending of the name, else `json`")
            .doc("How it is written.")
            .example("json"),
    ],
    later: &[],
};

pub static FIELD: Object = Object {
    name: "a field",
    id: "field",
    doc: "One question of a form. Each rule stands only at the kinds it means something for.",
    keys: &[
        Key::new("type", FIELD_KINDS)
            .default("`text`")
            .doc("`file` is an upload, `date` is written `2026-11-21`.")
            .example("text"),
        Key::new("label", Type::Text)
            .default("the name of the field")
            .doc("What people read.")
            .example("Version to publish"),
        Key::new("help", Type::Text).doc("A hint beside it.").example("As in the tag"),
        Key::new("required", Type::Boolean)
            .default("false")
            .doc("Whether it must have a value.")
            .example("true"),
        Key::new("default", Type::Literal).doc("What it starts with.").example("a"),
        Key::new("value", Type::Value)
            .doc(
                "What it starts with, made when the form opens; wins over `default` where it is \
                 valid.",
            )
            .example("\"${run.name}\""),
        Key::new("min_length", LENGTH).doc("Of a text, in characters.").example("1"),
        Key::new("max_length", LENGTH).doc("Of a text, in characters.").example("80"),
        Key::new("pattern", Type::Text)
            .doc("A regular expression that the whole text matches.")
            .example("\"[a-z0-9.]+\""),
        Key::new("min", Type::Number).doc("Of a number.").example("1"),
        Key::new("max", Type::Number).doc("Of a number.").example("100"),
        Key::new("integer", Type::Boolean)
            .default("false")
            .doc("Whether a number must be whole.")
            .example("true"),
        Key::new("options", Type::List(&Type::Text))
            .doc("What a `select` offers.")
            .example("[a, b]"),
        Key::new("multiple", Type::Boolean)
            .default("false")
            .doc("Whether several options may be chosen; the value is a list then.")
            .example("true"),
        Key::new("earliest", Type::Text).doc("Of a date, inclusive.").example("2026-01-01"),
        Key::new("latest", Type::Text).doc("Of a date, inclusive.").example("2026-12-31"),
        Key::new("max_bytes", FILE_BYTES).default("25 MiB").doc("Of a file.").example("1000000"),
    ],
    later: &["placeholder", "validation", "secret", "when"],
};
