//! `orchestrate token`

use api::flow::CreateToken;
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::{output, render, session};

/// Make, list and revoke tokens by which users are known
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    Create(CreateArgs),
    List(ListTokensArgs),
    Revoke(RevokeArgs),
}

/// Make a token for a user; it is printed once and stored only as a hash
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  TOKEN_OF_BO=$(orchestrate token create bo --quiet)
  orchestrate --token \"$TOKEN_OF_BO\" whoami
  orchestrate token create ci --scope work   # for `orchestrate worker`")]
pub struct CreateArgs {
    /// Who is known by it
    user: String,
    /// What it is for
    #[arg(long, default_value = "", value_name = "TEXT")]
    name: String,
    /// A right, of which it has no others: read, run, define, decide, maintain, audit, admin,
    /// work
    #[arg(long = "scope", alias = "scopes", value_delimiter = ',', value_name = "RIGHT")]
    scopes: Vec<String>,
    /// Lets nobody in after this time: `90d`, `12h`
    #[arg(long, value_name = "TIME")]
    expires_in: Option<jiff::SignedDuration>,
    /// It may stand for others (`--as`) and change tokens
    #[arg(long)]
    admin: bool,
}

/// List tokens; what they are is never shown again
#[derive(Debug, Args)]
pub struct ListTokensArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// Revoke a token: from now on it opens nothing
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate token revoke 3")]
pub struct RevokeArgs {
    /// As in `token list`
    id: String,
}

pub fn run(command: TokenCommand, context: &Context) -> Result<Exit> {
    match command {
        TokenCommand::Create(args) => create(&args, context),
        TokenCommand::List(args) => list(&args, context),
        TokenCommand::Revoke(args) => revoke(&args, context),
    }
}

fn create(args: &CreateArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let body = CreateToken {
            user: args.user.clone(),
            admin: args.admin,
            name: args.name.clone(),
            scopes: (!args.scopes.is_empty()).then(|| args.scopes.clone()),
            expires_at: args.expires_in.map(|time| context.now() + time),
        };
        let made = session.client.create_token(&body).await?;
        output::show_item(context, ("orchestrate.token/v1", &made), |made| {
            Ok(format!("{}\n", made.token.as_deref().unwrap_or_default()))
        })?;
        context
            .note(&format!("token {} of {}: keep it, it is not shown again", made.id, made.user));
        Ok(Exit::Ok)
    })
}

fn list(args: &ListTokensArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.tokens().await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.token.list/v1", page.data.as_slice(), page.next.as_deref());
        let now = context.now();
        output::show_list(context, &choice, list, |data| render::flow::tokens(data, now))?;
        Ok(Exit::Ok)
    })
}

fn revoke(args: &RevokeArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        session.client.revoke_token(&args.id).await?;
        let done = serde_json::json!({"id": args.id, "revoked": true});
        output::show_item(context, ("orchestrate.token/v1", &done), |_| {
            Ok(format!("Revoked token {}\n", args.id))
        })?;
        Ok(Exit::Ok)
    })
}
