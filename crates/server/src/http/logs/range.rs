//! `Range: bytes=` of captured output (RFC 9110, 14): one range; anything else is passed over, as
//! the standard says.

use axum::http::header::{ACCEPT_RANGES, CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use crate::captured::Chunk;

/// What of a log is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// From here to there, or to the end; the last byte is part of it.
    From(u64, Option<u64>),
    /// So many bytes of the end.
    Last(u64),
}

impl Range {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(RANGE)?.to_str().ok()?;
        let (first, last) = text.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // More than any log has is the same as its end.
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        if first.is_empty() {
            return number(last).map(Self::Last);
        }
        let first = number(first)?;
        if last.is_empty() {
            return Some(Self::From(first, None));
        }
        let last = number(last)?;
        (first <= last).then_some(Self::From(first, Some(last)))
    }

    /// Offset and length in a log of so many bytes. `None`: no byte of it is there.
    pub(super) fn within(self, total: u64) -> Option<(u64, u64)> {
        match self {
            Self::Last(count) if count > 0 && total > 0 => {
                let count = count.min(total);
                Some((total - count, count))
            }
            Self::From(first, last) if first < total => {
                let last = last.unwrap_or(u64::MAX).min(total - 1);
                Some((first, last - first + 1))
            }
            Self::Last(_) | Self::From(..) => None,
        }
    }

    /// Which bytes these are; `None`: that there are none of those wanted.
    pub(super) fn answered(chunk: &Chunk) -> (StatusCode, HeaderMap) {
        let (status, place) = match chunk.bytes.len() as u64 {
            0 => (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{}", chunk.total)),
            count => {
                let last = chunk.offset + count - 1;
                let place = format!("bytes {}-{last}/{}", chunk.offset, chunk.total);
                (StatusCode::PARTIAL_CONTENT, place)
            }
        };
        let mut headers = HeaderMap::new();
        if let Ok(place) = HeaderValue::from_str(&place) {
            headers.insert(CONTENT_RANGE, place);
        }
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        (status, headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Range> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(text).unwrap());
        Range::of(&headers)
    }

    #[test]
    fn one_range_is_understood_and_the_rest_passed_over() {
        assert_eq!(of("bytes=0-99"), Some(Range::From(0, Some(99))));
        assert_eq!(of("bytes=100-"), Some(Range::From(100, None)));
        assert_eq!(of("bytes=-5"), Some(Range::Last(5)));
        assert_eq!(of("bytes=5-99999999999999999999999"), Some(Range::From(5, Some(u64::MAX))));
        for other in
            ["bytes=", "bytes=-", "bytes=9-5", "bytes=0-1,4-5", "lines=1-2", "bytes=+1-2", "x"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_range_ends_where_the_log_does() {
        assert_eq!(Range::From(2, Some(3)).within(10), Some((2, 2)));
        assert_eq!(Range::From(2, None).within(10), Some((2, 8)));
        assert_eq!(Range::From(9, Some(u64::MAX)).within(10), Some((9, 1)));
        assert_eq!(Range::From(10, None).within(10), None);
        assert_eq!(Range::Last(4).within(10), Some((6, 4)));
        assert_eq!(Range::Last(40).within(10), Some((0, 10)));
        assert_eq!(Range::Last(0).within(10), None);
        assert_eq!(Range::Last(1).within(0), None);
    }
}
