//! How many calls may be under way at a provider: one lane for each provider, key and model.
//!
//! Whoever waits is served fairly by run: the run that was served least (by its weight) is next, so
//! that one with a hundred agents does not keep out one with a single agent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use engine::id::RunId;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::models::Provider;

/// One more call at once is tried after so long without being told to slow down.
const RECOVERS: Duration = Duration::from_secs(60);
/// Lanes that are kept in mind without anybody in them.
const LANES: usize = 1000;
/// Between two tries at most, whatever a provider says.
const LONGEST: Duration = Duration::from_secs(120);

/// What a lane allows when nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) at_once: u32,
    pub(super) requests: Option<u32>,
    pub(super) tokens: Option<u32>,
}

impl Width {
    pub(super) fn of(provider: &Provider) -> Self {
        Self {
            at_once: provider.concurrency,
            requests: provider.requests_per_minute,
            tokens: provider.tokens_per_minute,
        }
    }
}

/// So much a minute; as much at once.
#[derive(Debug)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    fn fill(&mut self, a_minute: u32, now: Instant) {
        let grown = now.duration_since(self.at).as_secs_f64() / 60.0 * f64::from(a_minute);
        self.level = (self.level + grown).min(f64::from(a_minute));
        self.at = now;
    }

    /// When there will be enough; more than it can ever hold counts as all that it can.
    fn ready(&self, a_minute: u32, wanted: f64) -> Duration {
        let missing = wanted.min(f64::from(a_minute)) - self.level;
        Duration::from_secs_f64((missing / f64::from(a_minute) * 60.0).max(0.0))
    }
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    run: RunId,
    weight: u32,
    tokens: f64,
}

#[derive(Debug)]
struct Lane {
    width: Width,
    /// Halved when told to slow down, up to `width.at_once`.
    now_at_once: u32,
    changed_at: Instant,
    active: u32,
    closed_until: Option<Instant>,
    requests: Bucket,
    tokens: Bucket,
    waiting: Vec<Waiter>,
    drawn: u64,
    /// How far each run that waits has been served.
    served: HashMap<RunId, f64>,
    /// Of the one that was served last.
    clock: f64,
}

/// Whether it is somebody's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Go,
    /// Not before this time, and when something changes.
    Wait(Option<Instant>),
}

impl Lane {
    fn new(width: Width, now: Instant) -> Self {
        let full =
            |a_minute: Option<u32>| Bucket { level: f64::from(a_minute.unwrap_or(0)), at: now };
        Self {
            width,
            now_at_once: width.at_once,
            changed_at: now,
            active: 0,
            closed_until: None,
            requests: full(width.requests),
            tokens: full(width.tokens),
            waiting: Vec::new(),
            drawn: 0,
            served: HashMap::new(),
            clock: 0.0,
        }
    }

    /// The configuration may have changed.
    fn set(&mut self, width: Width) {
        if self.width != width {
            self.width = width;
            self.now_at_once = width.at_once;
        }
    }

    fn queue(&mut self, run: RunId, weight: u32, tokens: u64) -> u64 {
        self.drawn += 1;
        let clock = self.clock;
        let served = self.served.entry(run).or_insert(clock);
        *served = served.max(clock);
        self.waiting.push(Waiter { id: self.drawn, run, weight, tokens: tokens as f64 });
        self.drawn
    }

    fn leave(&mut self, id: u64) {
        self.waiting.retain(|waiter| waiter.id != id);
        let waiting = &self.waiting;
        self.served.retain(|run, served| {
            *served > self.clock || waiting.iter().any(|waiter| waiter.run == *run)
        });
    }

    /// Who is next: the run that was served least; in a run whoever came first.
    fn next(&self) -> Option<&Waiter> {
        let served = |waiter: &Waiter| self.served.get(&waiter.run).copied().unwrap_or(self.clock);
        self.waiting.iter().min_by(|a, b| served(a).total_cmp(&served(b)).then(a.id.cmp(&b.id)))
    }

    fn turn(&mut self, id: u64, now: Instant) -> Turn {
        self.recover(now);
        let Some(next) = self.next().filter(|next| next.id == id) else { return Turn::Wait(None) };
        let (run, weight, wanted) = (next.run, next.weight, next.tokens);
        if self.active >= self.now_at_once {
            return Turn::Wait(None);
        }
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Turn::Wait(Some(until));
        }
        let mut wait = Duration::ZERO;
        for (bucket, a_minute, wanted) in [
            (&mut self.requests, self.width.requests, 1.0),
            (&mut self.tokens, self.width.tokens, wanted),
        ] {
            if let Some(a_minute) = a_minute {
                bucket.fill(a_minute, now);
                wait = wait.max(bucket.ready(a_minute, wanted));
            }
        }
        if wait > Duration::ZERO {
            return Turn::Wait(Some(now + wait));
        }
        self.requests.level -= 1.0;
        self.tokens.level -= wanted;
        self.active += 1;
        let served = self.served.entry(run).or_insert(self.clock);
        self.clock = *served;
        *served += 1.0 / f64::from(weight.max(1));
        self.leave(id);
        Turn::Go
    }

    fn recover(&mut self, now: Instant) {
        while self.now_at_once < self.width.at_once && now >= self.changed_at + RECOVERS {
            self.now_at_once += 1;
            self.changed_at += RECOVERS;
        }
    }

    /// The provider said that it is too much.
    fn slow_down(&mut self, wait: Duration, now: Instant) {
        self.now_at_once = (self.now_at_once / 2).max(1);
        self.changed_at = now;
        self.close(wait, now);
    }

    fn close(&mut self, wait: Duration, now: Instant) {
        let until = now + wait.min(LONGEST);
        self.closed_until = Some(self.closed_until.map_or(until, |known| known.max(until)));
    }
}

