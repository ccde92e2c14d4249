//! Where a stage runs, and whether it can.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredStage, AuthoredWork, Placed, is_agent_name, literal};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Container, EcsTask, LaunchType, Pull, Runtime, RuntimeKind};
use crate::source::Span;
use crate::vocabulary::{RUNTIME, one_of};
use crate::yaml::{Kind, Node};

impl Reader<'_> {
    /// A kind, or a map.
    pub(super) fn runtime(&mut self, fields: &Fields<'_>) -> Option<Placed<Runtime>> {
        let node = fields.node("runtime")?;
        let runtime = if matches!(node.kind, Kind::Map(_)) {
            let inner = self.fields(node, "`runtime`", &RUNTIME)?;
            let kind = RuntimeKind::ALL[inner.choice("kind", self)?.value];
            self.of_another_runtime(&inner, kind);
            self.of_kind(kind, Some(&inner), node)?
        } else {
            let (words, later) = super::fields::words(&RUNTIME.key("kind")?.value);
            let kind = RuntimeKind::ALL[self.choice(node, "`runtime`", words, later)?];
            self.of_kind(kind, None, node)?
        };
        Some(Placed::new(runtime, node.span))
    }

    fn of_kind(
        &mut self,
        kind: RuntimeKind,
        fields: Option<&Fields<'_>>,
        node: &Node,
    ) -> Option<Runtime> {
        match kind {
            RuntimeKind::Process => Some(Runtime::Process),
            RuntimeKind::Tmux => Some(Runtime::Tmux),
            RuntimeKind::Plugin => {
                let name = fields.and_then(|fields| fields.text("plugin", self));
                let Some(name) = name else {
                    self.runtime_needs(node, "plugin", "plugin", "kube");
                    return None;
                };
                let settings = fields.and_then(|fields| fields.node("settings")).map(literal);
                let settings = match settings {
                    Some(Json::Object(settings)) => settings,
                    Some(_) => {
                        self.wrong_type("`settings`", "a map", node);
                        return None;
                    }
                    None => Map::new(),
                };
                Some(Runtime::Plugin { name: name.value, settings })
            }
            RuntimeKind::Docker => {
                let image = fields.and_then(|fields| fields.text("image", self));
                let (Some(fields), Some(image)) = (fields, image) else {
                    self.runtime_needs(node, "docker", "image", "alpine:3");
                    return None;
                };
                self.container(fields, image)
            }
            RuntimeKind::Ecs => {
                let of = fields.and_then(|fields| fields.text("task_definition", self));
                let (Some(fields), Some(of)) = (fields, of) else {
                    self.runtime_needs(node, "ecs", "task_definition", "builds:3");
                    return None;
                };
                Some(self.ecs(fields, of))
            }
        }
    }

    /// What a task of a cloud sees of its stage is its command and its variables.
    fn ecs(&mut self, fields: &Fields<'_>, definition: Placed<String>) -> Runtime {
        let launch = fields.choice("launch_type", self).map(|found| LAUNCHES[found.value]);
        let list = |name: &str, reader: &mut Self| -> Vec<String> {
            let Some(node) = fields.node(name) else { return Vec::new() };
            let items = reader.one_or_many(node).iter();
            items.filter_map(|item| reader.text(item, &format!("`{name}`"))).collect()
        };
        Runtime::Ecs(Box::new(EcsTask {
            cluster: fields.text("cluster", self).map(|text| text.value),
            task_definition: definition.value,
            container: fields.text("container", self).map(|text| text.value),
            launch_type: launch,
            subnets: list("subnets", self),
            security_groups: list("security_groups", self),
            public_ip: fields.boolean("public_ip", self).unwrap_or(false),
        }))
    }

    /// No file reaches a task of a cloud, or comes back from it.
    fn sees_no_files(&mut self, fields: &Fields<'_>) {
        let of_files = ["python", "worktree", "artifacts", "outputs", "context", "working_dir"];
        for entry in of_files.into_iter().filter_map(|key| fields.get(key)) {
            let message = format!("`{}` means files, and a task of ECS sees none", entry.key);
            self.bad_runtime(
                entry.key_span,
                &message,
                "hand values to it by `env`; what it makes it has to store elsewhere",
            );
        }
    }

    fn container(&mut self, fields: &Fields<'_>, image: Placed<String>) -> Option<Runtime> {
        let odd = |text: &str| {
            text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        if odd(&image.value) {
            self.bad_runtime(image.span, "this is no name of an image", "for example `alpine:3`");
        }
        let mut volumes = IndexMap::new();
        if let Some(node) = fields.node("volumes") {
            let Kind::Map(entries) = &node.kind else {
                self.wrong_type("`volumes`", "a map", node);
                return None;
            };
            for entry in entries {
                let Some(path) = self.text(&entry.value, "the place of a volume") else { continue };
                if !is_agent_name(&entry.key) {
                    let message = format!("`{}` is no name of a volume", entry.key);
                    self.bad_runtime(entry.key_span, &message, "1 to 64 of `a-z 0-9 -`");
                }
                if !path.starts_with('/')
                    || path.contains(':')
                    || path.split('/').any(|p| p == "..")
                {
                    let message = format!("`{path}` is no place for a volume");
                    self.bad_runtime(
                        entry.value.span,
                        &message,
                        "an absolute path, such as `/cache`",
                    );
                }
                volumes.insert(entry.key.clone(), path);
            }
        }
        let cpus = fields.node("cpus").and_then(|node| {
            let number = node.scalar().and_then(crate::yaml::Scalar::number);
            let number = number.and_then(|number| number.as_f64());
            if !number.is_some_and(|cpus| (0.01..=10_000.0).contains(&cpus)) {
                self.bad_runtime(node.span, "`cpus` is out of range", "from 0.01 to 10000");
                return None;
            }
            number
        });
        let pull = fields.choice("pull", self).map_or(Pull::Missing, |pull| PULLS[pull.value]);
        Some(Runtime::Docker(Box::new(Container {
            image: image.value,
            pull,
            user: fields.text("user", self).map(|text| text.value),
            network: fields.text("network", self).map(|text| text.value),
            volumes,
            memory_mb: fields.integer("memory_mb", self).map(|number| number.value),
            cpus,
        })))
    }

    fn bad_runtime(&mut self, span: Span, message: &str, help: &str) {
        self.push(
            Diagnostic::new(Code::BAD_RUNTIME, span, message.to_owned()).help(help.to_owned()),
        );
    }

    fn runtime_needs(&mut self, node: &Node, kind: &str, key: &str, example: &str) {
        let message = format!("the runtime `{kind}` needs `{key}`");
        self.push(
            Diagnostic::new(Code::BAD_RUNTIME, node.span, message)
                .help(format!("write `{{kind: {kind}, {key}: {example}}}`")),
        );
    }

    /// Keys that this kind has no use for.
    fn of_another_runtime(&mut self, fields: &Fields<'_>, kind: RuntimeKind) {
        let used: &[&str] = match kind {
            RuntimeKind::Process | RuntimeKind::Tmux => &[],
            RuntimeKind::Plugin => &["plugin", "settings"],
            RuntimeKind::Docker => {
                &["image", "pull", "user", "network", "volumes", "memory_mb", "cpus"]
            }
            RuntimeKind::Ecs => &[
                "task_definition",
                "cluster",
                "container",
                "launch_type",
                "subnets",
                "security_groups",
                "public_ip",
            ],
        };
        for key in RUNTIME.keys.iter().filter(|key| key.name != "kind" && !used.contains(&key.name))
        {
            let Some(entry) = fields.get(key.name) else { continue };
            let message = format!("`{}` means nothing for the runtime `{}`", key.name, kind.word());
            let help = match used {
                [] => "it takes no settings".to_owned(),
                used => format!("it takes {}", one_of(used)),
            };
            self.push(Diagnostic::new(Code::BAD_RUNTIME, entry.key_span, message).help(help));
        }
    }

    /// Only scripts and Python programs can be taken elsewhere.
    pub(super) fn fits_runtime(&mut self, fields: &Fields<'_>, stage: &AuthoredStage) {
        let (Some(runtime), Some(work)) = (&stage.runtime, &stage.work) else { return };
        if runtime.value.kind() == RuntimeKind::Process {
            return;
        }
        let help = match work {
            AuthoredWork::Run { .. } | AuthoredWork::Python { .. } => {
                if runtime.value.kind() == RuntimeKind::Ecs {
                    self.sees_no_files(fields);
                }
                return;
            }
            AuthoredWork::Agent(_) => {
                "an agent works beside its server; put what it has to call into a `run` stage, or \
                 start the agent's own program there"
            }
            AuthoredWork::Noop
            | AuthoredWork::Form
            | AuthoredWork::Child { .. }
            | AuthoredWork::Merge(_) => "such a stage runs nowhere; remove the key",
        };
        let span = fields.get("runtime").map_or(runtime.span, |entry| entry.key_span);
        let message = "`runtime` needs `run` or `python`";
        self.push(Diagnostic::new(Code::BAD_RUNTIME, span, message).help(help));
    }
}

