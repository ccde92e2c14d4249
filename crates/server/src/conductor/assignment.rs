//! An attempt as the hands get it: what the run says of it, with what this installation knows.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use api::agent::{HandedBack, Taken};
use api::link::{Assignment, Collect, Lay, Piece, Python, Work};
use engine::desired::{PythonProgram, Task, TaskBack, TaskTaken, TaskWork};
use indexmap::IndexMap;
use pipeline::model::Effects;
use pipeline::text;

use super::live::Live;
use super::reports::{self, Whose};
use super::{runtimes, trees, workers};
use crate::agents::{Agents, Whereabouts};
use crate::config::ConfigFile;
use crate::traces;

/// The longest that an attempt of an agent waits for people, beside its own time.
const PEOPLE: Duration = Duration::from_secs(31 * 24 * 3600);

/// A run that was started without a directory has one of its own, made when it is first needed.
pub(super) fn prepare(data: &Path, assignment: &Assignment) {
    let all = data.join("workspaces");
    let below = Path::new(&assignment.working_dir).strip_prefix(&all).ok();
    let Some(own) = below.and_then(|below| below.components().next()) else { return };
    let own = all.join(own);
    if let Err(error) = std::fs::create_dir_all(&own) {
        tracing::warn!(folder = %own.display(), %error, "could not create a workspace");
    }
}

/// What work is put together with.
pub(super) struct Known<'a> {
    pub(super) data_dir: &'a Path,
    pub(super) agents: &'a Agents,
    pub(super) config: &'a ConfigFile,
}

/// `None`: it is not for the hands. The error says why it cannot be put together.
pub(super) fn assignment(
    known: &Known<'_>,
    live: &Live,
    whose: &Whose,
    task: Task,
    largest: u64,
) -> Result<Option<Assignment>, String> {
    let Known { data_dir, agents, config } = known;
    let env = variables(task.env, live, whose);
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let environment =
        live.run.row(&whose.attempt.execution).and_then(|row| row.stage.environment.clone());
    // On another machine a run has a folder of its own.
    let elsewhere = !live.labels(&whose.attempt).is_empty() && !whose.probe;
    let own = elsewhere.then(|| workers::folder(data_dir, whose.run));
    let directory = own.as_deref().unwrap_or(Path::new(&task.directory));
    let worktree = task.worktree.as_ref().map(|tree| trees::worktree(data_dir, directory, tree));
    let root = worktree.as_ref().map_or(directory, |tree| Path::new(&tree.path));
    let runtime = runtimes::of(config, live, whose, root)?;
    let working_dir = match &task.working_dir {
        Some(folder) => root.join(folder),
        None => root.to_owned(),
    };
    let attempt = reports::reference(whose, &task.key);
    let mut context: Vec<Lay> =
        task.context.into_iter().map(|laid| Lay { path: laid.path, digest: laid.digest }).collect();
    let (mut timeout, mut idle) = (task.timeout, task.idle);
    let work = match task.work {
        TaskWork::Agent(work) => {
            let secret =
                |pieces: &[Piece]| pieces.iter().any(|piece| matches!(piece, Piece::Secret(_)));
            let names = |secrets: bool| {
                let of = env.iter().filter(|(_, pieces)| secret(pieces) == secrets);
                of.map(|(name, _)| name.clone()).collect()
            };
            let made = agents.make(
                live.run.pipeline(),
                *work,
                Whereabouts {
                    attempt: attempt.clone(),
                    run_name: live.run.link().map_or_else(String::new, |link| link.name),
                    stage: whose.attempt.execution.stage.to_string(),
                    directory,
                    working_dir: &working_dir,
                    own: worktree.is_some(),
                    feedback: task.feedback.clone(),
                    env: names(false),
                    secret_env: names(true),
                    taken: task.taken.map(taken),
                    timeout,
                    idle,
                },
            )?;
            // The harness keeps both itself: what it waits for people counts for neither.
            (timeout, idle) = (timeout.map(|time| time.saturating_add(PEOPLE)), None);
            for lay in &made.whole {
                if context.iter().all(|known| known.path != lay.path) {
                    context.push(lay.clone());
                }
            }
            Work::Agent { job: Box::new(made.job), whole: made.whole }
        }
        work => match plain(data_dir, directory, work, whose) {
            Some(work) => work,
            None => return Ok(None),
        },
    };
    Ok(Some(Assignment {
        attempt,
        work,
        env,
        effect_key: Some(task.effect_key),
        working_dir: working_dir.to_string_lossy().into_owned(),
        timeout_ms: timeout.map(millis),
        idle_ms: idle.map(millis),
        grace_ms: millis(task.grace),
        once: task.effects == Effects::Once && !whose.probe,
        environment,
        artifacts: task.artifacts.into_iter().map(|of| collect(of, largest)).collect(),
        context,
        input: task.input,
        form: task.form,
        feedback: task.feedback,
        revision: task.revision,
        worktree,
        runtime,
    }))
}

fn taken(task: TaskTaken) -> Taken {
    let back = task.back.map(|TaskBack { by, note, accept }| HandedBack { by, note, accept });
    Taken { hold: task.hold, by: task.by, back }
}

fn variables(
    env: IndexMap<String, Vec<text::Piece>>,
    live: &Live,
    whose: &Whose,
) -> BTreeMap<String, Vec<Piece>> {
    let mut env: BTreeMap<String, Vec<Piece>> = env
        .into_iter()
        .map(|(name, pieces)| (name, pieces.into_iter().map(piece).collect()))
        .collect();
    if let Some(trace) = traces::of_attempt(&live.run, &whose.attempt) {
        // What the pipeline says stands.
        env.entry(traces::VARIABLE.to_owned()).or_insert_with(|| vec![Piece::Plain(trace)]);
    }
    env
}

/// Work that the hands do as it is; `None`: it is not for them.
fn plain(data_dir: &Path, directory: &Path, work: TaskWork, whose: &Whose) -> Option<Work> {
    Some(match work {
        TaskWork::Command { argv } => Work::Command { argv },
        TaskWork::Python { program, parameters } => Work::Python {
            program: match program {
                PythonProgram::File(path) => Python::File(path),
                PythonProgram::Code(code) => Python::Code(code),
            },
            parameters,
        },
        TaskWork::Merge(task) => {
            Work::Merge { job: Box::new(trees::merge(data_dir, directory, task, &whose.attempt)) }
        }
        TaskWork::Child { .. } | TaskWork::Agent(_) => return None,
    })
}

fn collect((name, artifact): (String, pipeline::model::Artifact), largest: u64) -> Collect {
    let pipeline::model::Artifact { path, format, required, schema, max_bytes, .. } = artifact;
    let max_bytes = max_bytes.min(largest);
    Collect { name, path, format, required, schema, max_bytes }
}

fn piece(piece: text::Piece) -> Piece {
    match piece {
        text::Piece::Plain(text) => Piece::Plain(text),
        text::Piece::Secret(name) => Piece::Secret(name),
    }
}
