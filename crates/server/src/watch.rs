//! Files that change on the server, for triggers with `files`.
//!
//! The system tells what changes; nothing is looked at in between. A directory that is not there is
//! waited for at the nearest one above it. What changes while nobody watches is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use notify::event::{ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use pipeline::Pipeline;
use pipeline::model::{FileStart, StartOn};
use pipeline::trigger::{FILES_CHANGED, OWN_SOURCE};
use pipeline::when::{Facts, Globs};
use serde_json::json;
use store::port::{GivenEvent, Target};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use uuid::Uuid;

use crate::conductor::desk::Ask;
use crate::shared::{Shared, blocking};

#[cfg(test)]
mod tests;

/// Changes that wait to be looked at. More are counted as lost, and the event says so.
const ROOM: usize = 8192;
/// Names in one event.
const MOST: usize = 1000;
/// However busy a directory is, its changes are told after so long.
const LONGEST: Duration = Duration::from_secs(10);
/// Before changes are told again that could not be stored, and before a directory is tried again
/// that could not be watched.
const AGAIN: Duration = Duration::from_secs(5);

/// One trigger with `files`.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pipeline: String,
    trigger: String,
    directory: String,
    files: Globs,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
            && self.directory == other.directory
            && self.files.patterns == other.files.patterns
    }
}

impl Watched {
    fn key(&self) -> (&str, &str) {
        (&self.pipeline, &self.trigger)
    }
}

/// The triggers with `files` of these pipelines, in a fixed order.
pub(crate) fn of(pipelines: &[Arc<Pipeline>]) -> Vec<Watched> {
    let mut all: Vec<Watched> = pipelines
        .iter()
        .flat_map(|pipeline| {
            pipeline.triggers.iter().filter_map(|trigger| match &trigger.on {
                StartOn::Files(start) => Some(Watched {
                    pipeline: pipeline.name.clone(),
                    trigger: trigger.name.clone(),
                    directory: start.directory.clone(),
                    files: start.files.clone(),
                }),
                StartOn::Event(_) | StartOn::Schedule(_) | StartOn::Completion(_) => None,
            })
        })
        .collect();
    all.sort_by(|one, other| one.key().cmp(&other.key()));
    all
}

