//! Workers on other machines: who is there, until when that may be believed, and what is said to
//! them. What they hold is kept with all that is held.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::link::Order;
use api::worker::{Bye, ByeWhy, Hello, ToWorker, Welcome};
use jiff::Timestamp;
use store::port::{WorkerRow, WorkerState};
use tokio::sync::mpsc::UnboundedSender;

use super::seen::SeenAttempt;
use crate::identity;

/// One that is there, or was.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) row: WorkerRow,
    link: Option<Link>,
    heard_at: Timestamp,
    /// Of one that is there.
    lease_until: Option<Timestamp>,
    /// It is to be told so once that is stored.
    bye: Option<Bye>,
    /// Of a lost one: what it had then.
    had: Vec<SeenAttempt>,
}

/// A connection.
#[derive(Debug)]
struct Link {
    number: u64,
    say: UnboundedSender<ToWorker>,
    /// It was told what it is held to have: from then on it gets orders.
    greeted: bool,
    /// Reports that came, those of them that are not stored, and what it was told of it.
    came: u64,
    open: BTreeSet<u64>,
    told: u64,
}

/// Which report of which connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    pub(crate) worker: Arc<str>,
    pub(crate) connection: u64,
    pub(crate) seq: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Fleet {
    workers: BTreeMap<Arc<str>, Worker>,
    /// Connections so far.
    connections: u64,
    /// Those whose rows are different from what is stored.
    unsaved: BTreeSet<Arc<str>>,
}

impl Worker {
    pub(crate) fn has(&self, labels: &[String]) -> bool {
        labels.iter().all(|label| self.row.labels.contains(label))
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.greeted)
    }

    /// Whether it takes something new.
    pub(crate) fn takes(&self) -> bool {
        self.row.state == WorkerState::There && self.is_linked()
    }

    pub(crate) fn lease_until(&self) -> Option<Timestamp> {
        self.lease_until
    }

    pub(crate) fn heard_at(&self) -> Timestamp {
        self.heard_at
    }

    pub(crate) fn had(&self) -> &[SeenAttempt] {
        &self.had
    }

    fn lease(&self) -> Duration {
        Duration::from_millis(self.row.lease_ms)
    }

    fn enter(&mut self, state: WorkerState, now: Timestamp) {
        if self.row.state != state {
            (self.row.state, self.row.since) = (state, now);
        }
        if !state.is_there() {
            self.lease_until = None;
        }
    }
}

impl Fleet {
    /// After a start: whoever was there is waited for as long as its lease.
    pub(crate) fn of(rows: Vec<WorkerRow>, now: Timestamp) -> Self {
        let worker = |row: WorkerRow| {
            let lease = Duration::from_millis(row.lease_ms);
            let lease_until = row.state.is_there().then(|| after(now, lease));
            let name = Arc::from(row.name.as_str());
            let heard_at = row.heard_at;
            (name, Worker { row, link: None, heard_at, lease_until, bye: None, had: Vec::new() })
        };
        let workers = rows.into_iter().map(worker).collect();
        Self { workers, ..Self::default() }
    }

    /// Of whom the journal knows more than the table: it is waited for like the others.
    pub(crate) fn wait_for(&mut self, name: &Arc<str>, lease: Duration, now: Timestamp) {
        let until = after(now, lease);
        let worker = self.workers.entry(Arc::clone(name)).or_insert_with(|| Worker {
            row: WorkerRow {
                name: name.to_string(),
                session: String::new(),
                identity: String::new(),
                labels: BTreeSet::new(),
                slots: 0,
                version: String::new(),
                host: String::new(),
                platform: String::new(),
                cpus: 0,
                memory_bytes: 0,
                state: WorkerState::There,
                drained_by: None,
                lease_ms: millis(lease),
                since: now,
                heard_at: now,
            },
            link: None,
            heard_at: now,
            lease_until: None,
            bye: None,
            had: Vec::new(),
        });
        if worker.lease_until.is_none() {
            // It holds something, so it neither left nor was given up.
            worker.enter(WorkerState::There, now);
            worker.lease_until = Some(until);
            self.unsaved.insert(Arc::clone(name));
        }
    }

