//! The runtimes that the suite is run on, and how one looks behind them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use api::link::Assignment;
use api::runtime::{self, Runtime};
use serde_json::{Map, json};

use crate::bench::Bench;

pub(super) struct Place {
    kind: Kind,
}

enum Kind {
    Process,
    Tmux,
    Plugin(&'static str),
}

/// Said where everybody sees it: a suite that was not run proves nothing.
pub(super) fn skipped(place: &str, why: &str) {
    let says = format!("SKIPPED: the suite of `{place}` cannot run on this machine: {why}");
    let _ = writeln!(std::io::stderr(), "{says}");
}

fn has(programs: &[&str]) -> Result<(), String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let missing: Vec<&str> = programs
        .iter()
        .filter(|program| !path.split(':').any(|place| Path::new(place).join(program).is_file()))
        .copied()
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("there is no {}", missing.join(", "))) }
}

pub(super) fn process() -> Result<Place, String> {
    Ok(Place { kind: Kind::Process })
}

pub(super) fn tmux() -> Result<Place, String> {
    has(&["tmux"]).map(|()| Place { kind: Kind::Tmux })
}

pub(super) fn plugin_in_sh() -> Result<Place, String> {
    has(&["jq", "setsid", "base64"]).map(|()| Place { kind: Kind::Plugin("local.sh") })
}

pub(super) fn plugin_in_python() -> Result<Place, String> {
    has(&["python3"]).map(|()| Place { kind: Kind::Plugin("local.py") })
}

impl Place {
    pub(super) fn bench(&self) -> Bench {
        let bench = Bench::new();
        std::fs::create_dir(state(&bench)).unwrap();
        bench
    }

    pub(super) fn script(&self, bench: &Bench, name: &str, script: &str) -> Assignment {
        Assignment { runtime: self.runtime(bench), ..bench.script(name, script) }
    }

    pub(super) fn runtime(&self, bench: &Bench) -> Option<Runtime> {
        let place = match &self.kind {
            Kind::Process => return None,
            Kind::Tmux => runtime::Place::Tmux { program: "tmux".into() },
            Kind::Plugin(file) => {
                let mut settings = Map::new();
                settings.insert("dir".into(), json!(state(bench)));
                let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins").join(file);
                runtime::Place::Plugin {
                    name: "local".into(),
                    command: vec![plugin.display().to_string()],
                    settings,
                }
            }
        };
        Some(Runtime { called: "t#1".into(), place })
    }

    /// As people are told of it; `None` for processes, which are the keeper's own.
    pub(super) fn called(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Process => None,
            Kind::Tmux => Some("tmux"),
            Kind::Plugin(_) => Some("plugin local"),
        }
    }

    /// What the attempt is called there.
    pub(super) fn name(&self, bench: &Bench, assignment: &Assignment) -> String {
        let job = std::fs::read(bench.folder(assignment).join("runtime.json")).unwrap();
        let job: serde_json::Value = serde_json::from_slice(&job).unwrap();
        job["name"].as_str().unwrap().to_owned()
    }

    /// Whether there is anything of it, by another way than the product's own.
    pub(super) fn is_there(&self, bench: &Bench, assignment: &Assignment) -> bool {
        if !bench.folder(assignment).join("runtime.json").exists() {
            return false;
        }
        let name = self.name(bench, assignment);
        match &self.kind {
            Kind::Process => false,
            Kind::Tmux => {
                Command::new("tmux").args(["-L", &name, "ls"]).output().unwrap().status.success()
            }
            Kind::Plugin(_) => state(bench).join(name).exists(),
        }
    }

    /// Takes it away behind the product's back.
    pub(super) fn vanish(&self, bench: &Bench, assignment: &Assignment) {
        let name = self.name(bench, assignment);
        match &self.kind {
            Kind::Process => {}
            Kind::Tmux => {
                let killed = Command::new("tmux").args(["-L", &name, "kill-server"]).status();
                assert!(killed.unwrap().success());
            }
            Kind::Plugin(file) => {
                let folder = state(bench).join(name);
                // Whoever looks after it first, so that nobody writes down how it ended.
                let order =
                    if *file == "local.sh" { ["session", "pid"] } else { ["supervisor", "pid"] };
                for of in order {
                    let pid = std::fs::read_to_string(folder.join(of)).unwrap();
                    let killed = Command::new("kill").args(["-9", pid.trim()]).status();
                    assert!(killed.unwrap().success(), "{of}");
                }
            }
        }
    }
}

/// Where plugins keep what they know.
fn state(bench: &Bench) -> PathBuf {
    bench.dir.path().join("plugin")
}
