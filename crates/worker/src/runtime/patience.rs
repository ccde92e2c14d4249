//! How long somebody who does not answer is asked again.

use std::time::Duration;

use tokio::time::Instant;

use super::Trouble;

/// Since when there was no answer, and how long that may last.
pub(super) struct Patience {
    longest: Duration,
    silent_since: Option<Instant>,
}

impl Patience {
    pub(super) fn of(longest: Duration) -> Self {
        Self { longest, silent_since: None }
    }

    /// There was an answer.
    pub(super) fn heard(&mut self) {
        self.silent_since = None;
    }

    /// `Ok`: it may be asked again.
    ///
    /// # Errors
    /// The trouble itself: what is refused stays refused, and the silence has lasted too long.
    pub(super) fn bear(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        if matches!(trouble, Trouble::Refused(_)) {
            return Err(trouble);
        }
        let now = Instant::now();
        let since = *self.silent_since.get_or_insert(now);
        if now.duration_since(since) > self.longest { Err(trouble) } else { Ok(()) }
    }
}
