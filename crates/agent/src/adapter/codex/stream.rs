//! What `codex exec --json` says, event by event.

use std::collections::HashMap;
use std::sync::Arc;

use api::agent::{Did, Terminal, ToolKind, Usage, UsageSource};
use serde_json::Value as Json;

use crate::adapter::Rest;
use crate::adapter::cli::fault;
use crate::desk::{Call, Desk};
use crate::mcp::approve::{self, said};

/// What an event comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    More,
    /// The name by which the conversation is taken up again.
    Thread(String),
    /// Its last word.
    Rest(Box<Rest>),
    /// Nothing more is to be done: the desk stops it.
    Over,
}

#[derive(Debug)]
pub(super) struct Stream {
    desk: Arc<Desk>,
    /// Names of its items begin anew with each process.
    prefix: String,
    open: HashMap<String, Call>,
    text: String,
    error: Option<String>,
}

impl Stream {
    pub(super) fn new(desk: Arc<Desk>, message: u32) -> Self {
        let prefix = format!("a{}m{message}-", desk.room.job.attempt.number);
        Self { desk, prefix, open: HashMap::new(), text: String::new(), error: None }
    }

    pub(super) fn event(&mut self, event: &Json) -> Heard {
        let message = |at: &Json| at["message"].as_str().unwrap_or("no reason given").to_owned();
        match event["type"].as_str().unwrap_or_default() {
            "thread.started" => match event["thread_id"].as_str() {
                Some(thread) => Heard::Thread(thread.to_owned()),
                None => Heard::More,
            },
            "item.started" => self.begins(&event["item"]),
            "item.completed" => self.ends(&event["item"]),
            "turn.completed" => {
                self.desk.used(usage(&event["usage"]));
                let text = std::mem::take(&mut self.text);
                let terminal = Some(Terminal::Completed);
                Heard::Rest(Box::new(Rest { text, native: None, terminal }))
            }
            "turn.failed" => {
                let terminal = Some(fault::understood(None, &message(&event["error"])));
                Heard::Rest(Box::new(Rest { terminal, ..Rest::default() }))
            }
            // It may try again, and says so in words.
            "error" => {
                let reason = message(event);
                self.error = Some(reason.clone());
                self.desk.record(Did::Retry { status: None, wait_ms: 0, reason });
                Heard::More
            }
            _ => Heard::More,
        }
    }

    /// It ended without a last word; what it said of an error before counts.
    pub(super) fn end(&mut self) -> Rest {
        let terminal = self.error.take().map(|error| fault::understood(None, &error));
        Rest { terminal, ..Rest::default() }
    }

    fn begins(&mut self, item: &Json) -> Heard {
        let Some(call) = self.call(item) else { return Heard::More };
        let begins = self.desk.call_begins(&call);
        self.open.insert(call.id.clone(), call);
        if begins { Heard::More } else { Heard::Over }
    }

    fn ends(&mut self, item: &Json) -> Heard {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        match text("type") {
            "agent_message" => {
                self.desk.text(text("text"));
                text("text").clone_into(&mut self.text);
            }
            "reasoning" => self.desk.thinking(text("text")),
            "error" => self.desk.warn(text("message").to_owned()),
            _ => {
                let Some(call) = self.call(item) else { return Heard::More };
                if self.open.remove(&call.id).is_none() && !self.desk.call_begins(&call) {
                    return Heard::Over;
                }
                let ok = !matches!(text("status"), "failed" | "declined")
                    && matches!(item["exit_code"].as_i64(), None | Some(0));
                let output = match text("type") {
                    "command_execution" => said(&item["aggregated_output"]),
                    _ if !item["error"].is_null() => said(&item["error"]["message"]),
                    _ => said(&item["result"]["content"]),
                };
                if text("status") == "declined" {
                    self.desk.refused(&call, "codex's own rules do not allow it");
                }
                self.desk.call_ended(&call, ok, &output);
            }
        }
        self.desk.room.sync();
        match self.desk.halting() {
            Some(_) => Heard::Over,
            None => Heard::More,
        }
    }

    fn call(&self, item: &Json) -> Option<Call> {
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        let call = |kind: ToolKind, title: String| Call {
            id: format!("{}{}", self.prefix, text("id")),
            kind,
            title,
            input: item.clone(),
            path: None,
            command: None,
            granted: false,
        };
        Some(match text("type") {
            "command_execution" => {
                let command = text("command").to_owned();
                let mut call = call(ToolKind::Execute, format!("shell {command}"));
                call.input = serde_json::json!({ "command": command });
                call.command = Some(command);
                call
            }
            "file_change" => {
                let changes = item["changes"].as_array().into_iter().flatten();
                let paths: Vec<&str> =
                    changes.filter_map(|change| change["path"].as_str()).collect();
                let mut call = call(ToolKind::Edit, format!("edit {}", paths.join(", ")));
                call.path = paths.first().map(|path| approve::place_of(&self.desk, path));
                call
            }
            "mcp_tool_call" => {
                let name = format!("mcp__{}__{}", text("server"), text("tool"));
                let id = format!("{}{}", self.prefix, text("id"));
                approve::foreign(&self.desk, &id, &name, &item["arguments"])
            }
            "web_search" => call(ToolKind::Fetch, format!("search {}", text("query"))),
            _ => return None,
        })
    }
}

/// Of a turn. What was read from the cache is part of its input there.
fn usage(usage: &Json) -> Usage {
    let number = |key: &str| usage[key].as_u64().unwrap_or(0);
    let cached = number("cached_input_tokens");
    Usage {
        // It does not say; the gateway knows.
        calls: 0,
        input_tokens: number("input_tokens").saturating_sub(cached),
        output_tokens: number("output_tokens"),
        cache_read_tokens: cached,
        cache_write_tokens: number("cache_write_input_tokens"),
        nano_usd: None,
        source: UsageSource::Agent,
    }
}