    /// The longest that one of them may hold what was handed out before a restart; `None`: none of
    /// those that were there has the labels.
    pub(crate) fn may_hold(&self, labels: &[String]) -> Option<Timestamp> {
        self.workers.values().filter(|of| of.has(labels)).filter_map(|of| of.lease_until).max()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Worker> {
        self.workers.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Worker)> {
        self.workers.iter()
    }

    /// The number of the connection, or why there is none.
    pub(crate) fn admit(
        &mut self,
        hello: Hello,
        say: UnboundedSender<ToWorker>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<(Arc<str>, u64), Bye> {
        let refused = |message: String| Err(Bye { why: ByeWhy::Refused, message });
        if let Some(problem) = unfit(&hello) {
            return refused(problem);
        }
        let identity = match hello.identity.as_str() {
            "" => String::new(),
            secret => identity::token_hash(secret),
        };
        let known = self.workers.get(hello.name.as_str());
        if let Some(known) = known.filter(|known| known.row.state.is_there()) {
            let same = known.row.session == hello.session
                || known.row.session.is_empty()
                || (!identity.is_empty() && known.row.identity == identity);
            if !same {
                let (name, host) = (&known.row.name, &known.row.host);
                let until = known.lease_until.map_or_else(String::new, super::why::clock);
                return refused(format!(
                    "a worker `{name}` is there already, on `{host}`: it has the name until it \
                     leaves, and until {until} when nothing is heard of it; choose another `--name`"
                ));
            }
        }
        self.connections += 1;
        let number = self.connections;
        let name: Arc<str> = Arc::from(hello.name.as_str());
        let drained_by = known.and_then(|known| known.row.drained_by.clone());
        let since = known.filter(|known| known.row.state.is_there()).map_or(now, |of| of.row.since);
        let state = if drained_by.is_some() { WorkerState::Draining } else { WorkerState::There };
        let row = WorkerRow {
            name: hello.name,
            session: hello.session,
            identity,
            labels: hello.labels,
            slots: hello.slots,
            version: hello.version,
            host: hello.host,
            platform: hello.platform,
            cpus: hello.cpus,
            memory_bytes: hello.memory_bytes,
            state,
            drained_by,
            lease_ms: millis(lease),
            since,
            heard_at: now,
        };
        let (came, open, told) = (0, BTreeSet::new(), 0);
        let link = Some(Link { number, say, greeted: false, came, open, told });
        let lease_until = Some(after(now, lease));
        // Whoever was connected as this one is cut: its channel ends here.
        self.workers.insert(
            Arc::clone(&name),
            Worker { row, link, heard_at: now, lease_until, bye: None, had: Vec::new() },
        );
        self.unsaved.insert(Arc::clone(&name));
        Ok((name, number))
    }

    /// It is stored: the worker is told how long it counts as there, and gets orders from now on.
    pub(crate) fn greet(&mut self, name: &str, connection: u64, data_dir: &str) -> bool {
        let Some(worker) = self.workers.get_mut(name) else { return false };
        let lease_ms = worker.row.lease_ms;
        let Some(link) = worker.link.as_mut().filter(|link| link.number == connection) else {
            return false;
        };
        link.greeted = true;
        let welcome = Welcome {
            lease_ms,
            renew_ms: lease_ms / 3,
            fence_ms: lease_ms / 3 * 2,
            data_dir: data_dir.to_owned(),
        };
        let _gone = link.say.send(ToWorker::Welcome(welcome));
        true
    }

    /// It could not be stored that it is there.
    pub(crate) fn send_away(&mut self, name: &str, connection: u64, message: &str) {
        let Some(worker) = self.workers.get_mut(name) else { return };
        if let Some(link) = worker.link.take_if(|link| link.number == connection) {
            let bye = Bye { why: ByeWhy::Stopping, message: message.to_owned() };
            let _gone = link.say.send(ToWorker::Bye(bye));
        }
    }

    /// A sign of life. `false`: this connection means nothing any more.
    pub(crate) fn heard(&mut self, name: &str, connection: u64, now: Timestamp) -> bool {
        let Some(worker) = self.workers.get_mut(name) else { return false };
        let linked = worker.link.as_ref().is_some_and(|link| link.number == connection);
        if !linked || !worker.row.state.is_there() {
            return false;
        }
        worker.heard_at = now;
        worker.lease_until = Some(after(now, worker.lease()));
        true
    }

    pub(crate) fn answer_beat(&self, name: &str) {
        self.say(name, ToWorker::Beat);
    }

    /// The connection is gone; the lease goes on.
    pub(crate) fn cut(&mut self, name: &str, connection: u64) {
        if let Some(worker) = self.workers.get_mut(name) {
            worker.link.take_if(|link| link.number == connection);
        }
    }

    /// A report came. It is open until it is said to be stored.
    pub(crate) fn came(&mut self, sender: &Sender) {
        if let Some(link) = self.link(sender) {
            link.came = link.came.max(sender.seq);
            link.open.insert(sender.seq);
        }
    }

    /// It is on disk, or nothing has to be stored of it.
    pub(crate) fn stored(&mut self, sender: &Sender) {
        if let Some(link) = self.link(sender) {
            link.open.remove(&sender.seq);
        }
    }

    /// Tells each worker how far its reports are stored.
    pub(crate) fn acknowledge(&mut self) {
        for link in self.workers.values_mut().filter_map(|worker| worker.link.as_mut()) {
            let seq = link.open.first().map_or(link.came, |open| open - 1);
            if seq > link.told {
                link.told = seq;
                let _gone = link.say.send(ToWorker::Stored { seq });
            }
        }
    }

    fn link(&mut self, sender: &Sender) -> Option<&mut Link> {
        let link = self.workers.get_mut(&sender.worker)?.link.as_mut()?;
        (link.number == sender.connection).then_some(link)
    }

    /// One that cannot be told now is told when it is back.
    pub(crate) fn order(&self, name: &str, order: Order) {
        self.say(name, ToWorker::Order { order: Box::new(order) });
    }

    fn say(&self, name: &str, what: ToWorker) {
        let link = self.workers.get(name).and_then(|worker| worker.link.as_ref());
        if let Some(link) = link.filter(|link| link.greeted) {
            let _gone = link.say.send(what);
        }
    }

    /// When the first lease ends.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.workers.values().filter_map(|worker| worker.lease_until).min()
    }

    /// Those whose lease has ended: they are lost from now on. Each with when it was heard of.
    pub(crate) fn lose(&mut self, now: Timestamp) -> Vec<(Arc<str>, Timestamp)> {
        let mut lost = Vec::new();
        for (name, worker) in &mut self.workers {
            if worker.lease_until.is_some_and(|until| until <= now) {
                worker.enter(WorkerState::Lost, now);
                worker.row.heard_at = worker.heard_at;
                // Its channel ends: a connection that still stands is cut.
                worker.link = None;
                self.unsaved.insert(Arc::clone(name));
                lost.push((Arc::clone(name), worker.heard_at));
            }
        }
        lost
    }

    /// It takes nothing new from now on. `by`: who said so, unless it does itself. `false`: there is
    /// none of this name.
    pub(crate) fn drain(&mut self, name: &str, by: Option<&str>, now: Timestamp) -> bool {
        let Some(worker) = self.workers.get_mut(name) else { return false };
        if let Some(by) = by {
            worker.row.drained_by.get_or_insert_with(|| by.to_owned());
        }
        if worker.row.state == WorkerState::There {
            worker.enter(WorkerState::Draining, now);
        }
        self.unsaved.insert(Arc::from(name));
        true
    }

    /// The other way round.
    pub(crate) fn resume(&mut self, name: &str, now: Timestamp) -> bool {
        let Some(worker) = self.workers.get_mut(name) else { return false };
        let drained = worker.row.drained_by.take().is_some();
        if drained && worker.row.state == WorkerState::Draining {
            worker.enter(WorkerState::There, now);
        }
        self.unsaved.insert(Arc::from(name));
        true
    }

    /// Those that drain, of which `holds` says that nothing is left.
    pub(crate) fn drained(&self, holds: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let drains = self.workers.iter().filter(|(name, worker)| {
            let greeted = worker.link.as_ref().is_none_or(|link| link.greeted);
            worker.row.state == WorkerState::Draining && greeted && !holds(name)
        });
        drains.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// They have left in peace, and are told so once that is stored.
    pub(crate) fn settle_drained(&mut self, drained: &[Arc<str>], now: Timestamp) {
        for name in drained {
            let Some(worker) = self.workers.get_mut(name) else { continue };
            worker.enter(WorkerState::Drained, now);
            worker.row.heard_at = worker.heard_at;
            let message = match &worker.row.drained_by {
                Some(by) => format!(
                    "drained by {by}, and nothing is left to do; `orchestrate fleet resume {name}` \
                     lets it come back"
                ),
                None => "it is left with nothing, as it asked".to_owned(),
            };
            worker.bye = Some(Bye { why: ByeWhy::Drained, message });
            self.unsaved.insert(Arc::clone(name));
        }
    }

    /// Whoever has to go, now that it is stored.
    pub(crate) fn see_off(&mut self) {
        for (name, worker) in &mut self.workers {
            if self.unsaved.contains(name) {
                continue;
            }
            let Some(bye) = worker.bye.take() else { continue };
            if let Some(link) = worker.link.take() {
                let _gone = link.say.send(ToWorker::Bye(bye));
            }
        }
    }

    /// What a lost one had.
    pub(crate) fn remember(&mut self, name: &str, had: Vec<SeenAttempt>) {
        if let Some(worker) = self.workers.get_mut(name) {
            worker.had = had;
        }
    }

    pub(crate) fn forget(&mut self, name: &str) {
        self.workers.remove(name);
        self.unsaved.remove(name);
    }

    pub(crate) fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// What has to be stored of them.
    pub(crate) fn take_unsaved(&mut self) -> Vec<WorkerRow> {
        let unsaved = std::mem::take(&mut self.unsaved);
        unsaved.iter().filter_map(|name| Some(self.workers.get(name)?.row.clone())).collect()
    }

    /// It was not stored.
    pub(crate) fn save_again(&mut self, name: &str) {
        if let Some((name, _)) = self.workers.get_key_value(name) {
            self.unsaved.insert(Arc::clone(name));
        }
    }
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Why this cannot be a worker.
fn unfit(hello: &Hello) -> Option<String> {
    const GRAMMAR: &str = "1 to 64 of `A-Z a-z 0-9 _ . -`";
    let bad = |label: &&String| !pipeline::model::is_label(label);
    if !pipeline::model::is_label(&hello.name) {
        return Some(format!("`{}` cannot be the name of a worker: {GRAMMAR}", hello.name));
    }
    if hello.name == super::LOCAL || hello.name == "connect" {
        return Some(format!("`{}` is a word of the server: choose another `--name`", hello.name));
    }
    if let Some(label) = hello.labels.iter().find(bad) {
        return Some(format!("`{label}` cannot be a label: {GRAMMAR}"));
    }
    if hello.labels.len() > 64 {
        return Some(format!("a worker has at most 64 labels, not {}", hello.labels.len()));
    }
    if !(1..=4096).contains(&hello.slots) {
        return Some(format!("a worker has 1 to 4096 slots, not {}", hello.slots));
    }
    let long = [&hello.version, &hello.host, &hello.platform].iter().any(|text| text.len() > 256);
    if hello.session.is_empty() || hello.session.len() > 128 || hello.identity.len() > 256 || long {
        return Some("what it says of itself is empty, or too long".to_owned());
    }
    None
}
