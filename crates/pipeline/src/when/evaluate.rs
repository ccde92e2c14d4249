//! Judging a condition: every leaf is judged, so that the reason shows all of them.

use serde_json::Value as Json;

use super::{Condition, Facts, Globs, Reason, Test, Truth};
use crate::expr::{EvalError, Expression};
use crate::text::{Root, Scope};

/// So many values of an expression stand in its reason.
const READINGS: usize = 6;

impl Condition {
    /// The tree with each leaf's value. `stage_environment` is the stage's own label; it wins
    /// over the one of the facts.
    ///
    /// An expression that reads something of the event that is not there is unknown. One that
    /// fails otherwise is an error, unless the rest of the tree decides without it.
    pub fn evaluate(
        &self,
        facts: &Facts,
        scope: &dyn Scope,
        stage_environment: Option<&str>,
    ) -> Result<Reason, EvalError> {
        let mut judge = Judge { facts, scope, stage_environment, failed: None };
        let reason = judge.test(&self.test);
        match (reason.truth, judge.failed) {
            (Truth::Unknown, Some(error)) => Err(error),
            (Truth::Unknown, None) | (Truth::True | Truth::False, _) => Ok(reason),
        }
    }
}

struct Judge<'c> {
    facts: &'c Facts,
    scope: &'c dyn Scope,
    stage_environment: Option<&'c str>,
    /// The first expression that failed; counts as unknown while the tree is judged.
    failed: Option<EvalError>,
}

impl Judge<'_> {
    fn test(&mut self, test: &Test) -> Reason {
        match test {
            Test::All(tests) => {
                let parts: Vec<Reason> = tests.iter().map(|test| self.test(test)).collect();
                tree(Truth::all(parts.iter().map(|part| part.truth)), "all of", parts)
            }
            Test::Any(tests) => {
                let parts: Vec<Reason> = tests.iter().map(|test| self.test(test)).collect();
                tree(Truth::any(parts.iter().map(|part| part.truth)), "any of", parts)
            }
            Test::Not(test) => {
                let part = self.test(test);
                tree(!part.truth, "not", vec![part])
            }
            Test::Branch(globs) => one("branch", globs, self.facts.branch.as_deref()),
            Test::Environment(globs) => one(
                "environment",
                globs,
                self.stage_environment.or(self.facts.environment.as_deref()),
            ),
            Test::Paths(globs) => self.facts.judge_paths("paths", globs, false),
            Test::Labels { any, all, none } => self.facts.judge_labels(any, all, none),
            Test::Variable { name, values } => self.variable(name, values),
            Test::Expression(expression) => self.expression(expression),
        }
    }

    fn variable(&self, name: &str, values: &[Json]) -> Reason {
        let wanted = list(values.iter().map(short));
        let Some(value) = self.scope.get(&Root::Value(name.to_owned())) else {
            // What a run was given is known completely, so nothing given is a fact too.
            return leaf(Truth::False, format!("variable `{name}` {wanted}: it has no value"));
        };
        let holds = values.iter().any(|wanted| same(wanted, &value));
        let verdict = if holds { "matches" } else { "does not match" };
        leaf(holds.into(), format!("variable `{name}` {wanted}: {} {verdict}", short(&value)))
    }

    fn expression(&mut self, expression: &Expression) -> Reason {
        match expression.evaluate_bool(self.scope) {
            Ok(true) => leaf(Truth::True, format!("if `{}`: true", expression.source)),
            Ok(false) => {
                let known = known(&expression.readings(self.scope));
                leaf(Truth::False, format!("if `{}`: false{known}", expression.source))
            }
            Err(error) => {
                let says = format!("if `{}`: {error}", expression.source);
                if !error.unknown {
                    self.failed.get_or_insert(error);
                }
                leaf(Truth::Unknown, says)
            }
        }
    }
}

