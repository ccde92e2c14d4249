//! `orchestrate run`

use std::path::{Path, PathBuf};
use std::time::Duration;

use api::pipeline::StartRun;
use clap::Args;
use pipeline::Pipeline;
use serde_json::Value as Json;

use crate::commands::validate::{Checked, read};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::follow::{Definition, Following, follow};
use crate::output::table::Choice;
use crate::output::{self, Format};
use crate::render;
use crate::render::pipelines::short_digest;
use crate::session::{Need, Session};
use crate::words;

/// Run a pipeline from a file, or a stored one by its name, and follow it to its end
///
/// A file is stored as the pipeline of its name, as a new revision when it differs. Without a
/// server the run is driven here; when this process is killed, the next command or server takes
/// it up again. Exits with 0 when the run succeeded, 10 when it failed, 11 when it was cancelled,
/// 14 when it was rejected or rolled back, 3 when the definition has errors, 2 when an input is
/// missing or of the wrong type.
///
/// On a terminal, forms are filled in and approvals decided here; elsewhere the command that
/// answers them is printed, and the run waits.
///
/// On a terminal, Ctrl-C asks whether to cancel the run or to leave it in the background;
/// elsewhere it cancels the run. A second Ctrl-C leaves at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate run ci.yaml
  orchestrate run release.yaml -p version=1.4.0 -p dry=true
  orchestrate run ci --event event.json --output ndjson
  orchestrate run release.yaml -p version=1.4.0 --mode shadow
  orchestrate run nightly.yaml --detach")]
pub struct RunArgs {
    /// A file (`-` reads standard input), or the name of a stored pipeline
    #[arg(value_name = "FILE|NAME")]
    subject: String,
    #[command(flatten)]
    start: StartArgs,
}

/// The most careful first.
pub(crate) const MODES: [&str; 3] = ["shadow", "pilot", "production"];

/// How to start a run; shared with `pipeline run`.
#[derive(Clone, Debug, Default, Args)]
pub struct StartArgs {
    /// An input; the value is read by the input's declared type
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// Inputs from a JSON file (an object); -p wins
    #[arg(long, value_name = "FILE")]
    inputs_file: Option<PathBuf>,
    /// What started the run, as a JSON file (an object): `branch`, `paths`, `labels` and
    /// `environment` are what conditions are judged on, all of it is ${event.*}
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    /// Show what would run; nothing is stored or started
    #[arg(long)]
    dry_run: bool,
    /// Print the run's name and leave it in the background
    #[arg(long, short, conflicts_with = "dry_run")]
    detach: bool,
    /// Ask nothing: missing inputs are errors, Ctrl-C cancels
    #[arg(long, short)]
    yes: bool,
    /// Exit with 13 instead of waiting when only a person's decision is missing
    #[arg(long)]
    exit_on_wait: bool,
    /// Exit with 13 when it has waited for people for so long: `90s`, `1h`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait_timeout: Option<Duration>,
    /// Go no further than this: `shadow` does nothing and says what would be done
    #[arg(long, value_name = "MODE", value_parser = MODES)]
    mode: Option<String>,
    /// Hold the run before this stage; `runs advance` lets it go on
    #[arg(long = "break", value_name = "STAGE")]
    breakpoints: Vec<String>,
    /// Hold the run before every stage; `runs step` lets one go on
    #[arg(long)]
    step: bool,
    /// At most so many attempts at once, when the run is driven here
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    slots: Option<u32>,
}

pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = text.parse::<jiff::SignedDuration>().ok();
    read.and_then(|span| Duration::try_from(span).ok()).ok_or_else(|| "write 90s or 1h".to_owned())
}

/// What is to be run.
#[derive(Debug)]
pub enum Subject {
    File(String),
    Stored(String),
}

pub fn run(args: RunArgs, context: &Context) -> Result<Exit> {
    let subject = if is_file(&args.subject) {
        Subject::File(args.subject)
    } else {
        Subject::Stored(args.subject)
    };
    start(subject, args.start, context)
}

/// A name of a pipeline has neither a dot nor a slash.
pub(crate) fn is_file(subject: &str) -> bool {
    subject == "-" || subject.contains(['/', '.']) || Path::new(subject).is_file()
}

pub fn start(subject: Subject, args: StartArgs, context: &Context) -> Result<Exit> {
    let mut context = context.clone();
    context.global.no_input |= args.yes;
    let context = &context;
    let mut request = StartRun { dry_run: args.dry_run, ..StartRun::default() };
    let mut given = None;
    match subject {
        Subject::Stored(name) => request.pipeline = Some(name),
        Subject::File(file) => {
            let checked = Checked::of(&file, read(&file)?, context).accepted(context)?;
            given = Some(announce(&checked, context));
            ask_missing(checked.parsed.pipeline.as_ref(), &mut request, &args, context)?;
            request.definition = Some(checked.text);
            request.file = Some(file);
        }
    }
    if let Some(path) = &args.inputs_file {
        request.inputs = object(path, "--inputs-file")?.into_iter().collect();
    }
    if let Some(path) = &args.event {
        request.event = Some(Json::Object(object(path, "--event")?));
    }
    request.input_texts.extend(args.param.iter().cloned());
    // What -p says replaces what the file said.
    for (name, _) in &args.param {
        request.inputs.remove(name);
    }
    let here = context.cwd()?;
    request.breakpoints.clone_from(&args.breakpoints);
    request.step = args.step;
    request.mode.clone_from(&args.mode);
    request.directory = here.to_str().map(str::to_owned);
    context.block_on(async { launch(request, given, &args, context).await })
}

