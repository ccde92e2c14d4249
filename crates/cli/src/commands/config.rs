//! `orchestrate config`

use api::config::SettingView;
use clap::{Args, Subcommand};

use crate::args::ListArgs;
use crate::context::Context;
use crate::error::{Failure, Result, chain};
use crate::exit::Exit;
use crate::output::table::Table;
use crate::{output, session};

/// Show settings and where they come from, and check config.yaml
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    Show(ShowArgs),
    Check(CheckArgs),
}

/// Show every setting of whoever owns the data folder; of secrets only whether they are set
///
/// A flag beats the environment, which beats `config.yaml`, which beats the default. A server that
/// runs shows its own flags and environment, not those of this command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate config show --sources
  orchestrate config show retention
  orchestrate config show --output json")]
pub struct ShowArgs {
    /// Only settings whose names begin so: `logs`, `retention.runs_days`
    names: Option<String>,
    /// Say also where each value comes from
    #[arg(long)]
    sources: bool,
    #[command(flatten)]
    list: ListArgs,
}

/// Read config.yaml and the environment, and say everything that is wrong with them
///
/// Exits with 3 when something is. Changes nothing, and needs no server.
#[derive(Debug, Args)]
pub struct CheckArgs {}

pub fn run(command: ConfigCommand, context: &Context) -> Result<Exit> {
    match command {
        ConfigCommand::Show(args) => show(&args, context),
        ConfigCommand::Check(args) => check(&args, context),
    }
}

fn show(args: &ShowArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let mut settings = session.client.settings().await?.data;
        let wanted = args.names.as_deref().unwrap_or_default();
        settings.retain(|setting| setting.name.starts_with(wanted));
        if settings.is_empty() {
            return Err(Failure::new(Exit::NotFound, format!("no setting begins with `{wanted}`"))
                .hint("orchestrate config show"));
        }
        let choice = args.list.choice(context.around.table_width());
        let list = ("orchestrate.setting.list/v1", settings.as_slice(), None);
        output::show_list(context, &choice, list, |rows| table(rows, args.sources))?;
        Ok(Exit::Ok)
    })
}

fn table(settings: &[SettingView], sources: bool) -> Table {
    let headings: &[&str] =
        if sources { &["SETTING", "VALUE", "SOURCE"] } else { &["SETTING", "VALUE"] };
    let mut table = Table::new(headings);
    for setting in settings {
        let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
        let mut row = vec![setting.name.as_str().into(), value.into()];
        if sources {
            row.push(setting.source.as_str().into());
        }
        table.row(row);
    }
    table
}

fn check(_args: &CheckArgs, context: &Context) -> Result<Exit> {
    let folder = session::data_dir(context)?;
    let file = folder.join("config.yaml");
    let settings = server::settings_of(&folder, &context.said).map_err(|error| {
        Failure::new(Exit::Invalid, chain(&error)).hint("docs/reference/config.md")
    })?;
    let changed = settings
        .all()
        .filter(|resolved| resolved.source != server::settings::Source::Default)
        .count();
    let found = if file.exists() { "read" } else { "not there" };
    let done = serde_json::json!({"file": file, "exists": file.exists(), "set": changed});
    output::show_item(context, ("orchestrate.config.checked/v1", &done), |_| {
        Ok(format!("ok: {} {found}; {changed} settings are not the default\n", file.display()))
    })?;
    Ok(Exit::Ok)
}
