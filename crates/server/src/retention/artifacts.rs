//! Content of artifacts.

use std::collections::HashSet;
use std::time::Duration;

use blobs::Blobs;
use jiff::Timestamp;
use store::port::Change;
use store::retention::{Policy, plan, references};

use super::Gone;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Content that nobody refers to is kept so long: what refers to it may still be on its way.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// By `artifacts:` of the configuration; without a rule everything is kept.
pub(super) async fn round(
    shared: &Shared,
    now: Timestamp,
    dry: bool,
) -> Result<Option<Gone>, Refused> {
    let limits = shared.config()?.artifacts;
    let blobs = Blobs::of(&shared.data_dir);
    if !dry {
        let (hold, quota) = (blobs.clone(), limits.quota_bytes);
        // The file may have changed since the server was opened.
        blocking(move || hold.set_quota(quota)).await??;
    }
    if limits.keep_days.is_none() && limits.quota_bytes.is_none() {
        return Ok(None);
    }
    let keep_days = limits.keep_days.map(|days| u32::try_from(days).unwrap_or(u32::MAX));
    let policy = Policy { keep_days, keep_runs: None, quota_bytes: limits.quota_bytes };
    let planned = shared.read(move |reader| Ok(plan(reader, &policy, now)?)).await?;
    let mut gone = Gone::counted(planned.drop.len() as u64);
    if planned.over > 0 {
        gone.failed.push(format!("{} bytes more are kept than the quota allows", planned.over));
    }
    if dry {
        return Ok(Some(gone));
    }
    if !planned.drop.is_empty() {
        let numbers = planned.drop;
        shared.desk.store(move |_at| Change::DropArtifacts { numbers }).await?;
    }
    let kept: HashSet<String> = shared.read(|reader| Ok(references(reader)?)).await?;
    // A clock that cannot go back so far keeps everything.
    let Ok(old) = now.checked_sub(FRESH) else { return Ok(Some(gone)) };
    let removed =
        blocking(move || blobs.remove_unreferenced(old.into(), |digest| kept.contains(digest)));
    gone.bytes = removed.await??.bytes;
    Ok(Some(gone))
}
