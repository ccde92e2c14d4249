//! What is said of an agent: by name, or written out; at a stage, in the pipeline, in a file.

use indexmap::IndexMap;

use super::super::fields::Fields;
use super::super::names::shorten;
use super::super::read::Reader;
use super::super::scalars::literal;
use super::super::{Named, Placed};
use crate::diagnostic::{Code, Diagnostic};
use crate::elsewhere::UseKind;
use crate::model::{
    Adapter, AdapterKind, AgentSpec, AgentUse, Budget, Decision, McpServer, Permission,
    ProgramResult, ToolKind, Tuning, WireFormat,
};
use crate::vocabulary::{ADAPTER, AGENT, BUDGET, MCP_SERVER, Object, PERMISSION};
use crate::yaml::{Kind, Node};

const NANO: f64 = 1e9;
const MOST_USD: f64 = 1e6;

impl Reader<'_> {
    /// A name, or a map.
    pub(super) fn agent_use(&mut self, node: &Node, what: &str) -> Option<AgentUse> {
        if !matches!(node.kind, Kind::Map(_)) {
            let name = self.agent_name(node, what)?.value;
            self.uses(UseKind::Agent, &name, node.span);
            return Some(AgentUse::Named(name));
        }
        let spec = self.agent_spec(node, what, &AGENT)?;
        Some(AgentUse::Written(Box::new(spec)))
    }

    /// `agents` of the pipeline.
    pub(in super::super) fn agents(&mut self, fields: &Fields<'_>) -> Named<AgentSpec> {
        let Some(node) = fields.node("agents") else { return Vec::new() };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`agents`", "a map of names to agents", node);
            return Vec::new();
        };
        let mut agents = Vec::with_capacity(entries.len());
        for entry in entries {
            let fits = is_agent_name(&entry.key);
            if !fits {
                self.bad_agent_name(&entry.key, entry.key_span, "an agent");
            }
            let spec = self.agent_spec(&entry.value, &format!("agent `{}`", entry.key), &AGENT);
            let Some(mut spec) = spec.filter(|_| fits) else { continue };
            spec.name.clone_from(&entry.key);
            self.named.agents.push(entry.key.clone());
            agents.push((Placed::new(entry.key.clone(), entry.key_span), spec));
        }
        agents
    }

    pub(in super::super) fn agent_name(
        &mut self,
        node: &Node,
        what: &str,
    ) -> Option<Placed<String>> {
        let name = self.text(node, what)?;
        if !is_agent_name(&name) {
            self.bad_agent_name(&name, node.span, what);
            return None;
        }
        Some(Placed::new(name, node.span))
    }

    pub(super) fn bad_agent_name(&mut self, name: &str, span: crate::source::Span, what: &str) {
        let message = format!("`{}` cannot be {what}", shorten(name));
        self.push(
            Diagnostic::new(Code::BAD_NAME, span, message)
                .help("names of agents and loop types are 1 to 64 of the characters a-z 0-9 -"),
        );
    }

    fn agent_spec(
        &mut self,
        node: &Node,
        what: &str,
        object: &'static Object,
    ) -> Option<AgentSpec> {
        let before = self.sink.errors();
        let spec = self.agent_keys(node, what, object)?;
        let says = spec.prompt.as_ref().is_some_and(|prompt| !prompt.trim().is_empty());
        if !says && spec.extends.is_none() && self.sink.errors() == before {
            let place = match &node.kind {
                Kind::Map(entries) => entries.first().map_or(node.span, |entry| entry.key_span),
                Kind::Scalar(_) | Kind::List(_) => node.span,
            };
            let message = format!("{what} has neither `prompt` nor `extends`");
            self.push(
                Diagnostic::new(Code::BAD_AGENT, place, message)
                    .help("give it instructions, or the name of the agent that it goes by"),
            );
            return None;
        }
        Some(spec)
    }

    /// What is said, whether or not it is enough.
    pub(crate) fn agent_keys(
        &mut self,
        node: &Node,
        what: &str,
        object: &'static Object,
    ) -> Option<AgentSpec> {
        let fields = self.fields(node, what, object)?;
        let name =
            fields.node("name").and_then(|node| self.agent_name(node, "the name of an agent"));
        let extends = fields.node("extends").and_then(|node| self.agent_name(node, "`extends`"));
        if let Some(name) = &extends {
            self.uses(UseKind::Agent, &name.value, name.span);
        }
        Some(AgentSpec {
            name: name.map_or_else(String::new, |name| name.value),
            extends: extends.map(|name| name.value),
            description: fields.text("description", self).map_or_else(String::new, |t| t.value),
            prompt: fields.text("prompt", self).map(|text| text.value),
            tuning: self.tuning(&fields, fields.node("adapter")),
            mcp: self.mcp(&fields),
            lens: fields.text("lens", self).map(|text| text.value),
            share: self.amount(
                &fields,
                "share",
                |share| share > 0.0 && share <= 1.0,
                "above 0, at most 1",
            ),
            budget: self.budget(&fields),
            timeout: fields.duration("timeout", false, self).map(|time| time.value),
            output_schema: self.schema(&fields, "output_schema"),
        })
    }

    /// The keys that a stage has too; its `adapter` may be a reference, which is none of these.
    pub(super) fn tuning(&mut self, fields: &Fields<'_>, adapter: Option<&Node>) -> Tuning {
        Tuning {
            adapter: adapter.and_then(|node| self.adapter(node)),
            model: fields.text("model", self).map(|model| model.value),
            temperature: self.amount(
                fields,
                "temperature",
                |value| (0.0..=2.0).contains(&value),
                "allowed are 0 to 2",
            ),
            tools: fields.node("tools").map(|node| self.tools(node)),
            permissions: fields.node("permissions").map_or_else(Vec::new, |n| self.permissions(n)),
        }
    }

    fn tools(&mut self, node: &Node) -> Vec<ToolKind> {
        let mut tools = Vec::new();
        for item in self.list(node, "`tools`").unwrap_or_default() {
            let found = self.choice(item, "a kind of tools", &ToolKind::WORDS, &[]);
            let kind = found.map(|found| ToolKind::ALL[found]);
            tools.extend(kind.filter(|kind| !tools.contains(kind)));
        }
        tools
    }

    fn permissions(&mut self, node: &Node) -> Vec<Permission> {
        let mut rules = Vec::new();
        for item in self.list(node, "`permissions`").unwrap_or_default() {
            let Some(fields) = self.fields(item, "a permission", &PERMISSION) else { continue };
            let tool = fields.choice("tool", self).map(|found| ToolKind::ALL[found.value]);
            let path = fields.node("path").and_then(|node| {
                self.globs(node, "`path`")?;
                self.text(node, "`path`")
            });
            let command = fields.text("command", self).map(|command| command.value);
            let decision = fields.choice("decision", self).map(|found| DECISIONS[found.value]);
            let Some(decision) = decision else { continue };
            rules.push(Permission { tool, path, command, decision });
        }
        rules
    }

    fn mcp(&mut self, fields: &Fields<'_>) -> Vec<McpServer> {
        let Some(node) = fields.node("mcp") else { return Vec::new() };
        let Kind::Map(entries) = &node.kind else {
            self.wrong_type("`mcp`", "a map of names to servers", node);
            return Vec::new();
        };
        let mut servers = Vec::with_capacity(entries.len());
        for entry in entries {
            let name = self.output_name(&entry.key, entry.key_span, "a server of tools");
            let inner = self.fields(&entry.value, &format!("server `{}`", entry.key), &MCP_SERVER);
            let Some((name, inner)) = name.zip(inner) else { continue };
            let command = self.command(&inner);
            let env = self.plain_env(&inner);
            servers.push(McpServer { name: name.value, command, env });
        }
        servers
    }

    /// Words of a command.
    fn command(&mut self, fields: &Fields<'_>) -> Vec<String> {
        let Some(node) = fields.node("command") else { return Vec::new() };
        let items = self.list(node, "`command`").unwrap_or_default();
        let words: Vec<String> =
            items.iter().filter_map(|item| self.text(item, "a word of `command`")).collect();
        if items.is_empty() && matches!(node.kind, Kind::List(_)) {
            self.push(
                Diagnostic::new(Code::WRONG_TYPE, node.span, "`command` has no program")
                    .help("for example `[claude-agent-acp]`"),
            );
        }
        words
    }

    /// Variables that hold no references.
    fn plain_env(&mut self, fields: &Fields<'_>) -> IndexMap<String, String> {
        let mut env = IndexMap::new();
        for (name, template) in self.env(fields) {
            match template.literal() {
                Some(text) => {
                    env.insert(name.value, text.to_owned());
                }
                None => {
                    let message = format!("`{}` holds a reference", name.value);
                    self.push(Diagnostic::new(Code::NOT_AVAILABLE_HERE, name.span, message).help(
                        "what an agent is, is known before a run; set it in `env` of the stage",
                    ));
                }
            }
        }
        env
    }

    pub(crate) fn adapter(&mut self, node: &Node) -> Option<Adapter> {
        let mut adapter = if matches!(node.kind, Kind::Map(_)) {
            let fields = self.fields(node, "`adapter`", &ADAPTER)?;
            let kind = AdapterKind::ALL[fields.choice("kind", self)?.value];
            self.of_another_kind(&fields, kind);
            Adapter {
                command: self.command(&fields),
                env: self.plain_env(&fields),
                provider: fields.text("provider", self).map(|text| text.value),
                format: fields.choice("format", self).map(|found| WIRE_FORMATS[found.value]),
                result: fields.choice("result", self).map(|found| RESULTS[found.value]),
                tmux: fields.text("tmux", self).map(|text| text.value),
                script: fields.node("script").map(literal),
                ..Adapter::of(kind)
            }
        } else {
            let found = self.choice(node, "`adapter`", &AdapterKind::WORDS, &[])?;
            Adapter::of(AdapterKind::ALL[found])
        };
        let needs = matches!(adapter.kind, AdapterKind::Acp | AdapterKind::Command);
        if needs && adapter.command.is_empty() {
            let word = adapter.kind.word();
            let message = format!("the adapter `{word}` needs a `command`");
            self.push(
                Diagnostic::new(Code::BAD_AGENT, node.span, message)
                    .help(format!("write `{{kind: {word}, command: [PROGRAM]}}`")),
            );
        }
        adapter.command.shrink_to_fit();
        Some(adapter)
    }

    /// Keys of an adapter that this kind has no use for.
    fn of_another_kind(&mut self, fields: &Fields<'_>, kind: AdapterKind) {
        let used: &[&str] = match kind {
            AdapterKind::Mock => &["script"],
            AdapterKind::Api => &["provider", "format"],
            AdapterKind::Acp | AdapterKind::Claude | AdapterKind::Codex => {
                &["command", "env", "provider"]
            }
            AdapterKind::Command => &["command", "env", "result", "provider"],
            AdapterKind::Inbox => &["tmux"],
        };
        for key in ADAPTER.keys.iter().filter(|key| key.name != "kind" && !used.contains(&key.name))
        {
            let Some(entry) = fields.get(key.name) else { continue };
            let message = format!("`{}` means nothing for the adapter `{}`", key.name, kind.word());
            self.push(
                Diagnostic::new(Code::BAD_AGENT, entry.key_span, message)
                    .help(format!("it takes {}", crate::vocabulary::one_of(used))),
            );
        }
    }

    pub(in super::super) fn budget(&mut self, fields: &Fields<'_>) -> Budget {
        let none = Budget::default();
        let Some(node) = fields.node("budget") else { return none };
        let Some(fields) = self.fields(node, "`budget`", &BUDGET) else { return none };
        let usd = self.amount(
            &fields,
            "usd",
            |usd| (1.0 / NANO..=MOST_USD).contains(&usd),
            "above 0, at most a million",
        );
        let count = |name: &str, reader: &mut Self| fields.integer(name, reader).map(|n| n.value);
        Budget {
            nano_usd: usd.map(|usd| (usd * NANO).round() as u64),
            tokens: self.tokens(&fields),
            calls: count("calls", self),
            turns: count("turns", self),
            tool_calls: count("tool_calls", self),
        }
    }

    fn tokens(&mut self, fields: &Fields<'_>) -> Option<u64> {
        let node = fields.node("tokens")?;
        let (min, max) = super::super::fields::range(&BUDGET.key("tokens")?.value);
        u64::try_from(self.integer(node, "`tokens`", min, max)?).ok()
    }

    /// A number that may have a fraction.
    pub(super) fn amount(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        fits: impl Fn(f64) -> bool,
        wanted: &str,
    ) -> Option<f64> {
        let node = fields.node(name)?;
        let number = node.scalar().and_then(crate::yaml::Scalar::number);
        let Some(value) = number.and_then(|number| number.as_f64()) else {
            self.wrong_type(&format!("`{name}`"), "a number", node);
            return None;
        };
        if fits(value) {
            return Some(value);
        }
        let message = format!("`{name}` is out of range");
        self.push(Diagnostic::new(Code::OUT_OF_RANGE, node.span, message).label(wanted));
        None
    }
}

/// `[a-z0-9-]{1,64}`
pub fn is_agent_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// In the order of the vocabulary's words.
const DECISIONS: [Decision; 3] = [Decision::Allow, Decision::Deny, Decision::Ask];
const WIRE_FORMATS: [WireFormat; 3] =
    [WireFormat::Chat, WireFormat::Responses, WireFormat::Messages];
const RESULTS: [ProgramResult; 3] =
    [ProgramResult::Exit, ProgramResult::Json, ProgramResult::LastLine];
