//! The YAML test suite, and files that were found broken in real repositories: `tests/suites/yaml`.

use pipeline::diagnostic::Code;
use pipeline::yaml::{self, Kind, Node};
use serde_json::Value as Json;

fn cases(file: &str) -> Vec<Json> {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites/yaml").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).expect("a case a line")).collect()
}

fn json(node: &Node) -> Json {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.json(),
        Kind::List(items) => items.iter().map(json).collect(),
        Kind::Map(entries) => entries.iter().map(|e| (e.key.clone(), json(&e.value))).collect(),
    }
}

/// Refused on purpose, though it is YAML.
const STRICTER: [Code; 6] = [
    Code::TAG,
    Code::SEVERAL_DOCUMENTS,
    Code::KEY_NOT_TEXT,
    Code::MERGE_KEY,
    Code::NOT_A_MAP,
    Code::DUPLICATE_KEY,
];

#[test]
fn broken_yaml_is_refused_and_good_yaml_means_what_the_suite_says() {
    let cases = cases("yaml-test-suite.jsonl");
    assert_eq!(cases.len(), 402);
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for case in &cases {
        let id = case["id"].as_str().unwrap_or("?");
        let (node, diagnostics) = yaml::parse(case["yaml"].as_str().unwrap_or(""));
        let broken = case["error"] == Json::Bool(true);
        let stricter = diagnostics.iter().all(|found| STRICTER.contains(&found.code));
        if broken && diagnostics.is_empty() {
            wrong.push(format!("{id}: accepted, though broken"));
        } else if !broken && !stricter {
            wrong.push(format!("{id}: {}", diagnostics[0].message));
        } else if broken {
            refused += 1;
        } else if let (true, Some(node), Some(Json::Array(documents))) =
            (diagnostics.is_empty(), node, case.get("json_docs"))
        {
            accepted += 1;
            if documents.len() == 1 && documents[0] != json(&node) {
                wrong.push(format!("{id}: {} is not {}", json(&node), documents[0]));
            }
        }
    }
    println!("YAML: {accepted} have the right value, {refused} broken ones are refused");
    assert!(accepted >= 226 && refused == 94, "{accepted} and {refused}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn really_broken_files_are_refused_with_a_place() {
    let cases = cases("real_invalid.jsonl");
    assert_eq!(cases.len(), 9);
    for case in cases {
        let text = case["yaml"].as_str().unwrap_or("");
        let parsed = pipeline::parse(text);
        assert!(
            parsed.diagnostics.iter().any(|found| found.code.0.starts_with("E01")),
            "{}\n{}",
            case["id"],
            parsed.rendered("real.yaml", false)
        );
    }
}

/// `on` is a text and `0755` no octal number: the rules of YAML 1.2.
#[test]
fn words_and_numbers_mean_what_version_1_2_says() {
    let (node, found) = yaml::parse("on: yes\nmode: 0755\n");
    assert!(found.is_empty());
    assert_eq!(json(&node.expect("a map")), serde_json::json!({"on": "yes", "mode": 755}));
}
