//! Files that topics are told from and that grow without our doing. The system says when they do.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::watch::{is_change, nearest};

/// One watcher for all of them: there are few to be had.
#[derive(Default)]
pub(super) struct Lookout {
    /// Made when it is first needed. Its thread takes `goals`, so nobody asks it for anything while
    /// they hold those.
    watcher: Mutex<Option<RecommendedWatcher>>,
    goals: Arc<Mutex<HashMap<u64, Goal>>>,
    next: AtomicU64,
}

struct Goal {
    file: PathBuf,
    /// The folder that is watched for it: its own, or the nearest above that there is.
    at: Option<PathBuf>,
    ring: Arc<dyn Fn() + Send + Sync>,
}

/// Ends when it is dropped.
pub(super) struct Watch {
    lookout: Arc<Lookout>,
    number: u64,
}

impl Lookout {
    /// Rings whenever the file, which may not be there yet, has changed.
    pub(super) fn watch(
        self: Arc<Self>,
        file: PathBuf,
        ring: Box<dyn Fn() + Send + Sync>,
    ) -> Watch {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.goals().insert(number, Goal { file, at: None, ring: ring.into() });
        let watch = Watch { lookout: self, number };
        watch.settle();
        watch
    }

    fn settle(&self, number: u64) {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((file, before)) =
            self.goals().get(&number).map(|goal| (goal.file.clone(), goal.at.clone()))
        else {
            return;
        };
        let mut at = folder(&file).to_owned();
        if before.as_ref() == Some(&at) {
            return;
        }
        loop {
            if let Err(error) = self.look(&mut watcher, &at) {
                tracing::warn!(folder = %at.display(), %error, "a folder cannot be watched");
                return;
            }
            // It may have appeared before the watch stood.
            let now = folder(&file);
            if now == at {
                break;
            }
            at = now.to_owned();
        }
        if let Some(goal) = self.goals().get_mut(&number) {
            goal.at = Some(at);
        }
        if let Some(before) = before {
            self.leave(&mut watcher, &before);
        }
    }

    fn look(&self, watcher: &mut Option<RecommendedWatcher>, at: &Path) -> notify::Result<()> {
        let watcher = match watcher {
            Some(watcher) => watcher,
            none @ None => {
                let goals = Arc::clone(&self.goals);
                none.insert(notify::recommended_watcher(move |seen| tell(&goals, seen))?)
            }
        };
        watcher.watch(at, RecursiveMode::NonRecursive)
    }

    /// Unless somebody else wants it.
    fn leave(&self, watcher: &mut Option<RecommendedWatcher>, at: &Path) {
        let wanted = self.goals().values().any(|goal| goal.at.as_deref() == Some(at));
        if let (false, Some(watcher)) = (wanted, watcher) {
            // A folder that is gone is watched no longer.
            let _gone = watcher.unwatch(at);
        }
    }

    fn goals(&self) -> MutexGuard<'_, HashMap<u64, Goal>> {
        self.goals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// Goes nearer to the file when folders on the way to it have appeared.
    pub(super) fn settle(&self) {
        self.lookout.settle(self.number);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let gone = self.lookout.goals().remove(&self.number);
        if let Some(at) = gone.and_then(|goal| goal.at) {
            let mut watcher = self.lookout.watcher.lock().unwrap_or_else(PoisonError::into_inner);
            self.lookout.leave(&mut watcher, &at);
        }
    }
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder.is_dir() => folder,
        Some(folder) => nearest(folder),
        None => file,
    }
}

/// On the watcher's thread.
fn tell(goals: &Mutex<HashMap<u64, Goal>>, seen: notify::Result<Event>) {
    let goals = goals.lock().unwrap_or_else(PoisonError::into_inner);
    let concerns = |goal: &Goal| match &seen {
        // Looking at a file is told as well.
        Ok(event) if event.need_rescan() => true,
        Ok(event) if is_change(event.kind) => {
            event.paths.iter().any(|path| goal.file.starts_with(path))
        }
        Ok(_) => false,
        // Something may have been lost.
        Err(_) => true,
    };
    for goal in goals.values().filter(|goal| concerns(goal)) {
        (goal.ring)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(20);

    fn watch(lookout: &Arc<Lookout>, file: &Path) -> (Watch, Receiver<()>) {
        let (ring, rung) = channel();
        let ring = Box::new(move || {
            let _gone = ring.send(());
        });
        (Arc::clone(lookout).watch(file.to_owned(), ring), rung)
    }

    #[test]
    fn a_file_is_heard_of_when_its_folders_come_and_when_it_grows() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let lookout = Arc::new(Lookout::default());
        let file = root.join("a/b/events");
        let (watch_one, rung) = watch(&lookout, &file);
        fs::write(root.join("other"), "x").unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        rung.recv_timeout(SOON).expect("its folder came");
        watch_one.settle();
        let mut out = fs::File::create(&file).unwrap();
        rung.recv_timeout(SOON).expect("it came");
        while rung.try_recv().is_ok() {}
        writeln!(out, "more").unwrap();
        rung.recv_timeout(SOON).expect("it grew");
        drop(watch_one);
        assert!(lookout.goals().is_empty());
        assert!(rung.recv_timeout(SOON).is_err(), "nobody rings any more");
    }

    #[test]
    fn two_who_watch_one_folder_do_not_take_it_from_each_other() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let lookout = Arc::new(Lookout::default());
        let (first, _) = watch(&lookout, &root.join("one"));
        let (_second, rung) = watch(&lookout, &root.join("two"));
        drop(first);
        fs::write(root.join("two"), "x").unwrap();
        rung.recv_timeout(SOON).expect("it is still watched");
    }
}
