use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::DOCUMENT;

/// (method and path, operation)
fn operations() -> Vec<(String, &'static Value)> {
    let mut operations = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((format!("{method} {path}"), operation));
        }
    }
    operations
}

#[test]
fn every_operation_says_who_may_what_it_does_and_how_it_refuses() {
    let tags: BTreeSet<&str> = DOCUMENT["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    let rights = ["read", "run", "define", "decide", "maintain", "audit", "admin", "work", "live"];
    let mut ids = BTreeSet::new();
    let mut wrong = Vec::new();
    for (place, operation) in operations() {
        let mut must = |fits: bool, what: &str| {
            if !fits {
                wrong.push(format!("{place}: {what}"));
            }
        };
        must(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "one tag");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        must(tags.contains(tag), "its tag is described in openapi/finish.rs");
        must(operation["summary"].is_string(), "a summary: the first line of the handler's docs");
        let id = operation["operationId"].as_str().unwrap_or_default();
        must(!id.is_empty() && ids.insert(id), "an operationId of its own");
        let security = operation["security"].as_array();
        must(security.is_some_and(|ways| !ways.is_empty()), "`security`");
        for way in security.into_iter().flatten() {
            for needed in way.as_object().unwrap().values() {
                let needed: Vec<&str> =
                    needed.as_array().unwrap().iter().filter_map(Value::as_str).collect();
                must(!needed.is_empty(), "rights");
                must(needed.iter().all(|right| rights.contains(right)), "rights that there are");
            }
        }
        let responses = operation["responses"].as_object().unwrap();
        must(
            responses["default"]["content"]["application/problem+json"].is_object(),
            "a `default` answer with a problem",
        );
        must(responses.keys().any(|status| status.starts_with(['1', '2', '3'])), "a success");
    }
    assert!(wrong.is_empty(), "missing:\n{}", wrong.join("\n"));
}

#[test]
fn parameters_of_paths_are_described() {
    let mut wrong = Vec::new();
    for (place, operation) in operations() {
        let named: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let parts = place.split(['/', ' ']);
        let wanted: BTreeSet<&str> = parts
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|part| part.trim_start_matches('*'))
            .collect();
        if named != wanted {
            wrong.push(format!("{place}: the path has {wanted:?}, described are {named:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `routes!` puts a route into the router and the document at once; `.route(` only into the router.
#[test]
fn no_route_is_left_out_of_the_document() {
    let mut files = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http.rs")];
    sources(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http"), &mut files);
    assert!(files.len() > 20);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let undescribed = [".route(", ".route_service(", ".nest_service("]
                .iter()
                .any(|call| line.trim_start().starts_with(call));
            assert!(!undescribed, "{}:{}: use `routes!`", file.display(), number + 1);
        }
    }
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Who draws a number from the document draws one that can be read.
#[test]
fn whole_numbers_say_how_wide_they_are() {
    fn walk(value: &Value, found: &mut u32) {
        match value {
            Value::Object(map) => {
                let kind = map.get("type").map(Value::to_string).unwrap_or_default();
                if kind.contains("\"integer\"") {
                    *found += 1;
                    let (least, most) = (&map["minimum"], &map["maximum"]);
                    assert!(least.is_number() && most.is_number(), "{value}");
                    let unsigned = least.as_i64().is_some_and(|least| least >= 0);
                    let format = map["format"].as_str().unwrap();
                    assert_eq!(format.starts_with('u'), unsigned, "{value}");
                }
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = 0;
    walk(&DOCUMENT, &mut found);
    assert!(found > 100, "{found}");
    let after = &DOCUMENT["paths"]["/api/artifacts"]["get"]["parameters"];
    let after = after.as_array().unwrap().iter().find(|of| of["name"] == "after").unwrap();
    assert_eq!(after["schema"]["maximum"], u64::MAX);
}

/// An empty body counts as `{}`.
#[test]
fn a_body_is_needed_only_where_nothing_will_not_do() {
    let needed = |path: &str| {
        let body = &DOCUMENT["paths"][path]["post"]["requestBody"];
        body["required"].as_bool().unwrap()
    };
    assert!(!needed("/api/runs") && !needed("/api/runs/{run}/cancel") && !needed("/api/validate"));
    assert!(needed("/pipelines") && needed("/api/executions/{id}/request-revision"));
}

/// What is referred to is there.
#[test]
fn references_lead_somewhere() {
    fn walk(value: &Value, broken: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    let pointer = to.trim_start_matches('#');
                    if DOCUMENT.pointer(pointer).is_none() {
                        broken.insert(to.clone());
                    }
                }
                map.values().for_each(|value| walk(value, broken));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, broken)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut broken = BTreeSet::new();
    walk(&DOCUMENT, &mut broken);
    assert!(broken.is_empty(), "{broken:?}");
}
