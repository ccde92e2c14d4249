//! `@plan/plan.md` in a task: read here, looked up when references are.

use std::ops::Range;

use super::super::Placed;
use super::super::names::shorten;
use super::super::read::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::Part;
use crate::source::Span;
use crate::text::{self, Step, Template};
use crate::yaml::Node;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AuthoredMention {
    /// `@plan/plan.md`
    pub(crate) written: String,
    pub(crate) of: Mentions,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mentions {
    Stage {
        stage: String,
        part: Part,
    },
    /// `None`: the stage it stands in.
    Previous {
        stage: Option<String>,
        part: Part,
    },
    Version {
        number: u64,
        stage: Option<String>,
        part: Part,
    },
    Input(String),
    File(String),
    Feedback,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// `@@`
    Escape,
    Mention,
}

impl Reader<'_> {
    /// What the text mentions, without duplicates; `@@` in it becomes `@`.
    pub(super) fn mentions(
        &mut self,
        node: &Node,
        template: &mut Template,
    ) -> Vec<Placed<AuthoredMention>> {
        let Some(scalar) = node.scalar().filter(|scalar| scalar.text.contains('@')) else {
            return Vec::new();
        };
        let places = scalar.places(self.text, node.span);
        let masked = masked(&scalar.text);
        let mut found: Vec<Placed<AuthoredMention>> = Vec::new();
        for (range, token) in scan(&masked) {
            if token == Token::Escape {
                continue;
            }
            let written = &masked[range.clone()];
            let span = places.of(range.start, range.end);
            match read(written) {
                Ok(mention) if found.iter().all(|other| other.value != mention) => {
                    found.push(Placed::new(mention, span));
                }
                Ok(_) => {}
                Err(why) => {
                    let message = format!("`{}` {why}", shorten(written));
                    self.push(Diagnostic::new(Code::BAD_MENTION, span, message).help(HELP));
                }
            }
        }
        for part in &mut template.parts {
            if let text::Part::Literal(literal) = part
                && literal.contains("@@")
            {
                *literal = unescaped(literal);
            }
        }
        found
    }
}

const HELP: &str = "write `@stage`, `@stage.output`, `@stage/artifact`, `@prev/stage`, \
                    `@v2/stage`, `@input.name`, `@file:path` or `@feedback`; `@@` is an `@`";

/// The text with every `${...}` covered, so that nothing in it is taken for a mention.
fn masked(text: &str) -> String {
    let (template, _) = Template::read(text, Span::default());
    let mut masked = text.to_owned();
    for reference in template.references() {
        let Span { start, end } = reference.span;
        if masked.is_char_boundary(start) && masked.is_char_boundary(end) {
            masked.replace_range(start..end, &"}".repeat(end - start));
        }
    }
    masked
}

fn unescaped(literal: &str) -> String {
    let mut text = String::with_capacity(literal.len());
    let mut at = 0;
    for (range, token) in scan(literal) {
        if token == Token::Escape {
            text.push_str(&literal[at..=range.start]);
            at = range.end;
        }
    }
    text.push_str(&literal[at..]);
    text
}

/// A mention begins at an `@` that follows no word and is followed by one; `a@b.c` is none.
fn scan(text: &str) -> Vec<(Range<usize>, Token)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find('@') {
        let start = at + next;
        let after_word = start.checked_sub(1).and_then(|ix| bytes.get(ix)).is_some_and(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'+') || !b.is_ascii()
        });
        match bytes.get(start + 1) {
            Some(b'@') => {
                found.push((start..start + 2, Token::Escape));
                at = start + 2;
            }
            Some(b) if (b.is_ascii_alphanumeric() || *b == b'_') && !after_word => {
                let end = start + 1 + length(&text[start + 1..]);
                found.push((start..end, Token::Mention));
                at = end;
            }
            Some(_) | None => at = start + 1,
        }
    }
    found
}

/// How far a mention goes: marks at its end belong to the sentence.
fn length(text: &str) -> usize {
    let path = text.starts_with("file:");
    let ends = |c: char| {
        if path {
            c.is_whitespace() || "\"'`()<>[]{},;@".contains(c)
        } else {
            !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.' | '/')
        }
    };
    let all = &text[..text.find(ends).unwrap_or(text.len())];
    all.trim_end_matches(['.', '/', '-', ':', '!', '?']).len()
}

fn read(written: &str) -> Result<AuthoredMention, String> {
    let name = written.trim_start_matches('@');
    let of = match name.strip_prefix("file:") {
        Some("") => return Err("names no file".to_owned()),
        Some(path) => Mentions::File(path.to_owned()),
        None => of(name)?,
    };
    Ok(AuthoredMention { written: written.to_owned(), of })
}

