//! An agent with everything filled in: what its definition, the stage and the installation say.

use api::agent as wire;
use pipeline::agent::{Resolved, resolve, tuned};
use pipeline::model::{
    Adapter, AdapterKind, AgentUse, Decision, Permission, ProgramResult, ToolKind, Tuning,
    WireFormat,
};
use serde_json::Value as Json;

use super::shelf::Shelf;
use crate::config::Config;
use crate::config::agents::Defaults;
use crate::config::models::{Models, ProviderKind};
use crate::config::settings::{DEFAULT_MODEL, OPENAI_API_KEY, Said};

/// The provider that the variables `OPENAI_*` name.
const OPENAI: &str = "openai";

/// Fills seats, and remembers what was passed over in the definitions.
pub(super) struct Seats<'a> {
    pub(super) shelf: Shelf<'a>,
    defaults: &'a Defaults,
    models: &'a Models,
    /// The key of an API is set, with the model that goes with it.
    openai: Option<String>,
    stage: &'a str,
    notices: Vec<String>,
}

impl<'a> Seats<'a> {
    pub(super) fn new(
        shelf: Shelf<'a>,
        config: &'a Config,
        said: &Said,
        stage: &'a str,
    ) -> Result<Self, String> {
        let key = said.alone(&OPENAI_API_KEY)?.value.is_some();
        let model = said.alone(&DEFAULT_MODEL)?.text().map(str::to_owned);
        let openai = key.then_some(model).flatten();
        let (defaults, models) = (&config.agents, &config.models);
        Ok(Self { shelf, defaults, models, openai, stage, notices: Vec::new() })
    }

    /// What was passed over, each once.
    pub(super) fn notices(self) -> Vec<String> {
        let mut notices = self.notices;
        notices.sort();
        notices.dedup();
        notices
    }

    /// Its definition, with what the stage says of it.
    pub(super) fn resolved(
        &mut self,
        agent: &AgentUse,
        stage: &Tuning,
    ) -> Result<Resolved, String> {
        let shelf = self.shelf;
        let mut origins = Vec::new();
        let mut find = |name: &str| {
            let found = shelf.agent(name)?;
            origins.push(found.origin);
            Ok(found.definition)
        };
        let mut resolved = resolve(agent, self.stage, &mut find)?;
        let name = &resolved.spec.name;
        let of = origins.first().map_or(name.as_str(), String::as_str);
        self.notices.extend(resolved.notices.iter().map(|notice| format!("{of}: {notice}")));
        resolved.spec = tuned(resolved.spec, stage);
        Ok(resolved)
    }

    pub(super) fn seat(&mut self, agent: &AgentUse, stage: &Tuning) -> Result<wire::Agent, String> {
        let resolved = self.resolved(agent, stage)?;
        self.fill(resolved)
    }

    pub(super) fn fill(&self, resolved: Resolved) -> Result<wire::Agent, String> {
        let Resolved { spec, digest, .. } = resolved;
        let Tuning { adapter, model, temperature, tools, permissions } = spec.tuning;
        let (adapter, own_model) = self.adapter(adapter);
        let model = model.or_else(|| self.defaults.model.clone()).or(own_model);
        Ok(wire::Agent {
            system: spec.prompt.unwrap_or_default(),
            adapter: self.convert(adapter, &spec.name)?,
            model,
            temperature,
            tools: tools.unwrap_or_else(|| ToolKind::ALL.to_vec()).into_iter().map(tool).collect(),
            mcp: spec
                .mcp
                .into_iter()
                .map(|server| wire::McpServer {
                    name: server.name,
                    command: server.command,
                    env: server.env.into_iter().collect(),
                })
                .collect(),
            permissions: permissions.into_iter().map(rule).collect(),
            lens: spec.lens,
            share: spec.share,
            digest,
            name: spec.name,
        })
    }

    /// Where nobody says: the installation, then an API whose key is set, then the scripted one, so
    /// that everything can be tried without a key. With the model that belongs to the key.
    fn adapter(&self, said: Option<Adapter>) -> (Adapter, Option<String>) {
        let of_key = || match &self.openai {
            Some(model) => {
                let mut api = Adapter::of(AdapterKind::Api);
                api.provider = Some(OPENAI.to_owned());
                (api, Some(model.clone()))
            }
            None => (Adapter::of(AdapterKind::Mock), None),
        };
        // A bare word of the installation's own kind means the installation's own.
        let own = self.defaults.adapter.as_ref();
        let said = said.filter(|said| own.is_none_or(|own| *said != Adapter::of(own.kind)));
        match said.or_else(|| self.defaults.adapter.clone()) {
            Some(adapter) => {
                let openai = adapter.kind == AdapterKind::Api
                    && adapter.provider.as_deref().unwrap_or(OPENAI) == OPENAI
                    && self.defaults.provider.is_none();
                (adapter, self.openai.clone().filter(|_| openai))
            }
            None => of_key(),
        }
    }

