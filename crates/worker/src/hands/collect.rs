//! Artifacts: files that an attempt left in its working folder, taken before its end is reported.
//!
//! What is to be collected is written down before the attempt starts, and what came of it before it
//! is reported, both in the attempt's folder: so whoever adopts the attempt collects, and one that
//! was collected is not collected again from a working folder that others have changed since.

mod format;
mod source;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use api::link::{Assignment, Collect, Collected, Committed, Piece, SecretAsk, Worktree};
use blobs::{Blobs, Staged};
use serde::{Deserialize, Serialize};

use super::lay::chain;
use super::worktree::{self, Authorship};
use super::{Options, secrets};
use crate::mask::Masks;

const WANTED: &str = "collect.json";
const FOUND: &str = "collected.json";

/// What is to be done when the attempt has ended well.
#[derive(Debug, Serialize, Deserialize)]
struct Wanted {
    working_dir: String,
    artifacts: Vec<Collect>,
    /// Names of the secrets that it was given.
    secrets: Vec<String>,
    #[serde(default)]
    run: String,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    worktree: Option<(Worktree, Authorship)>,
}

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) artifacts: Vec<Collected>,
    #[serde(default)]
    pub(super) committed: Option<Committed>,
    pub(super) error: Option<String>,
}

/// Writes down what is to be collected; nothing for an attempt that declares nothing.
pub(super) fn remember(assignment: &Assignment, folder: &Path) -> io::Result<()> {
    if assignment.artifacts.is_empty() && assignment.worktree.is_none() {
        return Ok(());
    }
    let named = |piece: &Piece| match piece {
        Piece::Plain(_) => None,
        Piece::Secret(name) => Some(name.clone()),
    };
    let mut secrets: Vec<String> = assignment.env.values().flatten().filter_map(named).collect();
    secrets.sort();
    secrets.dedup();
    let wanted = Wanted {
        working_dir: assignment.working_dir.clone(),
        artifacts: assignment.artifacts.clone(),
        secrets,
        run: assignment.attempt.run.clone(),
        environment: assignment.environment.clone(),
        worktree: assignment.worktree.clone().map(|of| (of, Authorship::of(assignment))),
    };
    fs::create_dir_all(folder)?;
    write(&folder.join(WANTED), &serde_json::to_vec(&wanted)?, assignment.once)?;
    if assignment.once {
        File::open(folder)?.sync_all()?;
        if let Some(run) = folder.parent() {
            File::open(run)?.sync_all()?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(draft, path)
}

/// Whether anything of this attempt is to be collected. Costs one look at a file that is not there.
pub(super) fn is_wanted(folder: &Path) -> bool {
    folder.join(WANTED).exists()
}

/// Collects, or says again what was collected before.
pub(super) fn collect(options: &Options, folder: &Path) -> Found {
    let blobs = Blobs::of(&options.data_dir);
    let answer = folder.join(FOUND);
    if let Ok(text) = fs::read(&answer)
        && let Ok(found) = serde_json::from_slice::<Found>(&text)
        && found.artifacts.iter().all(|artifact| blobs.open(&artifact.digest).is_ok())
    {
        return found;
    }
    let refused = |error: String| Found { error: Some(error), ..Found::default() };
    let wanted = match fs::read(folder.join(WANTED)) {
        Ok(text) => serde_json::from_slice::<Wanted>(&text).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let found = match wanted {
        Ok(wanted) => {
            let attempt = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            gather(options, &blobs, &wanted, attempt)
                .unwrap_or_else(|problems| refused(problems.join("; ")))
        }
        Err(error) => refused(format!("what was to be collected cannot be read: {error}")),
    };
    let written = serde_json::to_vec(&found)
        .map_err(io::Error::from)
        .and_then(|bytes| write(&answer, &bytes, false));
    if let Err(error) = written {
        tracing::warn!(%error, "could not write down what was collected");
    }
    found
}

/// The attempt ended otherwise than well: its worktree is there for the next one, as it is.
pub(super) fn let_go(folder: &Path) {
    let Ok(text) = fs::read(folder.join(WANTED)) else { return };
    let Ok(wanted) = serde_json::from_slice::<Wanted>(&text) else { return };
    if let Some((of, _)) = wanted.worktree
        && let Err(error) = worktree::release(&of)
    {
        tracing::warn!(%error, path = of.path, "a worktree could not be let go");
    }
}

fn gather(
    options: &Options,
    blobs: &Blobs,
    wanted: &Wanted,
    attempt: &str,
) -> Result<Found, Vec<String>> {
    let masks = masks(options, wanted, attempt).map_err(|problem| vec![problem])?;
    let root = source::root(Path::new(&wanted.working_dir)).map_err(|error| {
        vec![format!("the working folder `{}` cannot be opened: {error}", wanted.working_dir)]
    })?;
    let (mut staged, mut problems) = (Vec::new(), Vec::new());
    for artifact in &wanted.artifacts {
        match take(blobs, &masks, &root, artifact) {
            Ok(Some(content)) => staged.push((artifact, content)),
            Ok(None) => {}
            Err(problem) => problems.push(told(artifact, &problem)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut artifacts = Vec::with_capacity(staged.len());
    for (artifact, content) in staged {
        let stored = content.keep().map_err(|error| vec![told(artifact, &chain(&error))])?;
        artifacts.push(Collected {
            name: artifact.name.clone(),
            path: artifact.path.clone(),
            digest: stored.digest,
            bytes: stored.bytes,
            format: artifact.format.clone(),
        });
    }
    let committed = wanted.worktree.as_ref();
    let committed = committed.map(|(of, by)| worktree::commit(of, by)).transpose();
    let committed =
        committed.map_err(|error| vec![format!("its work was not committed: {error}")])?;
    Ok(Found { artifacts, committed, error: None })
}

fn told(artifact: &Collect, problem: &str) -> String {
    format!("artifact `{}` (`{}`) {problem}", artifact.name, artifact.path.escape_debug())
}

fn masks(options: &Options, wanted: &Wanted, attempt: &str) -> Result<Masks, String> {
    let Wanted { run, environment, .. } = wanted;
    let value = |name: &String| {
        let ask = SecretAsk { name, attempt, run, environment: environment.as_deref() };
        secrets::value(options, ask)
    };
    let values: Result<Vec<String>, String> = wanted.secrets.iter().map(value).collect();
    let values = values.map_err(|error| {
        format!("whether secrets stand in the artifacts cannot be told: {error}")
    })?;
    Ok(Masks::new(values.iter().map(String::as_str)))
}

/// A whole copy that is as it was declared. `None`: it is not there, and need not be.
fn take(
    blobs: &Blobs,
    masks: &Masks,
    root: &OwnedFd,
    artifact: &Collect,
) -> Result<Option<Staged>, String> {
    let Some(mut source) = source::open(root, &artifact.path)? else {
        return if artifact.required { Err("is missing".into()) } else { Ok(None) };
    };
    let mut staged = source.copy(blobs, masks, artifact.max_bytes)?;
    format::check(&artifact.format, artifact.schema.as_ref(), &mut staged)?;
    Ok(Some(staged))
}
