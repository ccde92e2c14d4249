//! The newest frames of a topic, for all who are nearly level with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;

/// Bytes and frames that a listener may be behind.
const BYTES: usize = 1 << 20;
const FRAMES: usize = 512;
/// Bytes in all rings together; beyond it each keeps only its newest frame.
const TOTAL: usize = 64 << 20;

/// A frame, written once for everybody.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The number before its first entry.
    pub(crate) after: u64,
    /// Of its last entry.
    pub(crate) last: u64,
    pub(crate) text: Utf8Bytes,
}

#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Told>,
    bytes: usize,
    /// Place of the first frame, counted from the first one ever told.
    base: u64,
    total: Arc<AtomicUsize>,
}

/// What a ring has at a place.
#[derive(Debug)]
pub(super) enum At {
    Frame(Told),
    /// Nothing has been told since.
    Level,
    /// It is not there any more.
    Lost,
}

impl Ring {
    pub(super) fn new(total: Arc<AtomicUsize>) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, base: 0, total }
    }

    pub(super) fn push(&mut self, told: Told) {
        self.bytes += told.text.len();
        self.total.fetch_add(told.text.len(), Ordering::Relaxed);
        self.frames.push_back(told);
        while self.frames.len() > 1 && self.is_over() {
            self.drop_oldest();
        }
    }

    fn is_over(&self) -> bool {
        let all = self.total.load(Ordering::Relaxed);
        self.bytes > BYTES || self.frames.len() > FRAMES || all > TOTAL
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.frames.pop_front() else { return };
        self.bytes -= oldest.text.len();
        self.total.fetch_sub(oldest.text.len(), Ordering::Relaxed);
        self.base += 1;
    }

    /// Nobody finds the way on from here any more, not even who was level.
    pub(super) fn reset(&mut self) {
        while !self.frames.is_empty() {
            self.drop_oldest();
        }
        self.base += 1;
    }

    pub(super) fn at(&self, place: u64) -> At {
        match place.checked_sub(self.base) {
            None => At::Lost,
            Some(offset) => {
                let frame = usize::try_from(offset).ok().and_then(|at| self.frames.get(at));
                frame.map_or(At::Level, |told| At::Frame(told.clone()))
            }
        }
    }

    /// The place behind the newest frame.
    pub(super) fn end(&self) -> u64 {
        self.base + self.frames.len() as u64
    }

    /// The place of the first frame that follows this number.
    pub(super) fn following(&self, number: u64) -> Option<u64> {
        let at = self.frames.iter().position(|told| told.after == number)?;
        Some(self.base + at as u64)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.total.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(after: u64, bytes: usize) -> Told {
        Told { after, last: after + 1, text: "x".repeat(bytes).into() }
    }

    #[test]
    fn what_is_too_old_is_lost_and_memory_is_bounded() {
        let total = Arc::new(AtomicUsize::new(0));
        let mut ring = Ring::new(Arc::clone(&total));
        assert!(matches!(ring.at(0), At::Level));
        for number in 0..10 {
            ring.push(told(number, 200 << 10));
        }
        assert!(total.load(Ordering::Relaxed) <= BYTES);
        assert!(matches!(ring.at(0), At::Lost));
        assert_eq!(ring.following(0), None);
        let place = ring.following(8).unwrap();
        let At::Frame(frame) = ring.at(place) else { panic!("it is there") };
        assert_eq!((frame.after, frame.last), (8, 9));
        assert_eq!(ring.end(), 10);
        assert!(matches!(ring.at(10), At::Level));
        // One that is too large on its own is still told.
        ring.push(told(10, 2 * BYTES));
        assert!(matches!(ring.at(10), At::Frame(_)));
        ring.reset();
        assert!(matches!(ring.at(11), At::Lost));
        assert_eq!(ring.end(), 12);
        ring.push(told(11, 10));
        drop(ring);
        assert_eq!(total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn when_all_rings_together_are_full_each_keeps_its_newest() {
        let total = Arc::new(AtomicUsize::new(TOTAL));
        let mut ring = Ring::new(Arc::clone(&total));
        ring.push(told(0, 10));
        ring.push(told(1, 10));
        assert!(matches!(ring.at(0), At::Lost));
        assert!(matches!(ring.at(1), At::Frame(_)));
    }
}
