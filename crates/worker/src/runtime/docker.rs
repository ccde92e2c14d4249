//! Containers, through the API of Docker over its socket; Podman speaks it, too.

mod follow;
mod frames;
mod socket;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use api::link::AttemptRef;
use api::runtime::{self, Pull, SeenState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::job::Job;
use super::{Ending, Look, Runtime, Trouble, Will, name};
use socket::Socket;

/// Whose container it is: found under another attempt's key, it is not touched.
const LABEL: &str = "orchestrate.attempt";
/// A daemon that does not answer is asked again for so long.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// An image may be large.
const PULL: Duration = Duration::from_secs(1800);
/// A container is taken away in so many tries: it may be on its way already.
const TRIES: u32 = 10;
/// In one pipe, so that their order stays; and what is not there is named.
const TOGETHER: &str = "exec \"$@\" 2>&1";
/// What the daemon keeps of its output; more than anybody has.
const LARGEST_LOG: &str = "1t";

pub(super) struct Docker {
    socket: Socket,
    of: runtime::Docker,
    name: String,
    attempt: AttemptRef,
    called: String,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    root: PathBuf,
    working_dir: PathBuf,
    folder: PathBuf,
    written: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    state: State,
    config: Config,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: String,
    #[serde(default)]
    exit_code: i32,
    #[serde(default, rename = "OOMKilled")]
    out_of_memory: bool,
    #[serde(default)]
    error: String,
}

impl State {
    fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "exited" | "dead" | "stopped")
    }

    /// It was made, and nothing runs in it yet.
    fn is_new(&self) -> bool {
        matches!(self.status.as_str(), "created" | "configured" | "initialized")
    }
}

