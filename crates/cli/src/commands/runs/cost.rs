//! `orchestrate runs cost`

use clap::Args;

use crate::args::ListArgs;
use crate::client::models::ModelCallsQuery;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Show what the models of a run used and cost: in all, by stage and by model
///
/// Money is shown where `models.prices` of config.yaml says what a model costs; what is not known is
/// not counted as nothing. With `--calls` every call is listed, newest first; with `--call` one of
/// them is shown whole: what was asked and what was answered, secrets masked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate runs cost feature#41
  orchestrate runs cost feature#41 --calls --stage implement --output json")]
pub struct CostArgs {
    /// `ci#4`, a prefix of its id, `ci` (its last run) or `latest`
    run: String,
    /// List the calls
    #[arg(long, conflicts_with = "call")]
    calls: bool,
    /// Only calls of this stage
    #[arg(long, value_name = "STAGE", requires = "calls")]
    stage: Option<String>,
    /// Calls after this one
    #[arg(long, value_name = "CURSOR", requires = "calls")]
    after: Option<String>,
    /// Show this call whole
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) fn run(args: &CostArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let name = session.run_name(&args.run).await?;
        if let Some(id) = &args.call {
            let call = session.client.model_call(&name, id).await?;
            output::show_item(context, ("orchestrate.model_call/v1", &call), |call| {
                Ok(render::models::call(call))
            })?;
            return Ok(Exit::Ok);
        }
        if args.calls {
            let query = ModelCallsQuery {
                stage: args.stage.clone(),
                limit: args.list.limit,
                after: args.after.clone(),
            };
            let page = session.client.model_calls(&name, &query).await?;
            let choice = args.list.choice(context.around.table_width());
            let next = page.next.as_deref();
            let list = ("orchestrate.model_call.list/v1", page.data.as_slice(), next);
            output::show_list(context, &choice, list, render::models::calls)?;
            if let Some(next) = next.filter(|_| context.is_text()) {
                context.note(&format!("more: orchestrate runs cost {name} --calls --after {next}"));
            }
            return Ok(Exit::Ok);
        }
        let cost = session.client.run_cost(&name).await?;
        let (width, palette) = (context.around.table_width(), context.palette());
        output::show_item(context, ("orchestrate.run_cost/v1", &cost), |cost| {
            render::models::run_cost(cost, width, palette)
        })?;
        Ok(Exit::Ok)
    })
}
