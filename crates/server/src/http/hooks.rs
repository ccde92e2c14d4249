//! Deliveries of forges and others: proved by a signature over the bytes, answered when stored.

use std::sync::Arc;
use std::time::Duration;

use api::Page;
use api::event::{Delivered, DeliveredEvent, SourceSecret, SourceView};
use api::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use store::port::GivenEvent;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::body::Json;
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::conductor::desk::Ask;
use crate::config::source::Source;
use crate::hooks::{self, Received, Unreadable, signature};
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// What a forge sends at most.
const LIMIT: usize = 25 << 20;
/// Of all bodies that are in memory at the same time, in KiB.
const ROOM: u32 = 256 << 10;
/// Until a body has come.
const SLOW: Duration = Duration::from_secs(60);

/// Taken for each body before it is read, in KiB.
static BODIES: Semaphore = Semaphore::const_new(ROOM as usize);

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    let limit = DefaultBodyLimit::max(LIMIT);
    Rooms::new()
        .routes(routes!(deliver))
        .routes(routes!(agree))
        .layer(limit)
        .routes(routes!(sources))
}

/// Who sends events to this server, and whether it has the secrets that prove them; never the secrets
#[utoipa::path(
    get,
    path = "/api/sources",
    operation_id = "list_sources",
    tag = "events",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<SourceView>), (status = "default", body = Problem)),
)]
pub(crate) async fn sources(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Page<SourceView>>, Fault> {
    let config = shared.config()?;
    let asked = Arc::clone(&shared);
    let data = blocking(move || {
        let all = config.sources.iter();
        all.map(|(name, source)| shown(&asked, name, source)).collect::<Vec<_>>()
    });
    let key = |of: &SourceView| of.name.clone();
    Ok(Json(pipelines::page("source", data.await?, u32::MAX, key)))
}

/// Blocks: a secret may stand in a file.
fn shown(shared: &Shared, name: &str, source: &Source) -> SourceView {
    let secrets = source.secrets.iter().map(|reference| SourceSecret {
        place: reference.to_string(),
        problem: match shared.vault.resolve(reference) {
            Ok(_secret) => String::new(),
            Err(problem) => problem.to_string(),
        },
    });
    SourceView {
        name: name.to_owned(),
        kind: source.kind.word().to_owned(),
        path: format!("/hooks/{name}"),
        secrets: secrets.collect(),
        api: source.api.as_ref().map(|api| api.url.clone()),
        mirror: source.mirror.as_ref().map(|path| path.display().to_string()),
    }
}

/// Takes a delivery of a source of `config.yaml`; its signature proves who sent it. Answered when
/// all of its events are stored; the same delivery again changes nothing.
#[utoipa::path(
    post,
    path = "/hooks/{source}",
    operation_id = "deliver",
    tag = "events",
    security(()),
    params(("source" = String, Path, description = "Its name in `config.yaml`")),
    request_body(content = String, description = "As the sender sends it", content_type = "application/json"),
    responses(
        (status = ACCEPTED, body = Delivered),
        (status = OK, body = Delivered, description = "All of it was there already"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn deliver(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let source = source(&shared, &name)?;
    // Nothing is read for somebody who shows nothing.
    if signature::shown(source.kind, &source.generic, &parts.headers).is_none() {
        return Err(unproved());
    }
    let bytes = length(&parts.headers)?;
    let kibibytes = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
    let Ok(_room) = BODIES.try_acquire_many(kibibytes) else {
        return Err(Refused::Overloaded.into());
    };
    let body = read(body).await?;
    let proving = Arc::clone(&shared);
    let headers = parts.headers;
    let events = blocking(move || events(&proving, &name, &source, &headers, &body)).await??;
    let given = shared.desk.ask(|reply| Ask::Give { events, reply }).await?;
    let all_known = !given.is_empty() && given.iter().all(|given| given.duplicate);
    let status = if all_known { StatusCode::OK } else { StatusCode::ACCEPTED };
    let events = given.into_iter().map(|given| DeliveredEvent {
        id: given.event.id.clone(),
        kind: given.event.kind.clone(),
        duplicate: given.duplicate,
    });
    Ok((status, Json(Delivered { events: events.collect() })).into_response())
}

/// Says that this address takes events: CloudEvents' senders ask before they send.
#[utoipa::path(
    options,
    path = "/hooks/{source}",
    operation_id = "agree_to_deliveries",
    tag = "events",
    security(()),
    params(("source" = String, Path, description = "Its name in `config.yaml`")),
    responses((status = NO_CONTENT), (status = "default", body = Problem)),
)]
pub(crate) async fn agree(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    source(&shared, &name)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert("allow", HeaderValue::from_static("POST, OPTIONS"));
    if let Some(origin) = headers.get("webhook-request-origin") {
        response.headers_mut().insert("webhook-allowed-origin", origin.clone());
    }
    Ok(response)
}

fn source(shared: &Shared, name: &str) -> Result<Source, Fault> {
    let config = shared.config().map_err(|refused| {
        // The sender cannot help it, and may come again.
        tracing::error!(cause = %refused, "deliveries are refused");
        Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "config_invalid",
            "the configuration is invalid",
            "what this server is told about its sources cannot be read",
        )
    })?;
    config.sources.get(name).cloned().ok_or_else(|| {
        Fault::not_found("there is no such source")
            .hint("sources are written below `sources:` in `config.yaml` of the data folder")
    })
}

