//! The runtimes that the suite is run on, and how one looks behind them.

mod cloud;
mod daemon;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use api::link::Assignment;
use api::runtime::{self, Runtime};
use serde_json::{Map, json};

use crate::bench::{Bench, processes};
use cloud::Cloud;
use daemon::{Daemon, IMAGE};

pub(super) struct Place {
    kind: Kind,
}

enum Kind {
    Process,
    Tmux,
    Plugin(&'static str),
    Docker(Box<Daemon>),
    Ecs(Box<Cloud>),
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

pub(super) fn docker() -> Result<Place, String> {
    has(&["podman", "busybox"])?;
    Ok(Place { kind: Kind::Docker(Box::new(Daemon::start()?)) })
}

pub(super) fn ecs() -> Result<Place, String> {
    Ok(Place { kind: Kind::Ecs(Box::new(Cloud::start()?)) })
}

impl Place {
    pub(super) fn bench(&self) -> Bench {
        let bench = match &self.kind {
            Kind::Ecs(_) => Bench::with(|options| options.keys = cloud::keys()),
            Kind::Process | Kind::Tmux | Kind::Plugin(_) | Kind::Docker(_) => Bench::new(),
        };
        std::fs::create_dir(state(&bench)).unwrap();
        bench
    }

    pub(super) fn script(&self, bench: &Bench, name: &str, script: &str) -> Assignment {
        // A task of a cloud begins in no folder of ours.
        let far = format!("cd '{}'\n{script}", bench.dir.path().display());
        let script = if self.is_near() { script } else { &far };
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
            Kind::Docker(daemon) => runtime::Place::Docker(Box::new(runtime::Docker {
                socket: daemon.socket().display().to_string(),
                image: IMAGE.into(),
                pull: runtime::Pull::Never,
                user: None,
                network: Some("host".into()),
                volumes: [("cache".to_owned(), "/cache".to_owned())].into(),
                memory_bytes: None,
                nano_cpus: None,
                init: daemon.has_init(),
                binds: Vec::new(),
                root: bench.dir.path().display().to_string(),
            })),
            Kind::Ecs(cloud) => runtime::Place::Ecs(Box::new(cloud.ecs())),
        };
        Some(Runtime { called: "t#1".into(), place })
    }

    /// As people are told of it; `None` for processes, which are the keeper's own.
    pub(super) fn called(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Process => None,
            Kind::Tmux => Some("tmux"),
            Kind::Plugin(_) => Some("plugin local"),
            Kind::Docker(_) => Some("docker"),
            Kind::Ecs(_) => Some("ecs"),
        }
    }

    /// What the attempt is called there.
    pub(super) fn name(&self, bench: &Bench, assignment: &Assignment) -> String {
        let job = std::fs::read(bench.folder(assignment).join("runtime.json")).unwrap();
        let job: serde_json::Value = serde_json::from_slice(&job).unwrap();
        job["name"].as_str().unwrap().to_owned()
    }

    /// Whether it sees the files of its stage, and prints other than whole lines.
    pub(super) fn is_near(&self) -> bool {
        !matches!(self.kind, Kind::Ecs(_))
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
            Kind::Docker(daemon) => daemon.podman(&["container", "exists", &name]),
            Kind::Ecs(cloud) => cloud.runs(&name),
        }
    }

    /// What everybody on the machine, or with a look at the daemon's list, sees of it.
    pub(super) fn seen_from_outside(&self, bench: &Bench, assignment: &Assignment) -> String {
        let commands =
            processes().filter_map(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).ok());
        let commands = commands.map(|text| String::from_utf8_lossy(&text).into_owned());
        let mut seen: String = commands.collect();
        if let Kind::Docker(daemon) = &self.kind {
            let name = self.name(bench, assignment);
            let listed = daemon.says(&["ps", "--no-trunc", "--format", "json"]);
            assert!(listed.contains(&name), "{listed}");
            seen += &listed;
            seen +=
                &daemon.says(&["inspect", "--format", "{{json .Config.Labels}}{{.Args}}", &name]);
        }
        seen
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
            Kind::Ecs(cloud) => cloud.forget(&name),
            Kind::Docker(daemon) => assert!(daemon.podman(&["rm", "-f", "-t", "0", &name])),
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
