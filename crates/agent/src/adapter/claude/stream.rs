//! What `claude` says on its stream, event by event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use api::agent::{Did, StoppedBy, Terminal, Usage, UsageSource};
use serde_json::Value as Json;

use crate::adapter::Rest;
use crate::adapter::cli::fault;
use crate::desk::{Call, Desk};
use crate::mcp::approve::{self, said};

/// What an event comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    More,
    /// Its last word.
    Rest(Box<Rest>),
    /// Nothing more is to be done: the desk stops it.
    Over,
}

#[derive(Debug)]
pub(super) struct Stream {
    desk: Arc<Desk>,
    /// One message of the model comes in several events.
    messages: HashSet<String>,
    turns: u32,
    open: HashMap<String, Call>,
}

impl Stream {
    /// `turns`: of the messages before.
    pub(super) fn new(desk: Arc<Desk>, turns: u32) -> Self {
        Self { desk, messages: HashSet::new(), turns, open: HashMap::new() }
    }

    pub(super) fn turns(&self) -> u32 {
        self.turns
    }

    pub(super) fn event(&mut self, event: &Json) -> Heard {
        match event["type"].as_str().unwrap_or_default() {
            "assistant" => self.assistant(&event["message"]),
            "user" => self.results(&event["message"]["content"]),
            "system" if event["subtype"] == "api_retry" => self.retry(event),
            "result" => self.result(event),
            // Further kinds come with each version.
            _ => Heard::More,
        }
    }

    fn assistant(&mut self, message: &Json) -> Heard {
        // Its own words about an error come again as the result.
        if message["model"] == "<synthetic>" {
            return Heard::More;
        }
        let id = message["id"].as_str().unwrap_or_default();
        if self.messages.insert(id.to_owned()) {
            self.turns += 1;
            if !self.desk.turn(self.turns) {
                return Heard::Over;
            }
        }
        for part in message["content"].as_array().into_iter().flatten() {
            let text = |key: &str| part[key].as_str().unwrap_or_default();
            match text("type") {
                "text" => self.desk.text(text("text")),
                "thinking" => self.desk.thinking(text("thinking")),
                "tool_use" => {
                    let call =
                        approve::foreign(&self.desk, text("id"), text("name"), &part["input"]);
                    let begins = self.desk.call_begins(&call);
                    self.open.insert(call.id.clone(), call);
                    if !begins {
                        return Heard::Over;
                    }
                }
                _ => {}
            }
        }
        self.desk.room.sync();
        Heard::More
    }

    fn results(&mut self, content: &Json) -> Heard {
        for part in content.as_array().into_iter().flatten() {
            let id = part["tool_use_id"].as_str().unwrap_or_default();
            let Some(call) = self.open.remove(id) else { continue };
            let ok = !part["is_error"].as_bool().unwrap_or(false);
            self.desk.call_ended(&call, ok, &said(&part["content"]));
        }
        self.desk.room.sync();
        match self.desk.halting() {
            Some(_) => Heard::Over,
            None => Heard::More,
        }
    }

    fn retry(&self, event: &Json) -> Heard {
        let status = event["error_status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let reason = event["error"].as_str().unwrap_or("the model did not answer").to_owned();
        let wait_ms = event["retry_delay_ms"].as_f64().unwrap_or_default().max(0.0) as u64;
        // No try helps a key that is not taken.
        if let Some(401 | 403) = status {
            let terminal = Some(fault::understood(status, &reason));
            return Heard::Rest(Box::new(Rest { terminal, ..Rest::default() }));
        }
        self.desk.record(Did::Retry { status, wait_ms, reason });
        Heard::More
    }

    fn result(&mut self, event: &Json) -> Heard {
        self.desk.used(usage(event));
        for denied in event["permission_denials"].as_array().into_iter().flatten() {
            let word = |key: &str| denied[key].as_str().unwrap_or_default();
            let call = approve::foreign(
                &self.desk,
                word("tool_use_id"),
                word("tool_name"),
                &denied["tool_input"],
            );
            self.desk.refused(&call, "claude's own rules do not allow it");
        }
        let text = event["result"].as_str().unwrap_or_default().to_owned();
        let subtype = event["subtype"].as_str().unwrap_or_default();
        if subtype == "error_max_turns" {
            self.desk.halt(StoppedBy::Turns);
            return Heard::Over;
        }
        let failed = event["is_error"].as_bool().unwrap_or(false) || subtype != "success";
        let terminal = if event["stop_reason"] == "refusal" {
            Terminal::Refused { message: text.clone() }
        } else if failed {
            let status =
                event["api_error_status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let first = event["errors"][0].as_str().unwrap_or(subtype);
            fault::understood(status, if text.is_empty() { first } else { &text })
        } else {
            Terminal::Completed
        };
        let native = event.get("structured_output").filter(|value| !value.is_null()).cloned();
        Heard::Rest(Box::new(Rest { text, native, terminal: Some(terminal) }))
    }
}

/// Only the last event has the whole of it. What it thinks that this cost is no price of ours.
fn usage(event: &Json) -> Usage {
    let number = |key: &str| event["usage"][key].as_u64().unwrap_or(0);
    Usage {
        calls: u32::try_from(event["num_turns"].as_u64().unwrap_or(0)).unwrap_or(u32::MAX),
        input_tokens: number("input_tokens"),
        output_tokens: number("output_tokens"),
        cache_read_tokens: number("cache_read_input_tokens"),
        cache_write_tokens: number("cache_creation_input_tokens"),
        nano_usd: None,
        source: UsageSource::Agent,
    }
}
