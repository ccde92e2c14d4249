//! What a task mentions, as blocks for its prompt: read, measured, and cut to what there is room for.
//!
//! There is room for so many tokens in all and for each. What is cut first is the oldest, then
//! artifacts and files from the largest on; what is said in outputs, inputs and feedback is only ever
//! cut to the room of one. A cut keeps the beginning and the end, and the whole is laid beside the
//! work. Where even that does not do, the attempt fails with the sizes of all.

use api::agent::Block;
use api::link::Lay;
use blobs::Blobs;
use engine::desired::{Given, GivenText};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::files::Places;
use crate::identity::hex;

/// In tokens.
const ALL: u64 = 60_000;
const EACH: u64 = 12_000;
/// What is left of an old one, and of one of this run, when there is no room.
const OLD: u64 = 500;
const LEAST: u64 = 2_000;
/// Of an artifact that is looked at; larger ones are given as their size alone.
const MAX_BYTES: u64 = 8 << 20;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) blocks: Vec<Block>,
    pub(super) whole: Vec<Lay>,
    pub(super) sizes: Sizes,
}

/// What the context takes, in tokens as far as that can be said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sizes {
    pub(crate) tokens: u64,
    pub(crate) limit: u64,
    pub(crate) blocks: Vec<u64>,
}

/// One block on its way.
struct Piece {
    block: Block,
    /// How many runs ago.
    age: u64,
    /// An artifact or a file: something that can be read elsewhere.
    stored: bool,
    /// Where the whole is.
    digest: Option<String>,
    /// The whole of what was cut and is nowhere else.
    full: Option<String>,
}

/// Reads and fits everything. The error is for people.
pub(super) fn gather(given: &[Given], blobs: &Blobs, places: &Places) -> Result<Context, String> {
    let mut pieces = Vec::with_capacity(given.len());
    for one in given {
        let piece = read(one, blobs, places);
        pieces.push(piece.map_err(|problem| format!("`{}` {problem}", one.reference))?);
    }
    fit(&mut pieces)?;
    finish(pieces, blobs)
}

fn read(given: &Given, blobs: &Blobs, places: &Places) -> Result<Piece, String> {
    let Given { reference, source, age, .. } = given;
    let of = |bytes: Vec<u8>, stored: bool| {
        let sha256 = hex(&Sha256::digest(&bytes));
        let size = bytes.len() as u64;
        let (text, cut) = match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => (text, false),
            Ok(_) | Err(_) => (format!("(no text: {size} bytes)"), true),
        };
        let (reference, source) = (reference.clone(), source.clone());
        let block = Block { reference, source, sha256, bytes: size, text, cut };
        Piece { block, age: *age, stored, digest: None, full: None }
    };
    match &given.text {
        GivenText::Said(text) => Ok(of(text.clone().into_bytes(), false)),
        GivenText::File(path) => Ok(of(places.read(path)?, true)),
        GivenText::Stored { digest, bytes, format } => {
            let mut piece = if *bytes > MAX_BYTES {
                let mut piece = of(Vec::new(), true);
                piece.block.text = format!("({format}, {bytes} bytes: too large to be shown)");
                piece.block.cut = true;
                piece
            } else {
                of(content(blobs, digest)?, true)
            };
            piece.block.sha256.clone_from(digest);
            piece.block.bytes = *bytes;
            piece.digest = Some(digest.clone());
            Ok(piece)
        }
    }
}

