//! The live feed of a run as newline-delimited JSON: a snapshot, then every event after it in
//! order, from the journal while behind and from the broker when level with it.

use std::sync::Arc;
use std::time::Duration;
use utoipa::IntoParams;

use api::feed::Message;
use api::problem::Problem;
use api::run::{EventView, RunSummary};
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use engine::event::Event;
use engine::id::{AttemptId, RunId};
use serde::Deserialize;
use tokio::sync::mpsc;

use super::body::Params;
use super::caller::Caller;
use super::problem::Fault;
use super::reference;
use crate::captured::Times;
use crate::http::rooms::{Rooms, routes};
use crate::live::{Notice, Subscription};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::{captured, history, view};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(feed))
}

/// Silence after which a ping says that the connection still stands.
const PING: Duration = Duration::from_secs(15);
/// Messages that may wait for the network.
const QUEUE: usize = 16;
/// Events read from the journal at once.
const PAGE: u32 = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    after: Option<u64>,
}

/// With `after`, events begin behind it (also those that the snapshot already holds); without, they
/// begin behind the snapshot.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/feed",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), From),
    responses(
        (status = OK, body = Message, content_type = "application/x-ndjson", description = "One message a line, until the run has finished"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn feed(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
    Params(From { after }): Params<From>,
) -> Result<Response, Fault> {
    let row = reference::run(&shared, &run).await?;
    // Before the snapshot is taken, so that nothing falls between the two.
    let live = shared.broker.subscribe(row.id);
    let detail = history::detail(&shared, &row).await?;
    let (out, body) = channel();
    let last = after.unwrap_or(detail.sequence);
    tokio::spawn(async move {
        let snapshot = Message::Snapshot { run: Box::new(detail) };
        if out.send(line(&snapshot)).await.is_ok() {
            let follower = Follower { shared, run: row.id, live, out, last };
            if let Err(refused) = follower.follow().await {
                tracing::warn!(run = %row.id, cause = %refused, "a feed ended early");
            }
        }
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson"), (CACHE_CONTROL, "no-store")], body)
        .into_response())
}

/// A body that is written piece by piece. Whoever writes waits for the network.
pub(crate) fn channel() -> (mpsc::Sender<Bytes>, Body) {
    let (out, pieces) = mpsc::channel::<Bytes>(QUEUE);
    let stream = futures_util::stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), pieces))
    });
    (out, Body::from_stream(stream))
}

