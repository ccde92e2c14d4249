//! A dry run: the engine decides a start as it would, and nothing is stored or started.

use std::sync::Arc;

use api::pipeline::{Plan, PlannedStage};
use engine::command::Create;
use engine::event::Outcome;
use engine::id::{ExecutionId, RunId};
use engine::view::{ExecutionStatus, Row};
use engine::{Command, Run};
use uuid::Uuid;

use crate::clock::Clock;
use crate::conductor::live::guarded;
use crate::conductor::starts::named_environments;
use crate::config::Config;
use crate::intake::Start;
use crate::refused::Refused;
use crate::view;

/// What each stage would do, as far as that is known before anything ran.
pub(crate) fn plan(start: Start, config: &Config) -> Result<Plan, Refused> {
    guarded(|| decide(start, config)).map_err(Refused::Internal)?
}

fn decide(start: Start, config: &Config) -> Result<Plan, Refused> {
    let pipeline = Arc::clone(&start.pipeline);
    let digest = start.digest.clone();
    let run = imagine(start, config)?;
    let inputs = run.header().map(|header| header.inputs.clone()).unwrap_or_default();
    let stages = view::pipeline::order(&pipeline)
        .into_iter()
        .filter_map(|place| {
            let outline = view::pipeline::outline(&pipeline, place);
            let row = run.row(&ExecutionId::stage(pipeline.stages[place].name.clone()))?;
            let (verdict, reason) = verdict(&row);
            Some(PlannedStage { outline, verdict: verdict.to_owned(), reason })
        })
        .collect();
    let inputs = inputs.into_iter().collect();
    Ok(Plan { pipeline: pipeline.name.clone(), digest, inputs, stages })
}

/// The run as it would be right after its start; nobody else knows of it.
pub(crate) fn imagine(start: Start, config: &Config) -> Result<Run, Refused> {
    let pipeline = Arc::clone(&start.pipeline);
    let now = Clock::start(None).now();
    let mut run = Run::new(Arc::clone(&pipeline));
    let create = Create {
        run: RunId(Uuid::nil()),
        number: 0,
        revision: 0,
        digest: start.digest,
        by: start.by,
        inputs: start.inputs,
        event: start.event,
        facts: start.facts,
        directory: start.directory.unwrap_or_else(|| "/".to_owned()),
        seed: 0,
        extends: None,
        inherited: Vec::new(),
        parent: None,
        environments: named_environments(&pipeline, config),
        config: config.values.clone(),
        // A plan says what would be done, not where somebody wants to look.
        breakpoints: Vec::new(),
        step: false,
        task: None,
        held: false,
        traceparent: None,
        // A plan goes as far as people are asked, whatever the mode.
        mode: engine::event::Mode::Production,
        rollout: engine::event::Rollout::Production,
        notify: indexmap::IndexMap::new(),
    };
    run.handle(Command::Create(Box::new(create)), now)?;
    if run.occupant().is_some() {
        // Its turn in its concurrency group is assumed to have come.
        match run.handle(Command::Admit, now) {
            Ok(_) | Err(engine::Rejection::NotPending) => {}
            Err(rejection) => return Err(rejection.into()),
        }
    }
    Ok(run)
}

fn verdict(row: &Row<'_>) -> (&'static str, Option<String>) {
    let said = (!row.detail.is_empty()).then(|| row.detail.clone());
    let held = || row.condition.map(|reason| reason.says.clone());
    match row.outcome {
        Some(Outcome::Skipped) => ("would skip", said),
        Some(Outcome::NotRun) => ("would not run", said),
        Some(Outcome::Failed) => ("would fail", said),
        Some(Outcome::Cancelled) => ("would be cancelled", said),
        Some(Outcome::Succeeded | Outcome::WouldHave) => ("would run", held()),
        None => match row.status {
            ExecutionStatus::Blocked => ("decided when its dependencies have settled", None),
            ExecutionStatus::WaitingApproval => ("would ask for approval, then run", held()),
            ExecutionStatus::WaitingInput => ("would ask for input, then run", held()),
            ExecutionStatus::Listening => ("would wait for what starts it, then run", said),
            ExecutionStatus::Held => ("would be held, then run", held()),
            ExecutionStatus::Unknown
            | ExecutionStatus::HeldByHuman
            | ExecutionStatus::WaitingEnvironment
            | ExecutionStatus::Stopping
            | ExecutionStatus::Running
            | ExecutionStatus::Retrying
            | ExecutionStatus::Queued
            | ExecutionStatus::Failed
            | ExecutionStatus::Cancelled
            | ExecutionStatus::NotRun
            | ExecutionStatus::Skipped
            | ExecutionStatus::Succeeded
            | ExecutionStatus::WouldHave => ("would run", held()),
        },
    }
}
