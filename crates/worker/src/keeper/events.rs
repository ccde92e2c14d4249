//! The keeper's one loop: what happened, and whom it concerns.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::link::{AttemptRef, Stopped};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;

use super::client::Client;
use super::fence::Fence;
use super::held::Held;
use super::spawner::Spawner;
use crate::record::{Records, boot};
use crate::wire::{FromKeeper, ToKeeper, VERSION};

const LISTENER: u64 = 0;
const BELL: u64 = 1;
const FENCE: u64 = 2;
/// Output is reported at most this often for each attempt.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// While children live, orphans that have ended are reaped at least so often.
const REAP_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) epoll: OwnedFd,
    listener: UnixListener,
    /// Of the data folder; the listener's address leads through it.
    folder: File,
    linger: Duration,
    pub(super) spawner: Spawner,
    pub(super) fence: Fence,
    pub(super) records: Arc<Records>,
    pub(super) boot: String,
    /// Whom the events of a token concern.
    pub(super) watches: HashMap<u64, Watch>,
    next: u64,
    pub(super) held: HashMap<u64, Held>,
    pub(super) keys: HashMap<String, u64>,
    /// Main children that outlived every KILL.
    pub(super) abandoned: HashMap<u64, (u32, OwnedFd)>,
    clients: HashMap<u64, Client>,
    /// The one client that is spoken to.
    greeted: Option<u64>,
    alarms: BinaryHeap<Reverse<(Instant, u64, Alarm)>>,
    /// Since when there is neither child nor client.
    alone_since: Option<Instant>,
    pub(super) buffer: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Watch {
    Client,
    /// The main child of this attempt ends.
    Main(u64),
    Pipe(u64),
    /// Another process of this attempt ends.
    Other(u64),
    /// A main child that could not be killed in time ends after all.
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Timeout,
    Idle,
    Report,
    /// What was left behind had its chance to end by itself.
    Courtesy,
    Kill,
    /// Another try to write the exit record.
    Record,
}