fn line(message: &Message) -> Bytes {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

struct Follower {
    shared: Arc<Shared>,
    run: RunId,
    live: Subscription,
    out: mpsc::Sender<Bytes>,
    /// The last event sent.
    last: u64,
}

/// What ends one stretch of following.
enum Next {
    /// The queue was lost or has a gap: read the journal.
    CatchUp,
    End,
}

impl Follower {
    async fn follow(mut self) -> Result<(), Refused> {
        loop {
            if self.catch_up().await? {
                return Ok(());
            }
            match self.listen().await {
                Next::CatchUp if self.live.is_lost() => {
                    self.live = self.shared.broker.subscribe(self.run);
                }
                Next::CatchUp => {}
                Next::End => return Ok(()),
            }
        }
    }

    /// Sends what the journal holds behind the last event sent. `true`: that was all there is.
    async fn catch_up(&mut self) -> Result<bool, Refused> {
        let run = self.run;
        let row = self.shared.read(move |reader| Ok(reader.run(run)?)).await?;
        let Some(mut row) = row else { return Ok(true) };
        loop {
            let last = self.last;
            let read = self.shared.read(move |reader| {
                let events = reader.events(run, last, PAGE)?;
                // After them, so that it is never behind what is told.
                Ok((events, reader.run(run)?))
            });
            let (rows, after) = read.await?;
            if rows.is_empty() {
                // When it had ended before they were read, they were complete.
                return Ok(row.finished);
            }
            row = after.unwrap_or(row);
            let ends = matches!(rows.last(), Some(last) if is_end(&last.event.event));
            let events: Vec<EventView> = rows.iter().map(view::event::of_row).collect();
            let mut summary = view::run::summary(&row);
            if !ends && row.finished {
                // Its end is among the events still to come.
                "running".clone_into(&mut summary.status);
                summary.reason.clear();
                summary.finished_at = None;
            }
            if !self.send_events(events, summary).await {
                return Ok(true);
            }
        }
    }

    async fn listen(&mut self) -> Next {
        let shared = Arc::clone(&self.shared);
        loop {
            let notice = tokio::select! {
                notice = self.live.recv() => notice,
                () = tokio::time::sleep(PING) => {
                    if self.send(&Message::Ping).await { continue } else { return Next::End }
                }
                () = self.out.closed() => return Next::End,
                () = shared.stopped() => return Next::End,
            };
            let sent = match notice {
                None => return Next::CatchUp,
                Some(Notice::Events { events, summary, finished }) => {
                    let fresh: Vec<EventView> =
                        events.iter().filter(|event| event.seq > self.last).cloned().collect();
                    match fresh.first() {
                        // Read from the journal already; perhaps up to the end of the run.
                        None => {
                            let newest = events.last().map_or(0, |event| event.seq);
                            if finished && newest == self.last {
                                return Next::End;
                            }
                            true
                        }
                        Some(first) if first.seq > self.last + 1 => return Next::CatchUp,
                        Some(_) => {
                            let sent = self.send_events(fresh, (*summary).clone()).await;
                            if finished {
                                return Next::End;
                            }
                            sent
                        }
                    }
                }
                Some(Notice::Output { attempt, key, bytes }) => {
                    let message = self.output(&attempt, &key, bytes).await;
                    self.send(&message).await
                }
            };
            if !sent {
                return Next::End;
            }
        }
    }

    async fn output(&self, attempt: &AttemptId, key: &Arc<str>, bytes: u64) -> Message {
        let (data, run, key) =
            (self.shared.data_dir.clone(), self.run.to_string(), Arc::clone(key));
        let read = blocking(move || {
            let from = bytes.saturating_sub(LAST_LINE);
            let limit = usize::try_from(LAST_LINE).unwrap_or(0);
            captured::read(&data, &run, &key, from, limit, Times::Unwanted)
        });
        let last_line = match read.await {
            Ok(Ok(chunk)) => last_line(&chunk.bytes),
            Ok(Err(_)) | Err(_) => String::new(),
        };
        let stage = attempt.execution.to_string();
        Message::Output { stage, attempt: attempt.number, bytes, last_line }
    }

    async fn send_events(&mut self, events: Vec<EventView>, summary: RunSummary) -> bool {
        self.last = events.last().map_or(self.last, |event| event.seq);
        self.send(&Message::Events { events, summary: Box::new(summary) }).await
    }

    /// `false`: nobody listens any more.
    async fn send(&self, message: &Message) -> bool {
        self.out.send(line(message)).await.is_ok()
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::RunFinished { .. })
}

/// So many bytes from the end are looked at.
const LAST_LINE: u64 = 512;

/// The last line with anything on it: as a terminal would show it, without colours.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split(['\n', '\r']).map(str::trim);
    plain(lines.rfind(|line| !line.is_empty()).unwrap_or_default())
}

/// Leaves out terminal control: `ESC [ ... letter`, and other control characters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            if rest.next() == Some('[') {
                rest.by_ref().find(|c| ('@'..='~').contains(c));
            }
        } else if c == '\t' {
            plain.push(' ');
        } else if !c.is_control() {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_shown_as_a_terminal_would() {
        assert_eq!(last_line(b"one\n  two \n\n"), "two");
        assert_eq!(last_line(b"10 %\r50 %\r100 %"), "100 %");
        assert_eq!(last_line(b"\x1b[1;31merror\x1b[0m: no\n"), "error: no");
        assert_eq!(last_line(b"a\tb\x07"), "a b");
        assert_eq!(last_line(b""), "");
        assert_eq!(last_line(b"ok \xff"), "ok \u{fffd}");
    }
}
