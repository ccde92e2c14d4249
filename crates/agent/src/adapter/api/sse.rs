//! Server-sent events, as bytes arrive: only `data` matters, the events say their kind themselves.

/// No event of a model is longer.
const MAX_EVENT: usize = 8 << 20;

#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is too long")]
pub(super) struct TooLong;

impl Events {
    /// Gives the data of every event that is complete now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                byte => self.line.push(byte),
            }
        }
        match self.line.len() + self.data.len() > MAX_EVENT {
            true => Err(TooLong),
            false => Ok(events),
        }
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.data);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        if let Some(data) = line.strip_prefix(b"data:") {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_wherever_they_are_cut_and_however_lines_end() {
        let text =
            ": hello\nevent: a\ndata: one\ndata:two\n\ndata:\n\nid: 4\n\ndata: ü\n\ndata: cut";
        let expected = ["one\ntwo", "", "ü"].map(|event| event.as_bytes().to_vec());
        for text in [text.to_owned(), text.replace('\n', "\r\n"), text.replace('\n', "\r")] {
            for size in 1..=text.len() {
                let mut events = Events::default();
                let found: Vec<Vec<u8>> =
                    text.as_bytes().chunks(size).flat_map(|c| events.push(c).unwrap()).collect();
                assert_eq!(found, expected, "pieces of {size}");
            }
        }
    }

    #[test]
    fn an_event_without_an_end_is_not_held() {
        let mut events = Events::default();
        let piece = vec![b'x'; 1 << 20];
        let held = (0..20).find(|_| events.push(&piece).is_err());
        assert_eq!(held, Some(8));
    }
}