/// In the order of the vocabulary's words.
const LAUNCHES: [LaunchType; 2] = [LaunchType::Fargate, LaunchType::Ec2];
const PULLS: [Pull; 3] = [Pull::Missing, Pull::Always, Pull::Never];

#[cfg(test)]
mod tests {
    use crate::model::Runtime;

    fn problems(text: &str) -> Vec<String> {
        crate::parse(text).diagnostics.iter().map(|found| found.message.clone()).collect()
    }

    #[test]
    fn a_stage_runs_where_it_says_or_the_pipeline_does() {
        let text = "name: p\nruntime: tmux\nstages:\n  - {name: a, run: ':'}\n\
                    \x20 - {name: b, run: ':', runtime: process}\n  - {name: c, noop: true}\n\
                    \x20 - {name: d, python: x.py, runtime: {kind: plugin, plugin: k, settings: {n: 1}}}\n";
        let parsed = crate::parse(text);
        let pipeline = parsed.pipeline.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        let of = |n: usize| pipeline.stages[n].runtime.clone();
        assert_eq!((of(0), of(1), of(2)), (Some(Runtime::Tmux), None, None));
        let Some(Runtime::Plugin { name, settings }) = of(3) else { panic!() };
        assert_eq!((name.as_str(), &settings["n"]), ("k", &serde_json::json!(1)));
    }

