//! What a worker asks beside its connection, each time for an attempt that it has.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use api::link::SecretAsk;
use api::problem::Problem;
use api::worker::{SESSION, SecretGiven, SecretWanted, Stored};
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use blobs::{Blobs, is_digest};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;

use crate::captured;
use crate::conductor::desk::Ask;
use crate::conductor::workers::{Holding, HoldingAsk};
use crate::http::artifacts::stream;
use crate::http::body::{Json, Params, whole};
use crate::http::caller::Caller;
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::live::Notice;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Bytes of captured output in one request.
const OUTPUT: u64 = 1 << 20;

pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(output))
        .routes(routes!(put_blob, get_blob))
        .routes(routes!(secret))
        .routes(routes!(keys))
        .layer(DefaultBodyLimit::disable())
}

/// Refused unless the attempt is with this session of this worker.
async fn holding(
    shared: &Shared,
    worker: String,
    key: String,
    headers: &HeaderMap,
) -> Result<Holding, Fault> {
    let Some(session) = headers.get(SESSION).and_then(|session| session.to_str().ok()) else {
        return Err(Fault::bad_request(format!("the header `{SESSION}` names the session")));
    };
    let ask = HoldingAsk { worker, session: session.to_owned(), key };
    let held = shared.desk.ask(|reply| Ask::Holding { ask, reply }).await?;
    held.ok_or_else(stale)
}

fn stale() -> Fault {
    Fault::new(
        StatusCode::CONFLICT,
        "stale",
        "the attempt is not with this worker",
        "the attempt has ended, was given up, or is with somebody else",
    )
    .hint("end: what this worker still does for it counts no more")
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Piece {
    /// Of the stream: where the body begins. What is stored already is passed over; what lies between
    /// it and what is stored was dropped.
    offset: u64,
    /// When it was captured, in microseconds of Unix time.
    at: u64,
}

/// Captured output
///
/// With an empty body it is only asked where to go on.
#[utoipa::path(
    put,
    path = "/api/workers/{worker}/attempts/{key}/output",
    tag = "workers",
    security(("token" = ["work"])),
    params(
        ("worker" = String, Path, description = "Its name"),
        ("key" = String, Path, description = "Of the attempt"),
        ("orchestrate-session" = String, Header, description = "The session of the worker, as it said in its first message"),
        Piece,
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, body = Stored), (status = "default", body = Problem)),
)]
pub(crate) async fn output(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((worker, key)): Path<(String, String)>,
    Params(Piece { offset, at }): Params<Piece>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Stored>, Fault> {
    if offset > MOST {
        return Err(Fault::invalid_input(format!("`offset` is at most {MOST}")));
    }
    let bytes = whole(body, OUTPUT).await?;
    // Asked when all of the body is here: what came too late is not written.
    let held = holding(&shared, worker, key, &headers).await?;
    let (run, attempt, key) = (held.run, Arc::new(held.attempt), held.key);
    let (of, data, name) = (Arc::clone(&shared), shared.data_dir.clone(), key.clone());
    let grows = !bytes.is_empty();
    let total = blocking(move || {
        let _alone = of.outputs.of(&name);
        captured::write::write(&data, &run.to_string(), &name, offset, at, &bytes)
    })
    .await?
    .map_err(unwritten)?;
    if grows {
        shared.hub.grew(run, &attempt);
        let notice = Notice::Output { attempt, key: Arc::from(key), bytes: total };
        shared.broker.publish(run, &notice);
    }
    Ok(Json(Stored { total }))
}

/// An exbibyte: no stream is longer, and no sum overflows.
const MOST: u64 = 1 << 60;

fn unwritten(error: io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Refused::StorageFull,
        _ => Refused::Internal(format!("captured output could not be stored: {error}")),
    }
}

