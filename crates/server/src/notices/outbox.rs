//! From the store to the targets: one lane for each target, in the order of arrival.
//!
//! A lane sleeps until a commit brings notices or its next try is due; a target that hangs holds up
//! nobody but itself. What was delivered is noted afterwards: a crash in between delivers it again,
//! under the same key.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use store::port::{Change, NoticeMove, NoticeQuery, NoticeRow, NoticeStatus};
use tokio::sync::watch;

use super::delivery;
use super::fault::Fault;
use super::letter::Letter;
use crate::clock::Clock;
use crate::config::notify::Retry;
use crate::refused::Refused;
use crate::shared::Shared;

/// Until the store is asked again after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Wakes the lanes.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: watch::Sender<u64>,
    /// Counts what has been tried.
    tried: watch::Sender<u64>,
    tended: AtomicBool,
}

impl Default for Bell {
    fn default() -> Self {
        let (rung, _) = watch::channel(0);
        let (tried, _) = watch::channel(0);
        Self { rung, tried, tended: AtomicBool::new(false) }
    }
}

impl Bell {
    /// There is something new to be sent, or to be sent now.
    pub(crate) fn ring(&self) {
        self.rung.send_modify(|count| *count += 1);
    }
}

/// Until the server stops.
pub(crate) async fn tend(shared: Arc<Shared>) {
    shared.bell.tended.store(true, Ordering::Relaxed);
    let mut rung = shared.bell.rung.subscribe();
    let mut lanes: BTreeSet<String> = BTreeSet::new();
    loop {
        rung.borrow_and_update();
        let pause = match shared.read(|reader| Ok(reader.open_notices()?)).await {
            Ok(open) => {
                for of in open.into_iter().filter(|of| of.waiting > 0) {
                    if lanes.insert(of.target.clone()) {
                        tokio::spawn(lane(Arc::clone(&shared), of.target));
                    }
                }
                None
            }
            Err(refused) => {
                tracing::warn!(cause = %refused, "notices could not be read");
                Some(AFTER_FAILURE)
            }
        };
        if !sleep(&shared, &mut rung, pause).await {
            return;
        }
    }
}

/// `false`: the server stops.
async fn sleep(shared: &Shared, rung: &mut watch::Receiver<u64>, pause: Option<Duration>) -> bool {
    let pause = async {
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        changed = rung.changed() => changed.is_ok(),
        () = pause => true,
        () = shared.stopped() => false,
    }
}

async fn lane(shared: Arc<Shared>, target: String) {
    let clock = Clock::start(None);
    let mut rung = shared.bell.rung.subscribe();
    loop {
        rung.borrow_and_update();
        let pause = match next(&shared, &target).await {
            Ok(None) => None,
            Ok(Some(row)) => match Duration::try_from(row.due_at.duration_since(clock.now())) {
                Ok(wait) if !wait.is_zero() => Some(wait),
                Ok(_) | Err(_) => {
                    tokio::select! {
                        () = turn(&shared, &row, &clock) => {}
                        () = shared.stopped() => return,
                    }
                    continue;
                }
            },
            Err(refused) => {
                tracing::warn!(target_name = target, cause = %refused, "notices could not be read");
                Some(AFTER_FAILURE)
            }
        };
        if !sleep(&shared, &mut rung, pause).await {
            return;
        }
    }
}

/// The oldest one that waits: nothing overtakes it.
async fn next(shared: &Shared, target: &str) -> Result<Option<NoticeRow>, Refused> {
    let query = NoticeQuery {
        target: Some(target.to_owned()),
        statuses: vec![NoticeStatus::Waiting],
        oldest_first: true,
        limit: 1,
        ..NoticeQuery::default()
    };
    Ok(shared.read(move |reader| Ok(reader.notices(&query)?)).await?.pop())
}