    #[test]
    fn what_does_not_fit_is_said_all_at_once() {
        let found = problems(
            "name: p\nstages:\n  - {name: a, run: ':', runtime: {kind: tmux, settings: {}}}\n\
             \x20 - {name: b, run: ':', runtime: plugin}\n  - {name: c, noop: true, runtime: tmux}\n\
             \x20 - {name: d, agent: implementer, task: x, runtime: tmux}\n\
             \x20 - {name: e, run: ':', runtime: tmuxx}\n  - {name: f, run: ':', runtime: docker}\n\
             \x20 - {name: g, run: ':', runtime: {kind: docker, image: 'a b', cpus: 0, volumes: {C: c}}}\n\
             \x20 - {name: h, run: ':', runtime: ecs}\n\
             \x20 - {name: i, run: ':', artifacts: {a: a}, runtime: {kind: ecs, task_definition: x}}\n",
        );
        assert_eq!(found.len(), 12, "{found:#?}");
        for wanted in [
            "the runtime `ecs` needs `task_definition`",
            "`artifacts` means files, and a task of ECS sees none",
            "the runtime `docker` needs `image`",
            "this is no name of an image",
            "`C` is no name of a volume",
            "`c` is no place for a volume",
            "`cpus` is out of range",
            "`settings` means nothing for the runtime `tmux`",
            "the runtime `plugin` needs `plugin`",
            "`runtime` needs `run` or `python`",
        ] {
            assert!(found.iter().any(|said| said == wanted), "{wanted}: {found:#?}");
        }
    }
}
