//! What a mock agent does without a script: it writes the file that the task speaks of, and hands in
//! the simplest thing that fits the schema. The same task always gives the same.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Script, Step};
use crate::desk::Desk;
use crate::tools::Toolbox;

/// A name with one of these at its end is taken for a file.
const ENDINGS: [&str; 14] =
    ["md", "txt", "json", "yaml", "yml", "toml", "rs", "py", "sh", "js", "ts", "html", "css", "go"];
/// A schema that refers to itself is not followed for ever.
const DEPTH: u32 = 16;

pub(super) fn script(desk: &Desk, tools: &Toolbox) -> Script {
    let job = &desk.room.job;
    let (name, stage, task) = (&desk.agent.name, &job.stage, job.task.trim());
    let mut steps = Vec::new();
    let writes = tools.tools().iter().any(|tool| tool.name == "write");
    if writes {
        let file = file_in(task).unwrap_or_else(|| format!("{stage}-{name}.md"));
        let digest = Sha256::digest(task.as_bytes());
        let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let asked = job.feedback.as_deref().map(str::trim).unwrap_or_default();
        let content = match file.ends_with(".json") {
            true if asked.is_empty() => {
                format!("{:#}\n", json!({ "stage": stage, "agent": name, "task": task }))
            }
            true => format!(
                "{:#}\n",
                json!({ "stage": stage, "agent": name, "task": task, "feedback": asked })
            ),
            false => {
                let heard = match asked {
                    "" => String::new(),
                    asked => format!("\n\nChanged, because somebody asked for it: {asked}"),
                };
                let by = format!(
                    "Written by the scripted agent `{name}` without a model (task {digest})."
                );
                said_in(&file, &format!("# {stage}\n\n{by}\n\n{task}{heard}\n"))
            }
        };
        steps.push(Step::Call {
            call: "write".into(),
            input: json!({ "path": file, "content": content }),
        });
    }
    if let Some(schema) = &desk.schema {
        let result = sample(&schema.json, &schema.json, "result", DEPTH);
        steps.push(Step::Result { result });
    }
    let said = format!("`{name}` did `{stage}` as its script says; no model was asked.");
    steps.push(Step::Text { text: said });
    Script { turns: vec![steps], ..Script::default() }
}

/// The text as a note of the language that the file is written in: what reads the file takes it.
fn said_in(file: &str, text: &str) -> String {
    let end = file.rsplit_once('.').map_or("", |(_, end)| end);
    let (first, each, last) = match end {
        "css" => ("/*\n", "   ", "*/\n"),
        "js" | "ts" | "rs" | "go" => ("", "// ", ""),
        "py" | "sh" | "yaml" | "yml" | "toml" => ("", "# ", ""),
        "html" => ("<!--\n", "  ", "-->\n"),
        _ => return text.to_owned(),
    };
    // What would end the note early does not.
    let text = match end {
        "css" => text.replace("*/", "* /"),
        "html" => text.replace("--", "- -"),
        _ => text.to_owned(),
    };
    let lines = text.lines().map(|line| format!("{each}{line}").trim_end().to_owned() + "\n");
    format!("{first}{}{last}", lines.collect::<String>())
}

/// The first word of the task that looks like a file of the workspace.
fn file_in(task: &str) -> Option<String> {
    let part_of_path = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    task.split(|c| !part_of_path(c))
        .map(|word| word.trim_matches('.').trim_start_matches('/'))
        .find(|word| {
            let Some((stem, ending)) = word.rsplit_once('.') else { return false };
            ENDINGS.contains(&ending)
                && stem.chars().any(char::is_alphanumeric)
                && !word.split('/').any(|part| part.is_empty() || part == "..")
                && !word.starts_with(".git/")
        })
        .map(str::to_owned)
}

