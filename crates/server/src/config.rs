//! `config.yaml` of the data folder: who there is, the environments, values for all pipelines.
//!
//! Read at start, and again when it was changed; nobody watches it. A file that cannot be read
//! refuses what depends on it: a policy is never left out because of a slip in writing it down.

mod environment;
mod file;
pub(crate) mod notify;
mod read;
pub(crate) mod secret;
pub mod settings;
pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Environment, Person};
use indexmap::IndexMap;
use serde_json::Value as Json;

pub(crate) use file::ConfigFile;
pub(crate) use read::is_name;
use settings::{FileValues, Said, Settings};

/// What the file says; everything has a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Config {
    pub(crate) directory: Directory,
    pub(crate) environments: IndexMap<String, Environment>,
    /// Values of the lowest precedence, for every pipeline.
    pub(crate) values: IndexMap<String, Json>,
    pub(crate) artifacts: ArtifactLimits,
    /// Who sends events to `POST /hooks/<name>`.
    pub(crate) sources: IndexMap<String, source::Source>,
    pub(crate) notify: notify::Notify,
    pub(crate) settings: FileValues,
}

/// Every setting of this data folder, with what was said outside of its `config.yaml`.
pub fn settings_of(data_dir: &std::path::Path, said: &Said) -> Result<Settings, crate::Error> {
    let config = ConfigFile::in_folder(data_dir).current().map_err(crate::Error::Config)?;
    Settings::resolve(said, &config.settings).map_err(crate::Error::Config)
}

/// How much of what stages leave is kept. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArtifactLimits {
    /// Of all content together.
    pub quota_bytes: Option<u64>,
    /// After the end of the run.
    pub keep_days: Option<u64>,
    /// Of one file, beside what its stage says.
    pub max_bytes: Option<u64>,
}

/// What `config.yaml` of this data folder says of artifacts.
pub fn artifact_limits(data_dir: &std::path::Path) -> Result<ArtifactLimits, crate::Error> {
    let config = ConfigFile::in_folder(data_dir).current().map_err(crate::Error::Config)?;
    Ok(config.artifacts)
}

/// Users and what they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    /// Groups and roles by user.
    users: BTreeMap<String, BTreeSet<String>>,
    /// Addresses of mail by user.
    addresses: BTreeMap<String, String>,
}

impl Directory {
    /// Somebody with what is known of them now; a name that is not known belongs to nothing.
    pub(crate) fn person(&self, name: &str) -> Person {
        let groups = self.users.get(name).into_iter().flatten().cloned().collect();
        Person { name: name.to_owned(), groups, through: None }
    }

    /// Whether nobody but these people is known.
    pub(crate) fn knows_only(&self, names: &BTreeSet<String>) -> bool {
        self.users.keys().all(|user| names.contains(user))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    /// The addresses of mail of whoever is meant by an entry of `approvers` or `assignees`.
    pub(crate) fn addresses(&self, entry: &str) -> Vec<String> {
        let meant = self.addresses.iter().filter(|(name, _)| self.person(name).is(entry));
        meant.map(|(_, address)| address.clone()).collect()
    }

    fn join(&mut self, user: &str, group: Option<&str>) {
        let groups = self.users.entry(user.to_owned()).or_default();
        groups.extend(group.map(str::to_owned));
    }
}
