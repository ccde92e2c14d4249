//! The check of the work: run by the harness, out of the agent's reach, on files that the agent could
//! not bend.

mod protect;

use std::sync::Arc;
use std::time::Duration;

use api::agent::{Did, StoppedBy, Validate};
use tokio::io::AsyncReadExt as _;
use worker::family::{Family, Start};

use crate::environment;
use crate::room::{Halt, Room};
use crate::tools::output::{Ends, ends};
pub(crate) use protect::Protected;

/// So much of what the check says is shown and fed back, in bytes: its end says most.
const TAIL: usize = 6000;
const GRACE: Duration = Duration::from_millis(500);
const LAST_WORDS: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) passed: bool,
    pub(crate) code: Option<i32>,
    pub(crate) tail: String,
    /// Protected files that were not as they had been.
    pub(crate) put_back: Vec<String>,
}

/// Remembers the protected files as they are before anybody works; only the first attempt does.
///
/// # Errors
/// In words, when the files cannot be kept.
pub(crate) async fn before(room: &Arc<Room>) -> Result<(), String> {
    let Some(check) = room.job.validate.clone().filter(|check| !check.protect.is_empty()) else {
        return Ok(());
    };
    let room = Arc::clone(room);
    let task = move || {
        let protected = Protected::of(&room.job, &room.memory, &check.protect)?;
        protected.remember()
    };
    tokio::task::spawn_blocking(task).await.map_err(|error| error.to_string())?
}

/// Puts protected files back and runs the check, unless everybody has to leave before it has ended.
///
/// # Errors
/// Why everybody has to leave.
pub(crate) async fn check_or_leave(
    room: &Arc<Room>,
    command: &Validate,
) -> Result<Checked, StoppedBy> {
    tokio::select! {
        biased;
        why = room.leave() => Err(match why {
            Halt::By(by) => by,
            Halt::Broken(_) => StoppedBy::Cancelled,
        }),
        checked = check(room, command) => Ok(checked),
    }
}

async fn check(room: &Arc<Room>, check: &Validate) -> Checked {
    let put_back = match put_back(room, check).await {
        Ok(put_back) => put_back,
        Err(tail) => {
            return told(room, Checked { passed: false, code: None, tail, put_back: Vec::new() });
        }
    };
    let start = Start {
        argv: ["sh", "-e", "-c", &check.command].map(str::to_owned).to_vec(),
        env: environment::of_checks(&room.job),
        working_dir: room.job.workspace.clone().into(),
        ..Start::default()
    };
    let mut family = match Family::start(&start) {
        Ok(family) => family,
        Err(error) => {
            let tail = format!("the check cannot be started: {error}");
            return told(room, Checked { passed: false, code: None, tail, put_back });
        }
    };
    let mut said = Ends::default();
    let limit = Duration::from_millis(check.timeout_ms);
    let mut buffer = vec![0; 64 << 10];
    let output = family.output();
    let status = {
        let follow = async {
            let Some(mut output) = output else { return family.wait().await };
            let status = loop {
                tokio::select! {
                    biased;
                    read = output.read(&mut buffer) => match read {
                        Ok(0) | Err(_) => break family.wait().await,
                        Ok(count) => said.push(&buffer[..count]),
                    },
                    status = family.wait() => break status,
                }
            };
            // What is still in the pipe; others of the family may hold it open.
            let rest = async {
                while let Ok(count @ 1..) = output.read(&mut buffer).await {
                    said.push(&buffer[..count]);
                }
            };
            let _ = tokio::time::timeout(LAST_WORDS, rest).await;
            status
        };
        tokio::time::timeout(limit, follow).await
    };
    family.end(GRACE).await;
    let mut text = room.veil.text(&said.text());
    let (passed, code) = match status {
        Ok(Ok(status)) => (status.success(), status.code()),
        Ok(Err(error)) => {
            text.push_str(&format!("\n[its end is not known: {error}]"));
            (false, None)
        }
        Err(_) => {
            text.push_str(&format!("\n[the check was ended after {} ms]", check.timeout_ms));
            (false, None)
        }
    };
    let tail = match text.len() > TAIL {
        true => format!("[...]{}", ends(&text, TAIL).1),
        false => text,
    };
    told(room, Checked { passed, code, tail, put_back })
}

fn told(room: &Room, checked: Checked) -> Checked {
    let Checked { passed, code, tail, .. } = checked.clone();
    room.record("", Did::Validated { passed, code, tail });
    room.sync();
    checked
}

async fn put_back(room: &Arc<Room>, check: &Validate) -> Result<Vec<String>, String> {
    if check.protect.is_empty() {
        return Ok(Vec::new());
    }
    let (inner, globs) = (Arc::clone(room), check.protect.clone());
    let task = move || Protected::of(&inner.job, &inner.memory, &globs)?.put_back();
    let changed = tokio::task::spawn_blocking(task).await.map_err(|error| error.to_string())??;
    if !changed.is_empty() {
        let text = format!("protected files were changed and put back: {}", changed.join(", "));
        room.record("", Did::Warning { text });
    }
    Ok(changed)
}