    fn convert(&self, adapter: Adapter, agent: &str) -> Result<wire::Adapter, String> {
        let Adapter { kind, command, env, provider: own, format, result, tmux, script } = adapter;
        let env = env.into_iter().collect();
        Ok(match kind {
            AdapterKind::Mock => wire::Adapter::Mock { script: script.unwrap_or(Json::Null) },
            AdapterKind::Api => {
                let provider = own.unwrap_or_else(|| self.provider());
                let kind = self.models.providers.get(&provider).map(|provider| provider.kind);
                let format = format.unwrap_or(match kind {
                    Some(ProviderKind::Anthropic) => WireFormat::Messages,
                    Some(
                        ProviderKind::OpenAi | ProviderKind::Gemini | ProviderKind::Compatible,
                    )
                    | None => WireFormat::Chat,
                });
                wire::Adapter::Api { provider, format: wire_format(format) }
            }
            AdapterKind::Acp if command.is_empty() => return Err(no_command(agent, "acp")),
            AdapterKind::Acp => {
                let speaks = command.iter().find_map(|word| spoken_by(word));
                let provider = own.unwrap_or_else(|| self.provider_of(speaks));
                wire::Adapter::Acp { command, env, provider }
            }
            AdapterKind::Claude => {
                let speaks = Some(ProviderKind::Anthropic);
                let provider = own.unwrap_or_else(|| self.provider_of(speaks));
                wire::Adapter::Claude { command, env, provider }
            }
            AdapterKind::Codex => {
                let speaks = Some(ProviderKind::OpenAi);
                let provider = own.unwrap_or_else(|| self.provider_of(speaks));
                wire::Adapter::Codex { command, env, provider }
            }
            AdapterKind::Command if command.is_empty() => return Err(no_command(agent, "command")),
            AdapterKind::Command => {
                let result = match result {
                    Some(ProgramResult::Json) => wire::CommandResult::Json,
                    Some(ProgramResult::LastLine) => wire::CommandResult::LastLine,
                    Some(ProgramResult::Exit) | None => wire::CommandResult::Exit,
                };
                let provider = own.unwrap_or_else(|| self.provider());
                wire::Adapter::Command { argv: command, result, env, provider }
            }
            AdapterKind::Inbox => wire::Adapter::Inbox { tmux },
        })
    }

    /// For a program that speaks to one kind of providers only: the usual one where that fits, else
    /// the first that does.
    fn provider_of(&self, speaks: Option<ProviderKind>) -> String {
        let usual = self.provider();
        let Some(speaks) = speaks else { return usual };
        let fits = |kind: ProviderKind| kind == speaks || kind == ProviderKind::Compatible;
        let known = &self.models.providers;
        if known.get(&usual).is_some_and(|provider| fits(provider.kind)) {
            return usual;
        }
        let first = known.iter().find(|(_, provider)| fits(provider.kind));
        first.map_or(usual, |(name, _)| name.clone())
    }

    /// Of an API that names none: the installation's, the only one there is, the one of the
    /// environment.
    fn provider(&self) -> String {
        let mut known = self.models.providers.keys();
        let only = match (known.next(), known.next()) {
            (Some(only), None) if self.openai.is_none() => Some(only.clone()),
            (Some(_), Some(_) | None) | (None, _) => None,
        };
        let said = self.defaults.provider.clone();
        said.or(only).unwrap_or_else(|| OPENAI.to_owned())
    }
}

/// What the program of this name asks, as far as that is known.
fn spoken_by(word: &str) -> Option<ProviderKind> {
    let name = word.rsplit('/').next().unwrap_or_default();
    [
        ("claude", ProviderKind::Anthropic),
        ("codex", ProviderKind::OpenAi),
        ("gemini", ProviderKind::Gemini),
    ]
    .into_iter()
    .find_map(|(program, kind)| name.contains(program).then_some(kind))
}

fn no_command(agent: &str, kind: &str) -> String {
    format!("agent `{agent}`: the adapter `{kind}` needs a `command`")
}

fn wire_format(format: WireFormat) -> wire::Format {
    match format {
        WireFormat::Chat => wire::Format::Chat,
        WireFormat::Responses => wire::Format::Responses,
        WireFormat::Messages => wire::Format::Messages,
    }
}

pub(super) fn tool(kind: ToolKind) -> wire::ToolKind {
    match kind {
        ToolKind::Read => wire::ToolKind::Read,
        ToolKind::Search => wire::ToolKind::Search,
        ToolKind::Edit => wire::ToolKind::Edit,
        ToolKind::Execute => wire::ToolKind::Execute,
        ToolKind::Fetch => wire::ToolKind::Fetch,
    }
}

fn rule(rule: Permission) -> wire::Rule {
    wire::Rule {
        tool: rule.tool.map(tool),
        path: rule.path,
        command: rule.command,
        decision: match rule.decision {
            Decision::Allow => wire::Decision::Allow,
            Decision::Deny => wire::Decision::Deny,
            Decision::Ask => wire::Decision::Ask,
        },
    }
}
