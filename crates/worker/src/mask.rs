//! Secrets are taken out of whatever an attempt says, by value.
//!
//! Every occurrence of a secret's value becomes `***`, also where it is cut in two by a read, where
//! it stands in base64 (at any of the three alignments) or percent-encoded, and each line of a
//! secret of several lines by itself. Values shorter than [`SHORTEST`] bytes are not masked: they
//! occur by chance, and masking them would tear up the log and give the value away.

use aho_corasick::AhoCorasick;

/// In bytes.
pub(crate) const SHORTEST: usize = 4;
/// A line of a longer secret counts by itself from this length on; so does an encoded form.
const SHORTEST_PART: usize = 8;
const MASK: &[u8] = b"***";

/// What to look for.
#[derive(Debug, Default)]
pub struct Masks {
    finder: Option<AhoCorasick>,
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

impl Masks {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns: Vec<Vec<u8>> = secrets.into_iter().flat_map(forms).collect();
        patterns.sort();
        patterns.dedup();
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        // Building fails only beyond 2^31 states; then nothing may pass unmasked.
        let finder = match patterns.is_empty() {
            true => None,
            false => AhoCorasick::new(&patterns).ok(),
        };
        if finder.is_none() && !patterns.is_empty() {
            patterns = vec![Vec::new()];
        }
        Self { finder, patterns, longest }
    }

    /// The whole of a text.
    pub fn text(&self, text: &str) -> String {
        let mut out = Vec::with_capacity(text.len());
        let mut stream = Stream::default();
        stream.push(self, text.as_bytes(), &mut out);
        stream.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The first place from which on `bytes` may be the beginning of a secret.
    fn doubtful_from(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len())
            .find(|&at| {
                let rest = &bytes[at..];
                self.patterns.iter().any(|p| p.len() > rest.len() && p.starts_with(rest))
            })
            .unwrap_or(bytes.len())
    }
}

/// Masks a stream that arrives in pieces. Holds back only bytes that may be the beginning of a
/// secret, until it is clear whether they are, or until the end.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    held: Vec<u8>,
    /// So many of the held bytes belong to a secret whose mask has been given out.
    covered: usize,
}

impl Stream {
    pub(crate) fn push(&mut self, masks: &Masks, bytes: &[u8], out: &mut Vec<u8>) {
        if masks.is_empty() {
            out.extend_from_slice(bytes);
            return;
        }
        self.held.extend_from_slice(bytes);
        let Some(finder) = &masks.finder else {
            out.extend_from_slice(MASK);
            self.held.clear();
            return;
        };
        let mut secret: Vec<(usize, usize)> =
            finder.find_overlapping_iter(&self.held).map(|m| (m.start(), m.end())).collect();
        secret.sort_unstable();
        let clear = masks.doubtful_from(&self.held);
        let mut at = self.covered.min(clear);
        let mut masked_to = self.covered;
        for (start, end) in secret {
            if start >= clear {
                break;
            }
            if start >= masked_to {
                out.extend_from_slice(&self.held[at..start]);
                out.extend_from_slice(MASK);
            }
            masked_to = masked_to.max(end);
            at = masked_to.min(clear);
        }
        out.extend_from_slice(&self.held[at..clear]);
        self.covered = masked_to.saturating_sub(clear);
        self.held.drain(..clear);
    }

    /// Nothing follows: what was held back is not the whole of a secret.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.held[self.covered.min(self.held.len())..]);
        self.held.clear();
        self.covered = 0;
    }
}

/// Whether a secret stands anywhere in a stream that arrives in pieces.
#[derive(Debug, Default)]
pub(crate) struct Search {
    held: Vec<u8>,
    found: bool,
}

impl Search {
    pub(crate) fn push(&mut self, masks: &Masks, bytes: &[u8]) {
        if masks.is_empty() || self.found {
            return;
        }
        self.held.extend_from_slice(bytes);
        // One that cannot look must not let anything pass.
        self.found = masks.finder.as_ref().is_none_or(|finder| finder.is_match(&self.held));
        let kept = masks.longest.saturating_sub(1).min(self.held.len());
        self.held.drain(..self.held.len() - kept);
    }

