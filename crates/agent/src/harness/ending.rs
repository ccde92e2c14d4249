//! The last words of an attempt: files for the server, a sentence for people.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use api::agent::{AgentOutcome, Usage, UsageSource};
use serde_json::{Value as Json, json};

use crate::room::{Room, add};
use crate::shape::Done;

const VERDICT: &str = "verdict.json";
const USAGE: &str = "usage.json";

/// Writes all down; gives the exit code.
pub(super) fn write(room: &Room, done: &Done) -> i32 {
    let verdict = &done.verdict;
    let mut account = json!(verdict);
    account["says"] = Json::String(room.veil.text(&verdict.says));
    account["evidence"] = room.veil.json(json!(done.evidence));
    let by_agent = room.usage();
    let mut total = Usage { nano_usd: Some(0), source: UsageSource::Agent, ..Usage::default() };
    by_agent.values().for_each(|usage| add(&mut total, usage));
    let mut usage = json!(total);
    usage["agents"] = json!(by_agent);
    let written = put(&room.folder.join(VERDICT), &account)
        .and_then(|()| put(&room.folder.join(USAGE), &usage))
        .and_then(|()| outputs(room, done));
    if let Err(error) = written {
        last_word(&format!("what it came to could not be written down: {error}"));
        return AgentOutcome::Error.exit_code();
    }
    last_word(&room.veil.text(&verdict.says));
    verdict.outcome.exit_code()
}

fn outputs(room: &Room, done: &Done) -> std::io::Result<()> {
    let (Some(path), Some(result)) = (std::env::var_os("ORCHESTRATE_OUTPUT"), &done.result) else {
        return Ok(());
    };
    if done.verdict.outcome != AgentOutcome::Succeeded {
        return Ok(());
    }
    put(Path::new(&path), &room.veil.json(result.clone()))
}

fn put(path: &Path, value: &Json) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(format!("{value:#}\n").as_bytes())?;
    file.sync_data()
}

/// For people, last on standard error.
pub(super) fn last_word(says: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{says}");
}
