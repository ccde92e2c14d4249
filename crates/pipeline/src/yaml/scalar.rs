//! Scalars: what they mean by the core schema of YAML 1.2, and where each part of one was written.

use serde_json::{Number, Value as Json};

use crate::source::Span;

/// Text, and how it was written; only plain text can be a number, a boolean or null.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Scalar {
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    pub fn boolean(&self) -> Option<bool> {
        if self.style != Style::Plain {
            return None;
        }
        match self.text.as_str() {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        }
    }

    /// An integer or a finite decimal number.
    pub fn number(&self) -> Option<Number> {
        if self.style != Style::Plain { None } else { number(&self.text) }
    }

    /// The value as JSON.
    pub fn json(&self) -> Json {
        if self.is_null() {
            Json::Null
        } else if let Some(value) = self.boolean() {
            Json::Bool(value)
        } else if let Some(value) = self.number() {
            Json::Number(value)
        } else {
            Json::String(self.text.clone())
        }
    }

    pub(super) fn says(&self) -> &'static str {
        match self.json() {
            Json::Null => "nothing",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) | Json::Array(_) | Json::Object(_) => "a string",
        }
    }

    /// Finds the places of parts of this scalar's text in `source`, where `span` is the place of
    /// the whole scalar.
    pub fn places(&self, source: &str, span: Span) -> Places {
        let written = source.get(span.start..span.end).unwrap_or("");
        let way = match written.find(&self.text) {
            Some(first) => Way::Verbatim(span.start + first),
            None => Way::Table(align(&self.text, written, self.style)),
        };
        Places { whole: span, way }
    }
}

/// Where the parts of a scalar stand in the definition: exact for all but exotic writing, else
/// the whole scalar.
#[derive(Debug)]
pub struct Places {
    whole: Span,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Written just as it reads, from this byte on.
    Verbatim(usize),
    /// For each byte of the text at which a character starts: where that character starts and
    /// ends, in bytes from the start of the scalar.
    Table(Vec<(u32, u32)>),
}

impl Places {
    /// The place of the bytes `start..end` of the scalar's text.
    pub fn of(&self, start: usize, end: usize) -> Span {
        match &self.way {
            Way::Verbatim(base) => Span::new(base + start, base + end),
            Way::Table(table) => {
                let first = table.get(start);
                let last = table
                    .get(start..end)
                    .and_then(|part| part.iter().rev().find(|(from, to)| from < to));
                match (first, last) {
                    (Some((from, _)), Some((_, to))) if from < to => Span::new(
                        self.whole.start + *from as usize,
                        self.whole.start + *to as usize,
                    ),
                    _ => self.whole,
                }
            }
        }
    }
}

/// Walks `text` and the way it was `written` side by side: white space may differ (folding,
/// indentation), escapes are one character of text. Ends where the two part.
fn align(text: &str, written: &str, style: Style) -> Vec<(u32, u32)> {
    let mut table = Vec::with_capacity(text.len());
    let mut at = match style {
        // The place of a block begins with its first line, not with `|` or `>`.
        Style::Plain | Style::Literal | Style::Folded => 0,
        Style::SingleQuoted | Style::DoubleQuoted => 1,
    };
    for (index, wanted) in text.char_indices() {
        table.resize(index, (at as u32, at as u32));
        if wanted.is_whitespace() {
            continue;
        }
        let Some((from, to)) = character(written, at, wanted, style) else { break };
        table.push((from as u32, to as u32));
        at = to;
    }
    table
}

/// The character `wanted`, as it is written from `at` on.
fn character(written: &str, at: usize, wanted: char, style: Style) -> Option<(usize, usize)> {
    let from = skip_space(written, at, style)?;
    let mut rest = written[from..].chars();
    let width = match (rest.next()?, style) {
        ('\\', Style::DoubleQuoted) => match rest.next()? {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            c => 1 + c.len_utf8(),
        },
        ('\'', Style::SingleQuoted) => 2,
        (c, _) if c == wanted => c.len_utf8(),
        _ => return None,
    };
    written.is_char_boundary(from + width).then_some((from, from + width))
}

/// Past white space, also when it is escaped.
fn skip_space(written: &str, mut at: usize, style: Style) -> Option<usize> {
    loop {
        let mut rest = written.get(at..)?.chars();
        at += match rest.next()? {
            c if c.is_whitespace() => c.len_utf8(),
            '\\' if style == Style::DoubleQuoted => match rest.next()? {
                c if c.is_whitespace() || matches!(c, 'n' | 't' | 'r') => 1 + c.len_utf8(),
                _ => return Some(at),
            },
            _ => return Some(at),
        };
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if let Some(octal) = text.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().filter(|_| digits(octal)).map(Number::from);
    }
    if let Some(hex) = text.strip_prefix("0x") {
        let plain = hex.bytes().all(|b| b.is_ascii_hexdigit());
        return i64::from_str_radix(hex, 16).ok().filter(|_| plain).map(Number::from);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits(unsigned) {
        let signed = text.strip_prefix('+').unwrap_or(text);
        if let Ok(value) = signed.parse::<i64>() {
            return Some(Number::from(value));
        }
        if let Ok(value) = signed.parse::<u64>() {
            return Some(Number::from(value));
        }
    }
    if !decimal(unsigned) {
        return None;
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0;
    let exponent_fits = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['+', '-']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    mantissa_fits && exponent_fits
}
