//! What cargo itself knows of the workspace.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::root;

pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) license: String,
    pub(crate) member: bool,
    /// Ordinary dependencies on members of the workspace.
    pub(crate) uses: Vec<String>,
}

/// Every package of the build, dependencies of dependencies included.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .context("could not start cargo metadata")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let list = json["packages"].as_array().context("cargo metadata has no packages")?;
    Ok(list.iter().map(package).collect())
}

fn package(json: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let uses = json["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["kind"].is_null() && dependency["source"].is_null())
        .map(|dependency| text(&dependency["name"]))
        .collect();
    Package {
        name: text(&json["name"]),
        license: text(&json["license"]),
        member: json["source"].is_null(),
        uses,
    }
}
