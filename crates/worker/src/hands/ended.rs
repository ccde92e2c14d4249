//! The end of an attempt: asked for where it ran, and told with what it left.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use api::link::{AttemptRef, End, Exit, What};

use super::{Hands, collect, folder};
use crate::runtime;

impl Hands {
    /// What its carrier says of its end decides.
    pub(super) fn ended(self: &Arc<Self>, attempt: AttemptRef, exit: Box<Exit>) {
        let carried = folder(&self.options.data_dir, &attempt).filter(|f| runtime::is_carried(f));
        let Some(folder) = carried else { return self.here_ended(attempt, exit) };
        if !self.settling().insert(attempt.key.clone()) {
            return;
        }
        let (hands, of, end) = (Arc::clone(self), attempt.clone(), exit.clone());
        let begun = thread::Builder::new().name("settle".into()).spawn(move || {
            let what = runtime::settle(&hands.options, &folder, end);
            hands.settling().remove(&of.key);
            match what {
                What::Exited(exit) => hands.here_ended(of, exit),
                what => hands.report(of, what),
            }
        });
        if let Err(error) = begun {
            self.settling().remove(&attempt.key);
            tracing::warn!(%error, "could not start a thread: how it ended elsewhere is not asked");
            self.here_ended(attempt, exit);
        }
    }

    /// Reports an end, with what it left where it ended well.
    fn here_ended(self: &Arc<Self>, attempt: AttemptRef, exit: Box<Exit>) {
        let folder = folder(&self.options.data_dir, &attempt);
        let folder = match exit.end {
            End::Code(0) => folder,
            End::Code(_) | End::Signal(_) | End::Stopped(_) => {
                folder.iter().for_each(|folder| collect::let_go(folder));
                None
            }
        };
        let Some(folder) = folder.filter(|folder| collect::is_wanted(folder)) else {
            return self.report(attempt, What::Exited(exit));
        };
        // Whoever began answers.
        if !self.collecting().insert(attempt.key.clone()) {
            return;
        }
        // Large files take their time, and the keeper has to be heard meanwhile.
        let hands = Arc::clone(self);
        let (again, place) = ((attempt.clone(), exit.clone()), folder.clone());
        let begun = thread::Builder::new()
            .name("collect".into())
            .spawn(move || hands.collect(attempt, exit, &place));
        if let Err(error) = begun {
            tracing::warn!(%error, "could not start a thread: the keeper has to wait");
            self.collect(again.0, again.1, &folder);
        }
    }

    fn collect(&self, attempt: AttemptRef, mut exit: Box<Exit>, folder: &Path) {
        let collect = || collect::collect(&self.options, folder);
        match panic::catch_unwind(AssertUnwindSafe(collect)) {
            Ok(found) => {
                exit.artifacts = found.artifacts;
                exit.artifacts_error = found.error;
                exit.committed = found.committed.map(Box::new);
            }
            Err(_) => {
                exit.artifacts_error = Some("they could not be collected: see the log".into());
            }
        }
        self.collecting().remove(&attempt.key);
        // Whoever has taken over this data folder has collected them, too.
        if !self.door().was_closed() {
            self.report(attempt, What::Exited(exit));
        }
    }
}
