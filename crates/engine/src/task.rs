//! An attempt as the hands get it: everything resolved, secrets still by name.

use indexmap::IndexMap;
use pipeline::model::{PythonSource, Shell, Stage, Work};
use pipeline::text::Scope;
use serde_json::{Map, Value as Json};

use crate::desired::{PythonProgram, Task, TaskBack, TaskTaken, TaskWork};
use crate::event::Failure;
use crate::id::AttemptId;
use crate::run::Run;
use crate::scope::{Notes, RunScope};
use crate::state::ExecIx;
use crate::state::execution::ExecutionState;
use crate::state::people::People;

impl Run {
    /// What a live attempt does; `None` when it is not live.
    pub fn task(&self, attempt: &AttemptId) -> Option<Task> {
        let ix = self.live(attempt)?;
        self.prepare(ix, attempt).ok()
    }

    /// What the probe of an attempt of unknown outcome does: a task like the attempt's own, whose
    /// exit code 0 says that the work was done and 1 that it was not.
    pub fn probe(&self, attempt: &AttemptId) -> Option<Task> {
        let ix = self.exec_ix(&attempt.execution)?;
        let execution = self.state.exec(ix);
        let last = execution.attempts.last()?;
        let unknown = matches!(execution.state, ExecutionState::Unknown { .. });
        if !unknown || last.number != attempt.number || last.fence != attempt.fence {
            return None;
        }
        let script = self.model(ix.stage).probe.as_ref()?;
        let scope = RunScope::of(self, ix);
        let script = script.splice(&scope).ok()?;
        let mut task = self.prepare(ix, attempt).ok()?;
        task.key.push_str("-probe");
        task.work = TaskWork::Command { argv: argv(&Shell::Sh, script) };
        task.outputs = IndexMap::new();
        task.artifacts = IndexMap::new();
        Some(task)
    }

    /// Resolves everything that the work of an execution refers to. The failure is one that no
    /// retry can help.
    pub(crate) fn prepare(&self, ix: ExecIx, attempt: &AttemptId) -> Result<Task, Failure> {
        self.prepare_in(ix, attempt, None)
    }

    /// The same; where there are notes, what nobody knows is noted there, and its name stands for
    /// it.
    pub(crate) fn prepare_in(
        &self,
        ix: ExecIx,
        attempt: &AttemptId,
        notes: Option<&Notes>,
    ) -> Result<Task, Failure> {
        let input = self.input_in(ix, notes);
        let input = input.map_err(|message| Failure::InvalidInput { message })?;
        self.resolved(ix, attempt, input, notes).map_err(|message| Failure::Unresolved { message })
    }

    fn resolved(
        &self,
        ix: ExecIx,
        attempt: &AttemptId,
        input: Option<Json>,
        notes: Option<&Notes>,
    ) -> Result<Task, String> {
        let stage = self.model(ix.stage);
        let head = self.state.head.as_deref().ok_or("the run was not created")?;
        let scope = RunScope { mapped: input.as_ref(), notes, ..RunScope::of(self, ix) };
        let work = match &stage.work {
            Work::Agent(work) => TaskWork::Agent(Box::new(self.agent_task(ix, work, &scope)?)),
            Work::Merge(work) => TaskWork::Merge(self.merge_task(work, &scope)?),
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Noop
            | Work::Form
            | Work::Child { .. } => plain(stage, &scope)?,
        };
        let mut env = IndexMap::new();
        for (name, template) in self.pipeline.env.iter().chain(&stage.env) {
            let pieces = template.pieces(&scope).map_err(|e| format!("env `{name}`: {e}"))?;
            env.insert(name.clone(), pieces);
        }
        let working_dir = stage.working_dir.as_ref().or(self.pipeline.working_dir.as_ref());
        let working_dir = working_dir
            .map(|template| text(template, &scope).map_err(|e| format!("working_dir: {e}")))
            .transpose()?;
        let execution = self.state.exec(ix);
        let same = execution.attempts.get(attempt.number.saturating_sub(1) as usize);
        let first = same.map_or_else(|| execution.next_work(), |attempt| attempt.work);
        let people = execution.people.as_deref();
        let place = format!("{}-{}-{}", head.id, ix.stage.0, ix.instance);
        Ok(Task {
            attempt: attempt.clone(),
            key: format!("{place}-{}", attempt.number),
            effect_key: format!("{place}-{first}"),
            work,
            env,
            worktree: self.tree(ix, stage, &scope)?,
            working_dir,
            directory: head.directory.clone(),
            timeout: stage.limits.timeout,
            idle: stage.limits.idle,
            grace: stage.limits.grace,
            effects: stage.effects,
            outputs: stage.outputs.clone(),
            artifacts: stage.artifacts.clone(),
            context: self.context(ix.stage)?,
            input,
            form: people.and_then(|people| people.values.clone()),
            feedback: people.and_then(|people| people.feedback.clone()),
            revision: people.map_or(0, |people| people.revision),
            taken: people.and_then(taken),
        })
    }
}

fn taken(people: &People) -> Option<TaskTaken> {
    let hold = u32::try_from(people.taken.len()).ok()?;
    let last = people.taken.last().filter(|taken| !taken.over)?;
    let back = last.back.as_ref().map(|back| TaskBack {
        by: back.by.name.clone(),
        note: back.note.clone(),
        accept: back.accept,
    });
    Some(TaskTaken { hold, by: last.by.name.clone(), back })
}

/// Work that needs nothing of the run but its scope.
fn plain(stage: &Stage, scope: &dyn Scope) -> Result<TaskWork, String> {
    match &stage.work {
        Work::Run { script, shell } => {
            let script = script.splice(scope).map_err(|e| format!("run: {e}"))?;
            Ok(TaskWork::Command { argv: argv(shell, script) })
        }
        Work::Python { source, parameters } => {
            let program = match source {
                PythonSource::File(path) => {
                    PythonProgram::File(text(path, scope).map_err(|e| format!("python file: {e}"))?)
                }
                PythonSource::Code(code) => PythonProgram::Code(code.clone()),
            };
            let mut resolved = Map::new();
            for (name, value) in parameters {
                let value = value.resolve(scope).map_err(|e| format!("parameter `{name}`: {e}"))?;
                resolved.insert(name.clone(), value);
            }
            Ok(TaskWork::Python { program, parameters: Json::Object(resolved) })
        }
        Work::Noop | Work::Form | Work::Agent(_) | Work::Merge(_) => {
            Err("there is nothing to hand out".to_owned())
        }
        Work::Child { pipeline, inputs } => {
            let mut resolved = Map::new();
            for (name, value) in inputs {
                let value = value.resolve(scope).map_err(|e| format!("input `{name}`: {e}"))?;
                resolved.insert(name.clone(), value);
            }
            Ok(TaskWork::Child { pipeline: pipeline.clone(), inputs: resolved })
        }
    }
}

fn argv(shell: &Shell, script: String) -> Vec<String> {
    let words: &[&str] = match shell {
        Shell::Sh => &["sh", "-e", "-c"],
        Shell::Bash => &["bash", "-e", "-o", "pipefail", "-c"],
        Shell::Custom(words) => {
            return words.iter().cloned().chain([script]).collect();
        }
    };
    words.iter().map(|word| (*word).to_owned()).chain([script]).collect()
}

/// The text of a template that holds no secret.
pub(crate) fn text(
    template: &pipeline::text::Template,
    scope: &dyn Scope,
) -> Result<String, pipeline::text::Unresolved> {
    template.resolve_text(scope)
}
