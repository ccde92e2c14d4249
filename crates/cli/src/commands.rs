//! One verb a file: its arguments, whose doc comments are the help, and what it does.

pub mod agent;
pub mod api;
pub mod approval;
pub mod artifacts;
pub mod audit;
pub mod backup;
pub mod carry;
pub mod completions;
pub mod config;
pub mod doctor;
pub mod drive;
pub mod event;
pub mod explain;
pub mod fleet;
pub mod harness;
pub mod init;
pub mod input;
pub mod keeper;
pub mod logs;
pub mod mcp;
pub mod merge_turn;
pub mod model;
pub mod notify;
pub mod open;
pub mod pipeline;
pub mod reference;
pub mod retention;
pub mod rollout;
pub mod run;
pub mod runs;
pub mod schema;
pub mod secret;
pub mod serve;
pub mod status;
pub mod task;
pub mod token;
pub mod trigger;
pub mod user;
pub mod validate;
pub mod whoami;
pub mod worker;

use crate::args::Command;
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

pub fn perform(command: Command, context: &Context) -> Result<Exit> {
    match command {
        Command::Run(args) => run::run(args, context),
        Command::Validate(args) => validate::run(&args, context),
        Command::Explain(args) => explain::run(&args, context),
        Command::Schema(args) => schema::run(&args, context),
        Command::Init(args) => init::run(&args, context),
        Command::Pipeline(command) => pipeline::run(command, context),
        Command::Runs(command) => runs::run(command, context),
        Command::Task(command) => task::run(command, context),
        Command::Rollout(command) => rollout::run(command, context),
        Command::Fleet(command) => fleet::run(command, context),
        Command::Status(args) => status::run(&args, context),
        Command::Logs(args) => logs::run(&args, context),
        Command::Approval(command) => approval::run(command, context),
        Command::Input(command) => input::run(command, context),
        Command::Agent(command) => agent::run(command, context),
        Command::Artifacts(command) => artifacts::run(command, context),
        Command::Event(command) => event::run(command, context),
        Command::Trigger(command) => trigger::run(command, context),
        Command::Audit(command) => audit::run(command, context),
        Command::Model(command) => model::run(command, context),
        Command::Notify(command) => notify::run(command, context),
        Command::Token(command) => token::run(command, context),
        Command::User(command) => user::run(command, context),
        Command::Secret(command) => secret::run(command, context),
        Command::Open(args) => open::run(&args, context),
        Command::Whoami(args) => whoami::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Worker(args) => worker::run(&args, context),
        Command::Backup(args) => backup::back_up(&args, context),
        Command::Restore(args) => backup::restore(&args, context),
        Command::Retention(args) => retention::run(&args, context),
        Command::Config(command) => config::run(command, context),
        Command::Api(args) => api::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Keeper(args) => keeper::run(&args, context),
        Command::Harness(args) => harness::run(&args),
        Command::Mcp(args) => mcp::run(&args, context),
        Command::Carry(args) => carry::run(&args),
        Command::MergeTurn(args) => merge_turn::run(&args),
        Command::Drive(args) => drive::run(&args, context),
        Command::Reference(args) => reference::run(&args, context),
    }
}
