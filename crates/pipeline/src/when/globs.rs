//! Patterns of branches, paths and environments.

use std::sync::{Arc, OnceLock};

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns in the order written; a leading `!` excludes what an earlier one matched.
///
/// `*` and `?` stay within a segment, `**` crosses `/`, `[a-z]` and `{a,b}` as usual. The last
/// pattern that matches decides. A list that starts with `!` excludes from everything.
#[derive(Clone, Debug)]
pub struct Globs {
    /// As written.
    pub patterns: Vec<String>,
    set: Arc<Set>,
    /// Of each glob of the set, the place of its pattern.
    places: Arc<[usize]>,
}

/// What matches. Compiling is most of the cost of a condition, so it waits for the first text: a
/// definition with thousands of conditions is checked without it.
#[derive(Debug)]
struct Set {
    globs: Vec<Glob>,
    compiled: OnceLock<GlobSet>,
}

/// Bytes of patterns up to which compiling cannot fail: a longer list is compiled at once, and its
/// failure told.
const SURE: usize = 1024;

/// At most so many globs stand for one pattern.
const MOST: usize = 32;

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a pattern: {problem}")]
pub struct GlobError {
    /// Its place in the list, from 0.
    pub index: usize,
    pub pattern: String,
    pub problem: String,
}

impl Globs {
    pub fn new(patterns: Vec<String>) -> Result<Self, GlobError> {
        let mut read = Vec::new();
        let mut places = Vec::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let error = |problem: String| GlobError { index, pattern: pattern.clone(), problem };
            let positive = pattern.strip_prefix('!').unwrap_or(pattern);
            if positive.is_empty() {
                return Err(error("it is empty".to_owned()));
            }
            let globs = spread(positive).ok_or_else(|| error("too many `**`".to_owned()))?;
            for glob in globs {
                let glob = GlobBuilder::new(&glob)
                    .literal_separator(true)
                    .build()
                    .map_err(|cause| error(cause.kind().to_string()))?;
                read.push(glob);
                places.push(index);
            }
        }
        let set = Set { globs: read, compiled: OnceLock::new() };
        if patterns.iter().map(String::len).sum::<usize>() > SURE {
            let compiled = set.compile().map_err(|cause| GlobError {
                index: 0,
                pattern: patterns.join(", "),
                problem: cause.kind().to_string(),
            })?;
            set.compiled.get_or_init(|| compiled);
        }
        Ok(Self { patterns, set: Arc::new(set), places: Arc::from(places) })
    }

    pub fn matches(&self, text: &str) -> bool {
        self.decide(&mut Vec::new(), text)
    }

    /// How many of `texts` match.
    pub fn count<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> usize {
        let mut matched = Vec::new();
        texts.into_iter().filter(|text| self.decide(&mut matched, text)).count()
    }

    fn decide(&self, matched: &mut Vec<usize>, text: &str) -> bool {
        self.set.compiled().matches_into(text, matched);
        match matched.iter().max() {
            Some(&last) => !self.patterns[self.places[last]].starts_with('!'),
            None => self.patterns.first().is_some_and(|first| first.starts_with('!')),
        }
    }
}

impl Set {
    fn compile(&self) -> Result<GlobSet, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for glob in &self.globs {
            set.add(glob.clone());
        }
        set.build()
    }

    fn compiled(&self) -> &GlobSet {
        // A short list that did not compile would match nothing; a test holds that there is none.
        self.compiled.get_or_init(|| self.compile().unwrap_or_else(|_| GlobSet::empty()))
    }
}

/// `**` beside other characters (`**.md`, `a**`) crosses `/` too, which a glob only does for a
/// `**` that stands alone: `a**b` is `a*b` or `a*/**/*b`. `None` when that makes too many.
fn spread(pattern: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(pattern) = todo.pop() {
        let beside = pattern.match_indices("**").map(|(at, _)| at).find(|&at| {
            let (left, right) = (&pattern[..at], &pattern[at + 2..]);
            !(left.is_empty() || left.ends_with('/'))
                || !(right.is_empty() || right.starts_with('/'))
        });
        match beside {
            None => done.push(pattern),
            Some(at) => {
                let (left, right) = (&pattern[..at], &pattern[at + 2..]);
                todo.push(format!("{left}*{right}"));
                todo.push(format!("{left}*/**/*{right}"));
            }
        }
        if done.len() + todo.len() > MOST {
            return None;
        }
    }
    Some(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_short_list_is_too_large_to_compile() {
        for unit in ["?", "*", "[!a-z]", "{a,b*}", "é", "**a", "a/**/b", "a**b**c**d**e**f"] {
            // What stands alone may be repeated at will; each `**` beside it doubles the globs.
            let times = if unit.contains('*') { 1 } else { SURE / unit.len() };
            let one = unit.repeat(times);
            let globs = Globs::new(vec![one.clone(); SURE / one.len()]).unwrap();
            assert!(globs.set.compile().is_ok(), "{unit}");
        }
    }
}
