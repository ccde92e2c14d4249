//! The keys of what starts runs of a pipeline by itself.

use super::{Key, Object, Type};

const GLOBS: Type = Type::Either(&[Type::Glob, Type::List(&Type::Glob)]);

/// One trigger, or a list of them; a word is the type of an event.
pub(super) const START_TRIGGERS: Type = Type::Either(&[
    Type::List(&Type::Either(&[Type::Text, Type::Object(&START_TRIGGER)])),
    Type::Object(&START_TRIGGER),
    Type::Text,
]);

pub static START_TRIGGER: Object = Object {
    name: "a trigger",
    id: "start_trigger",
    doc: "It has exactly one of `event`, `schedule`, `completion` and `files`; each time that \
          happens, a run is started. A text in its place is an `event`.",
    keys: &[
        Key::new("name", Type::Name)
            .default("the type of the event, `schedule`, `after-PIPELINE` or `files`")
            .doc("Names it in lists, reasons and events.")
            .example("nightly"),
        Key::new("event", Type::Text)
            .doc(
                "An event of this type from outside: `push`, `pull_request.merged`, or what was \
                 given by `event give`. `pull_request` means every event of pull requests.",
            )
            .example("pull_request.merged"),
        Key::new("source", Type::Text)
            .default("any")
            .doc("With `event`: only from this source of the server's configuration.")
            .example("github"),
        Key::new("branches", GLOBS)
            .doc(
                "With `event`: the branch that was pushed to; of a pull request the branch it \
                 goes to.",
            )
            .example("[main, \"release/**\"]"),
        Key::new("branches_ignore", GLOBS)
            .aliases(&["branches-ignore"])
            .doc("With `event`: not these branches.")
            .example("[\"dependabot/**\"]"),
        Key::new("tags", GLOBS)
            .doc("With `event`: the tag that was pushed. Beside `branches` either will do.")
            .example("[\"v*\"]"),
        Key::new("tags_ignore", GLOBS)
            .aliases(&["tags-ignore"])
            .doc("With `event`: not these tags.")
            .example("[\"*-rc*\"]"),
        Key::new("paths", GLOBS)
            .doc("With `event`: at least one changed file matches.")
            .example("[\"src/**\", \"!**/*.md\"]"),
        Key::new("paths_ignore", GLOBS)
            .aliases(&["paths-ignore"])
            .doc("With `event`: at least one changed file matches none of these.")
            .example("[\"docs/**\"]"),
        Key::new("labels", super::stage::LABELS_TYPE)
            .doc("With `event`: one of these labels is set; or a map of `any`, `all`, `none`.")
            .example("[ready]"),
        Key::new("filter", Type::Expression)
            .doc("With `event`: must be true of the event, which it sees as `event`.")
            .example("event.action == \"opened\""),
        Key::new("on_unknown", Type::Choice { words: &["skip", "run"], later: &[] })
            .default("`skip`")
            .doc(
                "With `event`: what a filter counts as whose fact the event does not tell, such \
                 as the changed files of a push without commits.",
            )
            .example("run"),
        Key::new("schedule", Type::Text)
            .aliases(&["cron"])
            .doc(
                "Times, as cron writes them: minute, hour, day of the month, month, day of the \
                 week; with six words the first is the second. Also `@hourly`, `@daily`, \
                 `@weekly`, `@monthly`, `@yearly`.",
            )
            .example("\"0 2 * * *\""),
        Key::new("timezone", Type::Text)
            .default("`UTC`")
            .doc("With `schedule`: the zone of its times, by its name in the time zone database.")
            .example("Europe/Berlin"),
        Key::new("catch_up", Type::Choice { words: &["skip", "last", "all"], later: &[] })
            .default("`skip`")
            .doc(
                "With `schedule`: what is started after a downtime for the times in it: nothing, \
                 one run for the last of them, or a run for each of the last hundred.",
            )
            .example("last"),
        Key::new("completion", Type::Name)
            .doc("The end of a run of this other pipeline.")
            .example("other"),
        Key::new("status", STATUSES)
            .default("`succeeded`")
            .doc("With `completion`: how it has to end.")
            .example("[succeeded, failed]"),
        Key::new("files", GLOBS)
            .doc("A file below `directory` was written, moved or removed.")
            .example("[\"**/*.csv\"]"),
        Key::new("directory", Type::Text)
            .doc("With `files`, which it needs: an absolute path on the server.")
            .example("/srv/incoming"),
        Key::new("inputs", Type::Map(&Type::Value))
            .doc("The inputs of the run; `${event.KEY}` is a part of the event.")
            .example("{}"),
    ],
    later: &["webhook", "debounce", "overlap"],
};

/// The words of [`crate::model::Ending`], in its order.
pub(crate) const ENDINGS: &[&str] = &["succeeded", "failed", "cancelled"];
const STATUS: Type = Type::Choice { words: ENDINGS, later: &[] };
const STATUSES: Type =
    Type::Either(&[Type::Choice { words: ENDINGS, later: &[] }, Type::List(&STATUS)]);