impl Keeper {
    pub(super) fn new(listener: UnixListener, folder: File, linger: Duration) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let records = Arc::new(Records::default());
        let spawner = Spawner::new(Arc::clone(&records))?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        epoll::add(&epoll, spawner.bell(), EventData::new_u64(BELL), EventFlags::IN)?;
        let fence = Fence::new()?;
        epoll::add(&epoll, fence.timer(), EventData::new_u64(FENCE), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener,
            folder,
            linger,
            spawner,
            fence,
            records,
            boot: boot(),
            watches: HashMap::new(),
            next: FENCE,
            held: HashMap::new(),
            keys: HashMap::new(),
            abandoned: HashMap::new(),
            clients: HashMap::new(),
            greeted: None,
            alarms: BinaryHeap::new(),
            alone_since: Some(Instant::now()),
            buffer: vec![0; 64 << 10].into_boxed_slice(),
        })
    }

    /// Until there is nothing left to keep.
    pub(super) fn serve(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(256);
        loop {
            let wait = self.patience().map(timespec);
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), wait.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            for event in &events {
                self.happened(event.data.u64(), event.flags)?;
            }
            self.ring_alarms();
            self.reap_orphans();
            if !self.held.is_empty() || !self.clients.is_empty() {
                self.alone_since = None;
            } else if self.alone_since.get_or_insert_with(Instant::now).elapsed() >= self.linger {
                self.leave();
                return Ok(());
            }
        }
    }

    /// How long to wait for events.
    fn patience(&self) -> Option<Duration> {
        let now = Instant::now();
        let alarm = self.alarms.peek().map(|Reverse((due, ..))| *due - now.min(*due));
        let reap = (!self.held.is_empty()).then_some(REAP_EVERY);
        let leave =
            self.alone_since.map(|since| (since + self.linger) - now.min(since + self.linger));
        [alarm, reap, leave].into_iter().flatten().min()
    }

    /// A worker that finds no socket starts a keeper of its own, and so does one that came to the
    /// door too late and gets no answer.
    fn leave(&self) {
        tracing::info!("nothing left to keep");
        let _ = std::fs::remove_file(super::socket(&self.folder));
    }

    fn happened(&mut self, token: u64, flags: EventFlags) -> io::Result<()> {
        match token {
            LISTENER => self.welcome()?,
            BELL => {
                for (serial, result) in self.spawner.results() {
                    self.spawned(serial, result);
                }
            }
            FENCE => self.fence_rang(),
            _ => match self.watches.get(&token) {
                // Of something that an earlier event of this round has ended.
                None => {}
                Some(Watch::Client) => self.client_moved(token, flags),
                Some(&Watch::Main(serial)) => self.main_ended(serial),
                Some(&Watch::Pipe(serial)) => self.read_output(serial),
                Some(&Watch::Other(serial)) => self.other_ended(serial, token),
                Some(Watch::Abandoned) => {
                    if let Some((pid, pidfd)) = self.abandoned.remove(&token) {
                        let _ = wait4::try_wait4_pid(pid);
                        self.unwatch(token, &pidfd);
                    }
                }
            },
        }
        Ok(())
    }

    // --- clients ---

    fn welcome(&mut self) -> io::Result<()> {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a worker");
                    return Ok(());
                }
            };
            let peer = rustix::net::sockopt::socket_peercred(&stream)?;
            if peer.uid != rustix::process::geteuid() {
                tracing::warn!(uid = peer.uid.as_raw(), "turned a stranger away");
                continue;
            }
            stream.set_nonblocking(true)?;
            let token = self.watch(&stream, Watch::Client)?;
            self.clients.insert(token, Client::new(stream));
        }
    }

    fn client_moved(&mut self, token: u64, flags: EventFlags) {
        if flags.contains(EventFlags::OUT) {
            self.send_to(token);
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.hear(token);
        }
    }

    fn hear(&mut self, token: u64) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        let heard = client.hear();
        for message in heard.messages {
            self.answer(token, message);
        }
        if !heard.open {
            self.dismiss(token);
        }
    }

    fn dismiss(&mut self, token: u64) {
        if let Some(client) = self.clients.remove(&token) {
            self.unwatch(token, &client.stream);
        }
        if self.greeted == Some(token) {
            self.greeted = None;
        }
    }

    fn answer(&mut self, token: u64, message: ToKeeper) {
        match message {
            ToKeeper::Hello { version } => self.greet(token, version),
            ToKeeper::Spawn(spawn) => self.spawn(spawn),
            ToKeeper::Stop { attempt, reason } => match self.serial(&attempt) {
                Some(serial) => self.stop(serial, reason),
                None => self.tell(&FromKeeper::Unknown { attempt }),
            },
            ToKeeper::Query { attempt } => self.query(attempt),
            ToKeeper::Fence { at_ms, grace_ms } => self.set_fence(at_ms, grace_ms),
            ToKeeper::Forget { attempt } => {
                let serial = self.serial(&attempt);
                if let Some(serial) = serial
                    && self.held.get(&serial).is_some_and(|held| held.unrecorded.is_some())
                {
                    self.forget(serial);
                }
            }
        }
    }

    /// Whoever was connected before is dead or has given up its data folder. What it said must be
    /// done before this one may ask what became of it: an attempt reported as never started
    /// could be started by an order that was still under way.
    fn greet(&mut self, token: u64, version: u32) {
        if version == VERSION {
            let others: Vec<u64> = self.clients.keys().copied().filter(|&t| t != token).collect();
            for other in others {
                if self.greeted == Some(other) {
                    self.hear(other);
                    self.tell(&FromKeeper::Superseded);
                    self.dismiss(other);
                }
            }
            self.greeted = Some(token);
        }
        let hello = FromKeeper::Hello { version: VERSION, pid: std::process::id() };
        if let Some(client) = self.clients.get_mut(&token) {
            client.tell(&hello);
        }
        self.send_to(token);
    }

    fn query(&mut self, attempt: AttemptRef) {
        let held = self.serial(&attempt).and_then(|serial| self.held.get(&serial));
        let Some(held) = held else { return self.tell(&FromKeeper::Unknown { attempt }) };
        let answer = match (&held.unrecorded, held.child()) {
            (Some(ended), _) => FromKeeper::Ended { attempt, exit: Box::new(ended.exit.clone()) },
            (None, Some(child)) => FromKeeper::Started { attempt, pid: child.pid },
            // It is told as soon as it is known.
            (None, None) => return,
        };
        self.tell(&answer);
    }

    pub(super) fn tell(&mut self, message: &FromKeeper) {
        if let Some(token) = self.greeted
            && let Some(client) = self.clients.get_mut(&token)
        {
            client.tell(message);
            self.send_to(token);
        }
    }

    fn send_to(&mut self, token: u64) {
        let Some(client) = self.clients.get_mut(&token) else { return };
        client.send();
        let wanted = client.has_unsent();
        if wanted != client.writable_watched {
            client.writable_watched = wanted;
            let flags = if wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            let _ = epoll::modify(&self.epoll, &client.stream, EventData::new_u64(token), flags);
        }
    }

    // --- output ---

    /// One read for one event, so that an attempt that never stops writing does not keep the
    /// others waiting.
    fn read_output(&mut self, serial: u64) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        let Some(pipe) = &held.pipe else { return };
        match rustix::io::read(&pipe.fd, &mut *self.buffer) {
            Ok(0) => self.close_pipe(serial),
            Ok(count) => {
                let now = Instant::now();
                held.last_output = now;
                held.capture.push(&self.buffer[..count], now);
                self.report_output(serial, now);
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => {
                held.warnings.push(format!("its output could not be read: {error}"));
                self.close_pipe(serial);
            }
        }
    }

    pub(super) fn close_pipe(&mut self, serial: u64) {
        if let Some(pipe) = self.held.get_mut(&serial).and_then(|held| held.pipe.take()) {
            self.unwatch(pipe.token, &pipe.fd);
        }
    }

    fn report_output(&mut self, serial: u64, now: Instant) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        let due = held.last_report.map_or(now, |last| last + REPORT_EVERY);
        if due > now {
            if !held.report_due {
                held.report_due = true;
                self.set_alarm(due, serial, Alarm::Report);
            }
            return;
        }
        held.last_report = Some(now);
        held.report_due = false;
        let bytes = held.capture.total();
        let attempt = held.attempt.clone();
        self.tell(&FromKeeper::Output { attempt, bytes });
    }

    // --- time ---

    pub(super) fn set_alarm(&mut self, due: Instant, serial: u64, alarm: Alarm) {
        self.alarms.push(Reverse((due, serial, alarm)));
    }

    fn ring_alarms(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((due, serial, alarm))) = self.alarms.peek().copied()
            && due <= now
        {
            self.alarms.pop();
            self.ring(serial, alarm, now);
        }
    }

    fn ring(&mut self, serial: u64, alarm: Alarm, now: Instant) {
        let Some(held) = self.held.get_mut(&serial) else { return };
        match alarm {
            Alarm::Timeout if held.is_running() => self.stop(serial, Stopped::Timeout),
            Alarm::Idle if held.is_running() => {
                let due = held.last_output + held.idle.unwrap_or_default();
                if due <= now {
                    self.stop(serial, Stopped::IdleTimeout);
                } else {
                    self.set_alarm(due, serial, Alarm::Idle);
                }
            }
            Alarm::Timeout | Alarm::Idle => {}
            Alarm::Report => {
                if held.report_due {
                    self.report_output(serial, now);
                }
            }
            Alarm::Courtesy => self.end_leftovers(serial),
            Alarm::Kill => self.kill(serial),
            Alarm::Record => self.record(serial),
        }
    }

    // --- bookkeeping ---

    pub(super) fn token(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn watch(&mut self, fd: impl AsFd, watch: Watch) -> io::Result<u64> {
        let token = self.token();
        epoll::add(&self.epoll, fd, EventData::new_u64(token), EventFlags::IN)?;
        self.watches.insert(token, watch);
        Ok(token)
    }

    pub(super) fn unwatch(&mut self, token: u64, fd: impl AsFd) {
        // Explicitly: a descriptor that a child has inherited would go on to be reported.
        let _ = epoll::delete(&self.epoll, fd);
        self.watches.remove(&token);
    }

    pub(super) fn forget(&mut self, serial: u64) {
        if let Some(held) = self.held.remove(&serial) {
            self.keys.remove(&held.attempt.key);
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    // Rounded up: waking before the alarm would only mean to wait again.
    let duration = duration + Duration::from_micros(999);
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