/// Content of an artifact
///
/// Stored under its digest, SHA-256 in hex, once all of it is here and is what the digest says.
#[utoipa::path(
    put,
    path = "/api/workers/{worker}/attempts/{key}/blobs/{digest}",
    tag = "workers",
    security(("token" = ["work"])),
    params(
        ("worker" = String, Path, description = "Its name"),
        ("key" = String, Path, description = "Of the attempt"),
        ("orchestrate-session" = String, Header, description = "The session of the worker, as it said in its first message"),
        ("digest" = String, Path, description = "SHA-256, in hex", pattern = "^[0-9a-f]{64}$"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = NO_CONTENT), (status = "default", body = Problem)),
)]
pub(crate) async fn put_blob(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((worker, key, digest)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Fault> {
    if !is_digest(&digest) {
        return Err(Fault::bad_request("a digest is SHA-256 in hex, of small letters"));
    }
    let held = holding(&shared, worker.clone(), key.clone(), &headers).await?;
    if held.largest == 0 {
        return Err(Fault::invalid_input("the stage of this attempt has no artifacts"));
    }
    let blobs = Blobs::of(&shared.data_dir);
    let (pieces, from) = mpsc::channel(4);
    let largest = held.largest;
    let staging = tokio::task::spawn_blocking(move || {
        blobs.stage(Pieces { from, now: Bytes::new() }, largest)
    });
    feed(body, pieces).await;
    let staged = staging.await.map_err(|error| Refused::Internal(error.to_string()))?;
    let staged = staged.map_err(|error| match error {
        blobs::Error::Source { source } => {
            Fault::bad_request(format!("the body could not be read to its end: {source}"))
        }
        error => Fault::from(Refused::from(error)),
    })?;
    if staged.digest() != digest {
        let detail = format!("the body is `{}`, not `{digest}`", staged.digest());
        return Err(Fault::invalid_input(detail).hint("send it again"));
    }
    // The attempt may have been given up while its content came.
    holding(&shared, worker, key, &headers).await?;
    blocking(move || staged.keep()).await?.map_err(Refused::from)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a body over piece by piece; a broken one ends with why.
async fn feed(body: Body, pieces: mpsc::Sender<io::Result<Bytes>>) {
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(io::Error::other);
        let broken = piece.is_err();
        // Whoever reads has had enough: it is too large, or the disk is full.
        if pieces.send(piece).await.is_err() || broken {
            return;
        }
    }
}

/// A body, for whoever blocks.
struct Pieces {
    from: mpsc::Receiver<io::Result<Bytes>>,
    now: Bytes,
}

impl io::Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            match self.from.blocking_recv() {
                Some(piece) => self.now = piece?,
                None => return Ok(0),
            }
        }
        let count = self.now.len().min(into.len());
        into[..count].copy_from_slice(&self.now.split_to(count));
        Ok(count)
    }
}

/// Content that is laid into the attempt's context
#[utoipa::path(
    get,
    path = "/api/workers/{worker}/attempts/{key}/blobs/{digest}",
    tag = "workers",
    security(("token" = ["work"])),
    params(
        ("worker" = String, Path, description = "Its name"),
        ("key" = String, Path, description = "Of the attempt"),
        ("orchestrate-session" = String, Header, description = "The session of the worker, as it said in its first message"),
        ("digest" = String, Path, description = "SHA-256, in hex", pattern = "^[0-9a-f]{64}$"),
    ),
    responses(
        (status = OK, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn get_blob(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((worker, key, digest)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let held = holding(&shared, worker, key, &headers).await?;
    if !held.context.contains(&digest) {
        return Err(Fault::not_found("nothing of this digest is laid into the attempt's context"));
    }
    let blobs = Blobs::of(&shared.data_dir);
    let file = blocking(move || blobs.open(&digest)).await?.map_err(Refused::from)?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], stream(file)).into_response())
}

/// A secret that the attempt's stage declares
#[utoipa::path(
    post,
    path = "/api/workers/{worker}/attempts/{key}/secrets",
    tag = "workers",
    security(("token" = ["work"])),
    params(
        ("worker" = String, Path, description = "Its name"),
        ("key" = String, Path, description = "Of the attempt"),
        ("orchestrate-session" = String, Header, description = "The session of the worker, as it said in its first message"),
    ),
    request_body = SecretWanted,
    responses((status = OK, body = SecretGiven), (status = "default", body = Problem)),
)]
pub(crate) async fn secret(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((worker, key)): Path<(String, String)>,
    headers: HeaderMap,
    Json(SecretWanted { name }): Json<SecretWanted>,
) -> Result<Json<SecretGiven>, Fault> {
    let held = holding(&shared, worker.clone(), key, &headers).await?;
    if !held.secrets.contains(&name) {
        tracing::warn!(worker, name, "a worker asked for a secret of another stage");
        let detail = format!("the stage of this attempt does not name the secret `{name}`");
        return Err(Fault::not_allowed(detail));
    }
    let vault = Arc::clone(&shared.vault);
    let answer = blocking(move || {
        let (run, environment) = (held.run.to_string(), held.environment.as_deref());
        vault.answer(SecretAsk { name: &name, run: &run, environment, attempt: &held.key })
    });
    let value = answer.await?.map_err(Fault::invalid_input)?;
    Ok(Json(SecretGiven { value }))
}

/// What the attempt's runtime is reached with
///
/// Stages that a worker takes run as its own processes, which need nothing to be reached.
#[utoipa::path(
    post,
    path = "/api/workers/{worker}/attempts/{key}/keys",
    tag = "workers",
    security(("token" = ["work"])),
    params(
        ("worker" = String, Path, description = "Its name"),
        ("key" = String, Path, description = "Of the attempt"),
        ("orchestrate-session" = String, Header, description = "The session of the worker, as it said in its first message"),
    ),
    responses(
        (status = OK, body = BTreeMap<String, String>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn keys(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((worker, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<BTreeMap<String, String>>, Fault> {
    holding(&shared, worker, key, &headers).await?;
    Ok(Json(BTreeMap::new()))
}
