//! The page: `ui/` made into the files that the server carries, and whether they are of its sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::ci::run_command;
use crate::client::fnv;
use crate::codegen::Mode;
use crate::root;

/// What the built files follow from.
const SOURCES: &[&str] = &[
    "templates",
    "ui/index.html",
    "ui/pack.mjs",
    "ui/package-lock.json",
    "ui/package.json",
    "ui/src",
    "ui/tsconfig.json",
    "ui/vite.config.ts",
];
/// What the builder leaves, with its own manifest.
const TABLE: &str = "crates/server/assets/table.rs";

/// Builds anew, or fails when what is there was built of other sources.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let digest = sources()?;
    if mode == Mode::Check {
        if is_fresh(&digest)? {
            return Ok(());
        }
        bail!("{TABLE} is stale; run `cargo xtask ui`");
    }
    let folder = root().join("ui");
    // `current_dir` of run_command is the root: npm is told where to work.
    let npm = |args: &[&str]| {
        let mut command = Command::new("npm");
        command.arg("--prefix").arg(&folder).args(args).env("UI_SOURCES", &digest);
        run_command(&mut command)
    };
    npm(&["ci", "--no-fund", "--no-audit"])?;
    npm(&["run", "build"])
}

fn is_fresh(digest: &str) -> Result<bool> {
    let table = fs::read_to_string(root().join(TABLE)).context(TABLE)?;
    Ok(table.contains(&format!("SOURCES: &str = \"{digest}\"")))
}

/// Of all sources, in the order of their paths. Types alone and tests leave nothing in the files.
fn sources() -> Result<String> {
    let base = root();
    let mut paths = Vec::new();
    for name in SOURCES {
        gather(&base.join(name), &mut paths)?;
    }
    paths.sort();
    let mut bytes = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&base)?.to_string_lossy().replace('\\', "/");
        let content = fs::read(&path).with_context(|| name.clone())?;
        bytes.extend_from_slice(format!("{name}\0{}\0", content.len()).as_bytes());
        bytes.extend_from_slice(&content);
    }
    Ok(format!("{:016x}", fnv(&bytes)))
}

fn gather(path: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            gather(&entry?.path(), into)?;
        }
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.ends_with(".d.ts") && !name.ends_with(".test.ts") {
        into.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_page_is_of_the_sources_that_are_here() {
        let digest = sources().expect("the sources can be read");
        assert!(is_fresh(&digest).expect("the table can be read"), "run `cargo xtask ui`");
    }
}
