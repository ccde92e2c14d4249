//! The answer: passed on as it comes, but for its end, which waits until all of it is stored.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use futures_util::stream;
use store::port::{CallState, ModelUsage};
use tokio::sync::mpsc;

use super::ending::End;
use super::{Flight, Head, Hold, tell};
use crate::egress::Opened;
use crate::gateway::budget::cost;
use crate::gateway::lane::Permit;
use crate::gateway::meter::{Events, Meter, Pass};
use crate::gateway::wire::tokens_of;
use crate::gateway::{Denial, respond, send};

/// Of an answer that is kept.
const LARGEST: usize = 32 << 20;
/// Pieces on their way to a client that reads slowly.
const PIECES: usize = 64;

impl Flight {
    pub(super) async fn receive(self, opened: Opened, head: Head, permit: Permit, mut hold: Hold) {
        let status = opened.status();
        let headers = send::told(opened.headers());
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
        let kind = kind.to_owned();
        let mut meter = Meter::new(self.endpoint.format, self.asked.hide_usage);
        if !kind.starts_with("text/event-stream") {
            return self.whole((opened, headers, kind), head, meter, (permit, hold)).await;
        }
        let (sender, pieces) = mpsc::channel(PIECES);
        tell(head, Ok(respond(status, headers, streamed(pieces))));
        let mut pipe = Pipe { sender, kept: Vec::new(), held: Vec::new(), gone: false };
        let broke = self.pipe(opened, &mut meter, &mut pipe).await;
        drop(permit);
        let status = Some(status.as_u16());
        if let Some(why) = broke {
            let (usage, source) = self.usage(&meter);
            let state = CallState::Broken;
            let end = End { state, status, detail: why.clone(), usage, source, ..End::default() };
            self.end(&mut hold, End { model: meter.model, ..end }).await;
            pipe.break_off(&why).await;
            return;
        }
        let answer = std::mem::take(&mut pipe.kept);
        match self.keep(&mut hold, meter, status, kind, answer).await {
            Ok(()) => pipe.finish().await,
            Err(why) => pipe.break_off(&why).await,
        }
    }

