//! What an attempt is given to read: content of others, what was mapped, asked and said.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use api::link::{Assignment, Lay};
use blobs::Blobs;

use super::Options;
use super::prepare::{Problem, failed};

const CONTEXT: &str = "context";

/// Writes the files and names them in the environment. An attempt without any makes no folder.
pub(super) fn lay(
    options: &Options,
    assignment: &Assignment,
    folder: &Path,
    env: &mut BTreeMap<String, String>,
) -> Result<(), Problem> {
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
    let files = [
        ("ORCHESTRATE_INPUT", "input.json", json(&assignment.input)),
        ("ORCHESTRATE_FORM", "form.json", json(&assignment.form)),
        ("ORCHESTRATE_FEEDBACK", "feedback.md", assignment.feedback.clone()),
    ];
    for (name, file, text) in files {
        let Some(text) = text else { continue };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let path = folder.join(file);
        fs::write(&path, text).map_err(failed(&path))?;
        env.insert(name.into(), path.display().to_string());
    }
    if assignment.feedback.is_some() || assignment.revision > 0 {
        env.insert("ORCHESTRATE_REVISION".into(), assignment.revision.to_string());
    }
    if !assignment.context.is_empty() {
        let path = folder.join(CONTEXT);
        context(&Blobs::of(&options.data_dir), &assignment.context, &path)?;
        env.insert("ORCHESTRATE_CONTEXT".into(), path.display().to_string());
    }
    Ok(())
}

/// Nobody reads the copies any more, and the originals stay.
pub(super) fn take_back(folder: &Path) {
    let path = folder.join(CONTEXT);
    match fs::remove_dir_all(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, path = %path.display(), "copies are left behind"),
    }
}

/// Copies, not links: what a stage does to them reaches nobody else.
fn context(blobs: &Blobs, wanted: &[Lay], folder: &Path) -> Result<(), Problem> {
    // From an earlier try that came to nothing.
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed(folder))?;
    }
    fs::create_dir_all(folder).map_err(failed(folder))?;
    for Lay { path, digest } in wanted {
        let problem = |what: String| Problem::Context { path: path.clone(), what };
        let inner = beneath(path).ok_or_else(|| problem("is no path below it".into()))?;
        let goal = folder.join(inner);
        if let Some(parent) = goal.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        blobs.copy_to(digest, &goal).map_err(|error| problem(chain(&error)))?;
    }
    Ok(())
}

/// A relative path of plain names (`./` may stand before one), or nothing.
pub(super) fn beneath(path: &str) -> Option<PathBuf> {
    if path.contains('\0') || path.ends_with('/') {
        return None;
    }
    let mut inner = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => inner.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!inner.as_os_str().is_empty()).then_some(inner)
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
