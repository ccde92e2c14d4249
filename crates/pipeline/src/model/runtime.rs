//! Where a stage runs, when that is not simply a process of the hands.

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuntimeKind {
    Process,
    Tmux,
    Plugin,
}

impl RuntimeKind {
    pub const WORDS: [&'static str; 3] = ["process", "tmux", "plugin"];
    pub const ALL: [Self; 3] = [Self::Process, Self::Tmux, Self::Plugin];

    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Tmux => "tmux",
            Self::Plugin => "plugin",
        }
    }
}

impl Runtime {
    pub fn kind(&self) -> RuntimeKind {
        match self {
            Self::Process => RuntimeKind::Process,
            Self::Tmux => RuntimeKind::Tmux,
            Self::Plugin { .. } => RuntimeKind::Plugin,
        }
    }
}
