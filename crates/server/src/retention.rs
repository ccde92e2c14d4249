//! What stages left is let go by the rules of `config.yaml`, now and then.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use blobs::Blobs;
use store::port::Change;
use store::retention::{Policy, plan, references};

use crate::clock::Clock;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Between two rounds.
const AGAIN: Duration = Duration::from_secs(60 * 60);
/// Content that nobody refers to is kept so long: what refers to it may still be on its way.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// Until the server stops.
pub(crate) async fn tend(shared: Arc<Shared>) {
    loop {
        if let Err(refused) = round(&shared).await {
            tracing::warn!(cause = %refused, "nothing was let go");
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = shared.stopped() => return,
        }
    }
}

/// Without a rule everything is kept.
async fn round(shared: &Shared) -> Result<(), Refused> {
    let limits = shared.config()?.artifacts;
    let blobs = Blobs::of(&shared.data_dir);
    let (hold, quota) = (blobs.clone(), limits.quota_bytes);
    // The file may have changed since the server was opened.
    blocking(move || hold.set_quota(quota)).await??;
    if limits.keep_days.is_none() && limits.quota_bytes.is_none() {
        return Ok(());
    }
    let keep_days = limits.keep_days.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    let policy = Policy { keep_days, keep_runs: None, quota_bytes: limits.quota_bytes };
    let now = Clock::start(None).now();
    let planned = shared.read(move |reader| Ok(plan(reader, &policy, now)?)).await?;
    if planned.over > 0 {
        tracing::warn!(bytes = planned.over, "more is kept than the quota allows");
    }
    if !planned.drop.is_empty() {
        let numbers = planned.drop;
        shared.desk.store(move |_at| Change::DropArtifacts { numbers }).await?;
    }
    let kept: HashSet<String> = shared.read(|reader| Ok(references(reader)?)).await?;
    // A clock that cannot go back so far keeps everything.
    let Ok(old) = now.checked_sub(FRESH) else { return Ok(()) };
    let removed =
        blocking(move || blobs.remove_unreferenced(old.into(), |digest| kept.contains(digest)));
    let removed = removed.await??;
    if removed.blobs > 0 {
        tracing::info!(blobs = removed.blobs, bytes = removed.bytes, "content was let go");
    }
    Ok(())
}
