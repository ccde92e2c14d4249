//! `orchestrate logs`

use std::collections::HashSet;
use std::time::Duration;

use api::feed::{Captured, Message};
use api::run::{RunDetail, StageView};
use clap::Args;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::{Client, LogQuery};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::live::board::is_final;
use crate::live::ending;
use crate::output::{self, Format};
use crate::render::logs::{Line, Source, line};
use crate::session::{Need, Session};

/// Print what the stages of a run wrote to stdout and stderr
///
/// Of each stage the newest attempt, unless --attempt names another. With --follow lines are
/// printed as they come, from all stages at once, until the run has ended; the exit code is then
/// that of the run.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate logs ci#4
  orchestrate logs latest -f
  orchestrate logs ci --stage 'test[2]' --attempt 1
  orchestrate logs ci --stage build --raw > build.log")]
pub struct LogsArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Print new lines as they come, until the run has ended
    #[arg(long, short)]
    follow: bool,
    /// Only of this stage (with all its instances) or instance
    #[arg(long, short, value_name = "STAGE")]
    stage: Option<String>,
    /// Of this attempt instead of the newest
    #[arg(long, short, value_name = "N", requires = "stage")]
    attempt: Option<u32>,
    /// Only lines that contain this text
    #[arg(long, short, value_name = "TEXT")]
    grep: Option<String>,
    /// The bytes exactly as they were captured, of one stage or instance
    #[arg(long, requires = "stage", conflicts_with = "grep")]
    raw: bool,
}

pub fn run(args: &LogsArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let detail = session.client.run(&name).await?;
        let exit = if args.raw {
            raw(args, &session.client, &detail).await?
        } else if args.follow && !is_final(&detail.summary.status) {
            follow(args, context, &session.client, &detail).await?
        } else {
            let exit = print_all(args, context, &session.client, &detail).await?;
            if args.follow { ending::exit(&detail) } else { exit }
        };
        session.close().await?;
        Ok(exit)
    })
}

async fn raw(args: &LogsArgs, client: &Client, detail: &RunDetail) -> Result<Exit> {
    let stage = args.stage.as_deref().unwrap_or_default();
    let mut query = LogQuery { attempt: args.attempt, follow: args.follow, ..LogQuery::default() };
    // Without following, the server gives one part at a time.
    loop {
        let mut body = client.log_bytes(&detail.summary.id, stage, query).await?.into_data_stream();
        let mut read = 0;
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| {
                Failure::new(Exit::Unreachable, format!("the connection broke: {error}"))
            })?;
            read += bytes.len() as u64;
            output::print_bytes(&bytes)?;
        }
        query.offset += read;
        if read == 0 || args.follow {
            return Ok(Exit::Ok);
        }
    }
}

/// Executions that are asked for and ran, with the attempt to print.
fn wanted(args: &LogsArgs, detail: &RunDetail) -> Result<Vec<Source>> {
    let mut known = false;
    let mut found = Vec::new();
    for view in &detail.stages {
        let asked =
            args.stage.as_ref().is_none_or(|stage| *stage == view.name || *stage == view.stage);
        known |= asked;
        // A stage with instances has no output of its own.
        if !asked || view.attempts.is_empty() {
            continue;
        }
        let attempt = match args.attempt {
            None => view.attempts.last(),
            Some(number) => view.attempts.iter().find(|attempt| attempt.number == number),
        };
        match attempt {
            Some(attempt) => {
                found.push(Source { execution: view.name.clone(), attempt: attempt.number });
            }
            None if Some(&view.name) == args.stage.as_ref() => {
                let last = view.attempts.len();
                let number = args.attempt.unwrap_or(0);
                return Err(Failure::new(
                    Exit::NotFound,
                    format!("`{}` has no attempt {number}, it has {last}", view.name),
                ));
            }
            None => {}
        }
    }
    if !known {
        let stage = args.stage.as_deref().unwrap_or_default();
        let name = &detail.summary.name;
        return Err(Failure::new(Exit::NotFound, format!("`{name}` has no stage `{stage}`"))
            .hint(format!("orchestrate pipeline status {name}")));
    }
    Ok(found)
}

/// One stage after the other.
async fn print_all(
    args: &LogsArgs,
    context: &Context,
    client: &Client,
    detail: &RunDetail,
) -> Result<Exit> {
    let sources = wanted(args, detail)?;
    let width = sources.iter().map(|source| source.execution.len()).max().unwrap_or(0);
    let mut printer = Printer::new(args, context, width);
    let mut printed = false;
    for source in &sources {
        let query = LogQuery { attempt: Some(source.attempt), ..LogQuery::default() };
        let mut lines = client.log_lines(&detail.summary.id, &source.execution, query).await?;
        while let Some(record) = lines.next::<Captured>().await? {
            printed = true;
            printer.print(source, &record)?;
        }
    }
    printer.end()?;
    if !printed && context.is_text() {
        context.note("nothing was printed");
    }
    Ok(Exit::Ok)
}

