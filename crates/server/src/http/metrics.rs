//! What is counted and measured, for Prometheus.

use std::sync::Arc;

use api::problem::Problem;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::caller::Door;
use super::problem::Fault;
use crate::config::settings;
use crate::http::rooms::{Rooms, routes};
use crate::metrics;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(show))
}

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// In the text format of Prometheus; every name is in docs/reference/metrics.md. Public where
/// `metrics.public` is set and the server listens on loopback.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "system_metrics",
    tag = "system",
    security(("token" = ["read"])),
    responses(
        (status = OK, body = String, content_type = "text/plain"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn show(State(shared): State<Arc<Shared>>) -> Result<Response, Fault> {
    let text = metrics::render(&shared).await?;
    Ok(([(CONTENT_TYPE, FORMAT)], text).into_response())
}

/// Whether nobody has to say who they are for it: by the settings, and on loopback alone.
pub(super) fn is_open(shared: &Shared, door: &Door, path: &str) -> bool {
    let Door::Tcp { bound, .. } = door else { return false };
    path == "/metrics"
        && bound.ip().is_loopback()
        && shared.settings().is_ok_and(|settings| settings.is(&settings::METRICS_PUBLIC))
}
