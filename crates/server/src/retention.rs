//! What need not be kept is let go by the rules of `config.yaml`: now, and every hour.
//!
//! Without a rule everything is kept. Whatever the rules say: runs that have not finished, what
//! they go on from, the latest run of each pipeline, decisions, the audit trail and all hashes stay.

mod artifacts;
mod folders;
mod trees;

use std::sync::Arc;
use std::time::Duration;

use api::system::{Retained, RetentionItem};
use jiff::Timestamp;
use store::port::{Change, Outcome, Upkeep};
use store::retention::{days_before, emptiable, forgettable_events};

use crate::agents;
use crate::clock::Clock;
use crate::config::settings::{self, Settings};
use crate::refused::Refused;
use crate::shared::Shared;

/// Between two rounds.
const AGAIN: Duration = Duration::from_secs(60 * 60);
/// Who empties journals, in the trail.
const BY: &str = "retention";

/// Until the server stops.
pub(crate) async fn tend(shared: Arc<Shared>) {
    loop {
        if let Err(refused) = round(&shared, BY, false).await {
            tracing::warn!(cause = %refused, "nothing was let go");
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = shared.stopped() => return,
        }
    }
}

/// One round by what the rules say now; of a dry one only what it would do. A kind that fails does
/// not keep the others from their turn.
pub(crate) async fn round(shared: &Shared, by: &str, dry: bool) -> Result<Retained, Refused> {
    let settings = Arc::new(shared.settings()?);
    let now = Clock::start(None).now();
    let mut items = Vec::new();
    let mut problems = Vec::new();
    let kinds = [
        ("runs", runs(shared, &settings, by, now, dry).await),
        ("output", output(shared, &settings, now, dry).await),
        ("workspaces", workspaces(shared, &settings, now, dry).await),
        ("worktrees", trees::round(shared, &settings, now, dry).await),
        ("events", events(shared, &settings, now, dry).await),
        ("notices", notices(shared, &settings, now, dry).await),
        ("artifacts", artifacts::round(shared, now, dry).await),
    ];
    for (kind, done) in kinds {
        match done {
            Ok(Some(Gone { count, bytes, failed })) => {
                if !dry && count > 0 {
                    shared.metrics.retention_removed.with(&[kind]).add(count);
                    shared.metrics.retention_bytes.with(&[kind]).add(bytes);
                    tracing::info!(kind, count, bytes, "let go by the rules of retention");
                }
                items.push(RetentionItem { kind: kind.to_owned(), count, bytes });
                problems.extend(failed.into_iter().map(|problem| format!("{kind}: {problem}")));
            }
            Ok(None) => {}
            Err(refused) => problems.push(format!("{kind}: {refused}")),
        }
    }
    for problem in &problems {
        tracing::warn!(problem, "something could not be let go");
    }
    Ok(Retained { dry_run: dry, at: now, items, problems })
}

/// What went, or would.
#[derive(Debug, Default)]
struct Gone {
    count: u64,
    /// Of files; rows of the memory are not weighed.
    bytes: u64,
    failed: Vec<String>,
}

impl Gone {
    fn counted(count: u64) -> Self {
        Self { count, ..Self::default() }
    }
}

async fn runs(
    shared: &Shared,
    settings: &Settings,
    by: &str,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let Some(days) = settings.whole(&settings::KEEP_RUNS_DAYS) else { return Ok(None) };
    let keep = settings.whole(&settings::KEEP_RUNS);
    let old = shared.read(move |reader| Ok(emptiable(reader, days, keep, now)?)).await?;
    if dry {
        return Ok(Some(Gone::counted(old.len() as u64)));
    }
    let mut count = 0;
    for row in old {
        let (run, by) = (row.id, by.to_owned());
        // One at a time: people's changes go in between.
        let done = shared.desk.store(move |at| Change::Upkeep(Upkeep::EmptyRun { run, by, at }));
        count += u64::from(upkept(&done.await?) > 0);
    }
    Ok(Some(Gone::counted(count)))
}

fn upkept(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Upkept { count } => *count,
        // The store answers work with what was done.
        _ => 0,
    }
}

async fn output(
    shared: &Shared,
    settings: &Settings,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let days = settings.whole(&settings::KEEP_OUTPUT_DAYS);
    let most = settings.whole(&settings::KEEP_OUTPUT_BYTES);
    if days.is_none() && most.is_none() {
        return Ok(None);
    }
    let before = days.and_then(|days| days_before(now, days));
    let mut gone = folders::let_go(shared, "attempts", folders::Rule { before, most }, dry).await?;
    // What agents did and said is of the same age, and far less.
    let rule = folders::Rule { before, most: None };
    let talks = folders::let_go(shared, agents::MEMORY, rule, dry).await?;
    gone.count += talks.count;
    gone.bytes += talks.bytes;
    gone.failed.extend(talks.failed);
    Ok(Some(gone))
}

async fn workspaces(
    shared: &Shared,
    settings: &Settings,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let Some(days) = settings.whole(&settings::KEEP_WORKSPACES_DAYS) else { return Ok(None) };
    let before = days_before(now, days);
    folders::let_go(shared, "workspaces", folders::Rule { before, most: None }, dry).await.map(Some)
}

async fn events(
    shared: &Shared,
    settings: &Settings,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let Some(days) = settings.whole(&settings::KEEP_EVENTS_DAYS) else { return Ok(None) };
    let before = shared.read(move |reader| Ok(forgettable_events(reader, days, now)?)).await?;
    let Some(before) = before else { return Ok(None) };
    if dry {
        let count = shared.read(move |reader| Ok(reader.forgettable(before)?.0)).await?;
        return Ok(Some(Gone::counted(count)));
    }
    let done = shared.desk.store(move |_| Change::Upkeep(Upkeep::ForgetEvents { before })).await?;
    Ok(Some(Gone::counted(upkept(&done))))
}

async fn notices(
    shared: &Shared,
    settings: &Settings,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let Some(days) = settings.whole(&settings::KEEP_NOTICES_DAYS) else { return Ok(None) };
    let Some(before) = days_before(now, days) else { return Ok(None) };
    if dry {
        let count = shared.read(move |reader| Ok(reader.forgettable(before)?.1)).await?;
        return Ok(Some(Gone::counted(count)));
    }
    let done = shared.desk.store(move |_| Change::Upkeep(Upkeep::ForgetNotices { before })).await?;
    Ok(Some(Gone::counted(upkept(&done))))
}
