//! One field of a form, and its rules.

use regex::{Regex, RegexBuilder};

use super::Placed;
use super::fields::{Fields, words};
use super::read::Reader;
use super::scalars::literal;
use crate::diagnostic::{Code, Diagnostic};
use crate::form::parse_date;
use crate::model::{Field, FieldKind, FieldRules};
use crate::vocabulary::FIELD;
use crate::yaml::{Entry, Kind, Node};

/// A compiled pattern may take so much.
const PATTERN_BYTES: usize = 1 << 20;

/// Each rule with the kinds it means something for.
const RULES: [(&str, &[FieldKind]); 11] = [
    ("min_length", &[FieldKind::Text, FieldKind::MultilineText]),
    ("max_length", &[FieldKind::Text, FieldKind::MultilineText]),
    ("pattern", &[FieldKind::Text]),
    ("min", &[FieldKind::Number]),
    ("max", &[FieldKind::Number]),
    ("integer", &[FieldKind::Number]),
    ("options", &[FieldKind::Select]),
    ("multiple", &[FieldKind::Select]),
    ("earliest", &[FieldKind::Date]),
    ("latest", &[FieldKind::Date]),
    ("max_bytes", &[FieldKind::File]),
];

impl Field {
    /// A text without rules.
    pub(super) fn text(name: &str) -> Self {
        Self::of_kind(name, FieldKind::Text)
    }

    fn of_kind(name: &str, kind: FieldKind) -> Self {
        Self {
            kind,
            label: name.to_owned(),
            help: String::new(),
            required: false,
            default: None,
            value: None,
            rules: FieldRules::default(),
        }
    }

    /// Its value is written as text.
    pub(super) fn wants_text(&self) -> bool {
        match self.kind {
            FieldKind::Text | FieldKind::MultilineText | FieldKind::Date | FieldKind::Select => {
                true
            }
            FieldKind::Number | FieldKind::Boolean | FieldKind::File => false,
        }
    }
}

