//! `orchestrate secret`

use api::account::SetSecret;
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::table::Table;
use crate::{hidden, output, session, words};

/// Store secrets for stages; nobody gets a value back
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    Set(SetArgs),
    List(ListSecretsArgs),
    Remove(RemoveArgs),
    Rekey(RekeyArgs),
}

/// For whom a secret is; for all where nothing is said.
#[derive(Debug, Args)]
pub struct For {
    /// Only for this pipeline
    #[arg(long, value_name = "NAME", conflicts_with = "environment")]
    pipeline: Option<String>,
    /// Only for stages of this environment
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
}

/// Store a value: asked for, or read from stdin, never an argument
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate secret set DEPLOY_KEY --environment prod < key.txt
  orchestrate secret set API_TOKEN")]
pub struct SetArgs {
    name: String,
    #[command(flatten)]
    scope: For,
}

/// List names of secrets, and for whom they are
#[derive(Debug, Args)]
pub struct ListSecretsArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// Remove a secret
#[derive(Debug, Args)]
pub struct RemoveArgs {
    name: String,
    #[command(flatten)]
    scope: For,
}

/// Draw a new key and seal all secrets with it
#[derive(Debug, Args)]
pub struct RekeyArgs {}

pub fn run(command: SecretCommand, context: &Context) -> Result<Exit> {
    match command {
        SecretCommand::Set(args) => set(args, context),
        SecretCommand::List(args) => list(&args, context),
        SecretCommand::Remove(args) => remove(&args, context),
        SecretCommand::Rekey(RekeyArgs {}) => rekey(context),
    }
}

fn set(args: SetArgs, context: &Context) -> Result<Exit> {
    let value = hidden::read(context, &format!("Value of {}: ", args.name))?;
    let For { pipeline, environment } = args.scope;
    let body = SetSecret { value, pipeline, environment };
    session::talk(context, async |session| {
        let secret = session.client.set_secret(&args.name, &body).await?;
        output::show_item(context, ("orchestrate.secret/v1", &secret), |secret| {
            Ok(format!("Stored {}\n", secret.name))
        })?;
        Ok(Exit::Ok)
    })
}

fn list(args: &ListSecretsArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.secrets().await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.secret.list/v1", page.data.as_slice(), page.next.as_deref());
        let now = context.now();
        output::show_list(context, &choice, list, |secrets| {
            let mut table = Table::new(&["NAME", "FOR", "CHANGED", "BY"]);
            for secret in secrets {
                let whom = match (&secret.pipeline, &secret.environment) {
                    (Some(name), _) => format!("pipeline {name}"),
                    (None, Some(name)) => format!("environment {name}"),
                    (None, None) => "all".to_owned(),
                };
                table.row(vec![
                    secret.name.as_str().into(),
                    whom.into(),
                    words::age(words::between(secret.updated_at, now)).into(),
                    secret.updated_by.as_str().into(),
                ]);
            }
            table
        })?;
        Ok(Exit::Ok)
    })
}

fn remove(args: &RemoveArgs, context: &Context) -> Result<Exit> {
    let For { pipeline, environment } = &args.scope;
    session::talk(context, async |session| {
        let (pipeline, environment) = (pipeline.as_deref(), environment.as_deref());
        session.client.remove_secret(&args.name, pipeline, environment).await?;
        let done = serde_json::json!({"name": args.name, "removed": true});
        output::show_item(context, ("orchestrate.secret/v1", &done), |_| {
            Ok(format!("Removed {}\n", args.name))
        })?;
        Ok(Exit::Ok)
    })
}

fn rekey(context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let done = session.client.rekey().await?;
        output::show_item(context, ("orchestrate.secret.rekeyed/v1", &done), |done| {
            Ok(format!("Sealed {} with key {}\n", words::count(done.secrets, "secret"), done.key))
        })?;
        Ok(Exit::Ok)
    })
}
