//! One execution of a stage: its folders, its job, its harness as a process.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use api::agent::{Adapter, Agent, Did, Door, Happening, Job, Limits, Shape, ToolKind};
use api::link::AttemptRef;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

const FOLDER: &str = "TEST_HARNESS_FOLDER";

/// The harness itself, when another test starts this binary again.
#[test]
fn harness() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        std::process::exit(agent::run(Path::new(&folder)));
    }
}

pub(crate) struct Stage {
    pub(crate) root: TempDir,
    pub(crate) job: Job,
    pub(crate) env: Vec<(String, String)>,
}

/// What a harness came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `null`: it wrote none.
    pub(crate) verdict: Json,
    pub(crate) outputs: Json,
    pub(crate) usage: Json,
}

pub(crate) fn agent(adapter: Adapter) -> Agent {
    Agent {
        name: "worker".into(),
        system: "You work.".into(),
        adapter,
        model: Some("fake-1".into()),
        temperature: None,
        tools: vec![ToolKind::Read, ToolKind::Search, ToolKind::Edit, ToolKind::Execute],
        mcp: Vec::new(),
        permissions: serde_json::from_value(json!([{ "tool": "execute", "decision": "allow" }]))
            .unwrap(),
        lens: None,
        share: None,
        digest: String::new(),
    }
}

pub(crate) fn mock(script: Json) -> Agent {
    agent(Adapter::Mock { script })
}

impl Stage {
    /// No keeper is there to clear away what a killed harness left: whatever works in its folder.
    pub(crate) fn clear_away(&self) {
        let here = |entry: &fs::DirEntry| {
            fs::read_link(entry.path().join("cwd"))
                .is_ok_and(|cwd| cwd.starts_with(self.root.path()))
        };
        // One that is found may just be starting another.
        while let Some(left) = fs::read_dir("/proc").unwrap().flatten().find(here) {
            let _ = std::process::Command::new("kill").arg("-9").arg(left.file_name()).status();
        }
    }

    pub(crate) fn new(agent: Agent) -> Self {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join("work")).unwrap();
        let path = |name: &str| root.path().join(name).display().to_string();
        let job = Job {
            attempt: AttemptRef {
                run: "r1".into(),
                execution: "code".into(),
                number: 1,
                fence: 1,
                key: "r1-0-0-1".into(),
            },
            run_name: "feature#1".into(),
            stage: "code".into(),
            door: Door { socket: path("none.sock"), token: "attempt-token-1234567890".into() },
            memory: path("memory"),
            workspace: path("work"),
            own_workspace: false,
            task: "Do the work.".into(),
            context: Vec::new(),
            feedback: None,
            shape: Shape::Single { agent: Box::new(agent) },
            result: None,
            validate: None,
            limits: Limits { wall_ms: Some(60_000), ..Limits::default() },
            env: Vec::new(),
            secret_env: Vec::new(),
            taken: None,
        };
        Self { root, job, env: Vec::new() }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    pub(crate) fn file(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.work().join(path)).ok()
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Starts the next attempt, and the one after it the next time.
    pub(crate) fn start(&mut self) -> Running {
        let number = self.job.attempt.number;
        let folder = self.root.path().join(format!("attempt-{number}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("job.json"), serde_json::to_vec(&self.job).unwrap()).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "stage::harness", "--nocapture"])
            .env(FOLDER, &folder)
            .env("ORCHESTRATE_OUTPUT", folder.join("output.json"))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.job.attempt.number += 1;
        self.job.attempt.fence += 1;
        Running { child, folder }
    }

    pub(crate) fn run(&mut self) -> Ran {
        self.start().end()
    }

    pub(crate) fn happenings(&self) -> Vec<Happening> {
        let text = fs::read_to_string(self.root.path().join("memory/events.ndjson")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn did(&self) -> Vec<Did> {
        self.happenings().into_iter().map(|happening| happening.what).collect()
    }
}

pub(crate) struct Running {
    pub(crate) child: Child,
    folder: PathBuf,
}

impl Running {
    /// Until a line of its log holds this.
    pub(crate) fn until(&mut self, text: &str) {
        let stdout = self.child.stdout.as_mut().unwrap();
        // A byte at a time, so that nothing that follows is lost.
        let mut line = Vec::new();
        let mut byte = [0];
        while stdout.read(&mut byte).unwrap() == 1 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                if String::from_utf8_lossy(&line).contains(text) {
                    return;
                }
                line.clear();
            }
        }
        panic!("it ended without `{text}`");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub(crate) fn end(mut self) -> Ran {
        let errors = self.child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let lines = BufReader::new(errors).lines();
            lines.map_while(Result::ok).collect::<Vec<_>>().join("\n")
        });
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        let json = |name: &str| {
            let text = fs::read_to_string(self.folder.join(name)).ok();
            text.map_or(Json::Null, |text| serde_json::from_str(&text).unwrap())
        };
        Ran {
            code,
            stdout,
            stderr: errors.join().unwrap(),
            verdict: json("verdict.json"),
            outputs: json("output.json"),
            usage: json("usage.json"),
        }
    }
}

impl Ran {
    pub(crate) fn outcome(&self) -> &str {
        self.verdict["outcome"].as_str().unwrap_or("none")
    }
}

/// Whether a process still runs `sleep` with exactly this argument.
pub(crate) fn sleeps(seconds: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|&b| b == 0).collect();
        words.first().is_some_and(|w| w.ends_with(b"sleep"))
            && words.get(1) == Some(&seconds.as_bytes())
    })
}
