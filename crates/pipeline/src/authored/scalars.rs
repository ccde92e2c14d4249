//! Scalars to text, numbers, durations, words, templates and expressions.

use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::AuthoredExpression;
use super::names::shorten;
use super::read::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{ExprError, Expression};
use crate::source::Span;
use crate::text::{Part, Template, TextError, ValueTemplate};
use crate::vocabulary::{one_of, word_elsewhere};
use crate::when::Globs;
use crate::yaml::{Kind, Node, Scalar};

/// The longest duration: a year.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

impl Reader<'_> {
    /// Any scalar but nothing, as it was written; never a NUL, which no child could be given.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let Some(scalar) = node.scalar().filter(|scalar| !scalar.is_null()) else {
            self.wrong_type(what, "text", node);
            return None;
        };
        if scalar.text.contains('\0') {
            let message = format!("{what} holds the character U+0000");
            self.error(Code::CONTROL_CHARACTER, node.span, message);
            return None;
        }
        Some(scalar.text.clone())
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        let value = node.scalar().and_then(Scalar::boolean);
        if value.is_none() {
            let message = format!("{what} must be `true` or `false`, not {}", node.says());
            let mut found = Diagnostic::new(Code::WRONG_TYPE, node.span, message);
            if let Some(scalar) = node.scalar() {
                found.help = match scalar.text.as_str() {
                    "yes" | "Yes" | "on" | "On" | "y" => "write `true`".into(),
                    "no" | "No" | "off" | "Off" | "n" => "write `false`".into(),
                    "true" | "false" => "remove the quotes".into(),
                    _ => String::new(),
                };
            }
            self.push(found);
        }
        value
    }

    pub(super) fn integer(&mut self, node: &Node, what: &str, min: i64, max: i64) -> Option<i64> {
        let Some(number) = node.scalar().and_then(Scalar::number) else {
            self.wrong_type(what, "a whole number", node);
            return None;
        };
        match number.as_i64() {
            Some(value) if (min..=max).contains(&value) => Some(value),
            Some(_) | None if number.is_f64() => {
                self.error(
                    Code::WRONG_TYPE,
                    node.span,
                    format!("{what} must be a whole number, not `{number}`"),
                );
                None
            }
            Some(_) | None => {
                let wanted = if min == max {
                    format!("only {min} is allowed")
                } else {
                    format!("allowed are {min} to {max}")
                };
                let message = format!("{what} is out of range");
                self.push(Diagnostic::new(Code::OUT_OF_RANGE, node.span, message).label(wanted));
                None
            }
        }
    }

    pub(super) fn choice(
        &mut self,
        node: &Node,
        what: &str,
        words: &[&str],
        later: &[&str],
    ) -> Option<usize> {
        let written = self.text(node, what)?;
        if let Some(index) = words.iter().position(|word| *word == written) {
            return Some(index);
        }
        if later.contains(&written.as_str()) {
            let message = format!("`{written}` is not supported yet");
            self.push(
                Diagnostic::new(Code::NOT_SUPPORTED_YET, node.span, message)
                    .help(format!("{what} is {}", one_of(words))),
            );
            return None;
        }
        let message = format!("`{}` is no value of {what}", shorten(&written));
        let near = self.sink.did_you_mean(&written, words.iter().copied());
        let elsewhere = word_elsewhere(&written).filter(|ours| words.contains(ours));
        let help = match (near.is_empty(), elsewhere) {
            (false, _) => near,
            (true, Some(ours)) => format!("here it is called `{ours}`"),
            (true, None) => format!("write {}", one_of(words)),
        };
        self.push(Diagnostic::new(Code::NOT_A_CHOICE, node.span, message).help(help));
        None
    }

    pub(super) fn duration(&mut self, node: &Node, what: &str, zero: bool) -> Option<Duration> {
        let written = self.text(node, what)?;
        let refuse = |message: String, help: String| {
            Diagnostic::new(Code::BAD_DURATION, node.span, message).help(help)
        };
        let found = match parse_duration(&written) {
            Some(value) if value > MAX_DURATION => {
                refuse(format!("{what} is longer than a year"), String::new())
            }
            Some(value) if value.is_zero() && !zero => refuse(
                format!("{what} must be longer than nothing"),
                "leave the key out for the default".into(),
            ),
            Some(value) => return Some(value),
            None => {
                let message = format!("`{}` is not a duration", shorten(&written));
                let bare = !written.is_empty() && written.bytes().all(|b| b.is_ascii_digit());
                let help = if bare {
                    format!("say the unit: `{written}s` or `{written}m`")
                } else {
                    "write for example `500ms`, `30s`, `5m`, `1h` or `2h30m`".into()
                };
                refuse(message, help)
            }
        };
        self.push(found);
        None
    }

    pub(super) fn template(&mut self, node: &Node, what: &str) -> Option<Template> {
        self.text(node, what)?;
        self.scalar_template(node.scalar()?, node)
    }

    fn scalar_template(&mut self, scalar: &Scalar, node: &Node) -> Option<Template> {
        if !scalar.text.contains("${") {
            return Some(Template::of_literal(&*scalar.text));
        }
        let (mut template, errors) = Template::read(&scalar.text, Span::default());
        let places = scalar.places(self.text, node.span);
        for part in &mut template.parts {
            if let Part::Reference(one) = part {
                one.span = places.of(one.span.start, one.span.end);
            }
        }
        for TextError { message, span, help } in errors {
            let place = places.of(span.start, span.end);
            self.push(Diagnostic::new(Code::TEMPLATE_SYNTAX, place, message).help(help));
        }
        Some(template)
    }

    /// Any value whose texts may hold references.
    pub(super) fn value(&mut self, node: &Node) -> Option<ValueTemplate> {
        match &node.kind {
            Kind::Scalar(scalar) => match scalar.json() {
                Json::String(_) => self.scalar_template(scalar, node).map(ValueTemplate::text),
                other => Some(ValueTemplate::Literal(other)),
            },
            Kind::List(items) => {
                let read: Vec<_> = items.iter().map(|item| self.value(item)).collect();
                read.into_iter().collect::<Option<Vec<_>>>().map(ValueTemplate::list)
            }
            Kind::Map(entries) => {
                let read: Vec<_> = entries
                    .iter()
                    .map(|entry| Some((entry.key.clone(), self.value(&entry.value)?)))
                    .collect();
                read.into_iter().collect::<Option<IndexMap<_, _>>>().map(ValueTemplate::map)
            }
        }
    }

    pub(super) fn expression(&mut self, node: &Node, what: &str) -> Option<AuthoredExpression> {
        let written = self.text(node, what)?;
        let compiled = Expression::compile(&written);
        self.compiled(node, &written, compiled)
    }

    /// The expression of a transform, which sees `value`.
    pub(super) fn subject_expression(&mut self, node: &Node) -> Option<AuthoredExpression> {
        let written = self.text(node, "`cel`")?;
        let compiled = Expression::compile_transform(&written);
        self.compiled(node, &written, compiled)
    }

    fn compiled(
        &mut self,
        node: &Node,
        written: &str,
        compiled: Result<Expression, ExprError>,
    ) -> Option<AuthoredExpression> {
        let scalar = node.scalar()?;
        match compiled {
            Ok(expression) => {
                Some(AuthoredExpression { expression, span: node.span, scalar: scalar.clone() })
            }
            Err(error) => {
                let places = scalar.places(self.text, node.span);
                let place = places.of(error.span.start, error.span.end);
                let code =
                    if error.limit { Code::EXPRESSION_TOO_LARGE } else { Code::EXPRESSION_SYNTAX };
                let help = match written.get(error.span.start..error.span.end) {
                    Some("and") => "write `&&`",
                    Some("or") => "write `||`",
                    Some("not") => "write `!`",
                    Some(_) | None => "",
                };
                self.push(Diagnostic::new(code, place, error.message).help(help));
                None
            }
        }
    }

    /// One pattern or a list of them.
    pub(super) fn globs(&mut self, node: &Node, what: &str) -> Option<Globs> {
        let items = self.one_or_many(node);
        if !self.afford_globs(items.len(), node.span) {
            return None;
        }
        let read: Vec<_> = items.iter().map(|item| self.text(item, what)).collect();
        let patterns = read.into_iter().collect::<Option<Vec<_>>>()?;
        match Globs::new(patterns) {
            Ok(globs) => Some(globs),
            Err(error) => {
                let span = items.get(error.index).map_or(node.span, |item| item.span);
                self.error(Code::BAD_GLOB, span, error.to_string());
                None
            }
        }
    }
}

/// The JSON that a node stands for, nothing interpreted.
pub(crate) fn literal(node: &Node) -> Json {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.json(),
        Kind::List(items) => items.iter().map(literal).collect(),
        Kind::Map(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), literal(&entry.value))).collect()
        }
    }
}

/// Whether a word is meant as a duration.
pub(super) fn is_duration(text: &str) -> bool {
    parse_duration(text).is_some()
}

/// `500ms`, `30s`, `5m`, `1h`, `2d`, and sums in falling order such as `2h30m`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total = 0u64;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = UNITS.iter().position(|(name, _)| *name == &rest[..letters])?;
        if unit < next_unit {
            return None;
        }
        next_unit = unit + 1;
        rest = &rest[letters..];
        total = total.checked_add(count.checked_mul(UNITS[unit].1)?)?;
    }
    (next_unit > 0).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("2h30m", 9_000_000),
            ("1d", 86_400_000),
            ("1m1s1ms", 61_001),
            ("0s", 0),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "5 m",
            "-5m",
            "1.5h",
            "5M",
            "30m2h",
            "1s1s",
            "99999999999999999999s",
            "5m ",
            "1w",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
