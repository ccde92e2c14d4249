//! Files that stages and people left: listed, handed out, compared.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use utoipa::IntoParams;

use api::Page;
use api::artifact::{ArtifactDiff, ArtifactView};
use api::problem::Problem;
use api::words::{ARTIFACT_STATUSES, artifact_statuses};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use blobs::Blobs;
use engine::id::RunId;
use serde::Deserialize;
use similar::TextDiff;
use store::port::{ArtifactQuery, ArtifactRow, Read, RunRow};

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::feed::channel;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(content))
        .routes(routes!(download))
        .routes(routes!(of_execution))
        .routes(routes!(diff))
}

/// Larger texts are not compared, and not put into an export.
const TEXT: u64 = 1 << 20;
/// Read and sent at once.
const CHUNK: usize = 64 << 10;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    run: Option<String>,
    stage: Option<String>,
    /// Words of statuses, separated by commas.
    #[param(schema_with = artifact_statuses)]
    status: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// The id of the last one of the page before.
    after: Option<u64>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/artifacts",
    tag = "artifacts",
    security(("token" = ["read"])),
    params(List),
    responses(
        (status = OK, body = Page<ArtifactView>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(list): Params<List>,
) -> Result<Json<Page<ArtifactView>>, Fault> {
    let limit = pipelines::limit(list.limit);
    let run = match list.run {
        Some(run) => Some(reference::run(&shared, &run).await?.id),
        None => None,
    };
    let statuses = pipelines::statuses(list.status.as_deref(), ARTIFACT_STATUSES)?;
    let query = ArtifactQuery {
        run,
        stage: list.stage,
        statuses,
        before: list.after,
        limit: limit + 1,
        ..ArtifactQuery::default()
    };
    let views = shared
        .read(move |reader| {
            let mut runs = Runs::default();
            let rows = reader.artifacts(&query)?;
            rows.iter()
                .map(|row| Ok(view::artifact::view(row, runs.get(reader, row.run)?)))
                .collect()
        })
        .await?;
    Ok(Json(pipelines::page("artifact", views, limit, |view: &ArtifactView| view.id.clone())))
}

/// Runs looked up once.
#[derive(Default)]
pub(crate) struct Runs(HashMap<RunId, RunRow>);

impl Runs {
    pub(crate) fn get(&mut self, reader: &dyn Read, run: RunId) -> Result<&RunRow, Refused> {
        match self.0.entry(run) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let row = reader.run(run)?;
                let missing = Refused::NotFound { what: "run", name: run.to_string() };
                Ok(place.insert(row.ok_or(missing)?))
            }
        }
    }
}

async fn find(shared: &Shared, id: &str) -> Result<(ArtifactRow, ArtifactView), Refused> {
    let name = id.to_owned();
    shared
        .read(move |reader| {
            let row = match name.parse() {
                Ok(number) => reader.artifact(number)?,
                Err(_not_a_number) => None,
            };
            let row = row.ok_or(Refused::NotFound { what: "artifact", name })?;
            let view = view::artifact::view(&row, Runs::default().get(reader, row.run)?);
            Ok((row, view))
        })
        .await
}

