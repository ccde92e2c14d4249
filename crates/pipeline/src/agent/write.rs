//! An agent written out, as a pipeline that brings its own would say it.

use indexmap::IndexMap;
use serde_json::{Map, Number, Value as Json, json};

use crate::model::{
    Adapter, AgentSpec, Budget, Decision, McpServer, Permission, ProgramResult, ToolKind, Tuning,
    WireFormat,
};

const NANO: f64 = 1e9;

/// A value of `agents` in a pipeline. Read again it is the same agent, under the name that is its key
/// there; a budget keeps nine digits behind the point of a dollar.
pub fn write(spec: &AgentSpec) -> Json {
    let AgentSpec {
        name: _,
        extends,
        description,
        prompt,
        tuning,
        mcp,
        lens,
        share,
        budget,
        timeout,
        output_schema,
    } = spec;
    let mut said = Said::default();
    said.put("extends", extends.clone());
    said.put("description", Some(description.clone()).filter(|text| !text.is_empty()));
    said.put("prompt", prompt.clone());
    put_tuning(&mut said, tuning);
    let servers = mcp.iter().map(|server| (server.name.clone(), server_of(server)));
    said.map("mcp", servers.collect());
    said.put("lens", lens.clone());
    said.put("share", *share);
    if let Json::Object(caps) = write_budget(*budget) {
        said.map("budget", caps);
    }
    said.put("timeout", timeout.map(|time| format!("{}ms", time.as_millis())));
    said.put("output_schema", output_schema.clone());
    Json::Object(said.0)
}

/// A value of `budget`.
pub fn write_budget(budget: Budget) -> Json {
    let Budget { nano_usd, tokens, calls, turns, tool_calls } = budget;
    let mut said = Said::default();
    // More than an `f64` can tell apart is more than anybody may write.
    said.put("usd", nano_usd.and_then(|nano| Number::from_f64(nano as f64 / NANO)));
    said.put("tokens", tokens);
    said.put("calls", calls);
    said.put("turns", turns);
    said.put("tool_calls", tool_calls);
    Json::Object(said.0)
}

#[derive(Default)]
struct Said(Map<String, Json>);

impl Said {
    fn put(&mut self, key: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
    }

    /// Nothing in it says nothing.
    fn map(&mut self, key: &str, entries: Map<String, Json>) {
        self.put(key, Some(entries).filter(|entries| !entries.is_empty()));
    }
}

fn put_tuning(said: &mut Said, tuning: &Tuning) {
    let Tuning { adapter, model, temperature, tools, permissions } = tuning;
    said.put("adapter", adapter.as_ref().map(write_adapter));
    said.put("model", model.clone());
    said.put("temperature", *temperature);
    let words = |tools: &Vec<ToolKind>| -> Json { tools.iter().map(|kind| kind.word()).collect() };
    said.put("tools", tools.as_ref().map(words));
    let rules: Vec<Json> = permissions.iter().map(rule).collect();
    said.put("permissions", Some(rules).filter(|rules| !rules.is_empty()));
}

fn write_adapter(adapter: &Adapter) -> Json {
    let Adapter { kind, command, env, provider, format, result, tmux, script } = adapter;
    let mut said = Said::default();
    said.put("kind", Some(kind.word()));
    said.put("command", Some(command.clone()).filter(|words| !words.is_empty()));
    said.map("env", variables(env));
    said.put("provider", provider.clone());
    said.put("format", format.map(format_word));
    said.put("result", result.map(result_word));
    said.put("tmux", tmux.clone());
    said.put("script", script.clone());
    Json::Object(said.0)
}

/// A variable is written as a template, in which `$${` stands for `${`.
fn variables(env: &IndexMap<String, String>) -> Map<String, Json> {
    env.iter().map(|(name, value)| (name.clone(), value.replace("${", "$${").into())).collect()
}

fn server_of(server: &McpServer) -> Json {
    let mut said = Said::default();
    said.put("command", Some(server.command.clone()));
    said.map("env", variables(&server.env));
    Json::Object(said.0)
}

fn rule(permission: &Permission) -> Json {
    let Permission { tool, path, command, decision } = permission;
    let mut said = Said::default();
    said.put("tool", tool.map(|kind| kind.word()));
    said.put("path", path.clone());
    said.put("command", command.clone());
    said.put("decision", Some(decision_word(*decision)));
    json!(said.0)
}

fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allow",
        Decision::Deny => "deny",
        Decision::Ask => "ask",
    }
}

fn format_word(format: WireFormat) -> &'static str {
    match format {
        WireFormat::Chat => "chat",
        WireFormat::Responses => "responses",
        WireFormat::Messages => "messages",
    }
}

fn result_word(result: ProgramResult) -> &'static str {
    match result {
        ProgramResult::Exit => "exit",
        ProgramResult::Json => "json",
        ProgramResult::LastLine => "last_line",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::read;

    /// The same agent, read again from a pipeline that has it.
    fn again(spec: &AgentSpec) -> AgentSpec {
        let text = json!({
            "name": "p",
            "agents": { &spec.name: write(spec) },
            "stages": [{ "name": "s", "noop": true }],
        });
        let parsed = crate::parse(&text.to_string());
        assert!(!parsed.has_errors(), "{}", parsed.rendered("p", false));
        parsed.pipeline.unwrap().agents[&spec.name].clone()
    }

    #[test]
    fn what_is_written_out_is_read_as_the_same_agent() {
        let text = r#"---
name: all
description: "says: \"everything\""
model: "12"
temperature: 0.3
tools: [Read, Bash]
orchestrate:
  extends: reviewer
  adapter:
    kind: acp
    command: [opencode, acp, "--x=${a}"]
    env: {A: "1", B: "it is $${b}"}
    provider: mine
  permissions:
    - {tool: execute, command: cargo test, decision: allow}
    - {path: "docs/**", decision: deny}
    - {decision: ask}
  mcp: {docs: {command: [docs, -v], env: {L: high}}}
  lens: speed
  share: 0.25
  budget: {usd: 0.000000007, tokens: 5, calls: 4, turns: 3, tool_calls: 2}
  timeout: 2m3s
  output_schema: {type: object, properties: {a: {type: integer}}}
---
Say ${this} and @that.

	"quoted", 'single', # no comment, back\slash, ä, 💥
"#;
        let spec = read("all.md", "all", text).unwrap().spec;
        assert_eq!(again(&spec), spec);
        for script in ["mock, script: {turns: [[{text: \"a: b\"}, null, 1.5]]}", "inbox, tmux: t"] {
            let text = format!("---\norchestrate:\n  adapter: {{kind: {script}}}\n---\nDo it.\n");
            let spec = read("x.md", "x", &text).unwrap().spec;
            assert_eq!(again(&spec), spec);
        }
        for (kind, more) in [("api", "format: messages"), ("command", "command: [a], result: json")]
        {
            let text = format!("---\norchestrate:\n  adapter: {{kind: {kind}, {more}}}\n---\nX\n");
            let spec = read("x.md", "x", &text).unwrap().spec;
            assert_eq!(again(&spec), spec);
        }
    }

    #[test]
    fn every_built_in_role_can_be_written_out() {
        for (name, text) in crate::agent::built_in_agents() {
            let spec = read(name, name, text).unwrap().spec;
            assert_eq!(again(&spec), spec);
        }
    }
}
