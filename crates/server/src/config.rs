//! `config.yaml` of the data folder: who there is, the environments, values for all pipelines.
//!
//! Read at start, and again when it was changed; nobody watches it. A file that cannot be read
//! refuses what depends on it: a policy is never left out because of a slip in writing it down.

mod accounts;
pub(crate) mod agents;
mod environment;
mod file;
pub(crate) mod models;
pub(crate) mod notify;
pub(crate) mod oidc;
mod read;
pub(crate) mod runtimes;
pub(crate) mod secret;
pub mod settings;
pub(crate) mod source;
mod traces;

use engine::event::Environment;
use indexmap::IndexMap;
use serde_json::Value as Json;

pub(crate) use accounts::{AccountRules, Directory};
pub(crate) use file::ConfigFile;
pub(crate) use read::is_name;
use settings::{FileValues, Said, Settings};

/// What the file says; everything has a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Config {
    pub(crate) directory: Directory,
    pub(crate) accounts: AccountRules,
    pub(crate) environments: IndexMap<String, Environment>,
    /// Values of the lowest precedence, for every pipeline.
    pub(crate) values: IndexMap<String, Json>,
    pub(crate) artifacts: ArtifactLimits,
    /// Who sends events to `POST /hooks/<name>`.
    pub(crate) sources: IndexMap<String, source::Source>,
    pub(crate) notify: notify::Notify,
    /// Who proves the identity of people, beside us.
    pub(crate) oidc: Option<oidc::Oidc>,
    /// Sent to the collector of traces, by their names.
    pub(crate) trace_headers: IndexMap<String, secret::SecretRef>,
    pub(crate) models: models::Models,
    pub(crate) agents: agents::Defaults,
    pub(crate) runtimes: runtimes::Runtimes,
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
