//! Captured output: a part of it as it is, or followed while it grows; driven by notices.

use std::ops;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

use api::feed::Captured;
use api::problem::Problem;
use api::run::{EventView, StageView};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use engine::id::{ExecutionId, RunId};
use serde::Deserialize;
use store::port::RunRow;
use tokio::sync::mpsc;

use super::body::Params;
use super::caller::Caller;
use super::feed::channel;
use super::problem::Fault;
use super::reference;
use crate::captured::{self, Chunk, Times};
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::live::{Notice, Subscription};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::view;
use lines::Lines;
use range::Range;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(logs)).merge(search::routes())
}

mod lines;
mod range;
mod search;

/// Bytes of one answer, unless asked otherwise, and at most.
const PART: usize = 1 << 20;
const PART_MAX: usize = 8 << 20;
/// Bytes read at once while following.
const STEP: usize = 64 << 10;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// The newest one when not given.
    attempt: Option<u32>,
    #[serde(default)]
    offset: u64,
    /// Begin with the last lines instead.
    #[param(minimum = 1)]
    tail: Option<u32>,
    limit: Option<usize>,
    #[serde(default)]
    follow: bool,
    /// All of it, as a file.
    #[serde(default)]
    download: bool,
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// The bytes as they were captured.
    #[default]
    Raw,
    /// [`api::feed::Captured`] records.
    Lines,
}

