//! OpenAI's `POST /chat/completions`, and what speaks like it.

use serde_json::{Value as Json, json};

use super::wire::{
    Answer, Asking, Fault, Reader, Stop, Tokens, Turn, Wanted, Wire, arguments, is_strict,
    understood,
};

#[derive(Debug)]
pub(super) struct Chat;

impl Wire for Chat {
    fn path(&self) -> &'static str {
        "v1/chat/completions"
    }

    fn body(&self, asking: &Asking<'_>) -> Json {
        let mut messages = vec![json!({ "role": "system", "content": asking.system })];
        for turn in asking.turns {
            match turn {
                Turn::User(text) => messages.push(json!({ "role": "user", "content": text })),
                Turn::Model(echo) => messages.push(echo.clone()),
                Turn::Results(results) => messages.extend(results.iter().map(|(id, output)| {
                    json!({ "role": "tool", "tool_call_id": id, "content": said(output) })
                })),
            }
        }
        let mut body = json!({
            "messages": messages,
            "stream": true,
            "stream_options": { "include_usage": true },
            "max_completion_tokens": asking.max_tokens,
        });
        if let Some(model) = asking.model {
            body["model"] = json!(model);
        }
        if let Some(temperature) = asking.temperature {
            body["temperature"] = json!(temperature);
        }
        if !asking.tools.is_empty() {
            let function = |tool: &crate::tools::Tool| {
                json!({ "type": "function", "function": {
                    "name": tool.name, "description": tool.description, "parameters": tool.schema,
                } })
            };
            body["tools"] = asking.tools.iter().map(function).collect();
        }
        if let Some(schema) = asking.schema {
            body["response_format"] = json!({ "type": "json_schema", "json_schema": {
                "name": "result", "schema": schema, "strict": is_strict(schema),
            } });
        }
        body
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Reading::default())
    }
}

/// Results say by their words whether they are errors.
pub(super) fn said(output: &crate::tools::Output) -> String {
    match output.ok {
        true => output.text.clone(),
        false => format!("error: {}", output.text),
    }
}

#[derive(Debug, Default)]
struct Reading {
    text: String,
    thinking: String,
    refusal: String,
    calls: Vec<(u64, Wanted)>,
    finish: Option<String>,
    tokens: Tokens,
}

impl Reader for Reading {
    fn event(&mut self, event: &Json) -> Result<(), Fault> {
        if event.get("error").is_some_and(|error| !error.is_null()) {
            return Err(understood(None, event, ""));
        }
        if let Some(usage) = event["usage"].as_object() {
            let number = |value: Option<&Json>| value.and_then(Json::as_u64).unwrap_or(0);
            let cached = event.pointer("/usage/prompt_tokens_details/cached_tokens");
            self.tokens.cache_read = number(cached);
            self.tokens.input =
                number(usage.get("prompt_tokens")).saturating_sub(self.tokens.cache_read);
            self.tokens.output = number(usage.get("completion_tokens"));
        }
        let choice = &event["choices"][0];
        let delta = &choice["delta"];
        let part = |key: &str| delta[key].as_str().unwrap_or_default();
        self.text.push_str(part("content"));
        self.thinking.push_str(part("reasoning_content"));
        self.thinking.push_str(part("reasoning"));
        self.refusal.push_str(part("refusal"));
        for (at, part) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
            self.call(part, at as u64);
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.finish = Some(finish.to_owned());
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Answer, Fault> {
        let Self { text, thinking, refusal, calls, finish, tokens } = *self;
        let Some(finish) = finish else {
            return Err(Fault::spoiled("the answer has no end"));
        };
        let calls: Vec<Wanted> = calls.into_iter().map(|(_, call)| call).collect();
        let stop = match finish.as_str() {
            "length" => Stop::Length,
            "content_filter" => Stop::Refused("the provider's filter cut the answer off".into()),
            _ if !refusal.is_empty() => Stop::Refused(refusal),
            _ if !calls.is_empty() => Stop::Calls,
            _ => Stop::End,
        };
        let mut echo = json!({ "role": "assistant", "content": text });
        if calls.is_empty() && text.is_empty() {
            echo = Json::Null;
        } else if !calls.is_empty() {
            let call = |call: &Wanted| {
                json!({ "id": call.id, "type": "function", "function": {
                    "name": call.name, "arguments": arguments(call).to_string(),
                } })
            };
            echo["tool_calls"] = calls.iter().map(call).collect();
        }
        Ok(Answer { echo, text, thinking, calls, stop, tokens })
    }
}

impl Reading {
    /// Parts of one call have its index; servers that send calls whole may leave it out.
    fn call(&mut self, part: &Json, at: u64) {
        let id = part["id"].as_str().unwrap_or_default();
        let index = part["index"].as_u64();
        let known = self.calls.iter_mut().find(|(known, call)| match index {
            Some(index) => *known == index,
            None => id.is_empty() || call.id == id,
        });
        let function = &part["function"];
        let (name, arguments) = (&function["name"], &function["arguments"]);
        let (name, arguments) =
            (name.as_str().unwrap_or_default(), arguments.as_str().unwrap_or_default());
        match known {
            Some((_, call)) => {
                call.name.push_str(name);
                call.arguments.push_str(arguments);
            }
            None => {
                let index = index.unwrap_or(self.calls.len() as u64 + at);
                let id = match id {
                    "" => format!("call_{index}"),
                    id => id.to_owned(),
                };
                let call = Wanted { id, name: name.to_owned(), arguments: arguments.to_owned() };
                self.calls.push((index, call));
            }
        }
    }
}
