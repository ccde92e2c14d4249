//! What a run hands on to the one that extends it.

use engine::Run;
use engine::event::{ArtifactRef, AttemptResult, Inherited, Outcome, RunLink};
use engine::id::RunId;
use engine::view::FormState;
use indexmap::IndexMap;
use pipeline::Pipeline;
use pipeline::model::{StageName, Wanted};
use serde_json::{Map, Value as Json};

use crate::refused::Refused;

/// How many ancestors are walked up to find a version.
const MAX_ANCESTORS: usize = 1000;

/// Of each stage what the nearest ancestor that finished it gave, and of the versions that the
/// pipeline names what they gave themselves. `fold` gives any run by its id.
pub(crate) fn inherited<R: std::ops::Deref<Target = Run>>(
    extended: &Run,
    pipeline: &Pipeline,
    fold: impl Fn(RunId) -> Result<R, Refused>,
) -> Result<Vec<Inherited>, Refused> {
    let mut given = own(extended);
    let earlier = extended.header().map(|header| header.inherited).unwrap_or_default();
    for of in earlier {
        if !given.iter().any(|known| known.stage == of.stage) {
            given.push(of.clone());
        }
    }
    let mut versions: IndexMap<u64, Vec<&StageName>> = IndexMap::new();
    for stage in &pipeline.stages {
        for context in &stage.context {
            if let Wanted::Version { number, stage } = &context.from {
                versions.entry(*number).or_default().push(stage);
            }
        }
    }
    let mut next = extended.header().and_then(|header| header.extends).cloned();
    for _ in 0..MAX_ANCESTORS {
        let Some(link) = next.take().filter(|_| !versions.is_empty()) else { break };
        let ancestor = fold(link.run)?;
        if let Some(wanted) = versions.shift_remove(&link.number) {
            let fresh = own(&ancestor).into_iter().filter(|of| wanted.contains(&&of.stage));
            let fresh: Vec<Inherited> = fresh.filter(|of| !given.contains(of)).collect();
            given.extend(fresh);
        }
        next = ancestor.header().and_then(|header| header.extends).cloned();
    }
    Ok(given)
}

/// `name#n` of a run.
pub(crate) fn link(run: &Run) -> Option<RunLink> {
    let header = run.header()?;
    let name = format!("{}#{}", header.pipeline, header.number);
    Some(RunLink { run: header.run, name, number: header.number })
}

/// What its own stages gave that succeeded.
fn own(run: &Run) -> Vec<Inherited> {
    let Some(from) = link(run) else { return Vec::new() };
    let mut given: IndexMap<StageName, Inherited> = IndexMap::new();
    for row in run.rows() {
        let stage = row.id.stage.clone();
        if row.id.instance.is_none()
            && row.stage.compensates.is_none()
            && row.outcome == Some(Outcome::Succeeded)
        {
            let outputs = row.outputs.cloned().unwrap_or_else(|| Json::Object(Map::new()));
            let (stage, from, artifacts) = (stage.clone(), from.clone(), Vec::new());
            given.insert(stage.clone(), Inherited { stage, from, outputs, artifacts });
        }
        let Some(of) = given.get_mut(&stage) else { continue };
        let last = row.attempts.iter().rev().find_map(|attempt| match attempt.result {
            Some(AttemptResult::Succeeded { artifacts, .. }) => Some(artifacts.as_slice()),
            Some(
                AttemptResult::Failed { .. }
                | AttemptResult::Stopped { .. }
                | AttemptResult::Lost { .. },
            )
            | None => None,
        });
        of.artifacts.extend(last.into_iter().flatten().cloned());
        of.artifacts.extend(answered(run, &row.id));
    }
    given.into_values().collect()
}

fn answered(run: &Run, execution: &engine::id::ExecutionId) -> Vec<ArtifactRef> {
    match run.form(execution, None).map(|form| form.state) {
        Some(FormState::Submitted { artifacts, .. }) => artifacts.to_vec(),
        Some(FormState::Open | FormState::TimedOut { .. } | FormState::Void { .. }) | None => {
            Vec::new()
        }
    }
}
