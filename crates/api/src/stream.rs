//! The live stream: `GET /api/v1/stream` (WebSocket), `/api/v1/stream/sse` (server-sent events) and
//! `/api/v1/stream/poll` (long poll). All three carry the same frames.
//!
//! A client names topics; the server answers for each with a snapshot, or with what happened since
//! a place that the client knows, and then with what happens:
//!
//! | topic | snapshot | `seq` counts |
//! | --- | --- | --- |
//! | `run:<id>` | [`RunDetail`] | events of the run's journal |
//! | `runs` | `{"runs": [RunSummary]}`: the newest, and all that have not finished | changes told |
//! | `pipelines` | `{"pipelines": [PipelineSummary]}` | changes told |
//! | `pipeline:<name>` | `{"pipeline": PipelineSummary, "runs": [RunSummary]}` | changes told |
//! | `inbox` | `{"approvals": [ApprovalSummary], "inputs": [InputSummary]}` that wait | changes told |
//! | `tasks` | `{"tasks": [TaskView]}`: the newest | changes told |
//! | `fleet` | [`Fleet`] | changes told |
//! | `rollout` | [`RolloutView`](crate::rollout::RolloutView) | changes told |
//! | `log:<run>/<stage[i]>/<attempt>` | [`LogHead`] | bytes of the attempt's output |
//! | `talk:<run>/<stage[i]>` | [`TalkHead`] | what the agents of the stage did, over all attempts |
//!
//! **Numbers are dense**: a frame with `seq` and n entries in `ev` follows the frame with
//! `seq - n`; a frame with `off` follows what ended at `off`, unless the captured output itself has a
//! hole there. A client that finds anything else subscribes again with the last number it has.
//!
//! **Epoch**: numbers mean something only together with the epoch that came with them. That of
//! runs, logs and talks is the data folder's, so that a client goes on after a restart of the server; that
//! of the others lasts as long as the server follows the topic.
//!
//! **Gap**: the server cannot tell what is missing (too much, or numbers of another epoch). What
//! the client has is void; a snapshot follows by itself.
//!
//! A topic speaks ten times a second at most. Entries of a frame are in order; a change of a list
//! is told with the newest value, so the same thing changed twice may be told once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::run::{RunDetail, RunSummary, StageView};
use crate::system::Slots;
use crate::worker::{QueuedAttempt, WorkerView};

/// What a client of the WebSocket says. At most 64 KiB a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// A topic named again is subscribed anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub: Vec<Subscribe>,
    /// Topics to hear no more of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsub: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    pub topic: String,
    /// As it came with the last snapshot or answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// The last number known; without it a snapshot comes. Of a log: the offset to begin at,
    /// without it the last 64 KiB come. Of a talk: without it the last 200 entries come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// What the server says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Frame {
    /// Something could not be done. The connection stands unless it is closed right after.
    Failed {
        err: Failure,
    },
    /// Nothing was said for 15 s.
    Ping {
        ping: bool,
    },
    /// Events of this topic are missing; a snapshot follows.
    Gap {
        t: String,
        gap: bool,
    },
    Output(Output),
    Snapshot(Snapshot),
    Events(Box<Events>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// `E0` and the status that HTTP has for it: `E0400 E0401 E0403 E0404 E0409 E0413 E0429 E0500
    /// E0503`.
    pub code: String,
    /// The topic, as it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t: Option<String>,
    pub says: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// The state of a topic as it was at `seq`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    pub t: String,
    /// What the client called the topic, where that is another name: `run:nightly~3`.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    pub epoch: String,
    pub seq: u64,
    /// By the kind of topic: see the module's table.
    pub snapshot: Json,
}

/// What happened, and for a run what is different because of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Events {
    pub t: String,
    /// Only in the first answer to a subscription with `after`.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Only in the first answer to a subscription with `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// Number of the last entry.
    pub seq: u64,
    pub ev: Vec<Entry>,
    /// Of `run:`: the run itself after these events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunPatch>,
    /// Of `run:`: stages and instances that are different now, by `name`. An instance that is not
    /// known yet stands behind those of its stage that have a lower number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageView>,
    /// `stages` is the whole list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// An event of a journal, or a thing of a list that is different now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// `stage.succeeded`; in lists `run pipeline approval input task fleet`; in talks `talk`.
    pub k: String,
    /// Of the thing in its list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The stage or instance that the event is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The event's fields; in lists the thing as it is now, `null` when it is gone; in
    /// talks a [`Happening`](crate::agent::Happening).
    pub v: Json,
}

