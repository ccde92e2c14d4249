//! What an attempt needs of the server before the hands may start it.

use std::collections::{BTreeMap, HashMap};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::link::{Assignment, Lay, Piece, SecretDoor};
use blobs::Blobs;
use tokio::runtime::Handle;

use super::moved::workspace;
use super::patience::Patience;
use super::requests::Requests;

/// Values of secrets, as long as their attempts are held: by key of the attempt and name.
#[derive(Default)]
pub(super) struct Secrets {
    known: Mutex<HashMap<String, BTreeMap<String, Option<String>>>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl Secrets {
    fn known(&self) -> MutexGuard<'_, HashMap<String, BTreeMap<String, Option<String>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self, attempt: &str) {
        self.known().remove(attempt);
    }

    fn keep(&self, attempt: &str, name: &str, value: Option<String>) {
        self.known().entry(attempt.to_owned()).or_default().insert(name.to_owned(), value);
    }

    /// Where the hands ask. After a restart of the worker nothing is known any more: then the server
    /// is asked, by a thread of the hands that may wait.
    pub(super) fn door(self: &Arc<Self>, requests: Arc<Requests>, handle: Handle) -> SecretDoor {
        let secrets = Arc::clone(self);
        SecretDoor::new(move |ask| {
            let known = secrets.known().get(ask.attempt).and_then(|of| of.get(ask.name).cloned());
            if let Some(value) = known {
                return Ok(value);
            }
            let value = handle.block_on(requests.secret(ask.attempt, ask.name));
            let value = value.map_err(|trouble| format!("secret `{}`: {trouble}", ask.name))?;
            secrets.keep(ask.attempt, ask.name, value.clone());
            Ok(value)
        })
    }
}

/// All that the preparing of one attempt takes.
pub(super) struct Errand {
    pub(super) requests: Arc<Requests>,
    pub(super) patience: Patience,
    pub(super) secrets: Arc<Secrets>,
    pub(super) data_dir: PathBuf,
    /// Secrets that this machine gives itself.
    pub(super) own_secrets: Vec<String>,
}

impl Errand {
    /// Fetches what is to be fetched, and makes the folder of the run. The error is for the author.
    pub(super) async fn run(
        mut self,
        assignment: Box<Assignment>,
    ) -> Result<Box<Assignment>, String> {
        let key = &assignment.attempt.key;
        if let Some(folder) = workspace(Path::new(&assignment.working_dir), &self.data_dir) {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| format!("`{}` could not be made: {error}", folder.display()))?;
        }
        let requests = Arc::clone(&self.requests);
        for name in self.wanted(&assignment) {
            let value = self.patience.ask(|| requests.secret(key, &name)).await;
            let value = value.map_err(|trouble| format!("secret `{name}`: {trouble}"))?;
            self.secrets.keep(key, &name, value);
        }
        let blobs = Blobs::of(&self.data_dir);
        for Lay { path, digest } in &assignment.context {
            let taken = self.patience.ask(|| requests.take(key, digest, &blobs)).await;
            taken.map_err(|trouble| {
                format!("the context file `{path}` could not be fetched: {trouble}")
            })?;
        }
        Ok(assignment)
    }

    fn wanted(&self, assignment: &Assignment) -> Vec<String> {
        let named = |piece: &Piece| match piece {
            Piece::Plain(_) => None,
            Piece::Secret(name) => Some(name.clone()),
        };
        let mut names: Vec<String> = assignment.env.values().flatten().filter_map(named).collect();
        names.sort();
        names.dedup();
        names.retain(|name| !self.own_secrets.contains(name));
        names
    }
}
