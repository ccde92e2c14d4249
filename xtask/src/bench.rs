//! Builds in release and runs the benchmark suite.

use std::process::Command;

use anyhow::Result;

use crate::ci::run_command;

pub(crate) fn run(args: &[&str]) -> Result<()> {
    run_command(Command::new("cargo").args(["build", "--release", "--package", "orchestrate"]))?;
    run_command(
        Command::new("cargo")
            .args(["run", "--release", "--quiet", "--package", "benches", "--"])
            .args(args),
    )
}
