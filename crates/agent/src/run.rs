//! The way of one attempt, from its job to its verdict.

use std::io::Write;
use std::path::Path;

use api::agent::{AgentOutcome, JOB_FILE, Job};

/// Carries out the job in an attempt's folder; the exit code is that of its outcome.
pub fn run(folder: &Path) -> i32 {
    let says = match job(&folder.join(JOB_FILE)) {
        Ok(job) => format!("this build has no adapter that could carry out `{}`", job.stage),
        Err(problem) => problem,
    };
    let _ = writeln!(std::io::stderr(), "{says}");
    AgentOutcome::Error.exit_code()
}

fn job(path: &Path) -> Result<Job, String> {
    let text = std::fs::read(path).map_err(|e| format!("`{}`: {e}", path.display()))?;
    serde_json::from_slice(&text).map_err(|e| format!("`{}`: {e}", path.display()))
}