/// All stages at once, as they start.
async fn follow(
    args: &LogsArgs,
    context: &Context,
    client: &Client,
    detail: &RunDetail,
) -> Result<Exit> {
    let (sender, mut records) = unbounded_channel();
    let id = detail.summary.id.clone();
    let width = detail.stages.iter().map(|view| view.name.len() + 3).max().unwrap_or(0).min(28);
    let mut printer = Printer::new(args, context, width);
    let mut begun = HashSet::new();
    let begin = |source: Source| {
        let (client, id, sender) = (client.clone(), id.clone(), sender.clone());
        tokio::spawn(async move { tail(&client, &id, source, &sender).await });
    };
    for source in wanted(args, detail)? {
        if begun.insert(source.clone()) {
            begin(source);
        }
    }
    let mut sequence = detail.sequence;
    let mut feed = client.feed(&id, sequence).await?;
    let ended = loop {
        tokio::select! {
            record = records.recv() => {
                if let Some((source, record)) = record {
                    printer.print(&source, &record)?;
                }
            }
            message = feed.next::<Message>() => {
                let Ok(Some(message)) = message else {
                    // Its end, or only that of the process that drove it.
                    let now = client.run(&id).await?;
                    if is_final(&now.summary.status) {
                        break now;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    feed = client.feed(&id, sequence).await?;
                    continue;
                };
                if let Message::Events { events, .. } = &message {
                    sequence = events.last().map_or(sequence, |event| event.seq);
                }
                for source in started(&message) {
                    if asked(args, &source) && begun.insert(source.clone()) {
                        begin(source);
                    }
                }
            }
        }
    };
    // The tails end by themselves when their attempts have.
    drop(sender);
    drain(&mut records, &mut printer).await?;
    printer.end()?;
    if context.is_text() {
        context.note(&ending::summary_plain(&ended, context.talk_palette()));
    }
    Ok(ending::exit(&ended))
}

async fn drain(
    records: &mut UnboundedReceiver<(Source, Captured)>,
    printer: &mut Printer<'_>,
) -> Result<()> {
    while let Some((source, record)) = records.recv().await {
        printer.print(&source, &record)?;
    }
    Ok(())
}

/// Sends the lines of one attempt until it has ended, also when the process that serves them
/// changes in between.
async fn tail(
    client: &Client,
    run: &str,
    source: Source,
    sender: &UnboundedSender<(Source, Captured)>,
) {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(100);
    let mut last = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        // Asked before reading: when it has ended by now, this reading is complete.
        let ended = client.run(run).await.is_ok_and(|detail| has_ended(&detail, &source));
        let query =
            LogQuery { attempt: Some(source.attempt), follow: !ended, offset: last.unwrap_or(0) };
        let Ok(mut lines) = client.log_lines(run, &source.execution, query).await else { continue };
        let whole = loop {
            match lines.next::<Captured>().await {
                Ok(Some(record)) => {
                    let (Captured::Line { offset, .. } | Captured::Gap { start: offset, .. }) =
                        &record;
                    if last.is_some_and(|last| *offset <= last) {
                        continue;
                    }
                    last = Some(*offset);
                    if sender.send((source.clone(), record)).is_err() {
                        return;
                    }
                }
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        if ended && whole {
            return;
        }
    }
}

fn has_ended(detail: &RunDetail, source: &Source) -> bool {
    let mut stages = detail.stages.iter().filter(|stage| stage.name == source.execution);
    let of = |stage: &StageView| {
        let mut attempts = stage.attempts.iter();
        attempts.any(|one| one.number == source.attempt && one.finished_at.is_some())
    };
    is_final(&detail.summary.status) || stages.any(of)
}

fn started(message: &Message) -> Vec<Source> {
    let Message::Events { events, .. } = message else { return Vec::new() };
    events
        .iter()
        .filter(|event| event.kind == "attempt.started")
        .filter_map(|event| {
            let attempt = event.body.get("attempt")?;
            Some(Source {
                execution: attempt.get("execution")?.as_str()?.to_owned(),
                attempt: u32::try_from(attempt.get("number")?.as_u64()?).ok()?,
            })
        })
        .collect()
}

fn asked(args: &LogsArgs, source: &Source) -> bool {
    let stage = source.execution.split('[').next().unwrap_or_default();
    let attempt = args.attempt.is_none_or(|number| number == source.attempt);
    attempt && args.stage.as_ref().is_none_or(|name| *name == source.execution || name == stage)
}

struct Printer<'a> {
    args: &'a LogsArgs,
    context: &'a Context,
    width: usize,
    /// Of the JSON and YAML forms, which are one document.
    items: Vec<serde_json::Value>,
}

impl<'a> Printer<'a> {
    fn new(args: &'a LogsArgs, context: &'a Context, width: usize) -> Self {
        Self { args, context, width, items: Vec::new() }
    }

    fn print(&mut self, source: &Source, record: &Captured) -> Result<()> {
        let (offset, at, text, gap) = match record {
            Captured::Line { offset, at, text } => (*offset, *at, text.clone(), None),
            Captured::Gap { start, end } => (*start, None, String::new(), Some(end - start)),
        };
        if gap.is_none() && self.args.grep.as_ref().is_some_and(|part| !text.contains(part)) {
            return Ok(());
        }
        if self.context.is_text() {
            let shown = Line { source, at, text: &text, gap, width: self.width };
            return output::print(&line(&shown, self.context.palette()));
        }
        let item = json!({
            "stage": source.execution,
            "attempt": source.attempt,
            "offset": offset,
            "at": at,
            "text": text,
            "dropped_bytes": gap.unwrap_or(0),
        });
        if self.context.format() == Format::Ndjson {
            return output::print(&format!("{item}\n"));
        }
        self.items.push(item);
        Ok(())
    }

    fn end(&self) -> Result<()> {
        match self.context.format() {
            Format::Text | Format::Ndjson => Ok(()),
            format => {
                output::print(&output::list(format, "orchestrate.log.list/v1", &self.items, None)?)
            }
        }
    }
}
