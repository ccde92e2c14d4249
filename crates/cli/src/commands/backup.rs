//! `orchestrate backup`, `orchestrate restore`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use store::backup::{self, Error, Manifest, Wanted};

use crate::context::Context;
use crate::error::{Failure, Result, chain};
use crate::exit::Exit;
use crate::{output, session, words};

/// Copy the data folder into one file or folder, while it is in use
///
/// One moment of the memory, the artifacts and uploads it names, captured output, and config.yaml.
/// What was written is read back and checked. Workspaces are not in it. Stored secrets stay
/// encrypted, and what opens doors (the key of secrets, the admin token, the folder `secrets/`) is
/// left out unless it is asked for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate backup /backups/orchestrate-2026-11-21.tar
  orchestrate backup --check /backups/orchestrate-2026-11-21.tar
  orchestrate --data-dir /var/lib/orchestrate backup --with-keys /root/full.tar")]
pub struct BackupArgs {
    /// A new file that ends in `.tar`, or a new folder
    to: PathBuf,
    /// Put the key of stored secrets, the admin token and `secrets/` into it: whoever has it is you
    #[arg(long)]
    with_keys: bool,
    /// Make none: read one that there is, and compare it with its manifest
    #[arg(long, conflicts_with = "with_keys")]
    check: bool,
}

/// Make a data folder from a backup
///
/// The folder (`--data-dir`) has to be empty or not there, and appears as a whole once everything
/// was checked. Runs that were under way go on when somebody drives the folder: attempts that were
/// live count as lost, and where that matters a person is asked. Tokens and sessions are those of
/// the moment of the backup, also those revoked since.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate --data-dir /var/lib/orchestrate restore /backups/orchestrate-2026-11-21.tar")]
pub struct RestoreArgs {
    /// What `orchestrate backup` made
    from: PathBuf,
}

pub fn back_up(args: &BackupArgs, context: &Context) -> Result<Exit> {
    let manifest = if args.check {
        backup::check(&args.to).map_err(|error| failure(&error))?
    } else {
        let data = session::data_dir(context)?;
        if !data.join("orchestrate.db").exists() {
            let message = format!("there is nothing in `{}` to be copied", data.display());
            return Err(Failure::new(Exit::NotFound, message)
                .hint("name the data folder: --data-dir DIR, or ORCHESTRATE_DATA_DIR"));
        }
        let folder = session::open_folder(context)?;
        let wanted = Wanted {
            at: context.now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            keys: args.with_keys,
        };
        backup::make(&folder, &args.to, &wanted).map_err(|error| failure(&error))?
    };
    let done = summary(&manifest, &args.to);
    output::show_item(context, ("orchestrate.backup/v1", &done), |_| {
        let verb = if args.check { "is whole" } else { "made and checked" };
        let mut text = format!("ok: {} {verb}: {}\n", args.to.display(), counts(&manifest));
        if !manifest.missing.is_empty() {
            let lost = words::count(manifest.missing.len() as u64, "artifact");
            text += &format!("warning: the content of {lost} was not there\n");
        }
        if !manifest.keys {
            text += "without keys: keep `secret.key` and `secrets/` of the data folder elsewhere\n";
        }
        Ok(text)
    })?;
    Ok(Exit::Ok)
}

pub fn restore(args: &RestoreArgs, context: &Context) -> Result<Exit> {
    let data = session::data_dir(context)?;
    let restored = backup::restore(&args.from, &data).map_err(|error| failure(&error))?;
    let mut done = summary(&restored.manifest, &args.from);
    done["data_dir"] = json!(data);
    done["unfinished"] = json!(restored.unfinished);
    output::show_item(context, ("orchestrate.restored/v1", &done), |_| {
        let mut text = format!("ok: {}: {}\n", data.display(), counts(&restored.manifest));
        if restored.unfinished > 0 {
            let runs = words::count(restored.unfinished, "unfinished run");
            text += &format!("{runs}: the next server or command takes them up\n");
        }
        if !restored.manifest.keys {
            text += "without keys: put `secret.key` and `secrets/` back where secrets are needed\n";
        }
        Ok(text)
    })?;
    Ok(Exit::Ok)
}

fn counts(manifest: &Manifest) -> String {
    format!(
        "{}, {}, {} ({}), chain {}",
        words::count(manifest.runs, "run"),
        words::count(manifest.events, "event"),
        words::count(manifest.files.len() as u64, "file"),
        words::bytes(manifest.bytes()),
        manifest.head.chars().take(12).collect::<String>(),
    )
}

fn summary(manifest: &Manifest, path: &std::path::Path) -> serde_json::Value {
    json!({
        "path": path,
        "made_at": manifest.made_at,
        "version": manifest.version,
        "schema": manifest.schema,
        "runs": manifest.runs,
        "events": manifest.events,
        "head": manifest.head,
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
        "keys": manifest.keys,
        "missing": manifest.missing,
    })
}

fn failure(error: &Error) -> Failure {
    let (exit, hint) = match error {
        Error::Exists { .. } => (Exit::Conflict, "name a file or folder that does not exist yet"),
        Error::NotEmpty { .. } => (Exit::Conflict, "name another with --data-dir"),
        Error::Newer { .. } => (Exit::Conflict, "restore it with that version, or a later one"),
        Error::NoBackup { .. } => (Exit::Usage, "name what `orchestrate backup` made"),
        Error::Damaged { .. } => (Exit::Internal, "take an older backup"),
        Error::Io { .. } => (Exit::Internal, "see to the path and to room on the disk"),
        Error::Store(_) => (Exit::Internal, "run `orchestrate doctor`"),
    };
    Failure::new(exit, chain(error)).hint(hint)
}
