//! Calls of models by attempts: all of it is the gateway's.

use std::sync::Arc;

use api::problem::Problem;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};

use super::attempt::Attempt;
use super::problem::Fault;
use crate::gateway::{self, Incoming};
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;

/// Conversations are large.
const LARGEST: usize = 32 << 20;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(ask, list))
}

/// A call of a model
///
/// In the format of the provider: chat completions, responses, messages or generateContent, streamed
/// or not. The headers `x-orchestrate-turn`, `-member` and `-share` say which turn of whom it is; a
/// turn that was answered before is answered from memory. Refusals are in the words of the format.
#[utoipa::path(
    post,
    path = "/llm/{provider}/{*path}",
    operation_id = "attempt_call_model",
    tag = "attempt",
    security(("attempt" = ["live"])),
    params(
        ("provider" = String, Path, description = "As config.yaml names it"),
        ("path" = String, Path, description = "`v1/chat/completions`"),
    ),
    request_body = Object,
    responses((status = OK, body = Object), (status = "default", body = Problem)),
)]
pub(crate) async fn ask(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
    Path((provider, path)): Path<(String, String)>,
    request: Request,
) -> Response {
    pass(shared, live, provider, path, request).await
}

/// The models of a provider
#[utoipa::path(
    get,
    path = "/llm/{provider}/{*path}",
    operation_id = "attempt_list_models",
    tag = "attempt",
    security(("attempt" = ["live"])),
    params(
        ("provider" = String, Path, description = "As config.yaml names it"),
        ("path" = String, Path, description = "`v1/models`"),
    ),
    responses((status = OK, body = Object), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Attempt(live): Attempt,
    Path((provider, path)): Path<(String, String)>,
    request: Request,
) -> Response {
    pass(shared, live, provider, path, request).await
}

async fn pass(
    shared: Arc<Shared>,
    live: crate::door::LiveAttempt,
    provider: String,
    path: String,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = match whole(body).await {
        Ok(body) => body,
        Err(fault) => return fault.into_response(),
    };
    let incoming = Incoming {
        live,
        provider,
        method: parts.method,
        path,
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body,
    };
    gateway::answer(&shared, incoming).await
}

async fn whole(body: Body) -> Result<Bytes, Fault> {
    axum::body::to_bytes(body, LARGEST).await.map_err(|_error| {
        Fault::too_large(format!("a call of a model has at most {LARGEST} bytes"))
    })
}
