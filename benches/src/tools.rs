//! How each tool is told to do a workload.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::workload::Workload;

#[derive(Clone, Debug)]
pub(crate) enum Tool {
    /// This product, durability on, a fresh data folder each time.
    Orchestrate(PathBuf),
    Make,
    Ninja,
    /// Nothing but fork and exec, one after the other: what no tool can beat without parallelism.
    Floor,
}

/// The product first, then whatever this machine has.
pub(crate) fn installed(binary: &Path) -> Vec<Tool> {
    let present = |name: &str| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    let mut tools = vec![Tool::Orchestrate(binary.to_owned())];
    if present("make") {
        tools.push(Tool::Make);
    }
    if present("ninja") {
        tools.push(Tool::Ninja);
    }
    tools.push(Tool::Floor);
    tools
}

impl Tool {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Orchestrate(_) => "orchestrate",
            Self::Make => "make",
            Self::Ninja => "ninja",
            Self::Floor => "fork+exec",
        }
    }

    pub(crate) fn can(&self, workload: &Workload) -> bool {
        match self {
            Self::Orchestrate(_) => true,
            Self::Make | Self::Ninja | Self::Floor => !workload.noop,
        }
    }

    /// Writes what the tool reads and gives the command that does the work.
    pub(crate) fn prepare(&self, workload: &Workload, folder: &Path) -> Result<Command> {
        match self {
            Self::Orchestrate(binary) => orchestrate(binary, workload, folder),
            Self::Make => make(workload, folder),
            Self::Ninja => ninja(workload, folder),
            Self::Floor => floor(workload),
        }
    }
}

fn orchestrate(binary: &Path, workload: &Workload, folder: &Path) -> Result<Command> {
    let file = folder.join("bench.yaml");
    fs::write(&file, definition("bench", workload))?;
    let mut command = Command::new(binary);
    command.args(["run", "--quiet", "--slots"]).arg(workload.parallel.to_string());
    command.arg("--data-dir").arg(folder.join("data")).arg(file).current_dir(folder);
    Ok(command)
}

pub(crate) fn definition(name: &str, workload: &Workload) -> String {
    let mut text = format!("name: {name}\nstages:\n");
    for (step, needs) in workload.steps.iter().enumerate() {
        let needs: Vec<String> = needs.iter().map(|need| format!("s{need}")).collect();
        let work = if workload.noop { "noop: true" } else { "run: \":\"" };
        let needs = needs.join(", ");
        let _ = writeln!(text, "  - {{name: s{step}, {work}, depends_on: [{needs}]}}");
    }
    text
}

fn make(workload: &Workload, folder: &Path) -> Result<Command> {
    let names: Vec<String> = (0..workload.steps.len()).map(|step| format!("s{step}")).collect();
    let mut text = format!(".PHONY: all {0}\nall: {0}\n", names.join(" "));
    for (step, needs) in workload.steps.iter().enumerate() {
        let needs: Vec<String> = needs.iter().map(|need| format!("s{need}")).collect();
        // A builtin alone would be run by make itself; the others start a shell for it.
        let _ = writeln!(text, "s{step}: {}\n\t@sh -e -c ':'", needs.join(" "));
    }
    fs::write(folder.join("Makefile"), text)?;
    let mut command = Command::new("make");
    command.arg(format!("-j{}", workload.parallel)).arg("all").current_dir(folder);
    Ok(command)
}

fn ninja(workload: &Workload, folder: &Path) -> Result<Command> {
    let mut text = String::from("rule step\n  command = :\n");
    for (step, needs) in workload.steps.iter().enumerate() {
        let needs: Vec<String> = needs.iter().map(|need| format!("s{need}")).collect();
        let _ = writeln!(text, "build s{step}: step {}", needs.join(" "));
    }
    fs::write(folder.join("build.ninja"), text)?;
    let mut command = Command::new("ninja");
    command.arg(format!("-j{}", workload.parallel)).current_dir(folder);
    Ok(command)
}

/// `xargs` starts one shell a step, one after the other.
fn floor(workload: &Workload) -> Result<Command> {
    let count = workload.steps.len();
    ensure!(count > 0, "an empty workload");
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("seq {count} | xargs -n 1 sh -e -c ':'"));
    Ok(command)
}
