//! Telling whoever sits in a session of tmux.

use std::sync::Arc;
use std::time::Duration;

use crate::adapter::cli::program::{Line, Program};
use crate::desk::Desk;
use crate::environment;

/// Tmux answers at once or never.
const ANSWER: Duration = Duration::from_secs(10);
/// An agent's screen has to take a paste in before it is sent off.
const PAUSE: Duration = Duration::from_millis(500);
const BUFFER: &str = "orchestrate";

/// Pastes a text into a session, as one piece, and sends it off. `target` is a session, or
/// `/path/of/socket:session`.
///
/// # Errors
/// In words: there is no tmux, no such session.
pub(super) async fn tell(desk: &Arc<Desk>, target: &str, text: &str) -> Result<(), String> {
    let (socket, session) = parts(target);
    let mut start = vec!["tmux"];
    start.extend(socket.iter().flat_map(|socket| ["-S", socket]));
    let load = ["load-buffer", "-b", BUFFER, "-"];
    run(desk, &[&*start, &load].concat(), text).await?;
    let paste = ["paste-buffer", "-p", "-d", "-b", BUFFER, "-t", session];
    run(desk, &[&*start, &paste].concat(), "").await?;
    tokio::time::sleep(PAUSE).await;
    run(desk, &[&*start, &["send-keys", "-t", session, "Enter"]].concat(), "").await
}

/// The words that show the session to a person.
pub(super) fn attach(target: &str) -> Vec<String> {
    let (socket, session) = parts(target);
    let socket = socket.iter().flat_map(|socket| ["-S", socket]);
    let words = std::iter::once("tmux").chain(socket).chain(["attach", "-t", session]);
    words.map(str::to_owned).collect()
}

fn parts(target: &str) -> (Option<&str>, &str) {
    match target.rsplit_once(':') {
        Some((socket, session)) if socket.starts_with('/') => (Some(socket), session),
        Some(_) | None => (None, target),
    }
}

async fn run(desk: &Arc<Desk>, words: &[&str], input: &str) -> Result<(), String> {
    let argv = words.iter().map(|word| (*word).to_owned()).collect();
    let mut program = Program::start(desk, argv, environment::of_tools(&desk.room.job))?;
    program.tell(input.as_bytes().to_vec()).await;
    program.told();
    let work = async { while program.line().await != Line::End {} };
    if tokio::time::timeout(ANSWER, work).await.is_err() {
        return Err(format!("tmux did not answer in {} s", ANSWER.as_secs()));
    }
    let errors = program.errors();
    match program.finish().await.code {
        Some(0) => Ok(()),
        _ if errors.is_empty() => Err("tmux failed".to_owned()),
        _ => Err(errors),
    }
}
