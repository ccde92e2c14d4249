//! What a browser carries from the start of a sign-in to its return: sealed in a cookie, so that
//! whoever starts a million of them takes no room here.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::identity::{draw, draw_hex, hex, is_same, token_hash};

/// Between the start and the return.
pub(crate) const LIFE: SignedDuration = SignedDuration::from_mins(10);
/// Returns that are remembered, so that none comes twice; the oldest give way.
const ROOM: usize = 10_000;
const NONCE: usize = 24;
const PLACE: &[u8] = b"orchestrate sign-in";
/// Digits of the state in the name of its cookie.
const NAMED: usize = 12;

/// One sign-in under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) state: String,
    pub(crate) nonce: String,
    /// Proves to the provider that whoever brings the code is who asked for it.
    pub(crate) verifier: String,
    /// A path of ours.
    pub(crate) return_to: String,
    /// Where the provider sends the browser back to.
    pub(crate) redirect: String,
    pub(crate) until: Timestamp,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("until", &self.until).finish_non_exhaustive()
    }
}

impl Flow {
    /// A new one.
    pub(crate) fn draw(return_to: String, redirect: String, now: Timestamp) -> io::Result<Self> {
        Ok(Self {
            state: draw_hex::<32>()?,
            nonce: draw_hex::<32>()?,
            verifier: draw_hex::<32>()?,
            return_to,
            redirect,
            until: now.saturating_add(LIFE).unwrap_or(Timestamp::MAX),
        })
    }
}

/// The name of the cookie of a flow: each has its own, so that two tabs do not hinder each other.
/// `None`: this cannot be a state of ours.
pub(crate) fn cookie_name(port: u16, state: &str) -> Option<String> {
    let ours = state.len() == 64 && state.bytes().all(|byte| byte.is_ascii_hexdigit());
    ours.then(|| format!("orchestrate_signin_{port}_{}", &state[..NAMED]))
}

/// Its key dies with the process, and so do all sign-ins under way.
#[derive(Default)]
pub(crate) struct Flows {
    key: OnceLock<[u8; 32]>,
    /// By hash of the state, until when.
    used: Mutex<HashMap<String, Timestamp>>,
}

impl std::fmt::Debug for Flows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flows").finish_non_exhaustive()
    }
}

impl Flows {
    fn cipher(&self) -> io::Result<XChaCha20Poly1305> {
        if self.key.get().is_none() {
            let mut key = [0; 32];
            draw(&mut key)?;
            // Whoever was first wins: all that matters is that there is one.
            let _there_already = self.key.set(key);
        }
        let key = self.key.get().ok_or_else(|| io::Error::other("there is no key"))?;
        Ok(XChaCha20Poly1305::new(key.into()))
    }

    /// For the cookie.
    pub(crate) fn seal(&self, flow: &Flow) -> io::Result<String> {
        let mut nonce = [0; NONCE];
        draw(&mut nonce)?;
        let text = serde_json::to_vec(flow)?;
        let sealed = self
            .cipher()?
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: &text, aad: PLACE })
            .map_err(|_| io::Error::other("it could not be sealed"))?;
        Ok(hex(&[nonce.as_slice(), &sealed].concat()))
    }

    /// The flow in this cookie, when it is of this state: once, and in time.
    pub(crate) fn take(&self, cookie: &str, state: &str, now: Timestamp) -> Option<Flow> {
        let bytes = unhex(cookie)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let payload = Payload { msg: sealed, aad: PLACE };
        let text = self.cipher().ok()?.decrypt(XNonce::from_slice(nonce), payload).ok()?;
        let flow: Flow = serde_json::from_slice(&text).ok()?;
        (is_same(&flow.state, state) && now < flow.until && self.is_first(&flow, now))
            .then_some(flow)
    }

    fn is_first(&self, flow: &Flow, now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= ROOM {
            used.retain(|_, until| now < *until);
        }
        if used.len() >= ROOM
            && let Some(oldest) = used.iter().min_by_key(|(_, until)| **until)
        {
            let oldest = oldest.0.clone();
            used.remove(&oldest);
        }
        used.insert(token_hash(&flow.state), flow.until).is_none()
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn flow() -> Flow {
        Flow::draw("/".into(), "http://x/".into(), at(0)).unwrap()
    }

    #[test]
    fn a_flow_returns_once_in_time_and_to_its_own_browser() {
        let (flows, one, other) = (Flows::default(), flow(), flow());
        let cookie = flows.seal(&one).unwrap();
        assert!(!cookie.contains(&one.verifier) && !cookie.contains(&one.state));
        assert_eq!(flows.take(&cookie, &other.state, at(1)), None, "another state");
        assert_eq!(flows.take(&cookie, &one.state, at(600)), None, "too late");
        assert_eq!(flows.take(&cookie, &one.state, at(599)), Some(one.clone()));
        assert_eq!(flows.take(&cookie, &one.state, at(599)), None, "once");
        let cookie = flows.seal(&other).unwrap();
        let mut changed = cookie.clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] = if changed[last] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        for bad in [changed.as_str(), "", "0", "zz", &cookie[..40], "é"] {
            assert_eq!(flows.take(bad, &other.state, at(1)), None, "{bad}");
        }
        assert_eq!(Flows::default().take(&cookie, &other.state, at(1)), None, "another process");
        assert_eq!(flows.take(&cookie, &other.state, at(1)), Some(other));
    }

    #[test]
    fn memory_of_returns_is_bounded() {
        let flows = Flows::default();
        for n in 0..ROOM + 5 {
            let until = at(i64::try_from(n).unwrap() + 10);
            let one = Flow { state: n.to_string(), until, ..flow() };
            assert!(flows.is_first(&one, at(0)));
        }
        assert_eq!(flows.used.lock().unwrap().len(), ROOM);
    }

    #[test]
    fn a_cookie_is_named_only_by_a_state_of_ours() {
        let state = flow().state;
        assert_eq!(cookie_name(7, &state), Some(format!("orchestrate_signin_7_{}", &state[..12])));
        for other in ["", "abc", &"x".repeat(64), &"é".repeat(32)] {
            assert_eq!(cookie_name(7, other), None, "{other}");
        }
    }
}
