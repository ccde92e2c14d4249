//! An attempt of an agent: its job, and the program that carries it out.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use api::agent::{JOB_FILE, Job};
use api::link::Lay;
use blobs::Blobs;

use super::Options;
use super::lay::{beneath, chain};
use super::prepare::{Problem, failed};

/// Where the whole of what a prompt holds cut is found, below the workspace.
const WHOLE: &str = ".orchestrate/context";

/// Writes the job, which only this user reads, and what belongs to it.
pub(super) fn words(
    options: &Options,
    job: &Job,
    whole: &[Lay],
    folder: &Path,
    working_dir: &Path,
) -> Result<Vec<String>, Problem> {
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let memory = Path::new(&job.memory);
    fs::create_dir_all(memory).map_err(failed(memory))?;
    lay(&Blobs::of(&options.data_dir), whole, working_dir)?;
    let path = folder.join(JOB_FILE);
    write(&path, job).map_err(failed(&path))?;
    let program = &options.harness;
    let args = program.args.iter().map(|word| word.to_string_lossy().into_owned());
    let first = program.program.to_string_lossy().into_owned();
    Ok([first].into_iter().chain(args).chain([folder.to_string_lossy().into_owned()]).collect())
}

fn write(path: &Path, job: &Job) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&serde_json::to_vec(job)?)
}

/// Below a workspace that others may have written to: a link in the way is refused, never followed.
fn lay(blobs: &Blobs, whole: &[Lay], working_dir: &Path) -> Result<(), Problem> {
    if whole.is_empty() {
        return Ok(());
    }
    let below = working_dir.join(WHOLE);
    for Lay { path, digest } in whole {
        let problem = |what: String| Problem::Context { path: path.clone(), what };
        let inner = beneath(path).ok_or_else(|| problem("is no path below it".into()))?;
        let goal = below.join(inner);
        let parents = goal.ancestors().skip(1).take_while(|parent| *parent != working_dir);
        for part in parents.chain([goal.as_path()]) {
            let link = fs::symlink_metadata(part).is_ok_and(|found| found.is_symlink());
            if link {
                return Err(problem(format!("would go through the link `{}`", part.display())));
            }
        }
        if let Some(parent) = goal.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        if goal.exists() {
            fs::remove_file(&goal).map_err(failed(&goal))?;
        }
        blobs.copy_to(digest, &goal).map_err(|error| problem(chain(&error)))?;
    }
    Ok(())
}