/// What may change of a run but its stages.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RunPatch {
    #[serde(flatten)]
    pub summary: RunSummary,
    pub outputs: BTreeMap<String, Json>,
    pub paused_at: Option<Timestamp>,
    pub paused_ms: u64,
    /// What its models used; `null`: none was asked.
    #[serde(default)]
    pub usage: Option<crate::model::ModelUsage>,
}

/// A piece of captured output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    pub t: String,
    /// Of the first byte. Larger than where the piece before ended: the cap on captured output
    /// dropped what was between.
    pub off: u64,
    /// Lossy UTF-8; a character is never cut. The exact bytes are at `/api/runs/{run}/logs/{stage}`.
    pub bytes: String,
    /// Where the piece ends: the `off` of the next one. Counts bytes as they were captured.
    pub end: u64,
    /// The attempt has ended and this was the last piece.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

/// The snapshot of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogHead {
    pub stage: String,
    pub attempt: u32,
    /// Bytes captured so far.
    pub total: u64,
    pub ended: bool,
}

/// The snapshot of a talk: its entries follow as events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TalkHead {
    pub stage: String,
    /// Entries so far.
    pub total: u64,
}

/// The snapshot of `fleet`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Fleet {
    pub slots: Slots,
    /// Why nothing can be stored; empty when everything can.
    pub problem: String,
    /// The server's own hands first.
    #[serde(default)]
    pub workers: Vec<WorkerView>,
    /// What waits to be handed out, the oldest run first: 1000 at most.
    #[serde(default)]
    pub queue: Vec<QueuedAttempt>,
}

/// The answer of the long poll.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Polled {
    /// Goes back as `?cursor=`.
    pub cursor: String,
    /// None: nothing happened in the time that was given.
    pub frames: Vec<Frame>,
}

impl Events {
    /// Brings a snapshot of a run to this frame's number.
    ///
    /// `false`: the frame does not follow it, and nothing was changed; subscribe again.
    pub fn apply(&self, to: &mut RunDetail) -> bool {
        let Some(run) = &self.run else { return false };
        if self.seq < to.sequence || self.seq - to.sequence > self.ev.len() as u64 {
            return false;
        }
        to.summary = run.summary.clone();
        to.outputs.clone_from(&run.outputs);
        (to.paused_at, to.paused_ms) = (run.paused_at, run.paused_ms);
        to.sequence = self.seq;
        if self.all {
            to.stages.clone_from(&self.stages);
            return true;
        }
        for stage in &self.stages {
            if let Some(known) = to.stages.iter_mut().find(|known| known.name == stage.name) {
                *known = stage.clone();
                continue;
            }
            let before =
                |known: &StageView| known.stage == stage.stage && known.instance < stage.instance;
            let place = to.stages.iter().rposition(before).map_or(to.stages.len(), |at| at + 1);
            to.stages.insert(place, stage.clone());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_by_their_fields() {
        let kind = |text: &str| match serde_json::from_str::<Frame>(text).unwrap() {
            Frame::Failed { err } => format!("failed {}", err.code),
            Frame::Ping { .. } => "ping".to_owned(),
            Frame::Gap { t, .. } => format!("gap {t}"),
            Frame::Output(output) => format!("output {}", output.off),
            Frame::Snapshot(snapshot) => format!("snapshot {}", snapshot.seq),
            Frame::Events(events) => format!("events {}", events.seq),
        };
        let epoch = r#"{"t":"runs","epoch":"s-9f","snapshot":{"runs":[]},"seq":1204}"#;
        assert_eq!(kind(epoch), "snapshot 1204");
        let events =
            r#"{"t":"runs","seq":1205,"ev":[{"k":"run","id":"01K3","v":null}],"more":"later"}"#;
        assert_eq!(kind(events), "events 1205");
        let output = r#"{"t":"log:01K3/implement[2]/3","off":48112,"bytes":"x","end":48113}"#;
        assert_eq!(kind(output), "output 48112");
        assert_eq!(kind(r#"{"t":"run:01K3","gap":true}"#), "gap run:01K3");
        let failed = r#"{"err":{"code":"E0404","t":"run:x","says":"there is no run `x`"}}"#;
        assert_eq!(kind(failed), "failed E0404");
        assert_eq!(kind(r#"{"ping":true}"#), "ping");
    }
}
