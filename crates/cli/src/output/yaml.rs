//! JSON values as YAML 1.2 text.

use serde_json::Value as Json;

/// The whole document, ending with a line break. Any YAML 1.2 parser reads the same value back.
pub fn text(value: &Json) -> String {
    let mut out = String::new();
    match value {
        Json::Object(map) if !map.is_empty() => block(value, 0, &mut out),
        Json::Array(list) if !list.is_empty() => block(value, 0, &mut out),
        scalar => {
            out.push_str(&inline(scalar));
            out.push('\n');
        }
    }
    out
}

/// A map or list that is not empty, each entry on a line of its own.
fn block(value: &Json, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                out.push_str(&pad);
                out.push_str(&string(key));
                out.push(':');
                entry(value, indent, out);
            }
        }
        Json::Array(list) => {
            for value in list {
                out.push_str(&pad);
                out.push('-');
                match value {
                    // The first key of a map stands beside its dash.
                    Json::Object(map) if !map.is_empty() => {
                        let start = out.len();
                        block(value, indent + 2, out);
                        out.replace_range(start..start + indent + 1, "");
                    }
                    other => entry(other, indent, out),
                }
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn entry(value: &Json, indent: usize, out: &mut String) {
    let nested = match value {
        Json::Object(map) => !map.is_empty(),
        Json::Array(list) => !list.is_empty(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    };
    if nested {
        out.push('\n');
        block(value, indent + 2, out);
    } else if let Json::String(text) = value
        && let Some(lines) = literal(text, indent + 2)
    {
        out.push_str(&lines);
    } else {
        out.push(' ');
        out.push_str(&inline(value));
        out.push('\n');
    }
}

/// A text of several lines as a `|` block, where that is exact.
fn literal(text: &str, indent: usize) -> Option<String> {
    let body = text.strip_suffix('\n')?;
    let plain = |line: &str| !line.chars().any(|letter| letter.is_control() && letter != '\t');
    if !body.contains('\n')
        || body.starts_with([' ', '\n', '\t'])
        || body.ends_with('\n')
        || !body.split('\n').all(plain)
    {
        return None;
    }
    let pad = " ".repeat(indent);
    let mut out = String::from(" |\n");
    for line in body.split('\n') {
        if !line.is_empty() {
            out.push_str(&pad);
            out.push_str(line);
        }
        out.push('\n');
    }
    Some(out)
}

fn inline(value: &Json) -> String {
    match value {
        Json::String(text) => string(text),
        // JSON is YAML.
        other => other.to_string(),
    }
}

/// Plain where no reader could take it for something else, quoted as JSON otherwise.
fn string(text: &str) -> String {
    let first = |letter: char| letter.is_ascii_alphabetic() || letter == '/' || letter == '_';
    let rest =
        |letter: char| letter.is_ascii_alphanumeric() || " -_./,()[]{}@+=<>".contains(letter);
    let word = text.to_ascii_lowercase();
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(first)
        && text.chars().all(rest)
        && !text.ends_with(' ')
        && !reserved.contains(&word.as_str());
    if plain { text.to_owned() } else { Json::String(text.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maps_and_lists_are_blocks_and_doubtful_text_is_quoted() {
        let value = json!({
            "schema": "orchestrate.run.list/v1",
            "data": [{"name": "ci#1", "by": "ana", "parts": [1, 2], "none": [], "nil": null}],
            "yes": "no",
            "text": "a: b",
            "number": "12",
            "definition": "name: x\nstages:\n  - a\n",
            "nested": [[1], []],
        });
        let expected = "\
schema: orchestrate.run.list/v1
data:
  - name: \"ci#1\"
    by: ana
    parts:
      - 1
      - 2
    none: []
    nil: null
\"yes\": \"no\"
text: \"a: b\"
number: \"12\"
definition: |
  name: x
  stages:
    - a
nested:
  -
    - 1
  - []
";
        assert_eq!(text(&value), expected);
        assert_eq!(text(&json!("plain")), "plain\n");
    }
}