/// Tries once, and notes what became of it.
async fn turn(shared: &Shared, row: &NoticeRow, clock: &Clock) {
    let began = std::time::Instant::now();
    let (retry, tried) = attempt(shared, row).await;
    let at = clock.now();
    let moved = judge(row, tried, &retry, at);
    shared.metrics.tried(&row.target, moved.status, began.elapsed());
    match moved.status {
        NoticeStatus::Delivered => {}
        NoticeStatus::Waiting => tracing::info!(
            notice = row.number,
            target_name = row.target,
            cause = moved.problem,
            "a notice did not arrive; it is tried again"
        ),
        NoticeStatus::GivenUp => tracing::warn!(
            notice = row.number,
            target_name = row.target,
            cause = moved.problem,
            "a notice was given up"
        ),
    }
    // While the disk is full it is noted later rather than delivered again.
    loop {
        let change = moved.clone();
        match shared.desk.store(move |_at| Change::MoveNotice(change)).await {
            Ok(_) => break,
            Err(Refused::Stopping) => return,
            Err(refused) => {
                tracing::warn!(cause = %refused, "it could not be noted that a notice was tried");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
    shared.bell.tried.send_modify(|count| *count += 1);
}

async fn attempt(shared: &Shared, row: &NoticeRow) -> (Retry, Result<String, Fault>) {
    let config = match shared.config() {
        Ok(config) => config,
        Err(refused) => {
            let fault = Fault::new("config", format!("`config.yaml` is invalid: {refused}"));
            return (Retry::default(), Err(fault));
        }
    };
    let retry = config.notify.retry;
    let Some(target) = config.notify.targets.get(&row.target) else {
        let problem = format!("`config.yaml` has no target `{}` any more", row.target);
        return (retry, Err(Fault::new("config", problem)));
    };
    let people = match super::addressed(row) {
        Some(entries) => delivery::people(shared, entries).await,
        None => Ok(Vec::new()),
    };
    let tried = match people {
        Ok(people) => {
            let letter = Letter::new(row, config.notify.public_url.as_deref(), people);
            delivery::deliver(shared, target, &letter).await
        }
        Err(refused) => Err(delivery::internal(&refused)),
    };
    (retry, tried)
}

/// What follows from a try that ended at this time.
fn judge(
    row: &NoticeRow,
    tried: Result<String, Fault>,
    retry: &Retry,
    at: Timestamp,
) -> NoticeMove {
    let number = row.number;
    let fault = match tried {
        Ok(problem) => {
            let status = NoticeStatus::Delivered;
            return NoticeMove { number, status, problem, due_at: at, at };
        }
        Err(fault) => fault,
    };
    let pause = backoff(row, retry).max(fault.after.unwrap_or_default());
    let due_at = at.saturating_add(pause).unwrap_or(at);
    let last = row.since.saturating_add(retry.give_up_after).unwrap_or(Timestamp::MAX);
    let status = match fault.is_final || at >= last {
        true => NoticeStatus::GivenUp,
        // The last try is made when the time is over, not before.
        false => NoticeStatus::Waiting,
    };
    NoticeMove { number, status, problem: fault.problem, due_at: due_at.min(last.max(at)), at }
}

/// Doubles from try to try; between a half and the whole of it, by the notice's key, so that not
/// everything that failed together is tried again together.
fn backoff(row: &NoticeRow, retry: &Retry) -> Duration {
    let doubled = retry.first.saturating_mul(1_u32.checked_shl(row.attempts).unwrap_or(u32::MAX));
    let whole = doubled.min(retry.most);
    let digest = Sha256::digest(format!("{} {}", row.key, row.attempts));
    whole.mul_f64(0.5 + f64::from(digest[0]) / 512.0)
}

/// Lets what is due be tried, before the server stops: whoever ran one pipeline and leaves has
/// nobody else to send its notices. Waits no longer than this.
pub(crate) async fn flush(shared: &Shared, most: Duration) {
    if !shared.bell.tended.load(Ordering::Relaxed) {
        return;
    }
    let begun = Clock::start(None).now();
    let mut tried = shared.bell.tried.subscribe();
    let work = async {
        loop {
            tried.borrow_and_update();
            let query = NoticeQuery {
                statuses: vec![NoticeStatus::Waiting],
                oldest_first: true,
                limit: 100,
                ..NoticeQuery::default()
            };
            let waiting = shared.read(move |reader| Ok(reader.notices(&query)?)).await;
            // Behind one that failed before nothing is going to be tried now.
            let due = |rows: Vec<NoticeRow>| {
                let mut seen = BTreeSet::new();
                let mut first = rows.into_iter().filter(|row| seen.insert(row.target.clone()));
                first.any(|row| row.due_at <= begun && row.attempts == 0)
            };
            if !waiting.is_ok_and(due) || tried.changed().await.is_err() {
                return;
            }
        }
    };
    let _late = tokio::time::timeout(most, work).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::id::RunId;
    use serde_json::json;

    fn row(attempts: u32) -> NoticeRow {
        let at = Timestamp::UNIX_EPOCH;
        NoticeRow {
            number: 1,
            key: "k".into(),
            target: "ops".into(),
            kind: "run.failed".into(),
            run: RunId(uuid::Uuid::nil()),
            request: None,
            content: json!({}),
            status: NoticeStatus::Waiting,
            attempts,
            problem: String::new(),
            created_at: at,
            since: at,
            due_at: at,
            settled_at: None,
        }
    }

    #[test]
    fn tries_are_farther_and_farther_apart_until_it_is_given_up() {
        let retry = Retry::default();
        let mut row = row(0);
        let mut at = row.since;
        let mut pauses = Vec::new();
        let last = loop {
            let moved = judge(&row, Err(Fault::new("http", "HTTP 500")), &retry, at);
            if moved.status != NoticeStatus::Waiting {
                break moved;
            }
            pauses.push(Duration::try_from(moved.due_at.duration_since(at)).unwrap());
            at = moved.due_at;
            row.attempts += 1;
        };
        assert_eq!((last.status, &*last.problem), (NoticeStatus::GivenUp, "HTTP 500"));
        let spent = Duration::try_from(last.at.duration_since(row.since)).unwrap();
        assert_eq!(spent, retry.give_up_after, "the whole time is used, and no more");
        assert!(pauses[0] >= retry.first / 2 && pauses[0] <= retry.first, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause <= retry.most), "{pauses:?}");
        assert!((140..400).contains(&pauses.len()), "{}", pauses.len());
    }

    #[test]
    fn what_can_never_arrive_is_given_up_at_once_and_a_wished_wait_is_kept() {
        let (row, retry) = (row(0), Retry::default());
        let at = row.since;
        let moved = judge(&row, Err(Fault::new("http", "no").finally()), &retry, at);
        assert_eq!(moved.status, NoticeStatus::GivenUp);
        let busy = Fault { after: Some(Duration::from_secs(90)), ..Fault::new("http", "busy") };
        let moved = judge(&row, Err(busy), &retry, at);
        assert_eq!(moved.due_at, at + Duration::from_secs(90));
        let moved = judge(&row, Ok("not to bo".into()), &retry, at);
        assert_eq!((moved.status, &*moved.problem), (NoticeStatus::Delivered, "not to bo"));
    }
}
