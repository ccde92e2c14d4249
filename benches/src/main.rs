//! The benchmark suite: this product beside the tools that do a part of its job, in one run on one
//! machine. What counts is the ratio: every tool's runs alternate, so that a machine whose speed
//! drifts slows them alike. Nothing here asserts a time.
//!
//! ```text
//! cargo xtask bench                     everything, a table of ratios at the end
//! cargo xtask bench --only chain-100    workloads whose name contains this
//! cargo xtask bench --runs 9            counted runs of each (5 by default)
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod flow;
mod http;
mod live;
mod measure;
mod product;
mod rest;
mod tools;
mod webhooks;
mod workload;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use measure::{Sample, alternate};
use tools::{Tool, installed};
use workload::{Workload, workloads};

struct Options {
    only: Option<String>,
    runs: usize,
}

fn main() -> Result<()> {
    let options = options()?;
    let binary = binary()?;
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| name.contains(only));
    println!("{} cores, {} counted runs each, medians", cores(), options.runs);
    println!(
        "\n{:<22} {:>12} {:>10} {:>10}   ratio to the product",
        "workload", "tool", "median", "max"
    );
    for workload in workloads().into_iter().filter(|workload| wanted(workload.name)) {
        compare(&workload, &installed(&binary), options.runs)?;
    }
    product::figures(&binary, wanted)
}

fn compare(workload: &Workload, tools: &[Tool], runs: usize) -> Result<()> {
    let fitting: Vec<&Tool> = tools.iter().filter(|tool| tool.can(workload)).collect();
    let samples = alternate(&fitting, workload, runs)?;
    let product = samples.first().context("the product is the first tool")?.median();
    for (tool, sample) in fitting.iter().zip(&samples) {
        println!("{}", row(workload, tool, sample, product));
    }
    Ok(())
}

fn row(workload: &Workload, tool: &Tool, sample: &Sample, product: f64) -> String {
    let ratio = match tool {
        Tool::Orchestrate(_) => String::new(),
        Tool::Make | Tool::Ninja | Tool::Floor => {
            format!("product / {} = {:.2}", tool.name(), product / sample.median())
        }
    };
    format!(
        "{:<22} {:>12} {:>8.1} ms {:>7.1} ms   {ratio}",
        workload.name,
        tool.name(),
        sample.median(),
        sample.max()
    )
}

fn options() -> Result<Options> {
    let mut options = Options { only: None, runs: 5 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--only" => options.only = Some(value()?),
            "--runs" => options.runs = value()?.parse().context("--runs is a number")?,
            _ => bail!("unknown argument `{arg}`; known: --only NAME, --runs N"),
        }
    }
    Ok(options)
}

/// The release binary, beside this one.
fn binary() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("orchestrate");
    if !path.exists() {
        bail!("{} is missing: run `cargo xtask bench`", path.display());
    }
    Ok(path)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
