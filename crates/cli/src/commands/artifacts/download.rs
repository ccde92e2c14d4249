//! `orchestrate artifacts download`

use std::io::Write as _;
use std::path::{Path, PathBuf};

use axum::body::Body;
use clap::Args;
use futures_util::StreamExt as _;

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, session, words};

/// Fetch the content of an artifact: the bytes as they were stored
///
/// Without --to it is written into this folder under the last part of its path. Nothing is
/// unpacked, and no file that is there already is replaced without --force.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate artifacts download 12
  orchestrate artifacts download 12 --to - | less")]
pub struct DownloadArgs {
    /// As in `artifacts list`
    id: String,
    /// File to write; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &DownloadArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let artifact = session.client.artifact(&args.id).await?;
        let body = session.client.artifact_content(&artifact.id).await?;
        if args.to.as_deref() == Some(Path::new("-")) {
            let mut chunks = body.into_data_stream();
            while let Some(chunk) = chunks.next().await {
                output::print_bytes(&chunk.map_err(|error| broken(&error))?)?;
            }
            return Ok(Exit::Ok);
        }
        let to = match &args.to {
            Some(path) => path.clone(),
            None => PathBuf::from(own_name(&artifact.path, &artifact.name)),
        };
        let bytes = save(body, &to, args.force).await?;
        let shown = to.display();
        output::print(&format!("{shown}\n"))?;
        context.note(&format!("{} of {}", words::bytes(bytes), artifact.run_name));
        Ok(Exit::Ok)
    })
}

/// The last part of its path, which was made by a stage and may say anything.
fn own_name(path: &str, name: &str) -> String {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe = |text: &str| -> String {
        text.chars().filter(|letter| !letter.is_control()).take(200).collect()
    };
    match safe(last).as_str() {
        "" | "." | ".." => safe(&name.replace(['/', '\\'], "-")),
        last => last.to_owned(),
    }
}

fn broken(error: &axum::Error) -> Failure {
    Failure::new(Exit::Unreachable, format!("the connection broke: {error}")).hint("ask again")
}

/// Written beside and renamed, so that a broken download leaves nothing half.
pub(crate) async fn save(body: Body, to: &Path, force: bool) -> Result<u64> {
    let shown = to.display();
    let failed = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            std::io::ErrorKind::PermissionDenied => Exit::NotAllowed,
            _ => Exit::Internal,
        };
        Failure::new(exit, format!("could not write `{shown}`: {error}"))
    };
    if !force && to.symlink_metadata().is_ok() {
        let message = format!("`{shown}` exists already");
        return Err(Failure::new(Exit::Conflict, message).hint("replace it with --force"));
    }
    let beside = to.with_file_name(format!(
        ".{}.{}.part",
        to.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let mut file = std::fs::File::create(&beside).map_err(failed)?;
    let mut chunks = body.into_data_stream();
    let mut bytes = 0;
    while let Some(chunk) = chunks.next().await {
        let written = match chunk {
            Ok(chunk) => {
                bytes += chunk.len() as u64;
                file.write_all(&chunk).map_err(failed)
            }
            Err(error) => Err(broken(&error)),
        };
        if let Err(failure) = written {
            drop(std::fs::remove_file(&beside));
            return Err(failure);
        }
    }
    file.sync_all().map_err(failed)?;
    std::fs::rename(&beside, to).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::own_name;

    #[test]
    fn an_artifact_cannot_choose_where_it_lands() {
        assert_eq!(own_name("out/report.json", "report"), "report.json");
        assert_eq!(own_name("../../etc/passwd", "x"), "passwd");
        assert_eq!(own_name("a/..", "re/port"), "re-port");
        assert_eq!(own_name("a\u{7}b\n", "x"), "ab");
    }
}
