//! A program of the installation that starts attempts elsewhere: `COMMAND start|status|logs|stop`.
//!
//! Each call gets one JSON object on its standard input and answers with one on its standard output;
//! another exit code than 0 is trouble, told by its standard error. What it is asked may come twice.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use api::link::{AttemptRef, End};
use api::runtime::SeenState;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::job::{Job, write};
use super::{Ending, Look, Runtime, Trouble, Will};
use crate::hands::harmless;

/// The version of what is said between us.
const VERSION: u32 = 1;
/// A call has so long, beyond what it was asked to wait.
const CALL: Duration = Duration::from_secs(60);
/// A plugin that can wait for news is asked to, in seconds.
const WAIT: u64 = 5;
/// One that cannot is asked again after so long: twice as long each time, until something happens.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// So often in a row may a call fail, before nothing is known any more.
const TRIES: u32 = 6;
const LONGEST_COMPLAINT: usize = 2000;

pub(super) struct Plugin {
    name: String,
    command: Vec<String>,
    settings: Map<String, Value>,
    keys: BTreeMap<String, String>,
    attempt: AttemptRef,
    called: String,
    argv: Vec<String>,
    env: BTreeMap<String, String>,
    working_dir: PathBuf,
    outputs: PathBuf,
    folder: PathBuf,
}

#[derive(Deserialize)]
struct Status {
    state: State,
    exit_code: Option<i32>,
    signal: Option<i32>,
    #[serde(default)]
    detail: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    Exited,
    Gone,
}

#[derive(Deserialize)]
struct Logs {
    #[serde(default)]
    text: String,
    /// Bytes that may be no text.
    #[serde(default)]
    base64: Option<String>,
    /// The place after the last byte of it.
    next: u64,
}

