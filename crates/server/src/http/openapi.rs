//! What the API says of itself: the document that is made of the rooms, and the page that shows it.

use std::sync::{Arc, LazyLock};

use api::problem::Problem;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use super::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;

mod finish;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(document))
        .routes(routes!(page))
        .routes(routes!(front))
        .routes(routes!(file))
}

/// The whole document: OpenAPI 3.1.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    finish::finish(serde_json::to_value(super::rooms().describe()).unwrap_or_default())
});

/// As it is answered and committed.
pub(crate) static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&*DOCUMENT).unwrap_or_default();
    text.push('\n');
    text
});

/// What the page may load: its own files, and the icons that its style sheet holds.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// This document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "system",
    security(()),
    responses((status = OK, body = Object), (status = "default", body = Problem)),
)]
pub(crate) async fn document() -> Response {
    ([(CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// Leads to the page: its files are found relative to it.
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "system",
    security(()),
    responses((status = SEE_OTHER, description = "To `/api/docs/`"), (status = "default", body = Problem)),
)]
pub(crate) async fn page() -> Redirect {
    Redirect::to("/api/docs/")
}

/// The interactive page of this document; it needs no other site.
#[utoipa::path(
    get,
    path = "/api/docs/",
    tag = "system",
    security(()),
    responses(
        (status = OK, body = String, content_type = "text/html"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn front() -> Result<Response, Fault> {
    served("index.html")
}

/// A file of the page.
#[utoipa::path(
    get,
    path = "/api/docs/{file}",
    tag = "system",
    security(()),
    params(("file" = String, Path, description = "`swagger-ui.css` and others that the page names")),
    responses(
        (status = OK, body = Vec<u8>, content_type = "*/*"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn file(Path(file): Path<String>) -> Result<Response, Fault> {
    served(&file)
}

fn served(name: &str) -> Result<Response, Fault> {
    let config = utoipa_swagger_ui::Config::from("/api/openapi.json")
        .display_operation_id(true)
        .validator_url("none")
        .doc_expansion("none");
    let found = utoipa_swagger_ui::serve(name, Arc::new(config))
        .map_err(|error| Refused::Internal(format!("a file of the page: {error}")))?;
    let Some(file) = found else {
        return Err(Fault::not_found(format!("the page has no file `{name}`")));
    };
    let mut response = Response::new(Body::from(file.bytes.into_owned()));
    let mut say = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    say(CONTENT_TYPE, &file.content_type);
    say(CONTENT_SECURITY_POLICY, POLICY);
    if file.gzpipped {
        say(CONTENT_ENCODING, "gzip");
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