/// Until the shutdown.
pub(crate) async fn tend(shared: Arc<Shared>, mut wanted: watch::Receiver<Vec<Watched>>) {
    let (mut lookout, mut seen) = Lookout::new();
    loop {
        let all = wanted.borrow_and_update().clone();
        lookout = match blocking(move || lookout.want(all)).await {
            Ok(lookout) => lookout,
            Err(_stopping) => return,
        };
        loop {
            let due = lookout.due();
            tokio::select! {
                () = shared.stopped() => return,
                changed = wanted.changed() => match changed {
                    Ok(()) => break,
                    Err(_conductor_gone) => return,
                },
                Some(event) = seen.recv() => lookout.note(&event),
                () = until(due) => {
                    lookout = match blocking(move || lookout.look_again()).await {
                        Ok(lookout) => lookout,
                        Err(_stopping) => return,
                    };
                    lookout.tell(&shared).await;
                }
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// What is watched, and what was seen of it.
struct Lookout {
    sender: mpsc::Sender<Event>,
    lost: Arc<AtomicBool>,
    wanted: Vec<Watched>,
    places: BTreeMap<String, Place>,
    /// Of each trigger, by its place among those wanted.
    changes: BTreeMap<usize, Changes>,
}

/// A directory that somebody wants to know about.
struct Place {
    /// Ends when it is dropped. `None`: it could not be watched.
    watcher: Option<RecommendedWatcher>,
    /// The directory itself is watched, not one above it.
    whole: bool,
    /// Something happened that says to look again.
    again: Option<Instant>,
}

#[derive(Debug)]
struct Changes {
    first: Instant,
    last: Instant,
    files: BTreeSet<String>,
    /// There were more, or some were lost.
    partial: bool,
    /// They could not be stored before this.
    not_before: Instant,
}

impl Lookout {
    fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, seen) = mpsc::channel(ROOM);
        let lookout = Self {
            sender,
            lost: Arc::default(),
            wanted: Vec::new(),
            places: BTreeMap::new(),
            changes: BTreeMap::new(),
        };
        (lookout, seen)
    }

    /// Watches what is wanted now, and nothing else. What was seen for triggers that stay is kept.
    fn want(mut self, wanted: Vec<Watched>) -> Self {
        let mut kept = BTreeMap::new();
        for (place, watched) in wanted.iter().enumerate() {
            let before = self.wanted.iter().position(|known| known == watched);
            if let Some(changes) = before.and_then(|before| self.changes.remove(&before)) {
                kept.insert(place, changes);
            }
        }
        self.changes = kept;
        let directories: BTreeSet<String> =
            wanted.iter().map(|watched| watched.directory.clone()).collect();
        self.wanted = wanted;
        self.places.retain(|directory, _| directories.contains(directory));
        for directory in directories {
            if !self.places.contains_key(&directory) {
                let place = self.watch(&directory);
                self.places.insert(directory, place);
            }
        }
        self
    }

    /// Watches a directory, or where it will appear.
    fn watch(&self, directory: &str) -> Place {
        let goal = Path::new(directory);
        loop {
            let whole = goal.is_dir();
            let at = if whole { goal } else { nearest(goal) };
            let mode = if whole { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            match self.watcher(at, mode) {
                // It may have appeared before the watch stood, or a part of the way to it.
                Ok(_) if goal.is_dir() != whole || (!whole && nearest(goal) != at) => {}
                Ok(watcher) => return Place { watcher: Some(watcher), whole, again: None },
                Err(error) => {
                    tracing::error!(directory, %error, "the directory cannot be watched");
                    let again = Some(Instant::now() + AGAIN);
                    return Place { watcher: None, whole: false, again };
                }
            }
        }
    }

    fn watcher(&self, at: &Path, mode: RecursiveMode) -> notify::Result<RecommendedWatcher> {
        let (sender, lost) = (self.sender.clone(), Arc::clone(&self.lost));
        let mut watcher = notify::recommended_watcher(move |seen: notify::Result<Event>| {
            let kept = seen.is_ok_and(|event| sender.try_send(event).is_ok());
            if !kept {
                lost.store(true, Ordering::Relaxed);
            }
        })?;
        watcher.watch(at, mode)?;
        Ok(watcher)
    }

    /// Takes up what the system told.
    fn note(&mut self, event: &Event) {
        let now = Instant::now();
        let lost = self.lost.swap(false, Ordering::Relaxed) || event.need_rescan();
        // Also looking at a directory is told.
        if !is_change(event.kind) && !lost {
            return;
        }
        let is_gone =
            matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
        for (directory, place) in &mut self.places {
            let goal = Path::new(directory);
            let moved = is_gone && event.paths.iter().any(|path| goal.starts_with(path));
            if !place.whole || moved {
                place.again.get_or_insert(now);
            }
        }
        let mut paths: Vec<PathBuf> = event.paths.clone();
        // Files may have been there before their new directory was watched.
        for path in &event.paths {
            if event.kind.is_create() && path.is_dir() {
                paths.extend(files_below(path));
            }
        }
        for place in 0..self.wanted.len() {
            self.note_for(place, &paths, lost, now);
        }
    }

    fn note_for(&mut self, place: usize, paths: &[PathBuf], lost: bool, now: Instant) {
        let watched = &self.wanted[place];
        let below = paths.iter().filter_map(|path| path.strip_prefix(&watched.directory).ok());
        let names = below.filter_map(Path::to_str).filter(|name| watched.files.matches(name));
        let names: Vec<String> = names.map(str::to_owned).collect();
        if names.is_empty() && !lost {
            return;
        }
        let changes = self.changes.entry(place).or_insert_with(|| Changes {
            first: now,
            last: now,
            files: BTreeSet::new(),
            partial: false,
            not_before: now,
        });
        changes.last = now;
        changes.partial |= lost;
        for name in names {
            if changes.files.len() < MOST {
                changes.files.insert(name);
            } else {
                changes.partial |= !changes.files.contains(&name);
            }
        }
    }

    /// When there is something to do.
    fn due(&self) -> Option<Instant> {
        let again = self.places.values().filter_map(|place| place.again);
        again.chain(self.changes.values().map(Changes::due)).min()
    }

    /// Directories that appeared, went away, or could not be watched.
    fn look_again(mut self) -> Self {
        let now = Instant::now();
        let due: Vec<String> = self
            .places
            .iter()
            .filter(|(_, place)| place.again.is_some_and(|again| again <= now))
            .map(|(directory, _)| directory.clone())
            .collect();
        for directory in due {
            let before = self.places.remove(&directory);
            let place = self.watch(&directory);
            // It is another one than before; one that could not be watched is the same.
            let appeared = place.whole && before.is_some_and(|before| before.watcher.is_some());
            self.places.insert(directory.clone(), place);
            if appeared {
                let files = files_below(Path::new(&directory));
                for place in 0..self.wanted.len() {
                    if self.wanted[place].directory == directory {
                        self.note_for(place, &files, false, now);
                    }
                }
            }
        }
        self
    }

    /// Gives the events whose files are quiet now.
    async fn tell(&mut self, shared: &Shared) {
        let now = Instant::now();
        let due: Vec<usize> = self
            .changes
            .iter()
            .filter(|(_, changes)| changes.due() <= now)
            .map(|(place, _)| *place)
            .collect();
        for place in due {
            let Some(mut changes) = self.changes.remove(&place) else { continue };
            let event = changed(&self.wanted[place], &changes);
            let events = vec![event];
            let given = shared.desk.ask(|reply| Ask::Give { events, reply }).await;
            if let Err(refused) = given {
                tracing::warn!(cause = %refused, "changed files have to wait");
                changes.not_before = Instant::now() + AGAIN;
                self.changes.insert(place, changes);
            }
        }
    }
}

impl Changes {
    fn due(&self) -> Instant {
        let quiet = self.last + FileStart::QUIET;
        quiet.min(self.first + LONGEST).max(self.not_before)
    }
}

fn changed(watched: &Watched, changes: &Changes) -> GivenEvent {
    let files: Vec<String> = changes.files.iter().cloned().collect();
    GivenEvent {
        id: format!("files:{}:{}:{}", watched.pipeline, watched.trigger, Uuid::now_v7()),
        kind: FILES_CHANGED.to_owned(),
        data: json!({
            "pipeline": watched.pipeline,
            "trigger": watched.trigger,
            "directory": watched.directory,
            "files": files,
            "complete": !changes.partial,
        }),
        source: OWN_SOURCE.to_owned(),
        by: format!("files:{}", watched.trigger),
        facts: Facts { paths: (!changes.partial).then_some(files), ..Facts::default() },
        target: Some(Target {
            pipeline: watched.pipeline.clone(),
            trigger: watched.trigger.clone(),
        }),
        ..GivenEvent::default()
    }
}

/// Whether a file has another content or another name; looking at one is no change.
pub(crate) fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Any => true,
        EventKind::Modify(ModifyKind::Metadata(_)) => false,
        EventKind::Modify(
            ModifyKind::Name(
                RenameMode::Any
                | RenameMode::To
                | RenameMode::From
                | RenameMode::Both
                | RenameMode::Other,
            )
            | ModifyKind::Any
            | ModifyKind::Data(_)
            | ModifyKind::Other,
        ) => true,
        EventKind::Access(_) | EventKind::Other => false,
    }
}

/// The nearest directory above that exists.
pub(crate) fn nearest(path: &Path) -> &Path {
    path.ancestors().skip(1).find(|above| above.is_dir()).unwrap_or(Path::new("/"))
}

/// At most [`MOST`] and one files; links are not followed.
fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(directory) = todo.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                Ok(_) if files.len() <= MOST => files.push(entry.path()),
                Ok(_) => return files,
                Err(_gone) => {}
            }
        }
    }
    files
}
