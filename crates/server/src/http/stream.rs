//! The live stream in its three forms (`api::stream`): WebSocket, server-sent events, long poll.

use std::sync::Arc;
use std::time::Duration;

use api::problem::Problem;
use api::stream::{Frame, Polled};
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body::Params;
use super::caller::{Caller, Denied, Pass};
use super::problem::Fault;
use super::reference;
use crate::http::rooms::{Rooms, routes};
use crate::live::feed::{Feed, Subscription};
use crate::live::topic::{FORMS, LogOf, TalkOf, Topic, Wanted};
use crate::refused::Refused;
use crate::shared::Shared;

mod events;
mod poll;
mod socket;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(stream)).routes(routes!(server_sent)).routes(routes!(long_poll))
}

/// Silence after which the server says that the connection still stands.
const PING: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long is cut.
const STUCK: Duration = Duration::from_secs(20);
/// Topics of one connection.
const TOPICS: usize = 256;
/// Characters of a topic.
const TOPIC: usize = 512;

/// The live stream over WebSocket
///
/// Messages are `Say` one way and `Frame` the other. The upgrade succeeds also for a caller who is
/// not let in: the first frame then says so, and the connection is closed with 4401.
#[utoipa::path(
    get,
    path = "/api/v1/stream",
    tag = "live",
    security(("token" = ["read"])),
    responses(
        (status = SWITCHING_PROTOCOLS, description = "a WebSocket"),
        (status = UPGRADE_REQUIRED, body = Problem),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    denied: Option<Extension<Denied>>,
    pass: Option<Extension<Pass>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    let upgrade = upgrade.map_err(|rejection| {
        let detail = format!("this is a WebSocket: {}", rejection.body_text());
        Fault::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "upgrade required", detail)
            .hint("without WebSocket: GET /api/v1/stream/sse?topics=runs, or /api/v1/stream/poll")
    })?;
    let denied = denied.map(|Extension(Denied(fault))| fault);
    let upgrade = socket::limits(upgrade);
    Ok(upgrade.on_upgrade(async move |socket| {
        let pass = pass.map(|Extension(pass)| pass);
        socket::talk(socket, shared, pass, denied).await;
    }))
}

/// What a stream over plain HTTP tells.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Topics {
    /// Topics, separated by commas.
    topics: String,
    /// Where to go on: the `id` of the last event, or `cursor` of the last answer.
    cursor: Option<String>,
}

/// The live stream as server-sent events
///
/// `data` is a `Frame`; `id` goes back as `Last-Event-ID`, which browsers do by themselves.
#[utoipa::path(
    get,
    path = "/api/v1/stream/sse",
    tag = "live",
    security(("token" = ["read"])),
    params(Topics),
    responses(
        (status = OK, content_type = "text/event-stream", body = Frame),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn server_sent(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    pass: Option<Extension<Pass>>,
    headers: HeaderMap,
    Params(Topics { topics, cursor }): Params<Topics>,
) -> Result<Response, Fault> {
    let room = shared.hub.admit()?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let topics = resolve_all(&shared, &topics).await?;
    // A browser never asks again after a refusal: what it cannot go on from, it begins anew.
    let places = last.or(cursor.as_deref()).and_then(|at| places(at, topics.len()));
    let (feed, slots) = listen(&shared, topics, places).await?;
    Ok(events::answer(shared, feed, slots, pass.map(|Extension(pass)| pass), room))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Poll {
    /// Topics, separated by commas.
    topics: String,
    /// Where to go on: `cursor` of the last answer.
    cursor: Option<String>,
    /// Seconds to wait for something to happen: 25 if not said, 55 at most.
    wait: Option<u64>,
}

/// The live stream by long poll
///
/// Answers at once when there is something to tell, else when something happens.
#[utoipa::path(
    get,
    path = "/api/v1/stream/poll",
    tag = "live",
    security(("token" = ["read"])),
    params(Poll),
    responses((status = OK, body = Polled), (status = "default", body = Problem)),
)]
pub(crate) async fn long_poll(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Poll { topics, cursor, wait }): Params<Poll>,
) -> Result<Response, Fault> {
    let _room = shared.hub.admit()?;
    let topics = resolve_all(&shared, &topics).await?;
    let places = match cursor.as_deref().map(|cursor| places(cursor, topics.len())) {
        Some(None) => {
            return Err(Fault::bad_request("`cursor` does not belong to these topics")
                .hint("leave it out: the answer then begins with snapshots"));
        }
        places => places.flatten(),
    };
    let (feed, slots) = listen(&shared, topics, places).await?;
    Ok(poll::answer(&shared, feed, &slots, wait).await.into_response())
}

