//! What a stage wrote to the file named by `$ORCHESTRATE_OUTPUT`.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{Declared, check, coerce_text, sentence};

/// Reads the file: one JSON object, or lines.
///
/// ```text
/// key=the rest of the line
/// key<<WORD
/// any lines
/// WORD
/// ```
///
/// Blank lines are ignored; a later line wins over an earlier one of the same key. The error
/// names the line, never what is in it.
pub fn parse_output_file(text: &str) -> Result<IndexMap<String, Json>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return serde_json::from_str::<IndexMap<String, Json>>(text).map_err(|cause| {
            format!("the output file starts with `{{` but is no JSON object: {cause}")
        });
    }
    let mut outputs = IndexMap::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let number = index + 1;
        if line.trim().is_empty() {
            continue;
        }
        let Some((key, operator, rest)) = split(line) else {
            return Err(format!(
                "line {number} of the output file is neither `key=value` nor `key<<WORD`"
            ));
        };
        if !is_key(key) {
            return Err(format!(
                "line {number} of the output file: a key has letters, digits, `_`, `-` and `.` \
                 only, without spaces around it"
            ));
        }
        let value = match operator {
            Operator::Equals => rest.to_owned(),
            Operator::Heredoc => heredoc(rest, number, &mut lines)?,
        };
        outputs.insert(key.to_owned(), Json::String(value));
    }
    Ok(outputs)
}

#[derive(Clone, Copy)]
enum Operator {
    Equals,
    Heredoc,
}

/// Whichever of `=` and `<<` comes first.
fn split(line: &str) -> Option<(&str, Operator, &str)> {
    let equals = line.find('=').unwrap_or(usize::MAX);
    let heredoc = line.find("<<").unwrap_or(usize::MAX);
    if equals == usize::MAX && heredoc == usize::MAX {
        None
    } else if equals < heredoc {
        Some((&line[..equals], Operator::Equals, &line[equals + 1..]))
    } else {
        Some((&line[..heredoc], Operator::Heredoc, &line[heredoc + 2..]))
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn heredoc<'t>(
    word: &str,
    number: usize,
    lines: &mut impl Iterator<Item = (usize, &'t str)>,
) -> Result<String, String> {
    let word = word.trim();
    if word.is_empty() {
        return Err(format!("line {number} of the output file has no word after `<<`"));
    }
    let mut value = Vec::new();
    for (_, line) in lines {
        if line == word {
            return Ok(value.join("\n"));
        }
        value.push(line);
    }
    Err(format!("the text that starts in line {number} of the output file is never closed"))
}

/// What was written against what was declared: text becomes the declared kind, required outputs
/// must be there, schemas must hold. Outputs that were not declared are kept as they are. All
/// problems at once, in one sentence.
pub fn check_outputs(
    declared: &Declared,
    raw: IndexMap<String, Json>,
) -> Result<IndexMap<String, Json>, String> {
    let mut problems = Vec::new();
    let mut outputs = raw;
    for (name, output) in declared {
        let Some(value) = outputs.get_mut(name) else {
            if output.required {
                problems.push(format!("output `{name}` was not written"));
            }
            continue;
        };
        if let (Json::String(text), false) = (&*value, output.kind.admits(value)) {
            match coerce_text(output.kind, text) {
                Ok(typed) => *value = typed,
                Err(problem) => {
                    problems.push(format!("output `{name}`: {problem}"));
                    continue;
                }
            }
        }
        if let Err(violations) = check(output.kind, output.schema.as_ref(), value) {
            problems.push(format!("output `{name}`: {}", sentence(&violations)));
        }
    }
    if problems.is_empty() { Ok(outputs) } else { Err(problems.join("; ")) }
}
