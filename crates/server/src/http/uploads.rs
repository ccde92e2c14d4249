//! Files that people give to forms.

use axum::extract::DefaultBodyLimit;
use std::sync::Arc;
use utoipa::IntoParams;

use api::input::Upload;
use api::problem::Problem;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use blobs::Blobs;
use pipeline::form::{FILE_BYTES, is_file_name};
use serde::Deserialize;

use super::body::{Json, Params, whole};
use super::caller::Caller;
use super::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(upload)).layer(DefaultBodyLimit::disable())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    name: String,
}

/// The body is the file. It is kept when a form that names it is submitted.
#[utoipa::path(
    post,
    path = "/api/uploads",
    tag = "inputs",
    security(("token" = ["decide"])),
    params(Named),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = CREATED, body = Upload),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn upload(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Named { name }): Params<Named>,
    body: Body,
) -> Result<(StatusCode, Json<Upload>), Fault> {
    if !is_file_name(&name) {
        let detail = "`name` has to be the plain name of a file: no `/`, no control characters";
        return Err(Fault::invalid_input(detail));
    }
    let limit = shared.config()?.artifacts.max_bytes.map_or(FILE_BYTES, |max| max.min(FILE_BYTES));
    let bytes = whole(body, limit).await?;
    let blobs = Blobs::of(&shared.data_dir);
    let stored = blocking(move || blobs.put(bytes.as_slice(), limit)).await?;
    let stored = stored.map_err(Refused::from)?;
    let upload = Upload { name, digest: stored.digest, bytes: stored.bytes };
    Ok((StatusCode::CREATED, Json(upload)))
}
