//! What holds for every operation is said once, here, and not at each of them.

use serde_json::{Map, Value, json};

use crate::http::{repeat, tag};

/// In the order in which the page shows them.
const TAGS: &[(&str, &str)] = &[
    ("pipelines", "Definitions and their revisions"),
    ("runs", "Executions of pipelines, and what can be asked of them"),
    ("tasks", "Units of work, each with its runs"),
    ("rollout", "How much is really done, and how tasks pass through the roles"),
    ("executions", "Stages in runs, and what people do there"),
    ("checkpoints", "Stages of a definition, one by one"),
    ("aliases", "The same under the paths and in the words of others"),
    ("approvals", "Gates that wait for people"),
    ("inputs", "Forms that wait for people"),
    ("artifacts", "Files that stages and people left"),
    ("events", "What happened outside"),
    ("triggers", "What starts runs by itself"),
    ("live", "What happens, as it happens"),
    ("notices", "What was told to whom"),
    ("environments", "Places that stages work on"),
    ("audit", "Who decided and changed what, and the proof of it"),
    ("tokens", "Keys of users"),
    ("accounts", "Users, sessions, secrets"),
    ("agents", "Who does the work of a stage, and what they would be asked"),
    ("models", "What models were asked, and what it cost"),
    ("workers", "Machines that stages run on, and what waits for them"),
    ("attempt", "What the harness of a live attempt asks"),
    ("system", "The server about itself, and the language"),
];

/// Title, rights and answers that all operations share.
pub(super) fn finish(mut document: Value) -> Value {
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "Orchestrate",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Pipelines of scripts, agents and people. Errors are \
            `application/problem+json`; lists are read page by page (`limit`, `after`, `next`); \
            an `Idempotency-Key` makes repeating a request harmless.",
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    });
    document["servers"] = json!([{"url": "/"}]);
    let used = used_tags(&document);
    document["tags"] = TAGS
        .iter()
        .filter(|(name, _)| used.contains(&(*name).to_owned()))
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect();
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of a user, or the data folder's `token` file. The words \
                beside it are the rights that an operation needs.",
        },
        "attempt": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of the door that a live attempt was given with its job.",
        },
    });
    document["components"]["headers"] = json!({
        "RequestId": {
            "description": "Names this request in the server's log",
            "schema": {"type": "string"},
        },
    });
    widths(&mut document);
    let schemas = document["components"]["schemas"].take();
    let Some(paths) = document["paths"].as_object_mut() else { return document };
    for (path, item) in paths.iter_mut() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                finish_operation(path, method, operation);
                may_be_empty(operation, &schemas);
            }
        }
    }
    document["components"]["schemas"] = schemas;
    document
}

fn used_tags(document: &Value) -> Vec<String> {
    let items = document["paths"].as_object().into_iter().flat_map(Map::values);
    let operations = items.filter_map(Value::as_object).flat_map(Map::values);
    let tags = operations.filter_map(|operation| operation["tags"][0].as_str());
    tags.map(str::to_owned).collect()
}

fn finish_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    name(operation);
    if repeat::takes_key(method, path) {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.push(key());
        }
    }
    for parameter in
        operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if parameter["in"] == "header" && parameter["name"] == "If-Match" {
            let pattern = tag::IF_MATCH_PATTERN;
            parameter["schema"] =
                json!({"type": "string", "pattern": pattern, "examples": ["*", "\"r3\""]});
        }
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for response in responses.values_mut() {
        finish_response(response);
    }
}

/// Names of functions, made unique by their room.
fn name(operation: &mut Map<String, Value>) {
    let tag = operation.get("tags").and_then(|tags| tags[0].as_str()).map(str::to_owned);
    let (Some(tag), Some(Value::String(id))) = (tag, operation.get_mut("operationId")) else {
        return;
    };
    if !id.starts_with(&format!("{tag}_")) {
        *id = format!("{tag}_{id}");
    }
}

fn key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Drawn by the caller. The same request with the same key is carried out \
            once and answered alike for 24 hours; another request with this key is refused (422)",
        "schema": {"type": "string", "pattern": repeat::KEY_PATTERN},
    })
}

/// An empty body counts as `{}`: it has to be given only where that is not enough.
fn may_be_empty(operation: &mut Map<String, Value>, schemas: &Value) {
    let Some(body) = operation.get_mut("requestBody") else { return };
    let named = body["content"]["application/json"]["schema"]["$ref"].as_str();
    let name = named.and_then(|named| named.strip_prefix("#/components/schemas/"));
    let Some(schema) = name.map(|name| &schemas[name]) else { return };
    let needs_nothing = schema["required"].as_array().is_none_or(Vec::is_empty);
    if schema["type"] == "object" && needs_nothing {
        body["required"] = json!(false);
    }
}

/// Numbers are as wide as the server reads them, and say so.
fn widths(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let whole = match map.get("type") {
                Some(Value::String(kind)) => kind == "integer",
                Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "integer"),
                Some(_) | None => false,
            };
            if whole {
                width(map);
            }
            map.values_mut().for_each(widths);
        }
        Value::Array(items) => items.iter_mut().for_each(widths),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn width(schema: &mut Map<String, Value>) {
    let unsigned = schema.get("minimum").and_then(Value::as_i64).is_some_and(|least| least >= 0);
    let narrow = schema.get("format").is_some_and(|format| format == "int32");
    let (format, least, most) = match (unsigned, narrow) {
        (true, true) => ("uint32", json!(0), json!(u32::MAX)),
        (true, false) => ("uint64", json!(0), json!(u64::MAX)),
        (false, true) => ("int32", json!(i32::MIN), json!(i32::MAX)),
        (false, false) => ("int64", json!(i64::MIN), json!(i64::MAX)),
    };
    schema.insert("format".to_owned(), json!(format));
    schema.entry("minimum").or_insert(least);
    schema.entry("maximum").or_insert(most);
}

fn finish_response(response: &mut Value) {
    let Some(response) = response.as_object_mut() else { return };
    if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut)
        && content.get("application/json").is_some_and(is_problem)
        && let Some(problem) = content.remove("application/json")
    {
        content.insert("application/problem+json".to_owned(), problem);
        if response.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            response.insert("description".to_owned(), json!("Why not, and what to do instead"));
        }
    }
    let headers = response.entry("headers").or_insert_with(|| json!({}));
    headers["X-Request-Id"] = json!({"$ref": "#/components/headers/RequestId"});
}

fn is_problem(content: &Value) -> bool {
    content["schema"]["$ref"] == "#/components/schemas/Problem"
}
