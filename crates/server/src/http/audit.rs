//! The trail of what was decided, and the proof that nobody altered it.

use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::flow::{AuditEntry, Verified};
use api::problem::Problem;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use store::port::{AuditQuery, AuditRow, TrailQuery, TrailRow};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(list)).routes(routes!(verify))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    run: Option<String>,
    by: Option<String>,
    action: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before.
    #[param(pattern = "^[0-9]{1,20}-[0-9]{1,20}$")]
    after: Option<String>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "audit",
    security(("token" = ["audit"])),
    params(List),
    responses(
        (status = OK, body = Page<AuditEntry>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(list): Params<List>,
) -> Result<Json<Page<AuditEntry>>, Fault> {
    let limit = pipelines::limit(list.limit);
    let run = match list.run {
        Some(run) => Some(reference::run(&shared, &run).await?.id),
        None => None,
    };
    let (before, before_entry) = match list.after.as_deref().map(places) {
        None => (None, None),
        Some(Some((position, number))) => (Some(position), Some(number)),
        Some(None) => return Err(pipelines::bad_after("`<number>-<number>`")),
    };
    let of_server = TrailQuery {
        by: list.by.clone(),
        action: list.action.clone(),
        since: list.since,
        until: list.until,
        before: before_entry,
        // A run has nothing to do with what the server itself notes.
        limit: if run.is_some() { 0 } else { limit + 1 },
    };
    let query = AuditQuery {
        run,
        by: list.by,
        action: list.action,
        since: list.since,
        until: list.until,
        before,
        limit: limit + 1,
    };
    let (decisions, entries) =
        shared.read(move |reader| Ok((reader.audit(&query)?, reader.trail(&of_server)?))).await?;
    let start = (before.unwrap_or(u64::MAX), before_entry.unwrap_or(u64::MAX));
    Ok(Json(joined(decisions, entries, start, limit)))
}

/// Where a page ends in both trails: `<position>-<number>`.
fn places(cursor: &str) -> Option<(u64, u64)> {
    let (position, number) = cursor.split_once('-')?;
    // Beyond every number that there is, it is the beginning.
    let place = |digits: &str| {
        let fits = (1..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| digits.parse().unwrap_or(u64::MAX))
    };
    Some((place(position)?, place(number)?))
}

/// The newest of both, at most so many. Either list has one more than that, where there are more.
fn joined(
    decisions: Vec<AuditRow>,
    entries: Vec<TrailRow>,
    start: (u64, u64),
    limit: u32,
) -> Page<AuditEntry> {
    let limit = limit as usize;
    let more = decisions.len() + entries.len() > limit;
    let (mut decisions, mut entries) =
        (decisions.into_iter().peekable(), entries.into_iter().peekable());
    let (mut position, mut number) = start;
    let mut data = Vec::new();
    while data.len() < limit {
        let decided = match (decisions.peek(), entries.peek()) {
            (None, None) => break,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(decision), Some(entry)) => decision.event.at >= entry.entry.at,
        };
        if decided {
            data.extend(decisions.next().map(|row| {
                position = row.position;
                view::audit::entry(row)
            }));
        } else {
            data.extend(entries.next().map(|row| {
                number = row.number;
                view::audit::of_server(row)
            }));
        }
    }
    let next = more.then(|| format!("{position}-{number}"));
    Page { schema: "orchestrate.audit.list/v1".to_owned(), data, next }
}

/// Checks every hash; takes as long as it takes to read everything.
#[utoipa::path(
    get,
    path = "/api/audit/verify",
    tag = "audit",
    security(("token" = ["audit"])),
    responses(
        (status = OK, body = Verified),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn verify(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Verified>, Fault> {
    let verified = shared.read(|reader| Ok((reader.verify()?, reader.verify_trail()?))).await;
    let (verified, entries) = verified.map_err(Fault::broken)?;
    let store::port::Verified { runs, events, head } = verified;
    Ok(Json(Verified { runs, events, entries, head }))
}
