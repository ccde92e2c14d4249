//! TypeScript types of the API, made of its description by a tool of the npm registry.
//!
//! The file says of which description it was made, so that a stale one is found without that tool.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::codegen::Mode;
use crate::root;

const DESCRIPTION: &str = "docs/reference/openapi.json";
const TYPES: &str = "ui/src/api/schema.d.ts";
const TOOL: &str = "openapi-typescript@7.13.0";

pub(crate) fn run(mode: Mode) -> Result<()> {
    let description = fs::read(root().join(DESCRIPTION)).context(DESCRIPTION)?;
    let mark =
        format!("// Made of {DESCRIPTION} {:016x} by `cargo xtask codegen`.", fnv(&description));
    let path = root().join(TYPES);
    let present = fs::read_to_string(&path).unwrap_or_default();
    if present.lines().next() == Some(&*mark) {
        return Ok(());
    }
    if mode == Mode::Check {
        bail!("{TYPES} is stale; run `cargo xtask codegen` where npm is installed");
    }
    let found = Command::new("npx").arg("--version").output();
    if !found.is_ok_and(|found| found.status.success()) {
        println!("    {TYPES} is stale, and there is no npm here to make it anew");
        return Ok(());
    }
    let output = Command::new("npx")
        .args(["--yes", TOOL, DESCRIPTION])
        .current_dir(root())
        .output()
        .context("could not start npx")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let types = String::from_utf8(output.stdout).context("the types are no text")?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, format!("{mark}\n{types}")).with_context(|| path.display().to_string())?;
    println!("    wrote {TYPES}");
    Ok(())
}

/// FNV-1a: tells one text from another, and needs no library.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::fnv;

    #[test]
    fn one_description_is_told_from_another() {
        assert_eq!(fnv(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_ne!(fnv(b"ab"), fnv(b"ba"));
    }
}
