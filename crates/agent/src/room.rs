//! What all agents of an attempt share: the job, the memory, the door, the clock, the stop.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::agent::{Did, Happening, Job, StoppedBy, Taken, Usage};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::door::Door;
use crate::memory::{Memory, Problem};
use crate::transcript;
use crate::veil::Veil;

/// Why everybody has to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    By(StoppedBy),
    /// The memory does not take what happened: nothing may happen any more.
    Broken(String),
}

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) job: Job,
    /// Of this attempt.
    pub(crate) folder: PathBuf,
    pub(crate) memory: Memory,
    pub(crate) door: Door,
    pub(crate) veil: Veil,
    /// Of the attempt, without the time that is spent waiting for people.
    pub(crate) wall: Clock,
    halt: watch::Sender<Option<Halt>>,
    used: Mutex<BTreeMap<String, Usage>>,
    /// The newest that was heard of.
    taken: watch::Sender<Option<Taken>>,
    /// Holds up to this number were handed back, and that was dealt with.
    dealt: AtomicU32,
}

impl Room {
    pub(crate) fn new(job: Job, folder: PathBuf, memory: Memory) -> Self {
        let secrets: Vec<String> =
            job.secret_env.iter().filter_map(|name| std::env::var(name).ok()).collect();
        let token = job.door.token.as_str();
        let dealt = memory.past().iter().filter_map(dealt_with).max().unwrap_or(0);
        let taken = watch::Sender::new(job.taken.clone());
        let veil = Veil::new(secrets.iter().map(String::as_str).chain([token]));
        Self {
            door: Door::new(&job.door),
            job,
            folder,
            memory,
            veil,
            wall: Clock::default(),
            halt: watch::Sender::new(None),
            used: Mutex::default(),
            taken,
            dealt: AtomicU32::new(dealt),
        }
    }

    /// Writes down what happened, and shows it.
    pub(crate) fn record(&self, who: &str, what: Did) {
        let what = self.veil.did(what);
        transcript::say(&transcript::lines(who, &what));
        let kept = self.memory.record(who, what);
        self.kept(kept);
    }

    /// The end of a turn: what happened until here is on disk, or nothing goes on.
    pub(crate) fn sync(&self) {
        self.kept(self.memory.sync());
    }

    /// Passes a result on; without one everybody has to leave.
    pub(crate) fn kept<T>(&self, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(problem) => {
                self.halt(Halt::Broken(problem.to_string()));
                None
            }
        }
    }

    /// The first reason stays.
    pub(crate) fn halt(&self, why: Halt) {
        self.halt.send_if_modified(|halt| match halt {
            Some(_) => false,
            None => {
                *halt = Some(why);
                true
            }
        });
    }

    pub(crate) fn halted(&self) -> Option<Halt> {
        self.halt.borrow().clone()
    }

    /// Until everybody has to leave: somebody said so, or the time is up.
    pub(crate) async fn leave(&self) -> Halt {
        let mut halt = self.halt.subscribe();
        let wall = self.job.limits.wall_ms.map(Duration::from_millis);
        tokio::select! {
            biased;
            said = halt.wait_for(Option::is_some) => {
                said.ok().and_then(|said| said.clone()).unwrap_or(Halt::By(StoppedBy::Cancelled))
            }
            () = self.wall.over(|| wall) => {
                self.halt(Halt::By(StoppedBy::WallClock));
                Halt::By(StoppedBy::WallClock)
            }
        }
    }

    /// A person has taken over, or handed back.
    pub(crate) fn tell_taken(&self, taken: Taken) {
        self.taken.send_replace(Some(taken));
    }

    /// What has still to be dealt with: a hold, or that it was handed back.
    pub(crate) fn taken(&self) -> Option<Taken> {
        let dealt = self.dealt.load(Ordering::Acquire);
        self.taken.borrow().clone().filter(|taken| taken.hold > dealt)
    }

    /// Until there is something to be dealt with.
    pub(crate) async fn taken_over(&self) {
        let mut taken = self.taken.subscribe();
        while self.taken().is_none() && taken.changed().await.is_ok() {}
    }

    /// Until there is something newer than this.
    pub(crate) async fn taken_after(&self, stamp: u32) {
        let mut taken = self.taken.subscribe();
        let newer =
            |taken: &Option<Taken>| taken.as_ref().is_some_and(|taken| taken.stamp() > stamp);
        if taken.wait_for(newer).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What was handed back up to this hold counts no more.
    pub(crate) fn dealt_with(&self, hold: u32) {
        self.dealt.fetch_max(hold, Ordering::AcqRel);
    }

    pub(crate) fn used(&self, who: &str, usage: &Usage) {
        let mut all = self.usage_lock();
        let total = all.entry(who.to_owned()).or_insert_with(|| Usage {
            nano_usd: Some(0),
            source: usage.source,
            ..Usage::default()
        });
        add(total, usage);
    }

    /// Of this attempt, by agent.
    pub(crate) fn usage(&self) -> BTreeMap<String, Usage> {
        self.usage_lock().clone()
    }

    fn usage_lock(&self) -> MutexGuard<'_, BTreeMap<String, Usage>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hold whose handing back this tells of.
fn dealt_with(past: &Happening) -> Option<u32> {
    match past.what {
        Did::HandedBack { hold, .. } => Some(hold),
        _ => None,
    }
}

/// The price of a sum is known when that of every part is.
pub(crate) fn add(total: &mut Usage, part: &Usage) {
    total.calls += part.calls;
    total.input_tokens = total.input_tokens.saturating_add(part.input_tokens);
    total.output_tokens = total.output_tokens.saturating_add(part.output_tokens);
    total.cache_read_tokens = total.cache_read_tokens.saturating_add(part.cache_read_tokens);
    total.cache_write_tokens = total.cache_write_tokens.saturating_add(part.cache_write_tokens);
    total.nano_usd = match (total.nano_usd, part.nano_usd) {
        (Some(sum), Some(more)) => sum.checked_add(more),
        (None, _) | (_, None) => None,
    };
}
