//! Where an attempt runs, when that is not simply a process of the hands.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What its stage says of it, with what the installation knows; holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runtime {
    /// As people call the run: what belongs to the attempt is named after it.
    pub called: String,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Place {
    Tmux {
        /// The program: a path, or a name that is looked for in the attempt's `PATH`.
        program: String,
    },
    Plugin {
        name: String,
        /// The words before the verb.
        command: Vec<String>,
        settings: Map<String, Value>,
    },
    Docker(Box<Docker>),
    Ecs(Box<Ecs>),
}

/// A task of Amazon ECS; its keys are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ecs {
    pub region: String,
    /// In place of the services' own addresses.
    pub endpoint: Option<String>,
    /// It is asked what it does at least so often, in seconds.
    pub poll_seconds: u64,
    pub cluster: String,
    pub task_definition: String,
    /// `None`: the first of the task definition.
    pub container: Option<String>,
    pub launch_type: Option<String>,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub public_ip: bool,
}

/// A container, by the API of Docker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Docker {
    /// The unix socket of the daemon.
    pub socket: String,
    pub image: String,
    pub pull: Pull,
    pub user: Option<String>,
    pub network: Option<String>,
    /// Of the run: names to absolute paths in the container.
    pub volumes: BTreeMap<String, String>,
    pub memory_bytes: Option<u64>,
    /// Billionths of a processor.
    pub nano_cpus: Option<u64>,
    /// Whether a small program stands before it that passes signals on.
    pub init: bool,
    /// What the installation binds into every container: `/host:/container:ro`.
    pub binds: Vec<String>,
    /// The directory of the run, or its worktree: bound at its own place.
    pub root: String,
}

/// When an image is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pull {
    Missing,
    Always,
    Never,
}

impl Place {
    /// As it is written in a pipeline.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Tmux { .. } => "tmux",
            Self::Plugin { .. } => "plugin",
            Self::Docker(_) => "docker",
            Self::Ecs(_) => "ecs",
        }
    }
}

/// What a runtime said when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// `tmux`, `plugin kube`.
    pub runtime: String,
    /// What it is called there.
    pub name: String,
    pub state: SeenState,
    /// In words; may be empty.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenState {
    Running,
    /// It is there, and has ended.
    Ended,
    /// There is nothing of this name.
    Gone,
    /// The runtime could not be asked: nothing is known.
    Unknown,
}

/// Where the hands get what a runtime is reached with: variables of its plugin, keys of a cloud.
#[derive(Clone)]
pub struct KeyDoor(Arc<KeyAnswer>);

type KeyAnswer = dyn Fn(&Place) -> Result<BTreeMap<String, String>, String> + Send + Sync;

impl KeyDoor {
    pub fn new(
        answer: impl Fn(&Place) -> Result<BTreeMap<String, String>, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(answer))
    }

    /// No runtime needs any.
    pub fn closed() -> Self {
        Self::new(|_place| Ok(BTreeMap::new()))
    }

    /// The error says what cannot be had, without its value.
    pub fn ask(&self, place: &Place) -> Result<BTreeMap<String, String>, String> {
        (self.0)(place)
    }
}

impl std::fmt::Debug for KeyDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyDoor")
    }
}