/// A lane that many wait for.
#[derive(Debug)]
pub(super) struct Gate {
    lane: Mutex<Lane>,
    changed: Notify,
}

impl Gate {
    fn new(width: Width) -> Self {
        Self { lane: Mutex::new(Lane::new(width, Instant::now())), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for as long as it takes. Whoever gives up waiting has left the queue.
    pub(super) async fn enter(self: &Arc<Self>, run: RunId, weight: u32, tokens: u64) -> Permit {
        let id = self.lock().queue(run, weight, tokens);
        let place = Place { gate: self, id };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let turn = self.lock().turn(id, Instant::now());
            match turn {
                Turn::Go => {
                    drop(place);
                    return Permit { gate: Arc::clone(self) };
                }
                Turn::Wait(None) => changed.await,
                Turn::Wait(Some(until)) => {
                    // An early change and the time are the same to us: it looks again.
                    let _either = tokio::time::timeout_at(until, changed).await;
                }
            }
        }
    }

    pub(super) fn slow_down(&self, wait: Duration) {
        self.lock().slow_down(wait, Instant::now());
    }

    /// Reads what a provider says of what is left of its limits.
    pub(super) fn told(&self, headers: &HeaderMap) {
        if let Some(wait) = exhausted(headers) {
            self.lock().close(wait, Instant::now());
        }
    }

    /// It came to fewer or more tokens than was reserved.
    pub(super) fn correct(&self, reserved: u64, used: u64) {
        self.lock().tokens.level += reserved as f64 - used as f64;
        self.changed.notify_waiters();
    }
}

/// A place in the queue.
struct Place<'g> {
    gate: &'g Gate,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.lock().leave(self.id);
        self.gate.changed.notify_waiters();
    }
}

/// A call that may be under way.
#[derive(Debug)]
pub(super) struct Permit {
    gate: Arc<Gate>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut lane = self.gate.lock();
        lane.active = lane.active.saturating_sub(1);
        drop(lane);
        self.gate.changed.notify_waiters();
    }
}

/// Every lane: by provider, digest of its key, model.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    gates: Mutex<HashMap<(String, String, String), Arc<Gate>>>,
}

impl Lanes {
    pub(super) fn of(&self, provider: &str, key: &str, model: &str, width: Width) -> Arc<Gate> {
        let name = (provider.to_owned(), key.to_owned(), model.to_owned());
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= LANES {
            // Names of models are the agents' to make up: lanes that nobody is in are forgotten.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        let gate = Arc::clone(gates.entry(name).or_insert_with(|| Arc::new(Gate::new(width))));
        drop(gates);
        gate.lock().set(width);
        gate
    }

    /// Calls under way, and calls that wait.
    pub(super) fn count(&self) -> (u64, u64) {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values().fold((0, 0), |(active, waiting), gate| {
            let lane = gate.lock();
            (active + u64::from(lane.active), waiting + lane.waiting.len() as u64)
        })
    }
}

/// How long to wait before it is tried again, as the answer says.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let seconds = |text: &str| text.trim().parse::<f64>().ok().filter(|s| (0.0..1e6).contains(s));
    let exact = text("retry-after-ms").and_then(seconds).map(|ms| ms / 1000.0);
    let said = exact.or_else(|| text("retry-after").and_then(seconds));
    said.map(Duration::from_secs_f64)
}

/// What is left of a limit is nothing: until when.
fn exhausted(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: String| headers.get(name)?.to_str().ok().map(str::to_owned);
    let of = |remaining: String, reset: String| {
        let left: i64 = text(remaining)?.trim().parse().ok()?;
        let reset = text(reset)?;
        if left > 0 { None } else { span(reset.trim()).or_else(|| until(reset.trim())) }
    };
    let openai = ["requests", "tokens"].into_iter().filter_map(|what| {
        of(format!("x-ratelimit-remaining-{what}"), format!("x-ratelimit-reset-{what}"))
    });
    let anthropic = ["requests", "tokens", "input-tokens", "output-tokens"].into_iter();
    let anthropic = anthropic.filter_map(|what| {
        let name = |end: &str| format!("anthropic-ratelimit-{what}-{end}");
        of(name("remaining"), name("reset"))
    });
    openai.chain(anthropic).max()
}

/// `1s`, `6m0s`, `120ms`, `1.5`
fn span(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return (0.0..1e6).contains(&seconds).then(|| Duration::from_secs_f64(seconds));
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let (unit, scale) = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)]
            .into_iter()
            .find(|(unit, _)| tail.starts_with(unit))?;
        sum += number * scale;
        rest = &tail[unit.len()..];
    }
    (0.0..1e6).contains(&sum).then(|| Duration::from_secs_f64(sum))
}

/// A time of the clock.
fn until(text: &str) -> Option<Duration> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Duration::try_from(at.duration_since(crate::clock::wall())).ok()
}

#[cfg(test)]
mod tests;
