//! Wall time of whole processes.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::tools::Tool;
use crate::workload::Workload;

/// Milliseconds, sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    sorted: Vec<f64>,
}

impl Sample {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self { sorted: values }
    }

    pub(crate) fn median(&self) -> f64 {
        self.sorted.get(self.sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// 0 to 100.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let last = self.sorted.len().saturating_sub(1) as f64;
        self.sorted.get((last * percent / 100.0).round() as usize).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted.last().copied().unwrap_or(f64::NAN)
    }
}

/// Runs every tool in turn, A B C A B C, after one round that does not count.
pub(crate) fn alternate(tools: &[&Tool], workload: &Workload, runs: usize) -> Result<Vec<Sample>> {
    let mut times = vec![Vec::with_capacity(runs); tools.len()];
    for round in 0..=runs {
        for (tool, times) in tools.iter().zip(&mut times) {
            let folder = tempfile::tempdir()?;
            let command = tool.prepare(workload, folder.path())?;
            let elapsed =
                timed(command).with_context(|| format!("{} on {}", tool.name(), workload.name))?;
            if round > 0 {
                times.push(elapsed);
            }
        }
    }
    Ok(times.into_iter().map(Sample::new).collect())
}

/// Milliseconds until the command has ended; it must succeed.
pub(crate) fn timed(mut command: Command) -> Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().with_context(|| format!("could not start {command:?}"))?;
    let elapsed = start.elapsed().as_secs_f64() * 1e3;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(elapsed)
}
