//! Failed logins: after some of them each further try has to wait, longer and longer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Tries that may fail before anybody has to wait.
const FREE: u32 = 5;
/// The longest wait. A user's own is shorter: others must not be able to lock them out.
const LONGEST_ADDRESS: u64 = 900;
const LONGEST_USER: u64 = 30;
/// Without a failed try for so long, all is forgotten.
const MEMORY: SignedDuration = SignedDuration::from_mins(15);
/// Names and addresses that are remembered; the oldest give way.
const ROOM: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Throttle {
    failed: Mutex<HashMap<Key, Failures>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    User(String),
    Address(String),
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Key {
    fn both(user: &str, address: &str) -> [Self; 2] {
        [Self::User(user.to_owned()), Self::Address(address.to_owned())]
    }

    fn longest(&self) -> u64 {
        match self {
            Self::User(_) => LONGEST_USER,
            Self::Address(_) => LONGEST_ADDRESS,
        }
    }
}

impl Failures {
    /// From the last failure on: 1 s, 2 s, 4 s, ...
    fn wait(self, longest: u64) -> SignedDuration {
        let over = self.count.saturating_sub(FREE);
        let seconds = match over {
            0 => 0,
            over => 1_u64.checked_shl(over - 1).unwrap_or(longest).min(longest),
        };
        SignedDuration::from_secs(seconds.min(LONGEST_ADDRESS).cast_signed())
    }
}

impl Throttle {
    /// How long somebody at this address has to wait before they may try to be this user; whether
    /// such a user exists plays no part.
    pub(crate) fn wait(&self, user: &str, address: &str, now: Timestamp) -> Option<Duration> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = Key::both(user, address).into_iter().filter_map(|key| {
            let failures = *failed.get(&key)?;
            let left = failures.wait(key.longest()) - now.duration_since(failures.last);
            Duration::try_from(left).ok().filter(|left| !left.is_zero())
        });
        waits.max()
    }

    pub(crate) fn failed(&self, user: &str, address: &str, now: Timestamp) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() + 2 > ROOM {
            failed.retain(|_, failures| now.duration_since(failures.last) < MEMORY);
        }
        if failed.len() + 2 > ROOM {
            failed.clear();
        }
        for key in Key::both(user, address) {
            let failures = failed.entry(key).or_insert(Failures { count: 0, last: now });
            if now.duration_since(failures.last) >= MEMORY {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
        }
    }

    /// The right password: what failed under this name is forgotten. What failed from this address
    /// stays, or one known password would make trying others free.
    pub(crate) fn succeeded(&self, user: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.remove(&Key::User(user.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn waits_grow_and_a_user_is_never_locked_out_for_long() {
        let throttle = Throttle::default();
        for n in 0..5 {
            assert_eq!(throttle.wait("bo", "a", at(n)), None);
            throttle.failed("bo", "a", at(n));
        }
        assert_eq!(throttle.wait("bo", "a", at(4)), None);
        throttle.failed("bo", "a", at(10));
        assert_eq!(throttle.wait("bo", "a", at(10)), Some(Duration::from_secs(1)));
        assert_eq!(
            throttle.wait("bo", "b", at(10)),
            Some(Duration::from_secs(1)),
            "from elsewhere"
        );
        assert_eq!(throttle.wait("al", "a", at(10)), Some(Duration::from_secs(1)), "other names");
        assert_eq!(throttle.wait("al", "b", at(10)), None);
        assert_eq!(throttle.wait("bo", "a", at(11)), None);
        for _ in 0..20 {
            throttle.failed("bo", "a", at(20));
        }
        assert_eq!(throttle.wait("bo", "b", at(20)), Some(Duration::from_secs(30)));
        assert_eq!(throttle.wait("bo", "a", at(20)), Some(Duration::from_secs(900)));
        throttle.succeeded("bo");
        assert_eq!(throttle.wait("bo", "b", at(20)), None);
        assert!(throttle.wait("bo", "a", at(20)).is_some());
        throttle.failed("bo", "a", at(20 + 900));
        assert_eq!(throttle.wait("bo", "a", at(20 + 900)), None, "forgotten after a while");
    }

    #[test]
    fn a_flood_of_names_is_not_remembered_without_bound() {
        let throttle = Throttle::default();
        for n in 0..2 * ROOM {
            throttle.failed(&n.to_string(), &n.to_string(), at(0));
        }
        assert!(throttle.failed.lock().unwrap().len() <= ROOM);
    }
}
