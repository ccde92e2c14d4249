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
    /// A try to be this user from this address. It counts as failed until [`Self::succeeded`], so
    /// that many at once do not all go free.
    ///
    /// # Errors
    ///
    /// How long to wait instead; whether such a user exists plays no part.
    pub(crate) fn begin(&self, user: &str, address: &str, now: Timestamp) -> Result<(), Duration> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = Key::both(user, address).into_iter().filter_map(|key| {
            let failures = *failed.get(&key)?;
            let left = failures.wait(key.longest()) - now.duration_since(failures.last);
            Duration::try_from(left).ok().filter(|left| !left.is_zero())
        });
        if let Some(wait) = waits.max() {
            return Err(wait);
        }
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
        Ok(())
    }

    /// The wrong password: the wait begins when that was found, not when it was sent.
    pub(crate) fn failed(&self, user: &str, address: &str, now: Timestamp) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        for key in Key::both(user, address) {
            if let Some(failures) = failed.get_mut(&key) {
                failures.last = failures.last.max(now);
            }
        }
    }

    /// The right password: what failed under this name is forgotten. What failed from this address
    /// stays, or one known password would make trying others free.
    pub(crate) fn succeeded(&self, user: &str, address: &str) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.remove(&Key::User(user.to_owned()));
        if let Some(failures) = failed.get_mut(&Key::Address(address.to_owned())) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn wait(seconds: u64) -> Result<(), Duration> {
        Err(Duration::from_secs(seconds))
    }

    #[test]
    fn waits_grow_and_a_user_is_never_locked_out_for_long() {
        let throttle = Throttle::default();
        for n in 0..5 {
            assert_eq!(throttle.begin("bo", "a", at(n)), Ok(()));
        }
        assert_eq!(throttle.begin("bo", "a", at(10)), Ok(()));
        for (user, address) in [("bo", "a"), ("bo", "b"), ("al", "a")] {
            assert_eq!(throttle.begin(user, address, at(10)), wait(1), "{user} at {address}");
        }
        assert_eq!(throttle.begin("al", "b", at(10)), Ok(()));
        for (n, seconds) in [(1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30)] {
            assert_eq!(throttle.begin("bo", &format!("from {n}"), at(n * 100)), Ok(()));
            assert_eq!(throttle.begin("bo", "b", at(n * 100)), wait(seconds));
        }
        let mut now = 10_000;
        for seconds in [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900] {
            let user = format!("user of {now}");
            assert_eq!(throttle.begin(&user, "c", at(now)), Ok(()));
            if seconds > 0 {
                assert_eq!(throttle.begin("eve", "c", at(now)), wait(seconds));
            }
            now += seconds.cast_signed();
        }
        assert_eq!(throttle.begin("eve", "c", at(now)), Ok(()), "forgotten after a while");
        assert_eq!(throttle.begin("eve", "c", at(now)), Ok(()));
    }

    #[test]
    fn the_wait_begins_when_the_password_was_found_wrong() {
        let throttle = Throttle::default();
        for _ in 0..6 {
            throttle.begin("bo", "a", at(0)).unwrap();
        }
        throttle.failed("bo", "a", at(5));
        assert_eq!(throttle.begin("bo", "a", at(5)), wait(1));
        assert_eq!(throttle.begin("bo", "a", at(6)), Ok(()));
    }

    #[test]
    fn many_tries_at_once_do_not_all_go_free() {
        let throttle = Throttle::default();
        let free = (0..100).filter(|_| throttle.begin("bo", "a", at(0)).is_ok()).count();
        assert_eq!(free, 6, "before any of them was looked at");
    }

    #[test]
    fn the_right_password_clears_the_name_and_its_own_try() {
        let throttle = Throttle::default();
        for _ in 0..6 {
            throttle.begin("bo", "a", at(0)).unwrap();
        }
        throttle.succeeded("bo", "a");
        assert_eq!(throttle.begin("bo", "b", at(0)), Ok(()));
        assert_eq!(throttle.begin("al", "a", at(0)), Ok(()), "five failed there");
        assert_eq!(throttle.begin("al", "a", at(0)), wait(1));
    }

    #[test]
    fn a_flood_of_names_is_not_remembered_without_bound() {
        let throttle = Throttle::default();
        for n in 0..2 * ROOM {
            throttle.begin(&n.to_string(), &n.to_string(), at(0)).unwrap();
        }
        assert!(throttle.failed.lock().unwrap().len() <= ROOM);
    }
}
