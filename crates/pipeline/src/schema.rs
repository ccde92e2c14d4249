//! The JSON Schema of the language, made from the vocabulary: editors complete and check
//! definitions with it. It knows shapes, not names: what only the parser can see, such as an
//! unknown stage, it lets pass.

use serde_json::{Map, Value as Json, json};

use crate::authored::literal;
use crate::vocabulary::{Key, OBJECTS, Object, PIPELINE, Type};
use crate::yaml;

/// JSON Schema 2020-12 of a definition.
pub fn json_schema() -> Json {
    let definitions: Map<String, Json> =
        OBJECTS.iter().map(|object| (object.id.to_owned(), of_object(object))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orchestrate pipeline",
        "$ref": format!("#/$defs/{}", PIPELINE.id),
        "$defs": definitions,
    })
}

fn of_object(object: &Object) -> Json {
    let mut properties = Map::new();
    for key in object.keys {
        properties.insert(key.name.to_owned(), of_key(key));
        for alias in key.aliases {
            let mut same = of_type(&key.value);
            if let Json::Object(same) = &mut same {
                same.insert("description".into(), format!("The same as `{}`.", key.name).into());
            }
            properties.insert((*alias).to_owned(), same);
        }
    }
    let required: Vec<&str> =
        object.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut schema = json!({
        "description": object.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let Json::Object(schema) = &mut schema {
        if !required.is_empty() {
            schema.insert("required".into(), json!(required));
        }
        let kinds = match object.id {
            "stage" => Some(json!(crate::authored::KINDS)),
            "python" => Some(json!(["file", "code"])),
            "rollback" => Some(json!(["run", "python", "agent"])),
            "triggers" => Some(json!(["any", "all"])),
            "trigger" => Some(json!(["completion", "event", "condition", "manual"])),
            "start_trigger" => Some(json!(["event", "schedule", "completion", "files"])),
            "transform" => Some(json!(["split", "join", "cel"])),
            _ => None,
        };
        if let Some(Json::Array(kinds)) = kinds {
            let mut one: Vec<Json> = kinds.iter().map(|kind| json!({"required": [kind]})).collect();
            if object.id == "stage" {
                // A loop may leave its agent to its type.
                one.push(json!({"required": ["loop"], "not": {"required": ["agent"]}}));
            }
            schema.insert("oneOf".into(), Json::Array(one));
        }
    }
    schema
}

fn of_key(key: &Key) -> Json {
    let mut schema = of_type(&key.value);
    let mut description = key.doc.to_owned();
    if !key.default.is_empty() {
        description.push_str(&format!(" Default: {}.", key.default));
    }
    if let Json::Object(schema) = &mut schema {
        schema.insert("description".into(), description.into());
        if let (Some(example), _) = yaml::parse(key.example) {
            schema.insert("examples".into(), json!([literal(&example)]));
        }
    }
    schema
}

fn of_type(value: &Type) -> Json {
    match value {
        // Any scalar is taken as text, as it was written.
        Type::Text | Type::Template | Type::Glob | Type::Expression => {
            json!({"type": ["string", "number", "boolean"]})
        }
        Type::Name => json!({
            "type": ["string", "number", "boolean"],
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        }),
        Type::Value | Type::Literal => json!({}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::True => json!({"const": true}),
        Type::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Type::Number => json!({"type": "number"}),
        Type::Duration => json!({"type": "string", "pattern": "^([0-9]+(d|h|m|s|ms))+$"}),
        Type::Choice { words, .. } => json!({"enum": words}),
        Type::Schema => json!({"type": ["object", "boolean"]}),
        Type::Object(object) => json!({"$ref": format!("#/$defs/{}", object.id)}),
        Type::List(of) => json!({"type": "array", "items": of_type(of)}),
        Type::Map(of) => json!({"type": "object", "additionalProperties": of_type(of)}),
        Type::Either(types) => {
            json!({"anyOf": types.iter().map(of_type).collect::<Vec<_>>()})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_refuses_what_has_the_wrong_shape() {
        let schema = crate::value::compile_schema(&json_schema()).unwrap();
        let good = json!({"name": "x", "stages": [{"name": "a", "run": "make"}]});
        assert_eq!(schema.check(&good), []);
        for (path, wrong) in [
            ("/name", json!("../x")),
            ("/stages/0/run", json!({"a": 1})),
            ("/stages/0/noop", json!(true)),
            ("/stages/0/timeout", json!("5 minutes")),
            ("/stages/0/on_failure", json!("stop")),
            ("/stages/0/form", json!({})),
            ("/stages/0/triggers", json!([{"event": "a", "manual": true}])),
            ("/stages/0/agent", json!("me")),
            ("/stages/0/container", json!({})),
            ("/max_parallel", json!(0)),
            ("/stages", json!({"a": {"run": "make"}})),
        ] {
            let mut bad = good.clone();
            let (parent, key) = path.rsplit_once('/').unwrap();
            bad.pointer_mut(parent).unwrap()[key] = wrong;
            assert_ne!(schema.check(&bad), [], "{path}");
        }
    }
}
