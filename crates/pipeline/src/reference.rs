//! The reference of the language in Markdown, made from the vocabulary.

use std::fmt::Write as _;

use crate::diagnostic::catalogue;
use crate::vocabulary::{Key, OBJECTS, Object, Type, one_of};

/// One section for each object, one row for each key.
pub fn language() -> String {
    let mut page = String::from(
        "# The language\n\nA definition is one YAML document. `orchestrate schema` prints the \
         same as a JSON Schema for editors.\n",
    );
    for object in OBJECTS {
        section(object, &mut page);
    }
    page.push_str(NOTES);
    page
}

/// All codes with their titles; each links to its page.
pub fn codes() -> String {
    let mut page = String::from(
        "# Diagnostics\n\n`orchestrate explain CODE` prints the page of a code.\n\n\
         | code | says |\n| --- | --- |\n",
    );
    for entry in catalogue::entries() {
        let _ = writeln!(page, "| [{0}]({0}.md) | {1} |", entry.code, entry.title);
    }
    page
}

const NOTES: &str = "\n## Words\n\n\
- **text**: any scalar, as it was written: `8080`, `true` and `0755` stay what they are.\n\
- **a duration**: `500ms`, `30s`, `5m`, `1h`, `2d`, or a sum in falling order such as `2h30m`.\n\
- **a pattern**: `*` stays within a segment, `**` crosses, `[a-z]` and `{a,b}` choose, `!` excludes.\n\
- **an expression**: CEL over `inputs`, `variables`, `config`, `stages`, `prev`, `event`, \
  `run`, `task`; where they exist also `item`, `form`, `input`, `outputs`.\n\
- **references** `${...}` stand wherever text with references is taken; `$${` writes `${`.\n";

fn section(object: &Object, page: &mut String) {
    let _ = write!(page, "\n## `{}`\n\n{}\n\n", object.id, object.doc);
    page.push_str(
        "| key | takes | default | meaning | example |\n| --- | --- | --- | --- | --- |\n",
    );
    for key in object.keys {
        row(key, page);
    }
}

fn row(key: &Key, page: &mut String) {
    let name = match key.aliases {
        [] => format!("`{}`", key.name),
        aliases => format!("`{}` (also {})", key.name, quoted(aliases)),
    };
    let default = if key.required { "**required**" } else { key.default };
    let cells = [&name, &takes(&key.value), default, key.doc, &format!("`{}`", key.example)]
        .map(|cell| cell.replace('|', "\\|"));
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn takes(value: &Type) -> String {
    match value {
        Type::Text => "text".into(),
        Type::Template => "text with references".into(),
        Type::Name => "a name".into(),
        Type::Value => "any value, with references".into(),
        Type::Literal => "any value".into(),
        Type::Boolean => "`true` or `false`".into(),
        Type::True => "`true`".into(),
        Type::Integer { min, max } if min == max => format!("`{min}`"),
        Type::Integer { min, max } => format!("{min} to {max}"),
        Type::Number => "a number".into(),
        Type::Duration => "a duration".into(),
        Type::Choice { words, .. } => one_of(words),
        Type::Expression => "an expression".into(),
        Type::Schema => "a JSON Schema".into(),
        Type::Glob => "a pattern".into(),
        Type::Object(object) => format!("[{}](#{})", object.name, object.id),
        Type::List(of) => format!("a list: {}", takes(of)),
        Type::Map(of) => format!("names to values: {}", takes(of)),
        Type::Either(types) => types.iter().map(takes).collect::<Vec<_>>().join(", or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_row_and_every_code_its_line() {
        let page = language();
        for object in OBJECTS {
            for key in object.keys {
                assert!(page.contains(&format!("| `{}`", key.name)), "{}", key.name);
            }
        }
        for entry in catalogue::entries() {
            assert!(codes().contains(&format!("[{0}]({0}.md)", entry.code)));
        }
    }
}
