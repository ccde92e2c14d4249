//! Which tools a project uses, and which of their commands would work here. Reads files, executes
//! nothing.

use std::path::Path;

use serde_json::Value as Json;

/// A tool that the project uses.
#[derive(Debug)]
pub(super) struct Found {
    /// Fit for the name of a stage.
    pub(super) tool: &'static str,
    /// In their order: a later one needs those before it.
    pub(super) steps: Vec<Step>,
    /// What was left out and why.
    pub(super) notes: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Step {
    /// `lint`, `test`, `build`
    pub(super) name: &'static str,
    pub(super) script: String,
}

/// Is there a program of this name?
type Programs<'a> = &'a dyn Fn(&str) -> bool;

/// Is there a program of this name on `PATH`?
pub(super) fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| {
            rustix::fs::access(folder.join(name), rustix::fs::Access::EXEC_OK).is_ok()
        })
    })
}

pub(super) fn look(folder: &Path, programs: Programs<'_>) -> Vec<Found> {
    [
        cargo(folder, programs),
        npm(folder, programs),
        python(folder, programs),
        make(folder, programs),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn step(name: &'static str, script: impl Into<String>) -> Step {
    Step { name, script: script.into() }
}

fn without(tool: &'static str, file: &str) -> Option<Found> {
    let note = format!("{file} is here, but `{tool}` is not installed: left out");
    Some(Found { tool, steps: Vec::new(), notes: vec![note] })
}

fn cargo(folder: &Path, has: Programs<'_>) -> Option<Found> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    if !has("cargo") {
        return without("cargo", "Cargo.toml");
    }
    let all = if manifest.contains("[workspace]") { " --workspace" } else { "" };
    let mut lint = Vec::new();
    if has("cargo-fmt") {
        lint.push("cargo fmt --all --check".to_owned());
    }
    lint.push(if has("cargo-clippy") {
        format!("cargo clippy{all} --all-targets")
    } else {
        format!("cargo check{all} --all-targets")
    });
    let steps = vec![
        step("lint", lint.join("\n")),
        step("test", format!("cargo test{all}")),
        step("build", format!("cargo build{all} --release")),
    ];
    Some(Found { tool: "cargo", steps, notes: Vec::new() })
}

fn npm(folder: &Path, has: Programs<'_>) -> Option<Found> {
    let text = std::fs::read_to_string(folder.join("package.json")).ok()?;
    if !has("npm") {
        return without("npm", "package.json");
    }
    let package: Json = serde_json::from_str(&text).unwrap_or_default();
    let script = |name: &str| package.pointer(&format!("/scripts/{name}"))?.as_str();
    let mut steps = Vec::new();
    let needs = ["dependencies", "devDependencies"]
        .iter()
        .any(|key| package.get(key).and_then(Json::as_object).is_some_and(|map| !map.is_empty()));
    if needs {
        let locked = folder.join("package-lock.json").exists();
        steps.push(step("install", if locked { "npm ci" } else { "npm install" }));
    }
    for name in ["lint", "test", "build"] {
        // What `npm init` writes is no test.
        if script(name).is_some_and(|text| !text.contains("no test specified")) {
            steps.push(step(name, format!("npm run {name}")));
        }
    }
    let mut notes = Vec::new();
    if steps.iter().all(|step| step.name == "install") {
        steps.clear();
        notes.push("package.json has no lint, test or build script: left out".to_owned());
    }
    Some(Found { tool: "npm", steps, notes })
}

fn python(folder: &Path, has: Programs<'_>) -> Option<Found> {
    let marker = ["pyproject.toml", "setup.py", "setup.cfg", "pytest.ini", "requirements.txt"]
        .into_iter()
        .find(|name| folder.join(name).exists())?;
    if !has("python3") {
        return without("python", marker);
    }
    let mut lint = vec!["python3 -m compileall -q -x '[.]venv|venv|node_modules' .".to_owned()];
    if has("ruff") {
        lint.push("ruff check .".to_owned());
    }
    let mut steps = vec![step("lint", lint.join("\n"))];
    let mut notes = Vec::new();
    if folder.join("tests").is_dir() || folder.join("test").is_dir() || has_test_file(folder) {
        if has("pytest") {
            steps.push(step("test", "python3 -m pytest"));
        } else {
            notes.push("`pytest` is not installed: tests are run by unittest".to_owned());
            steps.push(step("test", "python3 -m unittest discover"));
        }
    } else {
        notes.push("no python tests were found".to_owned());
    }
    Some(Found { tool: "python", steps, notes })
}

fn has_test_file(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("test_") && name.ends_with(".py")
        })
    })
}

fn make(folder: &Path, has: Programs<'_>) -> Option<Found> {
    let text = ["GNUmakefile", "makefile", "Makefile"]
        .into_iter()
        .find_map(|name| std::fs::read_to_string(folder.join(name)).ok())?;
    if !has("make") {
        return without("make", "Makefile");
    }
    let has_target = |wanted: &str| {
        text.lines().any(|line| {
            !line.starts_with(['\t', ' ', '#', '.'])
                && line.split_once(':').is_some_and(|(targets, rest)| {
                    !rest.starts_with('=') && targets.split_whitespace().any(|name| name == wanted)
                })
        })
    };
    let first =
        |names: &[&str]| names.iter().find(|name| has_target(name)).map(|n| format!("make {n}"));
    let mut steps = Vec::new();
    for (name, targets) in
        [("lint", &["lint"][..]), ("test", &["test", "check"]), ("build", &["build", "all"])]
    {
        if let Some(script) = first(targets) {
            steps.push(step(name, script));
        }
    }
    let mut notes = Vec::new();
    if steps.is_empty() {
        notes.push(
            "the Makefile has no lint, test, check, build or all target: left out".to_owned(),
        );
    }
    Some(Found { tool: "make", steps, notes })
}
