//! The plain tar format, as far as backups need it: files only. Any `tar` can read what is written.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;
/// Names that do not fit into a header stand in an entry of their own.
const NAME: usize = 100;
const LONG_NAME: &str = "././@LongLink";
/// Longer names are no names of ours.
const LONGEST: u64 = 4096;

/// Writes one file. `from` has to give as many bytes as was said.
pub(super) fn write(
    out: &mut impl Write,
    name: &str,
    bytes: u64,
    from: &mut dyn Read,
) -> io::Result<()> {
    if name.len() > NAME {
        out.write_all(&header(LONG_NAME, name.len() as u64, b'L'))?;
        pour(out, &mut name.as_bytes(), name.len() as u64)?;
    }
    let end = name.floor_char_boundary(NAME);
    out.write_all(&header(&name[..end], bytes, b'0'))?;
    pour(out, from, bytes)
}

/// Two empty blocks say that nothing follows.
pub(super) fn finish(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

fn pour(out: &mut impl Write, from: &mut dyn Read, bytes: u64) -> io::Result<()> {
    let copied = io::copy(&mut from.take(bytes), out)?;
    if copied != bytes {
        let problem = format!("{copied} of {bytes} bytes were there");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, problem));
    }
    out.write_all(&[0; BLOCK][..padding(bytes)])
}

fn padding(bytes: u64) -> usize {
    let over = (bytes % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

fn header(name: &str, bytes: u64, kind: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000600");
    block[108..115].copy_from_slice(b"0000000");
    block[116..123].copy_from_slice(b"0000000");
    if bytes < 1 << 33 {
        block[124..135].copy_from_slice(format!("{bytes:011o}").as_bytes());
    } else {
        block[124] = 0x80;
        block[128..136].copy_from_slice(&bytes.to_be_bytes());
    }
    block[136..147].copy_from_slice(b"00000000000");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar  \0");
    let sum = checksum(&block);
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// With its own place counted as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let own = 148..156;
    let byte =
        |(place, byte): (usize, &u8)| u32::from(if own.contains(&place) { b' ' } else { *byte });
    block.iter().enumerate().map(byte).sum()
}

/// Gives every file to `take`, which has to read all of it.
pub(super) fn each<E: From<io::Error>>(
    mut from: impl Read,
    mut take: impl FnMut(&str, u64, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let broken = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
    let mut long: Option<String> = None;
    loop {
        let mut block = [0; BLOCK];
        from.read_exact(&mut block)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let sum = octal(&block[148..156]).ok_or_else(|| broken("a header has no checksum"))?;
        if sum != u64::from(checksum(&block)) {
            return Err(broken("the checksum of a header is wrong").into());
        }
        let bytes = size(&block[124..136]).ok_or_else(|| broken("a header has no size"))?;
        let mut content = (&mut from).take(bytes);
        match block[156] {
            b'L' if bytes <= LONGEST => {
                let mut name = String::new();
                content.read_to_string(&mut name)?;
                long = Some(name.trim_end_matches('\0').to_owned());
            }
            b'0' | 0 => {
                let short = block[..NAME].split(|byte| *byte == 0).next().unwrap_or_default();
                let short = std::str::from_utf8(short).map_err(|_| broken("a name is no text"))?;
                let name = long.take().unwrap_or_else(|| short.to_owned());
                take(&name, bytes, &mut content)?;
                if content.limit() > 0 {
                    return Err(broken("a file ends too early").into());
                }
            }
            _ => return Err(broken("it holds something that is no file").into()),
        }
        from.read_exact(&mut [0; BLOCK][..padding(bytes)])?;
    }
}

fn octal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

fn size(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        return Some(u64::from_be_bytes(field.get(4..12)?.try_into().ok()?));
    }
    octal(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, content) in files {
            write(&mut out, name, content.len() as u64, &mut &**content).unwrap();
        }
        finish(&mut out).unwrap();
        out
    }

    fn unpacked(tar: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        each(tar, |name, _, content| {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            files.push((name.to_owned(), bytes));
            Ok::<_, io::Error>(())
        })?;
        Ok(files)
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let long = "a/".repeat(120) + "end";
        let files: [(&str, &[u8]); 4] =
            [("empty", b""), ("one", b"1"), (&long, &[7; 513]), ("block", &[9; 512])];
        let found = unpacked(&packed(&files)).unwrap();
        let found: Vec<_> = found.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
        assert_eq!(found, files);
        assert_eq!(size(&header("x", 1 << 40, b'0')[124..136]), Some(1 << 40));
    }

    #[test]
    fn what_is_cut_short_or_changed_is_refused() {
        let tar = packed(&[("one", &[1; 700]), ("two", b"2")]);
        for cut in [100, 600, 1100, 1600, tar.len() - 1025] {
            assert!(unpacked(&tar[..cut]).is_err(), "{cut}");
        }
        let mut changed = tar.clone();
        changed[3] = b'x';
        assert!(unpacked(&changed).unwrap_err().to_string().contains("checksum"));
        let mut link = packed(&[("link", b"")]);
        link[156] = b'2';
        let sum = checksum(link[..512].try_into().unwrap());
        link[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(unpacked(&link).unwrap_err().to_string().contains("no file"));
        let short = write(&mut Vec::new(), "n", 5, &mut &b"abc"[..]).unwrap_err();
        assert_eq!(short.to_string(), "3 of 5 bytes were there");
    }
}
