//! `matches`.

use crate::expr::evaluate::{Budget, Fault, Outcome};
use crate::expr::value::Value;

/// Whether the pattern is found anywhere in the text, in time linear in both.
pub(super) fn matches(text: &str, pattern: &str, budget: &mut Budget) -> Outcome {
    let regex = budget.regex(pattern)?;
    // Linear, but a step through a large automaton costs more than a comparison.
    budget.text(text.len().saturating_mul(1 + pattern.len() / 16))?;
    Ok(Value::Bool(regex.is_match(text)))
}

/// Compiles a pattern, small enough to be quick.
pub(in crate::expr) fn compile(pattern: &str) -> Result<regex::Regex, Fault> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 18).build().map_err(|cause| match cause {
        regex::Error::CompiledTooBig(_) => {
            Fault::new(format!("the pattern `{pattern}` is too large"))
        }
        _ => Fault::new(format!("`{pattern}` is not a regular expression")),
    })
}
