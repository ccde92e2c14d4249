//! The settings of this server.

use std::sync::Arc;

use api::Page;
use api::config::SettingView;
use api::problem::Problem;
use axum::extract::State;

use super::body::Json;
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(show))
}

/// Every setting with its value and where it came from; of secrets only whether they are set.
#[utoipa::path(
    get,
    path = "/api/config",
    tag = "system",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<SettingView>), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Page<SettingView>>, Fault> {
    let settings = shared.settings()?;
    let mut data: Vec<SettingView> = settings.all().map(view::setting::view).collect();
    data.extend(view::setting::of_provider(shared.config()?.oidc.as_ref()));
    Ok(Json(pipelines::page("setting", data, u32::MAX, |of: &SettingView| of.name.clone())))
}
