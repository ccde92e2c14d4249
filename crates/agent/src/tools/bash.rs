//! Commands of the agent: in the workspace, without what opens doors, and with nothing left running.

use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::AsyncReadExt as _;
use worker::family::{Family, Start};

use super::Output;
use super::output::Ends;
use crate::desk::{Call, Desk};
use crate::environment;

const TIMEOUT_S: u64 = 120;
/// For whoever is asked to end.
const GRACE: Duration = Duration::from_millis(500);
/// What has been written is read for so long after the end.
const LAST_WORDS: Duration = Duration::from_millis(200);

pub(super) async fn run(desk: &Desk, call: &Call, input: &Json) -> Output {
    let command = call.command.clone().unwrap_or_default();
    let limit = Duration::from_secs(input["timeout"].as_u64().unwrap_or(TIMEOUT_S));
    let start = Start {
        argv: vec![shell().to_owned(), "-c".to_owned(), command],
        env: environment::of_tools(&desk.room.job),
        working_dir: desk.room.job.workspace.clone().into(),
        ..Start::default()
    };
    let mut family = match Family::start(&start) {
        Ok(family) => family,
        Err(error) => return Output::failed(format!("the shell cannot be started: {error}")),
    };
    let mut said = Ends::default();
    let ended = match family.output() {
        Some(mut output) => {
            let mut buffer = vec![0; 64 << 10];
            let follow = async {
                loop {
                    tokio::select! {
                        biased;
                        read = output.read(&mut buffer) => match read {
                            Ok(0) | Err(_) => break family.wait().await,
                            Ok(count) => {
                                desk.alive();
                                said.push(&buffer[..count]);
                            }
                        },
                        status = family.wait() => break status,
                    }
                }
            };
            let ended = tokio::time::timeout(limit, follow).await;
            // What is still in the pipe; others of the family may hold it open.
            let rest = async {
                while let Ok(count @ 1..) = output.read(&mut buffer).await {
                    said.push(&buffer[..count]);
                }
            };
            let _ = tokio::time::timeout(LAST_WORDS, rest).await;
            ended
        }
        None => tokio::time::timeout(limit, family.wait()).await,
    };
    let left = family.end(GRACE).await;
    let mut text = said.text();
    let ok = match ended {
        Ok(Ok(status)) => {
            if !status.success() {
                text.push_str(&format!("\n[{status}]"));
            }
            status.success()
        }
        Ok(Err(error)) => {
            text.push_str(&format!("\n[its end is not known: {error}]"));
            false
        }
        Err(_) => {
            text.push_str(&format!("\n[ended after {} s]", limit.as_secs()));
            false
        }
    };
    if !left.is_empty() {
        desk.warn(format!("a command left processes behind, they were ended: {}", left.join(", ")));
        text.push_str(&format!("\n[processes left behind were ended: {}]", left.join(", ")));
    }
    if text.trim().is_empty() {
        text = "(no output)".to_owned();
    }
    Output { ok, text }
}

fn shell() -> &'static str {
    if Path::new("/bin/bash").exists() { "/bin/bash" } else { "/bin/sh" }
}