    pub(crate) fn found(&self) -> bool {
        self.found
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let whole = secret.trim_end_matches(['\r', '\n']);
    let mut forms = Vec::new();
    if whole.len() < SHORTEST {
        return forms;
    }
    forms.push(whole.as_bytes().to_vec());
    if whole.contains('\n') {
        let lines = whole.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PART);
        forms.extend(lines.map(|line| line.as_bytes().to_vec()));
    }
    let url = percent_encoded(whole);
    if url != whole {
        forms.push(url.into_bytes());
    }
    if let Ok(json) = serde_json::to_string(whole) {
        let inner = &json[1..json.len() - 1];
        if inner != whole {
            forms.push(inner.as_bytes().to_vec());
        }
    }
    for table in [STANDARD, URL_SAFE] {
        let aligned = (0..3).map(|shift| base64_core(whole.as_bytes(), shift, table));
        forms.extend(aligned.filter(|core| core.len() >= SHORTEST_PART));
    }
    forms
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The base64 digits that depend on `bytes` alone when `shift` other bytes stand before them.
fn base64_core(bytes: &[u8], shift: usize, table: &[u8; 64]) -> Vec<u8> {
    let bit = |n: usize| bytes[n / 8] >> (7 - n % 8) & 1;
    let first = (shift * 8).div_ceil(6);
    let end = (shift + bytes.len()) * 8 / 6;
    (first..end)
        .map(|digit| {
            let start = digit * 6 - shift * 8;
            let value = (start..start + 6).fold(0, |value, n| value << 1 | bit(n));
            table[usize::from(value)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_pieces(masks: &Masks, pieces: &[&str]) -> String {
        let mut out = Vec::new();
        let mut stream = Stream::default();
        for piece in pieces {
            stream.push(masks, piece.as_bytes(), &mut out);
        }
        stream.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is_cut() {
        let masks = Masks::new(["hunter2hunter"]);
        let text = "a hunter2hunter b hunter2 hunter2hunterhunter2hunter.";
        for cut in 0..=text.len() {
            for second in cut..=text.len() {
                let pieces = [&text[..cut], &text[cut..second], &text[second..]];
                assert_eq!(in_pieces(&masks, &pieces), "a *** b hunter2 ******.");
            }
        }
    }

    #[test]
    fn a_secret_is_found_wherever_it_is_cut() {
        let masks = Masks::new(["hunter2hunter"]);
        let text = b"a hunter2 b hunter2hunter c";
        for size in 1..=text.len() {
            let (mut search, mut other) = (Search::default(), Search::default());
            for piece in text.chunks(size) {
                search.push(&masks, piece);
                other.push(&masks, &piece.to_ascii_uppercase());
            }
            assert!(search.found() && !other.found(), "in pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_held_back_that_cannot_become_a_secret() {
        let masks = Masks::new(["hunter2hunter"]);
        let mut out = Vec::new();
        let mut stream = Stream::default();
        stream.push(&masks, b"Password: ", &mut out);
        assert_eq!(out, b"Password: ");
        stream.push(&masks, b"hun", &mut out);
        assert_eq!(out, b"Password: ");
        stream.push(&masks, b"gry", &mut out);
        assert_eq!(out, b"Password: hungry");
    }

    #[test]
    fn overlapping_secrets_leave_no_rest() {
        let masks = Masks::new(["abcdXY", "XYefgh"]);
        let text = "-abcdXYefgh- -abcdXY- -XYefgh-";
        for cut in 0..=text.len() {
            let out = in_pieces(&masks, &[&text[..cut], &text[cut..]]);
            for leaked in ["abcd", "efgh", "XY"] {
                assert!(!out.contains(leaked), "cut at {cut}: {out}");
            }
        }
    }

    #[test]
    fn encoded_forms_are_masked_at_every_alignment() {
        let masks = Masks::new(["s3cr3t/va+lue"]);
        // Base64 of `u:s3cr3t/va+lue`, `us:...` and the value alone.
        for text in ["dTpzM2NyM3QvdmErbHVl", "dXM6czNjcjN0L3ZhK2x1ZQ==", "czNjcjN0L3ZhK2x1ZQ=="] {
            let out = masks.text(text);
            assert!(out.contains("***"), "{text} -> {out}");
            assert!(out.len() <= 11, "{text} -> {out}");
        }
        assert_eq!(masks.text("x=s3cr3t%2Fva%2Blue"), "x=***");
    }

    #[test]
    fn lines_of_a_long_secret_are_masked_one_by_one() {
        let masks = Masks::new(["-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDD\n"]);
        assert_eq!(masks.text("  AAAABBBBCCCC"), "  ***");
    }

    #[test]
    fn a_value_of_three_bytes_is_left_alone() {
        assert_eq!(Masks::new(["yes"]).text("yes, yes"), "yes, yes");
        assert_eq!(Masks::new(["yess"]).text("yess, yes"), "***, yes");
    }
}
