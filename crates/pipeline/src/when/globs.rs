//! Patterns of branches, paths and environments.

use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Patterns in the order written; a leading `!` excludes what an earlier one matched.
///
/// `*` and `?` stay within a segment, `**` crosses `/`, `[a-z]` and `{a,b}` as usual. The last
/// pattern that matches decides. A list that starts with `!` excludes from everything.
#[derive(Clone, Debug)]
pub struct Globs {
    /// As written.
    pub patterns: Vec<String>,
    set: Arc<GlobSet>,
}

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
        let mut set = GlobSetBuilder::new();
        for (index, pattern) in patterns.iter().enumerate() {
            let error = |problem: String| GlobError { index, pattern: pattern.clone(), problem };
            let positive = pattern.strip_prefix('!').unwrap_or(pattern);
            if positive.is_empty() {
                return Err(error("it is empty".to_owned()));
            }
            let glob = GlobBuilder::new(positive)
                .literal_separator(true)
                .build()
                .map_err(|cause| error(cause.kind().to_string()))?;
            set.add(glob);
        }
        let set = set.build().map_err(|cause| GlobError {
            index: 0,
            pattern: patterns.join(", "),
            problem: cause.kind().to_string(),
        })?;
        Ok(Self { patterns, set: Arc::new(set) })
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
        self.set.matches_into(text, matched);
        match matched.iter().max() {
            Some(&last) => !self.patterns[last].starts_with('!'),
            None => self.patterns.first().is_some_and(|first| first.starts_with('!')),
        }
    }
}
