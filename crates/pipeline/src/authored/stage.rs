//! One stage.

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredPeople, AuthoredStage, AuthoredTriggers, AuthoredWork, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Effects, HaltMode, OnFailure, PythonSource, Rule, Shell};
use crate::text::{Template, ValueTemplate};
use crate::vocabulary::{CHILD, FOREACH, PYTHON, STAGE};
use crate::yaml::{Entry, Kind, Node};

/// The keys of this version that say what a stage does.
pub(crate) const KINDS: [&str; 9] =
    ["run", "python", "agent", "discussion", "meta_agent", "form", "pipeline", "merge", "noop"];
/// And those of later versions, which are reported as such.
const LATER_KINDS: [&str; 1] = ["agents"];

impl Reader<'_> {
    pub(super) fn stage(
        &mut self,
        node: &Node,
        group: Option<usize>,
        finally: bool,
    ) -> Option<AuthoredStage> {
        let fields = self.fields(node, "a stage", &STAGE)?;
        let name = fields.node("name").and_then(|node| self.name(node, "the name of a stage"));
        let span = fields.node("name").map_or_else(|| fields.start(), |node| node.span);
        let work = self.work(&fields, span);
        let rule = fields.choice("rule", self);
        let mut stage = AuthoredStage {
            span,
            name,
            description: fields.text("description", self).map_or_else(String::new, |t| t.value),
            work,
            depends_on: fields.get("depends_on").map(|entry| self.depends_on(entry)),
            parallel_with: fields
                .node("parallel_with")
                .and_then(|node| self.text(node, "`parallel_with`").map(|t| (t, node.span)))
                .map(|(text, span)| Placed::new(text, span)),
            group,
            rule: rule.map(|choice| Placed::new(RULES[choice.value], choice.span)),
            when: None,
            when_names: Vec::new(),
            condition: fields.expression("if", self),
            skip_unknown: fields.choice("on_unknown", self).is_some_and(|c| c.value == 1),
            foreach: None,
            max_parallel: fields.integer("max_parallel", self),
            env: self.env(&fields),
            worktree: self.worktree(&fields),
            working_dir: self.working_dir(&fields),
            outputs: match fields.node("outputs") {
                Some(node) => self.outputs(node),
                None => Vec::new(),
            },
            timeout: fields.duration("timeout", false, self),
            total_timeout: fields.duration("total_timeout", false, self),
            idle_timeout: fields.duration("idle_timeout", false, self),
            grace: fields.duration("grace", true, self).map(|placed| placed.value),
            retry: self.retry(&fields),
            on_failure: fields.choice("on_failure", self).map(|c| ON_FAILURE[c.value]),
            halt_mode: fields.choice("halt_mode", self).map(|c| HALT_MODES[c.value]),
            effects: fields.choice("effects", self).map(|c| EFFECTS[c.value]),
            probe: fields
                .get("probe")
                .and_then(|e| fields.template("probe", self).map(|t| (t, e.value.span)))
                .map(|(template, span)| Placed::new(template, span)),
            environment: fields.text("environment", self).map(|text| text.value),
            runtime: self.runtime(&fields),
            runs_on: self.runs_on(&fields),
            people: AuthoredPeople::default(),
            is_triggered: fields.get("triggers").is_some(),
            triggers: None,
            input: self.input_mapping(&fields),
            output: self.output_mapping(&fields),
            artifacts: self.artifacts(&fields),
            context: self.context(&fields),
            emits: self.emits(&fields),
            rollback: self.rollback(&fields),
            rollback_to: fields.text("rollback_to", self),
            finally,
        };
        self.people_and_triggers(&fields, &mut stage);
        self.fits_runtime(&fields, &stage);
        self.fits_workers(&fields, &stage);
        if let Some(node) = fields.node("when") {
            self.condition(node, &mut stage);
        }
        if let Some(node) = fields.node("foreach") {
            self.foreach(node, &fields, &mut stage);
        } else if let Some(entry) = fields.get("max_parallel") {
            let message = "`max_parallel` of a stage needs `foreach`";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("to limit the whole run, set it at the pipeline"),
            );
        }
        Some(stage)
    }

    /// Gates, forms, triggers, and how they fit to what the stage does.
    fn people_and_triggers(&mut self, fields: &Fields<'_>, stage: &mut AuthoredStage) {
        let policy = self.stage_policy(fields);
        self.gates(fields, &policy, &mut stage.people);
        stage.triggers = self.triggers(fields, &policy);
        let gated = stage.triggers.as_ref().is_some_and(AuthoredTriggers::has_gate);
        self.idle_policy(fields, gated);
        if fields.get("form").is_some() {
            stage.people.form = fields.node("form").and_then(|node| self.form(node, "`form`"));
            self.beside_a_form(fields);
        } else if let Some(node) = fields.node("human") {
            stage.people.form = self.form(node, "`human`");
        }
        if fields.get("pipeline").is_some() {
            self.beside_a_child(fields);
        }
        if let Some(entry) = fields.get("triggers").filter(|_| stage.finally) {
            let message = "a `finally` stage has no triggers";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("it runs when all others have settled"),
            );
        }
        let rolls_back = stage.on_failure == Some(OnFailure::Rollback);
        if let Some(entry) = fields.get("rollback_to").filter(|_| !rolls_back) {
            let message = "`rollback_to` needs `on_failure: rollback`";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("it says how far back a failure of this stage goes"),
            );
        }
        let undoing = ["rollback", "rollback_to"].into_iter().find_map(|key| fields.get(key));
        let undoing = undoing.or(fields.get("on_failure").filter(|_| rolls_back));
        if let Some(entry) = undoing.filter(|_| stage.finally) {
            let message = "a `finally` stage takes no part in a rollback";
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, message)
                    .help("it runs after everything that could be undone was undone"),
            );
        }
    }

    /// Exactly one of the kinds.
    fn work(&mut self, fields: &Fields<'_>, place: crate::source::Span) -> Option<AuthoredWork> {
        // A loop may leave its agent to its type.
        let alone = fields.get("agent").is_none();
        let is_kind = |key: &str| KINDS.contains(&key) || (alone && key == "loop");
        let kinds: Vec<&Entry> =
            fields.entries.iter().filter(|entry| is_kind(&entry.key)).collect();
        if let [first, second, ..] = kinds.as_slice() {
            let message = format!("a stage has both `{}` and `{}`", first.key, second.key);
            let either = |key: &str| first.key == key || second.key == key;
            let help = if either("form") {
                "a form that is asked before the work is called `human`"
            } else if either("discussion") {
                "agents that discuss are the `members` of the discussion"
            } else {
                "a stage does one thing; make it two stages"
            };
            self.push(Diagnostic::new(Code::SEVERAL_KINDS, second.key_span, message).help(help));
        }
        if let (Some(entry), None) = (fields.get("shell"), fields.get("run")) {
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, "`shell` needs `run`")
                    .help("it says which program runs the script"),
            );
        }
        let Some(kind) = kinds.first() else {
            let later = fields.entries.iter().any(|e| LATER_KINDS.contains(&e.key.as_str()));
            // An unknown key may well be the kind, misspelt.
            let unknown = fields
                .entries
                .iter()
                .any(|e| fields.object.key(&e.key).is_none() && !fields.object.is_later(&e.key));
            if !later && !unknown {
                let help = if fields.get("human").is_some() {
                    "a form that is all there is to do is called `form`"
                } else {
                    "give it one of `run`, `python`, `agent`, `form`, `pipeline`, `merge` and \
                     `noop: true`"
                };
                let message = "this stage does not say what to do";
                self.push(Diagnostic::new(Code::NO_KIND, place, message).help(help));
            }
            return None;
        };
        let agents = ["agent", "loop", "discussion", "meta_agent"];
        if agents.contains(&kind.key.as_str()) {
            return self.agent_work(fields, kind);
        }
        self.no_agent(fields);
        match kind.key.as_str() {
            "run" => {
                if matches!(kind.value.kind, Kind::List(_)) {
                    let message = "`run` must be text, not a list";
                    self.push(
                        Diagnostic::new(Code::WRONG_TYPE, kind.value.span, message)
                            .help("write the lines as one text: `run: |`, each line below it"),
                    );
                    return None;
                }
                let script = fields.template("run", self);
                let shell = self.shell(fields);
                Some(AuthoredWork::Run { script: script?, shell: shell? })
            }
            "python" => self.python(&kind.value),
            "form" => Some(AuthoredWork::Form),
            "pipeline" => self.child(&kind.value),
            "merge" => self.merge(&kind.value),
            _ => {
                let node = &kind.value;
                if node.scalar().and_then(crate::yaml::Scalar::boolean) != Some(true) {
                    self.push(
                        Diagnostic::new(
                            Code::WRONG_TYPE,
                            node.span,
                            format!("`noop` must be `true`, not {}", node.says()),
                        )
                        .help("write `noop: true`"),
                    );
                }
                Some(AuthoredWork::Noop)
            }
        }
    }

    /// The name of a pipeline, or a map.
    fn child(&mut self, node: &Node) -> Option<AuthoredWork> {
        if !matches!(node.kind, Kind::Map(_)) {
            let pipeline = self.name(node, "the name of a pipeline")?;
            return Some(AuthoredWork::Child { pipeline, inputs: Vec::new() });
        }
        let fields = self.fields(node, "`pipeline`", &CHILD)?;
        let pipeline =
            fields.node("name").and_then(|node| self.name(node, "the name of a pipeline"));
        let inputs = match fields.node("inputs") {
            Some(node) => self.values(node, "`inputs`", |_, entry| {
                Some(Placed::new(entry.key.clone(), entry.key_span))
            }),
            None => Vec::new(),
        };
        Some(AuthoredWork::Child { pipeline: pipeline?, inputs })
    }

    pub(super) fn shell(&mut self, fields: &Fields<'_>) -> Option<Shell> {
        let Some(node) = fields.node("shell") else { return Some(Shell::Sh) };
        if let Kind::List(items) = &node.kind {
            let read: Vec<_> = items.iter().map(|item| self.text(item, "a word")).collect();
            let words = read.into_iter().collect::<Option<Vec<_>>>()?;
            if words.is_empty() {
                self.push(
                    Diagnostic::new(Code::WRONG_TYPE, node.span, "`shell` has no program")
                        .help("for example `[zsh, -c]`"),
                );
                return None;
            }
            return Some(Shell::Custom(words));
        }
        match self.text(node, "`shell`")?.as_str() {
            "sh" => Some(Shell::Sh),
            "bash" => Some(Shell::Bash),
            other => {
                let message = format!("`{other}` is no shell that is known");
                self.push(
                    Diagnostic::new(Code::NOT_A_CHOICE, node.span, message)
                        .help(format!("write `sh`, `bash`, or a list such as `[{other}, -c]`")),
                );
                None
            }
        }
    }

    pub(super) fn python(&mut self, node: &Node) -> Option<AuthoredWork> {
        if node.scalar().is_some_and(|scalar| !scalar.is_null()) {
            let file = self.template(node, "`python`")?;
            if file.literal().is_some_and(|file| file.contains('\n')) {
                self.push(
                    Diagnostic::new(Code::WRONG_TYPE, node.span, "`python` takes a file's path")
                        .help("write the program as `python: {code: |...}`"),
                );
                return None;
            }
            let source = PythonSource::File(file);
            return Some(AuthoredWork::Python { source, parameters: Vec::new() });
        }
        let fields = self.fields(node, "`python`", &PYTHON)?;
        let parameters = match fields.node("parameters") {
            Some(node) => self.values(node, "`parameters`", |_, entry| {
                Some(Placed::new(entry.key.clone(), entry.key_span))
            }),
            None => Vec::new(),
        };
        let source = match (fields.get("file"), fields.get("code")) {
            (Some(_), Some(code)) => {
                let message = "`python` has both `file` and `code`";
                self.push(
                    Diagnostic::new(Code::SEVERAL_KINDS, code.key_span, message)
                        .help("remove one of them"),
                );
                None
            }
            (Some(_), None) => fields.template("file", self).map(PythonSource::File),
            (None, Some(_)) => fields.text("code", self).map(|code| PythonSource::Code(code.value)),
            (None, None) => {
                let message = "`python` has neither `file` nor `code`";
                self.push(
                    Diagnostic::new(Code::NO_KIND, fields.start(), message)
                        .help("`file` is a path, `code` the program itself"),
                );
                None
            }
        };
        Some(AuthoredWork::Python { source: source?, parameters })
    }

    /// A stage's name, or a list of them. What cannot be a name cannot be found either: that
    /// is said when names are looked up.
    fn depends_on(&mut self, entry: &Entry) -> Placed<Vec<Placed<String>>> {
        let mut names = Vec::new();
        for item in self.one_or_many(&entry.value) {
            match item.scalar().filter(|scalar| !scalar.is_null()) {
                Some(name) => names.push(Placed::new(name.text.clone(), item.span)),
                None => self.wrong_type("`depends_on`", "a stage's name or a list of names", item),
            }
        }
        Placed::new(names, entry.key_span)
    }

    fn foreach(&mut self, node: &Node, fields: &Fields<'_>, stage: &mut AuthoredStage) {
        let (node, inner) = match &node.kind {
            Kind::Map(_) => {
                let Some(inner) = self.fields(node, "`foreach`", &FOREACH) else { return };
                if let (Some(outer), Some(_)) =
                    (fields.get("max_parallel"), inner.get("max_parallel"))
                {
                    let message = "`max_parallel` is given beside and inside `foreach`";
                    self.push(
                        Diagnostic::new(Code::CONFLICTING_KEYS, outer.key_span, message)
                            .help("remove one of them"),
                    );
                }
                (inner.node("items"), Some(inner))
            }
            Kind::Scalar(_) | Kind::List(_) => (Some(node), None),
        };
        if let Some(limit) = inner.and_then(|inner| inner.integer("max_parallel", self)) {
            stage.max_parallel = Some(limit);
        }
        let Some(node) = node else { return };
        stage.foreach = self.items(node, "`foreach`");
    }

    /// A list, or one reference to a list.
    pub(super) fn items(&mut self, node: &Node, what: &str) -> Option<Placed<ValueTemplate>> {
        let items = self.value(node)?;
        let is_list = match &items {
            ValueTemplate::Literal(value) => value.is_array(),
            ValueTemplate::List(_) => true,
            ValueTemplate::Text(template) => template.parts.len() == 1,
            ValueTemplate::Map(_) => false,
        };
        if is_list {
            return Some(Placed::new(items, node.span));
        }
        let message = format!("{what} must be a list, not {}", node.says());
        self.push(
            Diagnostic::new(Code::WRONG_TYPE, node.span, message)
                .help("write a list, or one reference to a list such as `\"${files}\"`"),
        );
        None
    }

    /// Where the path is known, it must stay below the directory of the run.
    pub(super) fn working_dir(&mut self, fields: &Fields<'_>) -> Option<Template> {
        let node = fields.node("working_dir")?;
        let template = fields.template("working_dir", self)?;
        let known = template.literal().unwrap_or("");
        let leaves = known.starts_with('/') || known.split('/').any(|part| part == "..");
        if leaves {
            let message = format!("`{known}` leaves the directory of the run");
            self.push(
                Diagnostic::new(Code::BAD_PATH, node.span, message)
                    .help("a path below it, without `..`"),
            );
            return None;
        }
        Some(template)
    }
}

