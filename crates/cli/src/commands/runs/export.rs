//! `orchestrate runs export`, `orchestrate runs open`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use api::bundle::{Bundle, SCHEMA};
use api::run::EventView;
use clap::Args;
use engine::event::Stamped;

use crate::commands::artifacts::download::save;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::live::ending;
use crate::output::table::Choice;
use crate::{client, output, render, session, words};

/// Write a run into one file: what happened, its definition, its artifacts and its logs
///
/// The file opens elsewhere with `runs open`; it is JSON, and nothing in it is executed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs export release#9 release-9.json
  orchestrate runs open release-9.json")]
pub struct ExportArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// File to write; standard output by default
    #[arg(value_name = "FILE")]
    to: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// Look at a run that was exported, without the folder it came from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs open release-9.json
  orchestrate runs open release-9.json --events
  orchestrate runs open release-9.json --logs deploy
  orchestrate runs open release-9.json --artifact report > report.md")]
pub struct OpenArgs {
    /// What `runs export` wrote; `-` reads standard input
    file: PathBuf,
    /// What happened, in order
    #[arg(long, conflicts_with_all = ["logs", "artifact", "definition"])]
    events: bool,
    /// The captured output of this stage
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["artifact", "definition"])]
    logs: Option<String>,
    /// The content of the artifact of this name or id
    #[arg(long, value_name = "NAME", conflicts_with = "definition")]
    artifact: Option<String>,
    /// The definition it ran
    #[arg(long)]
    definition: bool,
}

pub(super) fn run(args: &ExportArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        let body = session.client.export(&name).await?;
        match &args.to {
            Some(to) if to != Path::new("-") => {
                let bytes = save(body, to, args.force).await?;
                context.note(&format!("{name}: {} in {}", words::bytes(bytes), to.display()));
            }
            Some(_) | None => output::print_bytes(&client::whole(body).await?)?,
        }
        Ok(Exit::Ok)
    })
}

pub(super) fn open(args: &OpenArgs, context: &Context) -> Result<Exit> {
    let bundle = read(&args.file)?;
    let palette = context.palette();
    if args.definition {
        output::print(&render::pipelines::definition(&bundle.definition, palette))?;
    } else if args.events {
        let choice = Choice { width: context.around.table_width(), ..Choice::default() };
        let list = ("orchestrate.event.list/v1", bundle.events.as_slice(), None);
        output::show_list(context, &choice, list, render::events::table)?;
    } else if let Some(stage) = &args.logs {
        logs(&bundle, stage)?;
    } else if let Some(name) = &args.artifact {
        artifact(&bundle, name)?;
    } else {
        output::show_item(context, (SCHEMA, &bundle), |bundle| overview(bundle, context))?;
    }
    Ok(Exit::Ok)
}

fn read(file: &Path) -> Result<Bundle> {
    /// Larger ones are not made.
    const LIMIT: u64 = 1 << 30;
    let shown = file.display();
    let unreadable = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
            _ => Exit::Internal,
        };
        Failure::new(exit, format!("could not read `{shown}`: {error}"))
    };
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let source = std::fs::File::open(file).map_err(unreadable)?;
        source.take(LIMIT).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    let bundle: Bundle = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::usage(format!("`{shown}` is no exported run: {error}"))
            .hint("make one with `orchestrate runs export RUN FILE`")
    })?;
    if bundle.schema != SCHEMA {
        let message = format!("`{shown}` is of the kind `{}`, not `{SCHEMA}`", bundle.schema);
        return Err(Failure::usage(message));
    }
    check(&bundle, file)?;
    Ok(bundle)
}

/// What is shown is what was exported: every event follows from those before it.
fn check(bundle: &Bundle, file: &Path) -> Result<()> {
    let changed = |what: String| {
        let message = format!("`{}` was changed after it was exported: {what}", file.display());
        Failure::new(Exit::Conflict, message).hint("export the run again")
    };
    let run = &bundle.run.summary.id;
    let id = serde_json::from_value(run.as_str().into())
        .map_err(|_| changed(format!("`{run}` is no run")))?;
    let mut events = Vec::with_capacity(bundle.events.len());
    for (view, number) in bundle.events.iter().zip(1..) {
        let stamped = (view.seq == number).then(|| stored(view)).flatten();
        events.push(stamped.ok_or_else(|| changed(format!("event {number} is none")))?);
    }
    let hashes = bundle.events.iter().map(|view| view.hash.as_str());
    match store::first_broken(id, events.iter().zip(hashes)) {
        Some(number) => Err(changed(format!("the hash of event {number} does not fit"))),
        None => Ok(()),
    }
}

/// An event as the journal has it.
fn stored(view: &EventView) -> Option<Stamped> {
    let mut fields = serde_json::Map::from_iter([("type".to_owned(), view.kind.clone().into())]);
    fields.extend(view.body.as_object()?.clone());
    let event = serde_json::from_value(fields.into()).ok()?;
    Some(Stamped { at: view.at, event })
}

fn overview(bundle: &Bundle, context: &Context) -> Result<String> {
    let palette = context.palette();
    let detail = &bundle.run;
    let now = render::runs::latest(detail);
    let choice = Choice { width: context.around.table_width(), indent: 2, ..Choice::default() };
    let mut text = render::runs::head(detail, now, palette) + &render::runs::facts(detail);
    text += &render::runs::stages(detail, now).text(&choice, palette)?;
    if !bundle.artifacts.is_empty() {
        text += "\nartifacts:\n";
        text += &render::artifacts::table(&bundle.artifacts, false).text(&choice, palette)?;
    }
    let events = words::count(bundle.events.len() as u64, "event");
    let logs = words::count(bundle.logs.len() as u64, "log");
    text += &format!("\n{events}, {logs}\n");
    if detail.summary.status == "failed" {
        text += &ending::causes(detail, palette);
    }
    Ok(text)
}

fn logs(bundle: &Bundle, stage: &str) -> Result<()> {
    let own = |name: &str| name == stage || name.split('[').next() == Some(stage);
    let found: Vec<_> = bundle.logs.iter().filter(|log| own(&log.stage)).collect();
    if found.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("there is no output of `{stage}`")));
    }
    for log in found {
        let mut text = format!("-- {} attempt {} --\n", log.stage, log.attempt);
        if log.skipped > 0 {
            text += &format!("... {} before ...\n", words::count(log.skipped, "byte"));
        }
        text += &words::without_escapes_in_lines(&log.text);
        output::print(&text)?;
    }
    Ok(())
}

fn artifact(bundle: &Bundle, name: &str) -> Result<()> {
    let found = bundle.artifacts.iter().rev().find(|it| it.id == name || it.name == name);
    let Some(found) = found else {
        return Err(Failure::new(Exit::NotFound, format!("there is no artifact `{name}`")));
    };
    match bundle.contents.get(&found.digest) {
        Some(content) => output::print(content),
        None => Err(Failure::new(
            Exit::NotFound,
            format!("the content of `{name}` is not in the bundle: no text, or larger than 1 MiB"),
        )),
    }
}
