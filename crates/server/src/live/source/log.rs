//! The captured output of an attempt; its numbers are offsets.

use api::stream::{LogHead, Output};
use axum::extract::ws::Utf8Bytes;
use engine::event::Event;
use engine::id::ExecutionId;

use super::{Advance, BURST, Since};
use crate::captured::{self, Times};
use crate::live::frame;
use crate::live::ring::Told;
use crate::live::topic::LogOf;
use crate::refused::Refused;
use crate::shared::Shared;

/// Bytes of one frame.
const PIECE: u64 = 64 << 10;
/// Bytes of the end that a listener gets who does not say where to begin.
const TAIL: u64 = 64 << 10;
/// Events read at once.
const PAGE: u32 = 500;

pub(in crate::live) struct LogSource {
    of: LogOf,
    name: String,
    epoch: String,
    /// The folder of its output.
    key: String,
    /// Everything before it was told.
    last: u64,
    ended: bool,
    /// That it has ended was told.
    closed: bool,
    /// Events of the run that were looked at.
    seen: u64,
}

impl LogSource {
    pub(super) fn open(
        shared: &Shared,
        of: LogOf,
        name: String,
        epoch: String,
    ) -> Result<Self, Refused> {
        let live = shared.histories.fold(of.run, &*shared.reader, &shared.definitions)?;
        let run = &live.run;
        let missing = || Refused::NotFound { what: "log", name: name.clone() };
        let found = run.row(&of.execution);
        let place = match &found {
            Some(row) => row.ix.get(),
            // An instance of a stage whose items are not known yet.
            None if of.execution.instance.is_some() && !run.is_finished() => {
                let stage = ExecutionId::stage(of.execution.stage.clone());
                run.row(&stage).ok_or_else(missing)?.ix.get()
            }
            None => return Err(missing()),
        };
        let mut attempts = found.iter().flat_map(|row| &row.attempts);
        let attempt = attempts.find(|attempt| attempt.number == of.attempt);
        if attempt.is_none() && (run.is_finished() || of.attempt == 0) {
            return Err(missing());
        }
        let ended =
            attempt.is_some_and(|it| it.finished_at.is_some() || it.status.word() == "unknown");
        let key = captured::key(of.run, place, of.execution.instance, of.attempt);
        let seen = run.sequence();
        let mut source = Self { of, name, epoch, key, last: 0, ended, closed: ended, seen };
        source.last = source.read(shared, u64::MAX, 0)?.total;
        Ok(source)
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn advance(&mut self, shared: &Shared) -> Result<Advance, Refused> {
        self.look_for_end(shared)?;
        let mut advance = Advance::default();
        for _ in 0..BURST {
            let after = self.last;
            let chunk = self.read(shared, after, PIECE)?;
            let (off, total) = (chunk.offset, chunk.total);
            let mut bytes = chunk.bytes;
            let reached = off + bytes.len() as u64 >= total;
            if !(reached && self.ended) {
                bytes.truncate(whole_characters(&bytes));
            }
            let end = off + bytes.len() as u64;
            let ends = self.ended && reached && !self.closed;
            if bytes.is_empty() && !ends {
                return Ok(advance);
            }
            self.last = end;
            self.closed |= ends;
            let text = self.piece(off, &bytes, ends);
            advance.told.push(Told { after, last: end, text });
            if reached {
                return Ok(advance);
            }
        }
        advance.more = true;
        Ok(advance)
    }

    pub(super) fn snapshot(&self, from: Option<u64>) -> (Utf8Bytes, u64) {
        let from = from.unwrap_or_else(|| self.last.saturating_sub(TAIL)).min(self.last);
        let head = LogHead {
            stage: self.of.execution.to_string(),
            attempt: self.of.attempt,
            total: self.last,
            ended: self.closed,
        };
        (frame::snapshot(&self.name, &self.epoch, from, &head).into(), from)
    }

    pub(super) fn since(&self, shared: &Shared, after: u64) -> Result<Since, Refused> {
        let Some(behind) = self.last.checked_sub(after) else { return Ok(None) };
        let chunk = self.read(shared, after, behind.min(PIECE))?;
        // Of a hole that grew since, what is behind it was not told yet.
        let off = chunk.offset.min(self.last);
        let mut bytes = chunk.bytes;
        bytes.truncate(usize::try_from(self.last - off).unwrap_or(usize::MAX));
        if off + (bytes.len() as u64) < self.last {
            bytes.truncate(whole_characters(&bytes));
        }
        let end = off + bytes.len() as u64;
        // Nothing more can be read: whoever waits for the rest would wait for ever.
        let end = if bytes.is_empty() { self.last } else { end };
        let ends = self.closed && end == self.last;
        Ok(Some((self.piece(off.max(end - bytes.len() as u64), &bytes, ends), end)))
    }

    fn read(&self, shared: &Shared, from: u64, bytes: u64) -> Result<captured::Chunk, Refused> {
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX);
        let run = self.of.run.to_string();
        captured::read(&shared.data_dir, &run, &self.key, from, limit, Times::Unwanted)
            .map_err(|error| Refused::Internal(format!("could not read captured output: {error}")))
    }

    fn look_for_end(&mut self, shared: &Shared) -> Result<(), Refused> {
        while !self.ended {
            let rows = shared.reader.events(self.of.run, self.seen, PAGE)?;
            self.seen += rows.len() as u64;
            self.ended = rows.iter().any(|row| self.is_end(&row.event.event));
            if rows.len() < PAGE as usize {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_end(&self, event: &Event) -> bool {
        match event {
            Event::AttemptFinished { attempt, .. }
            | Event::AttemptUnknown { attempt, .. }
            | Event::AttemptResolved { attempt, .. } => {
                attempt.execution == self.of.execution && attempt.number == self.of.attempt
            }
            Event::RunFinished { .. } => true,
            _ => false,
        }
    }

    fn piece(&self, off: u64, bytes: &[u8], ended: bool) -> Utf8Bytes {
        let output = Output {
            t: self.name.clone(),
            off,
            bytes: String::from_utf8_lossy(bytes).into_owned(),
            end: off + bytes.len() as u64,
            ended,
        };
        frame::json(&output).into()
    }
}

/// The length without a character whose end is not there yet.
fn whole_characters(bytes: &[u8]) -> usize {
    let length = bytes.len();
    for back in 1..=length.min(3) {
        let byte = bytes[length - back];
        let wanted = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            // In the middle of one.
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if wanted > back { length - back } else { length };
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut() {
        let text = "aä€😀".as_bytes();
        let cut = |upto: usize| whole_characters(&text[..upto]);
        let found: Vec<usize> = (0..=text.len()).map(cut).collect();
        assert_eq!(found, [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
        // What is no text is told as it is.
        assert_eq!(whole_characters(b"\x80\x80\x80\x80"), 4);
        assert_eq!(whole_characters(b"ok\xff"), 3);
    }
}
