//! `orchestrate user`

use api::account::{CreateUser, UpdateUser, UserView};
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output::table::Table;
use crate::{hidden, output, session};

/// Create, list and change users
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    Create(CreateArgs),
    List(ListUsersArgs),
    Show(ShowArgs),
    Update(UpdateArgs),
    Disable(DisableArgs),
    Password(PasswordArgs),
}

/// Create a user
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate user create bo --role operator --role approver --password
  orchestrate user create ci --role developer && orchestrate token create ci")]
pub struct CreateArgs {
    name: String,
    /// viewer, auditor, approver, operator, developer, maintainer or admin (default: viewer)
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[arg(long, default_value = "")]
    email: String,
    #[arg(long, default_value = "")]
    full_name: String,
    /// What the provider of `oidc` calls them for itself: their `sub`
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
    /// Give them a password, asked for or read from stdin
    #[arg(long)]
    password: bool,
}

/// List users of the store and of config.yaml
#[derive(Debug, Args)]
pub struct ListUsersArgs {
    #[command(flatten)]
    list: ListArgs,
}

/// Show a user, and what they may do
#[derive(Debug, Args)]
pub struct ShowArgs {
    name: String,
}

/// Change a user; what is not given stays
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate user update bo --role maintainer")]
pub struct UpdateArgs {
    name: String,
    /// Instead of all roles they have
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Instead of all groups they have
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[arg(long)]
    email: Option<String>,
    #[arg(long)]
    full_name: Option<String>,
    /// What the provider of `oidc` calls them for itself: their `sub`; '' for none
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
    /// Let them in again
    #[arg(long)]
    enable: bool,
}

/// Let a user in no more, whatever tokens and sessions they have
#[derive(Debug, Args)]
pub struct DisableArgs {
    name: String,
}

/// Set the password of a user: asked for, or read from stdin; it ends their sessions
#[derive(Debug, Args)]
pub struct PasswordArgs {
    name: String,
}

pub fn run(command: UserCommand, context: &Context) -> Result<Exit> {
    match command {
        UserCommand::Create(args) => create(args, context),
        UserCommand::List(args) => list(&args, context),
        UserCommand::Show(args) => show(&args.name, context),
        UserCommand::Update(args) => {
            let some = |words: Vec<String>| (!words.is_empty()).then_some(words);
            let body = UpdateUser {
                roles: some(args.roles),
                groups: some(args.groups),
                email: args.email,
                full_name: args.full_name,
                subject: args.subject,
                disabled: args.enable.then_some(false),
                password: None,
            };
            update(&args.name, &body, context)
        }
        UserCommand::Disable(args) => {
            let body = UpdateUser { disabled: Some(true), ..UpdateUser::default() };
            update(&args.name, &body, context)
        }
        UserCommand::Password(args) => {
            let password = Some(hidden::read(context, "New password: ")?);
            update(&args.name, &UpdateUser { password, ..UpdateUser::default() }, context)
        }
    }
}

fn create(args: CreateArgs, context: &Context) -> Result<Exit> {
    let password = match args.password {
        true => Some(hidden::read(context, "Password: ")?),
        false => None,
    };
    let CreateArgs { name, roles, groups, email, full_name, subject, password: _ } = args;
    let body = CreateUser { name, full_name, email, roles, groups, password, subject };
    session::talk(context, async |session| {
        let user = session.client.create_user(&body).await?;
        output::show_item(context, ("orchestrate.user/v1", &user), |user| Ok(line(user)))?;
        Ok(Exit::Ok)
    })
}

fn list(args: &ListUsersArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut page = session.client.users().await?;
        page.data.truncate(args.list.limit as usize);
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.user.list/v1", page.data.as_slice(), page.next.as_deref());
        output::show_list(context, &choice, list, |users| {
            let mut table = Table::new(&["NAME", "ROLES", "GROUPS", "STATE", "FROM"]);
            for user in users {
                table.row(vec![
                    user.name.as_str().into(),
                    user.roles.join(",").into(),
                    user.groups.join(",").into(),
                    if user.disabled_at.is_some() { "disabled" } else { "active" }.into(),
                    user.origin.as_str().into(),
                ]);
            }
            table
        })?;
        Ok(Exit::Ok)
    })
}

fn show(name: &str, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let user = session.client.user(name).await?;
        output::show_item(context, ("orchestrate.user/v1", &user), |user| Ok(line(user)))?;
        Ok(Exit::Ok)
    })
}

fn update(name: &str, body: &UpdateUser, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let user = session.client.update_user(name, body).await?;
        output::show_item(context, ("orchestrate.user/v1", &user), |user| Ok(line(user)))?;
        Ok(Exit::Ok)
    })
}

fn line(user: &UserView) -> String {
    let state = if user.disabled_at.is_some() { "  disabled" } else { "" };
    let roles = if user.roles.is_empty() { "no role".to_owned() } else { user.roles.join(", ") };
    format!("{}  {roles}  may {}{state}\n", user.name, user.rights.join(", "))
}
