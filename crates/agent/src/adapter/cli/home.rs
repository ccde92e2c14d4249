//! Where a program of others lives: a home of the session, in which it finds the way to the model and
//! nothing of the person who installed it.
//!
//! The home is kept with the session, so that the next attempt takes the conversation up again. All
//! that opens a door in it is the attempt's own token.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::desk::Desk;
use crate::environment;
use crate::proxy::Proxy;

#[derive(Debug)]
pub(crate) struct Home {
    /// Of the session.
    folder: PathBuf,
}

/// Where the keys of the model's clients stand.
const KEYS: [&str; 4] =
    ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "ORCHESTRATE_MODEL_TOKEN"];
/// A call of the house may wait for a person: as long as their clocks can count, in milliseconds.
const FOR_EVER_MS: &str = "2000000000";
/// Neither updates nor reports, few tries of their own: the gateway waits for providers.
const QUIET: [(&str, &str); 12] = [
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "2"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("MCP_TIMEOUT", "60000"),
    ("MCP_TOOL_TIMEOUT", FOR_EVER_MS),
    ("GEMINI_CLI_NO_RELAUNCH", "true"),
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
    ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
    ("NO_BROWSER", "1"),
    ("NO_COLOR", "1"),
    ("CI", "1"),
];

impl Home {
    /// # Errors
    /// When its folders cannot be made.
    pub(crate) fn open(desk: &Desk) -> Result<Self, String> {
        let folder = desk.room.memory.session(&desk.session).map_err(|error| error.to_string())?;
        let home = Self { folder };
        for folder in [home.path(), home.folder.join("tmp")] {
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::set_permissions(&folder, private))
                .map_err(|error| format!("could not make `{}`: {error}", folder.display()))?;
        }
        Ok(home)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// Of the session, for what the adapter itself has to remember.
    pub(crate) fn session(&self) -> &Path {
        &self.folder
    }

    /// A file that the program is to find, relative to its home.
    pub(crate) fn put(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.path().join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)
    }

    /// Beside what any program finds: where it lives, where the model is. What the adapter's definition
    /// says wins.
    pub(crate) fn own_variables(
        &self,
        door: &BTreeMap<String, String>,
        own: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let places = [
            ("HOME", self.path()),
            ("TMPDIR", self.folder.join("tmp")),
            ("CODEX_HOME", self.path().join(".codex")),
            ("CLAUDE_CONFIG_DIR", self.path().join(".claude")),
        ];
        let places = places.map(|(name, path)| (name.to_owned(), path.display().to_string()));
        let quiet = QUIET.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut env: BTreeMap<String, String> = places.into_iter().chain(quiet).collect();
        env.extend(door.clone());
        env.extend(own.clone());
        env
    }

    /// The whole environment of the program; what the adapter's definition says wins.
    pub(crate) fn environment(
        &self,
        desk: &Desk,
        door: &BTreeMap<String, String>,
        own: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let mut env = environment::of_tools(&desk.room.job);
        // What builds find below the person's home is not a person's secret.
        let home = env.get("HOME").cloned().unwrap_or_default();
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let path = Path::new(&home).join(folder);
            if !env.contains_key(name) && path.is_dir() {
                env.insert(name.to_owned(), path.display().to_string());
            }
        }
        env.retain(|name, _| !name.starts_with("XDG_"));
        env.extend(self.own_variables(door, own));
        env
    }
}

/// The way to the model in the words of all clients: base addresses on this machine, and the token.
pub(crate) fn door(desk: &Desk, proxy: &Proxy, provider: &str) -> BTreeMap<String, String> {
    let base = proxy.base(provider);
    let mut env: BTreeMap<String, String> =
        KEYS.iter().map(|name| ((*name).to_owned(), desk.room.door.token().to_owned())).collect();
    let versioned = format!("{base}/v1");
    for (name, value) in [
        ("ANTHROPIC_BASE_URL", &base),
        ("GOOGLE_GEMINI_BASE_URL", &base),
        ("OPENAI_BASE_URL", &versioned),
        ("OPENAI_API_BASE", &versioned),
        ("ORCHESTRATE_MODEL_BASE", &base),
    ] {
        env.insert(name.to_owned(), value.clone());
    }
    if let Some(model) = &desk.agent.model {
        for name in ["ANTHROPIC_MODEL", "GEMINI_MODEL", "ORCHESTRATE_MODEL"] {
            env.insert(name.to_owned(), model.clone());
        }
    }
    env
}
