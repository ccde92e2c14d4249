//! Reference pages that the program writes about itself: committed, and never stale.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{client, root};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

/// Folder of everything generated.
const REFERENCE: &str = "docs/reference";

pub(crate) fn run(mode: Mode) -> Result<()> {
    pages(mode)?;
    client::run(mode)
}

fn pages(mode: Mode) -> Result<()> {
    let wanted = generated()?;
    let folder = root().join(REFERENCE);
    let present = existing(&folder, &folder)?;
    let stale: Vec<&str> = wanted
        .iter()
        .filter(|(name, text)| present.get(*name) != Some(text))
        .map(|(name, _)| name.as_str())
        .chain(present.keys().filter(|name| !wanted.contains_key(*name)).map(String::as_str))
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    if mode == Mode::Check {
        bail!("{REFERENCE} is stale ({}); run `cargo xtask codegen`", stale.join(", "));
    }
    for name in &stale {
        let path = folder.join(name);
        let Some(text) = wanted.get(*name) else {
            fs::remove_file(&path)?;
            continue;
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    println!("    wrote {} files in {REFERENCE}", stale.len());
    Ok(())
}

/// Asked of the program: `reference` prints a JSON object of file names and texts.
fn generated() -> Result<BTreeMap<String, String>> {
    let output = Command::new("cargo")
        .args(["run", "--quiet", "--package", "orchestrate", "--", "reference"])
        .env("NO_COLOR", "1")
        .current_dir(root())
        .output()
        .context("could not start cargo run")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("`orchestrate reference` printed no JSON object")
}

fn existing(base: &Path, folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(existing(base, &path)?);
        } else {
            let name = path.strip_prefix(base)?.to_string_lossy().into_owned();
            found.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(found)
}
