//! Hashes that make a journal tamper-evident: one chain a run, and one over all events.

use engine::event::Stamped;
use engine::id::RunId;
use sha2::{Digest, Sha256};

pub(crate) type Hash = [u8; 32];

/// Where the chain of a run starts. It depends on the run, so that no event can be moved to another.
pub(crate) fn origin(run: RunId) -> Hash {
    Sha256::new()
        .chain_update(b"orchestrate run\0")
        .chain_update(run.0.as_bytes())
        .finalize()
        .into()
}

/// The hash of what follows `previous`; of an event, over its body exactly as stored.
pub(crate) fn link(previous: &Hash, next: &[u8]) -> Hash {
    Sha256::new().chain_update(previous).chain_update(next).finalize().into()
}

/// The number of the first event whose hash does not follow from those before it; `None`: the
/// chain holds. Events are those of one run, from its first.
pub fn first_broken<'e>(
    run: RunId,
    events: impl IntoIterator<Item = (&'e Stamped, &'e str)>,
) -> Option<u64> {
    let mut hash = origin(run);
    for (number, (event, claimed)) in (1..).zip(events) {
        let Ok(body) = serde_json::to_vec(event) else { return Some(number) };
        hash = link(&hash, &body);
        if hex(&hash) != claimed {
            return Some(number);
        }
    }
    None
}

/// The end of the chain over all events, in the order in which they were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) events: u64,
    pub(crate) hash: Hash,
}

impl Head {
    pub(crate) fn empty() -> Self {
        Self { events: 0, hash: Sha256::digest(b"orchestrate journal\0").into() }
    }

    /// Takes in the next event by its hash in its run's chain.
    pub(crate) fn push(&mut self, event: &Hash) {
        self.events += 1;
        self.hash = link(&self.hash, event);
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.events, hex(&self.hash))
    }
}

impl std::str::FromStr for Head {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (events, hash) = text.split_once(' ').ok_or(())?;
        Ok(Self { events: events.parse().map_err(drop)?, hash: unhex(hash).ok_or(())? })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The inverse of [`hex`].
fn unhex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}