/// What is known of an artifact.
#[utoipa::path(
    get,
    path = "/api/artifacts/{id}",
    tag = "artifacts",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "Number of the artifact")),
    responses(
        (status = OK, body = ArtifactView),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ArtifactView>, Fault> {
    Ok(Json(find(&shared, &id).await?.1))
}

/// The file as it was left. Nothing that a browser would run is shown by it.
#[utoipa::path(
    get,
    path = "/api/artifacts/{id}/content",
    tag = "artifacts",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "Number of the artifact")),
    responses(
        (status = OK, body = Vec<u8>, content_type = "*/*", description = "The bytes, with the type of the artifact's format"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn content(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let (row, _) = find(&shared, &id).await?;
    let blobs = Blobs::of(&shared.data_dir);
    let digest = row.digest.clone();
    let file = blocking(move || blobs.open(&digest)).await?;
    let file = file.map_err(|error| gone(&row, error))?;
    Ok((headers(&row), stream(file)).into_response())
}

/// The same, always as a file to keep.
#[utoipa::path(
    get,
    path = "/api/artifacts/{id}/download",
    tag = "aliases",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "Number of the artifact")),
    responses(
        (status = OK, body = Vec<u8>, content_type = "*/*", description = "The bytes, with the type of the artifact's format"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn download(
    state: State<Arc<Shared>>,
    caller: Caller,
    path: Path<String>,
) -> Result<Response, Fault> {
    let mut response = content(state, caller, path).await?;
    let headers = response.headers_mut();
    let shown = headers.get(CONTENT_DISPOSITION).and_then(|way| way.to_str().ok());
    let kept = shown.and_then(|way| way.strip_prefix("inline"));
    let kept = kept.and_then(|rest| HeaderValue::from_str(&format!("attachment{rest}")).ok());
    if let Some(kept) = kept {
        headers.insert(CONTENT_DISPOSITION, kept);
    }
    Ok(response)
}

/// What an execution left, newest first.
#[utoipa::path(
    get,
    path = "/api/artifacts/execution/{id}",
    tag = "aliases",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`<run>.<stage>`, and `.<n>` for an instance")),
    responses((status = OK, body = Page<ArtifactView>), (status = "default", body = Problem)),
)]
pub(crate) async fn of_execution(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Page<ArtifactView>>, Fault> {
    let (run, execution) = super::aliases::execution(&shared, &id).await?;
    let stage = Some(execution.stage.to_string());
    let query = ArtifactQuery { run: Some(run.id), stage, limit: 1000, ..ArtifactQuery::default() };
    let name = execution.to_string();
    let rows = shared.read(move |reader| Ok(reader.artifacts(&query)?)).await?;
    let own = rows.iter().filter(|row| row.execution == name);
    let data = own.map(|row| view::artifact::view(row, &run)).collect();
    Ok(Json(pipelines::page("artifact", data, u32::MAX, |of: &ArtifactView| of.id.clone())))
}

fn gone(row: &ArtifactRow, error: blobs::Error) -> Fault {
    match error {
        blobs::Error::Missing { .. } if row.status == ArtifactRow::DROPPED => {
            Fault::not_found(format!("the content of `{}` was dropped by retention", row.name))
        }
        error => Refused::from(error).into(),
    }
}

pub(super) fn stream(file: File) -> axum::body::Body {
    use tokio::io::AsyncReadExt as _;
    let (out, body) = channel();
    tokio::spawn(async move {
        let mut file = tokio::fs::File::from_std(file);
        loop {
            let mut chunk = vec![0; CHUNK];
            match file.read(&mut chunk).await {
                // The length was said: whoever reads sees when a part is missing.
                Ok(0) | Err(_) => return,
                Ok(read) => chunk.truncate(read),
            }
            if out.send(Bytes::from(chunk)).await.is_err() {
                return;
            }
        }
    });
    body
}

fn headers(row: &ArtifactRow) -> HeaderMap {
    let (kind, shown) = match row.format.as_str() {
        "json" => ("application/json", true),
        "md" => ("text/markdown; charset=utf-8", true),
        "csv" => ("text/csv; charset=utf-8", true),
        "txt" | "py" | "mermaid" => ("text/plain; charset=utf-8", true),
        "png" => ("image/png", true),
        "jpeg" => ("image/jpeg", true),
        "html" => ("text/html; charset=utf-8", false),
        "svg" => ("image/svg+xml", false),
        _ => ("application/octet-stream", false),
    };
    let name = row.path.rsplit('/').next().unwrap_or(&row.name);
    let way = if shown { "inline" } else { "attachment" };
    let mut headers = HeaderMap::new();
    let mut say = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    say(CONTENT_TYPE, kind);
    say(CONTENT_LENGTH, &row.bytes.to_string());
    say(CONTENT_DISPOSITION, &format!("{way}; filename=\"{}\"", plain_name(name)));
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    say(CACHE_CONTROL, "private, immutable, max-age=31536000");
    say(ETAG, &format!("\"{}\"", row.digest));
    headers
}

/// A file name that means nothing to a header or a file system.
pub(crate) fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.chars().take(120).map(plain).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Against {
    /// The id of the older one.
    against: String,
}

/// From the one it is compared with to this one.
#[utoipa::path(
    get,
    path = "/api/artifacts/{id}/diff",
    tag = "artifacts",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "Number of the artifact"), Against),
    responses(
        (status = OK, body = ArtifactDiff),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn diff(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
    Params(Against { against }): Params<Against>,
) -> Result<Json<ArtifactDiff>, Fault> {
    let (_, to) = find(&shared, &id).await?;
    let (_, from) = find(&shared, &against).await?;
    let same = from.digest == to.digest;
    let reading = Arc::clone(&shared);
    let (old, new) = (from.clone(), to.clone());
    let diff = blocking(move || {
        let text = |of: &ArtifactView| {
            if of.bytes > TEXT { Ok(None) } else { text(&reading, &of.digest) }
        };
        let (Some(before), Some(after)) = (text(&old)?, text(&new)?) else { return Ok(None) };
        let label = |of: &ArtifactView| format!("{}/{}/{}", of.run_name, of.stage, of.name);
        let diff = TextDiff::from_lines(&before, &after);
        let unified = diff.unified_diff().header(&label(&old), &label(&new)).to_string();
        Ok::<_, Refused>(Some(unified))
    });
    Ok(Json(ArtifactDiff { from, to, same, diff: diff.await?? }))
}

/// `None`: it is gone, or no text.
pub(crate) fn text(shared: &Shared, digest: &str) -> Result<Option<String>, Refused> {
    let mut file = match Blobs::of(&shared.data_dir).open(digest) {
        Ok(file) => file,
        Err(blobs::Error::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    let read = file.by_ref().take(TEXT + 1).read_to_end(&mut bytes);
    read.map_err(|error| Refused::Internal(format!("could not read content {digest}: {error}")))?;
    Ok(String::from_utf8(bytes).ok().filter(|text| text.len() as u64 <= TEXT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_header_is_only_a_name() {
        for (name, plain) in [
            ("plan.md", "plan.md"),
            ("a\"b\r\nc.txt", "a_b__c.txt"),
            ("..", "file"),
            (".bashrc", "bashrc"),
            ("ä/b", "__b"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