fn unproved() -> Fault {
    Fault::new(
        StatusCode::UNAUTHORIZED,
        "not_signed",
        "not signed",
        "the signature is missing or was made with another secret",
    )
    .hint("give the sender the same secret that `sources:` in `config.yaml` names")
}

fn too_large() -> Fault {
    Fault::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        "the body is too large",
        format!("a delivery has at most {LIMIT} bytes"),
    )
}

/// What the body will take: what it says, or the most it can.
fn length(headers: &HeaderMap) -> Result<usize, Fault> {
    let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match said.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > LIMIT as u64 => Err(too_large()),
        Some(length) => Ok(usize::try_from(length).unwrap_or(LIMIT)),
        None => Ok(LIMIT),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Fault> {
    match tokio::time::timeout(SLOW, to_bytes(body, LIMIT)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
            while let Some(found) = cause {
                if found.is::<http_body_util::LengthLimitError>() {
                    return Err(too_large());
                }
                cause = found.source();
            }
            Err(Fault::bad_request("the body broke off"))
        }
        Err(_elapsed) => Err(Fault::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow",
            "too slow",
            format!("the body did not come within {} s", SLOW.as_secs()),
        )),
    }
}

/// Proves and reads. Blocks.
fn events(
    shared: &Shared,
    name: &str,
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<GivenEvent>, Fault> {
    let Some((header, proof)) = signature::shown(source.kind, &source.generic, headers) else {
        return Err(unproved());
    };
    let (mut proved, mut known) = (false, false);
    for reference in &source.secrets {
        match shared.vault.resolve(reference) {
            Ok(secret) => {
                known = true;
                proved |= signature::verifies(&header, proof, secret.expose(), body);
            }
            Err(problem) => tracing::error!(source = name, %problem, "a secret cannot be had"),
        }
    }
    if !known {
        return Err(Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_secret",
            "no secret",
            "this server does not have the secret that proves deliveries of this source",
        ));
    }
    if !proved {
        return Err(unproved());
    }
    let drawn = Uuid::now_v7().to_string();
    hooks::read(&Received { name, source, headers, body, drawn }).map_err(unreadable)
}

fn unreadable(problem: Unreadable) -> Fault {
    match problem {
        Unreadable::Media { .. } => Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "unsupported media type",
            problem.to_string(),
        ),
        Unreadable::NotJson(_) | Unreadable::Wrong(_) => Fault::bad_request(problem.to_string()),
    }
}
