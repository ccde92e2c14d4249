//! One-time links: whoever opens one in time gets a session, once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::identity::token_hash;

/// How long a link can be opened.
pub(crate) const LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Links that are open at once; the oldest gives way.
const ROOM: usize = 64;

/// Whose session it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) user: String,
    pub(crate) admin: bool,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) until: Timestamp,
}

/// By hash of what is in the link. Gone with the process.
#[derive(Debug, Default)]
pub(crate) struct Links {
    open: Mutex<HashMap<String, Link>>,
}

impl Links {
    pub(crate) fn put(&self, code: &str, link: Link) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= ROOM {
            let oldest = open.iter().min_by_key(|(_, link)| link.until);
            if let Some(hash) = oldest.map(|(hash, _)| hash.clone()) {
                open.remove(&hash);
            }
        }
        open.insert(token_hash(code), link);
    }

    /// Once, and in time.
    pub(crate) fn take(&self, code: &str, now: Timestamp) -> Option<Link> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&token_hash(code)).filter(|link| now < link.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_once_and_in_time() {
        let links = Links::default();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let link = |user: &str, until| Link {
            user: user.to_owned(),
            admin: false,
            scopes: None,
            until: at(until),
        };
        links.put("a", link("bo", 10));
        links.put("b", link("al", 10));
        assert_eq!(links.take("c", at(0)), None);
        assert_eq!(links.take("a", at(9)).unwrap().user, "bo");
        assert_eq!(links.take("a", at(9)), None, "once");
        assert_eq!(links.take("b", at(10)), None, "too late");
        for n in 0..=ROOM {
            links.put(&n.to_string(), link("bo", 100 + i64::try_from(n).unwrap()));
        }
        assert_eq!(links.take("0", at(0)), None, "the oldest gave way");
        assert!(links.take("1", at(0)).is_some());
    }
}
