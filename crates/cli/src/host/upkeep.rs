//! Upkeep of a folder by its owner: the folders for people, and what is not kept any longer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use blobs::Blobs;
use jiff::Timestamp;
use serde::Serialize;
use store::port::Change;
use store::retention::{self, Policy};

use super::{Owned, store_failure};
use crate::error::{Failure, Result};

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pruned {
    /// Artifacts that lose their content.
    pub artifacts: u64,
    /// Files that were removed, and their size.
    pub files: u64,
    pub bytes: u64,
    /// What is left, each content once.
    pub kept_bytes: u64,
    /// Above the quota, although everything went that may go.
    pub over_bytes: u64,
}

impl Owned {
    /// Makes the folders for people anew. Where they are.
    pub fn mirror(&self) -> Result<std::path::PathBuf> {
        store::mirror::rebuild(Arc::clone(&self.reader), &self.folder)
            .map_err(|error| store_failure(&error))?;
        Ok(self.folder.mirror())
    }

    /// Removes the content of artifacts that this policy does not keep.
    pub fn prune(&mut self, policy: &Policy, now: Timestamp, dry_run: bool) -> Result<Pruned> {
        /// What was stored lately may be on its way to the event that names it.
        const YOUNG: Duration = Duration::from_secs(24 * 60 * 60);
        let plan =
            retention::plan(&*self.reader, policy, now).map_err(|error| store_failure(&error))?;
        let mut pruned = Pruned {
            artifacts: plan.drop.len() as u64,
            files: 0,
            bytes: 0,
            kept_bytes: plan.bytes,
            over_bytes: plan.over,
        };
        if dry_run {
            return Ok(pruned);
        }
        let changes = [Change::DropArtifacts { numbers: plan.drop }];
        self.writer.commit(&changes).map_err(|error| store_failure(&error))?;
        let kept: HashSet<String> =
            retention::references(&*self.reader).map_err(|error| store_failure(&error))?;
        let before = SystemTime::now().checked_sub(YOUNG).unwrap_or(SystemTime::UNIX_EPOCH);
        let removed = Blobs::of(self.folder.root())
            .remove_unreferenced(before, |digest| kept.contains(digest))
            .map_err(|error| Failure::internal("remove old content", &error))?;
        (pruned.files, pruned.bytes) = (removed.blobs, removed.bytes);
        Ok(pruned)
    }
}
