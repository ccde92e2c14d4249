//! The keys of a runtime: where a stage runs.

use super::people::TEXTS;
use super::{Key, Object, Type};
use crate::model::RuntimeKind;

pub(super) const RUNTIME_TYPE: Type = Type::Either(&[KIND, Type::Object(&RUNTIME)]);

const KIND: Type = Type::Choice { words: &RuntimeKind::WORDS, later: &[] };

pub static RUNTIME: Object = Object {
    name: "a runtime",
    id: "runtime",
    doc: "Where a stage runs. A word in its place is its kind.",
    keys: &[
        Key::new("kind", KIND)
            .required()
            .doc(
                "`process`: a process of the hands; `tmux`: a session of its own, which people can \
                 attach to; `docker`: a container of its own; `ecs`: a task of Amazon ECS; `plugin`: a program of the installation \
                 that starts it elsewhere.",
            )
            .example("tmux"),
        Key::new("plugin", Type::Text)
            .doc("Of `plugin`: its name in `runtimes.plugins` of the installation.")
            .example("kube"),
        Key::new("settings", Type::Map(&Type::Literal))
            .doc("Of `plugin`: handed to it as they are.")
            .example("{namespace: builds}"),
        Key::new("image", Type::Text).doc("Of `docker`: what it runs in.").example("alpine:3"),
        Key::new("pull", Type::Choice { words: &["missing", "always", "never"], later: &[] })
            .default("`missing`")
            .doc("Of `docker`: when the image is fetched.")
            .example("never"),
        Key::new("user", Type::Text)
            .default("that of the installation, else that of the image")
            .doc("Of `docker`: whom it runs as.")
            .example("\"1000:1000\""),
        Key::new("network", Type::Text)
            .default("that of the installation, else that of the daemon")
            .doc("Of `docker`: a network that the daemon knows, `none` or `host`.")
            .example("none"),
        Key::new("volumes", Type::Map(&Type::Text))
            .doc(
                "Of `docker`: names to paths in the container. A volume is shared by the stages of \
                 a run, and by no other run.",
            )
            .example("{cache: /root/.cache}"),
        Key::new("memory_mb", Type::Integer { min: 4, max: 16_777_216 })
            .doc("Of `docker`: it is ended when it takes more.")
            .example("512"),
        Key::new("cpus", Type::Number).doc("Of `docker`: at most so many.").example("1.5"),
        Key::new("task_definition", Type::Text)
            .doc("Of `ecs`: what is run; its command and variables are the stage's.")
            .example("builds:3"),
        Key::new("cluster", Type::Text)
            .default("that of the installation")
            .doc("Of `ecs`: where it is run.")
            .example("builds"),
        Key::new("container", Type::Text)
            .default("the first of the task definition")
            .doc("Of `ecs`: the container of the task definition that the stage is.")
            .example("main"),
        Key::new("launch_type", Type::Choice { words: &["fargate", "ec2"], later: &[] })
            .default("that of the cluster")
            .doc("Of `ecs`: on what it runs.")
            .example("fargate"),
        Key::new("subnets", TEXTS).doc("Of `ecs`: where its network is.").example("[subnet-1]"),
        Key::new("security_groups", TEXTS)
            .doc("Of `ecs`: who may talk to it.")
            .example("[sg-1]"),
        Key::new("public_ip", Type::Boolean)
            .default("`false`")
            .doc("Of `ecs`: whether it has an address that the world reaches.")
            .example("true"),
    ],
    later: &[],
};
