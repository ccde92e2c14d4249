//! Two runs side by side.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::compare::{
    ArtifactComparison, CompareRuns, Comparison, Difference, StageComparison, StageSide,
};
use api::problem::Problem;
use api::run::{RunDetail, StageView};
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use similar::TextDiff;
use store::port::{ArtifactQuery, ArtifactRow, Read, RunRow};

use super::body::{Json, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::reference;
use crate::history;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(by_query, by_body))
}

/// Artifacts of one run that are looked at.
const ARTIFACTS: u32 = 1000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Two {
    /// The older one.
    a: String,
    b: String,
}

/// What is different in two runs.
#[utoipa::path(
    get,
    path = "/api/runs/compare",
    tag = "runs",
    security(("token" = ["read"])),
    params(Two),
    responses((status = OK, body = Comparison), (status = "default", body = Problem)),
)]
pub(crate) async fn by_query(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(Two { a, b }): Params<Two>,
) -> Result<Json<Comparison>, Fault> {
    compare(&shared, &a, &b).await
}

/// The same; nothing is changed by it.
#[utoipa::path(
    post,
    path = "/api/runs/compare",
    tag = "runs",
    security(("token" = ["read"])),
    request_body = CompareRuns,
    responses((status = OK, body = Comparison), (status = "default", body = Problem)),
)]
pub(crate) async fn by_body(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Json(CompareRuns { a, b }): Json<CompareRuns>,
) -> Result<Json<Comparison>, Fault> {
    compare(&shared, &a, &b).await
}

async fn compare(shared: &Shared, a: &str, b: &str) -> Result<Json<Comparison>, Fault> {
    let (a, b) = (reference::run(shared, a).await?, reference::run(shared, b).await?);
    let (of_a, of_b) = (history::detail(shared, &a).await?, history::detail(shared, &b).await?);
    let stored =
        shared.read(move |reader| Ok((definitions(reader, &a, &b)?, artifacts(reader, &a, &b)?)));
    let (definition, artifacts) = stored.await?;
    Ok(Json(Comparison {
        inputs: differences(&of_a.inputs, &of_b.inputs),
        definition,
        stages: stages(&of_a, &of_b),
        outputs: differences(&of_a.outputs, &of_b.outputs),
        artifacts,
        a: of_a.summary,
        b: of_b.summary,
    }))
}

fn differences(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> Vec<Difference> {
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let of = |side: &BTreeMap<String, Value>, name: &String| {
        side.get(name).cloned().unwrap_or(Value::Null)
    };
    names
        .into_iter()
        .map(|name| Difference { name: name.clone(), a: of(a, name), b: of(b, name) })
        .filter(|found| found.a != found.b)
        .collect()
}

fn definitions(reader: &dyn Read, a: &RunRow, b: &RunRow) -> Result<Option<String>, Refused> {
    let text = |row: &RunRow| -> Result<String, Refused> {
        let revision = reader.revision(&row.pipeline, Some(row.revision))?;
        Ok(revision.map(|revision| revision.text).unwrap_or_default())
    };
    let (before, after) = (text(a)?, text(b)?);
    if before == after {
        return Ok(None);
    }
    let label = |row: &RunRow| format!("{} (v{})", row.pipeline, row.revision);
    let diff = TextDiff::from_lines(&before, &after);
    Ok(Some(diff.unified_diff().header(&label(a), &label(b)).to_string()))
}

fn stages(a: &RunDetail, b: &RunDetail) -> Vec<StageComparison> {
    let of = |run: &RunDetail, name: &str| run.stages.iter().position(|stage| stage.name == name);
    let only_a = a.stages.iter().filter(|stage| of(b, &stage.name).is_none());
    let names = b.stages.iter().chain(only_a).map(|stage| stage.name.as_str());
    names
        .map(|name| {
            let (a, b) = (of(a, name).map(|at| &a.stages[at]), of(b, name).map(|at| &b.stages[at]));
            let none = BTreeMap::new();
            let outputs = |stage: Option<&StageView>| {
                stage.map_or_else(|| none.clone(), |stage| stage.outputs.clone())
            };
            StageComparison {
                stage: name.to_owned(),
                outputs: differences(&outputs(a), &outputs(b)),
                a: a.map(side),
                b: b.map(side),
            }
        })
        .collect()
}

fn side(stage: &StageView) -> StageSide {
    let spent = stage.started_at.zip(stage.finished_at);
    let millis = |(from, to): (jiff::Timestamp, jiff::Timestamp)| {
        u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
    };
    StageSide {
        status: stage.status.clone(),
        attempts: stage.attempts.len(),
        duration_ms: spent.map(millis),
        detail: stage.detail.clone(),
    }
}

fn artifacts(
    reader: &dyn Read,
    a: &RunRow,
    b: &RunRow,
) -> Result<Vec<ArtifactComparison>, Refused> {
    let of = |row: &RunRow| -> Result<BTreeMap<(String, String), ArtifactRow>, Refused> {
        let rows = reader.artifacts(&ArtifactQuery {
            run: Some(row.id),
            statuses: vec!["staged".to_owned(), "promoted".to_owned()],
            limit: ARTIFACTS,
            ..ArtifactQuery::default()
        })?;
        // Oldest first, so that the newest of a name stands.
        let named = |row: ArtifactRow| ((row.execution.clone(), row.name.clone()), row);
        Ok(rows.into_iter().rev().map(named).collect())
    };
    let (a, b) = (of(a)?, of(b)?);
    let mut names: Vec<&(String, String)> = a.keys().chain(b.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let found = names.into_iter().map(|name| {
        let (a, b) = (a.get(name), b.get(name));
        ArtifactComparison {
            stage: name.0.clone(),
            name: name.1.clone(),
            same: a.zip(b).is_some_and(|(a, b)| a.digest == b.digest),
            a: a.map(|row| row.number.to_string()),
            b: b.map(|row| row.number.to_string()),
        }
    });
    Ok(found.collect())
}
