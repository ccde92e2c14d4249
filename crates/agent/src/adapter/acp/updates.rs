//! What an agent tells of its work while a turn goes on.

use std::collections::HashMap;
use std::sync::Arc;

use api::agent::{Decision, ToolKind, Usage, UsageSource};
use serde_json::{Value as Json, json};

use crate::desk::{Call, Desk, permission};
use crate::mcp::approve::{self, said};
use crate::tools::house;

#[derive(Debug)]
pub(super) struct Updates {
    desk: Arc<Desk>,
    /// What it says arrives in pieces.
    text: String,
    thought: String,
    last: String,
    open: HashMap<String, Open>,
    /// What it tells now, it told before.
    replays: bool,
}

/// A call that has not ended.
#[derive(Debug, Default)]
struct Open {
    /// All that was said about it so far.
    told: Json,
    begun: Option<Call>,
    asked: bool,
}

impl Updates {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let (text, thought, last) = Default::default();
        Self { desk, text, thought, last, open: HashMap::new(), replays: false }
    }

    pub(super) fn replays(&mut self, replays: bool) {
        self.replays = replays;
    }

    /// `false`: the desk stops it.
    pub(super) fn update(&mut self, update: &Json) -> bool {
        if self.replays {
            return true;
        }
        let piece = update["content"]["text"].as_str().unwrap_or_default();
        match update["sessionUpdate"].as_str().unwrap_or_default() {
            "agent_message_chunk" => {
                self.flush_thought();
                self.text.push_str(piece);
                true
            }
            "agent_thought_chunk" => {
                self.flush_text();
                self.thought.push_str(piece);
                true
            }
            "tool_call" | "tool_call_update" => {
                self.flush();
                self.call(update)
            }
            // Plans, modes, commands, figures of the window; further kinds come with each version.
            _ => true,
        }
    }

    /// What was said is complete.
    pub(super) fn flush(&mut self) {
        self.flush_thought();
        self.flush_text();
    }

    fn flush_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.desk.text(&text);
        if !text.trim().is_empty() {
            self.last = text;
        }
    }

    fn flush_thought(&mut self) {
        let thought = std::mem::take(&mut self.thought);
        self.desk.thinking(&thought);
    }

    pub(super) fn last_words(&mut self) -> String {
        self.flush();
        std::mem::take(&mut self.last)
    }

    fn call(&mut self, update: &Json) -> bool {
        let id = update["toolCallId"].as_str().unwrap_or_default().to_owned();
        let status = update["status"].as_str().unwrap_or_default();
        let open = self.open.entry(id.clone()).or_default();
        merge(&mut open.told, update);
        let ended = matches!(status, "completed" | "failed");
        // At first some tell only that there is a call.
        if status != "pending" && !self.begin(&id) {
            return false;
        }
        if !ended {
            return true;
        }
        let Some(Open { told, begun: Some(call), asked }) = self.open.remove(&id) else {
            return true;
        };
        // It is done, but not unseen.
        if !asked && status == "completed" {
            let against = |call: &&Call| {
                permission::decide(&self.desk.agent.permissions, call) == Decision::Deny
            };
            for call in calls(&self.desk, &id, &told).iter().filter(against) {
                self.desk.refused(call, "it was done without asking, against the rules");
            }
        }
        self.desk.call_ended(&call, status == "completed", &output(&told));
        self.desk.room.sync();
        self.desk.halting().is_none()
    }

    /// Counts and tells of a call once.
    fn begin(&mut self, id: &str) -> bool {
        let Some(open) = self.open.get_mut(id) else { return true };
        if open.begun.is_some() {
            return true;
        }
        let call = calls(&self.desk, id, &open.told).swap_remove(0);
        open.begun = Some(call.clone());
        self.desk.call_begins(&call)
    }

    /// It asks whether it may: what for, once for each place. `false`: no call is left.
    pub(super) fn asked(&mut self, told: &Json) -> (bool, Vec<Call>) {
        self.flush();
        let id = told["toolCallId"].as_str().unwrap_or_default().to_owned();
        let open = self.open.entry(id.clone()).or_default();
        open.asked = true;
        merge(&mut open.told, told);
        let calls = calls(&self.desk, &id, &open.told);
        (self.begin(&id), calls)
    }

    /// What a turn used, as far as the agent says.
    pub(super) fn used(&self, result: &Json) {
        let quota = &result["_meta"]["quota"]["token_count"];
        let number = |keys: [&str; 2]| {
            let said = keys.iter().find_map(|key| result["usage"][*key].as_u64());
            said.or_else(|| quota[keys[1]].as_u64()).unwrap_or(0)
        };
        let usage = Usage {
            calls: 0,
            input_tokens: number(["inputTokens", "input_tokens"]),
            output_tokens: number(["outputTokens", "output_tokens"]),
            cache_read_tokens: number(["cachedReadTokens", "cached_read_tokens"]),
            cache_write_tokens: number(["cachedWriteTokens", "cached_write_tokens"]),
            nano_usd: None,
            source: UsageSource::Agent,
        };
        self.desk.used(usage);
    }
}

