//! The door of an attempt: by which token its harness reaches this server, and whether it still may.
//!
//! A token is derived from the attempt, its fence and what it may spend with a key of this folder.
//! Nothing is kept of it: whoever shows one is held against the state of the run, so it ends with its
//! attempt; and what it may spend is known also after a restart, whatever became of the definitions.

use std::path::Path;
use std::sync::Arc;

use api::agent::{Door, Limits};
use api::link::AttemptRef;
use engine::Run;
use engine::id::{AttemptId, ExecutionId, RunId};
use engine::view::AttemptStatus;
use hmac::{Hmac, KeyInit, Mac};
use pipeline::model::Budget;
use sha2::Sha256;
use store::folder::Folder;
use uuid::Uuid;

use crate::history;
use crate::identity::hex;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::vault::key::Keys;

/// Name of the socket in the data folder.
pub const SOCKET: &str = "orchestrate.sock";
/// Name of the file with the key, in the data folder.
const KEY: &str = "door.key";
/// What the tokens of attempts begin with, and nobody else's.
const PREFIX: &str = "orca_";

/// Gives attempts their doors, and knows its own tokens again.
pub(crate) struct Doors {
    keys: Keys,
    socket: String,
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("socket", &self.socket).finish_non_exhaustive()
    }
}

/// An attempt, as its token names it; nothing is said of whether it is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) run: RunId,
    /// Of its stage in the definition.
    place: usize,
    instance: Option<u32>,
    number: u32,
    fence: u64,
    pub(crate) key: String,
    allowance: Allowance,
}

/// What the gateway of models enforces over all attempts of an execution; `None`: no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) calls: Option<u64>,
    pub(crate) tokens: Option<u64>,
    pub(crate) nano_usd: Option<u64>,
}

impl Allowance {
    fn of(limits: &Limits) -> Self {
        Self {
            calls: limits.calls.map(u64::from),
            tokens: limits.tokens,
            nano_usd: limits.nano_usd,
        }
    }

    /// `c7-t-n5000`
    fn text(self) -> String {
        let word = |cap: Option<u64>| cap.map(|cap| cap.to_string()).unwrap_or_default();
        let Self { calls, tokens, nano_usd } = self;
        format!("c{}-t{}-n{}", word(calls), word(tokens), word(nano_usd))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = |letter: char| {
            let digits = parts.next()?.strip_prefix(letter)?;
            if digits.is_empty() { Some(None) } else { digits.parse().ok().map(Some) }
        };
        let all = Self { calls: next('c')?, tokens: next('t')?, nano_usd: next('n')? };
        parts.next().is_none().then_some(all)
    }
}

/// An attempt that is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LiveAttempt {
    pub(crate) run: RunId,
    pub(crate) attempt: AttemptId,
    /// As in [`AttemptRef`].
    pub(crate) key: String,
    pub(crate) allowance: Allowance,
    /// Of all agents of its run together.
    pub(crate) budget: Budget,
    /// It was told to stop, and has not yet.
    pub(crate) stopping: bool,
    /// To ask again whether it still is.
    pub(crate) named: Named,
}

impl Doors {
    /// Draws the key when there is none yet. An `Err` says why it cannot be had.
    pub(crate) fn open(data_dir: &Path) -> Result<Arc<Self>, String> {
        let keys = Keys::load_or_create(&data_dir.join(KEY))?;
        let folder = Folder::open(data_dir).map_err(|error| error.to_string())?;
        let socket = folder.socket(SOCKET).map_err(|error| error.to_string())?;
        Ok(Arc::new(Self { keys, socket: socket.to_string_lossy().into_owned() }))
    }

    /// The same for the same attempt, fence and limits, as long as the folder has its key.
    pub(crate) fn of(&self, attempt: &AttemptRef, limits: &Limits) -> Door {
        let AttemptRef { key, fence, .. } = attempt;
        let said = format!("{key}_{fence}_{}", Allowance::of(limits).text());
        let proof = self.mac(&said).map(|mac| hex(&mac.finalize().into_bytes()));
        let token = format!("{PREFIX}{said}_{}", proof.unwrap_or_default());
        Door { socket: self.socket.clone(), token }
    }

    /// `None`: this folder never gave it to an attempt.
    pub(crate) fn named(&self, token: &str) -> Option<Named> {
        let (said, proof) = token.strip_prefix(PREFIX)?.rsplit_once('_')?;
        self.mac(said)?.verify_slice(&of_hex(proof)?).ok()?;
        let (rest, allowance) = said.rsplit_once('_')?;
        let allowance = Allowance::parse(allowance)?;
        let (key, fence) = rest.rsplit_once('_')?;
        let mut parts = key.split('-');
        let run = RunId(Uuid::try_parse(parts.next()?).ok()?);
        let place = parts.next()?.parse().ok()?;
        let instance = parts.next()?.parse().ok().map(|n: u32| (n > 0).then_some(n))?;
        let number = parts.next()?.parse().ok()?;
        let fence = fence.parse().ok()?;
        parts.next().is_none().then(|| Named {
            run,
            place,
            instance,
            number,
            fence,
            key: key.to_owned(),
            allowance,
        })
    }

