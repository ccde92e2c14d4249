//! One call of the model: sent, followed, and tried again when the trouble may pass.

use std::time::Duration;

use api::agent::{Did, Format};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use serde_json::Value as Json;

use super::sse::Events;
use super::wire::{Answer, Fault, Wire, understood};
use crate::desk::Desk;
use crate::door::{Closed, whole};

/// No answer is longer, in bytes of its stream.
const MAX_ANSWER: usize = 32 << 20;

/// A request, ready to be sent as often as it takes.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) desk: &'a Desk,
    pub(super) provider: &'a str,
    pub(super) format: Format,
    /// Of the session; the gateway knows the call by it.
    pub(super) turn: u32,
    pub(super) body: &'a Json,
}

impl Call<'_> {
    /// As the gateway knows it.
    pub(super) fn turn(&self) -> String {
        format!("{}/{}", self.desk.session, self.turn)
    }

    /// Sends it once. Says also whether the answer was paid for now, and not in an attempt before.
    pub(super) async fn send(&self, wire: &dyn Wire) -> Result<(Answer, bool), Fault> {
        let request = self.request(wire)?;
        let sent = self.desk.room.door.send_when_open(&request, || self.desk.alive()).await;
        let response = sent.map_err(|error| broken(&error))?;
        self.desk.alive();
        if !response.status().is_success() {
            return Err(refused(response).await);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.unwrap_or_default().starts_with("text/event-stream") {
            let kind = kind.unwrap_or("nothing").to_owned();
            return Err(Fault::unavailable(format!(
                "the answer is no stream of events but {kind}"
            )));
        }
        let paid = !response.headers().contains_key("x-orchestrate-answer");
        Ok((self.follow(wire, response.into_body()).await?, paid))
    }

    fn request(&self, wire: &dyn Wire) -> Result<Request<Full<Bytes>>, Fault> {
        let door = &self.desk.room.door;
        let builder = Request::post(door.model_path(self.provider, wire.path()))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "text/event-stream")
            .header("x-orchestrate-turn", self.turn())
            .header("x-orchestrate-member", &self.desk.agent.name);
        let builder = match self.desk.agent.share {
            Some(share) => builder.header("x-orchestrate-share", share.to_string()),
            None => builder,
        };
        let builder = match self.format {
            Format::Chat | Format::Responses => {
                builder.header(AUTHORIZATION, format!("Bearer {}", door.token()))
            }
            Format::Messages => {
                builder.header("x-api-key", door.token()).header("anthropic-version", "2023-06-01")
            }
        };
        builder
            .body(Full::new(Bytes::from(self.body.to_string())))
            .map_err(|error| Fault::unavailable(format!("it cannot be asked: {error}")))
    }

    async fn follow(&self, wire: &dyn Wire, mut body: Incoming) -> Result<Answer, Fault> {
        let mut reader = wire.reader();
        let mut events = Events::default();
        let mut total = 0;
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| Fault::unavailable(format!("the stream broke: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            // Any byte is a word: a comment keeps the line alive.
            self.desk.alive();
            total += data.len();
            if total > MAX_ANSWER {
                return Err(Fault::spoiled(format!("the answer has more than {MAX_ANSWER} bytes")));
            }
            let complete = events.push(&data);
            for event in complete.map_err(|error| Fault::spoiled(error.to_string()))? {
                if event == b"[DONE]" {
                    continue;
                }
                let event = serde_json::from_slice(&event).map_err(|error| {
                    Fault::spoiled(format!("the stream holds something that is no JSON: {error}"))
                })?;
                reader.event(&event)?;
            }
        }
        reader.finish()
    }
}

async fn refused(response: Response<Incoming>) -> Fault {
    let status = response.status().as_u16();
    let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
    let wait = wait.and_then(|wait| wait.trim().parse::<f64>().ok());
    let bytes = whole(response.into_body()).await.unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or(Json::Null);
    let mut fault = understood(Some(status), &body, &String::from_utf8_lossy(&bytes));
    fault.wait_ms = wait
        .and_then(|wait| Duration::try_from_secs_f64(wait).ok())
        .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    fault
}

fn broken(error: &Closed) -> Fault {
    Fault::unavailable(error.to_string())
}

/// So often a call is sent again, after a pause that doubles. The gateway has a queue of its own for
/// what lasts longer.
pub(super) const RETRIES: u32 = 2;
const FIRST_PAUSE_MS: u64 = 500;
/// Longer than this nobody waits inside an attempt.
const LONGEST_PAUSE_MS: u64 = 60_000;

/// Whether to try again, and when.
pub(super) fn pause(fault: &Fault, tried: u32) -> Option<Did> {
    if !fault.may_pass() || tried >= RETRIES {
        return None;
    }
    let wait_ms = fault.wait_ms.unwrap_or(FIRST_PAUSE_MS << tried);
    (wait_ms <= LONGEST_PAUSE_MS).then(|| Did::Retry {
        status: fault.status,
        wait_ms,
        reason: fault.message.clone(),
    })
}