/// What is said later wins; what is not said again stays.
fn merge(told: &mut Json, update: &Json) {
    if !told.is_object() {
        *told = json!({});
    }
    let empty = |value: &Json| match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    };
    for (key, value) in update.as_object().into_iter().flatten() {
        if !empty(value) {
            told[key] = value.clone();
        }
    }
}

/// A call in our terms, once for each place that it touches: at least once.
fn calls(desk: &Desk, id: &str, told: &Json) -> Vec<Call> {
    let title = told["title"].as_str().unwrap_or("a tool");
    let own_name = told["_meta"]["claudeCode"]["toolName"].as_str();
    let said_kind = told["kind"].as_str().unwrap_or("other");
    let mut call = approve::foreign(desk, id, own_name.unwrap_or(title), &told["rawInput"]);
    call.title = title.to_owned();
    call.kind = match said_kind {
        "read" | "think" | "switch_mode" => ToolKind::Read,
        "search" => ToolKind::Search,
        "edit" | "delete" | "move" => ToolKind::Edit,
        "execute" => ToolKind::Execute,
        "fetch" => ToolKind::Fetch,
        _ => call.kind,
    };
    // A command may name itself as it likes; a tool of the house is none.
    if said_kind == "other" && is_of_the_house(own_name.unwrap_or(title)) {
        (call.kind, call.granted, call.path) = (ToolKind::Read, true, None);
        return vec![call];
    }
    if said_kind == "other" && call.granted {
        return vec![call];
    }
    call.granted = false;
    if call.kind == ToolKind::Execute {
        call.command = Some(command(&told["rawInput"]["command"], call.command, title));
        call.path = None;
        return vec![call];
    }
    let of = |list: &str| told[list].as_array().into_iter().flatten();
    let mut paths: Vec<&str> =
        of("locations").chain(of("content")).filter_map(|at| at["path"].as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    if paths.is_empty() {
        return vec![call];
    }
    let at = |(number, path): (usize, &&str)| Call {
        id: if number == 0 { id.to_owned() } else { format!("{id}-{}", number + 1) },
        path: Some(approve::place_of(desk, path)),
        ..call.clone()
    };
    paths.iter().enumerate().map(at).collect()
}

/// What a shell is told to do; some put the shell before it, some say it only in the title.
fn command(raw: &Json, told: Option<String>, title: &str) -> String {
    let words: Vec<&str> = raw.as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    if let [shell, flag, script] = &*words {
        let is_shell = ["sh", "bash", "zsh"].iter().any(|name| shell.ends_with(name));
        if is_shell && flag.starts_with('-') && flag.ends_with('c') {
            return (*script).to_owned();
        }
    }
    told.unwrap_or_else(|| title.trim_matches('`').to_owned())
}

/// The ways in which agents name the tools of our server.
fn is_of_the_house(name: &str) -> bool {
    let named = |tool: &str| {
        [
            format!("mcp__orchestrate__{tool}"),
            format!("orchestrate_{tool}"),
            format!("orchestrate/{tool}"),
            format!("Tool: orchestrate/{tool}"),
            format!("mcp.orchestrate.{tool}"),
            format!("{tool} (orchestrate MCP Server)"),
        ]
        .iter()
        .any(|own| own == name)
    };
    house::NAMES.iter().any(|tool| named(tool))
}

fn output(told: &Json) -> String {
    let raw = &told["rawOutput"];
    let direct = ["output", "formatted_output", "stdout"].iter().find_map(|key| raw[*key].as_str());
    match direct.or(raw.as_str()) {
        Some(text) => said(&Json::from(text)),
        None => said(&told["content"]),
    }
}
