//! The steps of CI, in the order in which they fail fastest.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{codegen, root, tidy, ui};

pub(crate) fn run(fast: bool) -> Result<()> {
    let seeds = if fast { "200" } else { "10000" };
    step("fmt", || cargo(&["fmt", "--all", "--check"]))?;
    step("tidy", tidy::run)?;
    step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    })?;
    step("generated files", || {
        codegen::run(codegen::Mode::Check)?;
        ui::run(codegen::Mode::Check)
    })?;
    step("tests", || {
        run_command(
            Command::new("cargo")
                .args(["nextest", "run", "--workspace", "--profile", "ci"])
                .env("ORCHESTRATE_SIM_SEEDS", seeds),
        )
    })?;
    step("doc tests", || cargo(&["test", "--workspace", "--doc", "--quiet"]))
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("==> {name}");
    let start = Instant::now();
    work().with_context(|| format!("step `{name}` failed"))?;
    println!("    {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn cargo(args: &[&str]) -> Result<()> {
    run_command(Command::new("cargo").args(args))
}

pub(crate) fn run_command(command: &mut Command) -> Result<()> {
    let status = command
        .current_dir(root())
        .status()
        .with_context(|| format!("could not start {command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
