//! Reasons and results on one line.

use engine::event::Settled;
use serde_json::Value as Json;

use crate::words;

/// Why it settled as it did, in the engine's words; empty when its work was done.
pub fn settled(reason: &Settled) -> String {
    let says = engine::words::settled(reason);
    match reason {
        Settled::Condition { .. } if !says.starts_with("if ") => format!("when {says}"),
        _ => says,
    }
}

/// `count=3, quote=Simplicity…`: what a stage gave, on one line.
pub fn outputs<'a>(outputs: impl Iterator<Item = (&'a str, &'a Json)>) -> String {
    let shown: Vec<String> = outputs
        .map(|(name, value)| {
            let text = match value {
                Json::String(text) => words::one_line(text),
                Json::Array(items) => words::count(items.len() as u64, "item"),
                Json::Object(map) => words::count(map.len() as u64, "key"),
                scalar => scalar.to_string(),
            };
            format!("{name}={}", words::shorten_end(&text, 32))
        })
        .collect();
    words::shorten_end(&shown.join(", "), 72)
}

#[cfg(test)]
mod tests {
    use pipeline::when::{Reason, Truth};

    use super::*;

    #[test]
    fn a_condition_is_introduced_and_an_expression_introduces_itself() {
        let skipped = |says: &str| {
            let reason = Reason { truth: Truth::False, says: says.into(), parts: Vec::new() };
            settled(&Settled::Condition { reason })
        };
        assert_eq!(skipped("branch [\"main\"]: x"), "when branch [\"main\"]: x");
        assert_eq!(skipped("if `a`: false"), "if `a`: false");
        assert_eq!(settled(&Settled::Done), "");
    }

    #[test]
    fn outputs_are_named_and_large_ones_counted() {
        let map = serde_json::json!({"n": 3, "list": [1, 2], "map": {"a": 1}, "text": "a\nb"});
        let shown = outputs(map.as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v)));
        assert_eq!(shown, "n=3, list=2 items, map=1 key, text=ab");
    }
}
