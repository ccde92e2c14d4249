//! Base64 (RFC 4648), as plugins use it for bytes in JSON.

/// `None` when it is not that. Line breaks are passed over, padding may be left out.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches(['=', '\n', '\r']);
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0);
    for c in text.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\n' | b'\r' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    // A single letter at the end says less than a byte.
    (count < 6).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn what_the_standard_shows() {
        let all = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9v\nYmFy"];
        let made = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        for (text, wanted) in all.iter().zip(made) {
            assert_eq!(decode(text).as_deref(), Some(wanted.as_bytes()), "{text}");
        }
        assert_eq!(decode("AP8"), Some(vec![0, 0xff]));
        for wrong in ["Z", "Zm9vY", "a b", "\u{e4}"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
