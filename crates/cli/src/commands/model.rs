//! `orchestrate model`

use api::model::{ModelTested, TestModel};
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render, session};

/// See the providers of models, and whether they answer
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    List(ListModelsArgs),
    Costs(CostsArgs),
    Test(TestModelArgs),
}

/// List the providers that agents may ask, and where their keys stand; never a key
///
/// They stand in `models.providers` of config.yaml; `OPENAI_API_KEY` and `OPENAI_BASE_URL` of the
/// server's environment make one called `openai`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate model list")]
pub struct ListModelsArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// Show what models used and cost by pipeline, task or run: what cost most first
///
/// What is not known is not counted as nothing: where some call has no price, the cost is unknown. One run, by
/// stage and by model: `orchestrate runs cost`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate model costs
  orchestrate model costs --by run --days 7 --output json")]
pub struct CostsArgs {
    /// What is added up together
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    by: By,
    /// Only calls of the last so many days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=36_500))]
    days: Option<u16>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum By {
    #[default]
    Pipeline,
    Task,
    Run,
}

/// Make one tiny call of a provider, and say what it cost
///
/// Exit codes: 0 it answered; 4 there is no such provider; 5 its key cannot be had; 7 it cannot be
/// reached; 14 it answered no.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  orchestrate model test openai\n  orchestrate model test anthropic --model claude-haiku-4-5"
)]
pub struct TestModelArgs {
    /// As in `model list`
    provider: String,
    /// Not set: the provider's own
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

pub fn run(command: ModelCommand, context: &Context) -> Result<Exit> {
    match command {
        ModelCommand::List(args) => list(&args, context),
        ModelCommand::Costs(args) => costs(&args, context),
        ModelCommand::Test(args) => test(&args, context),
    }
}

fn list(args: &ListModelsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.models().await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.model.list/v1", page.data.as_slice(), None);
        output::show_list(context, &choice, list, render::models::providers)?;
        if context.is_text() && page.data.is_empty() {
            context.note("no provider: set OPENAI_API_KEY, or add `models: {providers: ...}` to `config.yaml`");
        }
        Ok(Exit::Ok)
    })
}

fn costs(args: &CostsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let (by, heading) = match args.by {
            By::Pipeline => ("pipeline", "PIPELINE"),
            By::Task => ("task", "TASK"),
            By::Run => ("run", "RUN"),
        };
        let page = session.client.model_costs(by, args.days, args.list.limit).await?;
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.cost.list/v1", page.data.as_slice(), None);
        output::show_list(context, &choice, list, |data| render::models::costs(heading, data))?;
        if context.is_text() && page.data.is_empty() {
            context.note("no model was asked");
        }
        Ok(Exit::Ok)
    })
}

fn test(args: &TestModelArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let body = TestModel { model: args.model.clone() };
        let tested = session.client.test_model(&args.provider, &body).await?;
        if tested.answered || !context.is_text() {
            output::show_item(context, ("orchestrate.model_tested/v1", &tested), |tested| {
                let ModelTested { provider, model, took_ms, usage, .. } = tested;
                let used = render::models::brief(usage);
                Ok(format!("{provider}/{model} answered within {took_ms} ms: {used}\n"))
            })?;
        }
        if tested.answered { Ok(Exit::Ok) } else { Err(failure(&tested)) }
    })
}

fn failure(tested: &ModelTested) -> Failure {
    let ModelTested { provider, model, status, problem, .. } = tested;
    let (exit, how) = match status {
        Some(status) => (Exit::Rejected, format!("answered {status}")),
        None => (Exit::Unreachable, "did not answer".to_owned()),
    };
    Failure::new(exit, format!("{provider}/{model} {how}: {problem}"))
        .hint("orchestrate model list")
}
