//! How a stage is undone.

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredRetry, AuthoredWork, Named, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Shell;
use crate::source::Span;
use crate::text::Template;
use crate::vocabulary::ROLLBACK;
use crate::yaml::Kind;

#[derive(Debug)]
pub(crate) enum AuthoredRollback {
    /// `rollback: none`
    None,
    Action(Box<Action>),
}

#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) work: AuthoredWork,
    pub(crate) env: Named<Template>,
    pub(crate) working_dir: Option<Template>,
    pub(crate) timeout: Option<std::time::Duration>,
    pub(crate) retry: AuthoredRetry,
}

impl Action {
    /// The script that the text of `rollback:` is.
    fn script(script: Template) -> Self {
        Self {
            work: AuthoredWork::Run { script, shell: Shell::Sh },
            env: Vec::new(),
            working_dir: None,
            timeout: None,
            retry: AuthoredRetry::default(),
        }
    }
}

impl Reader<'_> {
    /// A script, `none`, or a map.
    pub(super) fn rollback(&mut self, stage: &Fields<'_>) -> Option<Placed<AuthoredRollback>> {
        let entry = stage.get("rollback")?;
        let node = &entry.value;
        if !matches!(node.kind, Kind::Map(_)) {
            let script = stage.template("rollback", self)?;
            let rollback = if script.literal() == Some("none") {
                AuthoredRollback::None
            } else {
                AuthoredRollback::Action(Box::new(Action::script(script)))
            };
            return Some(Placed::new(rollback, entry.key_span));
        }
        let fields = self.fields(node, "`rollback`", &ROLLBACK)?;
        let work = self.undoing(&fields, entry.key_span);
        let env = self.env(&fields);
        let working_dir = self.working_dir(&fields);
        let timeout = fields.duration("timeout", false, self).map(|timeout| timeout.value);
        let retry = self.retry(&fields);
        let action = Action { work: work?, env, working_dir, timeout, retry };
        Some(Placed::new(AuthoredRollback::Action(Box::new(action)), entry.key_span))
    }

    /// `run`, `python` or `agent`.
    fn undoing(&mut self, fields: &Fields<'_>, span: Span) -> Option<AuthoredWork> {
        let kinds = ["run", "python", "agent"].into_iter().filter_map(|key| fields.get(key));
        let kinds: Vec<_> = kinds.collect();
        if let [first, second, ..] = kinds.as_slice() {
            let message = format!("`rollback` has both `{}` and `{}`", first.key, second.key);
            self.push(
                Diagnostic::new(Code::SEVERAL_KINDS, second.key_span, message)
                    .help("remove one of them"),
            );
            return None;
        }
        if let (Some(entry), None) = (fields.get("shell"), fields.get("run")) {
            self.push(
                Diagnostic::new(Code::CONFLICTING_KEYS, entry.key_span, "`shell` needs `run`")
                    .help("it says which program runs the script"),
            );
        }
        if let (Some(entry), None) = (fields.get("task"), fields.get("agent")) {
            self.push(
                Diagnostic::new(Code::BAD_AGENT, entry.key_span, "`task` needs `agent`")
                    .help("say who undoes it"),
            );
        }
        if fields.get("run").is_some() {
            let script = fields.template("run", self);
            let shell = self.shell(fields);
            return Some(AuthoredWork::Run { script: script?, shell: shell? });
        }
        if let Some(node) = fields.node("python") {
            return self.python(node);
        }
        if let Some(entry) = fields.get("agent") {
            return self.undoing_agent(fields, entry);
        }
        let known = |key: &str| ROLLBACK.key(key).is_some() || ROLLBACK.is_later(key);
        if fields.entries.iter().all(|entry| known(&entry.key))
            && !fields.entries.iter().any(|entry| ROLLBACK.is_later(&entry.key))
        {
            self.push(
                Diagnostic::new(Code::NO_KIND, span, "this `rollback` does not say what to do")
                    .help("give it `run`, `python` or `agent`, or write `rollback: none`"),
            );
        }
        None
    }
}