    fn mac(&self, said: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.keys.current().bytes()).ok()?;
        mac.update(b"door of an attempt\0");
        mac.update(said.as_bytes());
        Some(mac)
    }
}

/// Whether this may be the token of an attempt, and nothing else.
pub(crate) fn is_token(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The attempt, if it is live with this fence; asked of the state of its run.
pub(crate) async fn live(shared: &Shared, named: &Named) -> Result<Option<LiveAttempt>, Refused> {
    let of = named.clone();
    let seen = history::look_unfinished(shared, named.run, move |run| of.look(run)).await?;
    Ok(seen.flatten())
}

/// Resolves when the attempt has ended, was told to stop, or is not heard of any more.
pub(crate) async fn over(shared: &Shared, named: &Named) {
    loop {
        let mut notices = shared.broker.subscribe(named.run);
        match live(shared, named).await {
            Ok(Some(live)) if !live.stopping => {}
            // Too much to do for an answer: it is asked again when something happens.
            Err(Refused::Overloaded) => {}
            Ok(Some(_) | None) | Err(_) => return,
        }
        let _heard = notices.changed().await;
    }
}

/// Whether anybody may still want what was asked for it: its work is not settled, and nobody has
/// told it to stop. The attempt itself may be gone; the next one asks the same.
pub(crate) async fn is_wanted(shared: &Shared, named: &Named) -> bool {
    let of = named.clone();
    let seen = history::look_unfinished(shared, named.run, move |run| {
        let stage = run.pipeline().stages.get(of.place)?;
        let row = run.row(&ExecutionId { stage: stage.name.clone(), instance: of.instance })?;
        let stops = row.attempts.iter().any(|one| one.status == AttemptStatus::Stopping);
        Some(row.outcome.is_none() && !stops)
    });
    matches!(seen.await, Ok(Some(Some(true))))
}

impl Named {
    fn look(&self, run: &Run) -> Option<LiveAttempt> {
        let stage = run.pipeline().stages.get(self.place)?;
        let execution = ExecutionId { stage: stage.name.clone(), instance: self.instance };
        let row = run.row(&execution)?;
        let attempt = row.attempts.last().filter(|attempt| {
            attempt.number == self.number && attempt.fence == self.fence && !attempt.superseded
        })?;
        let stopping = match attempt.status {
            // The hands may not have said yet that it began.
            AttemptStatus::Queued | AttemptStatus::Running => false,
            AttemptStatus::Stopping => true,
            AttemptStatus::Succeeded
            | AttemptStatus::Failed
            | AttemptStatus::Stopped
            | AttemptStatus::Lost
            | AttemptStatus::Unknown => return None,
        };
        let attempt = AttemptId { execution, number: self.number, fence: self.fence };
        let (key, allowance) = (self.key.clone(), self.allowance);
        let named = self.clone();
        let budget = run.pipeline().budget;
        Some(LiveAttempt { run: self.run, attempt, key, allowance, budget, stopping, named })
    }
}

/// Of 32 bytes.
fn of_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> AttemptRef {
        let run = "01890a5d2e3f7abc8def0123456789ab";
        AttemptRef {
            run: run.to_owned(),
            execution: "work[2]".to_owned(),
            number: 3,
            fence: 17,
            key: format!("{run}-4-2-3"),
        }
    }

    #[test]
    fn a_token_names_its_attempt_and_nothing_else_does() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let doors = Doors::open(here.path()).unwrap();
        let attempt = attempt();
        let limits = Limits { calls: Some(7), nano_usd: Some(5), ..Limits::default() };
        let Door { socket, token } = doors.of(&attempt, &limits);
        assert!(socket.ends_with(SOCKET) && socket.starts_with('/'));
        let named = doors.named(&token).unwrap();
        assert_eq!((named.place, named.instance, named.number, named.fence), (4, Some(2), 3, 17));
        assert_eq!(named.run.to_string(), attempt.run);
        let allowance = Allowance { calls: Some(7), tokens: None, nano_usd: Some(5) };
        assert_eq!(named.allowance, allowance);
        assert_eq!(Doors::open(here.path()).unwrap().named(&token), Some(named), "no state");
        assert_eq!(Doors::open(there.path()).unwrap().named(&token), None, "another folder");
        let moved = token.replace("-4-2-3_17_", "-4-2-4_17_");
        let fenced = token.replace("_17_", "_18_");
        let richer = token.replace("_c7-", "_c9-");
        let cut = &token[..token.len() - 2];
        let (head, proof) = token.rsplit_once('_').unwrap();
        let other = format!("{head}_{}", "0".repeat(64));
        let none = format!("{head}_");
        for wrong in [
            &*moved,
            &fenced,
            &richer,
            cut,
            &other,
            &none,
            proof,
            "",
            "orca_",
            "orca___",
            "orca_é_1_é",
        ] {
            assert_eq!(doors.named(wrong), None, "{wrong}");
        }
        let of = AttemptRef { key: format!("{}-4-2-3-probe", attempt.run), ..attempt };
        assert_eq!(doors.named(&doors.of(&of, &limits).token), None, "a probe has no door");
    }

    #[test]
    fn the_key_is_for_us_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Doors::open(folder.path()).unwrap();
        let mode = std::fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
