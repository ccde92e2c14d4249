//! Stages that agents do.

use super::fields::Fields;
use super::read::Reader;
use super::{AuthoredWork, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::elsewhere::UseKind;
use crate::model::{
    AgentUse, Budget, Combine, Crew, Discussion, LoopSpec, MetaAgent, TalkMode, Tuning, Validation,
};
use crate::source::Span;
use crate::text::Template;
use crate::vocabulary::{DISCUSSION, META_AGENT};
use crate::yaml::{Entry, Kind, Node};

mod mention;
mod repeat;
mod spec;

pub(crate) use mention::{AuthoredMention, Mentions};
pub use spec::is_agent_name;

/// What only agents have a use for.
const PARTS: [&str; 8] =
    ["task", "model", "temperature", "adapter", "tools", "permissions", "budget", "validate"];
const MEMBERS: std::ops::RangeInclusive<usize> = 2..=8;
const MAX_AGENTS: u32 = 5;

#[derive(Debug)]
pub(crate) struct AuthoredAgent {
    pub(crate) crew: Crew,
    pub(crate) task: AuthoredPrompt,
    pub(crate) tuning: Tuning,
    /// Where `adapter` is a reference.
    pub(crate) adapter: Option<Template>,
    pub(crate) budget: Budget,
    pub(crate) validate: Option<Validation>,
}

#[derive(Debug)]
pub(crate) struct AuthoredPrompt {
    pub(crate) text: Template,
    pub(crate) mentions: Vec<Placed<AuthoredMention>>,
}

impl Reader<'_> {
    /// `kind`: the key that says how agents do it.
    pub(super) fn agent_work(&mut self, fields: &Fields<'_>, kind: &Entry) -> Option<AuthoredWork> {
        let crew = match kind.key.as_str() {
            "discussion" => self.discussion(&kind.value).map(|talk| Crew::Discussion(talk.into())),
            "meta_agent" => self.meta_agent(&kind.value).map(|meta| Crew::Meta(meta.into())),
            _ => self.single(fields),
        };
        let task = self.task(fields, kind.key_span);
        let named = fields.node("adapter");
        let chosen = named.filter(|node| node.scalar().is_some_and(|it| it.text.contains("${")));
        let adapter = chosen.and_then(|node| self.template(node, "`adapter`"));
        let tuning = self.tuning(fields, named.filter(|_| chosen.is_none()));
        let budget = self.budget(fields);
        let validate = fields.node("validate").map(|node| self.validation(node, "`validate`"));
        let validate = match validate {
            Some(None) => return None,
            Some(found) => found,
            None => None,
        };
        let (crew, task) = (crew?, task?);
        Some(AuthoredWork::Agent(Box::new(AuthoredAgent {
            crew,
            task,
            tuning,
            adapter,
            budget,
            validate,
        })))
    }

    /// `agent` and `task` of a rollback.
    pub(super) fn undoing_agent(
        &mut self,
        fields: &Fields<'_>,
        entry: &Entry,
    ) -> Option<AuthoredWork> {
        let agent = self.agent_use(&entry.value, "`agent`");
        let task = self.task(fields, entry.key_span);
        Some(AuthoredWork::Agent(Box::new(AuthoredAgent {
            crew: Crew::Single { agent: agent? },
            task: task?,
            tuning: Tuning::default(),
            adapter: None,
            budget: Budget::default(),
            validate: None,
        })))
    }

    /// Keys of agents at a stage that is something else.
    pub(super) fn no_agent(&mut self, fields: &Fields<'_>) {
        for key in PARTS {
            let Some(entry) = fields.get(key) else { continue };
            let message = format!("`{key}` needs an agent");
            self.push(
                Diagnostic::new(Code::BAD_AGENT, entry.key_span, message)
                    .help("make it a stage of its own with `agent`, or remove the key"),
            );
        }
    }

    /// `agent`, `loop`, or both.
    fn single(&mut self, fields: &Fields<'_>) -> Option<Crew> {
        let agent = fields.node("agent").map(|node| self.agent_use(node, "`agent`"));
        let Some(node) = fields.node("loop") else {
            return Some(Crew::Single { agent: agent?? });
        };
        let repeat = self.repeat(node);
        let agent = match agent {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Crew::Loop { agent, repeat: Box::new(repeat?) })
    }

    fn repeat(&mut self, node: &Node) -> Option<LoopSpec> {
        if !matches!(node.kind, Kind::Map(_)) {
            let name = self.agent_name(node, "the name of a loop type")?.value;
            self.uses(UseKind::LoopType, &name, node.span);
            let extends = Some(name);
            return Some(LoopSpec { extends, ..LoopSpec::default() });
        }
        let before = self.sink.errors();
        let spec = self.loop_spec(node, "`loop`")?;
        if spec.extends.is_none() && spec.prompt.is_none() && self.sink.errors() == before {
            let message = "this loop has neither a type nor a prompt";
            self.push(
                Diagnostic::new(Code::BAD_AGENT, node.span, message)
                    .help("add `type: ralph`, or the `prompt` of an iteration"),
            );
        }
        Some(spec)
    }

    /// `task`, which every agent stage has.
    fn task(&mut self, fields: &Fields<'_>, place: Span) -> Option<AuthoredPrompt> {
        let Some(node) = fields.node("task") else {
            let message = "an agent stage needs the key `task`";
            self.push(
                Diagnostic::new(Code::MISSING_KEY, place, message)
                    .help("say what is to be done: `task: Review the change`"),
            );
            return None;
        };
        self.prompt(node, "`task`")
    }

    /// Text with `${...}` and `@...`.
    pub(super) fn prompt(&mut self, node: &Node, what: &str) -> Option<AuthoredPrompt> {
        let mut text = self.template(node, what)?;
        let mentions = self.mentions(node, &mut text);
        if text.literal().is_some_and(|text| text.trim().is_empty()) {
            let message = format!("{what} is empty");
            self.push(
                Diagnostic::new(Code::BAD_AGENT, node.span, message).help("say what is to be done"),
            );
            return None;
        }
        Some(AuthoredPrompt { text, mentions })
    }

    fn discussion(&mut self, node: &Node) -> Option<Discussion> {
        let fields = self.fields(node, "`discussion`", &DISCUSSION)?;
        let mode = fields.choice("mode", self);
        let mode = mode.map_or(TalkMode::Parallel, |choice| TALK_MODES[choice.value]);
        let members = fields.node("members").and_then(|node| self.members(node));
        let rounds = fields.integer("rounds", self);
        let combine = fields.choice("combine", self).map(|choice| COMBINES[choice.value]);
        let chair = fields.node("chair").map(|node| self.agent_use(node, "`chair`"));
        self.fits_the_mode(&fields, mode);
        let chair = match chair {
            Some(read) => Some(read?),
            None => None,
        };
        let members = members?;
        if let (Some(chair), Some(entry)) = (&chair, fields.get("chair"))
            && mode == TalkMode::Council
            && members.contains(chair)
        {
            let message = "the chair of a council is one of its members";
            self.push(
                Diagnostic::new(Code::BAD_DISCUSSION, entry.value.span, message)
                    .help("name another agent, or leave `chair` out"),
            );
        }
        Some(Discussion { mode, members, rounds: rounds.map(|n| n.value), combine, chair })
    }

    fn members(&mut self, node: &Node) -> Option<Vec<AgentUse>> {
        let items = self.list(node, "`members`")?;
        let read: Vec<_> = items.iter().map(|item| self.agent_use(item, "a member")).collect();
        if !MEMBERS.contains(&items.len()) {
            let message = match items.len() {
                0 => "a discussion without members".to_owned(),
                1 => "a discussion with one member".to_owned(),
                many => format!("a discussion with {many} members"),
            };
            let help = if items.len() > *MEMBERS.end() {
                "at most 8; more than 5 hardly ever help"
            } else {
                "name at least two; for one, write `agent: ...`"
            };
            self.push(Diagnostic::new(Code::BAD_DISCUSSION, node.span, message).help(help));
            return None;
        }
        read.into_iter().collect()
    }

    /// Keys that mean nothing in this mode.
    fn fits_the_mode(&mut self, fields: &Fields<'_>, mode: TalkMode) {
        let idle: &[(&str, &str)] = match mode {
            TalkMode::Sequential => &[
                ("combine", "the last draft is the answer"),
                ("chair", "the last draft is the answer"),
            ],
            TalkMode::Parallel => &[("rounds", "all answer once; `debate` has rounds")],
            TalkMode::Council => &[
                ("combine", "the chair writes the answer"),
                ("rounds", "answers and ballots are given once; `debate` has rounds"),
            ],
            TalkMode::Debate => &[("combine", "the majority decides, else the chair")],
        };
        for (key, why) in idle {
            let Some(entry) = fields.get(key) else { continue };
            let message = format!("`{key}` means nothing in this mode of a discussion");
            self.push(
                Diagnostic::new(Code::BAD_DISCUSSION, entry.key_span, message)
                    .label(*why)
                    .help("remove it, or choose another `mode`"),
            );
        }
    }

    fn meta_agent(&mut self, node: &Node) -> Option<MetaAgent> {
        let named = |name: &str| AgentUse::Named(name.to_owned());
        if !matches!(node.kind, Kind::Map(_)) {
            let planner = self.agent_use(node, "`meta_agent`")?;
            let models = Vec::new();
            return Some(MetaAgent { planner, max_agents: MAX_AGENTS, models, fallback: None });
        }
        let fields = self.fields(node, "`meta_agent`", &META_AGENT)?;
        let planner = fields.node("planner").map(|node| self.agent_use(node, "`planner`"));
        let max_agents = fields.integer("max_agents", self);
        let models =
            fields.node("models").map_or_else(Vec::new, |node| self.texts(node, "a model"));
        let fallback = fields.node("fallback").map(|node| self.agent_use(node, "`fallback`"));
        Some(MetaAgent {
            planner: planner.unwrap_or_else(|| Some(named("architect")))?,
            max_agents: max_agents.map_or(MAX_AGENTS, |most| most.value),
            models,
            fallback: match fallback {
                Some(read) => Some(read?),
                None => None,
            },
        })
    }

    /// One text, or a list of them.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Vec<String> {
        let items = self.one_or_many(node);
        items.iter().filter_map(|item| self.text(item, what)).collect()
    }
}

/// In the order of the vocabulary's words.
const TALK_MODES: [TalkMode; 4] =
    [TalkMode::Sequential, TalkMode::Parallel, TalkMode::Council, TalkMode::Debate];
const COMBINES: [Combine; 4] = [Combine::Concat, Combine::Vote, Combine::Synthesise, Combine::Best];
