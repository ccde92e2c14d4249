//! What a carrier has to carry: written to the attempt's folder before it starts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use api::link::{Assignment, AttemptRef, End};
use api::runtime::Place;
use serde::{Deserialize, Serialize};

use super::name;
use crate::hands::{Options, harmless};
use crate::wire::Spawn;

const FILE: &str = "runtime.json";
const ENDED: &str = "runtime.ended.json";
/// Below the attempt's folder.
const WRITTEN: &str = "written";
/// What the installation gives for the runtime travels in the carrier's environment under these
/// names, and no further.
const KEYS: &str = "ORCHESTRATE_RUNTIME_KEY_";
/// A carrier has so long beyond the grace of its attempt to see it gone.
const MARGIN_MS: u64 = 20_000;
/// A task of ECS may have so long to end: the longest `stopTimeout` that there is, instead of the grace.
const ECS_STOP_MS: u64 = 120_000;

/// Holds no secret: values are in the environment of the carrier.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    /// What it is called where it runs.
    pub(super) name: String,
    /// As people call the run.
    pub(super) called: String,
    pub(super) place: Place,
    pub(super) attempt: AttemptRef,
    pub(super) argv: Vec<String>,
    /// Names of the variables that it gets; their values stand in the carrier's environment.
    pub(super) env: Vec<String>,
    pub(super) working_dir: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) outputs: PathBuf,
    pub(super) grace_ms: u64,
}

/// How it ended, as its carrier saw it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    /// `None`: nobody knows.
    pub(super) end: Option<End>,
    #[serde(default)]
    pub(super) says: String,
}

/// Whether the attempt of this folder has a carrier. Costs one look at a file that is not there.
pub(crate) fn is_carried(folder: &Path) -> bool {
    folder.join(FILE).exists()
}

/// Makes the start of an attempt the start of its carrier.
pub(crate) fn dress(
    options: &Options,
    assignment: &Assignment,
    spawn: &mut Spawn,
) -> Result<(), String> {
    let Some(runtime) = &assignment.runtime else { return Ok(()) };
    let keys = options.keys.ask(&runtime.place)?;
    if matches!(runtime.place, Place::Docker(_)) {
        own_outputs(spawn)
            .map_err(|error| format!("its runtime could not be prepared: {error}"))?;
    }
    let AttemptRef { execution, number, key, .. } = &spawn.attempt;
    // Where things are on this machine is of use on this machine only.
    let is_local = matches!(runtime.place, Place::Tmux { .. });
    let travels = |name: &String| {
        is_local
            || assignment.env.contains_key(name)
            || !(harmless(name) || options.pass.contains(name))
    };
    let job = Job {
        name: name::of_attempt(&runtime.called, execution, *number, key),
        called: runtime.called.clone(),
        place: runtime.place.clone(),
        attempt: spawn.attempt.clone(),
        argv: spawn.argv.clone(),
        env: spawn.env.keys().filter(|name| travels(name)).cloned().collect(),
        working_dir: spawn.working_dir.clone(),
        folder: spawn.folder.clone(),
        outputs: spawn.outputs.clone(),
        grace_ms: spawn.grace_ms,
    };
    job.write().map_err(|error| format!("its runtime could not be prepared: {error}"))?;
    let program = &options.carrier;
    let word = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
    spawn.argv = std::iter::once(word(program.program.as_os_str()))
        .chain(program.args.iter().map(|arg| word(arg)))
        .chain([word(spawn.folder.as_os_str())])
        .collect();
    spawn.program.clone_from(&program.program);
    for (name, value) in keys {
        spawn.env.insert(format!("{KEYS}{name}"), value.clone());
        spawn.secrets.push(value);
    }
    // What runs below the keeper is ended by it; what runs elsewhere only its carrier can end.
    let more = match runtime.place {
        Place::Tmux { .. } => 0,
        Place::Plugin { .. } | Place::Docker(_) => MARGIN_MS,
        Place::Ecs(_) => MARGIN_MS + ECS_STOP_MS,
    };
    spawn.grace_ms = spawn.grace_ms.saturating_add(more);
    Ok(())
}

/// What a container may write lies in a folder of its own, for whatever user it has.
fn own_outputs(spawn: &mut Spawn) -> io::Result<()> {
    let written = spawn.folder.join(WRITTEN);
    fs::create_dir_all(&written)?;
    fs::set_permissions(&written, fs::Permissions::from_mode(0o777))?;
    spawn.outputs = written.join("outputs");
    spawn.env.insert("ORCHESTRATE_OUTPUT".into(), spawn.outputs.display().to_string());
    Ok(())
}

impl Job {
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(folder.join(FILE))?)?)
    }

    fn write(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        write(&self.folder.join(FILE), &serde_json::to_vec(self)?)
    }

    /// The values of its variables, as far as they are text, and the keys of its runtime.
    pub(super) fn values(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let (mut env, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in std::env::vars_os() {
            let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
            match name.strip_prefix(KEYS) {
                Some(key) => {
                    keys.insert(key.to_owned(), value);
                }
                None if self.env.contains(&name) => {
                    env.insert(name, value);
                }
                None => {}
            }
        }
        (env, keys)
    }

    /// What is known of its end may be of an earlier start of it that came to nothing.
    pub(super) fn begins(&self) -> io::Result<()> {
        remove(&self.folder.join(ENDED))
    }

    pub(super) fn ended(&self, ended: &Ended) -> io::Result<()> {
        write(&self.folder.join(ENDED), &serde_json::to_vec(ended)?)
    }
}

impl Ended {
    /// `None`: its carrier has said nothing.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(ENDED)).ok()?).ok()
    }
}

/// Whole or not at all.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, bytes)?;
    fs::rename(draft, path)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
