//! A run in one document.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::artifact::ArtifactView;
use api::bundle::{Bundle, BundledLog, SCHEMA};
use api::problem::Problem;
use api::run::{EventView, RunDetail};
use axum::extract::{Path, State};
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::{IntoResponse, Response};
use engine::id::RunId;
use store::port::{ArtifactQuery, Read, RunRow};

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use super::{artifacts, reference};
use crate::captured::{self, Times};
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::{history, view};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(export))
}

/// Of one artifact's text.
const TEXT: u64 = 1 << 20;
/// From the end of the output of one attempt.
const LOG: usize = 64 << 10;
/// Events and artifacts read at once.
const PAGE: u32 = 1000;

/// The captured output of one attempt.
struct Place {
    stage: String,
    attempt: u32,
    key: String,
}

/// Everything of a run in one document.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/export",
    tag = "runs",
    security(("token" = ["read"])),
    params(("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one")),
    responses(
        (status = OK, body = Bundle),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn export(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(run): Path<String>,
) -> Result<Response, Fault> {
    let row = reference::run(&shared, &run).await?;
    let seen = history::look(&shared, &row, |run| (view::run::detail(run), places(run)));
    let (detail, places) = seen.await?;
    let name = format!("{}-{}.json", row.pipeline, row.number);
    let reading = Arc::clone(&shared);
    let bundle = blocking(move || bundle(&reading, &row, detail, places)).await??;
    let shown = format!("attachment; filename=\"{}\"", artifacts::plain_name(&name));
    Ok(([(CONTENT_DISPOSITION, shown)], Json(bundle)).into_response())
}

fn places(run: &engine::Run) -> Vec<Place> {
    let id = run.header().map(|header| header.run);
    let rows = run.rows();
    rows.flat_map(|row| {
        let (stage, instance, ix) = (row.id.to_string(), row.id.instance, row.ix.get());
        let attempts = row.attempts.into_iter().map(|attempt| attempt.number);
        let place = move |attempt| {
            let key = captured::key(id?, ix, instance, attempt);
            Some(Place { stage: stage.clone(), attempt, key })
        };
        attempts.filter_map(place).collect::<Vec<_>>()
    })
    .collect()
}

fn bundle(
    shared: &Shared,
    row: &RunRow,
    run: RunDetail,
    places: Vec<Place>,
) -> Result<Bundle, Refused> {
    let reader = &*shared.reader;
    let missing = || Refused::NotFound { what: "revision", name: row.revision.to_string() };
    let revision = reader.revision(&row.pipeline, Some(row.revision))?.ok_or_else(missing)?;
    let artifacts = artifacts(reader, row)?;
    let mut contents = BTreeMap::new();
    for artifact in artifacts.iter().filter(|artifact| artifact.bytes <= TEXT) {
        if contents.contains_key(&artifact.digest) {
            continue;
        }
        if let Some(text) = artifacts::text(shared, &artifact.digest)? {
            contents.insert(artifact.digest.clone(), text);
        }
    }
    let logs = places.iter().filter_map(|place| log(shared, row.id, place).transpose());
    Ok(Bundle {
        schema: SCHEMA.to_owned(),
        run,
        definition: revision.text,
        events: events(reader, row.id)?,
        artifacts,
        contents,
        logs: logs.collect::<Result<_, _>>()?,
    })
}

fn events(reader: &dyn Read, run: RunId) -> Result<Vec<EventView>, Refused> {
    let mut events: Vec<EventView> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.seq);
        let rows = reader.events(run, after, PAGE)?;
        if rows.is_empty() {
            return Ok(events);
        }
        events.extend(rows.iter().map(view::event::of_row));
    }
}

fn artifacts(reader: &dyn Read, run: &RunRow) -> Result<Vec<ArtifactView>, Refused> {
    let mut all: Vec<ArtifactView> = Vec::new();
    let mut before = None;
    loop {
        let query =
            ArtifactQuery { run: Some(run.id), before, limit: PAGE, ..ArtifactQuery::default() };
        let rows = reader.artifacts(&query)?;
        let Some(last) = rows.last() else { break };
        before = Some(last.number);
        all.extend(rows.iter().map(|row| view::artifact::view(row, run)));
    }
    all.reverse();
    Ok(all)
}

/// `None`: it wrote nothing.
fn log(shared: &Shared, run: RunId, place: &Place) -> Result<Option<BundledLog>, Refused> {
    let failed = |error| Refused::Internal(format!("could not read captured output: {error}"));
    let read = |offset| {
        captured::read(&shared.data_dir, &run.to_string(), &place.key, offset, LOG, Times::Unwanted)
    };
    let total = read(u64::MAX).map_err(failed)?.total;
    let chunk = read(total.saturating_sub(LOG as u64)).map_err(failed)?;
    if chunk.bytes.is_empty() {
        return Ok(None);
    }
    Ok(Some(BundledLog {
        stage: place.stage.clone(),
        attempt: place.attempt,
        skipped: chunk.offset,
        text: String::from_utf8_lossy(&chunk.bytes).into_owned(),
    }))
}
