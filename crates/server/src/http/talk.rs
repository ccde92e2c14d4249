//! What agents did and said: `GET /api/runs/{run}/talk/{stage}`. Followed by the topic `talk:`.

use std::sync::Arc;

use api::Page;
use api::agent::Happening;
use api::problem::Problem;
use axum::extract::{Path, State};
use engine::id::ExecutionId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::talk::{self, Absent, Lines};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(talk))
}

/// Bytes of one answer, after which it takes no more.
const LONG: u64 = 4 << 20;

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// What happened after this number.
    after: Option<u64>,
}

/// What the agents of a stage did and said, in order, over all attempts
///
/// Prompts, answers, calls of tools and what came of them, refused calls, questions, checks, what each
/// turn used; secrets masked. Empty until its first attempt has begun. Follow it by the topic
/// `talk:<run>/<stage>` of the live stream, with the last `seq` as `after`.
#[utoipa::path(
    get,
    path = "/api/runs/{run}/talk/{stage}",
    tag = "agents",
    security(("token" = ["read"])),
    params(
        ("run" = String, Path, description = "`name#n` (also `name~n`), an id, or at least 4 characters of one"),
        ("stage" = String, Path, description = "`implement` or `implement[2]`"),
        List,
    ),
    responses((status = OK, body = Page<Happening>), (status = "default", body = Problem)),
)]
pub(crate) async fn talk(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path((run, stage)): Path<(String, String)>,
    Params(list): Params<List>,
) -> Result<Json<Page<Happening>>, Fault> {
    let row = reference::run(&shared, &run).await?;
    let name = row.name();
    let of = stage.parse::<ExecutionId>().map_err(|_unreadable| no_stage(&name, &stage))?;
    let (data, id, priced) = (shared.data_dir.clone(), row.id, of.clone());
    let file = history::look(&shared, &row, move |run| talk::file(&data, id, run, &of)).await?;
    let file = file.map_err(|absent| match absent {
        Absent::NoStage => no_stage(&name, &stage),
        Absent::NoAgent => Fault::not_found(format!("`{stage}` is no stage of agents"))
            .hint(format!("orchestrate logs {name} --stage {stage}")),
        Absent::Instances(count) => {
            Fault::not_found(format!("`{stage}` has {count} instances, and each has its own"))
                .hint(format!("ask for `{stage}[1]` and so on"))
        }
    })?;
    let (after, limit) = (list.after.unwrap_or(0), pipelines::limit(list.limit));
    let read = blocking(move || {
        let mut lines = Lines::new(file);
        let mut read = lines.read(after, u64::from(limit) + 1, LONG)?;
        // The bytes may have ended it before the number did.
        let more = read.len() as u64 > u64::from(limit)
            || match read.last() {
                Some(last) => lines.count()? > last.seq,
                None => false,
            };
        read.truncate(limit as usize);
        Ok::<_, std::io::Error>((read, more))
    });
    let (mut data, more) = read.await?.map_err(|error| {
        Refused::Internal(format!("could not read what agents wrote down: {error}"))
    })?;
    let data = shared.read(move |reader| {
        talk::price(reader, id, &priced, &mut data)?;
        Ok(data)
    });
    let data = data.await?;
    let next = data.last().filter(|_| more).map(|last| last.seq.to_string());
    Ok(Json(Page { schema: "orchestrate.talk.list/v1".to_owned(), data, next }))
}

fn no_stage(run: &str, stage: &str) -> Fault {
    Fault::not_found(format!("the run has no stage `{stage}`"))
        .hint(format!("orchestrate runs show {run}"))
}
