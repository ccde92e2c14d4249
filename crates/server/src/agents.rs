//! Agent stages, from what a run knows of them to the job that a harness gets: definitions found,
//! context read, defaults filled in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::agent::{Job, Limits, Rounds, Shape, Taken};
use api::link::{AttemptRef, Lay};
use blobs::Blobs;
use engine::desired::AgentTask;
use pipeline::Pipeline;
use pipeline::agent::resolve_loop;
use pipeline::model::{Crew, Work};

use crate::config::ConfigFile;
use crate::config::settings::Said;
use crate::door::Doors;

mod context;
mod crew;
mod files;
pub(crate) mod preview;
mod seat;
mod shelf;
pub(crate) mod tryout;

pub(crate) use context::Sizes;
pub(crate) use shelf::{Listed, Shelf};

/// Where executions keep what agents did: `agents/<run>/<stage>-<instance>`.
pub(crate) const MEMORY: &str = "agents";

/// What is needed to make a job of an agent's stage.
#[derive(Debug)]
pub(crate) struct Agents {
    data_dir: PathBuf,
    config: Arc<ConfigFile>,
    said: Said,
    doors: Arc<Doors>,
}

/// Which attempt, and where it works.
#[derive(Debug)]
pub(crate) struct Whereabouts<'a> {
    pub(crate) attempt: AttemptRef,
    pub(crate) run_name: String,
    pub(crate) stage: String,
    /// The run's.
    pub(crate) directory: &'a Path,
    /// Of the attempt; may not be there yet.
    pub(crate) working_dir: &'a Path,
    /// It is a worktree of the execution.
    pub(crate) own: bool,
    pub(crate) feedback: Option<String>,
    pub(crate) env: Vec<String>,
    pub(crate) secret_env: Vec<String>,
    pub(crate) taken: Option<Taken>,
    /// Of an attempt of the stage, and how long nothing may happen in it.
    pub(crate) timeout: Option<Duration>,
    pub(crate) idle: Option<Duration>,
}

/// A job, and what has to lie beside it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) job: Job,
    /// Whole texts of what the job holds cut.
    pub(crate) whole: Vec<Lay>,
    /// For people who look at it before it is done.
    pub(crate) notices: Vec<String>,
    pub(crate) sizes: Sizes,
}

impl Agents {
    pub(crate) fn new(
        data_dir: &Path,
        config: Arc<ConfigFile>,
        said: Said,
        doors: Arc<Doors>,
    ) -> Self {
        Self { data_dir: data_dir.to_owned(), config, said, doors }
    }

    /// Where definitions are looked for: those of the pipeline first.
    pub(crate) fn shelf<'a>(
        &'a self,
        pipeline: Option<&'a Pipeline>,
        directory: Option<&'a Path>,
    ) -> Shelf<'a> {
        Shelf { pipeline, directory, data_dir: &self.data_dir }
    }

    /// The job of an attempt. The error says, for people, what is missing or too much. Reads files.
    pub(crate) fn make(
        &self,
        pipeline: &Pipeline,
        task: AgentTask,
        about: Whereabouts<'_>,
    ) -> Result<Made, String> {
        let shelf = self.shelf(Some(pipeline), Some(about.directory));
        let config = self.config.current()?;
        let mut seats = seat::Seats::new(shelf, &config, &self.said, &about.stage)?;
        let memory = self.memory(&about.attempt);
        let mut manned = crew::man(&task.work, &mut seats, &memory)?;
        if let Shape::Loop { rounds, .. } = &mut manned.shape {
            rounds.output_file = only_file(pipeline, &about.stage);
        }
        let notices = seats.notices();
        let check = task.check.or(manned.check);
        let blobs = Blobs::of(&self.data_dir);
        let places = files::Places::new(about.directory, about.working_dir);
        let context = context::gather(&task.given, &blobs, &places)?;
        let result = task.result.or(manned.result);
        let limits = timed(manned.limits, about.timeout, about.idle);
        let door = self.doors.of(&about.attempt, &limits);
        let job = Job {
            attempt: about.attempt,
            run_name: about.run_name,
            stage: about.stage,
            door,
            memory: memory.to_string_lossy().into_owned(),
            workspace: about.working_dir.to_string_lossy().into_owned(),
            own_workspace: about.own,
            task: task.task,
            context: context.blocks,
            feedback: about.feedback,
            shape: manned.shape,
            result,
            validate: check.map(crew::validate),
            limits,
            env: about.env,
            secret_env: about.secret_env,
            taken: about.taken,
        };
        Ok(Made { job, whole: context.whole, notices, sizes: context.sizes })
    }

    /// The loop of a stage as its definition says it now; `None`: the stage is none. The error says
    /// what is wrong with the definition.
    pub(crate) fn rounds(
        &self,
        pipeline: &Pipeline,
        stage: &str,
        directory: &Path,
    ) -> Result<Option<Rounds>, String> {
        let found = pipeline.stages.iter().find(|of| &*of.name == stage).map(|of| &of.work);
        let Some(Work::Agent(work)) = found else { return Ok(None) };
        let Crew::Loop { repeat, .. } = &work.crew else { return Ok(None) };
        let shelf = self.shelf(Some(pipeline), Some(directory));
        let spec = resolve_loop(repeat, &mut |name| shelf.loop_type(name))?;
        let output_file = only_file(pipeline, stage);
        Ok(Some(Rounds { output_file, ..crew::rounds(repeat, &spec) }))
    }

    /// The same for all attempts of an execution: their keys differ only in the number at the end.
    fn memory(&self, attempt: &AttemptRef) -> PathBuf {
        let place = attempt.key.rsplit_once('-').map_or(attempt.key.as_str(), |(place, _)| place);
        let mut parts = place.rsplitn(3, '-');
        let instance = parts.next().unwrap_or_default();
        let stage = parts.next().unwrap_or_default();
        memory(&self.data_dir, &attempt.run, stage, instance)
    }
}

/// Where a stage leaves its one artifact.
fn only_file(pipeline: &Pipeline, stage: &str) -> Option<String> {
    let stage = pipeline.stages.iter().find(|of| &*of.name == stage)?;
    let mut artifacts = stage.artifacts.values();
    let first = artifacts.next()?;
    artifacts.next().is_none().then(|| first.path.clone())
}

/// The folder of an execution: its stage by its place, its instance by its number or 0.
pub(crate) fn memory(data: &Path, run: &str, stage: &str, instance: &str) -> PathBuf {
    data.join(MEMORY).join(run).join(format!("{stage}-{instance}"))
}

/// The stage's time, which an agent's own only shortens.
fn timed(limits: Limits, timeout: Option<Duration>, idle: Option<Duration>) -> Limits {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let wall = timeout.map(millis).into_iter().chain(limits.wall_ms).min();
    let idle = idle.map(millis);
    Limits { wall_ms: wall, idle_model_ms: idle, idle_tool_ms: idle, ..limits }
}
