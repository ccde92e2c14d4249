//! Who listens to what, and the bell that the conductor rings.
//!
//! The conductor says once for each commit, after its sync, what it touched. That costs a look into
//! a table and marks what somebody listens to; nobody is waited for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use engine::event::Stamped;
use engine::id::{AttemptId, RunId};
use store::port::{AccountChange, Append, Change, ModelChange, Outcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use uuid::Uuid;

use super::channel::{Channel, Listener};
use super::lookout::Lookout;
use super::source::Key;
use super::topic::{LogOf, TalkOf, Topic};
use crate::refused::Refused;
use crate::shared::Shared;

/// Topics listened to at once.
const TOPICS: usize = 10_000;
/// Connections at once.
const STREAMS: usize = 16_384;
/// Topics whose sources read at the same time.
const TURNS: usize = 4;
/// KiB of large frames on their way to clients that have not taken them.
const UNDER_WAY: usize = 256 << 10;

pub(crate) struct Hub {
    topics: Mutex<Topics>,
    /// How many there are: nothing else is looked at while nobody listens.
    listened: AtomicUsize,
    /// Bytes in all rings.
    bytes: Arc<AtomicUsize>,
    streams: Arc<Semaphore>,
    turns: Semaphore,
    under_way: Arc<Semaphore>,
    /// Frames written, and gaps told.
    frames: AtomicU64,
    gaps: AtomicU64,
    /// Of this process.
    name: String,
    /// Channels opened.
    opened: AtomicU64,
    /// The data folder's epoch.
    store: OnceLock<String>,
    /// Rises when somebody may have lost a right.
    rights: watch::Sender<u64>,
    /// Changes when journals have grown.
    grown: watch::Sender<()>,
    /// Over what agents write.
    pub(super) lookout: Arc<Lookout>,
}

/// What there is of it now, and what was done since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) streams: usize,
    pub(crate) topics: usize,
    pub(crate) frames: u64,
    pub(crate) gaps: u64,
    /// Bytes.
    pub(crate) buffered: usize,
}

#[derive(Default)]
struct Topics {
    channels: HashMap<Topic, Arc<Channel>>,
    /// Logs and talks listened to, by their runs.
    logs: HashMap<RunId, Vec<Arc<Channel>>>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        // Its last digits are random.
        let name = Uuid::now_v7().simple().to_string().split_off(20);
        Self {
            topics: Mutex::default(),
            listened: AtomicUsize::new(0),
            bytes: Arc::default(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            turns: Semaphore::new(TURNS),
            under_way: Arc::new(Semaphore::new(UNDER_WAY)),
            frames: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            name,
            opened: AtomicU64::new(0),
            store: OnceLock::new(),
            rights: watch::channel(0).0,
            grown: watch::channel(()).0,
            lookout: Arc::default(),
        }
    }