impl Reader<'_> {
    /// A kind, or a map.
    pub(super) fn question(&mut self, entry: &Entry) -> Option<Field> {
        let what = format!("field `{}`", entry.key);
        if matches!(entry.value.kind, Kind::Scalar(_)) {
            let (known, later) = words(&FIELD.keys[0].value);
            let index = self.choice(&entry.value, &format!("the type of {what}"), known, later)?;
            let field = Field::of_kind(&entry.key, KINDS[index]);
            if field.kind == FieldKind::Select {
                self.no_options(entry.value.span);
            }
            return Some(field);
        }
        let fields = self.fields(&entry.value, &what, &FIELD)?;
        let kind = match fields.get("type") {
            // A kind that cannot be read says nothing about the rules beside it.
            Some(_) => KINDS[fields.choice("type", self)?.value],
            None => FieldKind::Text,
        };
        self.stray_rules(&fields, kind);
        let mut field = Field::of_kind(&entry.key, kind);
        if let Some(label) = fields.text("label", self) {
            field.label = label.value;
        }
        field.help = fields.text("help", self).map_or_else(String::new, |help| help.value);
        field.required = fields.boolean("required", self).unwrap_or(false);
        let before = self.sink.errors();
        field.rules = self.rules(&fields, kind);
        field.value = fields.node("value").and_then(|node| self.value(node));
        if let Some(node) = fields.node("default") {
            field.default = Some(literal(node)).filter(|value| !value.is_null());
            if self.sink.errors() == before {
                self.default_fits(&field, node);
            }
        }
        Some(field)
    }

    fn stray_rules(&mut self, fields: &Fields<'_>, kind: FieldKind) {
        for (key, kinds) in RULES {
            let Some(entry) = fields.get(key).filter(|_| !kinds.contains(&kind)) else { continue };
            let message = format!("`{key}` means nothing for a field of type `{}`", kind.word());
            let of: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
            self.push(
                Diagnostic::new(Code::BAD_FORM, entry.key_span, message)
                    .help(format!("it is a rule of: {}", of.join(", "))),
            );
        }
    }

    fn rules(&mut self, fields: &Fields<'_>, kind: FieldKind) -> FieldRules {
        let min_length = fields.integer("min_length", self);
        let max_length = fields.integer("max_length", self);
        self.in_order("length", &min_length, &max_length);
        let min = self.number(fields, "min");
        let max = self.number(fields, "max");
        self.in_order("value", &min, &max);
        let earliest = self.date(fields, "earliest");
        let latest = self.date(fields, "latest");
        self.in_order("date", &earliest, &latest);
        FieldRules {
            min_length: min_length.map(|placed| placed.value),
            max_length: max_length.map(|placed| placed.value),
            pattern: self.pattern(fields),
            min: min.map(|placed| placed.value),
            max: max.map(|placed| placed.value),
            integer: fields.boolean("integer", self).unwrap_or(false),
            options: if kind == FieldKind::Select { self.options(fields) } else { Vec::new() },
            multiple: fields.boolean("multiple", self).unwrap_or(false),
            earliest: earliest.map(|placed| placed.value),
            latest: latest.map(|placed| placed.value),
            max_bytes: fields.integer("max_bytes", self).map(|most| u64::from(most.value)),
        }
    }

    fn in_order<T: PartialOrd>(
        &mut self,
        what: &str,
        least: &Option<Placed<T>>,
        most: &Option<Placed<T>>,
    ) {
        let (Some(least), Some(most)) = (least, most) else { return };
        if least.value > most.value {
            let message = format!("the least {what} is more than the most: nothing would do");
            self.push(Diagnostic::new(Code::BAD_FORM, most.span, message).help("exchange the two"));
        }
    }

    fn number(&mut self, fields: &Fields<'_>, key: &str) -> Option<Placed<f64>> {
        let node = fields.node(key)?;
        let number = node.scalar().and_then(crate::yaml::Scalar::number).and_then(|n| n.as_f64());
        if number.is_none() {
            self.wrong_type(&format!("`{key}`"), "a number", node);
        }
        Some(Placed::new(number?, node.span))
    }

    fn date(&mut self, fields: &Fields<'_>, key: &str) -> Option<Placed<jiff::civil::Date>> {
        let written = fields.text(key, self)?;
        let date = parse_date(&written.value);
        if date.is_none() {
            let message = format!("`{key}` must be a date, not `{}`", written.value);
            self.push(
                Diagnostic::new(Code::BAD_FORM, written.span, message).help("written `2026-11-21`"),
            );
        }
        Some(Placed::new(date?, written.span))
    }

    fn pattern(&mut self, fields: &Fields<'_>) -> Option<Regex> {
        let written = fields.text("pattern", self)?;
        if !self.afford_pattern(written.span) {
            return None;
        }
        match RegexBuilder::new(&written.value).size_limit(PATTERN_BYTES).build() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let says = error.to_string();
                let last = says.lines().last().unwrap_or_default().trim();
                let message = format!(
                    "this is not a regular expression: {}",
                    last.strip_prefix("error: ").unwrap_or(last)
                );
                self.push(
                    Diagnostic::new(Code::BAD_FORM, written.span, message)
                        .help("it has to match the whole text; there is no look-around"),
                );
                None
            }
        }
    }

    fn options(&mut self, fields: &Fields<'_>) -> Vec<String> {
        let Some(node) = fields.node("options") else {
            self.no_options(fields.start());
            return Vec::new();
        };
        let items = self.list(node, "`options`").unwrap_or_default();
        if items.is_empty() && matches!(node.kind, Kind::List(_)) {
            self.no_options(node.span);
        }
        let mut options: Vec<String> = Vec::with_capacity(items.len());
        let mut seen = std::collections::HashSet::new();
        for item in items {
            let Some(option) = self.option(item) else { continue };
            if !seen.insert(option.clone()) {
                let message = format!("option `{option}` is given twice");
                self.push(Diagnostic::new(Code::BAD_FORM, item.span, message).help("remove one"));
            }
            options.push(option);
        }
        options
    }

    fn option(&mut self, node: &Node) -> Option<String> {
        let option = self.text(node, "an option")?;
        if option.is_empty() {
            self.push(
                Diagnostic::new(Code::BAD_FORM, node.span, "an option is empty")
                    .help("nothing chosen is nothing; without `required` that is allowed"),
            );
            return None;
        }
        Some(option)
    }

    fn no_options(&mut self, span: crate::source::Span) {
        self.push(
            Diagnostic::new(Code::BAD_FORM, span, "a `select` without options")
                .help("add `options: [...]`"),
        );
    }
}

/// In the order of the vocabulary's words.
const KINDS: [FieldKind; 7] = [
    FieldKind::Text,
    FieldKind::Number,
    FieldKind::Boolean,
    FieldKind::File,
    FieldKind::MultilineText,
    FieldKind::Select,
    FieldKind::Date,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_meanings_are_in_one_order() {
        assert_eq!(words(&FIELD.keys[0].value).0, KINDS.map(FieldKind::word));
        for (key, _) in RULES {
            assert!(FIELD.key(key).is_some(), "{key}");
        }
    }
}
