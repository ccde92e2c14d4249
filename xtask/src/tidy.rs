//! The house rules that no compiler checks. Each complaint names the file and the remedy.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::metadata;
use crate::root;

/// Who may import whom. `*`: every other crate of ours.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("pipeline", &[]),
    ("engine", &["pipeline"]),
    ("api", &[]),
    ("blobs", &[]),
    ("graph", &[]),
    ("git", &[]),
    ("store", &["pipeline", "engine", "blobs"]),
    ("worker", &["api", "blobs", "git"]),
    ("agent", &["api", "worker"]),
    ("server", &["pipeline", "engine", "api", "blobs", "git", "store", "graph"]),
    ("orchestrate", &["*"]),
    ("benches", &["*"]),
    ("xtask", &[]),
];

const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Words that name no thing.
const HOLLOW_NAMES: &[&str] = &["utils", "util", "common", "manager", "helper", "helpers", "misc"];

/// (text, folders in which it may stand, why elsewhere it may not)
const CONFINED: &[(&str, &[&str], &str)] = &[
    ("rusqlite::", &["crates/store/"], "only `store` holds SQL"),
    (
        "StatusCode::",
        &[
            "crates/server/src/http",
            "crates/server/src/gateway",
            // Those of spans, which are called the same.
            "crates/server/src/traces/span.rs",
            "crates/cli/src/client",
        ],
        "only HTTP and the gateway know status codes",
    ),
    (
        "SystemTime::now",
        &[
            "crates/worker/",
            "crates/agent/src/clock.rs",
            "crates/cli/",
            "crates/server/src/clock.rs",
            "benches/",
        ],
        "time is an argument",
    ),
    (
        "Timestamp::now",
        &["crates/server/src/clock.rs", "crates/cli/", "benches/"],
        "time is an argument",
    ),
    (
        "Command::new(",
        &[
            "crates/worker/",
            "crates/cli/",
            "crates/git/",
            "crates/server/src/changed/mirror.rs",
            "crates/server/src/notices/command.rs",
            "xtask/",
            "benches/",
        ],
        "only the hands start processes, a target of notices its command, a mirror git",
    ),
    ("lettre::", &["crates/server/src/notices/smtp.rs"], "only `notices::smtp` sends mail"),
    (
        "reqwest::",
        &["crates/server/src/egress", "crates/worker/src/runtime/ecs/call.rs"],
        "only `egress` sends requests, and the runtime of ECS its calls",
    ),
];

const WARN_LINES: usize = 500;
const MAX_LINES: usize = 800;

pub(crate) fn run() -> Result<()> {
    let mut complaints = Vec::new();
    imports(&mut complaints)?;
    for file in sources()? {
        let text = fs::read_to_string(root().join(&file)).with_context(|| file.clone())?;
        names(&file, &mut complaints);
        lengths(&file, &text, &mut complaints);
        confined(&file, &text, &mut complaints);
    }
    if !complaints.is_empty() {
        bail!("{} complaints\n{}", complaints.len(), complaints.join("\n"));
    }
    Ok(())
}

fn imports(complaints: &mut Vec<String>) -> Result<()> {
    for package in metadata::packages()? {
        if package.member {
            let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == package.name)
            else {
                complaints
                    .push(format!("crate `{}`: say in tidy.rs whom it may import", package.name));
                continue;
            };
            for used in package.uses {
                if !allowed.contains(&"*") && !allowed.contains(&used.as_str()) {
                    complaints.push(format!("crate `{}` may not import `{used}`", package.name));
                }
            }
        } else if !licence_fits(&package.license) {
            complaints.push(format!("`{}` is licensed `{}`", package.name, package.license));
        }
    }
    Ok(())
}

/// An SPDX expression of which at least one alternative is allowed as a whole.
fn licence_fits(expression: &str) -> bool {
    expression.replace('/', " OR ").split(" OR ").any(|alternative| {
        alternative.split(" AND ").all(|part| {
            let name =
                part.trim().trim_matches(['(', ')']).split(" WITH ").next().unwrap_or_default();
            LICENCES.contains(&name)
        })
    })
}

fn names(file: &str, complaints: &mut Vec<String>) {
    let path = Path::new(file);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if stem == "mod" {
        complaints.push(format!("{file}: write `foo.rs` beside `foo/`, not `mod.rs`"));
    }
    if HOLLOW_NAMES.contains(&stem) {
        complaints.push(format!("{file}: `{stem}` names no thing; name what it does"));
    }
}

fn lengths(file: &str, text: &str, complaints: &mut Vec<String>) {
    let lines = text.lines().count();
    if is_test(file) {
        return;
    }
    if lines > MAX_LINES {
        complaints.push(format!("{file}: {lines} lines; find the shape that is missing"));
    } else if lines > WARN_LINES {
        println!("    warning: {file} has {lines} lines");
    }
}

fn confined(file: &str, text: &str, complaints: &mut Vec<String>) {
    if is_test(file) || file == "xtask/src/tidy.rs" {
        return;
    }
    // Tests at the end of a file are not the product.
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (needle, places, why) in CONFINED {
        if product.contains(needle) && !places.iter().any(|place| file.starts_with(place)) {
            complaints.push(format!("{file}: `{needle}`: {why}"));
        }
    }
}

fn is_test(file: &str) -> bool {
    file.contains("/tests/") || file.ends_with("/tests.rs") || file.contains("/examples/")
}

/// Every Rust file of ours, relative to the root.
fn sources() -> Result<Vec<String>> {
    let root = root();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["crates", "xtask", "benches"].iter().map(|name| root.join(name)).collect();
    while let Some(folder) = folders.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(&root)?.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::licence_fits;

    #[test]
    fn a_licence_expression_fits_when_one_alternative_does() {
        assert!(licence_fits("MIT OR Apache-2.0"));
        assert!(licence_fits("MIT/Apache-2.0"));
        assert!(licence_fits("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(licence_fits("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
        assert!(!licence_fits("GPL-3.0"));
        assert!(!licence_fits("MIT AND GPL-3.0"));
        assert!(!licence_fits(""));
    }
}
