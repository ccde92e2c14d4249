//! What the documents show is true: every pipeline in them is valid.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_pipeline_in_the_documents_is_valid() {
    let mut seen = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for definition in yaml_blocks(&text) {
            let parsed = pipeline::parse(&definition);
            let shown = parsed.rendered(&path.display().to_string(), false);
            assert!(!parsed.has_errors(), "{shown}\n{definition}");
            seen += 1;
        }
    }
    assert!(seen >= 12, "only {seen} pipelines were found in the documents");
}

#[test]
fn every_example_is_valid() {
    let folder = root().join("examples");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let parsed = pipeline::parse(&fs::read_to_string(&path).unwrap());
        assert!(!parsed.has_errors(), "{}", parsed.rendered(&path.display().to_string(), false));
    }
}

#[test]
fn every_named_failure_has_its_tests() {
    let text = fs::read_to_string(root().join("docs/failures.md")).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert_eq!(rows.len(), 20, "one row for each");
    for row in rows {
        let words: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(!words.is_empty() && words.len().is_multiple_of(2), "{row}");
        for pair in words.chunks(2) {
            let source = fs::read_to_string(root().join(pair[0])).unwrap();
            assert!(
                source.contains(&format!("fn {}()", pair[1])),
                "{} has no {}",
                pair[0],
                pair[1]
            );
        }
    }
}

/// Each rule of SECURITY.md is held by tests that exist.
#[test]
fn every_rule_of_security_has_its_tests() {
    let mut tests = std::collections::HashSet::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                let names = source.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
                tests.extend(names.map(|(name, _)| name.to_owned()));
            }
        }
    }
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 20, "rules were lost");
    for row in rows {
        let named = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        let names: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test is named: {row}");
        for name in names {
            assert!(tests.contains(name), "there is no test `{name}`: {row}");
        }
    }
}

/// Blocks of YAML that are whole pipelines.
fn yaml_blocks(text: &str) -> Vec<String> {
    text.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(block, _)| format!("{block}\n")))
        .filter(|block| block.lines().any(|line| line.starts_with("stages:")))
        .collect()
}

fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let guide = fs::read_dir(root().join("docs/guide")).unwrap();
    found.extend(guide.map(|entry| entry.unwrap().path()));
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