    /// An answer in one piece.
    async fn whole(
        self,
        (mut opened, headers, kind): (Opened, HeaderMap, String),
        head: Head,
        mut meter: Meter,
        (permit, mut hold): (Permit, Hold),
    ) {
        let status = opened.status();
        let read = tokio::select! {
            read = opened.whole(LARGEST, send::SILENCE) => read,
            stop = self.interrupted() => Err(stop.failure(&self.place.name)),
        };
        drop(permit);
        let code = Some(status.as_u16());
        let body = match read {
            Ok(body) => body,
            Err(failure) => {
                let denial = send::unreached(&self.place.name, &failure);
                let (usage, source) = self.usage(&meter);
                let (state, detail) = (CallState::Broken, denial.says.clone());
                let end = End { state, status: code, detail, usage, source, ..End::default() };
                self.end(&mut hold, end).await;
                return tell(head, Err(denial));
            }
        };
        meter.whole(&body);
        if !meter.is_whole() {
            let says = meter.failed().unwrap_or("it is not whole").to_owned();
            let (usage, source) = self.usage(&meter);
            let state = CallState::Broken;
            let detail = says.clone();
            let end = End { state, status: code, detail, usage, source, ..End::default() };
            self.end(&mut hold, end).await;
            let says = format!("provider `{}`: {says}", self.place.name);
            let denial = Denial::new(StatusCode::BAD_GATEWAY, "provider_answer", says);
            return tell(head, Err(denial));
        }
        match self.keep(&mut hold, meter, code, kind, body.clone()).await {
            Ok(()) => tell(head, Ok(respond(status, headers, Body::from(body)))),
            Err(says) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                tell(head, Err(Denial::new(status, "storage_full", says)));
            }
        }
    }

    /// Passes a stream on but for its end. `Some`: why it broke off.
    async fn pipe(&self, mut opened: Opened, meter: &mut Meter, pipe: &mut Pipe) -> Option<String> {
        let mut events = Events::default();
        let stop = self.interrupted();
        tokio::pin!(stop);
        loop {
            let next = tokio::select! {
                next = opened.next(send::SILENCE) => next,
                stop = &mut stop => return Some(stop.says()),
            };
            let bytes = match next {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(_) if meter.is_whole() => break,
                Err(failure) => return Some(failure.to_string()),
            };
            events.push(&bytes);
            while let Some(event) = events.next() {
                match meter.event(&event) {
                    Pass::On => pipe.pass(event).await,
                    Pass::Drop => {}
                    Pass::Hold => pipe.hold(event),
                    Pass::Last => {
                        pipe.hold(event);
                        return meter.failed().map(str::to_owned);
                    }
                }
                if pipe.kept.len() > LARGEST {
                    return Some(format!("the answer is larger than {LARGEST} bytes"));
                }
            }
        }
        let rest = events.rest();
        if !rest.is_empty() {
            meter.event(&rest);
            pipe.hold(rest);
        }
        match (meter.failed(), meter.is_whole()) {
            (Some(says), _) => Some(says.to_owned()),
            (None, true) => None,
            (None, false) => Some("the stream ended in the middle of the answer".to_owned()),
        }
    }

    /// What it used: what the provider says, else an estimate of what was said.
    fn usage(&self, meter: &Meter) -> (ModelUsage, &'static str) {
        let (mut usage, source) = match meter.usage() {
            Some(usage) => (usage, "gateway"),
            None => {
                let output = tokens_of(meter.said());
                let input = self.asked.input;
                (ModelUsage { input, output, ..ModelUsage::default() }, "estimate")
            }
        };
        let model = meter.model.as_deref().unwrap_or(&self.asked.model);
        let config = self.shared.config().ok();
        let price = config.and_then(|config| config.models.price(&self.place.name, model));
        usage.nano_usd = cost(price.or(self.price), &usage);
        (usage, source)
    }

    /// Stores a whole answer. An `Err` says why it could not be.
    async fn keep(
        &self,
        hold: &mut Hold,
        meter: Meter,
        status: Option<u16>,
        kind: String,
        answer: Vec<u8>,
    ) -> Result<(), String> {
        let (usage, source) = self.usage(&meter);
        let answer = Some(self.veil.over(&answer));
        let state = CallState::Answered;
        let end = End {
            state,
            status,
            usage,
            source,
            kind,
            answer,
            model: meter.model,
            detail: String::new(),
        };
        match self.end(hold, end).await {
            true => Ok(()),
            false => Err("the answer could not be stored, so it is not given out".to_owned()),
        }
    }
}

/// To the client, and what is kept.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
    kept: Vec<u8>,
    /// Kept, and not passed on yet.
    held: Vec<u8>,
    gone: bool,
}

impl Pipe {
    async fn pass(&mut self, event: Vec<u8>) {
        if !self.held.is_empty() {
            return self.hold(event);
        }
        self.kept.extend_from_slice(&event);
        self.send(Ok(Bytes::from(event))).await;
    }

    fn hold(&mut self, event: Vec<u8>) {
        self.kept.extend_from_slice(&event);
        self.held.extend_from_slice(&event);
    }

    async fn send(&mut self, piece: io::Result<Bytes>) {
        // Once somebody has gone the rest is only kept.
        if !self.gone {
            self.gone = self.sender.send(piece).await.is_err();
        }
    }

    async fn finish(mut self) {
        let held = std::mem::take(&mut self.held);
        self.send(Ok(Bytes::from(held))).await;
    }

    /// The client sees that there is no end.
    async fn break_off(mut self, why: &str) {
        self.send(Err(io::Error::other(why.to_owned()))).await;
    }
}

fn streamed(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Body {
    Body::from_stream(stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    }))
}