/// What a client calls a topic.
async fn resolve(shared: &Shared, asked: &str) -> Result<Topic, Fault> {
    if asked.len() > TOPIC {
        return Err(Fault::bad_request(format!("a topic has at most {TOPIC} bytes")));
    }
    let unknown = || {
        Fault::not_found(format!("there is no topic `{asked}`"))
            .hint(format!("topics are: {FORMS}"))
    };
    match Wanted::parse(asked).ok_or_else(unknown)? {
        Wanted::Plain(topic) => Ok(topic),
        Wanted::Run(run) => Ok(Topic::Run(reference::run(shared, &run).await?.id)),
        Wanted::Log { run, execution, attempt } => {
            let run = reference::run(shared, &run).await?.id;
            Ok(Topic::Log(LogOf { run, execution, attempt }))
        }
        Wanted::Talk { run, execution } => {
            let run = reference::run(shared, &run).await?.id;
            Ok(Topic::Talk(TalkOf { run, execution }))
        }
        Wanted::Pipeline(name) => {
            let of = name.clone();
            let found = shared.read(move |reader| Ok(reader.pipeline(&of)?)).await?;
            found.ok_or(Refused::NotFound { what: "pipeline", name: name.clone() })?;
            Ok(Topic::Pipeline(name))
        }
    }
}

async fn resolve_all(shared: &Shared, topics: &str) -> Result<Vec<(String, Topic)>, Fault> {
    let mut resolved: Vec<(String, Topic)> = Vec::new();
    for asked in topics.split(',').map(str::trim).filter(|asked| !asked.is_empty()) {
        if resolved.len() == TOPICS {
            return Err(too_many());
        }
        let topic = resolve(shared, asked).await?;
        resolved.push((asked.to_owned(), topic));
    }
    if resolved.is_empty() {
        return Err(
            Fault::bad_request("`topics` names no topic").hint(format!("topics are: {FORMS}"))
        );
    }
    Ok(resolved)
}

/// What could not be done, as a frame.
fn failed(fault: &Fault, topic: Option<String>) -> String {
    let frame = Frame::Failed { err: fault.failure(topic) };
    // Text and numbers: no value refuses to be written.
    serde_json::to_string(&frame).unwrap_or_default()
}

fn too_many() -> Fault {
    Fault::new(
        StatusCode::TOO_MANY_REQUESTS,
        "overloaded",
        "too many topics",
        format!("one connection listens to at most {TOPICS} topics"),
    )
}

/// An epoch and a number, for each topic that is known so far.
type Place = Option<(String, u64)>;

/// `None`: it is not of so many topics.
fn places(cursor: &str, topics: usize) -> Option<Vec<Place>> {
    let place = |text: &str| match text.rsplit_once(':') {
        None => (text == "-").then_some(None),
        Some((epoch, seq)) => Some(Some((epoch.to_owned(), seq.parse().ok()?))),
    };
    let places: Vec<Place> = cursor.split(',').map(place).collect::<Option<_>>()?;
    (places.len() == topics).then_some(places)
}

async fn listen(
    shared: &Arc<Shared>,
    topics: Vec<(String, Topic)>,
    places: Option<Vec<Place>>,
) -> Result<(Feed, Vec<usize>), Fault> {
    let mut feed = Feed::new(shared);
    let mut slots = Vec::with_capacity(topics.len());
    let places = places.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
    for ((asked, topic), place) in topics.into_iter().zip(places) {
        let (epoch, after) = place.map_or((None, None), |(epoch, seq)| (Some(epoch), Some(seq)));
        slots.push(feed.subscribe(Subscription { topic, asked, epoch, after }).await?);
    }
    Ok((feed, slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_a_place_for_each_topic() {
        let at = |epoch: &str, seq| Some((epoch.to_owned(), seq));
        assert_eq!(places("s-9f:12,-", 2), Some(vec![at("s-9f", 12), None]));
        assert_eq!(places("p-1.2:0", 1), Some(vec![at("p-1.2", 0)]));
        for bad in ["", "s-9f", "s-9f:", "s-9f:x", "s-9f:-1", "-,-"] {
            assert_eq!(places(bad, 1), None, "{bad}");
        }
    }
}
