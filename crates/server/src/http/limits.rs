//! How much one caller and one address may ask. More is refused before anything is done for it.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::caller::Caller;
use super::problem::Fault;
use crate::config::settings::{PER_ADDRESS, PER_CALLER, Settings};
use crate::listen::Peer;

/// Who has not asked for a while is forgotten once in so many requests.
const SWEEP: u32 = 8192;

/// A bucket for each key: so many a second, twice as many at once.
pub(crate) struct Buckets<K: Hash + Eq + Clone> {
    buckets: DefaultKeyedRateLimiter<K>,
    asked: AtomicU32,
    a_second: NonZeroU32,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    pub(crate) fn new(a_second: NonZeroU32) -> Self {
        let burst = a_second.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        let quota = Quota::per_second(a_second).allow_burst(burst);
        Self { buckets: RateLimiter::keyed(quota), asked: AtomicU32::new(0), a_second }
    }

    /// How long to wait, if it is too much.
    pub(crate) fn ask(&self, key: &K) -> Result<(), Duration> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
        let now = self.buckets.clock().now();
        self.buckets.check_key(key).map_err(|not_yet| not_yet.wait_time_from(now))
    }
}

/// The limits of one door.
pub(crate) struct Limits {
    by_address: Buckets<IpAddr>,
    by_caller: Buckets<String>,
}

impl Limits {
    /// `None`: the settings cannot be read; then the defaults hold.
    pub(crate) fn new(settings: Option<&Settings>) -> Arc<Self> {
        let a_second = |setting, default: u32| {
            let said = settings.and_then(|settings| settings.whole(setting));
            let said = said.and_then(|said| u32::try_from(said).ok());
            NonZeroU32::new(said.unwrap_or(default)).unwrap_or(NonZeroU32::MIN)
        };
        Arc::new(Self {
            by_address: Buckets::new(a_second(&PER_ADDRESS, 5000)),
            by_caller: Buckets::new(a_second(&PER_CALLER, 2000)),
        })
    }
}

/// Before anybody is asked who they are. Only what comes over the network has an address.
pub(crate) async fn by_address(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(address) = address(&request) else { return next.run(request).await };
    let buckets = &limits.by_address;
    match buckets.ask(&address) {
        Ok(()) => next.run(request).await,
        Err(wait) => refused("an address", buckets.a_second, wait),
    }
}

/// Theirs, over the network.
fn address(request: &Request) -> Option<IpAddr> {
    let ConnectInfo(Peer { addresses, .. }) = request.extensions().get()?;
    addresses.map(|(theirs, _)| theirs.ip().to_canonical())
}

/// When it is known who asks. Whoever came by the socket of the data folder owns the machine that
/// would be spared.
pub(crate) async fn by_caller(
    State(limits): State<Arc<Limits>>,
    request: Request,
    next: Next,
) -> Response {
    let remote = address(&request).is_some();
    let caller = request.extensions().get::<Caller>();
    let Some(caller) = caller.filter(|_| remote) else { return next.run(request).await };
    let buckets = &limits.by_caller;
    match buckets.ask(&caller.name) {
        Ok(()) => next.run(request).await,
        Err(wait) => refused("a caller", buckets.a_second, wait),
    }
}

fn refused(who: &str, a_second: NonZeroU32, wait: Duration) -> Response {
    let detail = format!("{who} has {a_second} requests a second");
    Fault::too_many(wait.as_secs() + 1, detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_twice_its_rate_at_once_and_others_are_not_touched() {
        let buckets = Buckets::new(NonZeroU32::new(5).unwrap());
        let asked = |key: &str| buckets.ask(&key.to_owned());
        assert!((0..10).all(|_| asked("ana").is_ok()));
        let wait = asked("ana").unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert!(asked("bo").is_ok());
    }
}
