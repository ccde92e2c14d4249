//! Anthropic's `POST /v1/messages`.

use serde_json::{Value as Json, json};

use super::wire::{
    Answer, Asking, Fault, Reader, Stop, Tokens, Turn, Wanted, Wire, arguments, is_strict,
    understood,
};

#[derive(Debug)]
pub(super) struct Messages;

impl Wire for Messages {
    fn path(&self) -> &'static str {
        "v1/messages"
    }

    fn body(&self, asking: &Asking<'_>) -> Json {
        let mut messages: Vec<Json> = asking.turns.iter().map(message).collect();
        // What stands before a mark is cached: the instructions, and all that was said so far.
        let mark = json!({ "type": "ephemeral" });
        let last = messages.last_mut().and_then(|message| message["content"].as_array_mut());
        if let Some(block) = last.and_then(|blocks| blocks.last_mut()) {
            block["cache_control"] = mark.clone();
        }
        let mut body = json!({
            "system": [{ "type": "text", "text": asking.system, "cache_control": mark }],
            "messages": messages,
            "max_tokens": asking.max_tokens,
            "stream": true,
        });
        if let Some(model) = asking.model {
            body["model"] = json!(model);
        }
        if let Some(temperature) = asking.temperature {
            body["temperature"] = json!(temperature);
        }
        if !asking.tools.is_empty() {
            let tool = |tool: &crate::tools::Tool| {
                json!({
                    "name": tool.name, "description": tool.description,
                    "input_schema": tool.schema,
                })
            };
            body["tools"] = asking.tools.iter().map(tool).collect();
        }
        // This format takes no schema that leaves anything open.
        if let Some(schema) = asking.schema.filter(|schema| is_strict(schema)) {
            body["output_config"] =
                json!({ "format": { "type": "json_schema", "schema": schema } });
        }
        body
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Reading::default())
    }
}

fn message(turn: &Turn) -> Json {
    match turn {
        Turn::User(text) => {
            json!({ "role": "user", "content": [{ "type": "text", "text": text }] })
        }
        Turn::Model(echo) => json!({ "role": "assistant", "content": echo }),
        Turn::Results(results) => {
            let block = |(id, output): &(String, crate::tools::Output)| {
                json!({
                    "type": "tool_result", "tool_use_id": id, "is_error": !output.ok,
                    "content": [{ "type": "text", "text": output.text }],
                })
            };
            let blocks: Vec<Json> = results.iter().map(block).collect();
            json!({ "role": "user", "content": blocks })
        }
    }
}

#[derive(Debug, Default)]
struct Reading {
    /// As they began, with what came to them since.
    blocks: Vec<Json>,
    /// Of a call: its arguments as text.
    inputs: Vec<String>,
    tokens: Tokens,
    stop: Option<String>,
    over: bool,
}

impl Reader for Reading {
    fn event(&mut self, event: &Json) -> Result<(), Fault> {
        match event["type"].as_str().unwrap_or_default() {
            "error" => return Err(understood(None, event, "")),
            "message_start" => self.count(&event["message"]["usage"]),
            "content_block_start" => {
                self.blocks.push(event["content_block"].clone());
                self.inputs.push(String::new());
            }
            "content_block_delta" => self.delta(&event["delta"]),
            "message_delta" => {
                self.count(&event["usage"]);
                if let Some(stop) = event["delta"]["stop_reason"].as_str() {
                    self.stop = Some(stop.to_owned());
                }
            }
            "message_stop" => self.over = true,
            _ => {}
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Answer, Fault> {
        let Self { blocks, inputs, tokens, stop, over } = *self;
        if !over {
            return Err(Fault::spoiled("the answer has no end"));
        }
        let (mut text, mut thinking) = (String::new(), String::new());
        let (mut calls, mut echo) = (Vec::new(), Vec::new());
        for (mut block, input) in blocks.into_iter().zip(inputs) {
            let word = |key: &str| block[key].as_str().unwrap_or_default().to_owned();
            match block["type"].as_str().unwrap_or_default() {
                "text" => {
                    text.push_str(&word("text"));
                    if !word("text").is_empty() {
                        echo.push(block);
                    }
                }
                "thinking" => {
                    thinking.push_str(&word("thinking"));
                    echo.push(block);
                }
                "tool_use" => {
                    let call = Wanted { id: word("id"), name: word("name"), arguments: input };
                    block["input"] = arguments(&call);
                    calls.push(call);
                    echo.push(block);
                }
                // What this version does not know has to be sent again as it came.
                _ => echo.push(block),
            }
        }
        let stop = match stop.as_deref() {
            Some("max_tokens" | "model_context_window_exceeded") => Stop::Length,
            Some("refusal") => Stop::Refused(match text.trim() {
                "" => "it gave no reason".to_owned(),
                text => text.to_owned(),
            }),
            _ if !calls.is_empty() => Stop::Calls,
            _ => Stop::End,
        };
        let echo = if echo.is_empty() { Json::Null } else { Json::Array(echo) };
        Ok(Answer { echo, text, thinking, calls, stop, tokens })
    }
}

impl Reading {
    fn delta(&mut self, delta: &Json) {
        let (Some(block), Some(input)) = (self.blocks.last_mut(), self.inputs.last_mut()) else {
            return;
        };
        let part = |key: &str| delta[key].as_str().unwrap_or_default();
        input.push_str(part("partial_json"));
        for key in ["text", "thinking", "signature"] {
            match (&mut block[key], part(key)) {
                (_, "") => {}
                (Json::String(before), more) => before.push_str(more),
                (other, more) => *other = Json::String(more.to_owned()),
            }
        }
    }

    /// Later figures replace earlier ones.
    fn count(&mut self, usage: &Json) {
        for (key, to) in [
            ("input_tokens", &mut self.tokens.input),
            ("output_tokens", &mut self.tokens.output),
            ("cache_read_input_tokens", &mut self.tokens.cache_read),
            ("cache_creation_input_tokens", &mut self.tokens.cache_write),
        ] {
            if let Some(number) = usage[key].as_u64() {
                *to = number;
            }
        }
    }
}