/// What an expression was decided on: ` (inputs.n is 2, branch is "main")`.
fn known(readings: &[(&str, Json)]) -> String {
    if readings.is_empty() {
        return String::new();
    }
    let told =
        readings.iter().take(READINGS).map(|(path, value)| format!("{path} is {}", short(value)));
    let more = if readings.len() > READINGS { ", …" } else { "" };
    format!(" ({}{more})", told.collect::<Vec<_>>().join(", "))
}

/// A part without parts.
pub(crate) fn leaf(truth: Truth, says: String) -> Reason {
    Reason { truth, says, parts: Vec::new() }
}

/// A part that its parts decide.
pub(crate) fn tree(truth: Truth, says: &str, parts: Vec<Reason>) -> Reason {
    Reason { truth, says: says.to_owned(), parts }
}

fn one(key: &str, globs: &Globs, fact: Option<&str>) -> Reason {
    let wanted = list(globs.patterns.iter().map(|pattern| quoted(pattern)));
    let Some(fact) = fact else {
        return leaf(Truth::Unknown, format!("{key} {wanted}: not known"));
    };
    let holds = globs.matches(fact);
    let verdict = if holds { "matches" } else { "does not match" };
    leaf(holds.into(), format!("{key} {wanted}: {fact} {verdict}"))
}

impl Facts {
    /// Whether a changed file matches; with `ignores`, whether one matches none of the patterns.
    pub(crate) fn judge_paths(&self, key: &str, globs: &Globs, ignores: bool) -> Reason {
        let wanted = list(globs.patterns.iter().map(|pattern| quoted(pattern)));
        let Some(paths) = &self.paths else {
            return leaf(
                Truth::Unknown,
                format!("{key} {wanted}: the changed files are not known"),
            );
        };
        let matching = globs.count(paths.iter().map(String::as_str));
        let (files, verb) = match (paths.len(), matching) {
            (1, 1) => ("file", "matches"),
            (1, _) => ("file", "match"),
            (_, 1) => ("files", "matches"),
            (_, _) => ("files", "match"),
        };
        let holds = if ignores { matching < paths.len() } else { matching > 0 };
        leaf(
            holds.into(),
            format!("{key} {wanted}: {matching} of {} changed {files} {verb}", paths.len()),
        )
    }

    /// Each list that is not empty must hold.
    pub(crate) fn judge_labels(&self, any: &[String], all: &[String], none: &[String]) -> Reason {
        labels(any, all, none, self.labels.as_deref())
    }
}

fn labels(any: &[String], all: &[String], none: &[String], has: Option<&[String]>) -> Reason {
    let mut parts = Vec::new();
    let mut demand = |word: &str, wanted: &[String], judge: &dyn Fn(&[String]) -> bool| {
        if wanted.is_empty() {
            return;
        }
        let list = list(wanted.iter().map(|label| quoted(label)));
        parts.push(match has {
            None => leaf(Truth::Unknown, format!("labels {word} {list}: not known")),
            Some(has) => {
                let found: Vec<&String> = wanted.iter().filter(|w| has.contains(w)).collect();
                let says = match found.len() {
                    0 => "none is set".to_owned(),
                    _ => format!("{} set", self::list(found.iter().map(|label| quoted(label)))),
                };
                leaf(judge(has).into(), format!("labels {word} {list}: {says}"))
            }
        });
    };
    demand("any", any, &|has| any.iter().any(|label| has.contains(label)));
    demand("all", all, &|has| all.iter().all(|label| has.contains(label)));
    demand("none", none, &|has| !none.iter().any(|label| has.contains(label)));
    if parts.len() == 1 {
        return parts.remove(0);
    }
    tree(Truth::all(parts.iter().map(|part| part.truth)), "labels", parts)
}

/// JSON equality in which `1` and `1.0` are the same number.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left == right || (left.is_f64() != right.is_f64() && left.as_f64() == right.as_f64())
        }
        (left, right) => left == right,
    }
}

/// Items in brackets.
pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// Text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Json::String(text.to_owned()).to_string()
}

/// A value in a sentence: at most 80 characters.
fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
