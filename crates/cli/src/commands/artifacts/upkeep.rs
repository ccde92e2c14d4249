//! `orchestrate artifacts mirror`, `orchestrate artifacts prune`

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use store::retention::Policy;

use crate::commands::runs::confirmed;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::host::{Owned, Role, store_failure};
use crate::{output, session, words};

/// Make the folders for people anew, from what is stored
///
/// `pipelines/NAME/runs/v1/STAGE/FILE` in the data folder, `latest`, and beside them what was
/// superseded and what failed. They are a picture: nothing reads them, and nothing is lost with
/// them. Not while a server or a run owns the folder, which keeps them up to date itself.
#[derive(Debug, Args)]
pub struct MirrorArgs {}

/// Remove the content of artifacts that need not be kept
///
/// Kept whatever is said: what unfinished runs left, what the latest run of each pipeline left, and
/// what later versions go on from. `artifacts: {keep_days, quota_bytes}` in `config.yaml` is the
/// rule where no option is given. Not while a server or a run owns the folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate artifacts prune --keep-days 30 --dry-run
  orchestrate artifacts prune --keep-runs 10 --yes")]
pub struct PruneArgs {
    /// Keep what runs left that ended so many days ago or later
    #[arg(long, value_name = "N")]
    keep_days: Option<u32>,
    /// Keep what the newest runs of each pipeline left
    #[arg(long, value_name = "N")]
    keep_runs: Option<u32>,
    /// Keep at most so much; the oldest goes first
    #[arg(long, value_name = "BYTES")]
    quota_bytes: Option<u64>,
    /// Say what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn mirror(_args: &MirrorArgs, context: &Context) -> Result<Exit> {
    let folder = own(context)?.mirror()?;
    let done = json!({"folder": folder});
    output::show_item(context, ("orchestrate.mirror/v1", &done), |_| {
        Ok(format!("{}\n", folder.display()))
    })?;
    Ok(Exit::Ok)
}

pub(super) fn prune(args: &PruneArgs, context: &Context) -> Result<Exit> {
    let policy = policy(args, context)?;
    let mut owned = own(context)?;
    if !args.dry_run && !confirmed(args.yes, "Remove the content of old artifacts?", context)? {
        return Ok(Exit::Ok);
    }
    let pruned = owned.prune(&policy, context.now(), args.dry_run)?;
    output::show_item(context, ("orchestrate.pruned/v1", &pruned), |pruned| {
        let count = words::count(pruned.artifacts, "artifact");
        let kept = words::bytes(pruned.kept_bytes);
        let over = match pruned.over_bytes {
            0 => String::new(),
            over => format!("; {} above the quota, which may not go", words::bytes(over)),
        };
        Ok(if args.dry_run {
            format!("would drop {count}, keep {kept}{over}\n")
        } else {
            let (files, bytes) = (words::count(pruned.files, "file"), words::bytes(pruned.bytes));
            format!("dropped {count}, removed {files} ({bytes}), kept {kept}{over}\n")
        })
    })?;
    Ok(Exit::Ok)
}

fn policy(args: &PruneArgs, context: &Context) -> Result<Policy> {
    let said = Policy {
        keep_days: args.keep_days,
        keep_runs: args.keep_runs,
        quota_bytes: args.quota_bytes,
    };
    if said != Policy::default() {
        return Ok(said);
    }
    let limits = server::artifact_limits(&session::data_dir(context)?)
        .map_err(|error| Failure::new(Exit::Invalid, crate::error::chain(&error)))?;
    let configured = Policy {
        keep_days: limits.keep_days.map(|days| u32::try_from(days).unwrap_or(u32::MAX)),
        keep_runs: None,
        quota_bytes: limits.quota_bytes,
    };
    if configured == Policy::default() {
        return Err(Failure::usage("nothing says what has to be kept")
            .hint("orchestrate artifacts prune --keep-days 30 --dry-run"));
    }
    Ok(configured)
}

/// A background driver that has nothing to do any more lets go by itself in a moment.
fn own(context: &Context) -> Result<Owned> {
    const PATIENCE: Duration = Duration::from_secs(4);
    const PAUSE: Duration = Duration::from_millis(50);
    let folder = session::open_folder(context)?;
    let start = Instant::now();
    loop {
        match Owned::take(&folder, Role::Run) {
            Ok(owned) => return Ok(owned),
            Err(store::port::Error::InUse { role, .. })
                if role == "drive" && start.elapsed() < PATIENCE =>
            {
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(store_failure(&error)),
        }
    }
}
