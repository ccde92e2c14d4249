//! `orchestrate runs talk`

use std::collections::BTreeMap;
use std::time::Duration;

use api::agent::Happening;
use api::run::RunDetail;
use api::stream::Frame;
use clap::Args;
use serde_json::{Value as Json, json};

use crate::client::Client;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::live::board::is_final;
use crate::live::ending;
use crate::output::{self, Format};
use crate::render;
use crate::session::{Need, Session};

/// Show what the agents of a run did and said: answers, calls of tools, refusals, questions, checks
///
/// Of each stage of agents over all of its attempts, with what every turn used. With --follow it is
/// printed as it happens, until the run has ended; the exit code is then that of the run. Secrets
/// are masked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs talk feature#41
  orchestrate runs talk latest -f
  orchestrate runs talk feature --stage 'build[2]' --attempt 1 --full
  orchestrate runs talk feature --stage build --output ndjson")]
pub struct TalkArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// Only of this stage (with all its instances) or instance
    #[arg(long, short, value_name = "STAGE")]
    stage: Option<String>,
    /// Only of this attempt
    #[arg(long, short, value_name = "N", requires = "stage")]
    attempt: Option<u32>,
    /// Also whole prompts, thoughts, and what tools were given and gave back
    #[arg(long)]
    full: bool,
    /// Print what happens, until the run has ended
    #[arg(long, short)]
    follow: bool,
}

pub(super) fn run(args: &TalkArgs, context: &Context) -> Result<Exit> {
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let name = session.run_name(&args.run).await?;
        let detail = session.client.run(&name).await?;
        let mut reading = Reading::new(args, context, &session.client, &detail);
        let exit = if args.follow {
            let ended = reading.follow(detail).await?;
            if context.is_text() {
                context.note(&ending::summary_plain(&ended, context.talk_palette()));
            }
            ending::exit(&ended)
        } else {
            reading.advance(&detail).await?;
            reading.check(&detail)?;
            Exit::Ok
        };
        reading.end()?;
        session.close().await?;
        Ok(exit)
    })
}

/// What was printed of a run.
struct Reading<'a> {
    args: &'a TalkArgs,
    context: &'a Context,
    client: &'a Client,
    run: String,
    width: usize,
    /// The last number that was printed of each execution; `None`: no agent does it.
    told: BTreeMap<String, Option<u64>>,
    printed: bool,
    /// Of the JSON and YAML forms, which are one document.
    items: Vec<Json>,
}

impl<'a> Reading<'a> {
    fn new(
        args: &'a TalkArgs,
        context: &'a Context,
        client: &'a Client,
        detail: &RunDetail,
    ) -> Self {
        let width = detail.stages.iter().map(|view| view.name.len()).max().unwrap_or(0).min(28);
        Self {
            args,
            context,
            client,
            run: detail.summary.id.clone(),
            width,
            told: BTreeMap::new(),
            printed: false,
            items: Vec::new(),
        }
    }

    /// Prints what has happened since.
    async fn advance(&mut self, detail: &RunDetail) -> Result<()> {
        for view in &detail.stages {
            let asked = self.args.stage.as_ref();
            let asked = asked.is_none_or(|name| *name == view.name || *name == view.stage);
            // A stage with instances has no talk of its own.
            if !asked || view.attempts.is_empty() || view.instances.is_some_and(|count| count > 0) {
                continue;
            }
            let Some(mut after) = self.told.get(&view.name).copied().unwrap_or(Some(0)) else {
                continue;
            };
            loop {
                let page = match self.client.talk(&self.run, &view.name, after).await {
                    Ok(page) => page,
                    Err(failure) if failure.exit == Exit::NotFound => {
                        self.told.insert(view.name.clone(), None);
                        break;
                    }
                    Err(failure) => return Err(failure),
                };
                after = page.data.last().map_or(after, |last| last.seq);
                self.told.insert(view.name.clone(), Some(after));
                for happening in &page.data {
                    self.print(&view.name, happening)?;
                }
                if page.next.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Until the run has ended. The stream says when there is something new.
    async fn follow(&mut self, mut detail: RunDetail) -> Result<RunDetail> {
        const PAUSE: Duration = Duration::from_millis(50);
        let of_run = format!("run:{}", self.run);
        let mut cursor = None;
        let mut listening = Vec::new();
        loop {
            self.advance(&detail).await?;
            if is_final(&detail.summary.status) {
                return Ok(detail);
            }
            let talks = self.told.iter().filter(|(_, told)| told.is_some());
            let talks = talks.map(|(name, _)| format!("talk:{}/{name}", self.run));
            let topics: Vec<String> = [of_run.clone()].into_iter().chain(talks).collect();
            if topics != listening {
                // Where the others were is not worth keeping: they only say that there is more.
                (listening, cursor) = (topics, None);
            }
            match self.client.poll(&listening, cursor.as_deref()).await {
                Ok(polled) => {
                    cursor = Some(polled.cursor);
                    let is_run = |frame: &Frame| topic(frame) == Some(&of_run);
                    if polled.frames.iter().any(is_run) {
                        detail = self.client.run(&self.run).await?;
                    }
                }
                Err(_broken) => {
                    // The end of the server, or only of the process that drove the run.
                    tokio::time::sleep(PAUSE).await;
                    detail = self.client.run(&self.run).await?;
                    cursor = None;
                }
            }
        }
    }

    /// A stage that was named has to be one of agents.
    fn check(&self, detail: &RunDetail) -> Result<()> {
        let name = &detail.summary.name;
        if let Some(stage) = &self.args.stage {
            let of = |view: &&api::run::StageView| view.name == *stage || view.stage == *stage;
            if !detail.stages.iter().any(|view| of(&view)) {
                let says = format!("`{name}` has no stage `{stage}`");
                return Err(Failure::new(Exit::NotFound, says)
                    .hint(format!("orchestrate pipeline status {name}")));
            }
            if !self.told.is_empty() && self.told.values().all(Option::is_none) {
                let says = format!("`{stage}` is no stage of agents");
                return Err(Failure::new(Exit::NotFound, says)
                    .hint(format!("orchestrate logs {name} --stage {stage}")));
            }
        }
        if !self.printed && self.context.is_text() {
            self.context.note("no agent has said or done anything yet");
        }
        Ok(())
    }

    fn print(&mut self, execution: &str, happening: &Happening) -> Result<()> {
        if self.args.attempt.is_some_and(|attempt| attempt != happening.attempt) {
            return Ok(());
        }
        self.printed = true;
        if self.context.is_text() {
            let palette = self.context.palette();
            let line = render::talk::Line { execution, width: self.width, full: self.args.full };
            return output::print(&line.text(happening, palette));
        }
        let mut item = json!({ "stage": execution });
        let fields = serde_json::to_value(happening)
            .map_err(|error| Failure::internal("write the result", &error))?;
        if let (Json::Object(item), Json::Object(fields)) = (&mut item, fields) {
            item.extend(fields);
        }
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
                output::print(&output::list(format, "orchestrate.talk.list/v1", &self.items, None)?)
            }
        }
    }
}

fn topic(frame: &Frame) -> Option<&str> {
    match frame {
        Frame::Failed { err } => err.t.as_deref(),
        Frame::Ping { .. } => None,
        Frame::Gap { t, .. } => Some(t),
        Frame::Output(output) => Some(&output.t),
        Frame::Snapshot(snapshot) => Some(&snapshot.t),
        Frame::Events(events) => Some(&events.t),
    }
}
