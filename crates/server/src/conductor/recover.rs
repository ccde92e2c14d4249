//! While the disk is full nothing is acknowledged and nothing is lost: reports are kept, and once a
//! second everything that could not be stored is tried again.

use std::time::Instant;

use super::batch::Batch;
use super::workers::Said;
use super::{Conductor, FULL_AGAIN};

/// Reports kept while nothing can be stored. Should there be more, the hands are asked again
/// afterwards: how attempts ended is on their disk.
const RETAINED: usize = 4096;
/// So many free bytes count as room.
const ROOM: u64 = 4 << 20;

impl Conductor {
    /// Whether something waits for room on the disk.
    pub(super) fn is_behind(&self) -> bool {
        self.full
            || self.unrouted_at.is_some()
            || self.overflowed
            || !self.dropped.is_empty()
            || !self.retained.is_empty()
    }

    pub(super) fn retain(&mut self, said: Said) {
        if self.retained.len() < RETAINED {
            self.retained.push_back(said);
        } else {
            self.overflowed = true;
        }
    }

    /// Folds again what was dropped, and handles again what was kept.
    pub(super) fn recover(&mut self, batch: &mut Batch) {
        self.settle_unhanded(batch);
        if !self.is_behind() || self.tried_at.is_some_and(|tried| tried.elapsed() < FULL_AGAIN) {
            return;
        }
        self.tried_at = Some(Instant::now());
        for run in std::mem::take(&mut self.dropped) {
            match self.load(run) {
                Ok(()) => {
                    batch.reconcile.insert(run);
                    self.look_back(run, batch);
                }
                Err(refused) => tracing::error!(%run, cause = %refused, "could not load a run"),
            }
        }
        let retained = std::mem::take(&mut self.retained);
        for said in retained {
            self.report(said, batch);
        }
        if std::mem::take(&mut self.overflowed) {
            self.hands.ask_again();
        }
        if batch.touched.is_empty() && batch.catalog.is_empty() && self.has_room() {
            self.full = false;
        }
    }

    fn has_room(&self) -> bool {
        match rustix::fs::statvfs(&self.data_dir) {
            Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize) >= ROOM,
            Err(_unknown) => true,
        }
    }
}