/// Raw and not followed: one part, with headers that say where it lies
/// (`X-Orchestrate-Offset`, `-Total`, `-Gap: START-END`, `-Attempt`, `-Ended`); one `Range: bytes=`
/// is understood, 8 MiB of it at once. Otherwise a stream
/// that ends when the attempt has, or without `follow` at the present end.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/logs/{stage}",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"), ("stage" = String, Path, description = "`implement` or `implement[2]`"), Query),
    responses(
        (status = OK, description = "A part of the output, or with `follow` all of it as it comes", content((Vec<u8> = "application/octet-stream"), (Captured = "application/x-ndjson"))),
        (status = PARTIAL_CONTENT, description = "The bytes of `Range`, or as many of them as there are", content_type = "application/octet-stream", body = Vec<u8>),
        (status = RANGE_NOT_SATISFIABLE, description = "None of the bytes of `Range` is there", body = Problem),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn logs(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    headers: HeaderMap,
    Path((run, stage)): Path<(String, String)>,
    Params(query): Params<Query>,
) -> Result<Response, Fault> {
    let row = reference::run(&shared, &run).await?;
    // Before looking, so that no notice is missed.
    let live = shared.broker.subscribe(row.id);
    let place = place_of(&shared, &row, &stage, query.attempt, query.follow).await?;
    let mut offset = query.offset;
    if let (Place::At(target), Some(lines)) = (&place, query.tail) {
        let (data, run, key) = (shared.data_dir.clone(), row.id.to_string(), target.key.clone());
        let found = blocking(move || captured::tail(&data, &run, &key, lines)).await?;
        offset = found.map_err(unreadable)?;
    }
    let part = query.format == Format::Raw && !query.follow && !query.download;
    if let (Place::At(target), true) = (&place, part) {
        if let Some(range) = Range::of(&headers).filter(|_| query.tail.is_none()) {
            return ranged(&shared, row.id, target, range).await;
        }
        let limit = query.limit.unwrap_or(PART).clamp(1, PART_MAX);
        let chunk = read(&shared, row.id, &target.key, offset, limit, Times::Unwanted).await?;
        return Ok((describe(&chunk, target), chunk.bytes).into_response());
    }
    let (out, body) = channel();
    let named = stage.replace(['[', ']'], "-");
    let attempt = match &place {
        Place::At(target) => Some(target.number),
        Place::NotYet | Place::Never(_) | Place::NoStage => query.attempt,
    };
    let follower = Follower {
        shared,
        run: row.id,
        stage,
        attempt,
        offset,
        follow: query.follow,
        lines: (query.format == Format::Lines).then(Lines::default),
        left: query.limit.map_or(u64::MAX, |limit| limit as u64),
        live,
        out,
    };
    tokio::spawn(async move {
        let run = follower.run;
        if let Err(refused) = follower.follow(place).await {
            tracing::warn!(%run, cause = %refused, "following a log ended early");
        }
    });
    let mut answer = (stream_headers(query.format), body).into_response();
    if query.download {
        let name =
            format!("attachment; filename=\"{}-{}-{}.log\"", row.pipeline, row.number, named);
        if let Ok(name) = HeaderValue::from_str(&name) {
            answer.headers_mut().insert(CONTENT_DISPOSITION, name);
        }
    }
    Ok(answer)
}

/// The bytes of a range, and which they are.
async fn ranged(
    shared: &Shared,
    run: RunId,
    target: &Target,
    range: Range,
) -> Result<Response, Fault> {
    let read = |from, limit| read(shared, run, &target.key, from, limit, Times::Unwanted);
    let head = read(u64::MAX, 0).await?;
    let mut chunk = match range.within(head.total) {
        None => Chunk { bytes: Vec::new(), ..head },
        Some((from, count)) => {
            let limit = usize::try_from(count).unwrap_or(usize::MAX).min(PART_MAX);
            let mut chunk = read(from, limit).await?;
            // It begins behind the hole when the range began in it.
            let wanted = (from + count).saturating_sub(chunk.offset);
            chunk.bytes.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
            chunk
        }
    };
    let (status, place) = Range::answered(&chunk);
    let body = std::mem::take(&mut chunk.bytes);
    let mut answer = if body.is_empty() {
        let detail = format!("the log has {} bytes, and none of those asked for", chunk.total);
        Fault::new(status, "out_of_range", "no such bytes", detail)
            .hint("ask without `Range`: the headers then say what there is")
            .into_response()
    } else {
        (status, describe(&chunk, target), body).into_response()
    };
    answer.headers_mut().extend(place);
    Ok(answer)
}

/// As [`find`], with its refusals. `ahead`: also what has not started yet will do.
async fn place_of(
    shared: &Shared,
    row: &RunRow,
    stage: &str,
    attempt: Option<u32>,
    ahead: bool,
) -> Result<Place, Fault> {
    match find(shared, row.id, stage, attempt).await? {
        Place::NoStage => Err(Fault::not_found(format!("the run has no stage `{stage}`"))
            .hint(format!("orchestrate runs show {}#{}", row.pipeline, row.number))),
        Place::Never(why) => Err(Fault::not_found(why)),
        Place::NotYet if !ahead => Err(Fault::not_found(format!("`{stage}` has not started yet"))),
        place @ (Place::NotYet | Place::At(_)) => Ok(place),
    }
}

fn unreadable(error: std::io::Error) -> Refused {
    Refused::Internal(format!("could not read captured output: {error}"))
}

fn stream_headers(format: Format) -> [(HeaderName, &'static str); 2] {
    let kind = match format {
        Format::Raw => "application/octet-stream",
        Format::Lines => "application/x-ndjson",
    };
    [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")]
}

fn describe(chunk: &Chunk, target: &Target) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut say = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    say("x-orchestrate-offset", chunk.offset.to_string());
    say("x-orchestrate-total", chunk.total.to_string());
    say("x-orchestrate-attempt", target.number.to_string());
    say("x-orchestrate-ended", target.ended.to_string());
    if !chunk.gap.is_empty() {
        say("x-orchestrate-gap", format!("{}-{}", chunk.gap.start, chunk.gap.end));
    }
    headers
}

/// Where the output of a stage's attempt is.
enum Place {
    At(Target),
    NotYet,
    /// And why.
    Never(String),
    NoStage,
}

struct Target {
    number: u32,
    key: String,
    ended: bool,
}

async fn find(
    shared: &Shared,
    run: RunId,
    stage: &str,
    attempt: Option<u32>,
) -> Result<Place, Refused> {
    let Some(row) = shared.read(move |reader| Ok(reader.run(run)?)).await? else {
        return Ok(Place::NoStage);
    };
    let Ok(id) = stage.parse::<ExecutionId>() else { return Ok(Place::NoStage) };
    history::look(shared, &row.clone(), move |run| {
        if let Some(found) = run.row(&id) {
            let view = view::stage::view(run, &found);
            return in_stage(&row, found.ix.get(), &view, attempt);
        }
        // An instance of a stage whose items are not known yet.
        let of = run.row(&ExecutionId::stage(id.stage.clone()));
        match of.filter(|_| id.instance.is_some()) {
            Some(of) if of.outcome.is_none() && of.instances.is_none() => Place::NotYet,
            Some(_) | None => Place::NoStage,
        }
    })
    .await
}

fn in_stage(row: &RunRow, place: usize, view: &StageView, attempt: Option<u32>) -> Place {
    let found = match attempt {
        Some(number) => view.attempts.iter().find(|attempt| attempt.number == number),
        None => view.attempts.last(),
    };
    match found {
        Some(attempt) => Place::At(Target {
            number: attempt.number,
            key: captured::key(row.id, place, view.instance, attempt.number),
            ended: attempt.finished_at.is_some() || attempt.status == "unknown",
        }),
        None if view.instances.is_some_and(|count| count > 0) => {
            Place::Never(format!("`{0}` has instances: ask for `{0}[1]` and so on", view.name))
        }
        None if view.outcome.is_some() || row.finished => Place::Never(match attempt {
            Some(number) => format!("`{}` has no attempt {number}", view.name),
            None => format!("`{}` ran nothing: it is {}", view.name, view.status),
        }),
        None => Place::NotYet,
    }
}

async fn read(
    shared: &Shared,
    run: RunId,
    key: &str,
    offset: u64,
    limit: usize,
    times: Times,
) -> Result<Chunk, Refused> {
    let (data, run, key) = (shared.data_dir.clone(), run.to_string(), key.to_owned());
    blocking(move || captured::read(&data, &run, &key, offset, limit, times))
        .await?
        .map_err(unreadable)
}

struct Follower {
    shared: Arc<Shared>,
    run: RunId,
    stage: String,
    attempt: Option<u32>,
    offset: u64,
    follow: bool,
    /// Of the format that is made of lines.
    lines: Option<Lines>,
    /// Bytes that may still be sent.
    left: u64,
    live: Subscription,
    out: mpsc::Sender<Bytes>,
}

impl Follower {
    async fn follow(mut self, mut place: Place) -> Result<(), Refused> {
        loop {
            let key = match &place {
                Place::At(target) => {
                    self.attempt = Some(target.number);
                    if !self.send_all(&target.key).await? {
                        return Ok(());
                    }
                    if target.ended || !self.follow {
                        self.send_rest().await;
                        return Ok(());
                    }
                    Some(target.key.clone())
                }
                Place::NotYet => None,
                Place::Never(_) | Place::NoStage => return Ok(()),
            };
            match self.wait(key.as_deref()).await {
                Wake::Grew => {}
                Wake::Changed => {
                    place = find(&self.shared, self.run, &self.stage, self.attempt).await?;
                }
                Wake::End => return Ok(()),
            }
        }
    }

    /// Sends everything captured so far. `false`: nobody listens, or it was enough.
    async fn send_all(&mut self, key: &str) -> Result<bool, Refused> {
        loop {
            let limit = usize::try_from(self.left).unwrap_or(STEP).min(STEP);
            let times = if self.lines.is_some() { Times::Wanted } else { Times::Unwanted };
            let chunk = read(&self.shared, self.run, key, self.offset, limit, times).await?;
            if chunk.bytes.is_empty() {
                return Ok(true);
            }
            let skipped = self.offset..chunk.offset;
            self.offset = chunk.end();
            self.left -= chunk.bytes.len() as u64;
            let piece = self.piece(chunk, skipped);
            if !piece.is_empty() && self.out.send(piece).await.is_err() {
                return Ok(false);
            }
            if self.left == 0 {
                self.send_rest().await;
                return Ok(false);
            }
        }
    }

    fn piece(&mut self, chunk: Chunk, skipped: ops::Range<u64>) -> Bytes {
        match &mut self.lines {
            None => chunk.bytes.into(),
            Some(lines) => {
                if !skipped.is_empty() {
                    lines.gap(skipped);
                }
                lines.push(&chunk);
                lines.take()
            }
        }
    }

    /// A last line without an end.
    async fn send_rest(&mut self) {
        let Some(lines) = &mut self.lines else { return };
        lines.flush();
        let rest = lines.take();
        if !rest.is_empty() {
            let _gone = self.out.send(rest).await;
        }
    }

    async fn wait(&mut self, key: Option<&str>) -> Wake {
        let shared = Arc::clone(&self.shared);
        loop {
            let notice = tokio::select! {
                notice = self.live.recv() => notice,
                () = self.out.closed() => return Wake::End,
                () = shared.stopped() => return Wake::End,
            };
            match notice {
                None => {
                    self.live = self.shared.broker.subscribe(self.run);
                    return Wake::Changed;
                }
                Some(Notice::Output { key: of, .. }) => {
                    if key == Some(&*of) {
                        return Wake::Grew;
                    }
                }
                Some(Notice::Events { events, finished, .. }) => {
                    if finished || events.iter().any(|event| self.concerns(event)) {
                        return Wake::Changed;
                    }
                }
            }
        }
    }

    /// Whether an event may have changed what is followed.
    fn concerns(&self, event: &EventView) -> bool {
        let body = &event.body;
        let execution = body.pointer("/attempt/execution").or_else(|| body.get("execution"));
        let stage = body.get("stage").and_then(|stage| stage.as_str());
        execution.and_then(|execution| execution.as_str()) == Some(&self.stage)
            || stage.is_some_and(|stage| self.stage.starts_with(stage))
    }
}

enum Wake {
    Grew,
    Changed,
    End,
}