fn content(blobs: &Blobs, digest: &str) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let failed = |problem: String| format!("cannot be read: {problem}");
    let file = blobs.open(digest).map_err(|error| failed(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

/// A token is about three and a half bytes; a tenth more, to be on the safe side.
fn tokens(bytes: usize) -> u64 {
    let bytes = bytes as u64;
    (bytes * 11).div_ceil(35)
}

fn bytes(tokens: u64) -> usize {
    usize::try_from(tokens * 35 / 11).unwrap_or(usize::MAX)
}

fn fit(pieces: &mut [Piece]) -> Result<(), String> {
    let sizes: Vec<(String, u64)> = pieces
        .iter()
        .map(|piece| (piece.block.reference.clone(), tokens(piece.block.text.len())))
        .collect();
    for piece in pieces.iter_mut() {
        cut(piece, EACH);
    }
    let mut order: Vec<usize> = (0..pieces.len()).filter(|ix| pieces[*ix].age > 0).collect();
    order.sort_by_key(|ix| std::cmp::Reverse(pieces[*ix].age));
    for ix in order {
        make_room(pieces, ix, OLD);
    }
    let mut order: Vec<usize> =
        (0..pieces.len()).filter(|ix| pieces[*ix].age == 0 && pieces[*ix].stored).collect();
    order.sort_by_key(|ix| std::cmp::Reverse(pieces[*ix].block.text.len()));
    for ix in order {
        make_room(pieces, ix, LEAST);
    }
    let all = total(pieces);
    if all <= ALL {
        return Ok(());
    }
    let each: Vec<String> =
        sizes.iter().map(|(reference, size)| format!("{reference} {size}")).collect();
    Err(format!(
        "the context is too large: about {all} tokens when all is cut that may be, and there is room \
         for {ALL}; in tokens: {}",
        each.join(", ")
    ))
}

fn total(pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| tokens(piece.block.text.len())).sum()
}

/// Cuts a piece by what is too much, but not below what has to be left of it.
fn make_room(pieces: &mut [Piece], ix: usize, least: u64) {
    let over = total(pieces).saturating_sub(ALL);
    if over == 0 {
        return;
    }
    let own = tokens(pieces[ix].block.text.len());
    cut(&mut pieces[ix], own.saturating_sub(over).max(least));
}

/// Keeps two thirds of the room for the beginning and one for the end, at ends of lines where there
/// are some.
fn cut(piece: &mut Piece, room: u64) {
    let text = &piece.block.text;
    if tokens(text.len()) <= room {
        return;
    }
    let place = place(&piece.block.reference);
    let mark = |left: usize| {
        format!("\n\n[... {left} bytes are left out here; the whole is in {place} ...]\n\n")
    };
    let keep = bytes(room).saturating_sub(mark(text.len()).len());
    let head = floor(text, keep / 3 * 2);
    let tail = ceil(text, text.len() - keep / 3);
    let head = text[..head].rfind('\n').filter(|end| *end > head / 2).unwrap_or(head);
    let start = text[tail..].find('\n').filter(|at| *at < (text.len() - tail) / 2);
    let tail = start.map_or(tail, |at| tail + at + 1);
    let shorter: String = format!("{}{}{}", &text[..head], mark(tail - head), &text[tail..]);
    let longer = std::mem::replace(&mut piece.block.text, shorter);
    if piece.digest.is_none() && piece.full.is_none() {
        piece.full = Some(longer);
    }
    piece.block.cut = true;
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Where the whole of a reference is laid, in words for the agent. A file lies where it is.
fn place(reference: &str) -> String {
    match reference.strip_prefix("@file:") {
        Some(path) => format!("`{path}`"),
        None => format!("`.orchestrate/context/{}`", name(reference)),
    }
}

fn name(reference: &str) -> &str {
    reference.trim_start_matches('@')
}

fn finish(pieces: Vec<Piece>, blobs: &Blobs) -> Result<Context, String> {
    let sizes = Sizes {
        tokens: total(&pieces),
        limit: ALL,
        blocks: pieces.iter().map(|piece| tokens(piece.block.text.len())).collect(),
    };
    let mut whole = Vec::new();
    for piece in &pieces {
        let in_place = piece.block.reference.starts_with("@file:");
        if !piece.block.cut || in_place {
            continue;
        }
        let digest = match (&piece.digest, &piece.full) {
            (Some(digest), _) => digest.clone(),
            (None, Some(full)) => {
                let stored = blobs.put(full.as_bytes(), u64::MAX);
                stored.map_err(|error| format!("context cannot be stored: {error}"))?.digest
            }
            (None, None) => continue,
        };
        whole.push(Lay { path: name(&piece.block.reference).to_owned(), digest });
    }
    Ok(Context { blocks: pieces.into_iter().map(|piece| piece.block).collect(), whole, sizes })
}

#[cfg(test)]
mod tests;
