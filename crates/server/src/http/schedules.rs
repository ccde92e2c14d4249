//! What is due when.

use std::collections::HashMap;
use std::sync::Arc;

use api::Page;
use api::problem::Problem;
use api::trigger::ScheduleView;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;
use crate::view;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before.
    after: Option<String>,
    /// Only of this pipeline.
    pipeline: Option<String>,
}

/// Schedules by pipeline and trigger.
#[utoipa::path(
    get,
    path = "/api/schedules",
    tag = "triggers",
    security(("token" = ["read"])),
    params(Wanted),
    responses(
        (status = OK, body = Page<ScheduleView>),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<ScheduleView>>, Fault> {
    let limit = pipelines::limit(wanted.limit);
    let data = shared
        .read(move |reader| {
            let mut rows = reader.schedules(wanted.pipeline.as_deref())?;
            if let Some(after) = &wanted.after {
                rows.retain(|row| key(&row.pipeline, &row.trigger) > *after);
            }
            rows.sort_by_key(|row| key(&row.pipeline, &row.trigger));
            rows.truncate(limit as usize + 1);
            let mut enabled: HashMap<String, bool> = HashMap::new();
            for row in &rows {
                if !enabled.contains_key(&row.pipeline) {
                    let of = reader.pipeline(&row.pipeline)?.is_some_and(|row| row.enabled);
                    enabled.insert(row.pipeline.clone(), of);
                }
            }
            let view = |row: store::port::ScheduleRow| {
                let enabled = enabled.get(&row.pipeline).copied().unwrap_or(false);
                view::trigger::schedule(row, enabled)
            };
            Ok(rows.into_iter().map(view).collect::<Vec<_>>())
        })
        .await?;
    let key = |view: &ScheduleView| key(&view.pipeline, &view.trigger);
    Ok(Json(pipelines::page("schedule", data, limit, key)))
}

/// Of one schedule among all.
fn key(pipeline: &str, trigger: &str) -> String {
    format!("{pipeline}/{trigger}")
}
