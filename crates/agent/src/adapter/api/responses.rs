//! OpenAI's `POST /responses`. Nothing is stored there: the conversation goes with every call.

use serde_json::{Value as Json, json};

use super::chat::said;
use super::wire::{
    Answer, Asking, Fault, Reader, Stop, Tokens, Turn, Wanted, Wire, arguments, is_strict,
    understood,
};

#[derive(Debug)]
pub(super) struct Responses;

impl Wire for Responses {
    fn path(&self) -> &'static str {
        "v1/responses"
    }

    fn body(&self, asking: &Asking<'_>) -> Json {
        let mut input = Vec::new();
        for turn in asking.turns {
            match turn {
                Turn::User(text) => input.push(json!({
                    "type": "message", "role": "user",
                    "content": [{ "type": "input_text", "text": text }],
                })),
                Turn::Model(echo) => input.extend(echo.as_array().into_iter().flatten().cloned()),
                Turn::Results(results) => input.extend(results.iter().map(|(id, output)| {
                    json!({ "type": "function_call_output", "call_id": id, "output": said(output) })
                })),
            }
        }
        let mut body = json!({
            "instructions": asking.system,
            "input": input,
            "stream": true,
            "store": false,
            "include": ["reasoning.encrypted_content"],
            "max_output_tokens": asking.max_tokens,
            "prompt_cache_key": asking.cache_key,
        });
        if let Some(model) = asking.model {
            body["model"] = json!(model);
        }
        if let Some(temperature) = asking.temperature {
            body["temperature"] = json!(temperature);
        }
        if !asking.tools.is_empty() {
            let function = |tool: &crate::tools::Tool| {
                json!({
                    "type": "function", "name": tool.name, "description": tool.description,
                    "parameters": tool.schema, "strict": false,
                })
            };
            body["tools"] = asking.tools.iter().map(function).collect();
        }
        if let Some(schema) = asking.schema {
            body["text"] = json!({ "format": {
                "type": "json_schema", "name": "result", "schema": schema,
                "strict": is_strict(schema),
            } });
        }
        body
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Reading::default())
    }
}

#[derive(Debug, Default)]
struct Reading {
    items: Vec<Json>,
    /// The response in the last event.
    last: Option<Json>,
}

impl Reader for Reading {
    fn event(&mut self, event: &Json) -> Result<(), Fault> {
        match event["type"].as_str().unwrap_or_default() {
            "error" => return Err(understood(None, event, "")),
            "response.failed" => return Err(understood(None, &event["response"], "")),
            "response.output_item.done" => self.items.push(event["item"].clone()),
            "response.completed" | "response.incomplete" => {
                self.last = Some(event["response"].clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Answer, Fault> {
        let Self { items, last } = *self;
        let Some(last) = last else {
            return Err(Fault::spoiled("the answer has no end"));
        };
        let items = match last["output"].as_array() {
            Some(output) if !output.is_empty() => output.clone(),
            Some(_) | None => items,
        };
        let (mut text, mut thinking, mut refusal) = (String::new(), String::new(), String::new());
        let (mut calls, mut echo) = (Vec::new(), Vec::new());
        for item in items {
            match item["type"].as_str().unwrap_or_default() {
                "message" => {
                    let said = text_of(&item["content"], "text");
                    refusal.push_str(&text_of(&item["content"], "refusal"));
                    if !said.is_empty() {
                        echo.push(json!({
                            "type": "message", "role": "assistant",
                            "content": [{ "type": "output_text", "text": said }],
                        }));
                    }
                    text.push_str(&said);
                }
                "function_call" => {
                    let word = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
                    let call = Wanted {
                        id: word("call_id"),
                        name: word("name"),
                        arguments: word("arguments"),
                    };
                    echo.push(json!({
                        "type": "function_call", "call_id": call.id, "name": call.name,
                        "arguments": arguments(&call).to_string(),
                    }));
                    calls.push(call);
                }
                "reasoning" => {
                    thinking.push_str(&text_of(&item["summary"], "text"));
                    // Without its content it is known only where it was stored.
                    if item["encrypted_content"].is_string() {
                        echo.push(item);
                    }
                }
                _ => {}
            }
        }
        let reason = last.pointer("/incomplete_details/reason").and_then(Json::as_str);
        let stop = match reason {
            Some("content_filter") => {
                Stop::Refused("the provider's filter cut the answer off".into())
            }
            Some(_) => Stop::Length,
            None if !refusal.is_empty() => Stop::Refused(refusal),
            None if !calls.is_empty() => Stop::Calls,
            None => Stop::End,
        };
        let number = |path: &str| last.pointer(path).and_then(Json::as_u64).unwrap_or(0);
        let cache_read = number("/usage/input_tokens_details/cached_tokens");
        let tokens = Tokens {
            input: number("/usage/input_tokens").saturating_sub(cache_read),
            output: number("/usage/output_tokens"),
            cache_read,
            cache_write: number("/usage/input_tokens_details/cache_write_tokens"),
        };
        let echo = if echo.is_empty() { Json::Null } else { Json::Array(echo) };
        Ok(Answer { echo, text, thinking, calls, stop, tokens })
    }
}

fn text_of(parts: &Json, key: &str) -> String {
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| part[key].as_str()).collect()
}