    /// What this commit touched. After its sync.
    pub(crate) fn tell(&self, changes: &[Change], outcomes: &[Outcome]) {
        if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Appended { .. })) {
            self.grown.send_replace(());
        }
        for (change, outcome) in changes.iter().zip(outcomes) {
            if matches!(outcome, Outcome::Refused(_)) {
                continue;
            }
            if takes_rights(change) {
                self.rights.send_modify(|times| *times += 1);
            }
            if self.listened.load(Ordering::Acquire) > 0 {
                self.touched(change, outcome);
            }
        }
    }

    fn touched(&self, change: &Change, outcome: &Outcome) {
        let topics = self.lock();
        match change {
            Change::Append(append) => topics.appended(append, outcome),
            Change::SavePipeline { name, .. }
            | Change::SetEnabled { name, .. }
            | Change::DeletePipeline { name, .. } => topics.pipeline(name),
            Change::RewindPipeline { pipeline, .. } | Change::UndoRewind { pipeline, .. } => {
                topics.pipeline(pipeline);
                let Outcome::Rewound { runs } = outcome else { return };
                topics.rewound(pipeline, runs);
            }
            Change::SaveTask(task) => topics.ring(&Topic::Tasks, Some(Key::Task(task.id.clone()))),
            Change::Model(ModelChange::End(end)) => topics.ring(&Topic::Run(end.run), None),
            // Nothing that a topic shows.
            Change::SaveDraft { .. }
            | Change::StoreEvent(_)
            | Change::RouteEvent(_)
            | Change::KeepSchedules(_)
            | Change::Worker(_)
            | Change::CreateToken { .. }
            | Change::RevokeToken { .. }
            | Change::MoveNotice(_)
            | Change::RetryNotice { .. }
            | Change::DropArtifacts { .. }
            | Change::Account(_)
            | Change::ReserveAnswer(_)
            | Change::KeepAnswer { .. }
            // Told with who is busy.
            | Change::SaveRollout(_)
            | Change::Model(ModelChange::Begin { .. } | ModelChange::LoseOpen { .. })
            | Change::Upkeep(_) => {}
        }
    }

    /// An attempt's output grew.
    pub(crate) fn grew(&self, run: RunId, attempt: &AttemptId) {
        if self.listened.load(Ordering::Acquire) == 0 {
            return;
        }
        let topics = self.lock();
        let logs = topics.logs.get(&run).into_iter().flatten();
        for channel in logs.filter(|channel| channel.is_of(attempt)) {
            channel.ring(None);
        }
    }

    /// What the conductor shows of itself is different.
    pub(crate) fn fleet(&self) {
        if self.listened.load(Ordering::Acquire) > 0 {
            self.lock().ring(&Topic::Fleet, Some(Key::Fleet));
        }
    }

    /// How the roll-out stands is different.
    pub(crate) fn rollout(&self) {
        if self.listened.load(Ordering::Acquire) > 0 {
            self.lock().ring(&Topic::Rollout, Some(Key::Rollout));
        }
    }

    /// Why attempts wait for workers is different: what is shown of their runs may be.
    pub(crate) fn waits(&self) {
        if self.listened.load(Ordering::Acquire) == 0 {
            return;
        }
        for (topic, channel) in &self.lock().channels {
            if let Topic::Run(_) = topic {
                channel.ring(None);
            }
        }
    }

    /// Resolves when somebody may have lost a right since the last call on this receiver.
    pub(crate) fn rights(&self) -> watch::Receiver<u64> {
        self.rights.subscribe()
    }

    /// Changes when journals have grown since the last look at this receiver.
    pub(crate) fn grown(&self) -> watch::Receiver<()> {
        self.grown.subscribe()
    }

    /// One more connection. Refused when there are too many.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, Refused> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_full| Refused::Overloaded)
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally {
            streams: STREAMS.saturating_sub(self.streams.available_permits()),
            topics: self.listened.load(Ordering::Relaxed),
            frames: self.frames.load(Ordering::Relaxed),
            gaps: self.gaps.load(Ordering::Relaxed),
            buffered: self.bytes.load(Ordering::Relaxed),
        }
    }

    pub(super) fn told(&self, frames: usize) {
        self.frames.fetch_add(frames as u64, Ordering::Relaxed);
    }

    pub(super) fn told_a_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, Refused> {
        self.turns.acquire().await.map_err(|_closed| Refused::Stopping)
    }

    /// Room for a large frame on its way to one client.
    pub(super) async fn under_way(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from((bytes >> 10).clamp(1, UNDER_WAY)).unwrap_or(1);
        Arc::clone(&self.under_way).acquire_many_owned(kib).await.ok()
    }

    /// Listens to a topic, which is followed from now on.
    pub(super) fn listen(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        topic: &Topic,
        epoch: impl FnOnce() -> String,
        listener: Arc<Listener>,
        slot: usize,
    ) -> Result<(Arc<Channel>, u64), Refused> {
        let mut topics = self.lock();
        if let Some(channel) = topics.channels.get(topic) {
            let place = channel.join(listener, slot);
            return Ok((Arc::clone(channel), place));
        }
        if topics.channels.len() >= TOPICS {
            return Err(Refused::Overloaded);
        }
        let channel = Channel::new(topic.clone(), epoch(), Arc::clone(&self.bytes));
        let channel = Arc::new(channel);
        let place = channel.join(listener, slot);
        topics.channels.insert(topic.clone(), Arc::clone(&channel));
        if let Topic::Log(LogOf { run, .. }) | Topic::Talk(TalkOf { run, .. }) = topic {
            topics.logs.entry(*run).or_default().push(Arc::clone(&channel));
        }
        self.listened.store(topics.channels.len(), Ordering::Release);
        tokio::spawn(Arc::clone(&channel).follow(Arc::clone(self), Arc::clone(shared)));
        Ok((channel, place))
    }

    /// `false`: somebody has come back.
    pub(super) fn forget(&self, channel: &Arc<Channel>) -> bool {
        let mut topics = self.lock();
        if !channel.is_idle() {
            return false;
        }
        self.remove(&mut topics, channel);
        true
    }

    /// Whoever asks for it again gets a new one.
    pub(super) fn drop_failed(&self, channel: &Arc<Channel>) {
        self.remove(&mut self.lock(), channel);
    }

    fn remove(&self, topics: &mut Topics, channel: &Arc<Channel>) {
        if topics.channels.get(&channel.topic).is_some_and(|known| Arc::ptr_eq(known, channel)) {
            topics.channels.remove(&channel.topic);
        }
        if let Topic::Log(LogOf { run, .. }) | Topic::Talk(TalkOf { run, .. }) = &channel.topic
            && let Some(logs) = topics.logs.get_mut(run)
        {
            logs.retain(|known| !Arc::ptr_eq(known, channel));
            if logs.is_empty() {
                topics.logs.remove(run);
            }
        }
        self.listened.store(topics.channels.len(), Ordering::Release);
    }

    /// Of a topic's numbers: the data folder's where they are stored, else of this following.
    pub(super) fn epoch(&self, store: &str, topic: &Topic) -> String {
        match topic {
            Topic::Run(_) | Topic::Log(_) | Topic::Talk(_) => format!("s-{store}"),
            Topic::Runs
            | Topic::Pipelines
            | Topic::Pipeline(_)
            | Topic::Inbox
            | Topic::Tasks
            | Topic::Fleet
            | Topic::Rollout => {
                format!("p-{}.{}", self.name, self.opened.fetch_add(1, Ordering::Relaxed))
            }
        }
    }

    /// The data folder's, shortened.
    pub(super) async fn store(&self, shared: &Shared) -> Result<&str, Refused> {
        if let Some(known) = self.store.get() {
            return Ok(known);
        }
        let epoch = shared.read(|reader| Ok(reader.health()?.epoch)).await?;
        Ok(self.store.get_or_init(|| epoch.chars().take(12).collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    fn ring(&self, topic: &Topic, key: Option<Key>) {
        if let Some(channel) = self.channels.get(topic) {
            channel.ring(key);
        }
    }

    fn pipeline(&self, name: &str) {
        let key = || Some(Key::Pipeline(name.to_owned()));
        self.ring(&Topic::Pipelines, key());
        self.ring(&Topic::Pipeline(name.to_owned()), key());
    }

    fn appended(&self, append: &Append, outcome: &Outcome) {
        let (run, name) = (append.run, &append.row.pipeline);
        self.ring(&Topic::Run(run), None);
        self.ring(&Topic::Runs, Some(Key::Run(run)));
        self.ring(&Topic::Pipeline(name.clone()), Some(Key::Run(run)));
        self.pipeline(name);
        if let Some((task, _)) = &append.row.task {
            self.ring(&Topic::Tasks, Some(Key::Task(task.clone())));
        }
        if let Outcome::Appended { requests, .. } = outcome {
            for number in requests {
                self.ring(&Topic::Inbox, Some(Key::Request(*number)));
            }
        }
        for channel in self.logs.get(&run).into_iter().flatten() {
            if append.events.iter().any(|event| channel.concerns(event)) {
                channel.ring(None);
            }
        }
    }

    /// These runs are superseded now, or are not any more.
    fn rewound(&self, pipeline: &str, runs: &[u64]) {
        for number in runs {
            let key = || Some(Key::Numbered(pipeline.to_owned(), *number));
            self.ring(&Topic::Runs, key());
            self.ring(&Topic::Pipeline(pipeline.to_owned()), key());
        }
        // A run is listened to by its id: whichever it is, looking is cheap.
        for (topic, channel) in &self.channels {
            if let Topic::Run(_) = topic {
                channel.ring(None);
            }
        }
    }
}

/// Whether somebody may do less than before.
fn takes_rights(change: &Change) -> bool {
    if let Change::Account(change) = change {
        return match &**change {
            AccountChange::PutUser { .. }
            | AccountChange::EndSession { .. }
            | AccountChange::EndSessions { .. } => true,
            AccountChange::OpenSession { .. }
            | AccountChange::Used { .. }
            | AccountChange::PutSecret { .. }
            | AccountChange::RemoveSecret { .. }
            | AccountChange::SealAgain { .. }
            | AccountChange::Note(_) => false,
        };
    }
    matches!(change, Change::RevokeToken { .. })
}

impl Channel {
    /// Whether it is the log or the talk of this attempt.
    fn is_of(&self, attempt: &AttemptId) -> bool {
        match &self.topic {
            Topic::Log(of) => of.execution == attempt.execution && of.attempt == attempt.number,
            // The file itself says when it grows, where it can be watched.
            Topic::Talk(of) => of.execution == attempt.execution,
            Topic::Run(_)
            | Topic::Runs
            | Topic::Pipelines
            | Topic::Pipeline(_)
            | Topic::Inbox
            | Topic::Tasks
            | Topic::Fleet
            | Topic::Rollout => false,
        }
    }

    /// Whether an event may be the end of what this log is of.
    fn concerns(&self, event: &Stamped) -> bool {
        match (&self.topic, event.event.execution()) {
            (Topic::Log(of), Some(execution)) => of.execution == execution,
            (Topic::Talk(of), Some(execution)) => of.execution == execution,
            // Of the run as a whole.
            (_, None) => true,
            (_, Some(_)) => false,
        }
    }
}
