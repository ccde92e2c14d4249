//! From what is stored of a run to its folders. Pure: the same rows give the same tree.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::history::{Failure, History};
use super::name::safe;
use crate::port::{ArtifactRow, RewindRow, RunRow, StageRow};

/// By path, relative to the folder of the pipeline. Every part is safe.
pub(super) type Tree = BTreeMap<String, Content>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text(String),
    Blob { digest: String, bytes: u64, at: Timestamp },
}

const PROMOTED: &str = "promoted";

/// What is stored of a run.
pub(super) struct Facts<'a> {
    pub(super) row: &'a RunRow,
    /// `name#n`
    pub(super) extends: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) stages: Vec<StageRow>,
    /// In the order of their numbers.
    pub(super) artifacts: Vec<ArtifactRow>,
    pub(super) history: &'a History,
    /// The rewind of the pipeline that has superseded the run.
    pub(super) archived: Option<RewindRow>,
}

pub(super) fn of(facts: &Facts<'_>) -> Tree {
    let mut tree = Tree::new();
    let number = facts.row.number;
    let home = match &facts.archived {
        None => format!("runs/v{number}"),
        Some(rewind) => {
            format!(".archived/rewind_to_v{}_{}/v{number}", rewind.to, stamp(rewind.at))
        }
    };
    // What counts is what came last under a name: an earlier answer to the same form, say, is not.
    let mut last = BTreeMap::new();
    for artifact in facts.artifacts.iter().filter(|artifact| artifact.status == PROMOTED) {
        last.insert((&artifact.execution, &artifact.name), artifact.number);
    }
    let counts = |artifact: &ArtifactRow| {
        let last = last.get(&(&artifact.execution, &artifact.name));
        artifact.status != PROMOTED || last == Some(&artifact.number)
    };
    let mut files = Vec::new();
    for artifact in facts.artifacts.iter().filter(|artifact| counts(artifact)) {
        let Some(folder) = place(facts, &home, artifact) else { continue };
        let path = free(&tree, &folder, artifact);
        let content = Content::Blob {
            digest: artifact.digest.clone(),
            bytes: artifact.bytes,
            at: artifact.created_at,
        };
        tree.insert(path.clone(), content);
        if let Some(file) = path.strip_prefix(&format!("{home}/")) {
            files.push(listed(artifact, file));
        }
    }
    for failure in &facts.history.failures {
        let path = format!("{}/error.json", errored(number, failure));
        tree.insert(path, Content::Text(error(facts.row, failure)));
    }
    let info = Content::Text(run_info(facts, files));
    tree.insert(format!("{home}/run_info.json"), info);
    tree
}

/// `None`: it has no file any more, or none yet.
fn place(facts: &Facts<'_>, home: &str, artifact: &ArtifactRow) -> Option<String> {
    let (number, execution) = (facts.row.number, safe(&artifact.execution));
    match artifact.status.as_str() {
        PROMOTED => Some(format!("{home}/{}", beside_run_info(execution))),
        "superseded" => {
            let rewound = facts.history.rewinds.iter().find(|rewind| {
                rewind.at >= artifact.created_at
                    && rewind
                        .executions
                        .iter()
                        .any(|e| *e == artifact.execution || *e == artifact.stage())
            });
            Some(match rewound {
                Some(rewind) => {
                    format!(".archived/rewind_v{number}_{}/{execution}", stamp(rewind.at))
                }
                None => format!(".archived/replaced_v{number}_{execution}_{}", artifact.attempt),
            })
        }
        // It was collected, and then the stage failed: at its gate, say.
        "staged" => {
            let after = |failure: &&Failure| {
                failure.execution == artifact.execution && failure.at >= artifact.created_at
            };
            facts.history.failures.iter().find(after).map(|failure| errored(number, failure))
        }
        _ => None,
    }
}

/// A stage may be called like the file beside it.
fn beside_run_info(execution: String) -> String {
    if execution == "run_info.json" { format!("{execution}_") } else { execution }
}

fn errored(number: u64, failure: &Failure) -> String {
    format!(".errored/v{number}_{}_{}", safe(&failure.execution), stamp(failure.at))
}

/// The name of its file; where that is taken, with its own name, and at last with its number.
fn free(tree: &Tree, folder: &str, artifact: &ArtifactRow) -> String {
    let file = artifact.path.rsplit('/').next().unwrap_or_default();
    let plain = safe(file);
    let names = [
        plain.clone(),
        safe(&format!("{}-{file}", artifact.name)),
        format!("{}-{plain}", artifact.number),
    ];
    let mut paths = names.iter().map(|name| format!("{folder}/{name}"));
    let last = format!("{folder}/{}", names[2]);
    let ours = format!("{folder}/error.json");
    let taken =
        |path: &String| tree.contains_key(path) || folder.starts_with(".errored/") && *path == ours;
    paths.find(|path| !taken(path)).unwrap_or(last)
}

fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%S.%3fZ").to_string()
}

fn listed(artifact: &ArtifactRow, file: &str) -> Json {
    json!({
        "stage": artifact.execution,
        "name": artifact.name,
        "file": file,
        "attempt": artifact.attempt,
        "format": artifact.format,
        "bytes": artifact.bytes,
        "sha256": artifact.digest,
        "created_at": artifact.created_at,
    })
}

fn run_info(facts: &Facts<'_>, artifacts: Vec<Json>) -> String {
    let row = facts.row;
    let stages: Vec<Json> = facts.stages.iter().map(stage).collect();
    let info = json!({
        "run": row.id.to_string(),
        "name": row.name(),
        "task": row.task.as_ref().map(|(task, _)| task),
        "pipeline": row.pipeline,
        "version": format!("v{}", row.number),
        "revision": row.revision,
        "status": row.status,
        "reason": row.reason,
        "by": row.by,
        "trigger": row.trigger,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "extends": facts.extends,
        "parent": facts.parent,
        "superseded": row.superseded,
        "stages": stages,
        "artifacts": artifacts,
    });
    pretty(&info)
}

fn stage(row: &StageRow) -> Json {
    json!({
        "stage": row.stage,
        "instance": (row.instance > 0).then_some(row.instance),
        "status": row.status,
        "outcome": row.outcome,
        "conclusion": row.conclusion,
        "attempts": row.attempts,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    })
}

fn error(row: &RunRow, failure: &Failure) -> String {
    pretty(&json!({
        "run": row.name(),
        "stage": failure.execution,
        "at": failure.at,
        "reason": failure.reason,
        "tail": failure.tail,
    }))
}

fn pretty(value: &Json) -> String {
    format!("{value:#}\n")
}
