//! The keys of declared values.

use super::{Key, Object, Type};

pub(super) const OUTPUT_TYPES: Type = Type::Choice { words: TYPES, later: &[] };

const TYPES: &[&str] = &["string", "integer", "number", "boolean", "list", "map", "any"];

pub static INPUT: Object = Object {
    name: "an input",
    id: "input",
    doc: "A value that a start may or must give.",
    keys: &[
        Key::new("type", OUTPUT_TYPES)
            .default("`string`")
            .doc("What the value is; a value that does not fit is refused before anything runs.")
            .example("integer"),
        Key::new("required", Type::Boolean)
            .default("true, unless there is a default or a variable of this name")
            .doc("Whether a start must give it.")
            .example("false"),
        Key::new("default", Type::Literal).doc("Used when a start does not give it.").example("x"),
        Key::new("description", Type::Text).doc("For people.").example("What to build"),
        Key::new("enum", Type::List(&Type::Literal))
            .doc("The only values allowed.")
            .example("[x, y]"),
        Key::new("schema", Type::Schema)
            .doc("JSON Schema (2020-12) that the value must satisfy.")
            .example("{maxLength: 80}"),
    ],
    later: &["secret", "validation", "label", "placeholder", "from"],
};

pub static OUTPUT: Object = Object {
    name: "an output",
    id: "output",
    doc: "A value that a stage writes to the file named by `$ORCHESTRATE_OUTPUT`.",
    keys: &[
        Key::new("type", OUTPUT_TYPES)
            .default("`any`")
            .doc("What the value is; a value that does not fit fails the attempt.")
            .example("integer"),
        Key::new("required", Type::Boolean)
            .default("true")
            .doc("Whether an attempt that does not write it fails.")
            .example("false"),
        Key::new("description", Type::Text).doc("For people.").example("Tests that passed"),
        Key::new("schema", Type::Schema)
            .doc("JSON Schema (2020-12) that the value must satisfy.")
            .example("{minimum: 0}"),
    ],
    later: &["artifact", "transform", "from", "to"],
};
