//! Where a stage runs, when that is not simply a process of the hands.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

#[derive(Clone, Debug, PartialEq)]
pub enum Runtime {
    Process,
    /// A session of tmux.
    Tmux,
    /// A program of the installation, by its name there, with settings of its own.
    Plugin {
        name: String,
        settings: Map<String, Json>,
    },
    Docker(Box<Container>),
    Ecs(Box<EcsTask>),
}

/// A task of Amazon ECS for each attempt. It sees no file of its stage, and leaves none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcsTask {
    /// `None`: that of the installation.
    pub cluster: Option<String>,
    pub task_definition: String,
    pub container: Option<String>,
    pub launch_type: Option<LaunchType>,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub public_ip: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaunchType {
    Fargate,
    Ec2,
}

impl LaunchType {
    pub fn word(self) -> &'static str {
        match self {
            Self::Fargate => "FARGATE",
            Self::Ec2 => "EC2",
        }
    }
}

/// A container of its own for each attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    pub image: String,
    pub pull: Pull,
    pub user: Option<String>,
    pub network: Option<String>,
    /// Of the run: names to absolute paths in the container.
    pub volumes: IndexMap<String, String>,
    pub memory_mb: Option<u32>,
    /// Above 0.
    pub cpus: Option<f64>,
}

/// When an image is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pull {
    Missing,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    Process,
    Tmux,
    Plugin,
    Docker,
    Ecs,
}

impl RuntimeKind {
    pub const WORDS: [&'static str; 5] = ["process", "tmux", "plugin", "docker", "ecs"];
    pub const ALL: [Self; 5] = [Self::Process, Self::Tmux, Self::Plugin, Self::Docker, Self::Ecs];

    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Tmux => "tmux",
            Self::Plugin => "plugin",
            Self::Docker => "docker",
            Self::Ecs => "ecs",
        }
    }
}

impl Runtime {
    pub fn kind(&self) -> RuntimeKind {
        match self {
            Self::Process => RuntimeKind::Process,
            Self::Tmux => RuntimeKind::Tmux,
            Self::Plugin { .. } => RuntimeKind::Plugin,
            Self::Docker(_) => RuntimeKind::Docker,
            Self::Ecs(_) => RuntimeKind::Ecs,
        }
    }
}