/// The simplest value that fits most schemas that people write.
fn sample(root: &Json, schema: &Json, name: &str, depth: u32) -> Json {
    if depth == 0 {
        return Json::Null;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#'))
        && let Some(target) = root.pointer(target)
    {
        return sample(root, target, name, depth - 1);
    }
    let given = [schema.get("const"), schema.get("default"), schema.pointer("/examples/0")];
    if let Some(value) = given.into_iter().flatten().next() {
        return value.clone();
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[key].as_array().and_then(|all| all.first()) {
            return sample(root, first, name, depth - 1);
        }
    }
    let kind = match &schema["type"] {
        Json::String(kind) => kind.as_str(),
        Json::Array(kinds) => kinds.first().and_then(Json::as_str).unwrap_or("string"),
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    };
    match kind {
        "object" => object(root, schema, depth),
        "array" => {
            let count = schema["minItems"].as_u64().unwrap_or(0).min(64);
            (0..count).map(|_| sample(root, &schema["items"], name, depth - 1)).collect()
        }
        "integer" | "number" => number(schema),
        "boolean" => json!(true),
        "null" => Json::Null,
        _ => text(schema, name),
    }
}

fn object(root: &Json, schema: &Json, depth: u32) -> Json {
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |name: &str| {
        let of = schema["properties"].get(name).unwrap_or(&Json::Null);
        (name.to_owned(), sample(root, of, name, depth - 1))
    };
    let fields: Map<String, Json> = required.iter().filter_map(Json::as_str).map(field).collect();
    Json::Object(fields)
}

fn number(schema: &Json) -> Json {
    let bound = |key: &str| schema[key].as_i64();
    let least = bound("minimum").or(bound("exclusiveMinimum").map(|n| n + 1));
    let most = bound("maximum").or(bound("exclusiveMaximum").map(|n| n - 1));
    let value = match (least, most) {
        (Some(least), _) if least > 1 => least,
        (_, Some(most)) if most < 1 => most,
        _ => 1,
    };
    match bound("multipleOf") {
        Some(step) if step > 0 => json!(((value + step - 1) / step) * step),
        _ => json!(value),
    }
}

fn text(schema: &Json, name: &str) -> Json {
    let least = usize::try_from(schema["minLength"].as_u64().unwrap_or(0)).unwrap_or(0).min(4096);
    let most = schema["maxLength"].as_u64().map_or(usize::MAX, |n| n.try_into().unwrap_or(0));
    let mut text = match schema["format"].as_str() {
        Some("date") => "2026-01-01".to_owned(),
        Some("date-time") => "2026-01-01T00:00:00Z".to_owned(),
        Some("uri") => "https://example.org/".to_owned(),
        Some("email") => "mock@example.org".to_owned(),
        Some(_) | None => name.to_owned(),
    };
    while text.chars().count() < least {
        text.push('x');
    }
    json!(text.chars().take(most).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::result::Schema;

    #[test]
    fn a_made_up_value_fits_its_schema() {
        for schema in [
            json!({ "type": "object", "required": ["a", "b", "c"], "additionalProperties": false,
                "properties": {
                    "a": { "type": "string", "minLength": 20 },
                    "b": { "type": "integer", "minimum": 7, "multipleOf": 5 },
                    "c": { "type": "array", "minItems": 2, "items": { "$ref": "#/$defs/item" } },
                },
                "$defs": { "item": { "type": "object", "required": ["id"],
                    "properties": { "id": { "enum": ["x", "y"] } } } } }),
            json!({ "anyOf": [{ "const": 3 }, { "type": "string" }] }),
            json!({ "type": ["null", "string"] }),
            json!({ "type": "number", "maximum": -2 }),
            json!({}),
        ] {
            let value = sample(&schema, &schema, "name", DEPTH);
            assert_eq!(Schema::new(&schema).unwrap().problems(&value), [""; 0], "{value}");
        }
    }

    #[test]
    fn a_note_stays_a_note() {
        assert_eq!(said_in("a/b.css", "# a\n\nb */ c\n"), "/*\n   # a\n\n   b * / c\n*/\n");
        assert_eq!(said_in("b.js", "# a\n\nb\n"), "// # a\n//\n// b\n");
        assert_eq!(said_in("b.html", "a --> b\n"), "<!--\n  a - -> b\n-->\n");
        assert_eq!(said_in("b.md", "# a\n"), "# a\n");
    }

    #[test]
    fn the_file_is_the_first_that_the_task_names() {
        for (task, file) in [
            ("Write `docs/plan.md` and then a.md.", Some("docs/plan.md")),
            ("See /etc/x.md.", Some("etc/x.md")),
            ("Write ../../x.md or y.txt", Some("y.txt")),
            ("version 1.2 of e.g. things", None),
        ] {
            assert_eq!(file_in(task).as_deref(), file, "{task}");
        }
    }
}
