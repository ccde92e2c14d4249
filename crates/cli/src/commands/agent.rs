//! `orchestrate agent`

use api::agents::{AgentTest, CheckState, PreviewAgents, TestAgent};
use api::pipeline::StartRun;
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::client::agents::Around;
use crate::commands::run::{is_file, pair};
use crate::commands::validate::{Checked, read};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::follow::{Following, follow};
use crate::session::{Need, Session};
use crate::{output, render, session};

mod hold;

pub use hold::{AttachArgs, HandBackArgs};

/// See the agents that stages can name, and take over from one that works
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    List(ListAgentsArgs),
    Show(ShowAgentArgs),
    Prompt(PromptArgs),
    Attach(AttachArgs),
    HandBack(HandBackArgs),
    Test(TestArgs),
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

/// Try an agent for real, with one small turn
///
/// Looks up its definition, its program with its version, and the way to its model; shows what it
/// would be asked; and then asks it for one sentence, as a stage would: in a run of the pipeline
/// `agent-test`, in an empty folder, within 5 turns and one dollar. Exits with 0 when it answered,
/// 10 when it did not, 5 when something that it needs is missing, 3 when its definition is broken,
/// and 4 when there is no such agent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate agent test reviewer
  orchestrate agent test coder --dry-run
  orchestrate agent test coder --task 'Which files are here?' --here
  orchestrate agent test coder --output json | jq .data.outcome")]
pub struct TestArgs {
    /// Its name
    #[arg(value_name = "AGENT")]
    name: String,
    /// As this stored pipeline defines it
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Ask it this, instead of who it is
    #[arg(long, value_name = "TEXT")]
    task: Option<String>,
    /// Let it work in this directory, and not in an empty folder
    #[arg(long)]
    here: bool,
    /// It may cost this much, in US dollars
    #[arg(long, value_name = "AMOUNT")]
    usd: Option<f64>,
    /// Look at everything, and ask nothing: no token is spent
    #[arg(long)]
    dry_run: bool,
}

pub fn run(command: AgentCommand, context: &Context) -> Result<Exit> {
    match command {
        AgentCommand::List(args) => list(&args, context),
        AgentCommand::Show(args) => show(&args, context),
        AgentCommand::Prompt(args) => prompt(args, context),
        AgentCommand::Attach(args) => hold::attach(&args, context),
        AgentCommand::HandBack(args) => hold::hand_back(args, context),
        AgentCommand::Test(args) => test(args, context),
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
        let checked =
            Checked::of(&args.subject, read(&args.subject)?, context).accepted(context)?;
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

fn test(args: TestArgs, context: &Context) -> Result<Exit> {
    let Around { pipeline, directory } = around(args.pipeline.as_ref(), context)?;
    let TestArgs { name, task, here, usd, dry_run, .. } = args;
    let asked = TestAgent { pipeline, directory, here, task, usd, dry_run };
    context.block_on(async { tried(&name, &asked, context).await })
}

async fn tried(name: &str, asked: &TestAgent, context: &Context) -> Result<Exit> {
    let need = if asked.dry_run { Need::Talk } else { Need::Drive { slots: None } };
    let session = Session::open(context, need).await?;
    let test = match session.client.test_agent(name, asked).await {
        Ok(test) => test,
        Err(failure) => {
            session.close().await?;
            return Err(failure);
        }
    };
    let Some(run) = test.run.clone() else {
        session.close().await?;
        return looked_at(&test, context);
    };
    if context.is_text() {
        output::print(&render::tryout::report(&test, context.palette()))?;
    }
    let following = Following {
        is_new: true,
        // Whoever tries an agent learns that it would ask, too.
        exit_on_wait: !context.can_ask(),
        test: Some(Box::new(test)),
        ..Following::default()
    };
    follow(context, session, run, following).await
}

/// Nothing was started.
fn looked_at(test: &AgentTest, context: &Context) -> Result<Exit> {
    output::show_item(context, ("orchestrate.agent.test/v1", test), |test| {
        Ok(render::tryout::report(test, context.palette()))
    })?;
    let mut missing = test.checks.iter().filter(|check| check.state == CheckState::Missing);
    let Some(first) = missing.next() else { return Ok(Exit::Ok) };
    let says = format!("`{}` cannot be tried: {}: {}", test.agent.name, first.what, first.says);
    let failure = Failure::new(Exit::Conflict, says);
    Err([first]
        .into_iter()
        .chain(missing)
        .fold(failure, |failure, check| failure.hint(&check.hint)))
}
