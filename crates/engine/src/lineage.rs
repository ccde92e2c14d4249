//! Artifacts of other stages and of earlier runs: what is laid into an attempt's context folder,
//! and what a run leaves to those that extend it.

use pipeline::model::{ContextRef, StageIx, Wanted};
use serde_json::{Map, Value as Json};

use crate::desired::Laid;
use crate::event::{ArtifactRef, AttemptResult, Inherited, Outcome, RunLink};
use crate::run::Run;
use crate::state::ExecIx;

impl Run {
    /// This run as others name it; `None` before it was created.
    pub fn link(&self) -> Option<RunLink> {
        let head = self.state.head.as_deref()?;
        Some(RunLink { run: head.id, name: head.name.clone(), number: head.number })
    }

    /// What a run that extends this one inherits: each stage that succeeded here, or else in the
    /// nearest ancestor; then, for `@v2/stage`, the artifacts of more distant ones, without their
    /// outputs.
    pub fn finished_stages(&self) -> Vec<Inherited> {
        let Some(from) = self.link() else { return Vec::new() };
        let mut left: Vec<Inherited> = Vec::new();
        for (stage, ix) in self.pipeline.stages.iter().zip((0..).map(StageIx)) {
            let end = self.state.stage(ix).end();
            let Some(end) = end.filter(|end| end.outcome == Outcome::Succeeded) else { continue };
            if stage.compensates.is_none() {
                left.push(Inherited {
                    stage: stage.name.clone(),
                    from: from.clone(),
                    outputs: end.outputs.clone(),
                    artifacts: self.left_by(ix),
                });
            }
        }
        let inherited = self.state.head.as_deref().map_or(&[] as &[Inherited], |h| &h.inherited);
        for given in inherited {
            if left.iter().all(|nearer| nearer.stage != given.stage) {
                left.push(given.clone());
            } else if !given.artifacts.is_empty() {
                left.push(Inherited { outputs: Json::Object(Map::new()), ..given.clone() });
            }
        }
        left
    }

    /// Of every execution of a stage that succeeded: what its last attempt and its form left.
    /// Those of an instance are below its number.
    pub(crate) fn left_by(&self, stage: StageIx) -> Vec<ArtifactRef> {
        let count = self.state.stage(stage).items().map_or(0, <[_]>::len);
        let numbers = if self.pipeline.fanned(stage) {
            1..=u32::try_from(count).unwrap_or(u32::MAX)
        } else {
            0..=0
        };
        let mut found = Vec::new();
        for instance in numbers {
            let ix = ExecIx { stage, instance };
            let execution = self.state.exec(ix);
            if execution.end().is_none_or(|end| end.outcome != Outcome::Succeeded) {
                continue;
            }
            let form = execution.people.as_deref().and_then(|people| people.artifacts());
            let work = match execution.last_result() {
                Some(AttemptResult::Succeeded { artifacts, .. }) => artifacts.as_slice(),
                Some(
                    AttemptResult::Failed { .. }
                    | AttemptResult::Stopped { .. }
                    | AttemptResult::Lost { .. },
                )
                | None => &[],
            };
            let below = |artifact: &ArtifactRef| match instance {
                0 => artifact.clone(),
                n => ArtifactRef { path: format!("{n}/{}", artifact.path), ..artifact.clone() },
            };
            found.extend(form.unwrap_or_default().iter().chain(work).map(below));
        }
        found
    }

    /// What is laid into the context folder of a stage's attempts. The error names what is not
    /// there.
    pub(crate) fn context(&self, ix: StageIx) -> Result<Vec<Laid>, String> {
        let mut laid: Vec<Laid> = Vec::new();
        for wanted in &self.model(ix).context {
            let (folder, artifacts) = self.wanted(wanted)?;
            for artifact in artifacts {
                let path = format!("{folder}/{}", artifact.path);
                let digest = artifact.digest;
                match laid.iter_mut().find(|before| before.path == path) {
                    Some(before) => before.digest = digest,
                    None => laid.push(Laid { path, digest }),
                }
            }
        }
        Ok(laid)
    }

    pub(crate) fn wanted(&self, of: &ContextRef) -> Result<(String, Vec<ArtifactRef>), String> {
        let head = self.state.head.as_deref().ok_or("the run was not created")?;
        let written = &of.written;
        match &of.from {
            Wanted::Stage(stage) => {
                let ix = self.ix(stage).ok_or_else(|| format!("`{written}`: no such stage"))?;
                if self.state.stage(ix).end().is_none() {
                    return Err(format!("`{written}`: `{stage}` has not settled"));
                }
                Ok((stage.to_string(), self.left_by(ix)))
            }
            Wanted::Previous { stage } => {
                let folder = format!("prev/{stage}");
                match (&head.extends, head.previous(stage)) {
                    // The first of its line has nothing to go on from.
                    (None, _) => Ok((folder, Vec::new())),
                    (Some(_), Some(given)) => Ok((folder, given.artifacts.clone())),
                    // What a shadow run left undone nobody inherits.
                    (Some(_), None) if self.state.is_shadow() => Ok((folder, Vec::new())),
                    (Some(link), None) => Err(format!(
                        "`{written}`: neither {} nor a run before it finished `{stage}`",
                        link.name
                    )),
                }
            }
            Wanted::Version { number, stage } => {
                let mut given = head.inherited.iter();
                let given = given.find(|g| g.from.number == *number && g.stage == *stage);
                let given = given.ok_or_else(|| {
                    format!("`{written}`: no ancestor of this run is v{number} with `{stage}` done")
                })?;
                Ok((format!("v{number}/{stage}"), given.artifacts.clone()))
            }
        }
    }
}
