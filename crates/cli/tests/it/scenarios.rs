//! Every folder of `scenarios/` through the real binary.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn every_scenario_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut scenarios: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("pipeline.yaml").exists())
        .collect();
    scenarios.sort();
    assert!(scenarios.len() >= 20, "only {} scenarios were found", scenarios.len());
    let complaints: Vec<String> = scenarios.iter().flat_map(|path| play(path)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What is not as the scenario says, one line each.
fn play(scenario: &Path) -> Vec<String> {
    let name = scenario.file_name().unwrap().to_string_lossy().into_owned();
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(scenario).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let expect: Value =
        serde_json::from_str(&fs::read_to_string(scenario.join("expect.json")).unwrap()).unwrap();
    let args = expect["args"].as_array().cloned().unwrap_or_default();
    let args: Vec<&str> = args.iter().filter_map(Value::as_str).collect();

    let run = orchestrate(folder.path(), &[&["run", "pipeline.yaml"], args.as_slice()].concat());
    let mut complaints = Vec::new();
    let mut complain = |what: &str, found: String, wanted: String| {
        if found != wanted {
            complaints.push(format!("{name}: {what} is {found}, not {wanted}"));
        }
    };
    complain("the exit code", format!("{:?}", run.code), format!("{:?}", expect["exit"].as_i64()));

    let pipeline = name.split_once('-').unwrap().1;
    let shown =
        orchestrate(folder.path(), &["runs", "show", &format!("{pipeline}#1"), "-o", "json"]);
    let Ok(shown) = serde_json::from_str::<Value>(&shown.stdout) else {
        complaints.push(format!("{name}: no JSON: {}{}{}", shown.stderr, run.stdout, run.stderr));
        return complaints;
    };
    let detail = &shown["data"];
    complain("the run", detail["status"].to_string(), expect["run"].to_string());
    let stages: BTreeMap<&str, &Value> = detail["stages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stage| Some((stage["name"].as_str()?, stage)))
        .collect();
    for (stage, wanted) in entries(&expect["stages"]) {
        complain(&stage, text(&stages, &stage, "status"), wanted.to_string());
    }
    for (stage, wanted) in entries(&expect["conclusions"]) {
        complain(&stage, text(&stages, &stage, "conclusion"), wanted.to_string());
    }
    for (stage, wanted) in entries(&expect["attempts"]) {
        let attempts = stages.get(stage.as_str()).and_then(|stage| stage["attempts"].as_array());
        complain(&stage, attempts.map_or(0, Vec::len).to_string(), wanted.to_string());
    }
    for (stage, wanted) in entries(&expect["says"]) {
        let detail = text(&stages, &stage, "detail");
        if !detail.to_lowercase().contains(wanted.as_str().unwrap()) {
            complaints.push(format!("{name}: {stage} says {detail}, without {wanted}"));
        }
    }
    for file in expect["absent"].as_array().into_iter().flatten() {
        if folder.path().join(file.as_str().unwrap()).exists() {
            complaints.push(format!("{name}: {file} exists"));
        }
    }
    complaints
}

fn entries(value: &Value) -> Vec<(String, Value)> {
    let map = value.as_object().cloned().unwrap_or_default();
    map.into_iter().collect()
}

fn text(stages: &BTreeMap<&str, &Value>, stage: &str, key: &str) -> String {
    stages.get(stage).map_or_else(|| "missing".to_owned(), |stage| stage[key].to_string())
}

struct Ended {
    code: Option<i64>,
    stdout: String,
    stderr: String,
}

fn orchestrate(folder: &Path, args: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_orchestrate"))
        .args(args)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()
        .unwrap();
    Ended {
        code: output.status.code().map(i64::from),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