fn of(name: &str) -> Result<Mentions, String> {
    let (first, rest) = cut(name);
    match (first, rest) {
        ("feedback", None) => Ok(Mentions::Feedback),
        ("feedback", Some(_)) => Err("goes into the feedback, which is a text".to_owned()),
        ("input", Some((".", rest))) if !rest.contains(['.', '/']) => {
            Ok(Mentions::Input(rest.to_owned()))
        }
        ("input", _) => Err("names no input: write `@input.NAME`".to_owned()),
        ("prev", rest) => {
            let (stage, part) = elsewhere(rest)?;
            Ok(Mentions::Previous { stage, part })
        }
        (first, rest) => match version(first) {
            Some(number) => {
                let (stage, part) = elsewhere(rest)?;
                Ok(Mentions::Version { number, stage, part })
            }
            None => Ok(Mentions::Stage { stage: first.to_owned(), part: part(rest)? }),
        },
    }
}

/// The first word, the mark behind it, and what follows.
fn cut(name: &str) -> (&str, Option<(&str, &str)>) {
    match name.find(['.', '/']) {
        Some(at) => (&name[..at], Some((&name[at..=at], &name[at + 1..]))),
        None => (name, None),
    }
}

/// Behind `@prev` and `@v2`: another stage, or a part of the same.
fn elsewhere(rest: Option<(&str, &str)>) -> Result<(Option<String>, Part), String> {
    match rest {
        Some(("/", path)) => {
            let (stage, rest) = cut(path);
            if stage.is_empty() {
                return Err("names no stage".to_owned());
            }
            Ok((Some(stage.to_owned()), part(rest)?))
        }
        Some(_) | None => Ok((None, part(rest)?)),
    }
}

fn part(rest: Option<(&str, &str)>) -> Result<Part, String> {
    match rest {
        None => Ok(Part::Whole),
        Some(("/", name)) if name.split('/').all(|word| !word.is_empty() && word != "..") => {
            Ok(Part::Artifact(name.to_owned()))
        }
        Some((".", path)) if path.split(['.']).all(|word| !word.is_empty()) => {
            let mut words = path.split('.');
            let first = words.next().unwrap_or_default().to_owned();
            let step = |word: &str| match word.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Field(word.to_owned()),
            };
            Ok(Part::Output(first, words.map(step).collect()))
        }
        Some(_) => Err("cannot be read".to_owned()),
    }
}

/// `v2`
fn version(word: &str) -> Option<u64> {
    let digits = word.strip_prefix('v')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(text: &str) -> Vec<&str> {
        let all = scan(text);
        all.into_iter()
            .filter(|(_, token)| *token == Token::Mention)
            .map(|(range, _)| &text[range])
            .collect()
    }

    #[test]
    fn a_mention_ends_where_its_name_does() {
        for (text, found) in [
            ("See @plan.", &["@plan"] as &[&str]),
            ("@plan/plan.md, then @review.verdict!", &["@plan/plan.md", "@review.verdict"]),
            ("(@prev/plan)", &["@prev/plan"]),
            (
                "@file:src/main.rs: line 3; `@file:a-b_c.txt`",
                &["@file:src/main.rs", "@file:a-b_c.txt"],
            ),
            ("mail a@b.example or ü@x", &[]),
            ("@@plan and @@@plan", &["@plan"]),
            ("@ alone, @, @/x", &[]),
            ("@v2/plan/out/a.md…", &["@v2/plan/out/a.md"]),
        ] {
            assert_eq!(mentions(text), found, "{text}");
        }
    }

    #[test]
    fn two_of_them_are_one_sign() {
        for (text, plain) in
            [("a@@b @@ @@@@ @plan @@plan", "a@b @ @@ @plan @plan"), ("@@", "@"), ("none", "none")]
        {
            assert_eq!(unescaped(text), plain, "{text}");
        }
    }

    #[test]
    fn what_is_inside_a_reference_is_no_mention() {
        let text = "${x ?? \"@plan\"} @spec ${y}@z";
        assert_eq!(mentions(&masked(text)), ["@spec", "@z"]);
    }

    #[test]
    fn each_form_is_read() {
        let stage = |part| Mentions::Stage { stage: "plan".into(), part };
        let output = |path| Part::Output("a".into(), path);
        for (written, expected) in [
            ("@plan", stage(Part::Whole)),
            ("@plan.a", stage(output(vec![]))),
            ("@plan.a.0.b", stage(output(vec![Step::Index(0), Step::Field("b".into())]))),
            ("@plan/a.md", stage(Part::Artifact("a.md".into()))),
            ("@prev", Mentions::Previous { stage: None, part: Part::Whole }),
            ("@prev.a", Mentions::Previous { stage: None, part: output(vec![]) }),
            (
                "@prev/plan/a/b.md",
                Mentions::Previous {
                    stage: Some("plan".into()),
                    part: Part::Artifact("a/b.md".into()),
                },
            ),
            (
                "@v12/plan.a",
                Mentions::Version { number: 12, stage: Some("plan".into()), part: output(vec![]) },
            ),
            ("@input.goal", Mentions::Input("goal".into())),
            ("@file:a/b.md", Mentions::File("a/b.md".into())),
            ("@feedback", Mentions::Feedback),
        ] {
            assert_eq!(read(written).map(|mention| mention.of), Ok(expected), "{written}");
        }
        for wrong in
            ["@input", "@input.a.b", "@feedback.a", "@file:", "@plan//a", "@plan..a", "@prev//a"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