impl Plugin {
    pub(super) fn new(
        job: &Job,
        name: &str,
        command: &[String],
        settings: &Map<String, Value>,
        keys: BTreeMap<String, String>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            command: command.to_vec(),
            settings: settings.clone(),
            keys,
            attempt: job.attempt.clone(),
            called: job.name.clone(),
            argv: job.argv.clone(),
            env: job.values().0,
            working_dir: job.working_dir.clone(),
            outputs: job.outputs.clone(),
            folder: job.folder.clone(),
        }
    }

    /// What `start` gave to find it again by.
    fn handle_file(&self) -> PathBuf {
        self.folder.join("runtime.handle.json")
    }

    /// What every call is told.
    fn request(&self, more: Value) -> Value {
        let handle = fs::read(self.handle_file()).ok();
        let handle = handle.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let mut request = json!({
            "version": VERSION,
            "name": self.called,
            "handle": handle,
            "settings": self.settings,
        });
        if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
            request.extend(more);
        }
        request
    }

    async fn call(&self, verb: &str, more: Value) -> Result<Value, Trouble> {
        let wait = more.get("wait_seconds").and_then(Value::as_u64).unwrap_or(0);
        let wait = wait + more.get("grace_seconds").and_then(Value::as_u64).unwrap_or(0);
        let request = self.request(more).to_string();
        self.converse(verb, request.into_bytes(), CALL + Duration::from_secs(wait)).await
    }

    async fn converse(
        &self,
        verb: &str,
        request: Vec<u8>,
        longest: Duration,
    ) -> Result<Value, Trouble> {
        let plugin = &self.name;
        let broken = |problem: String| {
            Trouble::Unreachable(format!("the plugin `{plugin}` failed at `{verb}`: {problem}"))
        };
        let Some((program, words)) = self.command.split_first() else {
            return Err(Trouble::Refused(format!("the plugin `{plugin}` has no command")));
        };
        let surroundings =
            std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(harmless));
        let mut child = Command::new(program);
        child.args(words).arg(verb).env_clear().envs(surroundings).envs(&self.keys);
        let done =
            super::program::run(child, request, longest).await.map_err(|error| {
                match error.kind() {
                    ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                        let words =
                            format!("the plugin `{plugin}` (`{program}`) could not be started");
                        Trouble::Refused(format!("{words}: {error}"))
                    }
                    _ => broken(error.to_string()),
                }
            })?;
        let (ended, answer, complaint) = (done.status, done.stdout, done.stderr);
        if !ended.success() {
            let text = String::from_utf8_lossy(&complaint);
            let text: String = text.trim().chars().take(LONGEST_COMPLAINT).collect();
            return Err(broken(if text.is_empty() { ended.to_string() } else { text }));
        }
        if answer.iter().all(u8::is_ascii_whitespace) {
            return Ok(json!({}));
        }
        serde_json::from_slice(&answer)
            .map_err(|error| broken(format!("its answer is not JSON: {error}")))
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        verb: &str,
        more: Value,
    ) -> Result<T, Trouble> {
        let answer = self.call(verb, more).await?;
        let plugin = &self.name;
        serde_json::from_value(answer).map_err(|error| {
            Trouble::Unreachable(format!("the plugin `{plugin}` answered `{verb}` with: {error}"))
        })
    }

    async fn begin(&self) -> Result<(), Trouble> {
        let AttemptRef { run, execution, number, fence, key } = &self.attempt;
        let answer = self
            .call(
                "start",
                json!({
                    "attempt": {"run": run, "stage": execution, "number": number, "fence": fence, "key": key},
                    "command": self.argv,
                    "env": self.env,
                    "working_dir": self.working_dir,
                    "output_file": self.outputs,
                }),
            )
            .await?;
        let handle = answer.get("handle").cloned().unwrap_or(Value::Null);
        write(&self.handle_file(), handle.to_string().as_bytes())
            .map_err(|error| Trouble::Refused(error.to_string()))
    }

    async fn status(&self) -> Result<Status, Trouble> {
        self.ask("status", json!({})).await
    }

    /// What it has printed since; whether that was anything.
    async fn more(
        &self,
        from: &mut u64,
        wait: u64,
        out: &mut (dyn Write + Send),
    ) -> Result<bool, Trouble> {
        let logs: Logs = self.ask("logs", json!({"from": from, "wait_seconds": wait})).await?;
        if logs.next < *from {
            let plugin = &self.name;
            return Err(Trouble::Unreachable(format!("the logs of `{plugin}` go backwards")));
        }
        let bytes = match &logs.base64 {
            Some(text) => super::base64::decode(text).ok_or_else(|| {
                Trouble::Unreachable(format!("the logs of `{}` are not base64", self.name))
            })?,
            None => logs.text.into_bytes(),
        };
        *from = logs.next;
        let _gone = out.write_all(&bytes).and_then(|()| out.flush());
        Ok(!bytes.is_empty())
    }

    async fn pass_on(&self, out: &mut (dyn Write + Send)) -> Result<Ending, Trouble> {
        let (mut from, mut pause, mut failures) = (0, PAUSE, 0);
        loop {
            match self.step(&mut from, out).await {
                Ok(Step::Ended(ending)) => return Ok(ending),
                Ok(Step::News) => (pause, failures) = (PAUSE, 0),
                Ok(Step::Nothing) => failures = 0,
                Err(trouble @ Trouble::Refused(_)) => return Err(trouble),
                Err(trouble) => {
                    failures += 1;
                    if failures >= TRIES {
                        return Err(trouble);
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn step(&self, from: &mut u64, out: &mut (dyn Write + Send)) -> Result<Step, Trouble> {
        if self.more(from, WAIT, out).await? {
            return Ok(Step::News);
        }
        let status = self.status().await?;
        match status.state {
            State::Running => Ok(Step::Nothing),
            State::Exited => {
                while self.more(from, 0, out).await? {}
                let end = match (status.exit_code, status.signal) {
                    (Some(code), _) => End::Code(code),
                    (None, Some(signal)) => End::Signal(signal),
                    (None, None) => {
                        let words =
                            format!("the plugin `{}` does not know how it ended", self.name);
                        return Ok(Step::Ended(Ending::Gone(words)));
                    }
                };
                Ok(Step::Ended(Ending::Ended(end)))
            }
            State::Gone => {
                let words = match status.detail.as_str() {
                    "" => format!("the plugin `{}` says that it is gone", self.name),
                    detail => detail.to_owned(),
                };
                Ok(Step::Ended(Ending::Gone(words)))
            }
        }
    }
}

enum Step {
    News,
    Nothing,
    Ended(Ending),
}

impl Runtime for Plugin {
    fn start(&self) -> Will<'_, ()> {
        Box::pin(self.begin())
    }

    fn look(&self) -> Will<'_, Look> {
        Box::pin(async {
            let status = self.status().await?;
            let state = match status.state {
                State::Running => SeenState::Running,
                State::Exited => SeenState::Ended,
                State::Gone => SeenState::Gone,
            };
            Ok(Look { state, detail: status.detail })
        })
    }

    fn follow<'a>(&'a self, out: &'a mut (dyn Write + Send)) -> Will<'a, Ending> {
        Box::pin(self.pass_on(out))
    }

    fn stop(&self, grace: Duration) -> Will<'_, ()> {
        Box::pin(async move {
            let seconds = grace.as_secs_f64().ceil() as u64;
            self.call("stop", json!({"grace_seconds": seconds, "remove": false})).await?;
            Ok(())
        })
    }

    fn clear(&self) -> Will<'_, ()> {
        Box::pin(async {
            self.call("stop", json!({"grace_seconds": 0, "remove": true})).await?;
            Ok(())
        })
    }
}
