//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands;
use crate::output::Format;
use crate::output::table::Choice;
use crate::terminal::ColorWhen;

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0 ok            1 internal error     2 wrong usage or input   3 definition invalid
  4 not found     5 conflict           6 not allowed            7 server unreachable
  10 run failed   11 run cancelled     12 run timed out         13 still waiting
  14 run rejected or rolled back       130 interrupted

Runs are named `ci#4`, `TASK-7-3`, by a prefix of their id, `ci` (its last run) or `latest`.
Documentation: docs/guide in the repository; `orchestrate explain CODE` for a diagnostic.";

/// Runs pipelines that must not get lost
///
/// Orchestrate runs pipelines written in YAML: stages of scripts with dependencies, conditions,
/// retries and limits. What it has acknowledged survives kill -9 and power loss; stages keep
/// running while it restarts and are never run twice by accident.
#[derive(Debug, Parser)]
#[command(name = "orchestrate", bin_name = "orchestrate", version, after_long_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command has.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Form of the result on stdout
    #[arg(long, short, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub output: Format,
    /// The same as --output json
    #[arg(long, global = true, conflicts_with = "output")]
    pub json: bool,
    /// Speak to the server at this URL, with the token given or the data folder's
    /// [env: ORCHESTRATE_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Folder that remembers runs; by default the nearest .orchestrate/ from here upward
    /// [env: ORCHESTRATE_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Act as the user of this token (`orchestrate token create`)
    /// [env: ORCHESTRATE_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Stand for this user; only with the token of an admin, as the data folder's is
    #[arg(long = "as", global = true, value_name = "USER")]
    pub stands_for: Option<String>,
    /// No progress and no notes on stderr, only errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more on stderr; twice says most
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colour the text
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorWhen,
    /// Never ask anything, even on a terminal
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// Options of commands that print a table.
#[derive(Clone, Debug, Default, Args)]
pub struct ListArgs {
    /// At most so many rows
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub limit: u32,
    /// Only these columns, in this order (comma-separated)
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub columns: Vec<String>,
    /// Leave the headings out
    #[arg(long)]
    pub no_header: bool,
}

impl ListArgs {
    pub fn choice(&self, width: Option<usize>) -> Choice {
        Choice { columns: self.columns.clone(), no_header: self.no_header, width, indent: 0 }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(commands::run::RunArgs),
    Validate(commands::validate::ValidateArgs),
    Explain(commands::explain::ExplainArgs),
    Schema(commands::schema::SchemaArgs),
    Init(commands::init::InitArgs),
    #[command(subcommand)]
    Pipeline(commands::pipeline::PipelineCommand),
    #[command(subcommand)]
    Runs(commands::runs::RunsCommand),
    #[command(subcommand)]
    Task(commands::task::TaskCommand),
    #[command(subcommand)]
    Rollout(commands::rollout::RolloutCommand),
    Status(commands::status::StatusArgs),
    Logs(commands::logs::LogsArgs),
    #[command(subcommand)]
    Approval(commands::approval::ApprovalCommand),
    #[command(subcommand)]
    Input(commands::input::InputCommand),
    #[command(subcommand)]
    Agent(commands::agent::AgentCommand),
    #[command(subcommand)]
    Fleet(commands::fleet::FleetCommand),
    #[command(subcommand)]
    Artifacts(commands::artifacts::ArtifactsCommand),
    #[command(subcommand)]
    Event(commands::event::EventCommand),
    #[command(subcommand)]
    Trigger(commands::trigger::TriggerCommand),
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    #[command(subcommand)]
    Model(commands::model::ModelCommand),
    #[command(subcommand)]
    Notify(commands::notify::NotifyCommand),
    #[command(subcommand)]
    Token(commands::token::TokenCommand),
    #[command(subcommand)]
    User(commands::user::UserCommand),
    #[command(subcommand)]
    Secret(commands::secret::SecretCommand),
    Mcp(commands::mcp::McpArgs),
    Open(commands::open::OpenArgs),
    Whoami(commands::whoami::WhoamiArgs),
    Doctor(commands::doctor::DoctorArgs),
    Serve(commands::serve::ServeArgs),
    Worker(commands::worker::WorkerArgs),
    Backup(commands::backup::BackupArgs),
    Restore(commands::backup::RestoreArgs),
    Retention(commands::retention::RetentionArgs),
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    Api(commands::api::ApiArgs),
    Completions(commands::completions::CompletionsArgs),
    #[command(hide = true)]
    Keeper(commands::keeper::KeeperArgs),
    #[command(hide = true)]
    Harness(commands::harness::HarnessArgs),
    #[command(hide = true)]
    Carry(commands::carry::CarryArgs),
    #[command(hide = true)]
    MergeTurn(commands::merge_turn::MergeTurnArgs),
    #[command(hide = true)]
    Drive(commands::drive::DriveArgs),
    #[command(hide = true)]
    Reference(commands::reference::ReferenceArgs),
}
