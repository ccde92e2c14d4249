//! What the agents of an execution did, as their harness writes it down; its numbers are those of
//! the lines.

use std::sync::Arc;

use api::agent::Happening;
use api::stream::TalkHead;
use axum::extract::ws::Utf8Bytes;

use super::{Advance, BURST, Since};
use crate::live::frame;
use crate::live::lookout::Watch;
use crate::live::ring::Told;
use crate::live::topic::TalkOf;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::talk::{self, Lines};

/// Entries of the end that a listener gets who does not say where to begin.
const TAIL: u64 = 200;
/// Entries of one frame; and bytes, after which it takes no more.
const MANY: u64 = 200;
const LONG: u64 = 64 << 10;

pub(in crate::live) struct TalkSource {
    of: TalkOf,
    name: String,
    epoch: String,
    lines: Lines,
    /// Everything up to it was told.
    last: u64,
    watch: Watch,
}

impl TalkSource {
    pub(super) fn open(
        shared: &Shared,
        of: &TalkOf,
        name: String,
        epoch: String,
        ring: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, Refused> {
        let live = shared.histories.fold(of.run, &*shared.reader, &shared.definitions)?;
        let file = talk::file(&shared.data_dir, of.run, &live.run, &of.execution)
            .map_err(|_absent| Refused::NotFound { what: "talk", name: name.clone() })?;
        // Before it is read, so that nothing falls between the two.
        let watch = Arc::clone(&shared.hub.lookout).watch(file.clone(), Box::new(ring));
        let mut lines = Lines::new(file);
        let last = lines.count().map_err(unreadable)?;
        Ok(Self { of: of.clone(), name, epoch, lines, last, watch })
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn advance(&mut self, shared: &Shared) -> Result<Advance, Refused> {
        self.watch.settle();
        let mut advance = Advance::default();
        let now = self.lines.count().map_err(unreadable)?;
        if now < self.last {
            // It went, with the run's output, or somebody exchanged it.
            self.last = now;
            advance.reset = true;
            return Ok(advance);
        }
        for _ in 0..BURST {
            let after = self.last;
            let read = self.read(shared, after, MANY)?;
            let Some(newest) = read.last() else { return Ok(advance) };
            self.last = newest.seq;
            let text = self.frame(&read, self.last);
            advance.told.push(Told { after, last: self.last, text });
        }
        advance.more = true;
        Ok(advance)
    }

    pub(super) fn snapshot(&self, from: Option<u64>) -> (Utf8Bytes, u64) {
        let from = from.unwrap_or_else(|| self.last.saturating_sub(TAIL)).min(self.last);
        let head = TalkHead { stage: self.of.execution.to_string(), total: self.last };
        (frame::snapshot(&self.name, &self.epoch, from, &head).into(), from)
    }

    pub(super) fn since(&mut self, shared: &Shared, after: u64) -> Result<Since, Refused> {
        let Some(behind) = self.last.checked_sub(after) else { return Ok(None) };
        if behind == 0 {
            return Ok(Some((self.frame(&[], after), after)));
        }
        let read = self.read(shared, after, behind.min(MANY))?;
        let Some(newest) = read.last() else {
            // They went: what is there now begins anew.
            self.last = self.lines.count().map_err(unreadable)?;
            return Ok(None);
        };
        let seq = newest.seq;
        Ok(Some((self.frame(&read, seq), seq)))
    }

    fn read(&mut self, shared: &Shared, after: u64, most: u64) -> Result<Vec<Happening>, Refused> {
        let mut read = self.lines.read(after, most, LONG).map_err(unreadable)?;
        talk::price(&*shared.reader, self.of.run, &self.of.execution, &mut read)?;
        Ok(read)
    }

    fn frame(&self, read: &[Happening], seq: u64) -> Utf8Bytes {
        let stage = self.of.execution.to_string();
        let entry = |happening| frame::entry(&frame::happening(&stage, happening));
        let entries: Vec<String> = read.iter().map(entry).collect();
        frame::events(&self.name, None, seq, &entries, None).into()
    }
}

fn unreadable(error: std::io::Error) -> Refused {
    Refused::Internal(format!("could not read what agents wrote down: {error}"))
}
