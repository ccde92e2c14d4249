//! Where a stage runs, and whether it can.

use serde_json::{Map, Value as Json};

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredStage, AuthoredWork, Placed, literal};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Runtime, RuntimeKind};
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
        }
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
            AuthoredWork::Run { .. } | AuthoredWork::Python { .. } => return,
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
             \x20 - {name: e, run: ':', runtime: tmuxx}\n",
        );
        assert_eq!(found.len(), 5, "{found:#?}");
        for wanted in [
            "`settings` means nothing for the runtime `tmux`",
            "the runtime `plugin` needs `plugin`",
            "`runtime` needs `run` or `python`",
        ] {
            assert!(found.iter().any(|said| said == wanted), "{wanted}: {found:#?}");
        }
    }
}
