//! Any text as an expression: compiling and evaluating ends, without a panic, within the bounds.
#![no_main]

use std::borrow::Cow;

use libfuzzer_sys::fuzz_target;
use pipeline::expr::Expression;
use pipeline::text::{Root, Scope};
use serde_json::{Value, json};

struct Facts(Value);

impl Scope for Facts {
    fn get(&self, root: &Root) -> Option<Cow<'_, Value>> {
        match root {
            Root::Value(name) => self.0.get(name).map(Cow::Borrowed),
            Root::Event | Root::Run => Some(Cow::Borrowed(&self.0)),
            Root::Output(_) | Root::Item | Root::Secret(_) => None,
        }
    }

    fn stage(&self, name: &str) -> Option<Value> {
        (name == "a").then(|| json!({"outcome": "succeeded", "conclusion": "success", "outputs": {"n": 1}}))
    }
}

fuzz_target!(|text: &str| {
    let Ok(expression) = Expression::compile(text) else { return };
    let facts = Facts(json!({"a": 1, "b": [1, 2, 3], "c": {"d": "text"}, "n": 2.5}));
    let _ = expression.evaluate(&facts);
    let _ = expression.evaluate_bool(&facts);
});
