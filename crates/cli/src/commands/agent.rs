//! `orchestrate agent`

use api::agents::PreviewAgents;
use api::pipeline::StartRun;
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::client::agents::Around;
use crate::commands::run::{is_file, pair};
use crate::commands::validate::{Checked, read};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

mod hold;

pub use hold::{AttachArgs, HandBackArgs};

/// See the agents that stages can name and what they would be asked; take over from one that works
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    List(ListAgentsArgs),
    Show(ShowAgentArgs),
    Prompt(PromptArgs),
    Attach(AttachArgs),
    HandBack(HandBackArgs),
}

/// List the agents that a stage can name: those of this directory, of the installation, built in
///
/// Where a name stands more than once, the first one is taken. Looked at are, in this order:
/// `agents` of the pipeline, `.orchestrate/agents`, `.claude/agents` and `.opencode/agent` of this
/// directory, `agents` of the data folder, and what is built in.
#[derive(Debug, Args)]
pub struct ListAgentsArgs {
    /// Also those that this stored pipeline defines
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

/// Show an agent as a stage would get it
#[derive(Debug, Args)]
pub struct ShowAgentArgs {
    /// Its name
    #[arg(value_name = "AGENT")]
    name: String,
    /// As this stored pipeline defines it
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
}

/// Show word for word what a stage of agents would be asked; no model is called
///
/// With the sizes and digests of what it is given to read. What is known only when stages before it
/// have run stands there as ‹...›.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate agent prompt feature.yaml plan -p goal='Dark mode'
  orchestrate agent prompt feature review --output json")]
pub struct PromptArgs {
    /// A file (`-` reads standard input), or the name of a stored pipeline
    #[arg(value_name = "FILE|NAME")]
    subject: String,
    /// The stage
    #[arg(value_name = "STAGE")]
    stage: String,
    /// An input; the value is read by the input's declared type
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
}

pub fn run(command: AgentCommand, context: &Context) -> Result<Exit> {
    match command {
        AgentCommand::List(args) => list(&args, context),
        AgentCommand::Show(args) => show(&args, context),
        AgentCommand::Prompt(args) => prompt(args, context),
        AgentCommand::Attach(args) => hold::attach(args, context),
        AgentCommand::HandBack(args) => hold::hand_back(args, context),
    }
}

fn around(pipeline: Option<&String>, context: &Context) -> Result<Around> {
    let directory = context.cwd()?.to_str().map(str::to_owned);
    Ok(Around { pipeline: pipeline.cloned(), directory })
}

fn list(args: &ListAgentsArgs, context: &Context) -> Result<Exit> {
    let around = around(args.pipeline.as_ref(), context)?;
    session::talk(context, async |session| {
        let mut page = session.client.agents(&around).await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.agent.list/v1", page.data.as_slice(), page.next.as_deref());
        output::show_list(context, &choice, list, render::agents::list)?;
        Ok(Exit::Ok)
    })
}

fn show(args: &ShowAgentArgs, context: &Context) -> Result<Exit> {
    let around = around(args.pipeline.as_ref(), context)?;
    session::talk(context, async |session| {
        let agent = session.client.agent(&args.name, &around).await?;
        output::show_item(context, ("orchestrate.agent/v1", &agent), |agent| {
            Ok(render::agents::detail(agent, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}

fn prompt(args: PromptArgs, context: &Context) -> Result<Exit> {
    let mut start = StartRun {
        input_texts: args.param.into_iter().collect(),
        directory: context.cwd()?.to_str().map(str::to_owned),
        ..StartRun::default()
    };
    if is_file(&args.subject) {
        let checked = Checked::of(&args.subject, read(&args.subject)?).accepted(context)?;
        start.definition = Some(checked.text);
        start.file = Some(args.subject);
    } else {
        start.pipeline = Some(args.subject);
    }
    let asked = PreviewAgents { stage: args.stage, start };
    session::talk(context, async |session| {
        let seen = session.client.preview_agents(&asked).await?;
        output::show_item(context, ("orchestrate.agent.prompt/v1", &seen), |seen| {
            Ok(render::agents::preview(seen, context.palette()))
        })?;
        Ok(Exit::Ok)
    })
}
