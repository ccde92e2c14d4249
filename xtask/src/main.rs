//! The one build tool: `cargo xtask ci` is what CI runs and what the pre-commit hook runs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a build tool talks to a terminal")]

mod bench;
mod ci;
mod client;
mod codegen;
mod metadata;
mod tidy;
mod ui;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <task>

  ci [--fast]        everything CI checks; --fast leaves out the long simulation
  tidy               house rules: who imports whom, file lengths, names, licences
  codegen [--check]  write the generated reference (or fail when it is stale)
  ui [--check]       build the page into the server's assets (or fail when it is stale)
  bench [ARGS]       the benchmark suite, in release; ARGS go to it
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["ci"] => ci::run(false),
        ["ci", "--fast"] => ci::run(true),
        ["tidy"] => tidy::run(),
        ["codegen"] => codegen::run(codegen::Mode::Write),
        ["codegen", "--check"] => codegen::run(codegen::Mode::Check),
        ["ui"] => ui::run(codegen::Mode::Write),
        ["ui", "--check"] => ui::run(codegen::Mode::Check),
        ["bench", rest @ ..] => bench::run(rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}
