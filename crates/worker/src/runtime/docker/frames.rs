//! What a container prints, as the API of Docker packs it: frames of eight bytes of header (the
//! stream, three zeros, the length, big-endian) and so many bytes.
//!
//! A log is read again and again from its beginning: what was passed on is left out by its length.
//! While somebody writes to it, its last frame may be half of one: it counts when it was read twice.

const HEADER: usize = 8;

/// What is known of a log, over all readings of it. By stream: stdout, stderr.
#[derive(Debug, Default)]
pub(super) struct Log {
    passed: [u64; 2],
    doubtful: Option<Frame>,
}

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    stream: usize,
    /// Where its stream was before it.
    at: u64,
    bytes: Vec<u8>,
}

/// What a reading came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Whole,
    /// Its end was not passed on: it has to be read once more.
    Doubtful,
    /// There is less of it than there was.
    Shortened,
}

impl Log {
    pub(super) fn read(&mut self) -> Reading<'_> {
        Reading { log: self, at: [0; 2], header: Vec::new(), left: None, frame: None, last: None }
    }

    fn pass(&mut self, frame: &Frame, take: impl FnOnce(&[u8])) {
        let passed = &mut self.passed[frame.stream];
        let known = passed.saturating_sub(frame.at);
        let known = usize::try_from(known).unwrap_or(usize::MAX).min(frame.bytes.len());
        if known < frame.bytes.len() {
            *passed += (frame.bytes.len() - known) as u64;
            take(&frame.bytes[known..]);
        }
    }

    fn has(&self, frame: &Frame) -> bool {
        frame.at + frame.bytes.len() as u64 <= self.passed[frame.stream]
    }
}

/// A log that is read from its beginning. One that is cut off is dropped.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    log: &'a mut Log,
    at: [u64; 2],
    header: Vec<u8>,
    /// Of the frame that is on its way.
    left: Option<usize>,
    frame: Option<Frame>,
    last: Option<Frame>,
}

impl Reading<'_> {
    /// Bytes as they come, cut anywhere.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let Some(left) = self.left else {
                let wanted = HEADER - self.header.len();
                let (head, rest) = bytes.split_at(wanted.min(bytes.len()));
                self.header.extend_from_slice(head);
                bytes = rest;
                self.begin();
                continue;
            };
            let (body, rest) = bytes.split_at(left.min(bytes.len()));
            bytes = rest;
            if let Some(frame) = &mut self.frame {
                frame.bytes.extend_from_slice(body);
            }
            self.left = (left > body.len()).then(|| left - body.len());
            if self.left.is_none() {
                self.whole(&mut take);
            }
        }
    }

    /// When the header is complete.
    fn begin(&mut self) {
        let &[stream, _, _, _, a, b, c, d] = self.header.as_slice() else { return };
        self.header.clear();
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > 0 {
            let stream = usize::from(stream == 2);
            self.frame = Some(Frame { stream, at: self.at[stream], bytes: Vec::new() });
            self.left = Some(length);
        }
    }

    /// What stands before another frame is in no doubt.
    fn whole(&mut self, take: &mut impl FnMut(&[u8])) {
        let Some(frame) = self.frame.take() else { return };
        self.at[frame.stream] += frame.bytes.len() as u64;
        if let Some(before) = self.last.replace(frame) {
            self.log.pass(&before, take);
        }
    }

    /// It was read to its end. `over`: nobody writes to it any more.
    pub(super) fn end(self, over: bool, take: impl FnOnce(&[u8])) -> Read {
        let Self { log, at, last, .. } = self;
        let doubtful = log.doubtful.take();
        if at.iter().zip(log.passed).any(|(at, passed)| *at < passed) {
            return Read::Shortened;
        }
        let Some(last) = last.filter(|last| !log.has(last)) else { return Read::Whole };
        if over || doubtful.as_ref() == Some(&last) {
            log.pass(&last, take);
            return Read::Whole;
        }
        log.doubtful = Some(last);
        Read::Doubtful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0], &length[..], text.as_bytes()].concat()
    }

    fn read(log: &mut Log, bytes: &[u8], cut: usize, over: bool) -> (String, Read) {
        let mut text = Vec::new();
        let mut reading = log.read();
        for part in bytes.chunks(cut) {
            reading.push(part, |new| text.extend_from_slice(new));
        }
        let read = reading.end(over, |new| text.extend_from_slice(new));
        (String::from_utf8(text).unwrap(), read)
    }

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let all = [frame(1, "one\n"), frame(2, "two"), frame(1, ""), frame(1, "three")].concat();
        for cut in 1..=all.len() {
            let mut log = Log::default();
            let (text, end) = read(&mut log, &all, cut, true);
            assert_eq!((text.as_str(), end), ("one\ntwothree", Read::Whole), "{cut}");
            assert_eq!(read(&mut log, &all, cut, true), (String::new(), Read::Whole), "{cut}");
            let mut log = Log { passed: [5, 3], doubtful: None };
            assert_eq!(read(&mut log, &all, cut, true).0, "hree", "{cut}");
        }
    }

    #[test]
    fn half_a_line_is_not_taken_for_a_whole_one() {
        let mut log = Log::default();
        let one = frame(1, "one\n");
        // A reader that comes upon half of a line ends it as if it were whole.
        let torn = [one.clone(), frame(1, "tw\n")].concat();
        let two = [one, frame(1, "two\n")].concat();
        assert_eq!(read(&mut log, &torn, 64, false), ("one\n".into(), Read::Doubtful));
        assert_eq!(read(&mut log, &two, 64, false), (String::new(), Read::Doubtful));
        assert_eq!(read(&mut log, &two, 64, false), ("two\n".into(), Read::Whole));
        assert_eq!(read(&mut log, &two, 64, false), (String::new(), Read::Whole));
        let three = [two, frame(1, "three")].concat();
        assert_eq!(read(&mut log, &three, 64, true), ("three".into(), Read::Whole));
    }

    #[test]
    fn a_log_that_was_shortened_is_told_from_one_that_is_whole() {
        let mut log = Log::default();
        let long = [frame(1, "one\n"), frame(1, "two\n")].concat();
        assert_eq!(read(&mut log, &long, 64, true).0, "one\ntwo\n");
        let short = frame(1, "new\n");
        assert_eq!(read(&mut log, &short, 64, true), (String::new(), Read::Shortened));
        assert_eq!(read(&mut log, &long, 64, true), (String::new(), Read::Whole));
    }
}