/// In the order of the vocabulary's words.
const RULES: [Rule; 8] = [
    Rule::NoneFailedMinOneSuccess,
    Rule::AllSuccess,
    Rule::NoneFailed,
    Rule::AllDone,
    Rule::OneSuccess,
    Rule::OneFailed,
    Rule::AllFailed,
    Rule::Always,
];
const ON_FAILURE: [OnFailure; 4] =
    [OnFailure::Halt, OnFailure::Continue, OnFailure::Isolate, OnFailure::Rollback];
pub(super) const HALT_MODES: [HaltMode; 2] = [HaltMode::Finish, HaltMode::Cancel];
const EFFECTS: [Effects; 3] = [Effects::Idempotent, Effects::Once, Effects::Keyed];

#[cfg(test)]
mod tests {
    use super::super::fields::words;
    use super::*;
    use crate::vocabulary::PIPELINE;

    fn snake(meaning: impl std::fmt::Debug) -> String {
        let mut text = String::new();
        for c in format!("{meaning:?}").chars() {
            if c.is_uppercase() && !text.is_empty() {
                text.push('_');
            }
            text.extend(c.to_lowercase());
        }
        text
    }

    #[test]
    fn words_and_meanings_are_in_one_order() {
        let of = |key: &str| words(&STAGE.key(key).unwrap().value).0;
        assert_eq!(of("rule"), RULES.map(snake));
        assert_eq!(of("on_failure"), ON_FAILURE.map(snake));
        assert_eq!(of("halt_mode"), HALT_MODES.map(snake));
        assert_eq!(of("effects"), EFFECTS.map(snake));
        assert_eq!(of("on_unknown"), ["run", "skip"]);
        assert_eq!(words(&PIPELINE.key("halt_mode").unwrap().value).0, HALT_MODES.map(snake));
    }

    #[test]
    fn kinds_are_keys_of_a_stage() {
        for kind in KINDS {
            assert!(STAGE.key(kind).is_some(), "{kind}");
        }
        for kind in LATER_KINDS {
            assert!(STAGE.is_later(kind), "{kind}");
        }
    }
}
