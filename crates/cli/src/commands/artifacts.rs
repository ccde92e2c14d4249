//! `orchestrate artifacts`

mod diff;
pub(crate) mod download;
pub(crate) mod list;
mod show;
mod upkeep;

use clap::Subcommand;

use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;

/// Look at the files that stages left, and fetch them
#[derive(Debug, Subcommand)]
pub enum ArtifactsCommand {
    List(list::ListArtifactsArgs),
    Show(show::ShowArtifactArgs),
    Download(download::DownloadArgs),
    Diff(diff::DiffArgs),
    Mirror(upkeep::MirrorArgs),
    Prune(upkeep::PruneArgs),
}

pub fn run(command: ArtifactsCommand, context: &Context) -> Result<Exit> {
    match command {
        ArtifactsCommand::List(args) => list::run(&args, context),
        ArtifactsCommand::Show(args) => show::run(&args, context),
        ArtifactsCommand::Download(args) => download::run(&args, context),
        ArtifactsCommand::Diff(args) => diff::run(&args, context),
        ArtifactsCommand::Mirror(args) => upkeep::mirror(&args, context),
        ArtifactsCommand::Prune(args) => upkeep::prune(&args, context),
    }
}
