//! The work of a stage never decides, whoever it says it is: a script that approved its own gate
//! would make every gate a formality.

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

use super::caller::Door;
use super::problem::Fault;
use crate::descent::{self, Descent};
use crate::listen::Peer;
use crate::rights::Right;
use crate::shared::Shared;

/// A stage may look, start runs, work on tasks and give events; it lets nothing go that waits for a
/// person.
fn is_for_people(right: Right, path: &str) -> bool {
    match right {
        Right::Read => false,
        Right::Run => ["/advance", "/breakpoints"].iter().any(|verb| path.ends_with(verb)),
        // Else the work of one stage could take that of another.
        Right::Work => path.ends_with("/connect"),
        Right::Define | Right::Decide | Right::Maintain | Right::Audit | Right::Admin => true,
    }
}

/// Refused where it is for people and a stage of this folder asks, through whichever door and with
/// whatever token.
pub(super) async fn check(
    shared: &Shared,
    door: &Door,
    parts: &Parts,
    right: Right,
) -> Result<(), Fault> {
    let path = parts.uri.path();
    if !is_for_people(right, path) {
        return Ok(());
    }
    let peer = match parts.extensions.get::<ConnectInfo<Peer>>() {
        Some(ConnectInfo(peer)) => peer.clone(),
        // A call inside this process.
        None => Peer { pid: Some(std::process::id()), ..Peer::default() },
    };
    let data = shared.data_dir.clone();
    let is_tcp = matches!(door, Door::Tcp { .. });
    let looked = tokio::task::spawn_blocking(move || match (is_tcp, peer.addresses) {
        (true, Some((theirs, ours))) => descent::of_connection(theirs, ours, &data),
        (true, None) | (false, _) => descent::of(peer.pid, &data),
    });
    match looked.await {
        Ok(Descent::Other) => Ok(()),
        Ok(Descent::Stage) => {
            tracing::warn!(path, "the work of a stage tried to decide");
            Err(Fault::not_allowed("the work of a stage does not decide; a person has to"))
        }
        Ok(Descent::Unknown) | Err(_) => {
            Err(Fault::not_allowed("it cannot be told which process asks, and only people decide")
                .hint("ask from a process of this machine that waits for the answer"))
        }
    }
}
