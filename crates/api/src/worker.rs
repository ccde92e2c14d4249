//! Workers on other machines: how they speak with the server, and what is shown of them.
//!
//! A worker opens one WebSocket, `GET /api/workers/connect`, with a token that has the right
//! `work`, and says [`Hello`]. What travels then is what travels between a server and the hands in
//! its own process ([`crate::link`]), as JSON, a message a text frame. Large things go beside it,
//! by plain requests below `/api/workers/{worker}/attempts/{key}`:
//!
//! | request | what |
//! | --- | --- |
//! | `PUT /output?offset=&at=` | captured bytes from this offset of the stream on; answer [`Stored`] |
//! | `PUT /blobs/{digest}` | content of an artifact, before the end that names it is reported |
//! | `GET /blobs/{digest}` | content of what is laid into the attempt's context |
//! | `POST /secrets` | [`SecretWanted`], answered by [`SecretGiven`] |
//! | `POST /keys` | what the attempt's runtime is reached with: an object of texts |
//!
//! Each carries [`SESSION`]. All of it is refused with 409 when the server does not hold the
//! attempt to be with this session of this worker: whoever comes late changes nothing.
//!
//! **Lease.** A worker that was not heard of for `lease_ms` is lost, and so is what it held. It is
//! told when it connects, beats every `renew_ms`, and ends what it runs by itself when it has had
//! no answer for `fence_ms`, which is less: two attempts at one piece of work never overlap.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::link::{AttemptRef, Order, Report};

/// Names the session in requests beside the socket.
pub const SESSION: &str = "orchestrate-session";

/// What a worker says of itself first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// One worker at a time has it: 1 to 64 of `A-Z a-z 0-9 _ . -`.
    pub name: String,
    /// Drawn anew whenever the program starts. A second worker of the same name is refused as long
    /// as the lease of the first lasts.
    pub session: String,
    /// Drawn once and kept in the worker's folder, unknown to anybody else: a new session of the
    /// identity that holds the name takes its place at once, lease or not. Empty: it has none, and
    /// takes nobody's place.
    #[serde(default)]
    pub identity: String,
    pub labels: BTreeSet<String>,
    /// Attempts at once; at least 1.
    pub slots: u32,
    /// Of the program.
    pub version: String,
    pub host: String,
    /// `linux x86_64`
    pub platform: String,
    pub cpus: u32,
    pub memory_bytes: u64,
    /// What it runs or has results of that were not yet stored: from before it lost the connection,
    /// or from before it was started again.
    pub held: Vec<AttemptRef>,
}

/// Worker to server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    Hello(Box<Hello>),
    /// Numbered from 1 in each connection.
    Report {
        seq: u64,
        report: Box<Report>,
    },
    Beat,
    /// It ends what it runs and leaves; it takes nothing more.
    Draining,
}

/// Server to worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    Welcome(Welcome),
    /// The first is an `Adopt` of what it is held to have; what it holds beside that is stopped and
    /// forgotten.
    Order {
        order: Box<Order>,
    },
    /// Reports up to this number are stored.
    Stored {
        seq: u64,
    },
    /// Answers `Beat`.
    Beat,
    /// The last message.
    Bye(Bye),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub lease_ms: u64,
    pub renew_ms: u64,
    pub fence_ms: u64,
    /// The server's data folder. Paths of assignments that begin with it lie in the worker's own.
    pub data_dir: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    pub why: ByeWhy,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeWhy {
    /// Its name is taken, or what it says of itself cannot be used: it does not come back.
    Refused,
    /// It was drained, and nothing of it is left to do.
    Drained,
    /// The server stops: it comes back.
    Stopping,
}

/// `PUT .../output`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stored {
    /// Bytes of the stream that are stored: where the next request begins.
    pub total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretWanted {
    pub name: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SecretGiven {
    /// `None`: none of this name is stored for this attempt.
    pub value: Option<String>,
}

impl std::fmt::Debug for SecretGiven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretGiven").finish_non_exhaustive()
    }
}

/// A worker as it is shown; the server's own hands are the worker `local`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerView {
    pub name: String,
    /// `online draining drained lost`: `lost` when its lease ran out, `drained` when it left in
    /// peace.
    pub state: String,
    pub labels: Vec<String>,
    pub slots: u32,
    /// Attempts that it holds.
    pub used: u32,
    pub version: String,
    pub host: String,
    pub platform: String,
    pub cpus: u32,
    pub memory_bytes: u64,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// `None`: the server's own hands, which need no lease.
    pub heard_at: Option<Timestamp>,
    /// Until when it counts as there although nothing is heard of it; `None` as above, and when it
    /// is not there.
    pub lease_until: Option<Timestamp>,
    /// What it works on, oldest first; of a lost one what it worked on when it was lost.
    pub attempts: Vec<WorkerAttempt>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkerAttempt {
    pub run: String,
    /// As people call the run: `feature#4`.
    pub run_name: String,
    /// `implement[2]`
    pub stage: String,
    pub attempt: u32,
    /// `None`: handed out, not heard to have started.
    pub started_at: Option<Timestamp>,
}

/// An attempt that waits to be handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuedAttempt {
    pub run: String,
    pub run_name: String,
    pub stage: String,
    pub attempt: u32,
    /// Since when.
    pub since: Timestamp,
    /// Labels that its worker must have.
    pub runs_on: Vec<String>,
    /// The role of its agent, if it has one.
    pub role: Option<String>,
    /// Why it waits, in words: `needs label gpu; 0 of 3 workers have it`.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use crate::link::{AttemptRef, Stopped, What};

    use super::*;

    fn attempt() -> AttemptRef {
        let (run, execution, key) = ("r".into(), "a[2]".into(), "r-a-2-1".into());
        AttemptRef { run, execution, number: 1, fence: 1, key }
    }

    /// Orders and reports have types of their own, which must not meet those of the messages.
    #[test]
    fn messages_survive_the_trip() {
        let order = Box::new(Order::Stop { attempt: attempt(), reason: Stopped::Cancelled });
        let text = serde_json::to_string(&ToWorker::Order { order }).unwrap();
        let back: ToWorker = serde_json::from_str(&text).unwrap();
        assert!(matches!(back, ToWorker::Order { order } if matches!(*order, Order::Stop { .. })));
        let report = Box::new(Report { attempt: attempt(), what: What::NeverStarted });
        let text = serde_json::to_string(&FromWorker::Report { seq: 3, report }).unwrap();
        let back: FromWorker = serde_json::from_str(&text).unwrap();
        assert!(matches!(back, FromWorker::Report { seq: 3, report }
            if report.attempt == attempt() && matches!(report.what, What::NeverStarted)));
        let bye = ToWorker::Bye(Bye { why: ByeWhy::Drained, message: "m".into() });
        let text = serde_json::to_string(&bye).unwrap();
        assert_eq!(text, r#"{"type":"bye","why":"drained","message":"m"}"#);
    }
}
