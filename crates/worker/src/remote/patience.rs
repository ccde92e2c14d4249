//! Waiting for a server that is away, and asking it again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use tokio::sync::watch;

use super::trouble::Trouble;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that was just started may not know yet what is with whom.
const DENIALS: u32 = 5;

#[derive(Clone, Debug)]
pub(super) struct Patience {
    /// Whether the socket to the server stands.
    link: watch::Receiver<bool>,
}

impl Patience {
    pub(super) fn new(link: watch::Receiver<bool>) -> Self {
        Self { link }
    }

    /// Asks until there is an answer, and only while the server is there. Never gives up because it
    /// is away.
    pub(super) async fn ask<T, F>(&mut self, ask: impl Fn() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let (mut pause, mut denials) = (FIRST_PAUSE, 0);
        loop {
            if self.link.wait_for(|is_up| *is_up).await.is_err() {
                return Err(Trouble::Here("the worker stops".to_owned()));
            }
            match ask().await {
                Err(Trouble::Away(problem)) => tracing::debug!(problem, "the server is away"),
                Err(Trouble::NotHeld(_)) if denials < DENIALS => denials += 1,
                answer => return answer,
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Anything up to it, so that many who wait do not come at once.
pub(super) fn jittered(longest: Duration) -> Duration {
    let chance = RandomState::new().build_hasher().finish();
    let longest = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(chance % longest.saturating_add(1))
}
