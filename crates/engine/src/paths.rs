//! Whether what two tasks declare to change may be one and the same file.
//!
//! Two patterns overlap unless they are provably apart. A pattern names what it matches and
//! everything below that. `*` and `?` stay within a segment, `**` crosses `/`; from the first
//! `{`, `[`, `\` or `**` beside other characters on, a pattern may name anything.

/// Whether a pattern of one list may name what a pattern of the other names. An empty list names
/// nothing.
pub fn overlap(one: &[String], other: &[String]) -> bool {
    one.iter().any(|one| other.iter().any(|other| meet(one, other)))
}

/// A segment of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'p> {
    /// Any number of segments.
    Many,
    One(&'p str),
    /// One that begins so.
    Begins(&'p str),
}

fn meet(one: &str, other: &str) -> bool {
    let (one, other) = (pieces(one), pieces(other));
    let many = |piece: &Piece<'_>| *piece == Piece::Many;
    // What is left of the other lies below.
    let done = |left: usize, right: usize| left == 0 || right == 0;
    walk(&one, &other, many, |one, other| segments_meet(*one, *other), done)
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for segment in pattern.split('/') {
        match segment {
            "" | "." => {}
            "**" => pieces.push(Piece::Many),
            // It leads out of where it stands.
            ".." => return vec![Piece::Many],
            // What excludes says nothing about what is meant.
            _ if pieces.is_empty() && segment.starts_with('!') => return vec![Piece::Many],
            segment => match wild(segment) {
                None => pieces.push(Piece::One(segment)),
                Some(at) => {
                    pieces.extend([Piece::Begins(&segment[..at]), Piece::Many]);
                    return pieces;
                }
            },
        }
    }
    pieces
}

/// Where it begins to be more than `*` and `?` within the segment.
fn wild(segment: &str) -> Option<usize> {
    segment.find(['{', '[', '\\']).into_iter().chain(segment.find("**")).min()
}

fn segments_meet(one: Piece<'_>, other: Piece<'_>) -> bool {
    let letters = |piece: Piece<'_>| match piece {
        Piece::Many => vec!['*'],
        Piece::One(text) => text.chars().collect(),
        Piece::Begins(text) => text.chars().chain(['*']).collect(),
    };
    if let (Piece::One(one), Piece::One(other)) = (one, other)
        && !one.contains(['*', '?'])
        && !other.contains(['*', '?'])
    {
        return one == other;
    }
    let same = |one: &char, other: &char| one == other || *one == '?' || *other == '?';
    let done = |left: usize, right: usize| left == 0 && right == 0;
    walk(&letters(one), &letters(other), |letter| *letter == '*', same, done)
}

/// Whether two sequences, in each of which a `many` stands for any number of things, can come to
/// an end together: `done` is told how much is left of each.
fn walk<T>(
    one: &[T],
    other: &[T],
    many: impl Fn(&T) -> bool,
    same: impl Fn(&T, &T) -> bool,
    done: impl Fn(usize, usize) -> bool,
) -> bool {
    let wide = other.len() + 1;
    let mut reached = vec![false; (one.len() + 1) * wide];
    reached[0] = true;
    for at in 0..reached.len() {
        if !reached[at] {
            continue;
        }
        let (row, column) = (at / wide, at % wide);
        if done(one.len() - row, other.len() - column) {
            return true;
        }
        let (left, right) = (one.get(row), other.get(column));
        if left.is_some_and(&many) || right.is_some_and(&many) {
            // Of the two, either one goes on alone; whatever is before it is taken by the `many`.
            if left.is_some() {
                reached[at + wide] = true;
            }
            if right.is_some() {
                reached[at + 1] = true;
            }
        }
        if let (Some(left), Some(right)) = (left, right)
            && same(left, right)
        {
            reached[at + wide + 1] = true;
        }
    }
    false
}
