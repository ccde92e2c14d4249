//! What an answer says of its usage, and whether it is whole; as it comes by.

use serde_json::Value as Json;
use store::port::ModelUsage;

use super::wire::Format;

/// Splits a stream of server-sent events into events, as bytes, with the blank line that ends each.
#[derive(Debug, Default)]
pub(super) struct Events {
    held: Vec<u8>,
    /// Up to here no end was found.
    seen: usize,
}

impl Events {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let from = self.seen.saturating_sub(3);
        let rest = &self.held[from..];
        let end = (0..rest.len()).find_map(|at| {
            [&b"\n\n"[..], b"\r\n\r\n"]
                .iter()
                .find_map(|mark| rest[at..].starts_with(mark).then_some(from + at + mark.len()))
        });
        match end {
            Some(end) => {
                self.seen = 0;
                Some(self.held.drain(..end).collect())
            }
            None => {
                self.seen = self.held.len();
                None
            }
        }
    }

    /// What follows the last event: of a stream that ended in the middle of one.
    pub(super) fn rest(self) -> Vec<u8> {
        self.held
    }
}

/// What `data:` of an event says.
fn data(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let lines = text.lines().filter_map(|line| line.strip_prefix("data:"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// What is done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    On,
    /// From here on it says that the answer is whole: held back until it is stored.
    Hold,
    /// The last one.
    Last,
    /// Only we asked for it.
    Drop,
}

/// Reads along.
#[derive(Debug)]
pub(super) struct Meter {
    format: Format,
    hide_usage: bool,
    usage: ModelUsage,
    told: bool,
    finished: bool,
    failed: Option<String>,
    pub(super) model: Option<String>,
    /// Bytes of what was said, for an estimate.
    said: usize,
}

impl Meter {
    pub(super) fn new(format: Format, hide_usage: bool) -> Self {
        Self {
            format,
            hide_usage,
            usage: ModelUsage::default(),
            told: false,
            finished: false,
            failed: None,
            model: None,
            said: 0,
        }
    }

    /// What it used, as the provider says; `None`: it did not say.
    pub(super) fn usage(&self) -> Option<ModelUsage> {
        self.told.then(|| self.usage.clone())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.finished && self.failed.is_none()
    }

    /// What the provider says is wrong, in the middle of the stream.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    pub(super) fn said(&self) -> usize {
        self.said
    }

    /// A whole answer that is no stream.
    pub(super) fn whole(&mut self, body: &[u8]) {
        self.said += body.len();
        match serde_json::from_slice::<Json>(body) {
            Ok(Json::Array(parts)) => parts.iter().for_each(|part| self.read(part)),
            // Some say 200 and mean something else.
            Ok(json) if json.get("error").is_some_and(|error| !error.is_null()) => {
                self.read(&json);
                self.error(&json);
                return;
            }
            Ok(json @ Json::Object(_)) => self.read(&json),
            Ok(_) | Err(_) => {
                self.failed = Some("the answer is no JSON object".to_owned());
                return;
            }
        }
        self.finished = true;
    }

    /// An event of a stream.
    pub(super) fn event(&mut self, event: &[u8]) -> Pass {
        let data = data(event);
        if data.is_empty() {
            return Pass::On;
        }
        if data.trim() == "[DONE]" {
            self.finished = true;
            return Pass::Last;
        }
        self.said += data.len();
        let Ok(json) = serde_json::from_str::<Json>(&data) else {
            self.failed.get_or_insert_with(|| "an event of the stream is no JSON".to_owned());
            return Pass::On;
        };
        self.read(&json);
        match self.format {
            Format::Chat => self.chat(&json),
            Format::Responses => match json["type"].as_str() {
                Some("response.completed" | "response.incomplete") => self.last(),
                Some("response.failed" | "error") => self.error(&json),
                Some(_) | None => Pass::On,
            },
            Format::Messages => match json["type"].as_str() {
                Some("message_stop") => self.last(),
                Some("message_delta") => Pass::Hold,
                Some("error") => self.error(&json),
                Some(_) | None => Pass::On,
            },
            Format::Gemini => {
                if json.get("error").is_some() {
                    return self.error(&json);
                }
                let ends = json["candidates"][0]["finishReason"].is_string();
                let blocked = json["promptFeedback"]["blockReason"].is_string();
                // Only the end of the stream says that nothing follows.
                self.finished |= ends || blocked;
                if ends || blocked { Pass::Hold } else { Pass::On }
            }
        }
    }

    fn chat(&mut self, json: &Json) -> Pass {
        if json.get("error").is_some_and(|error| !error.is_null()) {
            return self.error(json);
        }
        let choices = json["choices"].as_array();
        let ends = |choice: &Json| choice["finish_reason"].is_string();
        if choices.is_some_and(|choices| choices.iter().any(ends)) {
            self.finished = true;
            return Pass::Hold;
        }
        let only_usage = choices.is_some_and(Vec::is_empty) && json["usage"].is_object();
        if only_usage && self.hide_usage { Pass::Drop } else { Pass::On }
    }

    fn last(&mut self) -> Pass {
        self.finished = true;
        Pass::Last
    }

    fn error(&mut self, json: &Json) -> Pass {
        let of = |at: &str| json.pointer(at).and_then(Json::as_str).map(str::to_owned);
        let says = of("/error/message").or_else(|| of("/response/error/message"));
        self.failed =
            Some(says.or_else(|| of("/message")).unwrap_or_else(|| "an error".to_owned()));
        Pass::On
    }

    /// Takes in what a piece of JSON says of usage. Figures are of the whole so far: later ones win.
    fn read(&mut self, json: &Json) {
        match self.format {
            Format::Chat => {
                self.named(&json["model"]);
                self.openai(
                    &json["usage"],
                    ["prompt_tokens", "completion_tokens"],
                    "prompt_tokens_details",
                );
            }
            Format::Responses => {
                let response = json.get("response").unwrap_or(json);
                self.named(&response["model"]);
                let names = ["input_tokens", "output_tokens"];
                self.openai(&response["usage"], names, "input_tokens_details");
            }
            Format::Messages => {
                let message = json.get("message").unwrap_or(json);
                self.named(&message["model"]);
                self.anthropic(&message["usage"]);
            }
            Format::Gemini => {
                self.named(&json["modelVersion"]);
                self.gemini(&json["usageMetadata"]);
            }
        }
    }

    fn named(&mut self, model: &Json) {
        if let Some(model) = model.as_str().filter(|model| !model.is_empty() && model.len() <= 200)
        {
            self.model = Some(model.to_owned());
        }
    }

    /// Tokens from the cache are part of the input there.
    fn openai(&mut self, usage: &Json, [input, output]: [&str; 2], details: &str) {
        let Some(all) = usage[input].as_u64() else { return };
        let cached = usage[details]["cached_tokens"].as_u64().unwrap_or(0).min(all);
        self.told = true;
        self.usage.input = all - cached;
        self.usage.cache_read = cached;
        self.usage.output = usage[output].as_u64().unwrap_or(0);
    }

    fn anthropic(&mut self, usage: &Json) {
        let Some(usage) = usage.as_object() else { return };
        self.told = true;
        let mut take = |name: &str, place: fn(&mut ModelUsage) -> &mut u64| {
            if let Some(tokens) = usage.get(name).and_then(Json::as_u64) {
                *place(&mut self.usage) = tokens;
            }
        };
        take("input_tokens", |usage| &mut usage.input);
        take("output_tokens", |usage| &mut usage.output);
        take("cache_read_input_tokens", |usage| &mut usage.cache_read);
        take("cache_creation_input_tokens", |usage| &mut usage.cache_write);
    }

    fn gemini(&mut self, usage: &Json) {
        let of = |name: &str| usage[name].as_u64();
        let Some(all) = of("promptTokenCount") else { return };
        let cached = of("cachedContentTokenCount").unwrap_or(0).min(all);
        self.told = true;
        self.usage.input = all - cached + of("toolUsePromptTokenCount").unwrap_or(0);
        self.usage.cache_read = cached;
        self.usage.output =
            of("candidatesTokenCount").unwrap_or(0) + of("thoughtsTokenCount").unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is passed on of each event, and the meter at the end.
    fn stream(format: Format, hide: bool, events: &[Json]) -> (Vec<Pass>, Meter) {
        let mut meter = Meter::new(format, hide);
        let event = |json: &Json| match json {
            Json::String(text) => format!("data: {text}\n\n"),
            json => format!("event: x\ndata: {json}\n\n"),
        };
        let passed = events.iter().map(|json| meter.event(event(json).as_bytes())).collect();
        (passed, meter)
    }

    fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Option<ModelUsage> {
        Some(ModelUsage { input, output, cache_read, cache_write, nano_usd: None })
    }

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        let text = b"data: a\n\nevent: x\r\ndata: b\r\n\r\n: note\n\ndata: c";
        let whole: Vec<&[u8]> = vec![b"data: a\n\n", b"event: x\r\ndata: b\r\n\r\n", b": note\n\n"];
        for size in 1..text.len() {
            let (mut events, mut found) = (Events::default(), Vec::new());
            for bytes in text.chunks(size) {
                events.push(bytes);
                found.extend(std::iter::from_fn(|| events.next()));
            }
            assert_eq!(found, whole, "in pieces of {size}");
            assert_eq!(events.rest(), b"data: c");
        }
        assert_eq!(data(b"event: x\r\ndata: b\r\ndata:c\r\n\r\n"), "b\nc");
    }

    #[test]
    fn chat_tells_its_usage_in_a_chunk_of_its_own() {
        let delta =
            json!({"model": "m-1", "choices": [{"delta": {"content": "a"}}], "usage": null});
        let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
        let tokens = json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 6}}});
        let all = [delta, end, tokens, json!("[DONE]")];
        let (passed, meter) = stream(Format::Chat, true, &all);
        assert_eq!(passed, [Pass::On, Pass::Hold, Pass::Drop, Pass::Last]);
        assert_eq!((meter.usage(), meter.is_whole()), (usage(4, 4, 6, 0), true));
        assert_eq!(meter.model.as_deref(), Some("m-1"));
        let (passed, _) = stream(Format::Chat, false, &all);
        assert_eq!(passed[2], Pass::On, "who asked for it gets it");
        let (_, cut) = stream(Format::Chat, true, &all[..1]);
        assert!(!cut.is_whole() && cut.usage().is_none() && cut.said() > 0);
    }

    #[test]
    fn responses_messages_and_gemini_tell_it_in_their_last_words() {
        let (passed, meter) = stream(
            Format::Responses,
            false,
            &[
                json!({"type": "response.output_text.delta", "delta": "a"}),
                json!({"type": "response.completed", "response": {"model": "m", "usage":
                {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 1}}}}),
            ],
        );
        assert_eq!(passed, [Pass::On, Pass::Last]);
        assert_eq!((meter.usage(), meter.is_whole()), (usage(8, 2, 1, 0), true));
        let (passed, meter) = stream(
            Format::Messages,
            false,
            &[
                json!({"type": "message_start", "message": {"model": "c", "usage": {"input_tokens": 5,
                "output_tokens": 1, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}}}),
                json!({"type": "content_block_delta"}),
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 17}}),
                json!({"type": "message_stop"}),
            ],
        );
        assert_eq!(passed, [Pass::On, Pass::On, Pass::Hold, Pass::Last]);
        assert_eq!((meter.usage(), meter.is_whole()), (usage(5, 17, 3, 2), true));
        let (passed, meter) = stream(
            Format::Gemini,
            false,
            &[
                json!({"candidates": [{"content": {}}], "usageMetadata": {"promptTokenCount": 8}}),
                json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 8,
                "candidatesTokenCount": 3, "thoughtsTokenCount": 2, "cachedContentTokenCount": 5}}),
            ],
        );
        assert_eq!(passed, [Pass::On, Pass::Hold]);
        assert_eq!((meter.usage(), meter.is_whole()), (usage(3, 5, 5, 0), true));
    }

    #[test]
    fn an_error_in_the_stream_and_broken_json_are_no_answer() {
        for (format, event, says) in [
            (Format::Chat, json!({"error": {"message": "overloaded"}}), "overloaded"),
            (
                Format::Responses,
                json!({"type": "response.failed", "response": {"error": {"message": "no"}}}),
                "no",
            ),
            (Format::Messages, json!({"type": "error", "error": {"message": "bad"}}), "bad"),
            (Format::Gemini, json!({"error": {"message": "gone"}}), "gone"),
            (Format::Chat, json!("{\"choices\": [{"), "an event of the stream is no JSON"),
        ] {
            let (_, meter) = stream(format, false, &[event, json!("[DONE]")]);
            assert_eq!((meter.failed(), meter.is_whole()), (Some(says), false));
        }
        let mut meter = Meter::new(Format::Chat, false);
        meter.whole(b"<html>");
        assert!(!meter.is_whole());
        let mut meter = Meter::new(Format::Chat, false);
        meter.whole(br#"{"error": {"message": "no credits"}}"#);
        assert_eq!((meter.is_whole(), meter.failed()), (false, Some("no credits")));
    }

    #[test]
    fn whole_answers_are_read_alike() {
        let mut meter = Meter::new(Format::Messages, false);
        meter.whole(br#"{"model":"c","usage":{"input_tokens":5,"output_tokens":7}}"#);
        assert_eq!((meter.usage(), meter.is_whole()), (usage(5, 7, 0, 0), true));
        let mut meter = Meter::new(Format::Gemini, false);
        meter.whole(br#"[{"usageMetadata":{"promptTokenCount":1}},{"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}]"#);
        assert_eq!(meter.usage(), usage(1, 2, 0, 0));
    }
}
