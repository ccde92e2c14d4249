//! Letting go of what need not be kept.

use std::sync::Arc;

use api::problem::Problem;
use api::system::Retained;
use axum::extract::State;

use super::body::Json;
use super::caller::Caller;
use super::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::retention;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(plan, perform))
}

/// What would go by the rules of `retention:` and `artifacts:` in `config.yaml`, now.
#[utoipa::path(
    get,
    path = "/api/retention",
    tag = "system",
    security(("token" = ["read"])),
    responses((status = OK, body = Retained), (status = "default", body = Problem)),
)]
pub(crate) async fn plan(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Retained>, Fault> {
    Ok(Json(retention::round(&shared, &caller.name, true).await?))
}

/// Lets it go, now; it happens by itself every hour.
#[utoipa::path(
    post,
    path = "/api/retention",
    tag = "system",
    security(("token" = ["maintain"])),
    responses((status = OK, body = Retained), (status = "default", body = Problem)),
)]
pub(crate) async fn perform(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Retained>, Fault> {
    Ok(Json(retention::round(&shared, &caller.name, false).await?))
}