async fn launch(
    request: StartRun,
    given: Option<Definition>,
    args: &StartArgs,
    context: &Context,
) -> Result<Exit> {
    let background = args.dry_run || args.detach;
    let need = if background { Need::Talk } else { Need::Drive { slots: args.slots } };
    let session = Session::open(context, need).await?;
    if args.dry_run {
        let plan = session.client.plan(&request).await.map_err(|f| with_name_hint(f, &request))?;
        let text = match context.format() {
            Format::Text => {
                let choice =
                    Choice { width: context.around.table_width(), indent: 2, ..Choice::default() };
                render::plan::head(&plan, context.palette())
                    + &render::plan::table(&plan).text(&choice, context.palette())?
            }
            format => output::item(format, "orchestrate.plan/v1", &plan)?,
        };
        output::print(&text)?;
        session.close().await?;
        return Ok(Exit::Ok);
    }
    let started = session.client.start(&request).await.map_err(|f| with_name_hint(f, &request));
    let run = match started {
        Ok(run) => run,
        Err(failure) => {
            session.close().await?;
            return Err(failure);
        }
    };
    if args.detach {
        let text = match context.format() {
            Format::Text => format!("{}\n", run.name),
            format => output::item(format, "orchestrate.run/v1", &run)?,
        };
        output::print(&text)?;
        let name = &run.name;
        context.note(&format!("follow it: orchestrate logs {name} -f, orchestrate status"));
        session.close().await?;
        return Ok(Exit::Ok);
    }
    let following = Following {
        definition: given,
        is_new: true,
        exit_on_wait: args.exit_on_wait,
        wait_timeout: args.wait_timeout,
        test: None,
    };
    follow(context, session, run, following).await
}

/// Says the warnings, and keeps what the first line of progress says.
fn announce(checked: &Checked, context: &Context) -> Definition {
    if !checked.parsed.diagnostics.is_empty() {
        context.note(checked.rendered(context.talk_palette().on).trim_end());
    }
    let digest = pipeline::digest(&checked.text);
    let stages = words::count(checked.stages() as u64, "stage");
    let about = format!("{}: {stages}, definition {}", checked.file, short_digest(&digest));
    Definition { file: checked.file.clone(), text: checked.text.clone(), about }
}

/// On a terminal, asks for required inputs that were not given.
fn ask_missing(
    pipeline: Option<&Pipeline>,
    request: &mut StartRun,
    args: &StartArgs,
    context: &Context,
) -> Result<()> {
    let Some(pipeline) = pipeline else { return Ok(()) };
    if !context.can_ask() || args.inputs_file.is_some() {
        return Ok(());
    }
    for (name, input) in &pipeline.inputs {
        let given = args.param.iter().any(|(given, _)| given == name);
        if !input.required || input.default.is_some() || given {
            continue;
        }
        let kind = format!("{:?}", input.kind).to_lowercase();
        let about = match words::one_line(&input.description) {
            text if text.is_empty() => String::new(),
            text => format!(" - {text}"),
        };
        if let Some(answer) = context.ask(&format!("{name} ({kind}){about}: "))? {
            request.input_texts.insert(name.clone(), answer);
        }
    }
    Ok(())
}

pub(crate) fn object(path: &Path, option: &str) -> Result<serde_json::Map<String, Json>> {
    let text = read(&path.to_string_lossy())?;
    let wrong = |what: String| {
        Failure::usage(format!("`{option} {}`: {what}", path.display()))
            .hint("the file has to hold one JSON object, like {\"branch\": \"main\"}")
    };
    match serde_json::from_str(&text) {
        Ok(Json::Object(map)) => Ok(map),
        Ok(_) => Err(wrong("not a JSON object".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// A name that nobody knows may have been meant as a file.
fn with_name_hint(failure: Failure, request: &StartRun) -> Failure {
    match (&request.pipeline, failure.exit) {
        (Some(name), Exit::NotFound) => {
            let file = format!("pipelines/{name}.yaml");
            if Path::new(&file).is_file() {
                failure.hint(format!("orchestrate run {file}"))
            } else {
                failure
                    .hint("orchestrate pipeline list")
                    .hint("a file is named by its path: orchestrate run ./FILE")
            }
        }
        (_, Exit::Usage) => failure.hint("give an input with -p NAME=VALUE"),
        _ => failure,
    }
}
