//! The keys of a runtime: where a stage runs.

use super::{Key, Object, Type};
use crate::model::RuntimeKind;

pub(super) const RUNTIME_TYPE: Type = Type::Either(&[KIND, Type::Object(&RUNTIME)]);

const KIND: Type = Type::Choice { words: &RuntimeKind::WORDS, later: &["docker", "ecs"] };

pub static RUNTIME: Object = Object {
    name: "a runtime",
    id: "runtime",
    doc: "Where a stage runs. A word in its place is its kind.",
    keys: &[
        Key::new("kind", KIND)
            .required()
            .doc(
                "`process`: a process of the hands; `tmux`: a session of its own, which people can \
                 attach to; `plugin`: a program of the installation that starts it elsewhere.",
            )
            .example("tmux"),
        Key::new("plugin", Type::Text)
            .doc("Of `plugin`: its name in `runtimes.plugins` of the installation.")
            .example("kube"),
        Key::new("settings", Type::Map(&Type::Literal))
            .doc("Of `plugin`: handed to it as they are.")
            .example("{namespace: builds}"),
    ],
    later: &[],
};