impl Docker {
    pub(super) fn new(job: &Job, of: &runtime::Docker) -> Self {
        Self {
            socket: Socket::new(&of.socket),
            of: of.clone(),
            name: job.name.clone(),
            attempt: job.attempt.clone(),
            called: job.called.clone(),
            argv: job.argv.clone(),
            env: job.values().0,
            root: PathBuf::from(&of.root),
            working_dir: job.working_dir.clone(),
            folder: job.folder.clone(),
            written: job.outputs.parent().map_or_else(|| job.folder.clone(), PathBuf::from),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/containers/{}{rest}", self.name)
    }

    /// `None`: there is no container of this name. One of somebody else is refused.
    async fn inspect(&self) -> Result<Option<State>, Trouble> {
        let answer = self.socket.get(&self.path("/json")).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let Inspected { state, config } = answer.json("inspect the container")?;
        let whose = config.labels.and_then(|mut labels| labels.remove(LABEL));
        if whose.as_deref() == Some(&self.attempt.key) {
            return Ok(Some(state));
        }
        let words = format!("a container `{}` that is not ours is in the way", self.name);
        Err(Trouble::Refused(words))
    }

    /// A volume of a run is found by all of its stages, and by no other run.
    fn volume(&self, volume: &str) -> String {
        name::of_run(&self.called, &self.attempt.run, volume)
    }

    fn description(&self) -> Value {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let bind = |path: &PathBuf, mode: &str| format!("{0}:{0}:{mode}", text(path));
        let mut binds =
            vec![bind(&self.root, "rw"), bind(&self.folder, "ro"), bind(&self.written, "rw")];
        binds.extend(self.of.binds.iter().cloned());
        let mounts: Vec<Value> = self
            .of
            .volumes
            .iter()
            .map(|(volume, target)| {
                json!({"Type": "volume", "Source": self.volume(volume), "Target": target})
            })
            .collect();
        let mut host = json!({
            "Binds": binds,
            "Mounts": mounts,
            "Init": self.of.init,
            // What it prints is read from the daemon, whatever is usual there.
            "LogConfig": {"Type": "json-file", "Config": {"max-size": LARGEST_LOG}},
        });
        if let Some(network) = &self.of.network {
            host["NetworkMode"] = json!(network);
        }
        if let Some(memory) = self.of.memory_bytes {
            host["Memory"] = json!(memory);
        }
        if let Some(cpus) = self.of.nano_cpus {
            host["NanoCpus"] = json!(cpus);
        }
        let env: Vec<String> =
            self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let AttemptRef { run, execution, key, .. } = &self.attempt;
        let mut description = json!({
            "Image": self.of.image,
            "Entrypoint": ["sh", "-c", TOGETHER, "sh"],
            "Cmd": self.argv,
            "Env": env,
            "WorkingDir": text(&self.working_dir),
            "StopSignal": "SIGTERM",
            "Labels": {LABEL: key, "orchestrate.run": run, "orchestrate.stage": execution},
            "HostConfig": host,
        });
        if let Some(user) = &self.of.user {
            description["User"] = json!(user);
        }
        description
    }

    async fn begin(&self) -> Result<(), Trouble> {
        let state = match self.inspect().await? {
            Some(state) => state,
            None => self.create().await?,
        };
        if !state.is_new() {
            return Ok(());
        }
        let started = self.socket.post(&self.path("/start"), None).await?;
        match started.status {
            // 304: it runs.
            204 | 304 => Ok(()),
            _ => Err(started.refused(&format!("start a container of `{}`", self.of.image))),
        }
    }

    /// Stages of a run that begin at once make it at once. Docker says yes to each; Podman tells all
    /// but one that it exists.
    async fn make_volume(&self, volume: &str) -> Result<(), Trouble> {
        let name = self.volume(volume);
        let wanted = json!({"Name": name, "Labels": {"orchestrate.run": self.attempt.run}});
        let made = self.socket.post("/volumes/create", Some(&wanted)).await?;
        if made.status < 300 {
            return Ok(());
        }
        let there = self.socket.get(&format!("/volumes/{}", encoded(&name))).await?;
        if there.status == 200 {
            return Ok(());
        }
        Err(made.refused(&format!("make the volume `{volume}`")))
    }

    async fn create(&self) -> Result<State, Trouble> {
        for volume in self.of.volumes.keys() {
            self.make_volume(volume).await?;
        }
        if self.of.pull == Pull::Always {
            self.pull().await?;
        }
        let path = format!("/containers/create?name={}", self.name);
        let description = self.description();
        let mut made = self.socket.post(&path, Some(&description)).await?;
        if made.status == 404 && self.of.pull == Pull::Missing {
            self.pull().await?;
            made = self.socket.post(&path, Some(&description)).await?;
        }
        if made.status >= 300 {
            // Somebody may have made it in the same instant: ourselves, before a line failed.
            return match self.inspect().await? {
                Some(state) => Ok(state),
                None => Err(made.refused(&format!("make a container of `{}`", self.of.image))),
            };
        }
        self.inspect().await?.ok_or_else(|| {
            Trouble::Unreachable(format!("the container `{}` was made and is gone", self.name))
        })
    }

    async fn pull(&self) -> Result<(), Trouble> {
        let image = &self.of.image;
        let path = format!("/images/create?fromImage={}", encoded(image));
        let pulled = self.socket.ask("POST", &path, None, PULL).await?;
        // Trouble on the way is told in the last of the lines.
        let told = pulled.text();
        let last = told.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("{}");
        let last: Value = serde_json::from_str(last).unwrap_or(Value::Null);
        match last.get("error").and_then(Value::as_str) {
            Some(problem) => {
                Err(Trouble::Refused(format!("the image `{image}` could not be pulled: {problem}")))
            }
            None if pulled.status < 300 => Ok(()),
            None => Err(pulled.refused(&format!("pull the image `{image}`"))),
        }
    }

    async fn remove(&self) -> Result<(), Trouble> {
        if self.inspect().await?.is_none() {
            return Ok(());
        }
        for _ in 0..TRIES {
            let removed =
                self.socket.ask("DELETE", &self.path("?force=1&v=1"), None, PATIENCE).await?;
            match removed.status {
                200..=299 | 404 => return Ok(()),
                // On its way.
                409 => tokio::time::sleep(PAUSE).await,
                _ => return Err(removed.refused("take the container away")),
            }
        }
        Err(Trouble::Unreachable(format!("the container `{}` does not go", self.name)))
    }
}

impl Runtime for Docker {
    fn start(&self) -> Will<'_, ()> {
        Box::pin(self.begin())
    }

    fn look(&self) -> Will<'_, Look> {
        Box::pin(async {
            let Some(state) = self.inspect().await? else { return Ok(Look::of(SeenState::Gone)) };
            let seen = if state.has_ended() { SeenState::Ended } else { SeenState::Running };
            Ok(Look { state: seen, detail: format!("{} of `{}`", state.status, self.of.image) })
        })
    }

    fn follow<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Will<'a, Ending> {
        Box::pin(self.pass_on(out))
    }

    fn stop(&self, grace: Duration) -> Will<'_, ()> {
        Box::pin(async move {
            let seconds = grace.as_secs_f64().ceil() as u64;
            let path = self.path(&format!("/stop?t={seconds}"));
            let stopped =
                self.socket.ask("POST", &path, None, grace.saturating_add(PATIENCE)).await?;
            match stopped.status {
                200..=299 | 304 | 404 => Ok(()),
                _ => Err(stopped.refused("stop the container")),
            }
        })
    }

    fn clear(&self) -> Will<'_, ()> {
        Box::pin(self.remove())
    }
}

/// For a query.
fn encoded(text: &str) -> String {
    let mut made = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                made.push(char::from(byte));
            }
            other => made.push_str(&format!("%{other:02X}")),
        }
    }
    made
}
